"""The output as a requirements file, in the form that pip-tools and uv share. Pure: always the same bytes."""

from collections.abc import Iterable

from puffin.stages.resolve.output_annotations import annotated
from puffin.stages.resolve.output_header import header
from puffin.stages.resolve.output_values import Listed, Style

_EXCLUDED = "# The following packages were excluded from the output:"


def render_requirements(packages: Iterable[Listed], style: Style) -> str:
    """Return the text of the file, which ends in a newline unless it is empty."""
    ordered = sorted(packages, key=_order)
    lines = [*header(style.header)] if style.header else []
    lines += _options(style, ordered)
    for package in ordered:
        if package.name not in style.excluded:
            lines += annotated(_lines(package, style), package, style)
    excluded = sorted(package.name for package in ordered if package.name in style.excluded)
    if excluded and style.annotation:  # it is an annotation too
        lines += ["", _EXCLUDED, *[f"# {name}" for name in excluded]]
    return "".join(f"{line}\n" for line in lines)


def _options(style: Style, packages: list[Listed]) -> list[str]:
    return [*style.options, *([""] if packages else [])] if style.options else []


def _order(package: Listed) -> tuple[bool, str, str]:
    """Editables come first, by where they are; then all by name."""
    direct = package.direct
    editable = direct is not None and direct.editable
    return not editable, direct.written if direct and editable else package.name, package.version


def _lines(package: Listed, style: Style) -> list[str]:
    lines = [_requirement(package, style), *[f"    --hash={each}" for each in sorted(set(package.hashes))]]
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]


def _requirement(package: Listed, style: Style) -> str:
    extras = f"[{','.join(package.extras)}]" if style.extras and package.extras else ""
    marker = f" ; {package.marker}" if style.markers and package.marker else ""
    direct = package.direct
    if direct is None:
        return f"{package.name}{extras}=={package.version}{marker}"
    if direct.editable or direct.bare:
        return f"{'-e ' if direct.editable else ''}{direct.written}{extras}{marker}"
    return f"{package.name}{extras} @ {direct.written}{marker}"
