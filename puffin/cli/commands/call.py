"""One call of a command: its options, the console that is told of it, its cache, and the record of its run."""

import os
import sys
import time

from puffin import __version__
from puffin.cache.atomic import remove_tree
from puffin.cache.layout import Cache, default_root
from puffin.cli.config.settings import read_settings
from puffin.cli.options.values import CacheOptions, ObserveOptions, ScreenOptions, made
from puffin.cli.screen.errors import plain, status_of
from puffin.errors import USAGE, PuffinError
from puffin.pipeline.graph import record
from puffin.pipeline.request.session import session_of
from puffin.pipeline.run.executor import kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    from puffin.cli.screen.console import Console
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Settings

    T = TypeVar("T")


class Call:
    """What a command gets: the *values* of its options by name, configuration included, and its *console*.

    ``started`` is when it began, of ``time.perf_counter``; ``written`` are the values without configuration.
    """

    def __init__(
        self,
        command: str,
        values: "Mapping[str, Any]",
        console: "Console",
        started: float,
        written: "Mapping[str, Any] | None" = None,
    ) -> None:
        self.command = command
        self.values = values
        self.written = values if written is None else written
        self.console = console
        self.started = started
        self.screen = made(ScreenOptions, values)

    def options(self, kind: "type[T]") -> "T":
        """Return the options that this *kind* of value has."""
        return made(kind, self.values)

    def settings(self, cache_dir: str) -> "Settings":
        """Return the settings of the command; raises :class:`UsageError` for values that cannot be."""
        return read_settings(self.values, cache_dir)

    def session(self, settings: "Settings") -> "Session":
        """Return the session of the command, which tells the console."""
        return session_of(settings, os.environ, self.console, self.started)


class CacheDirectory:
    """The cache directory of a call; with ``--no-cache`` one that goes at the end of the ``with`` block."""

    def __init__(self, call: Call) -> None:
        self._options = call.options(CacheOptions)
        self._temporary = ""

    def __enter__(self) -> str:
        if self._options.no_cache:
            import tempfile

            self._temporary = tempfile.mkdtemp(prefix="puffin-cache-")
            return self._temporary
        chosen = self._options.cache_dir
        return os.path.abspath(os.path.expanduser(chosen)) if chosen else default_root(os.environ)

    def __exit__(self, *error: object) -> None:
        if self._temporary:
            remove_tree(self._temporary)


class Observed:
    """Records the ``with`` block and writes the profile and trace that options ask for, however it ends."""

    def __init__(self, call: Call, cache_dir: str) -> None:
        now = time.time()
        began = now - (time.perf_counter() - call.started)
        entry = sys.modules.get("puffin.cli.entry")
        cpu = getattr(entry, "STARTED_CPU", 0.0)
        self._options = call.options(ObserveOptions)
        self._console = call.console
        self._cache = Cache(cache_dir)
        self._record = record.RunRecord(self._cache, call.command, version=__version__, started=began, cpu=cpu)
        self._record.warn = call.console.warn
        self._record.row("start puffin", began, now, time.process_time() - cpu)

    def __enter__(self) -> record.RunRecord:
        record.begin_record(self._record)
        if self._options.profile or self._options.trace or self._options.otlp:
            self._record.keep()
        return self._record

    def finish(self, error: BaseException | None) -> str:
        """End the record, which *error* ends or None, and return its path. It is ended once."""
        status = status_of(error)
        if error is not None:
            self._console.end()
        if status not in (0, USAGE):
            self._record.keep()
        if isinstance(error, PuffinError) and status != USAGE:
            self._record.failure(plain(error))
        record.finish_record(status)
        return self._record.path

    def __exit__(
        self, _kind: "type[BaseException] | None", error: BaseException | None, _trace: object
    ) -> None:
        self.finish(error)
        if self._options.profile or self._options.trace or self._options.otlp:
            from puffin.cli.page.write import write_asked

            write_asked(self._options, self._record.path, self._cache, self._console)
        if self._options.dashboard_linger and error is None:
            linger(self._console)


def linger(console: "Console") -> None:
    """Wait for Ctrl-C if a dashboard is up, and then let go of its processes. The run is over; its result stands."""
    if not kept:
        return
    console.end()  # nothing goes on that a display could show
    console.say("The dashboard stays up until you press Ctrl-C")
    try:
        from threading import Event  # the processes of the executor are up, so it is loaded

        Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        while kept:
            kept.pop().close()
