"""Keeping the dashboard up after a run, for who wants to look at it."""

import threading

from puffin.pipeline.executor import kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.cli.console import Console


def linger(console: "Console") -> None:
    """Wait for Ctrl-C if a dashboard is up, and then let go of its processes. The run is over; its result stands."""
    if not kept:
        return
    console.say("The dashboard stays up until Ctrl-C")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        while kept:
            kept.pop().close()
