"""An interpreter and its properties. HOT: every warm sync runs this."""

import os

from puffin import depends
from puffin.artifact.urls import digest
from puffin.errors import USAGE, PuffinError
from puffin.types import Any, Callable
from puffin.value import frozen, replace

FORMAT = 2
SCHEME_KEYS = ("purelib", "platlib", "scripts", "data", "headers")
OLDEST = (3, 8)


class InspectFailed(PuffinError):
    """An interpreter is not there, does not run, or does not answer as Python does."""

    exit_code = USAGE
    path: str
    origin: str = ""

    def summary(self) -> str:
        source = f" from `{self.origin}`" if self.origin else ""
        return f"Failed to inspect Python interpreter{source} at `{self.path}`"


class UnsupportedPython(PuffinError):
    """The interpreter is older than any that puffin can install for."""

    exit_code = USAGE
    path: str
    version: str
    hints: tuple[str, ...] = ("choose a newer one with `--python`",)

    def summary(self) -> str:
        oldest = ".".join(map(str, OLDEST))
        return f"Python {self.version} at `{self.path}` is not supported: puffin needs {oldest} or newer"


@frozen
class Scheme:
    """Where an installation's files go (sysconfig); ``headers`` is without the distribution's name."""

    purelib: str
    platlib: str
    scripts: str
    data: str
    headers: str


@frozen
class Interpreter:
    """The properties of a Python interpreter, as it reports them.

    ``executable`` is the path it was asked for by, ``base_executable`` that of the installation behind a
    virtual environment. ``magic`` is its bytecode's magic number in hex. ``scheme`` is absolute;
    ``venv_scheme`` is relative to the root of any virtual environment made from it. ``tags`` are the
    supported wheel tags, best first (PEP 425); ``markers`` the pairs of PEP 508's environment;
    ``managed_marker`` where PEP 668's file would be.
    """

    executable: str
    base_executable: str
    implementation: str
    cache_tag: str
    magic: str
    version: tuple[int, int, int]
    prefix: str
    base_prefix: str
    is_venv: bool
    stdlib: str
    managed_marker: str
    scheme: Scheme
    venv_scheme: Scheme
    abis: tuple[str, ...]
    platforms: tuple[str, ...]
    tags: tuple[str, ...]
    markers: tuple[tuple[str, str], ...]
    gil_disabled: bool
    debug: bool
    bits: int

    @property
    def version_text(self) -> str:
        """The full version, such as ``3.13.0rc1``."""
        return dict(self.markers)["python_full_version"]

    def wire(self) -> "tuple[Any, ...]":
        """Return the value as builtins, for the cache and for other processes."""
        fields = []
        for name in Interpreter.__slots__:  # type: ignore[attr-defined]
            value = getattr(self, name)
            fields.append(_astuple(value) if isinstance(value, Scheme) else value)
        return tuple(fields)


def interpreter_key(interpreter: Interpreter) -> str:
    """Return the key of the interpreter, its ABI and its platform for names of cache entries."""
    abi = next(iter(interpreter.abis), "none")
    platform = next(iter(interpreter.platforms), "any")
    tag, version = interpreter.cache_tag or interpreter.implementation, interpreter.version_text
    return digest("\n".join((interpreter.base_executable, tag, version, abi, platform)))


def from_wire(fields: "tuple[Any, ...]") -> Interpreter:
    """Return the value of :meth:`Interpreter.wire`; ``ValueError`` or ``TypeError`` if it is none."""
    given = dict(zip(Interpreter.__slots__, fields, strict=True))  # type: ignore[attr-defined]
    for name in ("scheme", "venv_scheme"):
        given[name] = Scheme(**dict(zip(SCHEME_KEYS, given[name], strict=True)))
    return Interpreter(**given)


def within(base: Interpreter, root: str, executable: str) -> Interpreter:
    """Return *base* as it appears from the virtual environment at *root*."""
    return replace(
        base,
        executable=executable,
        prefix=root,
        is_venv=True,
        scheme=Scheme(**{key: _join(root, getattr(base.venv_scheme, key)) for key in SCHEME_KEYS}),
    )


def venv_root(executable: str) -> str:
    """Return the root of the virtual environment that *executable* belongs to (PEP 405), or nothing."""
    directory = os.path.dirname(executable)
    for root in (directory, os.path.dirname(directory)):
        if depends.is_file(os.path.join(root, "pyvenv.cfg")):
            return root
    return ""


def supported_tags(
    implementation: str, version: "tuple[int, int]", abis: "tuple[str, ...]", platforms: "tuple[str, ...]"
) -> "tuple[str, ...]":
    """Return the tags that an interpreter supports, best first, as ``cp312-cp312-linux_x86_64`` (PEP 425).

    The order is that of ``packaging.tags.sys_tags``. *implementation* is short, such as ``cp`` or ``pp``; *abis* and
    *platforms* are in its order of preference.
    """
    major, minor = version
    own = f"{implementation}{major}{minor}"
    none = "none"
    stable: tuple[str, ...] = ()
    if implementation == "cp":
        threaded = next(
            (each.lstrip("cp0123456789").startswith("t") for each in abis if each[:2] == "cp"), False
        )
        stable = ("abi3t" if threaded else "abi3",)
    pairs = [(own, abi) for abi in (*abis, *stable, none)]
    pairs += [(f"cp{major}{each}", abi) for each in range(minor - 1, 1, -1) for abi in stable]
    pythons = [f"py{major}{minor}", f"py{major}", *[f"py{major}{each}" for each in range(minor - 1, -1, -1)]]
    pairs += [(python, none) for python in pythons]
    found = [f"{python}-{abi}-{platform}" for python, abi in pairs for platform in platforms]
    common = {"cp": (own,), "pp": (f"pp{major}",)}.get(implementation, ())
    found += [f"{python}-none-any" for python in (*common, *pythons)]
    return tuple(dict.fromkeys(found))


def _join(root: str, relative: str) -> str:
    return root if relative == "." else os.path.join(root, relative)


def _astuple(scheme: Scheme) -> "tuple[str, ...]":
    return tuple([getattr(scheme, key) for key in SCHEME_KEYS])


_work: "list[Callable[[], None]]" = []


class meanwhile:  # noqa: N801 - reads as the function that it is to its callers
    """Have *work* done once, if an interpreter has to be asked during the ``with`` block. It must raise nothing."""

    def __init__(self, work: "Callable[[], None]") -> None:
        self._mine = work

    def __enter__(self) -> None:
        _work.append(self._mine)

    def __exit__(self, *error: object) -> None:
        if self._mine in _work:
            _work.remove(self._mine)


def spend() -> None:
    """Do what there is to do."""
    while _work:
        _work.pop()()
