"""The layout of the cache: the buckets and the paths of their entries."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Bucket:
    """The buckets, each with the version of its format in its name.

    ::

        archive-v0/<aa>/<sha256>/          an unzipped wheel, content-addressed by the wheel's hash; immutable
        archive-v0/<aa>/<sha256>.manifest  its files, written last: the mark that the archive is complete
        pyc-v0/<kind>/<aa>/<sha256>/       the bytecode of an archive for a kind of interpreter, and its .manifest
        trees-v0/<kind>/<aa>/<sha256>/     an archive with its bytecode, which environments take directories of by
                                           symlinks, and its .manifest; read-only (see puffin.stages.link.sealed)
        living-v0/<digest>                 an environment that has such symlinks, and the archives that they are of
        wheels-v0/<source>/<name>/<file>   symlink to the archive of a wheel; <source> is index/<digest>,
                                           url/<digest> or path/<digest>
        simple-v0/<digest>/<name>          an index page, parsed, with its HTTP policy
        pins-v0/<digest>/<name>-<version>  which file was chosen for a pin, by index configuration and tags
        metadata-v0/<name>/<digest>        the metadata of a distribution, parsed
        resolutions-v0/<digest>            what resolutions read of the indexes for one target, and their answers
        sdists-v0/<name>/<digest>/<file>   a source distribution as it was fetched
        git-v0/db/<digest>/                a bare clone, one for each repository
        git-v0/checkouts/<digest>/<commit>/  one commit of it with its submodules; must not be written to
        built-wheels-v0/<revision>/<settings>/…   what was built from one state of one source, with one set of
                                           settings: wheels of several interpreters side by side, their
                                           metadata and the logs (see puffin.stages.build.kept)
        build-envs-v0/<key>/               an environment to build in, by its interpreter and its archives
        interpreter-v0/<digest>            what an interpreter said of itself
        answers-v0/<digest>                the answer of a run that found nothing to do, and what it depends on
        inputs-v0/<kind>-<digest>          what builds, resolutions and environments of a commit were made from
        pruned-v0/log                      what was pruned, and when
        runs-v0/<time>-<id>.jsonl          the record of a run, a line for each task
        tmp-v0/<pid>-<space>-<id>          work in progress; of no value to anyone but its writer
        used-v0/<day>-<digest>             archives that a run linked from on that day (since the epoch)
        locks-v0/<name>                    locks that save double work; correctness never rests on them
    """

    ARCHIVE = "archive-v0"
    PYC = "pyc-v0"
    TREES = "trees-v0"
    LIVING = "living-v0"
    WHEELS = "wheels-v0"
    SIMPLE = "simple-v0"
    PINS = "pins-v0"
    METADATA = "metadata-v0"
    RESOLUTIONS = "resolutions-v0"
    SDISTS = "sdists-v0"
    GIT = "git-v0"
    BUILT = "built-wheels-v0"
    BUILD_ENVIRONMENTS = "build-envs-v0"
    INTERPRETER = "interpreter-v0"
    ANSWERS = "answers-v0"
    INPUTS = "inputs-v0"
    PRUNED = "pruned-v0"
    RUNS = "runs-v0"
    TEMPORARY = "tmp-v0"
    USED = "used-v0"
    LOCKS = "locks-v0"


_TAG = b"""Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by puffin (https://bford.info/cachedir/).
"""


def default_root(environ: "Mapping[str, str]") -> str:
    """Return the cache directory: ``PUFFIN_CACHE_DIR``, ``XDG_CACHE_HOME/puffin`` or ``~/.cache/puffin``."""
    chosen = environ.get("PUFFIN_CACHE_DIR")
    if chosen:
        return os.path.abspath(os.path.expanduser(chosen))
    return os.path.join(xdg_home(environ.get("XDG_CACHE_HOME", ""), ".cache"), "puffin")


def xdg_home(told: str, default: str) -> str:
    """Return the directory *told* by a variable of the XDG specification, which ignores relative paths."""
    return told if os.path.isabs(told) else os.path.join(home_directory(), default)


def _make_directory(path: str, mode: int) -> None:
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def home_directory() -> str:
    """Return the user's home directory, or a file that can hold nothing if neither ``HOME`` nor the system names one.

    ``~`` must not be taken for the name of a directory.
    """
    home = os.path.expanduser("~")
    return home if os.path.isabs(home) else os.devnull


_boot: "str | None" = None
_space = ""


def current_boot() -> str:
    """Return the identity of this boot of the machine, ``""`` if the system has none."""
    global _boot
    if _boot is None:
        try:
            with open("/proc/sys/kernel/random/boot_id", "rb", buffering=0) as file:
                _boot = file.read().decode("ascii").strip()
        except (OSError, ValueError):
            _boot = ""
    return _boot


def process_space() -> str:
    """Return where a process number of this process means something: this boot of this machine or container."""
    global _space
    if not _space:
        try:
            _space = f"{current_boot()[:8]}.{os.stat('/proc/self/ns/pid').st_ino:x}"
        except OSError:
            _space = os.uname().nodename.replace("-", ".") if hasattr(os, "uname") else "here"
    return _space


def lower_roots(environ: "Mapping[str, str]") -> tuple[str, ...]:
    """Return the read-only caches beneath the own one: ``PUFFIN_CACHE_LAYERS``, separated as ``PATH`` is."""
    text = environ.get("PUFFIN_CACHE_LAYERS", "")
    return tuple([os.path.abspath(os.path.expanduser(each)) for each in text.split(os.pathsep) if each])


class Cache:
    """The paths of one cache directory. Creating the value touches nothing on disk.

    *lower* are caches that are read where this one has nothing, and never written to; without it they are
    those of the environment variables, which child processes inherit.
    """

    __slots__ = ("lower", "root")

    def __init__(self, root: str, *, lower: "tuple[str, ...] | None" = None) -> None:
        self.root = root
        self.lower = lower_roots(os.environ) if lower is None else lower

    @property
    def own(self) -> "Cache":
        """This cache without those beneath it: what may be written to."""
        return Cache(self.root, lower=()) if self.lower else self

    def find(self, path: str) -> str:
        """Return where the entry *path* of this cache is: there, or in a cache beneath, or there after all."""
        if not self.lower or os.path.lexists(path):
            return path
        inside = path[len(self.root) :]
        return next((f"{root}{inside}" for root in self.lower if os.path.lexists(f"{root}{inside}")), path)

    def path(self, bucket: str, *parts: str) -> str:
        """Return the path of an entry (nothing is created)."""
        return "/".join((self.root, bucket, *parts))

    def archive(self, sha256: str) -> str:
        """Return the directory of the unzipped wheel with this hash, in the cache that has it."""
        path = f"{self.root}/{Bucket.ARCHIVE}/{sha256[:2]}/{sha256}"
        return self.find(f"{path}.manifest")[: -len(".manifest")] if self.lower else path

    def manifest(self, sha256: str) -> str:
        """Return the manifest file of the unzipped wheel with this hash."""
        return self.archive(sha256) + ".manifest"

    def temporary(self, hint: str = "") -> str:
        """Return a private path in the cache for work in progress; the caller creates it."""
        return self.path(Bucket.TEMPORARY, f"{os.getpid()}-{process_space()}-{os.urandom(6).hex()}{hint}")

    def initialise(self) -> None:
        """Create the root, its tag files and the room for temporary files (``OSError`` if it cannot be)."""
        if os.path.exists(self.path(Bucket.TEMPORARY)):
            return
        os.makedirs(self.root, exist_ok=True)
        private = not os.environ.get("PUFFIN_UMASK")  # sources that are being built are for nobody else
        _make_directory(self.path(Bucket.TEMPORARY), 0o700 if private else 0o777)
        for name, content in (("CACHEDIR.TAG", _TAG), (".gitignore", b"*\n")):
            target = os.path.join(self.root, name)
            if not os.path.exists(target):
                with open(target, "wb") as file:
                    file.write(content)
