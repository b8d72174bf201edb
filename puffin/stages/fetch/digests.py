"""Digests: which algorithms to compute for pinned hashes, and whether they match."""

from collections.abc import Iterable

from puffin.artifact.artifact import STRENGTH, algorithm_of, strongest_of
from puffin.artifact.urls import mask
from puffin.stages.fetch.failures import HashMismatch

Groups = tuple[tuple[str, ...], ...]

_CHUNK = 1 << 20  # bytes


class Hashers:
    """Running digests over the same bytes: sha256 always, and the algorithms that *groups* need."""

    def __init__(self, groups: "Groups") -> None:
        import hashlib  # it loads OpenSSL: 2 ms

        names = {"sha256"}
        names.update(strongest_of(group) for group in groups)
        names.discard("")
        self._running = {name: hashlib.new(name, usedforsecurity=False) for name in sorted(names)}
        self._updates = [running.update for running in self._running.values()]

    def update(self, data: "memoryview | bytes | bytearray") -> None:
        for update in self._updates:
            update(data)

    @property
    def sha256(self) -> str:
        """The sha256 so far, in hexadecimal."""
        return self._running["sha256"].hexdigest()

    def computed(self) -> tuple[str, ...]:
        """Return all digests so far as ``"algorithm:hex"``, strongest first."""
        names = [name for name in STRENGTH if name in self._running]
        return tuple([f"{name}:{self._running[name].hexdigest()}" for name in names])

    def broken(self, groups: "Groups") -> "Groups":
        """Return the groups that do not hold.

        A group holds if one of its digests of its strongest known algorithm matches; an empty group holds,
        one with no algorithm that is known does not.
        """
        mine = self.computed()
        return tuple([group for group in groups if group and not _holds(group, mine)])

    def check(self, groups: "Groups", filename: str, url: str, *hints: str) -> None:
        """Raise :class:`HashMismatch` unless all groups hold."""
        if broken := self.broken(groups):
            expected = tuple(dict.fromkeys([digest for group in broken for digest in group]))
            raise HashMismatch(
                filename=filename, url=mask(url), expected=expected, computed=self.computed(), hints=hints
            )


def digests_of_file(path: str, groups: "Groups") -> Hashers:
    """Return the digests of the file at *path* that *groups* need. Raises OSError."""
    hashers = Hashers(groups)
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            hashers.update(chunk)
    return hashers


def _holds(group: "Iterable[str]", computed: tuple[str, ...]) -> bool:
    strongest = strongest_of(group)
    return any(_normal(digest) in computed for digest in group if algorithm_of(digest) == strongest)


def _normal(digest: str) -> str:
    return f"{algorithm_of(digest)}:{digest.partition(':')[2].strip().lower()}"
