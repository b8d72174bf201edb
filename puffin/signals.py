"""Signals without the enums of the ``signal`` module, whose import takes 6 ms of a warm sync."""

import _signal  # type: ignore[import-not-found, unused-ignore]
from _signal import SIGINT, SIGTERM, raise_signal, signal  # type: ignore[import-not-found, unused-ignore]

# what ends a process from outside: `kill`, a closed terminal, Ctrl-\ (the last two do not exist on Windows)
ENDING: "tuple[int, ...]" = tuple(
    getattr(_signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(_signal, name)
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def every(seconds: float, call: "Callable[[], None]") -> bool:
    """Call *call* on the main thread again and again until :func:`no_more`; False where the system has no such timer.

    Children do not inherit it.
    """
    try:
        signal(_signal.SIGALRM, lambda _number, _frame: call())
        _signal.setitimer(_signal.ITIMER_REAL, seconds, seconds)
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


__all__ = ["ENDING", "SIGINT", "SIGTERM", "every", "no_more", "on_ending", "raise_signal", "signal"]
