"""An artifact: one file at some place that satisfies a requirement."""

from puffin.artifact.urls import mask
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

WHEEL = "wheel"
SDIST = "sdist"
DIRECTORY = "directory"
GIT = "git"


@frozen
class Artifact:
    """What was located for a pin, with all that later stages need to know of it.

    ``kind`` is :data:`WHEEL`, or what a wheel has to be built from: :data:`SDIST` (an archive), :data:`DIRECTORY`
    (``url`` is ``file:``), :data:`GIT` (``url`` is ``git+…@<full commit>``). For these ``version`` is empty where
    only the build tells it, ``subdirectory`` is where in it the project is, and ``filename`` is empty but for archives.

    ``url`` is absolute (https, http or file), without fragment; credentials may stand in it and are
    masked wherever it is shown. ``hashes`` are ``"algorithm:hex"``, alternatives
    of which one must hold.
    ``source`` is the sub-bucket of the cache the file belongs to: ``index/<digest>``, ``url/<digest>``,
    ``path/<digest>`` (of place and state) or ``git/<digest>/<commit>``; of what has to be built, ``+<digest>`` behind
    it stands for what the build is told. ``direct_url`` is the text of
    ``direct_url.json`` (PEP 610), empty for files from an index. ``yanked`` is None, or the reason of the yank
    (which may be empty, PEP 592).
    ``size`` is in bytes, 0 where unknown.
    """

    name: str
    version: str
    filename: str
    url: str
    source: str
    hashes: tuple[str, ...] = ()
    size: int = 0
    direct_url: str = ""
    yanked: str | None = None
    requires_python: str = ""
    kind: str = WHEEL
    subdirectory: str = ""
    editable: bool = False
    config_settings: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """The artifact as messages and records call it: by its version, or by its place where that is not known."""
        if self.version:
            return f"{self.name}=={self.version}"
        return f"{self.name} @ {mask(self.url)}"


FRESH = (
    600.0  # seconds for which a remote file without a hash, which may be replaced, is believed to be the same
)


def file_identity(facts: "os.stat_result") -> str:
    """Return a text that differs for each file that was ever at a path, from its *facts*.

    A modification time can be set by anybody, as copying tools do; the time of the last change (``ctime``) cannot.
    """
    return f"{facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_size} {facts.st_ino}"


def decisive(hashes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the SHA-256 values of which a file must have one to be accepted with *hashes*.

    It is empty where there are no hashes, and where a stronger algorithm decides (as when a file is fetched): then
    the SHA-256 of a file does not tell whether it is accepted.
    """
    values = tuple(dict.fromkeys([each[7:] for each in hashes if each.startswith("sha256:")]))
    if values and any(not each.startswith("sha256:") for each in hashes):
        return values if strongest_of(hashes) == "sha256" else ()
    return values


def package_of(label: str) -> str:
    """Return the name of the package in a label of :attr:`Artifact.label`."""
    return label.partition(" ")[0].partition("==")[0]


def expected_sha256(artifact: Artifact) -> str:
    """Return the one SHA-256 that the artifact must have (64 hex digits), ``""`` where that is not known."""
    return only_sha256(artifact.hashes)


def only_sha256(hashes: tuple[str, ...]) -> str:
    """Return the one SHA-256 (64 hex digits) that *hashes* allow, ``""`` where there is none, or a choice."""
    values = decisive(hashes)
    return values[0] if len(values) == 1 else ""


STRENGTH = (
    "sha3_512",
    "sha512",
    "blake2b",
    "sha3_384",
    "sha384",
    "sha3_256",
    "sha256",
    "blake2s",
    "sha3_224",
    "sha224",
    "sha1",
    "md5",
)


def strongest_of(group: "Iterable[str]") -> str:
    """Return the algorithm that decides among ``"algorithm:hex"``, ``""`` where none of them is known."""
    named = {algorithm_of(digest) for digest in group}
    return next((name for name in STRENGTH if name in named), "")


def algorithm_of(digest: str) -> str:
    """Return the algorithm of ``"algorithm:hex"``, in lower case."""
    return digest.partition(":")[0].strip().lower()
