"""What ``-v`` says of a plan: what happens to each package, and why. Pure."""

from collections.abc import Collection, Iterator, Sequence

from puffin.names import same_version
from puffin.stages.link.commit.installplan import Plan, Present, WantedDistribution


def decisions(
    plan: Plan,
    present: Sequence[Present],
    wanted: Sequence[WantedDistribution],
    *,
    asked: bool,
    reinstalled: Collection[str],
    damaged: Collection[str],
) -> Iterator[str]:
    """Yield a line for each package of *plan*.

    *asked* tells that everything is to be reinstalled, *reinstalled* are the packages that were asked for by name.
    """
    there: dict[str, list[Present]] = {}
    for each in present:
        there.setdefault(each.name, []).append(each)
    wishes = {each.name: each for each in wanted}
    for name in plan.keep:
        yield f"Keep `{_shown(name, there)}`: {_kept(name, wishes, there)}"
    for name in plan.add:
        yield f"Add `{_wish(wishes[name])}`: it is not installed"
    for name in plan.replace:
        if asked or name in reinstalled:
            reason = "a reinstallation was asked for"
        elif name in damaged:
            reason = "its files are damaged"
        else:
            reason = _different(wishes[name], there[name])
        yield f"Replace `{_shown(name, there)}` by `{_wish(wishes[name])}`: {reason}"
    for name in plan.remove:
        yield f"Remove `{_shown(name, there)}`: it is not required"


def _kept(name: str, wishes: dict[str, WantedDistribution], there: dict[str, list[Present]]) -> str:
    if name not in wishes:
        return "it is not required, but other packages stay"
    return "it is installed as required" if name in there else "the system has it as required"


def _different(wish: WantedDistribution, found: list[Present]) -> str:
    """Return why what is installed is not what is wanted."""
    if len(found) > 1:
        return f"{len(found)} versions are installed"
    if wish.url or found[0].direct_url:
        return "it comes from another place, or its source has changed"
    if not same_version(found[0].version, wish.version):
        return f"version {wish.version} is required"
    return "it lacks bytecode or links as configured, or shares a file with a package that changes"


def _shown(name: str, there: dict[str, list[Present]]) -> str:
    versions = ", ".join(each.version for each in there.get(name, ()))
    return f"{name}=={versions}" if versions else name


def _wish(wish: WantedDistribution) -> str:
    return f"{wish.name}=={wish.version}" if wish.version else f"{wish.name} @ {wish.url}"
