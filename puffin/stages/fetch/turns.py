"""Threads that take turns: one thread of a process works while the others wait for the network.

Threads that all have something to do hand the interpreter over at every system call, and that takes more time than
the work: pages of an index are small, and a request for one is a dozen calls.
"""

import select
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from socket import socket
from threading import Lock, Thread, get_ident
from time import monotonic

import puffin.forks  # noqa: F401 - it makes forks safe after these threads


class NetworkTurns:
    """Use it in ``with`` for work, and :meth:`aside` within it for what only waits.

    ``idle`` is called when a thread steps aside and no other wants its turn.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._owner = 0
        self._waiting: set[int] = set()
        self.idle: Callable[[], None] | None = None

    def __enter__(self) -> None:
        me = get_ident()
        self._waiting.add(me)
        self._lock.acquire()
        self._waiting.discard(me)
        self._owner = me

    def __exit__(self, *error: object) -> None:
        self._owner = 0
        self._lock.release()

    def step_aside(self) -> None:
        """End this thread's turn, because it has to wait for something."""
        self.__exit__()
        if self.idle is not None and self.free:
            self.idle()

    def aside(self) -> "Pause":
        """Let others have their turn during a ``with`` block, if this thread has it."""
        return Pause(self)

    @property
    def free(self) -> bool:
        """Whether nobody has a turn or wants one."""
        return not self._waiting and not self._owner

    @property
    def mine(self) -> bool:
        return self._owner == get_ident()


class Pause:
    """See :meth:`NetworkTurns.aside`."""

    def __init__(self, turns: NetworkTurns) -> None:
        self._turns = turns
        self._mine = False

    def __enter__(self) -> None:
        self._mine = self._turns.mine
        if self._mine:
            self._turns.step_aside()

    def __exit__(self, *error: object) -> None:
        if self._mine:
            self._turns.__enter__()


class Nobody:
    """Stands in where every thread works as it likes."""

    def aside(self) -> "Nobody":
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


def turns_of(client: object) -> NetworkTurns:
    """Return the turns that the threads of a client are to have from now on."""
    take: Callable[[], NetworkTurns] = getattr(client, "take_turns", NetworkTurns)
    return take()


def until_readable(sock: "socket", turns: "NetworkTurns | Nobody") -> None:
    """Wait for the first bytes of an answer while others have their turn (``TimeoutError``)."""
    if not isinstance(turns, NetworkTurns) or not turns.mine:
        return  # who reads waits
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    timeout = sock.gettimeout()
    with turns.aside():
        ready = poll.poll(None if timeout is None else timeout * 1000)
    if not ready:
        raise TimeoutError("timed out")


class Crew:
    """Threads that do jobs in turn, one working at a time; another starts when all others wait, up to *size*.

    So there are as many as the distance to the servers takes, and none that only gets in the way of others.
    """

    def __init__(self, turns: NetworkTurns, size: int) -> None:
        self._turns = turns
        self._size = size
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._resting: set[int] = set()
        turns.idle = self._more

    def submit(self, work: "Callable[[], None]") -> None:
        """Have *work* done; it raises nothing."""
        self._jobs.put(work)
        if self._turns.free:
            self._more()
        if not self._size:
            self._work_here()

    def do_all(self, works: "Iterable[Callable[[], object]]") -> None:
        """Do all *works*, and end; raises what one of them raised. An interrupt waits for none of them."""
        answers: SimpleQueue[BaseException | None] = SimpleQueue()
        asked = [self.submit(lambda work=work: answers.put(_error_of(work))) for work in works]  # type: ignore[misc,func-returns-value]
        errors = [error for error in [answers.get() for _ in asked] if error is not None]
        self.end(0.0)
        if errors:
            raise errors[0]

    def end(self, patience: float) -> None:
        """Have the threads end when all is done, and wait for that up to *patience* seconds."""
        until = monotonic() + patience
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))
        self._threads = [thread for thread in self._threads if thread.is_alive()]

    @property
    def alive(self) -> bool:
        """Whether there are threads, at work or waiting for it."""
        return bool(self._threads)

    def _more(self) -> None:
        if len(self._threads) < self._size and not self._resting and not self._jobs.empty():
            self._start()

    def _start(self) -> None:
        thread = Thread(target=self._serve, name=f"puffin-crew-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        try:
            thread.start()
        except RuntimeError:  # a limit: those that are there do it all, or whoever submits does
            self._threads.remove(thread)
            self._size = len(self._threads)

    def _work_here(self) -> None:
        while not self._jobs.empty():
            work = self._jobs.get()
            if work is not None:
                with self._turns:
                    work()

    def _serve(self) -> None:
        me = get_ident()
        while True:
            self._resting.add(me)
            work = self._jobs.get()
            self._resting.discard(me)
            if work is None:
                return
            with self._turns:
                work()


def _error_of(work: "Callable[[], object]") -> BaseException | None:
    try:
        work()
    except BaseException as error:
        return error
    return None
