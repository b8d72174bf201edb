"""The set-up of a resolution: one way for compile, install, lock, sync and build requirements.

What they have in common is one value, :class:`ResolutionSetup`; where they differ is a field of it. From it come the
request that the resolver answers, the universe that it is answered from, and the settings of the builds for it.
"""

from puffin.pipeline.inputs.inputs import index_config, kinds_of_files
from puffin.stages.fetch.fetch import client_for
from puffin.stages.resolve.index.config import FilePolicy, Scope
from puffin.stages.resolve.locate.platforms import ResolutionTarget
from puffin.stages.resolve.requirements.errors import DisjointHashes
from puffin.stages.resolve.requirements.values import Entry
from puffin.stages.resolve.solve.request import (
    ALLOW,
    HIGHEST,
    IF_NECESSARY_OR_EXPLICIT,
    Preference,
    ResolveRequest,
)
from puffin.value import common, frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Settings
    from puffin.pipeline.run.forked_workers import Begin, ForkedWorkers, Serve
    from puffin.stages.resolve.index.config import IndexConfig
    from puffin.stages.resolve.index.page import IndexFile
    from puffin.stages.resolve.output.earlier import Upgrades
    from puffin.stages.resolve.output.gather import Sieve
    from puffin.stages.resolve.projects.sources import Sources
    from puffin.stages.resolve.requirements.values import Entry, Requirements
    from puffin.stages.resolve.solve.request import Resolution
    from puffin.stages.resolve.universe.children import Children
    from puffin.stages.resolve.universe.index import IndexUniverse
    from puffin.stages.resolve.universe.kept import KeptUniverse
    from puffin.stages.resolve.universe.values import BeginBuild, Builder, Checkout, Chosen

    Opened = Callable[["ResolutionSetup"], KeptUniverse]


NO_TARGET = ResolutionTarget(markers=(), python_version="", tags=(), real_python_version="")


@frozen
class ResolutionSetup:
    """Everything that decides a resolution, whichever command it is for.

    ``config`` says where to look and ``network`` how, in its wire form. ``target`` is :data:`NO_TARGET` while no
    interpreter has answered yet. ``hashes`` are those demanded, by normalised name. ``now`` is in seconds since the
    epoch. ``regional`` are indexes of packages in a part of the environments: name, URL, marker. ``exclude_newer`` is
    ISO 8601. ``installs`` tells that the answer is installed at once, so that a build
    for its metadata is no extra work. ``refresh`` is as in ``Scope``, the other fields are as in ``ResolveRequest``.
    """

    config: "IndexConfig"
    network: "tuple[Any, ...]"
    now: float
    target: ResolutionTarget
    requirements: tuple[Entry, ...] = ()
    constraints: tuple[Entry, ...] = ()
    overrides: tuple[Entry, ...] = ()
    regional: tuple[tuple[str, str, str], ...] = ()
    required: tuple[str, ...] = ()
    reached: tuple[Entry, ...] = ()
    virtual: tuple[str, ...] = ()
    preferences: tuple[Preference, ...] = ()
    hashes: "Mapping[str, tuple[str, ...]]" = {}
    files: FilePolicy = FilePolicy()
    resolution: str = HIGHEST
    prereleases: str = IF_NECESSARY_OR_EXPLICIT
    prerelease_modes: tuple[tuple[str, str], ...] = ()
    exclude_newer: str = ""
    no_deps: bool = False
    keep_yanked: bool = False
    installs: bool = False
    refresh: "bool | frozenset[str]" = False
    offline: bool = False

    @property
    def scope(self) -> Scope:
        """The allowed files, and the trust in the cache."""
        target = self.target
        return Scope(tags=target.tags, python_version=target.python_version, **common(Scope, self))

    @property
    def request(self) -> ResolveRequest:
        """What the resolver is asked."""
        target = self.target
        return ResolveRequest(
            markers=dict(target.markers),
            python_version=target.python_version,
            real_python_version=target.real_python_version,
            tag=target.tags[0] if target.tags and not target.region else "",
            region=target.region,
            **common(ResolveRequest, self),
        )


@frozen
class Answered:
    """A resolution; the target of ``setup`` is what it is for.

    ``files`` returns every file of a version that was chosen from an index. Where the answer is for several
    environments, ``marks`` are the markers of the packages, in their order, and ``environments`` those of the
    environments, none for all platforms; ``sieve`` leaves those files of a package that fit where its marker holds.
    """

    resolution: "Resolution"
    setup: ResolutionSetup
    files: "Callable[[Chosen], Sequence[IndexFile]]" = lambda _: ()
    marks: "tuple[str, ...] | None" = None
    environments: "tuple[str, ...] | None" = None
    sieve: "Sieve | None" = None


def setup_of(
    run: "Settings",
    sources: "Sources",
    session: "Session",
    *,
    now: float,
    upgrades: "Upgrades | None" = None,
    target: ResolutionTarget = NO_TARGET,
    preferences: tuple[Preference, ...] = (),
    keep_yanked: bool = False,
    installs: bool = False,
) -> ResolutionSetup:
    """Return the set-up for the settings of a command and its sources.

    *preferences* are the versions to keep where possible; those that *upgrades* concern are dropped, or are candidates
    among others where they are installed. Raises :class:`DisjointHashes`.
    """
    requirements = sources.requirements
    again: bool | frozenset[str] = run.again
    if upgrades is not None and isinstance(again, frozenset):
        again = upgrades.everything or again | upgrades.names
    return ResolutionSetup(
        config=index_config(run, requirements),
        network=session.network.wire(requirements.trusted_hosts),
        now=now,
        target=target,
        requirements=requirements.entries,
        constraints=(*requirements.constraints, *(upgrades.limits if upgrades else ())),
        reached=sources.reached,
        virtual=sources.virtual,
        overrides=sources.overrides,
        required=tuple([marker for marker, _ in sources.required]),
        regional=tuple([each for each in requirements.pinned if each[2] and not run.no_index]),
        preferences=tuple(
            [
                each if keeps else replace(each, upgrade=True)
                for each in preferences
                if (keeps := upgrades is None or upgrades.keeps(each.name)) or each.installed is not None
            ]
        ),
        hashes=demanded_hashes(requirements),
        files=kinds_of_files(run, requirements),
        resolution=run.resolution,
        prereleases=ALLOW if requirements.pre else run.prerelease,
        prerelease_modes=run.prerelease_package,
        exclude_newer=run.exclude_newer,
        no_deps=run.no_deps,
        keep_yanked=keep_yanked,
        installs=installs,
        refresh=again,
        offline=run.offline,
    )


def demanded_hashes(requirements: "Requirements") -> dict[str, tuple[str, ...]]:
    """Return the hashes that requirements demand, by name; those of constraints narrow them.

    Raises :class:`DisjointHashes` where no file can have a hash of both.
    """
    found: dict[str, tuple[str, ...]] = {}
    for entry in requirements.entries:
        if entry.name and entry.hashes:
            found[entry.name] = tuple(dict.fromkeys((*found.get(entry.name, ()), *entry.hashes)))
    for entry in requirements.constraints:
        if entry.hashes:
            former = found.get(entry.name, entry.hashes)
            found[entry.name] = tuple([each for each in former if each in entry.hashes])
            if not found[entry.name]:
                places = [each for each in requirements.entries if each.name == entry.name and each.hashes]
                shown = tuple([(each.text, each.origin) for each in (*places, entry)])
                raise DisjointHashes(package=entry.name, requirements=shown)
    return found


def open_universe(
    setup: ResolutionSetup,
    cache: "Cache",
    *,
    build: "Builder | None" = None,
    begin: "BeginBuild | None" = None,
    checkout: "Checkout | None" = None,
    children: "Callable[[], Children] | None" = None,
) -> "KeptUniverse":
    """Return the universe of a set-up, which the caller closes; *children* are of the same set-up."""
    from puffin.stages.resolve.universe.kept import KeptUniverse

    def opened() -> "IndexUniverse":
        from puffin.stages.resolve.universe.index import IndexUniverse

        return IndexUniverse(
            setup.scope,
            client=client_for(setup.network),
            cache=cache,
            build=build,
            begin=begin,
            checkout=checkout,
            children=children() if children else None,
        )

    return KeptUniverse(cache, setup.scope, opened)


def children_of(setup: ResolutionSetup, cache: "Cache") -> "Children":
    """Return the children that ask indexes for a resolution; they start if that pays."""
    from puffin.stages.resolve.universe.children import Children

    return Children(setup.scope, client=client_for(setup.network), cache=cache, helping=_helping)


def _helping(serve: "Serve", begin: "Begin") -> "ForkedWorkers | None":
    """Start the children of a resolution that has much to ask: the seam of ``IndexUniverse``."""
    from puffin.pipeline.run.forked_workers import start_workers

    return start_workers(serve, begin)


def resolved(setup: ResolutionSetup, universe: "KeptUniverse") -> "Resolution":
    """Return the resolution of a set-up, with all warnings.

    Where a wheel told the metadata of a source distribution that was chosen, that itself is asked in the end; if it
    says something else, the search is made again. Raises what the resolver raises.
    """
    from puffin.stages.resolve.solve.resolve import resolve

    request = setup.request
    resolution: Resolution = resolve(request, universe, universe.answer(request))
    while not setup.no_deps and universe.confirm(
        [each.handle for each in resolution.packages], build=setup.installs
    ):
        resolution = resolve(request, universe)
    universe.keep(request, resolution)
    coming = [each.name for each in resolution.packages if not each.installed]
    return replace(resolution, warnings=(*resolution.warnings, *universe.ambiguities(coming)))
