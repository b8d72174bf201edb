"""The parent's side of a supervisor: the process that ``child.py`` runs in, and the pipes to it.

Importing setuptools takes longer than building a small package with it; forked from a process that has done
so, a build begins at its hooks. So supervisors that have a backend imported are kept for the next build that shares
their environment: one that names the same key, interpreter, backend and environment variables.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from puffin import meter
from puffin.value import frozen

CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")
_WINDOWS = os.name == "nt"
_LOOK = 1.0  # seconds after which a silent supervisor is looked at
_GRACE = 5.0  # seconds that it has to end its job and itself
_MOST_IDLE = 4  # supervisors, of all keys together; each takes about 30 MB

_alive: "set[Supervisor]" = set()
_thread = threading.local()
_idle: "list[tuple[tuple[Any, ...], Supervisor]]" = []  # the longest idle first
_spoiled: "set[tuple[Any, ...]]" = set()
_registered = False


def _forget_inherited() -> None:
    """In a forked child: let go of the parent's supervisors, which must notice when the parent ends."""
    global _registered
    for supervisor in _alive:
        supervisor.let_go()
    _alive.clear()
    _idle.clear()
    _registered = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited)


@contextlib.contextmanager
def while_wanted(forgotten: "Callable[[], bool]") -> "Iterator[None]":
    """Within, this thread ends a job soon after *forgotten* says that nobody waits for it, with :class:`OutOfTime`."""
    _thread.forgotten = forgotten
    try:
        yield
    finally:
        del _thread.forgotten


def _is_forgotten() -> bool:
    forgotten = getattr(_thread, "forgotten", None)
    return forgotten is not None and bool(forgotten())


@frozen
class Story:
    """The report of a job.

    ``entered`` is the hook it was in last, ``message`` the last thing it told, ``status`` its exit status,
    negative for a signal; None if its supervisor was lost with it.
    """

    entered: str = ""
    message: "dict[str, Any]"
    status: "int | None" = None


class OutOfTime(Exception):
    """The job took too long; ``entered`` is the hook it was in."""

    def __init__(self, entered: str) -> None:
        super().__init__(entered)
        self.entered = entered


class Supervisor:
    """A process of the interpreter *python* that runs ``child.py``; OSError if it cannot be started.

    It ends, and kills the job it has, when :meth:`close` is called or this process ends in whatever way.
    """

    def __init__(
        self, python: str, mode: str, environ: "Mapping[str, str]", errors: int = subprocess.DEVNULL
    ) -> None:
        theirs, self._control = os.pipe()
        try:
            self._process = subprocess.Popen(
                [python, "-u", CHILD, mode],
                stdin=theirs,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(environ),
                cwd=os.path.dirname(python) or None,
                bufsize=0,
                start_new_session=not _WINDOWS,
            )
        except BaseException:
            os.close(self._control)
            raise
        finally:
            os.close(theirs)
        self._rest = b""
        self._job = 0
        _alive.add(self)

    def let_go(self) -> None:
        """In a forked child: close its copies of the pipes, and nothing else."""
        self._close_pipes()
        self._process.returncode = 0  # it is not this process's to wait for

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, **message: "Any") -> bool:
        """Send a message; False if nobody is there to read it."""
        data = (json.dumps(message) + "\n").encode()
        try:
            while data:
                data = data[os.write(self._control, data) :]
        except OSError:
            return False
        return True

    def follow(self, answer: "Callable[[dict[str, Any]], bool]", seconds: float) -> Story:
        """Return the report on the request that was sent; *answer* decides whether a job that asks may go on.

        *seconds* is how long that may take, 0 for ever; raises :class:`OutOfTime`.
        """
        deadline = time.monotonic() + seconds if seconds else 0.0
        entered = ""
        last: dict[str, Any] = {}
        while True:
            message = self._receive(deadline)
            if message is None:
                if (deadline and time.monotonic() >= deadline) or _is_forgotten():
                    raise OutOfTime(entered)
                return Story(entered=entered, message=last)
            if "started" in message:
                self._job = message["started"]
            elif "entered" in message:
                entered = message["entered"]
            elif "ended" in message:
                self._job = 0
                meter.spent(message.get("cpu", 0.0))
                return Story(entered=entered, message=last, status=message["ended"])
            else:
                last = message
                if "requires" in message:
                    self.send(go=answer(message))

    def _receive(self, deadline: float) -> "dict[str, Any] | None":
        """Return the next message; None if there will be none, or *deadline* has come."""
        while (line := self._line(deadline)) is not None:
            start = line.find(b'{"')  # what else is there was printed when the interpreter started
            if start >= 0:
                message: dict[str, Any] = json.loads(line[start:])
                return message
        return None

    def _line(self, deadline: float) -> "bytes | None":
        while b"\n" not in self._rest:
            left = deadline - time.monotonic() if deadline else _LOOK
            if left <= 0 or _is_forgotten():
                return None
            alive = self.is_alive()
            if not self._readable(min(left, _LOOK) if alive else 0):
                if not alive:
                    return None
                continue
            data = os.read(self._output(), 1 << 16)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _output(self) -> int:
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def _readable(self, seconds: float) -> bool:
        if _WINDOWS:
            return _pipe_has_data(self._output(), seconds)
        poll = select.poll()  # select.select fails for descriptors above 1023
        poll.register(self._output(), select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def close(self) -> int:
        """End the job, if there is one, and the supervisor; return the supervisor's exit status."""
        if self not in _alive:
            return 0
        _alive.discard(self)
        self._hang_up()
        try:
            deadline = time.monotonic() + _GRACE
            while self._receive(deadline) is not None:
                pass
            status = self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if status and self._job and not _WINDOWS:
            self._kill_orphan()
        self._close_pipes()
        return status

    def _kill_orphan(self) -> None:
        """Kill the job's group after its supervisor was killed."""
        try:
            os.killpg(self._job, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass

    def _hang_up(self) -> None:
        if self._control >= 0:
            os.close(self._control)
            self._control = -1

    def _close_pipes(self) -> None:
        self._hang_up()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _pipe_has_data(descriptor: int, seconds: float) -> bool:
    """Wait until a pipe has data or has been closed; Windows cannot select on pipes."""
    import _winapi
    import msvcrt

    end = time.monotonic() + seconds
    handle = msvcrt.get_osfhandle(descriptor)  # type: ignore[attr-defined, unused-ignore]
    while True:
        try:
            if _winapi.PeekNamedPipe(handle, 0)[0]:  # type: ignore[attr-defined, unused-ignore]
                return True
        except OSError:
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(0.01)


def run_shared(
    *,
    key: "tuple[Any, ...]",
    python: str,
    backend: str,
    environ: "Mapping[str, str]",
    request: "dict[str, Any]",
    answer: "Callable[[dict[str, Any]], bool]",
    seconds: float,
) -> "Story | None":
    """Run a job in a fork of a process that has *backend* imported; None if it is to be run in a fresh one.

    That is so where processes cannot be forked, after a job with this *key* has failed, and when this job
    failed before it came to any hook. Raises :class:`OutOfTime`.
    """
    if not hasattr(os, "fork") or key in _spoiled:
        return None
    try:
        supervisor = _take(key) or _start(python, backend, environ)
    except OSError:
        return None
    story = None
    try:
        if supervisor.send(**request):
            story = supervisor.follow(answer, seconds)
    finally:
        if story is not None and story.status == 0:
            _give_back(key, supervisor)
        else:
            _spoiled.add(key)
            supervisor.close()
    return story if story is not None and story.entered else None


def _start(python: str, backend: str, environ: "Mapping[str, str]") -> Supervisor:
    global _registered
    if not _registered:
        atexit.register(close_idle)
        _registered = True
    supervisor = Supervisor(python, "serve", environ)
    supervisor.send(backend=backend)
    return supervisor


def _take(key: "tuple[Any, ...]") -> "Supervisor | None":
    """Return an idle supervisor. Only single operations on the list, so that threads need no lock for it."""
    for each in list(_idle):
        if each[0] == key:
            try:
                _idle.remove(each)
            except ValueError:
                continue  # another thread has it
            if each[1].is_alive():
                return each[1]
            each[1].close()
    return None


def _give_back(key: "tuple[Any, ...]", supervisor: Supervisor) -> None:
    _idle.append((key, supervisor))
    while len(_idle) > _MOST_IDLE:
        _idle.pop(0)[1].close()


def close_idle() -> None:
    """End the supervisors that nobody uses now."""
    while _idle:
        _idle.pop()[1].close()
