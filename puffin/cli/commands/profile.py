"""``puffin profile show``, ``compare`` and ``history``."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console as RichConsole
from rich.table import Table
from rich.text import Text

from puffin.cache.layout import Cache
from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.options.inspect import StoreOptions
from puffin.cli.page.data import comparison_json, history_json, report_json, reported
from puffin.cli.page.findings import advised
from puffin.cli.page.words import (
    REMOTE_HEAD,
    ended,
    executor,
    figures,
    idle_word,
    remote_rows,
    signed,
    task_word,
    verdict,
    when,
)
from puffin.cli.screen.console import wants_color
from puffin.cli.screen.github import Github
from puffin.cli.screen.quantities import duration
from puffin.cli.screen.stages import stage_word
from puffin.errors import DRIFT, UsageError
from puffin.names import in_sentence
from puffin.pipeline.profile.compare import Comparison, Past, check_comparable, compare, history, slower
from puffin.pipeline.profile.read import NoFinishedRun, Profile, find_record, load_profile, load_profiles
from puffin.pipeline.profile.report import Report

_ROWS = 10


def show_runs(call: Call) -> int:
    """Print the last runs, or one run in full."""
    options = call.options(StoreOptions)
    last = _count(options.last)
    with CacheDirectory(call) as cache_dir:
        cache = Cache(cache_dir)
        if options.arguments:
            chosen = [load_profile(find_record(options.arguments[0], cache))]
        elif last:
            chosen = load_profiles(cache)[-last:]
        else:
            chosen = [load_profile(find_record("-1", cache))]
        reports = [reported(profile, cache)[0] for profile in chosen]
    if options.json:
        _dump(call, [report_json(report) for report in reports])
    elif len(reports) == 1 and not last:
        _show_one(reports[0], call)
    else:
        _print(call, _runs(reports))
    return 0


def _count(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and int(text)):
        raise UsageError(text=f"`{text}` is not a number of runs", hints=("`--last` must be 1 or more",))
    return int(text or 0)


def compare_runs(call: Call) -> int:
    """Print what is different between two runs."""
    options = call.options(StoreOptions)
    least = _percent(options.warn_slower)
    first, second = options.arguments
    with CacheDirectory(call) as cache_dir:
        cache = Cache(cache_dir)
        profiles = [load_profile(find_record(run, cache)) for run in (first, second)]
        if not options.anything:
            check_comparable(*profiles)
        before, after = [reported(profile, cache)[0] for profile in profiles]
    found = compare(before, after)
    if options.json:
        _dump(call, comparison_json(found))
    else:
        _print(call, *_comparison(found))
    return _warned(call, slower(before.profile.wall, after.profile.wall), least, f"run `{before.profile.run}`")


def show_history(call: Call) -> int:
    """Print how long the runs like the last one took."""
    options = call.options(StoreOptions)
    least = _percent(options.warn_slower)
    with CacheDirectory(call) as cache_dir:
        found = history(load_profiles(Cache(cache_dir)))
    if not found:
        raise NoFinishedRun
    if options.json:
        _dump(call, history_json(found))
    else:
        _print(call, *_history(found))
    return _warned(call, found[-1].slower or 0.0, least, "the median of the runs before it")


def _percent(text: str) -> float:
    """Return what ``--warn-slower`` was given as a part of 1, 0 where it was not given."""
    digits = text.removesuffix("%")
    if text and not (digits.isascii() and digits.isdigit() and int(digits)):
        raise UsageError(text=f"`{text}` is not a percentage", hints=("for example: `--warn-slower 20%`",))
    return int(digits or 0) / 100


def _warned(call: Call, change: float, least: float, than: str) -> int:
    """Warn of a run that is slower by more than *least*, where that was asked for; return the exit code."""
    if not least or change <= least:
        return 0
    text = f"The later run is {change:.0%} slower than {than}; `--warn-slower` allows {least:.0%}"
    if os.environ.get("GITHUB_ACTIONS") == "true":
        Github(os.environ).warn(text)
    else:
        call.console.warn(text)
    return DRIFT


_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float]) -> str:
    """Return a bar for each of the values, from 0 to the largest."""
    most = max(values, default=0.0) or 1.0
    return "".join([_BARS[min(len(_BARS) - 1, int(value / most * len(_BARS)))] for value in values])


def _history(found: Sequence[Past]) -> Iterable[Any]:
    walls = [each.profile.wall for each in found]
    command = found[-1].profile.command
    yield f"puffin {command} · {sparkline(walls)} · {duration(min(walls))} to {duration(max(walls))}"
    rows = [
        (
            each.profile.run,
            when(each.profile),
            str(len(each.profile.tasks)),
            duration(each.profile.wall),
            f"{each.slower:+.0%}" if each.slower is not None else "",
        )
        for each in found
    ]
    yield _table(
        "Runs like the last one", ("<Run", "<When", "Tasks", "Wall", "Against the median of earlier runs"), rows
    )


def _dump(call: Call, value: object) -> None:
    call.console.write(json.dumps(value, indent=2) + "\n")


def _print(call: Call, *parts: Any) -> None:
    """Print tables and lines to stdout, in colour where that is wanted."""
    call.console.end()
    color = wants_color(call.screen.color, sys.stdout)
    width = None if sys.stdout.isatty() else 120
    printer = RichConsole(
        file=sys.stdout,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        no_color=not color,
        color_system="auto" if color else None,
        soft_wrap=False,
    )
    for part in parts:
        printer.print(part)


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table; columns whose title begins with ``<`` are text, others figures."""
    made = Table(
        title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, title_style="bold"
    )
    for name in columns:
        made.add_column(
            name.removeprefix("<"),
            justify="left" if name.startswith("<") else "right",
            no_wrap=not name.startswith("<"),
            overflow="fold",
        )
    for row in rows:
        made.add_row(*[Text(cell) for cell in row])
    return made


def _show_one(report: Report, call: Call) -> None:
    profile = report.profile
    wall = profile.wall or 1.0
    shown = sorted(report.phases, key=lambda each: -each.weighted)
    _print(
        call,
        verdict(report),
        _line(profile),
        "",
        *[f"- {words.text} {words.advice}".rstrip() for _, words in advised(report)],
        _table(
            "Where the time went",
            ("<Stage or phase", "Weighted", "Wall", "Sum", "CPU", "Count", "In", "Out", "Rate"),
            [(stage_word(each.name), *figures(each, wall)) for each in shown],
        ),
        *_details(report),
    )


def _details(report: Report) -> Iterable[Any]:
    if report.workers:
        rows = [
            (
                "driver" if each.driver else each.name,
                str(each.tasks),
                duration(each.busy),
                "; ".join(f"{idle_word(why)} {duration(time)}" for why, time in each.idle[:3]),
            )
            for each in report.workers[:_ROWS]
        ]
        yield _table("Workers", ("<Worker", "Tasks", "Busy", "<Idle"), rows)
    if report.profile.remote:
        yield _table("Served by the remote cache", REMOTE_HEAD, remote_rows(report.profile))
    if report.packages:
        slow = [
            (
                each.label,
                duration(each.seconds),
                ", ".join(f"{stage_word(name)} {duration(time)}" for name, time in each.stages),
            )
            for each in report.packages[:_ROWS]
        ]
        yield _table("Slow packages", ("<Package", "Time", "<Stages"), slow)
    if report.failures:
        failed = [(f"{stage_word(row.name)} {row.label}", row.error) for row in report.failures[:_ROWS]]
        yield _table("What failed", ("<Task", "<Error"), failed)


def _line(profile: Profile) -> str:
    facts = (f"puffin {profile.command}", when(profile), executor(profile), f"run {profile.run}")
    return " · ".join(fact for fact in facts if fact)


def _runs(reports: Sequence[Report]) -> Table:
    columns = ("<Run", "<When", "<Command", "<Executor", "Tasks", "Wall", "<Bottleneck", "<Ended")
    rows = [
        (
            each.profile.run,
            when(each.profile),
            each.profile.command,
            each.profile.executor,
            str(len(each.profile.tasks)),
            duration(each.profile.wall),
            f"{stage_word(each.limit.name)} {each.limit.package}".strip() if each.limit else "",
            ended(each.profile),
        )
        for each in reports
    ]
    return _table("The last runs", columns, rows)


def _comparison(found: Comparison) -> Iterable[Any]:
    before, after = found.before, found.after
    change = after.profile.wall - before.profile.wall
    for title, each in (("before", before), ("after", after)):
        yield f"{title + ':':8}{_line(each.profile)}"
        yield f"        {verdict(each)}"
    yield f"change: {signed(change)} ({slower(before.profile.wall, after.profile.wall):+.0%})"
    for names, what in ((found.lost, "Not from the cache any more"), (found.won, "From the cache now")):
        if names:
            yield f"{what}: {in_sentence(names, most=_ROWS)}"
    for title, differences in (
        ("Stage or phase", found.phases),
        ("Package", found.packages),
        ("Task of both runs", found.tasks),
    ):
        rows = [
            (task_word(each.name), duration(each.before), duration(each.after), signed(each.change))
            for each in differences
            if abs(each.change) >= 0.0005
        ][:_ROWS]
        if rows:
            yield _table("", (f"<{title}", "Before", "After", "Change"), rows)
