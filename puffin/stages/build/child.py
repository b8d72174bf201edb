"""Runs the hooks of a build backend (PEP 517, PEP 660): a stand-alone script for the build environment's Python.

It runs on CPython 3.8 and later with the standard library alone, and imports nothing of puffin. Two processes
share the work. The *supervisor* is the one that puffin starts: it forks a *job* for each request, in a session
of the job's own, waits for it, and kills all that it left when it has ended, or when the pipe that requests come
through closes, which it does however puffin ends. On Linux this finds daemons that left the session, too: they
become children of the supervisor, a "subreaper". Only the job runs what belongs to others:
the hooks, one after the other in one process. Where requests share an environment, the supervisor imports the
backend before it forks the first job (``serve``); else it is one process for one request (``once``).

Requests come in through stdin and messages go out through stdout, one JSON object a line. Neither is what the
job's own stdin (nothing) and stdout (the log) are.

The library for this, pyproject_hooks, starts a process for each hook; one for both of them, forking and
supervision would remain to be written around it.
"""

import atexit
import gc
import importlib
import os
import sys
import time

if __name__ == "__main__" and sys.path[:1] == [os.path.dirname(os.path.abspath(__file__))]:
    del sys.path[0]  # puffin's own modules are not for a backend to find

import json
import select
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, NoReturn

_IDLE = 20.0  # seconds without a request after which a supervisor that serves ends
_PATIENCE = 3.0  # seconds that killed processes have to end, less than puffin waits for a supervisor
_PR_SET_CHILD_SUBREAPER = 36

# What these backends import when their hooks are called: worth having before the fork.
_LATER = {
    "setuptools": (
        "distutils.command.build",
        "distutils.command.build_scripts",
        "setuptools.archive_util",
        "setuptools.command.bdist_wheel",
        "setuptools.command.build_ext",
        "setuptools.command.build_py",
        "setuptools.command.dist_info",
        "setuptools.command.egg_info",
        "setuptools.command.install",
        "setuptools.command.install_egg_info",
        "setuptools.command.install_lib",
        "setuptools.command.install_scripts",
        "setuptools.config._validate_pyproject",
        "setuptools.config.pyprojecttoml",
        "setuptools.config.setupcfg",
    ),
    "hatchling": (
        "hatchling.bridge.app",
        "hatchling.builders.wheel",
        "hatchling.metadata.core",
        "hatchling.plugin.manager",
        "packaging.licenses",
        "packaging.requirements",
        "packaging.tags",
        "trove_classifiers",
    ),
    "poetry": (
        "poetry.core.factory",
        "poetry.core.json",
        "poetry.core.masonry.builders.wheel",
        "poetry.core.masonry.utils.module",
        "poetry.core.packages.directory_dependency",
        "poetry.core.packages.project_package",
        "poetry.core.pyproject.toml",
        "poetry.core.spdx.helpers",
    ),
    "flit_core": ("flit_core.config", "flit_core.wheel"),
    "pdm": ("pdm.backend.wheel",),
}

# setuptools loads whatever is registered for these whenever it begins.
_PLUGINS = {"setuptools": ("distutils.setup_keywords", "setuptools.finalize_distribution_options")}


class BackendUnusable(Exception):
    """The backend is not what the specification asks for; ``kind`` says in which way."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


class Pipes:
    """The two pipes to puffin."""

    def __init__(self, control: int, report: int) -> None:
        self.control = control
        self.report = report
        self._rest = b""

    def read(self) -> "Any":
        """Return the next message from puffin, None when it is gone."""
        while b"\n" not in self._rest:
            data = os.read(self.control, 1 << 16)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line.decode())

    def wait(self, seconds: float) -> bool:
        """Tell whether a message came within *seconds*."""
        return b"\n" in self._rest or bool(select.select([self.control], [], [], seconds)[0])

    def tell(self, **message: "Any") -> None:
        """Send a message to puffin."""
        data = (json.dumps(message) + "\n").encode()
        while data:
            data = data[os.write(self.report, data) :]


def main(mode: str) -> int:
    """Be the supervisor; return its exit status."""
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # workers of puffin ignore it, and that is inherited
    line = Pipes(os.dup(0), os.dup(1))
    _null_stdin()
    os.dup2(2, 1)
    if not hasattr(os, "fork"):
        return _without_fork(line)
    _adopt_orphans()
    if mode == "once":
        request = line.read()
        return 0 if request is not None and _supervise(line, request) else 1
    _import_early(line.read())
    while line.wait(_IDLE):
        request = line.read()
        if request is None or not _supervise(line, request):
            break
    return 0


def _null_stdin() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _import_early(request: "Any") -> None:
    """Import the backend and what it would import later; what fails here fails again in the job, to be told."""
    name = request["backend"].partition(":")[0]
    importlib.import_module(name)
    family = name.partition(".")[0]
    for later in _LATER.get(family, ()):
        _try(importlib.import_module, later)
    for group in _PLUGINS.get(family, ()):
        for plugin in _entry_points(group):
            _try(plugin.load)
    gc.collect()
    gc.freeze()


def _try(call: "Any", *arguments: "Any") -> None:
    try:
        call(*arguments)
    except Exception:
        pass  # another version of the backend


def _entry_points(group: str) -> "Any":
    from importlib.metadata import entry_points

    found: Any = entry_points()
    return found.select(group=group) if hasattr(found, "select") else found.get(group, ())


def _supervise(line: Pipes, request: "Any") -> bool:
    """Fork the job, wait for its end and report it; False if puffin went first."""
    (waker, wakes), before = os.pipe(), sum(os.times()[2:4])  # CPU seconds of ended children, and of theirs
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    pid = os.fork()
    if pid == 0:
        _be_job(line, request, (waker, wakes))
    status = None
    try:
        line.tell(started=pid)
        status = _wait(pid, waker, line.control)
    except OSError:
        pass  # nobody reads what is told
    finally:
        signal.set_wakeup_fd(-1)
        os.close(waker)
        os.close(wakes)
        _kill(os.killpg, pid)
        if status is None:
            _kill(os.kill, pid)  # a job that was forked just now has no group yet
        _end_children()
    if status is None:
        return False
    line.tell(ended=_exit_code(status), cpu=sum(os.times()[2:4]) - before)
    return True


def _wait(pid: int, waker: int, control: int) -> "int | None":
    """Return the job's wait status when it has ended, None when the pipe from puffin was closed first."""
    poll = select.poll()
    poll.register(waker, select.POLLIN)
    poll.register(control, 0)  # its messages are for the job; only its end is reported
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        if any(descriptor == control for descriptor, _ in poll.poll()):
            return None
        os.read(waker, 4096)


def _adopt_orphans() -> None:
    """Become the parent of all descendants whose own parent ends, where the system can do that."""
    if sys.platform.startswith("linux"):
        try:
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        except (ImportError, OSError, AttributeError):
            pass


def _end_children() -> None:
    """Kill all children, and theirs as they become ours, and wait until they are gone; at most some seconds."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        for child in _children():
            _kill(os.kill, child)
        time.sleep(0.001)


def _children() -> "list[int]":
    """Return the processes whose parent this one is, as far as the system tells."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc/self") else ()):
        try:
            with open("/proc/" + name + "/stat", "rb") as file:
                if int(file.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    found.append(int(name))
        except OSError:
            pass  # it has just ended
    return found


def _kill(call: "Any", number: int) -> None:
    try:
        call(number, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _exit_code(status: int) -> int:
    """Return an exit status, negative for a signal, from a wait status."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _be_job(line: Pipes, request: "Any", pipes: "tuple[int, int]") -> "NoReturn":
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for each in pipes:
            os.close(each)
        status = _job(line, request)
    except BaseException:
        _print_traceback(*sys.exc_info())
    finally:
        _leave(status)


def _leave(status: int) -> "NoReturn":
    """End this process at once, but for what was registered to be done at its end."""
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        pass
    finally:
        os._exit(status)


def _without_fork(line: Pipes) -> int:
    """Do the job in this very process; a thread ends it when puffin is gone."""
    import threading

    request = line.read()
    if request is None:
        return 1
    threading.Thread(target=_end_with_puffin, args=(line.control,), daemon=True).start()
    line.tell(started=os.getpid())
    status = _job(line, request)
    line.tell(ended=status)
    return status


def _end_with_puffin(control: int) -> None:
    import _winapi
    import msvcrt
    import subprocess

    try:
        while True:
            _winapi.PeekNamedPipe(msvcrt.get_osfhandle(control), 0)  # type: ignore[attr-defined, unused-ignore]
            time.sleep(0.5)
    except OSError:
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(os.getpid())], check=False)
        os._exit(1)


def _job(line: Pipes, request: "Any") -> int:
    """Run the hooks, tell what came of them and return the exit status."""
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)
    os.chdir(request["tree"])
    hooks = Hooks(line, request)
    try:
        hooks.run()
    except BackendUnusable as broken:
        cause = broken.__cause__
        if cause is not None:
            _print_traceback(type(cause), cause, cause.__traceback__)
        else:
            print(broken.text, file=sys.stderr)
        line.tell(broken=broken.kind, hook=hooks.entered, text=broken.text)
        return 1
    except SystemExit as leaving:
        return _exit_status(leaving)
    except BaseException as error:
        module = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
        line.tell(failed=type(error).__name__, module=module, errno=getattr(error, "errno", None) or 0)
        _print_traceback(type(error), error, error.__traceback__)
        return 1
    return 0


def _exit_status(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return (leaving.code or 0) & 0xFF
    print(leaving.code, file=sys.stderr)
    return 1


def _print_traceback(kind: "Any", error: "Any", trace: "TracebackType | None") -> None:
    """Print a traceback without the frames that lead from this script to what belongs to others."""
    import traceback

    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if filename not in (__file__, importlib.__file__) and not filename.startswith("<frozen importlib"):
            break
        trace = trace.tb_next
    traceback.print_exception(kind, error, trace)


class Hooks:
    """The hooks of a backend that one request needs, in their order."""

    def __init__(self, line: Pipes, request: "Any") -> None:
        self.entered = ""
        self._line = line
        self._request = request
        self._settings = request["settings"] or None
        self._suffix = "editable" if request["editable"] else "wheel"

    def run(self) -> None:
        """Call the hooks and tell what they returned."""
        self._backend = _load(self._request["backend"], self._request["backend_path"])
        if self._request["ask"] and not self._may_go_on():
            return
        output = self._request["output"]
        if self._request["metadata"] and hasattr(self._backend, "prepare_metadata_for_build_" + self._suffix):
            name = self._call("prepare_metadata_for_build_", output, self._settings)
            self._line.tell(metadata=self._text(name, "the name of a `.dist-info` directory"))
            return
        name = self._call("build_", output, self._settings, None)
        self._line.tell(wheel=self._text(name, "the name of a wheel"))

    def _may_go_on(self) -> bool:
        """Ask for further build requirements; puffin decides whether the environment has them."""
        if not hasattr(self._backend, "get_requires_for_build_" + self._suffix):
            return True
        wanted = self._call("get_requires_for_build_", self._settings)
        if not isinstance(wanted, (list, tuple)) or not all(isinstance(each, str) for each in wanted):
            self._nonsense(wanted, "a list of requirements")
        if not wanted:
            return True
        found = {"installed": _installed(), "markers": _markers()}
        self._line.tell(requires=list(wanted), hook=self.entered, **found)
        answer = self._line.read()
        return bool(answer and answer["go"])

    def _call(self, prefix: str, *arguments: "Any") -> "Any":
        name = prefix + self._suffix
        hook = getattr(self._backend, name, None)
        if hook is None:
            raise BackendUnusable("hookless", f"the build backend has no hook `{name}`")
        self.entered = name
        self._line.tell(entered=name)
        return hook(*arguments)

    def _text(self, value: "Any", what: str) -> str:
        if not isinstance(value, str):
            self._nonsense(value, what)
        return str(value)

    def _nonsense(self, value: "Any", what: str) -> "NoReturn":
        shown = repr(value)
        shown = shown if len(shown) < 80 else shown[:79] + "…"
        raise BackendUnusable("nonsense", f"`{self.entered}` returned {shown}, which is not {what}")


def _load(backend: str, backend_path: "list[str]") -> "Any":
    """Import ``module:object`` and return the object; in-tree backends come from *backend_path* alone."""
    name, _, attributes = backend.partition(":")
    sys.path[:0] = backend_path
    try:
        found: Any = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name + ".").startswith(error.name + "."):
            raise BackendUnusable("absent", f"there is no module `{error.name}`") from error
        raise
    if backend_path and not _inside(found, backend_path):
        text = f"`{name}` was imported from outside `backend-path`"
        raise BackendUnusable("outside", text)
    for attribute in filter(None, attributes.split(".")):
        if not hasattr(found, attribute):
            raise BackendUnusable("absent", f"`{name}` has no `{attributes}`")
        found = getattr(found, attribute)
    return found


def _inside(module: "Any", directories: "list[str]") -> bool:
    places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", ())]
    real = [os.path.realpath(place) for place in places if place]
    roots = [os.path.join(os.path.realpath(directory), "") for directory in directories]
    return any((place + os.sep).startswith(root) for place in real for root in roots)


def _installed() -> "list[list[str]]":
    """Return name and version of what this interpreter finds installed; the first of a name counts."""
    from importlib.metadata import distributions

    found = []
    for distribution in distributions():
        stem, kind = os.path.splitext(os.path.basename(str(getattr(distribution, "_path", ""))))
        name, _, version = stem.partition("-")
        if kind != ".dist-info" or not version:
            name, version = distribution.metadata["Name"], distribution.version
        if name and version:
            found.append([name, version])
    return found


def _markers() -> "dict[str, str]":
    """Return the environment of markers in requirements (PEP 508)."""
    import platform

    info = sys.implementation.version
    full = f"{info.major}.{info.minor}.{info.micro}"
    if info.releaselevel != "final":
        full += info.releaselevel[0] + str(info.serial)
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": full,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
