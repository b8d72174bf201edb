"""The context of every command that runs a graph or resolves: run record, profile, trace and dashboard."""

import sys
import time

from puffin import __version__
from puffin.cache.layout import Cache
from puffin.cli.screen.errors import status_of
from puffin.errors import USAGE
from puffin.pipeline.graph import record
from puffin.pipeline.run.executor import kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.cli.options.values import ObserveOptions
    from puffin.cli.screen.console import Console


class Observed:
    """Records the ``with`` block and writes the profile and trace that options ask for, however it ends.

    ``started`` is of ``time.perf_counter``.
    """

    def __init__(
        self, command: str, options: "ObserveOptions", console: "Console", cache_dir: str, started: float
    ) -> None:
        now = time.time()
        began = now - (time.perf_counter() - started)
        entry = sys.modules.get("puffin.cli.entry")
        cpu = getattr(entry, "STARTED_CPU", 0.0)
        self._options = options
        self._console = console
        self._cache = Cache(cache_dir)
        self._record = record.RunRecord(self._cache, command, version=__version__, started=began, cpu=cpu)
        self._record.warn = console.warn
        self._record.row("start puffin", began, now, time.process_time() - cpu)

    def __enter__(self) -> record.RunRecord:
        record.begin(self._record)
        if self._options.profile or self._options.trace:
            self._record.keep()
        return self._record

    def __exit__(
        self, _kind: "type[BaseException] | None", error: BaseException | None, _trace: object
    ) -> None:
        status = status_of(error)
        if error is not None:
            self._console.stop_progress()
        if status not in (0, USAGE):
            self._record.keep()
        record.finish(status)
        if self._options.profile or self._options.trace:
            from puffin.cli.page.write import write_asked

            write_asked(self._options, self._record.path, self._cache, self._console)
        if self._options.dashboard_linger and error is None:
            linger(self._console)


def linger(console: "Console") -> None:
    """Wait for Ctrl-C if a dashboard is up, and then let go of its processes. The run is over; its result stands."""
    if not kept:
        return

    console.say("The dashboard stays up until you press Ctrl-C")
    try:
        from threading import Event  # the processes of the executor are up, so it is loaded

        Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        while kept:
            kept.pop().close()
