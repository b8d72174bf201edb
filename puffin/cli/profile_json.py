"""Profiles for programs: plain objects in stable names; times in seconds, sizes in bytes."""

from puffin.cli.profile_words import verdict
from puffin.pipeline.profile_path import parts
from puffin.pipeline.profile_report import Comparison, Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from puffin.pipeline.profile_report import Difference


def report_json(report: Report) -> "dict[str, Any]":
    """Return what there is to say of a run."""
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
        "critical_path": [
            {"name": each.name, "package": each.package, "seconds": each.seconds}
            for each in parts(report.path, by_package=True)
        ],
        "phases": [_fields(each) | {"rate": each.rate} for each in report.phases],
        "idle": report.idle,
        "workers": [_fields(each) | {"idle": dict(each.idle)} for each in report.workers],
        "packages": [_fields(each) | {"stages": dict(each.stages)} for each in report.packages],
        "environments": [_fields(each) for each in report.places],
        "failures": [{"stage": row.name, "package": row.label, "error": row.error} for row in report.failures],
    }


def _fields(value: "Any") -> "dict[str, Any]":
    return {name: getattr(value, name) for name in value.__slots__}


def comparison_json(found: Comparison) -> "dict[str, Any]":
    """Return what is different between two runs."""
    return {
        "before": {"run": found.before.profile.run, "wall": found.before.profile.wall},
        "after": {"run": found.after.profile.run, "wall": found.after.profile.wall},
        "phases": _differences(found.phases),
        "packages": _differences(found.packages),
    }


def _differences(each: "Iterable[Difference]") -> "list[dict[str, Any]]":
    return [{"name": one.name, "before": one.before, "after": one.after, "change": one.change} for one in each]
