"""A report on a run, and the comparison of two, as JSON for programs: times in seconds, sizes in bytes."""

import json
import os
from collections.abc import Iterable
from typing import Any

from puffin.cache.layout import Cache
from puffin.cli.page.findings import advised
from puffin.cli.page.words import verdict
from puffin.errors import PuffinError
from puffin.pipeline.change.report import report_of
from puffin.pipeline.change.values import ManyResult
from puffin.pipeline.profile.compare import Comparison, Difference, Past, previous
from puffin.pipeline.profile.read import Profile, load_profile, load_profiles
from puffin.pipeline.profile.report import Report, report_on
from puffin.pipeline.profile.spans import parts
from puffin.reasons import WORK, reason_fields


def reported(profile: Profile, cache: Cache) -> tuple[Report, Report | None]:
    """Return the reports on a run and on the one that it is to be compared with, if there is one."""
    known = [each for each in load_profiles(cache) if each.run != profile.run]
    before = previous(profile, known)
    earlier = [each for each in known if each.run < profile.run]
    return report_on(profile, earlier), report_on(before, earlier) if before else None


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
        "findings": _findings(report),
        "limited_by": {"name": limit.name, "package": limit.package, "seconds": limit.seconds}
        if limit
        else None,
        "parallelism": report.parallelism,
        "cache": {"hits": report.hits, "misses": report.misses, "saved": report.saved, "bytes": report.served},
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
            if row.reason is not None and row.name in WORK
        ],
        "failures": [{"stage": row.name, "package": row.label, "error": row.error} for row in report.failures],
        "failure": profile.failure or None,
    }


def _findings(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "kind": found.kind,
            "stage": found.stage,
            "package": found.package,
            "seconds": round(found.seconds, 6),
            "text": words.text,
            "advice": words.advice,
        }
        for found, words in advised(report)
    ]


def sync_report(result: ManyResult, cache: Cache, record: str, *, full: bool) -> str:
    """Return the report of ``puffin sync``, with the findings of the run *record* if that file can be read.

    A *full* report has the metadata of all packages, and line breaks.
    """
    told = report_of(result, cache, full=full)
    try:
        told["findings"] = _findings(reported(load_profile(record), cache)[0]) if os.path.isfile(record) else []
    except PuffinError:  # the record is damaged; the report is of the result
        told["findings"] = []
    layout: dict[str, Any] = {"indent": 1} if full else {"separators": (",", ":")}
    return json.dumps(told, ensure_ascii=False, **layout) + "\n"


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def comparison_json(found: Comparison) -> dict[str, Any]:
    """Return the comparison of two runs as JSON."""
    return {
        "before": {"run": found.before.profile.run, "wall": found.before.profile.wall},
        "after": {"run": found.after.profile.run, "wall": found.after.profile.wall},
        "phases": _differences(found.phases),
        "packages": _differences(found.packages),
        "tasks": _differences(found.tasks),
        "lost": list(found.lost),
        "won": list(found.won),
    }


def _differences(each: Iterable[Difference]) -> list[dict[str, Any]]:
    return [{"name": one.name, "before": one.before, "after": one.after, "change": one.change} for one in each]


def history_json(found: Iterable[Past]) -> list[dict[str, Any]]:
    """Return the history of one kind of run as JSON."""
    return [
        {
            "run": each.profile.run,
            "command": each.profile.command,
            "started": each.profile.started,
            "wall": each.profile.wall,
            "tasks": len(each.profile.tasks),
            "slower": each.slower,
        }
        for each in found
    ]
