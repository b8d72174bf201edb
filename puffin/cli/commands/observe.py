"""The context of every command that runs a graph or resolves: run record, profile, trace and dashboard."""

import os
import sys
import time

from puffin import __version__
from puffin.cache.layout import Cache
from puffin.cli.noop.record import judge
from puffin.cli.options.table import GIVEN
from puffin.cli.screen.errors import exit_code
from puffin.errors import USAGE, PuffinError, UsageError
from puffin.pipeline.graph import record
from puffin.pipeline.run.executor import kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cli.screen.console import Console


DASHBOARD_PORT = 8787
_INTERRUPTED, _BUG = 130, 70


class Observed:
    """Records the ``with`` block and writes the profile and trace that options ask for, however it ends.

    ``started`` is of ``time.perf_counter``. *options* are those of ``table.PROFILE`` and ``table.DASHBOARD``.
    """

    def __init__(
        self, command: str, options: "dict[str, Any]", console: "Console", cache_dir: str, started: float
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
        judge(self._options, os.environ)
        record.begin(self._record)
        if self._options.get("profile") or self._options.get("trace"):
            self._record.keep()
        return self._record

    def __exit__(
        self, _kind: "type[BaseException] | None", error: BaseException | None, _trace: object
    ) -> None:
        status = _status(error)
        if error is not None:
            self._console.stop_progress()
        if status not in (0, USAGE):
            self._record.keep()
        record.finish(status)
        if self._options.get("profile") or self._options.get("trace"):
            from puffin.cli.page.write import write_asked

            write_asked(self._options, self._record.path, self._cache, self._console)
        if self._options.get("dashboard_linger") and error is None:
            linger(self._console)


def _status(error: BaseException | None) -> int:
    if error is None:
        return 0
    if isinstance(error, PuffinError):
        return exit_code(error)
    code = getattr(error, "exit_code", None)
    return _INTERRUPTED if isinstance(error, KeyboardInterrupt) else code if isinstance(code, int) else _BUG


def dashboard_port(options: "dict[str, Any]") -> int:
    """Return the port that the dashboard is asked for on, -1 for none; :class:`UsageError` for what is no port."""
    text = options.get("dashboard") or ""
    if not text:
        return -1
    if text != GIVEN and not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise UsageError(text=f"`{text}` is not a port", hints=("write `--dashboard=8787`",))
    if options["executor"] not in ("", None, "auto", "cluster"):
        raise UsageError(
            text=f"The dashboard shows the cluster executor, not `{options['executor']}`",
            hints=("remove `--executor`, or use `--executor cluster`",),
        )
    import importlib.util

    if importlib.util.find_spec("bokeh") is None:
        if not options.get("quiet"):
            sys.stderr.write(
                "hint: the dashboard needs bokeh; install it with `pip install 'puffin[dashboard]'`\n"
            )
        return -1
    return DASHBOARD_PORT if text == GIVEN else int(text)


def linger(console: "Console") -> None:
    """Wait for Ctrl-C if a dashboard is up, and then let go of its processes. The run is over; its result stands."""
    if not kept:
        return
    from threading import Event  # the executor's processes are up, so it is loaded

    console.say("The dashboard stays up until you press Ctrl-C")
    try:
        Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        while kept:
            kept.pop().close()
