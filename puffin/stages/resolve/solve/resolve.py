"""The entry point: ``resolve(request, universe)``. A greedy pass, then PubGrub if it fails; each answer is checked."""

from collections.abc import Mapping

from puffin.stages.resolve.solve.check import Facts, broken_rules
from puffin.stages.resolve.solve.given import Divided, Given, LatePlace, UrlMetadata, conditions_of
from puffin.stages.resolve.solve.greedy import Greedy
from puffin.stages.resolve.solve.package import INSTALLED, OFFERED, Candidate
from puffin.stages.resolve.solve.request import Parent, Resolution, Resolved, ResolveRequest
from puffin.stages.resolve.solve.requirement import Need
from puffin.stages.resolve.solve.universe import Metadata, Universe
from puffin.stages.resolve.solve.world import World
from puffin.value import replace


def gathered(world: World, chosen: "Mapping[str, Candidate]", rounds: int) -> Resolution:
    """Return the packages that are reached from the user's requirements; what is not chosen is left out."""
    reached = _Reached(world, chosen)
    packages = [_resolved(world, reached, name) for name in sorted(reached.visited)]
    warnings = [text for own in packages for text in _warnings(world, reached, own)]
    return Resolution(packages=tuple(packages), warnings=tuple(dict.fromkeys(warnings)), rounds=rounds)


class _Reached:
    """Walks from the user's requirements; ``extras`` are those that somebody asks for, unknown ones too."""

    def __init__(self, world: World, chosen: "Mapping[str, Candidate]") -> None:
        self.chosen = chosen
        self.extras: dict[str, frozenset[str]] = {}
        self.parents: dict[str, dict[Parent, None]] = {}
        self.needs: dict[str, dict[str, None]] = {}
        self.visited: set[str] = set()
        self._world = world
        self._pending: dict[str, None] = {}
        for own in world.given.roots:
            root = own.root
            origin, marker, within = (root.origin, root.marker, root.within) if root else ("", "", "")
            self._take(own, _parent(own, origin=origin, marker=marker, within=within))
        while self._pending:
            name = next(iter(self._pending))
            del self._pending[name]
            self._visit(name)

    def _visit(self, name: str) -> None:
        candidate = self.chosen.get(name)
        if candidate is None or candidate.index < 0:
            return
        self.visited.add(name)
        package, version = self._world.package(name), candidate.version
        if self._world.given.request.region:
            for own, marker in package.asked_of_itself(candidate.index, self.extras[name]):
                self.parents[name][_parent(own, name=name, version=version, marker=marker)] = None
        for own, marker in package.requires(candidate.index, self.extras[name]) or ():
            self.needs.setdefault(name, {})[own.name] = None
            self._take(own, _parent(own, name=name, version=version, marker=marker))

    def _take(self, own: Need, parent: Parent) -> None:
        known = self.extras.get(own.name)
        self.parents.setdefault(own.name, {})[parent] = None
        if known is None or not own.extras <= known:
            self.extras[own.name] = own.extras | (known or frozenset())
            self._pending[own.name] = None


def _parent(own: Need, **fields: str) -> Parent:
    return Parent(requirement=own.text, extras=tuple(sorted(own.extras)), **fields)


def _resolved(world: World, reached: _Reached, name: str) -> Resolved:
    candidate = reached.chosen[name]
    package = world.package(name)
    metadata = package.metadata(candidate.index)
    place = package.places.get(candidate.index)
    release = package.release(candidate.index) if candidate.index >= OFFERED else None
    source = metadata.source if metadata is not None else None
    provided = set(metadata.provides_extras) if metadata is not None else set()
    return Resolved(
        name=name,
        version=candidate.version,
        handle=package.handle(candidate.index) if source is None else source,
        extras=tuple(sorted(extra for extra in reached.extras[name] if extra in provided)),
        url=place.url if place else "",
        editable=place.editable if place else False,
        yanked=release.yanked if release else None,
        index=release.index if release else "",
        via=tuple(sorted(reached.parents[name], key=_by_kind)),
        direct=name in world.given.direct,
        installed=candidate.index == INSTALLED,
        hashes=_hashes(world, name),
        requires=tuple(sorted(reached.needs.get(name, {}))),
    )


def facts(world: World, chosen: "Mapping[str, Candidate]", package: Resolved) -> Facts:
    """Return what the index and the metadata tell of a package of an answer."""
    index = chosen[package.name].index
    own = world.package(package.name)
    metadata = own.metadata(index) or Metadata(name=package.name, version=package.version)
    release = own.release(index) if index >= OFFERED else None
    return Facts(
        requires_python=(metadata.requires_python, release.requires_python if release else ""),
        hashes=release.hashes if release else (),
        where=release.where if release else "",
        metadata=metadata,
    )


def _by_kind(parent: Parent) -> tuple[bool, str, str, str]:
    return not parent.name, parent.name, parent.origin, parent.requirement


def _hashes(world: World, name: str) -> tuple[str, ...]:
    roots = [own.root for own in world.given.about(name) if own.root is not None]
    return tuple(dict.fromkeys(digest for root in roots for digest in root.hashes))


def _warnings(world: World, reached: _Reached, own: Resolved) -> list[str]:
    shown = f"`{own.name}=={own.version}`"
    metadata = world.package(own.name).metadata(reached.chosen[own.name].index)
    names = ", ".join(f"`{extra}`" for extra in metadata.provides_extras) if metadata else ""
    there = f"; it has {names}" if names else ""
    missing = sorted(reached.extras[own.name] - set(own.extras))
    found = [f"{shown} does not have an extra named `{extra}`{there}" for extra in missing]
    if own.yanked is not None:
        found.append(f"{shown} is yanked" + (f" (reason: {own.yanked})" if own.yanked else ""))
    return found


def resolve(
    request: ResolveRequest, universe: Universe, former: "Mapping[str, str] | None" = None
) -> Resolution:
    """Return the versions that satisfy *request*, the same ones for the same universe.

    *former* are the versions that the same request had in the same universe before; they are tried first.

    Raises :class:`~puffin.stages.resolve.solve.errors.NoSolution`,
    :class:`~puffin.stages.resolve.solve.errors.TooManyRounds`,
    :class:`~puffin.stages.resolve.solve.errors.AnswerRefused`,
    :class:`~puffin.stages.resolve.requirements.errors.ConflictingUrls`,
    :class:`~puffin.stages.resolve.solve.given.NameMismatch`, and what the universe raises.
    """
    urls = UrlMetadata(universe)
    world = World(Given(_undivided(urls, request)), urls)
    world.announce(world.given.roots)
    if request.region:
        world.divide([(own, "") for own in world.given.roots])
    while True:
        try:
            return _installed(_Searches(world).run(former or {}), request.virtual)
        except LatePlace:
            world.renew()


def _undivided(urls: UrlMetadata, request: ResolveRequest) -> ResolveRequest:
    """Read what the user points to. Raises :class:`Divided` if a URL counts in one part of the region only."""
    conditions = conditions_of(request)
    for root in (*request.given, *request.reached) if request.region else ():
        if root.url and root.marker and (parts := conditions.halves(root.marker)):
            raise Divided(parts)
    return urls.read(request, conditions.hold)


def _installed(found: Resolution, virtual: tuple[str, ...]) -> Resolution:
    if not virtual:
        return found
    kept = [each for each in found.packages if each.name not in virtual or not (each.url or each.installed)]
    return replace(found, packages=tuple(kept))


class _Searches:
    """A former answer and both searches: each has its turn where the one before finds nothing, or something wrong."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._broken: tuple[str, ...] = ()

    def run(self, former: "Mapping[str, str]") -> Resolution:
        if former and (again := self._checked(self._found(former), 0)) is not None:
            return again
        greedy = Greedy(self._world)
        found = self._checked(greedy.chosen, greedy.rounds) if greedy.run() else None
        return found or self._by_pubgrub(greedy.rounds)

    def _found(self, former: "Mapping[str, str]") -> dict[str, Candidate]:
        """Return the candidates of a former answer that there still are."""
        found = [self._world.package(name).named(version) for name, version in former.items()]
        return {each.name: each for each in found if each is not None}

    def _by_pubgrub(self, rounds: int) -> Resolution:
        from puffin.stages.resolve.solve.errors import AnswerRefused
        from puffin.stages.resolve.solve.explain import conflict_explained, divide_by_proof, too_many_rounds
        from puffin.stages.resolve.solve.pubgrub import Exhausted, PubGrub, Unsolvable

        search = PubGrub(self._world, max(0, self._world.given.request.max_rounds - rounds))
        try:
            found = self._checked(search.run(), rounds + search.rounds)
        except Unsolvable as failure:
            if self._world.given.request.region:
                divide_by_proof(self._world, failure.proof)
            raise conflict_explained(self._world, failure.proof) from None
        except Exhausted as failure:
            raise too_many_rounds(self._world, failure.heavy) from None
        if found is None:
            raise AnswerRefused(broken=self._broken)
        return found

    def _checked(self, chosen: "Mapping[str, Candidate]", rounds: int) -> Resolution | None:
        """Return an answer that keeps all rules, None for any other."""
        found = gathered(self._world, chosen, rounds)
        self._broken = broken_rules(
            self._world.given.request, found, lambda each: facts(self._world, chosen, each)
        )
        return None if self._broken else found
