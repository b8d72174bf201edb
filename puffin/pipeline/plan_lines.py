"""A change of an environment as the lines that people read. Pure."""

from puffin.pipeline.plan_settings import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from puffin.pipeline.plan_graph import Supply
    from puffin.stages.link.installplan import Plan, Present


def change_lines(present: "Sequence[Present]", plan: "Plan", supplies: "Sequence[Supply]") -> tuple[Line, ...]:
    """Return a line for each distribution that goes, comes, or is installed anew (``~``), sorted by name."""
    former: dict[str, list[str]] = {}
    for each in present:
        former.setdefault(each.name, []).append(each.version)
    lines = [Line(sign="-", name=name, version=version) for name in plan.remove for version in former[name]]
    for supply in supplies:
        name, version = supply.artifact.name, supply.artifact.version
        place = supply.artifact.url if supply.artifact.direct_url else ""
        versions = former.get(name, [])
        lines += [Line(sign="-", name=name, version=each) for each in versions if each != version]
        lines.append(Line(sign="~" if version in versions else "+", name=name, version=version, place=place))
    return tuple(sorted(lines, key=lambda line: (line.name, line.sign != "-")))
