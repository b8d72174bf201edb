"""The errors puffin raises: fields and a cause tree; only ``puffin.cli`` turns them into text for people.

A subclass declares its fields as annotations and words them in ``sentence``, which has their names in braces,
or in :meth:`PuffinError.summary` if that takes code. All of them survive pickling, because they cross process
borders with the task that failed.
"""

from errno import EDQUOT, EMFILE, ENFILE, ENOSPC  # part of the interpreter: no file has to be opened for it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, dataclass_transform

    @dataclass_transform(kw_only_default=True)
    class _Fields:
        """Marks for type checkers that annotations are keyword fields (PEP 681 leaves out the marked class itself)."""
else:
    _Fields = object


FAILED = 1
USAGE = 2
SOME_ENVIRONMENTS_FAILED = 3
DRIFT = 4
BUG = 70
TEMPORARY = 75


class PuffinError(Exception, _Fields):
    """Root of all errors puffin raises on purpose.

    ``package`` is the requirement or distribution as the user would know it, ``causes`` the errors
    beneath this one (most specific last), ``hints`` what the user can type or change. ``stage`` is the
    stage that failed: for a class of ``puffin.stages``, the room that it is in.
    """

    exit_code: "ClassVar[int]" = FAILED
    stage: "ClassVar[str]" = ""
    sentence: "ClassVar[str]" = ""

    package: str = ""
    causes: "tuple[PuffinError, ...]" = ()
    hints: "tuple[str, ...]" = ()

    if not TYPE_CHECKING:

        def __init__(self, **fields):
            super().__init__()
            known = self._names()
            for name in known:
                if name not in fields and not hasattr(self, name):
                    raise TypeError(f"{type(self).__name__} needs {name!r}")
            for name in fields:
                if name not in known:
                    raise TypeError(f"{type(self).__name__} has no {name!r}")
            self.__dict__.update(fields)

    def __init_subclass__(cls) -> None:
        if cls.__module__.startswith("puffin.stages."):
            cls.stage = cls.__module__.split(".")[2]

    @classmethod
    def _names(cls) -> "list[str]":
        return [name for each in cls.__mro__ for name in each.__dict__.get("__annotations__", ())]

    def summary(self) -> str:
        """Return the first line: the action and the object in backticks."""
        return self.sentence.format(**{name: getattr(self, name) for name in self._names()})

    def details(self) -> "tuple[str, ...]":
        """Return further lines that belong to the summary, such as an excerpt with a caret."""
        return ()

    def __str__(self) -> str:
        return "\n".join((self.summary(), *self.details()))

    def __reduce__(self) -> "tuple[Any, ...]":
        return _rebuild, (type(self), dict(self.__dict__))


def _rebuild(cls: "type[PuffinError]", fields: "dict[str, Any]") -> PuffinError:
    return cls(**fields)


class Cause(PuffinError):
    """A plain statement beneath another error, such as the message of the operating system."""

    sentence = "{text}"
    text: str


class UsageError(PuffinError):
    """The command line, an environment variable or a configuration value cannot be used."""

    exit_code = USAGE
    sentence = "{text}"
    text: str


def os_cause(error: OSError) -> PuffinError:
    """Translate an operating system error into a cause: its text and, where known, its path; a limit has its name."""
    path = f" (`{error.filename}`)" if error.filename else ""
    cause = Cause(text=f"{error.strerror or error}{path}")
    return _limit(_FILES, cause) if error.errno in (EMFILE, ENFILE) else cause


def room_hints(error: OSError, otherwise: str) -> tuple[str, ...]:
    """Return the hint for what could not be written: to make room only if there was none. *otherwise* is a clause."""
    verb = "make room" if error.errno in (ENOSPC, EDQUOT) else "let puffin write"
    return (f"{verb} there, or {otherwise}",)


class LimitReached(PuffinError):
    """The system has no more of something: processes, threads, open files, memory."""

    exit_code = TEMPORARY
    sentence = "The system refused {what}"
    what: str


class CallRefused(PuffinError):
    """The system refused a call that is about no place, such as one for a pipe."""

    sentence = "The system refused an operation that puffin needs"
    hints: tuple[str, ...] = ("a security policy of this machine or container may forbid it",)


class PlaceRefused(PuffinError):
    """The system does not let puffin use a file or directory."""

    sentence = "Failed to use `{path}`"
    path: str


class ModuleUnreadable(PuffinError):
    """A module of puffin cannot be imported: it was changed while it ran, or its place cannot be read."""

    sentence = "Failed to import `{name}`, which is a part of puffin"
    name: str
    hints: "tuple[str, ...]" = ("run the command again; if that does not help, reinstall `puffin-installer`",)


_PROCESSES = (
    "another process or thread",
    "raise the limit (`ulimit -u`, `pids.max` of a container), or use `--jobs 1`",
)
_FILES = "another open file", "raise the limit (`ulimit -n`), or use `--jobs 1`"
_MEMORY = "more memory", "raise the limit (`ulimit -v`, `memory.max` of a container), or use `--jobs 1`"
_FEW_FILES = 64  # fewer than any system allows unless somebody asked for it


def refused_by_system(error: BaseException) -> "PuffinError | None":
    """Return what an exception says of the system or a place in it; None for what only a mistake in puffin explains."""
    if isinstance(error, MemoryError):
        return _limit(_MEMORY)
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return _limit(_PROCESSES)
    if isinstance(error, (ImportError, AttributeError)) and _few_files():  # a module that could not be opened
        return _limit(_FILES)
    if isinstance(error, ImportError) and error.name:
        return ModuleUnreadable(name=error.name, causes=(Cause(text=str(error)),))
    if isinstance(error, LookupError) and "unknown encoding" in str(error):  # all that puffin uses exist
        return ModuleUnreadable(name="encodings", causes=(Cause(text=str(error)),))
    if not isinstance(error, OSError):
        return None
    from errno import EAGAIN, ENOMEM

    cause = os_cause(error)
    if isinstance(cause, LimitReached):
        return cause
    limits = {EAGAIN: _PROCESSES, ENOMEM: _MEMORY}
    if error.errno in limits:
        return _limit(limits[error.errno], cause)
    if isinstance(error, PermissionError) and error.filename is None:
        return CallRefused(causes=(Cause(text=error.strerror or str(error)),))
    if isinstance(error.filename, str):
        return PlaceRefused(path=error.filename, causes=(Cause(text=error.strerror or str(error)),))
    return None


def _few_files() -> bool:
    try:
        from resource import RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows, or one more module that could not be opened
        return True
    return getrlimit(RLIMIT_NOFILE)[0] < _FEW_FILES


def demand_files(count: int, what: str) -> None:
    """Raise :class:`LimitReached` unless this process may have *count* files open, as *what* needs them."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows has no such limit
        return
    most = getrlimit(RLIMIT_NOFILE)[0]
    if most != RLIM_INFINITY and most < count:
        raise _limit(_FILES, Cause(text=f"{what} needs up to {count}, and the limit is {most}"))


def is_limited(error: PuffinError) -> bool:
    """Tell whether a limit of the system is the reason of *error*, or one of its reasons."""
    return isinstance(error, LimitReached) or any(map(is_limited, error.causes))


def _limit(which: "tuple[str, str]", *causes: PuffinError) -> LimitReached:
    return LimitReached(what=which[0], causes=causes, hints=(which[1],))
