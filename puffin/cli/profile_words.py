"""How the figures of a profile read: times, sizes, the verdict."""

import os

from puffin.pipeline.profile_read import KILLED, UNTOLD, Profile
from puffin.pipeline.profile_report import Report

STATUS = {0: "done", KILLED: "killed", UNTOLD: "", 130: "interrupted", 143: "terminated"}


def seconds(value: float) -> str:
    """Return a span of time: ``0.4 ms``, ``87 ms``, ``9.8 s``, ``2 min 05 s``."""
    if value < 0.01:
        return f"{value * 1000:.1f} ms"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 99.95:
        return f"{value:.1f} s" if value >= 9.995 else f"{value:.2f} s"
    return f"{int(value // 60)} min {int(value % 60):02d} s"


def size(count: float) -> str:
    """Return a number of bytes: ``812 B``, ``3.4 MiB``; ``""`` for none."""
    if count < 1:
        return ""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1000 or unit == "GiB":
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"


def rate(count: float) -> str:
    """Return bytes a second as ``12.3 MB/s``; ``""`` for none."""
    return f"{count / 1e6:.1f} MB/s" if count else ""


def ended(profile: Profile) -> str:
    """Return how a run ended, in a word or two."""
    return STATUS.get(profile.status, f"failed, exit code {profile.status}")


def verdict(report: Report) -> str:
    """Return the line that says most: how long it took, what limited it, how parallel it was, what the cache saved."""
    profile = report.profile
    words = [seconds(profile.wall)]
    if report.limit is not None:
        what = report.limit.name + (
            f" of {report.limit.package.partition('==')[0]}" if report.limit.package else ""
        )
        words.append(f"limited by: {what}, {seconds(report.limit.seconds)} on the critical path")
    if profile.tasks:
        words.append(f"{report.parallelism:.1f}× parallel of {max(profile.jobs, len(report.workers))}")
    if report.saved >= 0.05:
        words.append(f"cache saved ≈ {seconds(report.saved)} of work")
    if profile.status not in (0, UNTOLD):
        words.append(ended(profile))
    return " · ".join(words)


def place(path: str) -> str:
    """Return a path as it is shown: relative where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return relative if len(relative) < len(path) else path


def signed(change: float) -> str:
    """Return a change of a time: ``+1.2 s``, ``-40 ms``."""
    return f"{'+' if change >= 0 else '-'}{seconds(abs(change))}"
