"""What the user could do about requirements that cannot be met."""

from collections.abc import Iterable, Sequence

from puffin.stages.resolve.solve import rejection
from puffin.stages.resolve.solve.facts import RuledOut, bits
from puffin.stages.resolve.solve.package import Package
from puffin.stages.resolve.solve.request import DISALLOW, EXPLICIT
from puffin.stages.resolve.solve.requirement import Need
from puffin.stages.resolve.solve.specifiers import VersionTable
from puffin.stages.resolve.solve.universe import NOT_FOUND, OFFLINE
from puffin.stages.resolve.solve.world import World

_MOST = 4


def hints(world: World, needs: Sequence[Need], ruled_out: Sequence[RuledOut]) -> tuple[str, ...]:
    """Return the hints for what is wanted and what was ruled out, most specific first."""
    names = list(dict.fromkeys([own.name for own in needs]))
    found: list[str] = []
    first = {(out.slot[0], out.reason.kind): out for out in reversed(ruled_out)}
    for out in reversed(first.values()):
        found += _of_reason(world, world.package(out.slot[0]), out)
    for name in names:
        package = world.package(name)
        if not package.located:
            found += _of_offer(world, package, [own for own in needs if own.name == name])
    return tuple(dict.fromkeys(found))[:_MOST]


def _of_reason(world: World, package: Package, out: RuledOut) -> list[str]:
    kind, name = out.reason.kind, package.name
    newest = package.version(next(iter(bits(out.versions))))
    if kind == rejection.PRERELEASE:
        return [_prerelease(world, name, newest)]
    if kind == rejection.YANKED:
        return [f"to take a yanked version, pin it among your own requirements: `{name}=={newest}`"]
    if kind == rejection.PYTHON:
        return [
            f"`{name}=={newest}` needs Python {out.reason.detail}: use another Python, or `--python-version`"
        ]
    if kind == rejection.TAGS:
        best = f" (its best tag is `{world.request.tag}`)" if world.request.tag else ""
        return [f"choose a target{best} that a wheel of `{name}` fits, or another version of it"]
    if kind == rejection.NO_BUILD:
        return [
            f"building `{name}` is switched off by `--only-binary` or `--no-build`: leave `{name}` out of that"
        ]
    if kind == rejection.NO_BINARY:
        return [f"leave `{name}` out of `--no-binary`"]
    if kind == rejection.FOREIGN_URL:
        return [f"add `{out.reason.detail}` to your requirements"]
    if out.reason.offline:
        return ["run once without `--offline` to fill the cache"]
    return []


def _prerelease(world: World, name: str, newest: str) -> str:
    mode = world.request.prereleases
    by = f" (`--prerelease {mode}`)" if mode in (DISALLOW, EXPLICIT) else ""
    return (
        f"pre-releases of `{name}` exist, such as {newest}, but are not allowed{by}: try `--prerelease allow`"
    )


def _of_offer(world: World, package: Package, needs: Sequence[Need]) -> list[str]:
    offer = package.offer
    found = list(offer.hints)
    if offer.missing == NOT_FOUND:
        found.append(
            f"check the spelling of `{package.name}`, or name the index that has it by `--extra-index-url`"
        )
    if offer.missing == OFFLINE:
        found.append("run once without `--offline` to fill the cache")
    newer = _admitted(offer.newer, needs)
    if newer:
        date = world.request.exclude_newer
        found.append(f"`{package.name}` {newer} is hidden by `--exclude-newer{f' {date}' if date else ''}`")
    for index, versions in offer.elsewhere:
        other = _admitted(versions, needs)
        if other:
            strategy = "`--index-strategy unsafe-best-match` takes all indexes into account"
            found.append(f"`{package.name}` {other} is on {index}, after an index that has it too: {strategy}")
    return found


def _admitted(versions: Iterable[str], needs: Sequence[Need]) -> str:
    """Return the newest of *versions* that all needs admit, or nothing."""
    table = VersionTable(tuple(versions))
    mask = table.full
    for own in needs:
        mask &= table.mask(own.specifier)
    return next((table.texts[index] for index in bits(mask)), "")
