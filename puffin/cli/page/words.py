"""A report on a run as text for people, and as JSON for programs (times in seconds, sizes in bytes)."""

import os
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from puffin.cli.screen.quantities import duration, size
from puffin.pipeline.profile.read import KILLED, UNTOLD, Profile
from puffin.pipeline.profile.report import Comparison, Difference, Phase, Report
from puffin.pipeline.profile.spans import parts
from puffin.pipeline.profile.why import MISSES
from puffin.reasons import reason_fields

STATUS = {
    0: "done",
    KILLED: "killed",
    UNTOLD: "",
    129: "hung up",
    130: "interrupted",
    131: "quit",
    143: "terminated",
}


def moved(count: float) -> str:
    """Return a number of bytes; ``""`` for none."""
    return size(count) if count >= 1 else ""


def rate(count: float) -> str:
    """Return bytes a second as ``12.3 MiB/s``; ``""`` for none."""
    return f"{size(count)}/s" if count else ""


def ended(profile: Profile) -> str:
    """Return how a run ended, in a word or two."""
    return STATUS.get(profile.status, f"failed, exit code {profile.status}")


def verdict(report: Report) -> str:
    """Return the run in one line: time, bottleneck, busy workers, time saved by the cache."""
    profile = report.profile
    words = [duration(profile.wall)]
    if report.limit is not None:
        what = report.limit.name + (
            f" of {report.limit.package.partition('==')[0]}" if report.limit.package else ""
        )
        words.append(f"bottleneck: {what} ({duration(report.limit.seconds)} on the critical path)")
    if profile.tasks:
        words.append(
            f"{report.parallelism:.1f} of {max(profile.jobs, len(report.workers))} workers busy on average"
        )
    if report.saved >= 0.05:
        words.append(f"cache saved about {duration(report.saved)} of work")
    if profile.status not in (0, UNTOLD):
        words.append(ended(profile))
    return " · ".join(words)


def shown_path(path: str) -> str:
    """Return a path for display: relative if that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return relative if len(relative) < len(path) else path


def when(profile: Profile) -> str:
    """Return when a run began, in local time."""
    return datetime.fromtimestamp(profile.started).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def executor(profile: Profile) -> str:
    """Return what ran the graph of a run; ``""`` for nothing."""
    return f"{profile.executor} executor, {profile.jobs} jobs" if profile.executor else ""


def figures(phase: Phase, wall: float) -> tuple[str, ...]:
    """Return weighted, wall, sum, CPU, count, bytes in, bytes out and rate of a stage or phase of a run."""
    return (
        f"{phase.weighted / wall:.0%}",
        duration(phase.wall),
        duration(phase.sum),
        duration(phase.cpu),
        str(phase.count) if phase.stage else "",
        moved(phase.taken),
        moved(phase.given),
        rate(phase.rate),
    )


def remote_rows(profile: Profile) -> list[tuple[str, ...]]:
    """Return a row for each layer of the remote cache: its name, hits, misses with reasons, bytes, time."""
    return [
        (
            each.layer,
            str(each.hits),
            ", ".join(f"{count} {reason}" for reason, count in each.misses),
            moved(each.bytes),
            duration(each.seconds),
        )
        for each in profile.remote
    ]


REMOTE_HEAD = ("<Remote cache", "Hits", "<Misses", "Bytes", "Time")


def signed(change: float) -> str:
    """Return a change of a time: ``+1.2 s``, ``-40 ms``."""
    return f"{'+' if change >= 0 else '-'}{duration(abs(change))}"


def report_json(report: Report) -> dict[str, Any]:
    """Return the report on a run as JSON."""
    profile = report.profile
    limit = report.limit
    return {
        "run": profile.run,
        "record": profile.path,
        "command": profile.command,
        "puffin": profile.puffin,
        "python": profile.python,
        "executor": profile.executor,
        "jobs": profile.jobs,
        "started": profile.started,
        "wall": profile.wall,
        "status": profile.status if profile.status >= 0 else None,
        "verdict": verdict(report),
        "limited_by": {"name": limit.name, "package": limit.package, "seconds": limit.seconds}
        if limit
        else None,
        "parallelism": report.parallelism,
        "cache": {"hits": report.hits, "misses": report.misses, "saved": report.saved},
        "remote_cache": [_fields(each) | {"misses": dict(each.misses)} for each in profile.remote],
        "critical_path": [
            {"name": each.name, "package": each.package, "seconds": each.seconds}
            for each in parts(report.path, by_package=True)
        ],
        "phases": [_fields(each) | {"rate": each.rate} for each in report.phases],
        "idle": report.idle,
        "workers": [_fields(each) | {"idle": dict(each.idle)} for each in report.workers],
        "packages": [_fields(each) | {"stages": dict(each.stages)} for each in report.packages],
        "environments": [_fields(each) for each in report.places],
        "changes": [
            {
                "action": each.action,
                "environment": each.environment,
                "path": each.path,
                "names": list(each.names),
                "reason": reason_fields(each.reason, profile.ended),
            }
            for each in profile.changes
        ],
        "misses": [
            {"stage": row.name, "package": row.label, "reason": reason_fields(row.reason, profile.ended)}
            for row in profile.tasks
            if row.reason is not None and row.name in MISSES
        ],
        "failures": [{"stage": row.name, "package": row.label, "error": row.error} for row in report.failures],
    }


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def comparison_json(found: Comparison) -> dict[str, Any]:
    """Return the comparison of two runs as JSON."""
    return {
        "before": {"run": found.before.profile.run, "wall": found.before.profile.wall},
        "after": {"run": found.after.profile.run, "wall": found.after.profile.wall},
        "phases": _differences(found.phases),
        "packages": _differences(found.packages),
    }


def _differences(each: Iterable[Difference]) -> list[dict[str, Any]]:
    return [{"name": one.name, "before": one.before, "after": one.after, "change": one.change} for one in each]
