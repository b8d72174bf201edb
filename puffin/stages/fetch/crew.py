"""A crew: threads that do jobs in turn, as many as waiting for the network makes it worth."""

from queue import SimpleQueue
from threading import Thread, get_ident

from puffin.stages.fetch.turns import Turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Crew:
    """Threads that do jobs in turn, one working at a time; another starts when all others wait, up to *size*.

    So there are as many as the distance to the servers takes, and none that only gets in the way of others.
    """

    def __init__(self, turns: Turns, size: int) -> None:
        self._turns = turns
        self._size = size
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = 0
        self._resting: set[int] = set()
        turns.idle = self._more

    def submit(self, work: "Callable[[], None]") -> None:
        """Have *work* done; it raises nothing."""
        self._jobs.put(work)
        if self._turns.free:
            self._more()

    def do_all(self, works: "Iterable[Callable[[], object]]") -> None:
        """Do all *works*, and end; raises what one of them raised. An interrupt waits for none of them."""
        answers: SimpleQueue[BaseException | None] = SimpleQueue()
        asked = [self.submit(lambda work=work: answers.put(_error_of(work))) for work in works]  # type: ignore[misc,func-returns-value]
        errors = [error for error in [answers.get() for _ in asked] if error is not None]
        for _ in range(self._threads):
            self._jobs.put(None)
        if errors:
            raise errors[0]

    def _more(self) -> None:
        if self._threads < self._size and not self._resting and not self._jobs.empty():
            self._start()

    def _start(self) -> None:
        self._threads += 1
        Thread(target=self._serve, name=f"puffin-crew-{self._threads}", daemon=True).start()

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
