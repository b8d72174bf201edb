"""All that the metadata of installed distributions tells, and the lines that ``show`` prints of it, as pip's."""

import os

from puffin.stages.link.site_scan import metadata_path
from puffin.stages.metadata_head import head_fields, read_head
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from puffin.stages.link.installed import Installed
    from puffin.stages.link.requires import Requires

_FIELDS = ("Summary", "Home-page", "Author", "Author-email")
_NO_FILES = "Cannot locate RECORD or installed-files.txt"


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


def details_of(each: "Installed", everything: "Sequence[Requires]", markers: "Mapping[str, str]") -> Details:
    """Return what is known of one distribution; *everything* is what all of them require."""
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
        entry_points=tuple(_text(f"{inside}/entry_points.txt").splitlines()) if inside else (),
        files=tuple(sorted(os.path.relpath(path, location) for path in each.files)) if each.recorded else None,
    )


def requirement_names(each: "Requires", markers: "Mapping[str, str]") -> dict[str, str]:
    """Return what a distribution requires without extras: names as written, by their normalised form."""
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
    """Return what ``show`` prints, as pip words it."""
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


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
