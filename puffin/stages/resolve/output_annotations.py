"""The comments below or beside a requirement: who wanted it, and from which index it is."""

from collections.abc import Sequence

from puffin.stages.resolve.output_values import LINE, SPLIT, Listed, Style

_KINDS = ("-c", "--override", "-r")
_COLUMN = 24  # where comments begin in line style, as pip-tools has it


def via(package: Listed, annotation: str) -> tuple[str, ...]:
    """Return the lines, without indentation, that say who wanted the package; none if nobody is known."""
    if annotation == LINE:
        wanted = (*sorted(package.parents), *sorted(package.origins, key=_rank))
        return (f"# via {', '.join(wanted)}",) if wanted else ()
    wanted = (*sorted(package.origins, key=_rank), *sorted(package.parents))
    if annotation != SPLIT or not wanted:
        return ()
    if len(wanted) == 1:
        return (f"# via {wanted[0]}",)
    return ("# via", *[f"#   {each}" for each in wanted])


def annotated(lines: Sequence[str], package: Listed, style: Style) -> list[str]:
    """Return the lines of a requirement with its annotations."""
    comments = list(via(package, style.annotation))
    if style.annotation == LINE and comments and len(lines) == 1:
        return [f"{lines[0].ljust(_COLUMN)}  {comments[0]}", *_index(package, style)]
    return [*lines, *[f"    {comment}" for comment in comments], *_index(package, style)]


def _rank(origin: str) -> tuple[int, str]:
    """Order sources by kind: constraints, overrides, requirements files, projects."""
    option = origin.partition(" ")[0]
    return _KINDS.index(option) if option in _KINDS else len(_KINDS), origin


def _index(package: Listed, style: Style) -> list[str]:
    return [f"    # from {package.index}"] if style.index_annotation and package.index else []
