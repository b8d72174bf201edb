"""Turns: of the threads of a process, one works while the others wait for the network.

Threads that all have something to do hand the interpreter over at every system call, and that takes more time than
the work: pages of an index are small, and a request for one is a dozen calls.
"""

from threading import Lock, get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket


class Turns:
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

    def aside(self) -> "Aside":
        """Let others have their turn during a ``with`` block, if this thread has it."""
        return Aside(self)

    @property
    def free(self) -> bool:
        """Whether nobody has a turn or wants one."""
        return not self._waiting and not self._owner

    @property
    def mine(self) -> bool:
        """Whether it is this thread's turn."""
        return self._owner == get_ident()


class Aside:
    """See :meth:`Turns.aside`."""

    def __init__(self, turns: Turns) -> None:
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
        """Change nothing."""
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


def turns_of(client: object) -> Turns:
    """Return the turns that the threads of a client are to have from now on."""
    take: Callable[[], Turns] = getattr(client, "take_turns", Turns)
    return take()


def until_readable(sock: "socket", turns: "Turns | Nobody") -> None:
    """Wait for the first bytes of an answer while others have their turn (``TimeoutError``)."""
    if not isinstance(turns, Turns) or not turns.mine:
        return  # who reads waits
    import select

    poll = select.poll()
    poll.register(sock, select.POLLIN)
    timeout = sock.gettimeout()
    with turns.aside():
        ready = poll.poll(None if timeout is None else timeout * 1000)
    if not ready:
        raise TimeoutError("timed out")
