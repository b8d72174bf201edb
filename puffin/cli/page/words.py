"""A report on a run as text for people."""

import os
from datetime import datetime

from puffin.cli.screen.quantities import counted, duration, size
from puffin.cli.screen.stages import stage_word
from puffin.pipeline.profile.read import KILLED, UNTOLD, Profile
from puffin.pipeline.profile.report import Phase, Report
from puffin.pipeline.profile.workers import NOTHING_READY

STATUS = {
    0: "done",
    KILLED: "killed",
    UNTOLD: "",
    129: "hung up",
    130: "interrupted",
    131: "quit",
    143: "terminated",
}


def worker_name(name: str, number: int) -> str:
    """Return what a worker is called: by its number (0: the driver), or by its address where it is on a cluster."""
    if name and not name.isdigit():
        return name
    return f"worker {number}" if number else "driver"


def idle_word(reason: str) -> str:
    """Return why a worker was idle, in words of users."""
    if not reason.startswith(NOTHING_READY):
        return reason
    stage, _, needed = reason.removeprefix(NOTHING_READY).partition(" waits for ")
    names = " and ".join([f"`{stage_word(each)}`" for each in needed.split(" and ")])
    return f"{NOTHING_READY}`{stage_word(stage)}` waits for {names}"


def task_word(name: str) -> str:
    """Return a stage, or a task as its stage and its package, in words of users."""
    stage, _, package = name.partition(" ")
    return f"{stage_word(stage)} {package}" if "==" in package else stage_word(name)


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
        package = report.limit.package.partition("==")[0]
        what = stage_word(report.limit.name) + (f" {package}" if package else "")
        words.append(f"bottleneck: {what} ({duration(report.limit.seconds)} on the critical path)")
    if profile.tasks:
        words.append(f"{report.parallelism:.1f} tasks at once on average, {counted(profile.jobs, 'job')}")
    if report.hits:
        saved = f", {duration(report.saved)} of work in earlier runs" if report.saved else ""
        words.append(f"{counted(report.hits)} from the cache ({size(report.served)}{saved})")
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
