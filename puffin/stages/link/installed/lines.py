"""The output of ``freeze``, ``list`` and ``show``, in pip's form. Pure, except that it reads METADATA."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from puffin.artifact.metadata_head import head_fields, read_head
from puffin.artifact.urls import file_url, mask, percent_encoded, with_subdirectory
from puffin.cache.reading import read_text
from puffin.names import normalise
from puffin.stages.link.installed.installed import Distribution, thaw
from puffin.stages.link.installed.requires import Requires
from puffin.stages.link.installed.scan import metadata_path
from puffin.value import frozen

_FIELDS = ("Summary", "Home-page", "Author", "Author-email")
_NO_FILES = "Cannot locate RECORD or installed-files.txt"
_LOCATION = "Editable project location"


@frozen
class Details:
    """What is shown of one distribution. ``fields`` are pairs of core metadata, in order, repeated ones too.

    ``files`` are relative to ``location``, the directory it is installed in; None where nothing lists them.
    """

    name: str
    version: str
    location: str
    editable: str
    installer: str
    fields: tuple[tuple[str, str], ...]
    requires: tuple[str, ...]
    required_by: tuple[str, ...]
    entry_points: tuple[str, ...]
    files: tuple[str, ...] | None

    def first(self, name: str) -> str:
        """Return the first value of a field, empty where there is none."""
        return next((value for key, value in self.fields if key.lower() == name.lower()), "")

    def every(self, name: str) -> list[str]:
        """Return all values of a field."""
        return [value for key, value in self.fields if key.lower() == name.lower()]


def details_of(each: "Distribution", everything: "Sequence[Requires]", markers: "Mapping[str, str]") -> Details:
    """Return the details of one distribution; *everything* are the requirements of all of them."""
    location = os.path.dirname(each.path)
    inside = each.path if os.path.isdir(each.path) else ""
    names = {row.path: requirement_names(row, markers) for row in everything}
    return Details(
        name=each.raw_name,
        version=each.version,
        location=location,
        editable=each.location,
        installer=each.installer,
        fields=tuple(head_fields(read_head(metadata_path(each.path, each.kind)))),
        requires=tuple(sorted(names.get(each.path, {}).values(), key=str.lower)),
        required_by=tuple(
            sorted((row.raw_name for row in everything if each.name in names[row.path]), key=str.lower)
        ),
        entry_points=tuple(read_text(f"{inside}/entry_points.txt").splitlines()) if inside else (),
        files=tuple(sorted(os.path.relpath(path, location) for path in each.files)) if each.recorded else None,
    )


def requirement_names(each: "Requires", markers: "Mapping[str, str]") -> dict[str, str]:
    """Return the requirements of a distribution without extras: names as written, by their normalised form."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    for text in each.requires_dist:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({**markers, "extra": ""}):
            found.setdefault(str(canonicalize_name(requirement.name)), requirement.name)
    return found


def show_lines(shown: "Sequence[Details]", *, files: bool, verbose: bool) -> list[str]:
    """Return the output of ``show``, in pip's form."""
    lines: list[str] = []
    for each in shown:
        lines += (["---"] if lines else []) + _lines(each)
        lines += _more(each) if verbose else []
        if files:
            lines += (
                ["Files:", *(f"  {path}" for path in each.files)]
                if each.files is not None
                else ["Files:", _NO_FILES]
            )
    return lines


def _lines(each: Details) -> list[str]:
    lines = [f"Name: {each.name}", f"Version: {each.version}"]
    lines += [f"{name}: {each.first(name)}" for name in _FIELDS]
    expression = each.first("License-Expression")
    lines.append(f"License-Expression: {expression}" if expression else f"License: {each.first('License')}")
    lines.append(f"Location: {each.location}")
    lines += [f"Editable project location: {each.editable}"] if each.editable else []
    return [*lines, f"Requires: {', '.join(each.requires)}", f"Required-by: {', '.join(each.required_by)}"]


def _more(each: Details) -> list[str]:
    lines = [f"Metadata-Version: {each.first('Metadata-Version')}", f"Installer: {each.installer}"]
    for title, values in (
        ("Classifiers", each.every("Classifier")),
        ("Entry-points", [line.strip() for line in each.entry_points]),
        ("Project-URLs", each.every("Project-URL")),
    ):
        lines += [f"{title}:", *(f"  {value}" for value in values)]
    return lines


def freeze_lines(
    installed: "Iterable[Distribution]", exclude: "Iterable[str]" = (), *, exclude_editable: bool = False
) -> list[str]:
    """Return the environment as the lines of a requirements file, sorted by name and version."""
    chosen = _chosen(installed, exclude, editable=False if exclude_editable else None)
    return [_requirement(each) for each in chosen]


def duplicate_warnings(installed: "Iterable[Distribution]") -> list[str]:
    """Return a warning for each name that is installed more than once, with where."""
    by_name: dict[str, list[Distribution]] = {}
    for each in installed:
        by_name.setdefault(each.name, []).append(each)
    return [
        f"`{name}` is installed {len(several)} times: " + ", ".join(f"`{each.path}`" for each in several)
        for name, several in sorted(by_name.items())
        if len(several) > 1
    ]


def list_rows(
    installed: "Iterable[Distribution]",
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
    installed: "Iterable[Distribution]", exclude: "Iterable[str]", *, editable: bool | None
) -> list[Distribution]:
    left_out = {normalise(name) for name in exclude}
    kept = [each for each in installed if each.name not in left_out and editable in (None, each.editable)]
    return sorted(kept, key=lambda each: (each.name, each.version, each.path))


def _requirement(each: Distribution) -> str:
    if each.editable:
        return f"-e {_editable_url(each)}"
    if each.direct_url is None:
        return f"{each.raw_name}=={each.version}"
    return f"{each.raw_name} @ {_direct_reference(thaw(each.direct_url))}"


def _editable_url(each: Distribution) -> str:
    record = dict(each.direct_url or ())
    url, inner = record.get("url"), str(record.get("subdirectory") or "")
    return with_subdirectory(mask(str(url)), inner) if url else file_url(each.location)


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
        fragments.append(f"subdirectory={percent_encoded(str(direct_url['subdirectory']))}")
    return url + ("#" + "&".join(fragments) if fragments else "")


def _hash(archive: "dict[str, Any]") -> list[str]:
    hashes = archive.get("hashes")
    if isinstance(hashes, dict) and hashes:
        name = "sha256" if "sha256" in hashes else min(hashes)
        return [f"{name}={hashes[name]}"]
    return [str(archive["hash"])] if archive.get("hash") else []


def _json(chosen: list[Distribution], latest: "Mapping[str, tuple[str, str]] | None", verbose: bool) -> str:
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
    chosen: list[Distribution], latest: "Mapping[str, tuple[str, str]] | None", verbose: bool
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
