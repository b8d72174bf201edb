"""What an install did or would do, as the JSON of pip's installation report, version "1". Pure.

https://pip.pypa.io/en/stable/reference/installation-report/ for the report, PEP 610 for ``download_info``, and
https://packaging.python.org/en/latest/specifications/core-metadata/ with PEP 566 for ``metadata``.
"""

import json
import time

from puffin import __version__
from puffin.artifact.metadata_head import head_fields, split_head, unfolded
from puffin.artifact.urls import mask, mask_text, strip_credentials
from puffin.errors import PuffinError
from puffin.pipeline.change.values import Several
from puffin.pipeline.request.settings import DRIFTED, FAILED, SKIPPED, UNCHANGED, UPDATED
from puffin.reasons import reason_fields
from puffin.stages.unzip.ready import archived_metadata
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.change.values import Change, EnvResult, Installed, ManyResult, RemoteTally
    from puffin.pipeline.tasks.supply import Supply
    from puffin.stages.link.commit.placement import Conflict
    from puffin.stages.resolve.solve.request import Resolved
    from puffin.stages.resolve.solve.universe import Metadata

FORMAT = "1"
_SINGLE = (
    "Metadata-Version", "Name", "Version", "Summary", "Description", "Description-Content-Type", "Keywords",
    "Home-page", "Download-URL", "Author", "Author-email", "Maintainer", "Maintainer-email", "License",
    "License-Expression", "Requires-Python",
)  # fmt: skip
_MULTIPLE = (
    "Dynamic", "Platform", "Supported-Platform", "License-File", "Classifier", "Requires-Dist",
    "Requires-External", "Project-URL", "Provides-Extra", "Provides-Dist", "Obsoletes-Dist", "Import-Name",
    "Import-Namespace", "Requires", "Provides", "Obsoletes",
)  # fmt: skip
_TEXTS = ("Description", "License")  # fields whose lines matter


@frozen
class ReportItem:
    """A distribution that is or would be installed.

    ``url`` is where its file came from, ``hashes`` are of that file, as ``sha256:<hex>``; ``metadata`` is the
    content of METADATA. ``direct_url`` is the text of direct_url.json (PEP 610), empty for what came from an
    index or ``--find-links``. ``requested`` tells whether the user named it, with ``requested_extras``.
    """

    name: str
    version: str
    url: str
    hashes: tuple[str, ...] = ()
    is_direct: bool = False
    is_yanked: bool = False
    requested: bool = False
    requested_extras: tuple[str, ...] = ()
    metadata: bytes = b""
    direct_url: str = ""


def pip_report(items: "Iterable[ReportItem]", markers: "Mapping[str, str]", version: str) -> "dict[str, Any]":
    """Return the report of *items*, in their order.

    *markers* are PEP 508's variables of the environment, *version* is puffin's own; it stands under
    ``pip_version``, which the format demands, with the name of who says so.
    """
    return {
        "version": FORMAT,
        "pip_version": f"puffin {version}",
        "install": [item_of(each) for each in items],
        "environment": {name: markers[name] for name in sorted(markers) if name != "extra"},
    }


def install_report(done: "Installed", cache: "Cache") -> "dict[str, Any]":
    """Return the report of an install: what came in, or would have, by name."""
    packages = {each.name: each for each in done.resolution.packages}
    items = [_installed(each, packages[each.artifact.name], done, cache) for each in done.supplies]
    return pip_report(items, dict(done.environment.interpreter.markers), __version__)


def _installed(supply: "Supply", package: "Resolved", done: "Installed", cache: "Cache") -> ReportItem:
    artifact = supply.artifact
    hashes = (f"sha256:{supply.archive}",) if supply.archive else artifact.hashes
    return ReportItem(
        name=artifact.name,
        version=artifact.version,
        url=artifact.url,
        hashes=hashes,
        is_direct=bool(artifact.direct_url),
        is_yanked=artifact.yanked is not None,
        requested=package.direct,
        requested_extras=package.extras if package.direct else (),
        metadata=archived_metadata(cache, supply.archive) or _written(done.metadata[artifact.name]),
        direct_url=artifact.direct_url,
    )


def _written(metadata: "Metadata") -> bytes:
    """Return what resolution knew, as METADATA: a dry run fetches no wheel that could be asked."""
    lines = ["Metadata-Version: 2.1", f"Name: {metadata.name}", f"Version: {metadata.version}"]
    lines += [f"Requires-Python: {metadata.requires_python}"] if metadata.requires_python else []
    lines += [f"Requires-Dist: {each}" for each in metadata.requires_dist]
    lines += [f"Provides-Extra: {each}" for each in metadata.provides_extras]
    return "\n".join((*lines, "")).encode()


def metadata_json(data: bytes) -> "dict[str, Any]":
    """Return core metadata in its JSON form; unknown fields are left out.

    Keys are in lower case with underscores; fields that may be there several times are lists, as are the
    keywords; the body is the description.
    """
    values: dict[str, list[str]] = {}
    for name, value in head_fields(data):
        values.setdefault(name.lower(), []).append(value)
    found: dict[str, Any] = {}
    for field in _SINGLE:
        if field.lower() in values:
            found[_key(field)] = _value(field, values[field.lower()][0])
    for field in _MULTIPLE:
        if field.lower() in values:
            found[_key(field)] = [unfolded(value) for value in values[field.lower()]]
    body = split_head(data)[1]
    if body:
        found["description"] = body
    return found


def item_of(each: ReportItem) -> "dict[str, Any]":
    """Return one item of the report."""
    extras = {"requested_extras": sorted(each.requested_extras)} if each.requested_extras else {}
    return {
        "download_info": _download_info(each),
        "is_direct": each.is_direct,
        "is_yanked": each.is_yanked,
        "requested": each.requested,
        **extras,
        "metadata": metadata_json(each.metadata) or {"name": each.name, "version": each.version},
    }


def _download_info(each: ReportItem) -> "dict[str, Any]":
    direct = _direct(each.direct_url)
    if not direct:
        return {"url": strip_credentials(each.url), "archive_info": _archive_info(each.hashes)}
    if isinstance(direct.get("url"), str):
        direct["url"] = strip_credentials(direct["url"])
    archive = direct.get("archive_info")
    if isinstance(archive, dict) and not archive.get("hashes"):
        direct["archive_info"] = {**archive, **_archive_info(each.hashes)}
    return direct


def _direct(text: str) -> "dict[str, Any]":
    try:
        value = json.loads(text or "null")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _archive_info(hashes: tuple[str, ...]) -> "dict[str, Any]":
    """Return PEP 610's ``archive_info``, with the older ``hash`` beside ``hashes``; sha256 first."""
    split = sorted((each.partition(":")[::2] for each in hashes), key=lambda pair: pair[0] != "sha256")
    if not split:
        return {}
    name, digest = split[0]
    return {"hash": f"{name}={digest}", "hashes": dict(split)}


def _key(field: str) -> str:
    return field.lower().replace("-", "_")


def _value(field: str, text: str) -> "str | list[str]":
    if field == "Keywords":
        words = text.split(",") if "," in text else text.split()
        return [word.strip() for word in words if word.strip()]
    return _dedented(text) if field in _TEXTS else unfolded(text)


def _dedented(text: str) -> str:
    """Return a text of several lines without what was put before each to fold it: seven blanks and a bar, or eight."""
    first, *rest = text.splitlines() or [""]
    prefixes = ("       |", "        ")
    return "\n".join([first, *[line[8:] if line.startswith(prefixes) else line.strip() for line in rest]])


_STATUSES = (UPDATED, UNCHANGED, FAILED, SKIPPED)


def report_of(result: "ManyResult", cache: "Cache", *, full: bool = False) -> "dict[str, Any]":
    """Return the report; sizes are in bytes, times in seconds. A dry run is reported as if it was done.

    With *full* each environment also has the metadata of what was installed.
    """
    statuses = [_status(each) for each in result.environments]
    shared = result.shared
    items: dict[tuple[str, str], Any] = {}
    return {
        "schema": 2,
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
        "remote": {each.layer: _remote(each) for each in shared.remote},
        "envs": [_environment(each, cache, items if full else None) for each in result.environments],
        "phases": {name: round(seconds, 6) for name, seconds in result.phases},
    }


def _remote(tally: "RemoteTally") -> "dict[str, Any]":
    misses = dict(tally.misses)
    return {"hit": tally.hits, "miss": misses, "bytes": tally.bytes, "wait_s": round(tally.seconds, 6)}


def _status(result: "EnvResult") -> str:
    return UPDATED if result.status == DRIFTED else result.status


def _environment(
    result: "EnvResult", cache: "Cache", items: "dict[tuple[str, str], Any] | None"
) -> "dict[str, Any]":
    """Return an environment; *items* are the packages that are known already, None for a report without them."""
    coming = [each for each in result.changes if each.action != "remove"]
    return {
        "name": result.name,
        "path": result.path,
        "python": result.python,
        "status": _status(result),
        "partly": result.partly,
        "changes": [_change(each) for each in result.changes],
        **({"install": [_item(each, cache, items) for each in coming]} if items is not None else {}),
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
        "reason": reason_fields(change.reason, time.time()),
        "work": [
            {"stage": stage, "reason": reason_fields(reason, time.time())} for stage, reason in change.work
        ],
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
                metadata=archived_metadata(cache, change.sha256),
            )
        )
        items[key]["metadata"].pop("description", None)
    return items[key]


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
