"""Signals without the enums that the ``signal`` module wraps them in, whose import takes 6 ms of a warm sync."""

from _signal import SIGINT, SIGTERM, raise_signal, signal  # type: ignore[import-not-found, unused-ignore]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def every(seconds: float, call: "Callable[[], None]") -> bool:
    """Call *call* on the main thread again and again until :func:`no_more`; False where the system has no such timer.

    Children do not inherit it.
    """
    try:
        from _signal import ITIMER_REAL, SIGALRM, setitimer  # type: ignore[import-not-found, unused-ignore]

        signal(SIGALRM, lambda _number, _frame: call())
        setitimer(ITIMER_REAL, seconds, seconds)
    except (ImportError, ValueError):
        return False
    return True


def no_more() -> None:
    """End what :func:`every` began."""
    from _signal import ITIMER_REAL, SIG_DFL, SIGALRM, setitimer  # type: ignore[import-not-found, unused-ignore]

    setitimer(ITIMER_REAL, 0)
    signal(SIGALRM, SIG_DFL)


__all__ = ["SIGINT", "SIGTERM", "every", "no_more", "raise_signal", "signal"]
