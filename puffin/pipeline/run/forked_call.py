"""A call in a forked child while this process does something else, such as importing dask."""

import marshal
import os

from puffin import depends, meter
from puffin.cache.atomic import write_all
from puffin.errors import PuffinError
from puffin.forks import ChildSilent, hear
from puffin.pipeline.graph import record
from puffin.pipeline.run.wire import pickled, unpickled
from puffin.pipeline.run.worker_loss import exit_of, fork_child
from puffin.signals import Uninterrupted
from puffin.types import Any, Callable


class ForkedCallLost(PuffinError):
    """The child was killed, by the system for want of memory perhaps."""

    sentence = "The process that searches for distributions {how}"
    how: str
    hints: tuple[str, ...] = ("run the command again",)


class ForkedCall:
    """Calls *function* in a forked child; :meth:`result` waits. The result must be made of builtins.

    Where the system has no fork, or allows none now, the call is made when the result is asked for.
    """

    def __init__(self, function: "Callable[[], Any]") -> None:
        depends.unsure("a child process looks at things")
        self._function = function
        self._pid = 0
        if not hasattr(os, "fork"):
            return
        ends: tuple[int, ...] = ()
        try:
            ends = os.pipe()
            meter.share()
            self._pid = fork_child(lambda: _answer(function, *ends))
        except OSError:  # a limit: then it is done here
            for end in ends:
                os.close(end)
            return
        self._reader, writer = ends
        os.close(writer)

    def result(self) -> "Any":
        """Return the result of the function or raise its error; :class:`ForkedCallLost` if the child was killed."""
        if not self._pid:
            return self._function()
        parts = []
        try:
            while data := hear(self._reader, 1 << 20):
                parts.append(data)
        except ChildSilent as silent:
            self.stop()
            raise ForkedCallLost(how=str(silent)) from None
        with Uninterrupted():
            pid, self._pid = self._pid, 0
            os.close(self._reader)
            how = exit_of(pid)
        data = b"".join(parts)
        if how or not data:
            raise ForkedCallLost(how=how or "ended before its work")
        if data[:1] == b"r":
            return marshal.loads(data[1:])
        raise unpickled(data[1:])

    def stop(self) -> None:
        """End the child if it still runs. A second call finds none."""
        with Uninterrupted():
            pid, self._pid = self._pid, 0
            if pid:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
                os.close(self._reader)


def _answer(function: "Callable[[], Any]", reader: int, writer: int) -> None:
    """In the child: send what *function* returns, or its error."""
    os.close(reader)
    record.leave()
    try:
        data = b"r" + marshal.dumps(function())
    except Exception as error:
        data = b"e" + pickled(error)
    write_all(writer, data)
