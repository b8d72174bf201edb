"""Writing the files of ``--profile`` and ``--trace`` at the end of a run, however it ended; sending for ``--otlp``."""

import json
import os

from puffin.artifact.urls import mask, mask_text
from puffin.cache.atomic import replace_file
from puffin.cache.layout import Cache
from puffin.cli.options.table import GIVEN
from puffin.cli.options.values import ObserveOptions
from puffin.cli.page.data import reported
from puffin.cli.page.page import page
from puffin.cli.screen.console import Console
from puffin.errors import PuffinError
from puffin.pipeline.graph.task import resolve_function
from puffin.pipeline.profile.read import Profile, load_profile
from puffin.pipeline.profile.report import Report
from puffin.pipeline.profile.trace import trace

DEFAULT_PAGE = "puffin-profile.html"
_LOGS, _LINES, _TAIL = 3, 20, 16_384  # logs that are shown on a page; their last lines, within so many bytes


def write_asked(options: ObserveOptions, path: str, cache: Cache, console: Console) -> None:
    """Write the page and the trace that *options* ask for from the record at *path*.

    It is said where they are; what cannot be written is a warning, as the run itself has ended already.
    """
    try:
        profile = load_profile(path)
    except PuffinError as error:
        console.warn(str(error))
        return
    if options.profile:
        target = DEFAULT_PAGE if options.profile == GIVEN else options.profile
        _write(target, _page(profile, cache), "Profile", console)
    if options.trace:
        _write(options.trace, json.dumps(trace(profile), separators=(",", ":")).encode(), "Trace", console)
    if options.otlp:
        _send(profile, options.otlp, console)


def _send(profile: Profile, url: str, console: Console) -> None:
    """Send a run to a collector of OpenTelemetry; the package for that is an extra."""
    try:
        sent = resolve_function("puffin.cli.page.otlp:send_trace")(profile, url)
    except ImportError:
        console.warn("`--otlp` needs OpenTelemetry; install it with `pip install 'puffin-installer[otlp]'`")
        return
    shown = mask(url)
    console.say(f"Trace sent to {shown}") if sent else console.warn(f"Failed to send the trace to `{shown}`")


def _page(profile: Profile, cache: Cache) -> bytes:
    report, before = reported(profile, cache)
    return page(report, before, log_tails(report)).encode("utf-8", "replace")


def log_tails(report: Report) -> dict[str, str]:
    """Return the last lines of the logs of the first tasks that failed, by the paths of the logs."""
    paths = dict.fromkeys([row.log for row in report.failures if row.log])
    return {path: tail for path in list(paths)[:_LOGS] if (tail := _tail(path))}


def _tail(path: str) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return mask_text("\n".join(lines[-_LINES:]))


def _write(target: str, data: bytes, what: str, console: Console) -> None:
    path = os.path.abspath(os.path.expanduser(target))
    try:
        replace_file(path, data)
    except OSError as error:
        console.warn(f"Failed to write the {what.lower()} `{target}`: {error.strerror or error}")
        return
    console.say(f"{what} written to {console.link(f'file://{path}', target)}")
