"""The install plan: which distributions are kept, added, replaced and removed. Pure."""

from puffin.artifact.artifact import WHEEL, Artifact
from puffin.artifact.urls import mask
from puffin.names import same_version
from puffin.reasons import (
    ABSENT,
    COMMIT,
    COPIED,
    EDITABLE,
    FILE,
    OTHER_VERSION,
    PLACE,
    REQUESTED,
    SOURCE,
    TOLD,
    TWICE,
    UNWANTED,
    Reason,
)
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
    """Names, each sorted. ``replace`` are those in both worlds that change; all have a wanted counterpart.

    ``reasons`` say of each name that changes why.
    """

    keep: tuple[str, ...]
    add: tuple[str, ...]
    replace: tuple[str, ...]
    remove: tuple[str, ...]
    reasons: "Mapping[str, Reason]" = {}

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
        reasons=plan.reasons,
    )


def make_plan(
    present: "Sequence[Present]",
    wanted: "Sequence[WantedDistribution]",
    *,
    archives: "Mapping[str, str]",
    sources: "Mapping[str, str] | None" = None,
    stale: "Mapping[str, Reason] | None" = None,
    everything_stale: bool = False,
    protected: "Iterable[str]" = (),
    inherited: "Iterable[Present]" = (),
    exact: bool = True,
) -> Plan:
    """Decide what happens to each distribution.

    ``archives`` tells which archive an installed distribution came from, ``sources`` from where (see
    ``Artifact.source``). ``stale`` names must be reinstalled for the reasons that it gives. ``protected`` ones are
    never removed; without ``exact`` nothing is. What is ``inherited`` counts where nothing inside hides it.
    """
    stale, protected = stale or {}, frozenset(protected)
    by_name: dict[str, list[Present]] = {}
    for each in present:
        by_name.setdefault(each.name, []).append(each)
    names = {each.name for each in wanted}
    keep: list[str] = []
    add: list[str] = []
    replace: list[str] = []
    reasons: dict[str, Reason] = {}

    def lack(found: "Sequence[Present]", want: WantedDistribution) -> Reason | None:
        return wanting(found, want, archives.get(want.name, ""), (sources or {}).get(want.name, ""))

    for want in wanted:
        found = by_name.get(want.name)
        outside = [] if found else [each for each in inherited if each.name == want.name]
        if want.installed:
            keep.append(want.name)
        elif not found:
            seen = outside and not everything_stale and want.name not in stale and lack(outside, want) is None
            if seen:
                keep.append(want.name)
            else:
                add.append(want.name)
                reasons[want.name] = _ABSENT
        else:
            why = lack(found, want) or stale.get(want.name) or (_REINSTALL if everything_stale else None)
            (keep if why is None else replace).append(want.name)
            if why is not None:
                reasons[want.name] = why
    others = [name for name in by_name if name not in names]
    remove = [name for name in others if exact and name not in protected]
    keep.extend(name for name in others if name not in remove)
    reasons.update(dict.fromkeys(remove, _UNWANTED))
    return Plan(
        keep=tuple(sorted(keep)),
        add=tuple(sorted(add)),
        replace=tuple(sorted(replace)),
        remove=tuple(sorted(remove)),
        reasons=reasons,
    )


def wanted_of(artifact: Artifact, archive: str = "") -> WantedDistribution:
    """Return what a plan compares of an artifact that was chosen; of one that a URL names, that URL."""
    if not artifact.direct_url:
        return WantedDistribution(name=artifact.name, version=artifact.version)
    if artifact.kind == WHEEL:
        url = direct_url_of(artifact.direct_url)
        return WantedDistribution(name=artifact.name, version="", url=url, archive=archive)
    return WantedDistribution(
        name=artifact.name, version="", url=artifact.url, direct_url=artifact.direct_url, source=artifact.source
    )


_ABSENT, _UNWANTED, _REINSTALL = (
    Reason(kind=ABSENT), Reason(kind=UNWANTED), Reason(kind=REQUESTED, subject="--reinstall")
)  # fmt: skip
_INDEX = "an index"


def wanting(
    found: "Sequence[Present]", wanted: WantedDistribution, archive: str, source: str = ""
) -> Reason | None:
    """Return why what was found is not what is wanted; None for one of the right version, from the right kind of place.

    *archive* and *source* are what it came from, empty where nobody noted it down.
    """
    if len(found) != 1:
        return Reason(kind=TWICE)
    present = found[0]
    if not wanted.url:
        if present.direct_url:
            return Reason(kind=PLACE, before=_place(present.direct_url), now=_INDEX)
        if same_version(present.version, wanted.version):
            return None
        return Reason(kind=OTHER_VERSION, before=present.version, now=wanted.version)
    if not present.direct_url:
        return Reason(kind=PLACE, before=_INDEX, now=_shown(wanted.url))
    if wanted.direct_url:
        return _other_origin(present, wanted) or _other_source(wanted, source)
    same_place = direct_url_of(present.direct_url) == wanted.url
    if wanted.archive == archive if wanted.archive else same_place:
        return None
    if same_place:
        return Reason(kind=FILE, subject=_shown(wanted.url))
    return Reason(kind=PLACE, before=_place(present.direct_url), now=_shown(wanted.url))


def _other_origin(present: Present, wanted: WantedDistribution) -> Reason | None:
    before, now = origin_of(present.direct_url), origin_of(wanted.direct_url)
    if before == now:
        return None
    if (before[0], before[3]) != (now[0], now[3]):
        return Reason(kind=PLACE, before=_shown(before[0]), now=_shown(now[0]))
    if before[2] != now[2]:
        return Reason(kind=COMMIT, before=before[2][:12], now=now[2][:12])
    return Reason(kind=EDITABLE if now[1] else COPIED)


def _other_source(wanted: WantedDistribution, source: str) -> Reason | None:
    """Return why what is there was not built from what is there to build from now.

    Of what another tool installed, only a commit says so by itself, and an editable need not be told.
    """
    url, editable, commit, _inner = origin_of(wanted.direct_url)
    if source == wanted.source or (not source and (editable or commit)):
        return None
    files, _, told = source.partition("+")
    if files and files == wanted.source.partition("+")[0]:
        return Reason(kind=TOLD, before=told, now=wanted.source.partition("+")[2])
    return Reason(kind=SOURCE, subject=_shown(url))


def _place(direct_url: str) -> str:
    return _shown(origin_of(direct_url)[0])


def _shown(url: str) -> str:
    return mask(url).removeprefix("file://")
