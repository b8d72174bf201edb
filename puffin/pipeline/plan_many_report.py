"""What became of a run as JSON for machines, as ``docs/report.schema.json`` describes it."""

from puffin.cache.atomic import read
from puffin.errors import PuffinError
from puffin.pipeline.plan_install_report import ReportItem, item_of
from puffin.pipeline.plan_many_values import Several
from puffin.pipeline.plan_settings import DRIFTED, FAILED, SKIPPED, UNCHANGED, UPDATED
from puffin.stages.unzip.manifest import DIST_INFO, read_header
from puffin.stages.urls import mask, mask_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.plan_many_values import Change, EnvResult, ManyResult
    from puffin.stages.link.placement import Conflict

_STATUSES = (UPDATED, UNCHANGED, FAILED, SKIPPED)


def report_of(result: "ManyResult", cache: "Cache") -> "dict[str, Any]":
    """Return the report; sizes are in bytes, times in seconds. What a dry run would do is told as done."""
    statuses = [_status(each) for each in result.environments]
    shared = result.shared
    items: dict[tuple[str, str], Any] = {}
    return {
        "schema": 1,
        "exit_code": result.exit_code,
        "wall_s": round(result.seconds, 6),
        "summary": {status: statuses.count(status) for status in _STATUSES},
        "dedupe": {
            "artifacts_requested": shared.requested,
            "unique": shared.unique,
            "bytes_downloaded": shared.downloaded,
            "bytes_linked": shared.linked,
            "builds_run": shared.built,
            "builds_shared": shared.builds_shared,
        },
        "cache": {"hit": shared.hits, "miss": shared.misses, "repaired": shared.repaired},
        "envs": [_environment(each, cache, items) for each in result.environments],
        "phases": {name: round(seconds, 6) for name, seconds in result.phases},
    }


def _status(result: "EnvResult") -> str:
    return UPDATED if result.status == DRIFTED else result.status


def _environment(result: "EnvResult", cache: "Cache", items: "dict[tuple[str, str], Any]") -> "dict[str, Any]":
    coming = [each for each in result.changes if each.action != "remove"]
    return {
        "name": result.name,
        "path": result.path,
        "python": result.python,
        "status": _status(result),
        "partly": result.partly,
        "changes": [_change(each) for each in result.changes],
        "install": [_item(each, cache, items) for each in coming],
        "conflicts": [_conflict(each) for each in result.conflicts],
        "error": error_of(result.error) if result.error is not None else None,
    }


def _change(change: "Change") -> "dict[str, Any]":
    return {
        "action": change.action,
        "name": change.name,
        "from": change.former or None,
        "to": change.version or None,
        "source": mask(change.source) or None,
        "sha256": change.sha256 or None,
    }


def _conflict(conflict: "Conflict") -> "dict[str, Any]":
    return {"path": conflict.path, "winner": conflict.winner, "losers": list(conflict.losers)}


def _item(change: "Change", cache: "Cache", items: "dict[tuple[str, str], Any]") -> "Any":
    """Return an item as in pip's installation report, without the long description; made once for each artifact."""
    key = (change.source, change.sha256)
    if key not in items:
        items[key] = item_of(
            ReportItem(
                name=change.name,
                version=change.version,
                url=change.source,
                hashes=(f"sha256:{change.sha256}",) if change.sha256 else (),
                is_direct=bool(change.direct_url),
                direct_url=change.direct_url,
                requested=True,
                metadata=_metadata(cache, change.sha256),
            )
        )
        items[key]["metadata"].pop("description", None)
    return items[key]


def _metadata(cache: "Cache", archive: str) -> bytes:
    header = read_header(cache.manifest(archive)) if archive else None
    return (read(f"{cache.archive(archive)}/{header[DIST_INFO]}/METADATA") or b"") if header else b""


def error_of(error: PuffinError) -> "dict[str, str | None]":
    """Return an error as people would read it, in parts."""
    first = error.causes[0] if isinstance(error, Several) and error.causes else error
    hints = list(dict.fromkeys(_hints(error)))
    return {
        "kind": type(first).__name__,
        "package": mask_text(first.package) or None,
        "message": mask_text("\n".join(_lines(error))),
        "hint": mask_text("; ".join(hints)) or None,
        "log": getattr(first, "log", "") or None,
    }


def _lines(error: PuffinError, depth: int = 0) -> "list[str]":
    lines = [] if isinstance(error, Several) else ["  " * depth + line for line in str(error).splitlines()]
    for cause in error.causes:
        lines += _lines(cause, depth + (0 if isinstance(error, Several) else 1))
    return lines


def _hints(error: PuffinError) -> "list[str]":
    return [*[hint for cause in error.causes for hint in _hints(cause)], *error.hints]
