"""Signals without the enums of the ``signal`` module, whose import takes 6 ms of a warm sync."""

import _signal  # type: ignore[import-not-found, unused-ignore]
from _signal import SIGINT, SIGTERM, raise_signal, signal  # type: ignore[import-not-found, unused-ignore]

from puffin.types import Any, Callable

# what ends a process from outside: `kill`, a closed terminal, Ctrl-\ (the last two do not exist on Windows)
ENDING: "tuple[int, ...]" = tuple(
    getattr(_signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(_signal, name)
)


_SOON = 0.005  # seconds, after which a call is tried again


def every(seconds: float, call: "Callable[[], None]", *, first: float = 0.0) -> bool:
    """Call *call* on the main thread again and again until :func:`no_more`; False where the system has no such timer.

    The *first* call may come after another time. A call never interrupts the import system, so it may import modules.
    Children do not inherit the timer.
    """

    def came(_number: int, frame: "Any") -> None:
        if frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
            _signal.setitimer(_signal.ITIMER_REAL, _SOON, seconds)
        else:
            call()

    try:
        signal(_signal.SIGALRM, came)
        _signal.setitimer(_signal.ITIMER_REAL, first or seconds, seconds)
    except (AttributeError, ValueError):
        return False
    return True


def on_ending(call: "Callable[[int], None]") -> None:
    """Call *call* with its number when one of :data:`ENDING` arrives; one that is ignored (`nohup`) stays so."""
    for number in ENDING:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            signal(number, lambda came, _frame: call(came))


def no_more() -> None:
    """End what :func:`every` began."""
    _signal.setitimer(_signal.ITIMER_REAL, 0)
    signal(_signal.SIGALRM, _signal.SIG_DFL)


class Uninterrupted:
    """Holds back signals that would end the process until the end of the block, then raises the first of them.

    What is closed in such a block is closed wholly, whatever comes: a second signal finds nothing half closed.
    """

    def __init__(self) -> None:
        self._former: "dict[int, Any]" = {}
        self._came: "list[int]" = []

    def __enter__(self) -> None:
        for number in (SIGINT, *ENDING):
            try:
                self._former[number] = signal(number, lambda came, _frame: self._came.append(came))
            except ValueError:
                return  # not the main thread: signals do not come here

    def __exit__(self, *error: object) -> None:
        for number, handler in self._former.items():
            signal(number, handler)
        for number in self._came[:1]:
            raise_signal(number)


__all__ = [
    "ENDING",
    "SIGINT",
    "SIGTERM",
    "Uninterrupted",
    "every",
    "no_more",
    "on_ending",
    "raise_signal",
    "signal",
]
