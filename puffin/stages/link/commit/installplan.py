"""The install plan: which distributions are kept, added, replaced and removed. Pure."""

from puffin.names import same_version
from puffin.stages.link.direct_url import direct_url_of, origin_of
from puffin.types import Iterable, Mapping, Sequence
from puffin.value import frozen


@frozen
class Present:
    """A distribution found in the environment; ``entry`` is its directory or file in site-packages.

    ``direct_url`` is the text of its direct_url.json, empty for one from an index.
    """

    name: str
    version: str
    entry: str
    direct_url: str = ""
    kind: str = "dist-info"


@frozen
class WantedDistribution:
    """A pin, or a resolved package, as the plan sees it: ``version`` is empty for a URL, ``url`` for a version.

    ``installed`` tells that what is installed was chosen as it stands.

    ``archive`` is the identity of the wheel behind a URL, where it is known already. For what has to be built,
    ``direct_url`` is the direct_url.json it would have, and ``source`` its ``Artifact.source``.
    """

    name: str
    version: str
    url: str = ""
    archive: str = ""
    direct_url: str = ""
    source: str = ""
    installed: bool = False


@frozen
class Plan:
    """Names, each sorted. ``replace`` are those in both worlds that change; all have a wanted counterpart."""

    keep: tuple[str, ...]
    add: tuple[str, ...]
    replace: tuple[str, ...]
    remove: tuple[str, ...]

    @property
    def install(self) -> tuple[str, ...]:
        """What must be fetched, unless cached, and linked."""
        return tuple(sorted((*self.add, *self.replace)))

    @property
    def nothing_to_do(self) -> bool:
        """Whether the environment is as wanted."""
        return not (self.add or self.replace or self.remove)


def without(plan: Plan, names: "frozenset[str]") -> Plan:
    """Return *plan* as far as it does not add or replace *names*, which then stay as they are."""
    return Plan(
        keep=tuple(sorted((*plan.keep, *[name for name in plan.replace if name in names]))),
        add=tuple([name for name in plan.add if name not in names]),
        replace=tuple([name for name in plan.replace if name not in names]),
        remove=plan.remove,
    )


def make_plan(
    present: "Sequence[Present]",
    wanted: "Sequence[WantedDistribution]",
    *,
    archives: "Mapping[str, str]",
    sources: "Mapping[str, str] | None" = None,
    stale: "Iterable[str]" = (),
    everything_stale: bool = False,
    protected: "Iterable[str]" = (),
    inherited: "Iterable[Present]" = (),
    exact: bool = True,
) -> Plan:
    """Decide what happens to each distribution.

    ``archives`` tells which archive an installed distribution came from, ``sources`` from where (see
    ``Artifact.source``); ``stale`` names must be installed anew (asked for, or damaged); ``protected`` ones are never
    removed; without ``exact`` nothing is. What is ``inherited`` from outside counts where nothing inside hides it.
    """
    stale, protected = frozenset(stale), frozenset(protected)
    by_name: dict[str, list[Present]] = {}
    for each in present:
        by_name.setdefault(each.name, []).append(each)
    names = {each.name for each in wanted}
    keep: list[str] = []
    add: list[str] = []
    replace: list[str] = []

    def met(found: "Sequence[Present]", want: WantedDistribution) -> bool:
        return satisfies(found, want, archives.get(want.name, ""), (sources or {}).get(want.name, ""))

    for want in wanted:
        found = by_name.get(want.name)
        outside = [] if found else [each for each in inherited if each.name == want.name]
        if want.installed:
            keep.append(want.name)
        elif not found:
            seen = outside and not everything_stale and want.name not in stale and met(outside, want)
            (keep if seen else add).append(want.name)
        elif everything_stale or want.name in stale or not met(found, want):
            replace.append(want.name)
        else:
            keep.append(want.name)
    others = [name for name in by_name if name not in names]
    remove = [name for name in others if exact and name not in protected]
    keep.extend(name for name in others if name not in remove)
    return Plan(
        keep=tuple(sorted(keep)),
        add=tuple(sorted(add)),
        replace=tuple(sorted(replace)),
        remove=tuple(sorted(remove)),
    )


def satisfies(found: "Sequence[Present]", wanted: WantedDistribution, archive: str, source: str = "") -> bool:
    """Tell whether what was found is what is wanted: one, of the right version, from the right kind of place.

    *archive* and *source* are what it came from, empty where nobody noted it down.
    """
    if len(found) != 1:
        return False
    present = found[0]
    if not wanted.url:
        return not present.direct_url and same_version(present.version, wanted.version)
    if not present.direct_url:
        return False
    if wanted.direct_url:
        return origin_of(present.direct_url) == origin_of(wanted.direct_url) and _is_fresh(wanted, source)
    if wanted.archive:
        return wanted.archive == archive
    return direct_url_of(present.direct_url) == wanted.url


def _is_fresh(wanted: WantedDistribution, source: str) -> bool:
    """Tell whether what is there was built from what is there to build from now.

    Of what another tool installed, only a commit says so by itself, and an editable need not be told.
    """
    if source:
        return source == wanted.source
    _url, editable, commit, _inner = origin_of(wanted.direct_url)
    return editable or bool(commit)
