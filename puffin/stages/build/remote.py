"""A build on another machine: the tree as bytes, the other inputs, and the handling of the result."""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

from puffin import meter
from puffin.artifact.artifact import SDIST, Artifact
from puffin.artifact.urls import is_file_url, strip_credentials
from puffin.cache.atomic import remove_tree, write
from puffin.cache.layout import Cache
from puffin.errors import Cause, PuffinError
from puffin.stages.build import kept
from puffin.stages.build.failures import BuildFailed, log_tail
from puffin.stages.build.job import KEPT, LACKS, WHEEL, BuildOrder, HookAnswer
from puffin.stages.build.remote_here import ERROR, UNREACHABLE, Sent, pack, unpacked_wire
from puffin.stages.build.task import Build
from puffin.value import astuple, from_tuple, replace

Brings = tuple[tuple[tuple[Any, ...], bytes], ...]


EVERYTHING = ":all:"
_LEFT_OUT = ("__pycache__", ".tox", ".nox")
_MARKS = ("pyvenv.cfg", "CACHEDIR.TAG")  # of environments and of caches


class BadAnswer(PuffinError):
    """A worker answered with a wheel that is not the one it speaks of."""

    sentence = "Failed to build `{package}`: the answer of the worker `{worker}` {reason}"
    worker: str
    reason: str


class SentBuild(Build):
    """A build whose work *send* has done elsewhere; what comes back is checked and kept as if it were built here.

    *send* takes what is sent, packed, and returns who answered and the answer. *recall* returns the same for a build
    that a worker keeps under a name, None if there is none. *brings* returns the pinned
    distributions of the build environment, given which servers' files have to be brought as bytes. ``unreachable`` is
    that set, shared by all builds; with ``:all:`` in it, workers fetch nothing.
    """

    def __init__(
        self,
        order: BuildOrder,
        source: "tuple[str, str, tuple[Any, ...]]",
        cache: "Cache",
        *,
        key: str,
        requires: tuple[str, ...],
        python: "tuple[Any, ...]",
        brings: "Callable[[set[str]], Brings]",
        send: "Callable[[bytes], tuple[str, bytes]]",
        recall: "Callable[[str, bytes], tuple[str, bytes] | None]",
        unreachable: "set[str]",
        trusted_hosts: tuple[str, ...] = (),
        offline: bool = False,
    ) -> None:
        super().__init__(order, source, cache, f"remote-{key}", requires)
        self._python_wanted = python
        self._brings = brings
        self._send = send
        self._recall = recall
        self._unreachable = unreachable
        self._trusted_hosts = trusted_hosts
        self._offline = offline

    def _built(self) -> "tuple[Any, ...]":
        known = self._recalled()
        if known is not None:
            meter.found(meter.HIT)
            return known
        meter.found(meter.MISS)
        while True:
            brought = frozenset(self._unreachable)  # another build may add to it meanwhile
            sent = pack(astuple(self._sent()))
            worker, packed = self._send(sent)
            meter.count(taken=len(packed), given=len(sent))
            answer, cpu = unpacked_wire(packed)
            meter.spent(cpu)
            if answer[0] != UNREACHABLE:
                return self._taken(worker, answer)
            server = server_of(answer[1])
            if server in brought:
                raise BadAnswer(
                    package=self._order.package, worker=worker, reason="lacks a file that was brought"
                )
            self._unreachable.add(server)

    def _recalled(self) -> "tuple[Any, ...] | None":
        """Return what a worker has kept of an earlier build of the same, perhaps for another machine than this one."""
        source = from_tuple(Artifact, self._source()[0])
        name = f"{kept.revision_of(source)}/{self._order.settings}"
        order = replace(self._order, artifact=astuple(self._artifact))
        found = self._recall(name, pack((astuple(order), self._python_wanted, name)))
        if found is None:
            return None
        worker, packed = found
        meter.count(taken=len(packed))
        answer = self._taken(worker, unpacked_wire(packed))
        return (KEPT, *answer[1:]) if answer[0] == WHEEL else answer

    def _sent(self) -> Sent:
        return Sent(
            order=astuple(self._order),
            system=self._system,
            source=self._source(),
            brings=self._brings(self._unreachable),
            python=self._python_wanted,
            requires=self._requires,
            trusted_hosts=self._trusted_hosts,
            offline=self._offline,
        )

    def _source(self) -> "tuple[tuple[Any, ...], bytes]":
        """Return the source by URL and hash, or, where only this machine sees it, its bytes; a tree as an archive."""
        artifact = replace(self._artifact, direct_url="", yanked=None, source="")
        if artifact.kind == SDIST:
            sha256 = kept.hash_of(self._path)
            artifact = replace(artifact, hashes=(f"sha256:{sha256}",), size=0)
            if not _is_brought(artifact, self._unreachable):
                return astuple(artifact), b""
            with open(self._path, "rb") as file:
                return astuple(replace(artifact, url="")), file.read()
        data, sha256 = pack_tree(self._path)
        filename = f"{artifact.name}-source.tar.gz"
        return astuple(
            replace(artifact, kind=SDIST, url="", filename=filename, hashes=(f"sha256:{sha256}",), size=0)
        ), data

    def _taken(self, worker: str, answer: "tuple[Any, ...]") -> "tuple[Any, ...]":
        if answer[0] == ERROR:
            raise self._failed(worker, answer[1], answer[2])
        if answer[0] == LACKS:
            return LACKS, tuple(answer[1])
        room = self._cache.temporary("-remote")
        os.mkdir(room)
        try:
            if answer[0] == WHEEL:
                *wheel, shared = answer[1:]
                self._order = replace(self._order, alone=self._order.alone or not shared)
                return self._keep(HookAnswer(wheel=self._written(room, worker, *wheel)))
            write(f"{room}/METADATA", answer[1])
            return self._keep(HookAnswer(metadata=f"{room}/METADATA"))
        finally:
            remove_tree(room)

    def _written(self, room: str, worker: str, filename: str, sha256: str, data: bytes) -> str:
        if os.path.basename(filename) != filename or not filename.endswith(".whl"):
            raise BadAnswer(package=self._order.package, worker=worker, reason="is not a wheel")
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BadAnswer(
                package=self._order.package, worker=worker, reason="does not have the hash that it declares"
            )
        write(f"{room}/{filename}", data)
        return f"{room}/{filename}"

    def _failed(self, worker: str, error: PuffinError, log: bytes) -> PuffinError:
        """Return the error of a worker as one of this machine, where its log is then."""
        error.package = error.package or self._order.package
        if isinstance(error, BuildFailed):
            error.log = ""
            if log:
                write(f"{self._entry}.log", log)
                error.log = f"{self._entry}.log"
                error.tail = log_tail(error.log)
                meter.logged(error.log)
        error.causes = (*error.causes, Cause(text=f"it was built by the worker `{worker}`"))
        return error


def _is_brought(artifact: Artifact, unreachable: "set[str]") -> bool:
    """Tell whether a worker gets the bytes of an artifact, and not its URL."""
    return is_file_url(artifact.url) or EVERYTHING in unreachable or server_of(artifact.url) in unreachable


def server_of(url: str) -> str:
    """Return scheme and host of *url*, without credentials."""
    scheme, _, rest = strip_credentials(url).partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def brought(
    artifact: Artifact, unreachable: "set[str]", fetch: "Callable[[Artifact], bytes]"
) -> "tuple[Any, ...]":
    """Return a wheel for sending: its URL, or its bytes from *fetch* if workers cannot reach it."""
    plain = replace(artifact, direct_url="", yanked=None)
    if not _is_brought(artifact, unreachable):
        return astuple(plain), b""
    data = fetch(artifact)
    sha256 = hashlib.sha256(data).hexdigest()
    return astuple(replace(plain, url="", hashes=(f"sha256:{sha256}",))), data


def built_before(artifact: Artifact, built: "tuple[str, str, str, str]") -> "tuple[Any, ...]":
    """Return a build requirement that was itself built, ``(WHEEL, path, file name, sha256)``, for sending."""
    _, path, filename, sha256 = built
    with open(path, "rb") as file:
        data = file.read()
    plain = replace(
        artifact, kind="wheel", url="", filename=filename, hashes=(f"sha256:{sha256}",), source=f"built/{sha256[:16]}",
        direct_url="", size=0,
    )  # fmt: skip
    return astuple(plain), data


def pack_tree(root: str) -> "tuple[bytes, str]":
    """Return the tree at *root* as ``.tar.gz`` and its SHA-256, hexadecimal; the same for the same tree.

    Left out are environments and caches, and what is neither file, directory nor link. A link that leads out of the
    tree goes as what it leads to. Raises OSError.
    """
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, name in _entries(os.path.realpath(root)):
            _add(archive, path, f"source/{name}")
    data = out.getvalue()
    return data, hashlib.sha256(data).hexdigest()


def _entries(root: str) -> "Iterator[tuple[str, str]]":
    """Yield the path and the name in the archive of all that is in *root*, parents first, sorted."""
    stack: list[tuple[str, str, tuple[str, ...]]] = [(root, "", (root,))]
    while stack:
        directory, name, above = stack.pop()
        inner: list[tuple[str, str, tuple[str, ...]]] = []
        for each in sorted(os.listdir(directory)):
            path, within = f"{directory}/{each}", f"{name}/{each}" if name else each
            leads_out = os.path.islink(path) and not _is_inside(path, root)
            path = os.path.realpath(path) if leads_out else path
            if os.path.islink(path) or not os.path.isdir(path):
                yield path, within
            elif each not in _LEFT_OUT and not _is_marked(path) and path not in above:
                yield path, within
                inner.append((path, within, (*above, path)))
        stack += reversed(inner)


def _is_inside(link: str, root: str) -> bool:
    """Tell whether a link may travel: it is relative, and stays in the tree."""
    return not os.path.isabs(os.readlink(link)) and os.path.realpath(link).startswith(root + os.sep)


def _is_marked(directory: str) -> bool:
    return any(os.path.exists(f"{directory}/{mark}") for mark in _MARKS)


def _add(archive: tarfile.TarFile, path: str, name: str) -> None:
    try:
        member = archive.gettarinfo(path, name)
    except FileNotFoundError:
        return  # a link that leads nowhere
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = int(member.mtime)
    if member.islnk():  # of one that is perhaps left out
        member.type, member.linkname = tarfile.REGTYPE, ""
        member.size = os.stat(path).st_size
    if member.isreg():
        with open(path, "rb") as file:
            archive.addfile(member, file)
    else:
        archive.addfile(member)
