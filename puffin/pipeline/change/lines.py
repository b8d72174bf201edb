"""The changes of an environment as lines for people. Pure."""

from puffin.pipeline.request.settings import Line
from puffin.pipeline.tasks.supply import Supply
from puffin.stages.link.commit.installplan import Plan, Present
from puffin.stages.link.direct_url import origin_of
from puffin.types import Sequence


def change_lines(present: "Sequence[Present]", plan: "Plan", supplies: "Sequence[Supply]") -> tuple[Line, ...]:
    """Return a line for each distribution that is removed, added or reinstalled (``~``), sorted by name."""
    former: dict[str, list[Present]] = {}
    for each in present:
        former.setdefault(each.name, []).append(each)
    lines = [_gone(each) for name in plan.remove for each in former[name]]
    for supply in supplies:
        name, version = supply.artifact.name, supply.artifact.version
        found = former.get(name, [])
        again = [each for each in found if _same(each, supply)]
        lines += [_gone(each) for each in found if each not in again]
        lines.append(
            Line(
                sign="~" if again else "+", name=name, version=version or _version(again), place=_place(supply)
            )
        )
    return tuple(sorted(lines, key=lambda line: (line.name, line.sign != "-")))


def _gone(present: "Present") -> Line:
    return Line(sign="-", name=present.name, version=present.version, place=_shown(present.direct_url))


def _same(present: "Present", supply: "Supply") -> bool:
    """Tell whether what is there is the same version from the same place; a version not known yet may be any."""
    artifact = supply.artifact
    if artifact.version and artifact.version != present.version:
        return False
    return origin_of(present.direct_url) == origin_of(artifact.direct_url)


def _version(again: "Sequence[Present]") -> str:
    return again[0].version if again else ""


def _place(supply: "Supply") -> str:
    return _shown(supply.artifact.direct_url)


def _shown(direct_url: str) -> str:
    """Return where a distribution is from, as a requirement names it; empty for one from an index."""
    url, _editable, commit, inner = origin_of(direct_url)
    place = f"git+{url}@{commit}" if commit else url
    return f"{place}#subdirectory={inner}" if place and inner else place
