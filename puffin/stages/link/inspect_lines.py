"""What ``freeze`` and ``list`` print. Pure: installed distributions in, lines out."""

import os

from puffin.names import normalise
from puffin.stages.link.installed import Installed, thaw
from puffin.stages.urls import file_url, mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_LOCATION = "Editable project location"


def freeze_lines(
    installed: "Iterable[Installed]", exclude: "Iterable[str]" = (), *, exclude_editable: bool = False
) -> list[str]:
    """Return the environment as the lines of a requirements file, sorted by name and version."""
    chosen = _chosen(installed, exclude, editable=False if exclude_editable else None)
    return [_requirement(each) for each in chosen]


def duplicate_warnings(installed: "Iterable[Installed]") -> list[str]:
    """Return a warning for each name that is installed more than once, with where."""
    by_name: dict[str, list[Installed]] = {}
    for each in installed:
        by_name.setdefault(each.name, []).append(each)
    return [
        f"`{name}` is installed {len(several)} times: " + ", ".join(f"`{each.path}`" for each in several)
        for name, several in sorted(by_name.items())
        if len(several) > 1
    ]


def list_rows(
    installed: "Iterable[Installed]",
    style: str = "columns",
    *,
    editable: bool | None = None,
    exclude: "Iterable[str]" = (),
    latest: "Mapping[str, tuple[str, str]] | None" = None,
    verbose: bool = False,
) -> list[str]:
    """Return the lines of ``list`` in the *style* ``columns``, ``freeze`` or ``json``, as pip words them.

    *editable* chooses editable distributions alone (True) or the others alone (False). *latest* are newest versions
    and their file types by name, to be shown beside. *verbose* adds where each is, and what installed it.
    """
    chosen = _chosen(installed, exclude, editable=editable)
    if style == "json":
        return [_json(chosen, latest, verbose)]
    if style == "freeze":
        places = [f" ({os.path.dirname(each.path)})" if verbose else "" for each in chosen]
        return [f"{each.raw_name}=={each.version}{place}" for each, place in zip(chosen, places, strict=True)]
    if style == "columns":
        return _columns(chosen, latest, verbose)
    raise ValueError(f"no such list format: {style}")


def _chosen(
    installed: "Iterable[Installed]", exclude: "Iterable[str]", *, editable: bool | None
) -> list[Installed]:
    left_out = {normalise(name) for name in exclude}
    kept = [each for each in installed if each.name not in left_out and editable in (None, each.editable)]
    return sorted(kept, key=lambda each: (each.name, each.version, each.path))


def _requirement(each: Installed) -> str:
    if each.editable:
        return f"-e {_editable_url(each)}"
    if each.direct_url is None:
        return f"{each.raw_name}=={each.version}"
    return f"{each.raw_name} @ {_direct_reference(thaw(each.direct_url))}"


def _editable_url(each: Installed) -> str:
    record = dict(each.direct_url or ())
    url, inner = record.get("url"), record.get("subdirectory")
    place = mask(str(url)) if url else file_url(each.location)
    return f"{place}#subdirectory={inner}" if url and inner else place


def _direct_reference(direct_url: "dict[str, Any]") -> str:
    """Return the URL of PEP 610's record as PEP 440 writes it in a requirement."""
    url = mask(direct_url["url"])
    fragments = []
    vcs, archive = direct_url.get("vcs_info"), direct_url.get("archive_info")
    if isinstance(vcs, dict):
        url = f"{vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', '')}".rstrip("@")
    elif isinstance(archive, dict):
        fragments += _hash(archive)
    if direct_url.get("subdirectory"):
        fragments.append(f"subdirectory={direct_url['subdirectory']}")
    return url + ("#" + "&".join(fragments) if fragments else "")


def _hash(archive: "dict[str, Any]") -> list[str]:
    hashes = archive.get("hashes")
    if isinstance(hashes, dict) and hashes:
        name = "sha256" if "sha256" in hashes else min(hashes)
        return [f"{name}={hashes[name]}"]
    return [str(archive["hash"])] if archive.get("hash") else []


def _json(chosen: list[Installed], latest: "Mapping[str, tuple[str, str]] | None", verbose: bool) -> str:
    import json

    rows = []
    for each in chosen:
        row = {"name": each.raw_name, "version": each.version}
        if verbose:
            row |= {"location": os.path.dirname(each.path), "installer": each.installer}
        if latest is not None:
            row |= dict(zip(("latest_version", "latest_filetype"), latest[each.name], strict=True))
        if each.editable:
            row["editable_project_location"] = each.location
        rows.append(row)
    return json.dumps(rows)


def _columns(
    chosen: list[Installed], latest: "Mapping[str, tuple[str, str]] | None", verbose: bool
) -> list[str]:
    if not chosen:
        return []
    wide = any(each.editable for each in chosen)
    rows = [
        (
            *("Package", "Version"),
            *(("Latest", "Type") if latest is not None else ()),
            *((_LOCATION,) if wide else ()),
            *(("Location", "Installer") if verbose else ()),
        )
    ]
    rows += [
        (
            *(each.raw_name, each.version),
            *(latest[each.name] if latest is not None else ()),
            *((each.location,) if wide else ()),
            *((os.path.dirname(each.path), each.installer) if verbose else ()),
        )
        for each in chosen
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, tuple("-" * width for width in widths))
    return [
        " ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
