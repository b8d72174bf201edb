"""The errors of the build stage, and how they are made from the report of a job."""

import errno
import os
import re
import signal
from collections.abc import Iterable, Mapping

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion

from puffin.artifact.urls import mask_text
from puffin.errors import PuffinError, os_cause
from puffin.names import normalise
from puffin.stages.build.job import HookJob
from puffin.stages.build.supervisor import Story

_NAME = r"[A-Za-z0-9._-]*[A-Za-z0-9]"
_NO_MODULE = r"ModuleNotFoundError: No module named '([^']+)'"
_NO_PROGRAM = (
    r"command '([^']+)' failed: No such file or directory"
    r"|\[Errno 2\].*'((?:[^']*-)?(?:gcc|cc|g\+\+|c\+\+|clang|cl\.exe))'"
)
_NO_HEADER = r"fatal error: '?([^\s:']+\.h(?:pp)?)'?:? (?:No such file or directory|file not found)"
_NO_LIBRARY = r"(?:cannot find -l|library not found for -l|library '?)(\S+?)'?(?::| not found|$)"
_NO_SPACE = "No space left on device"
LINES = 40
_TAIL = 1 << 16  # bytes
_LONGEST = 500  # characters of a line
_ESCAPES = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])"


class BuildFailed(PuffinError):
    """A hook of a build backend did not do its work.

    ``status`` is how its process ended, in words; ``log`` the file with all of the output, ``tail`` its last lines.
    """

    sentence = "Failed to build `{package}`"
    hook: str = ""
    status: str = ""
    log: str = ""
    tail: "tuple[str, ...]" = ()

    def what(self) -> str:
        """Return the event as a sentence without full stop."""
        hook = f"`{self.hook}`" if self.hook else "The build backend"
        return f"{hook} failed ({self.status})"

    def details(self) -> "tuple[str, ...]":
        lines = [self.what()]
        if self.tail:
            lines += ["", "[output]", *self.tail, ""]
        if self.log:
            lines.append(f"The whole log is `{self.log}`" if self.tail else f"The log, `{self.log}`, is empty")
        return tuple(lines)


class BuildTimedOut(BuildFailed):
    """A build took too long and was ended. ``seconds`` is what it was allowed."""

    seconds: float

    def what(self) -> str:
        hook = f"`{self.hook}`" if self.hook else "The build backend"
        return f"{hook} took longer than {self.seconds:g} s and was ended"


class BackendBroken(BuildFailed):
    """A build backend is not there, lacks a mandatory hook, or returns what no hook may. ``reason`` is a clause."""

    backend: str
    reason: str

    def what(self) -> str:
        return f"The build backend `{self.backend}` cannot be used: {self.reason}"


class WrongWheel(PuffinError):
    """A build gave a wheel of something else than what was built, or one for another system. ``reason`` is a clause."""

    sentence = "Failed to build `{package}`: the built wheel, `{filename}`, {reason}"
    filename: str
    reason: str


class InvalidBuildSystem(PuffinError):
    """The build system of a source tree cannot be understood. ``problem`` is a clause."""

    sentence = "Failed to read the build system of `{package}` (`{file}`): {problem}"

    file: str
    problem: str


def failed(job: "HookJob", story: "Story") -> BuildFailed:
    """Return the error for a job that ended without the result it was asked for."""
    tail = log_tail(job.log)
    message = story.message
    module = str(message.get("module", ""))
    if message.get("broken") == "absent":
        module = job.backend.partition(":")[0]
        return _broken(job, story.entered, str(message["text"]), tail, _hints(job, tail, module))
    if "broken" in message:
        return _broken(
            job, story.entered, str(message["text"]), tail, _editable_hints(job, str(message["broken"]))
        )
    return BuildFailed(
        package=job.package,
        hook=_hook(job, story.entered),
        status=describe_status(story.status),
        log=job.log,
        tail=tail,
        hints=_hints(job, tail, module, message.get("errno")) or _killed_hints(story.status),
    )


def nonsense(job: "HookJob", entered: str, text: str) -> BackendBroken:
    """Return the error for a hook that claims what is not so."""
    return _broken(job, entered, text, log_tail(job.log), ())


def timed_out(job: "HookJob", entered: str) -> BuildTimedOut:
    """Return the error for a job that was ended for its duration."""
    return BuildTimedOut(
        package=job.package, hook=_hook(job, entered), seconds=job.timeout, log=job.log, tail=log_tail(job.log)
    )


def not_started(job: "HookJob", error: OSError) -> BuildFailed:
    """Return the error for a build that the operating system did not let begin."""
    hints = _space_hints(job) if error.errno == errno.ENOSPC else ()
    return BuildFailed(
        package=job.package, status="it could not be started", causes=(os_cause(error),), hints=hints
    )


def describe_status(status: "int | None") -> str:
    """Return how a process ended, from its exit status (negative: a signal; None: nobody knows)."""
    if status is None:
        return "its process was lost"
    if status >= 0:
        return f"exit status {status}"

    try:
        return f"killed by signal {-status}, {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def _broken(
    job: "HookJob", entered: str, reason: str, tail: "tuple[str, ...]", hints: "tuple[str, ...]"
) -> BackendBroken:
    return BackendBroken(
        package=job.package,
        hook=_hook(job, entered),
        backend=job.backend,
        reason=reason,
        log=job.log,
        tail=tail,
        hints=hints,
    )


def _hook(job: "HookJob", entered: str) -> str:
    return f"{job.backend}.{entered}" if entered else ""


def _hints(job: "HookJob", tail: "Iterable[str]", module: str, number: object = 0) -> "tuple[str, ...]":
    text = "\n".join(tail)
    found = re.findall(_NO_MODULE, text)
    module = module or (found[-1] if found else "")
    if module:
        return (_module_hint(job, module.partition(".")[0]),)
    if number == errno.ENOSPC or _NO_SPACE in text:
        return _space_hints(job)
    return _tool_hints(text)


def _module_hint(job: "HookJob", module: str) -> str:
    if not job.isolated:
        return (
            f"install the package with the module `{module}` into the environment first,"
            " or leave out `--no-build-isolation`"
        )
    if module == "pkg_resources":
        return (
            "setuptools 82 and later have no `pkg_resources`:"
            " put `setuptools<82` into a file and pass it with `--build-constraint`"
        )
    plain = job.name or job.package.partition("==")[0]
    isolation = plain if re.fullmatch(_NAME, plain) else "NAME"  # a place cannot be named there
    if module == "distutils":
        return (
            "Python 3.12 and later have no `distutils`: build with an older Python, or install `setuptools`"
            f" into the environment and use `--no-build-isolation-package {isolation}`"
        )
    return (
        f"`{plain}` does not declare the package with the module `{module}` as a build requirement:"
        " add it to `requires` under `[build-system]` in its `pyproject.toml`,"
        f" or install it into the environment and use `--no-build-isolation-package {isolation}`"
    )


def _editable_hints(job: "HookJob", kind: str) -> "tuple[str, ...]":
    if kind == "hookless" and job.goal.startswith("editable"):
        return ("install it without `-e`, or require a version of the backend that supports PEP 660",)
    return ()


def _tool_hints(text: str) -> "tuple[str, ...]":
    program = re.search(_NO_PROGRAM, text)
    if program:
        return (f"install a compiler: `{program[1] or program[2]}` was not found",)
    header = re.search(_NO_HEADER, text)
    if header and header[1] == "Python.h":
        return ("install the headers of this Python (often a package named `python3-dev` or `python3-devel`)",)
    if header and header[1] == "longintrepr.h":  # it has been in `cpython/` since 3.11
        return ("use a newer version of the package, or Python 3.10 or older",)
    if header:
        return (f"install the library that has the header `{header[1]}`, with its development files",)
    library = re.search(_NO_LIBRARY, text)
    if library:
        return (f"install the library `{library[1]}`, with its development files",)
    return ()


def _space_hints(job: "HookJob") -> "tuple[str, ...]":
    import tempfile

    place = dict(job.environ or os.environ.items()).get("TMPDIR") or tempfile.gettempdir()
    return (f"make room in the cache and in `{place}`, or point `TMPDIR` and `PUFFIN_CACHE_DIR` elsewhere",)


def _killed_hints(status: "int | None") -> "tuple[str, ...]":
    if status == -9:
        return ("it may have run out of memory: build fewer at a time with `--jobs 1`",)
    return ()


def missing_requirements(
    wanted: "Iterable[str]",
    installed: "Iterable[tuple[str, str]]",
    markers: "Mapping[str, str]",
    made_for: "Iterable[str]" = (),
) -> "tuple[str, ...]":
    """Return those of *wanted* that *installed* (names and versions) does not satisfy, in their order.

    *markers* is the environment of their markers (PEP 508). Requirements that the environment was *made for*
    are there. One with extras or a URL is otherwise taken to be missing: names and versions do not tell.
    Raises ``packaging.requirements.InvalidRequirement``, a ``ValueError``.
    """
    there: dict[str, str] = {}
    for name, version in installed:
        there.setdefault(normalise(name), version)
    known = {_identity(each) for each in map(Requirement, made_for) if _applies(each, markers)}
    missing = []
    for text in wanted:
        requirement = Requirement(text)
        if not _applies(requirement, markers) or _identity(requirement) in known:
            continue
        version = there.get(normalise(requirement.name), "")
        if requirement.extras or requirement.url or not _fits(requirement.specifier, version):
            missing.append(text)
    return tuple(missing)


def _applies(requirement: "Requirement", markers: "Mapping[str, str]") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**markers, "extra": ""})


def _identity(requirement: "Requirement") -> "tuple[object, ...]":
    name = normalise(requirement.name)
    return name, frozenset(requirement.extras), requirement.specifier, requirement.url


def _fits(specifier: "SpecifierSet", version: str) -> bool:
    try:
        return bool(version) and specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False


def log_tail(path: str, lines: int = LINES) -> tuple[str, ...]:
    """Return the last *lines* of the log at *path*, credentials in URLs masked, terminal codes left out.

    A log that cannot be read has none.
    """
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            data = file.read()
    except OSError:
        return ()
    text = mask_text(re.sub(_ESCAPES, "", data.decode("utf-8", "replace")))
    shown = [_plain(line) for line in text.replace("\r\n", "\n").split("\n")]
    if size > _TAIL:
        del shown[0]  # it is cut off
    while shown and not shown[-1]:
        shown.pop()
    return tuple(shown[-lines:])


def _plain(line: str) -> str:
    last = line.rstrip().rpartition("\r")[2].expandtabs()  # what a progress bar left behind
    last = "".join(character if character.isprintable() else "�" for character in last)
    return last if len(last) <= _LONGEST else f"{last[:_LONGEST]}…"
