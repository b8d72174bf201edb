"""From a proof that there is no solution to the statements and hints that a user can act on."""

from collections.abc import Iterable, Sequence

from packaging.version import InvalidVersion, Version

from puffin.names import in_sentence
from puffin.stages.resolve.solve.eligible import (
    BUILDS,
    FOREIGN_URL,
    MOST_BUILDS,
    NO_BINARY,
    NO_BUILD,
    PRERELEASE,
    PYTHON,
    TAGS,
    YANKED,
)
from puffin.stages.resolve.solve.errors import (
    Missing,
    NoSolution,
    Out,
    PackageNeeds,
    TooManyRounds,
    UserDemand,
    condensed,
    in_words,
)
from puffin.stages.resolve.solve.incompatibility import (
    Constrained,
    Depends,
    Incompatibility,
    Required,
    RuledOut,
    UserStatement,
    leaves,
)
from puffin.stages.resolve.solve.package import OFFERED, Package
from puffin.stages.resolve.solve.request import DISALLOW, EXPLICIT, exclude_newer_for
from puffin.stages.resolve.solve.requirement import Need, is_prerelease
from puffin.stages.resolve.solve.specifiers import VersionTable, bits
from puffin.stages.resolve.solve.universe import NOT_FOUND, OFFLINE, OFFLINE_HINT
from puffin.stages.resolve.solve.world import World, several

_SHOWN_TAGS = 4
_MOST_HINTS = 4


def conflict_explained(world: World, proof: Incompatibility) -> NoSolution:
    """Return the error for a proof."""
    parts = _Parts(proof)
    names = list(dict.fromkeys(own.slot[0] for own in parts.wanted))
    demands = [
        UserDemand(text=own.text, origin=own.root.origin, kind=own.kind) for own in parts.needs() if own.root
    ]
    statements = dict.fromkeys(item for name in parts.in_order() for item in _about(world, parts, name))
    return NoSolution(
        package=in_sentence(names),
        names=tuple(names),
        demands=tuple(dict.fromkeys(demands)),
        statements=condensed(tuple(statements)),
        hints=hints(world, parts.needs(), parts.ruled_out),
    )


def divide_by_proof(world: World, proof: Incompatibility) -> None:
    """Raise :class:`Divided` if a proof rests on needs of one package that have different markers."""
    given, stated = world.given, list(leaves(proof))
    names = dict.fromkeys(own.slot[0] for own in stated if isinstance(own, UserStatement))
    about = [(own, "") for name in names for own in given.about(name)]
    for group in several(about).values():
        for own, _ in group:
            given.divide_by(own.root.marker if own.root else "")
    for statement in stated:
        if isinstance(statement, Depends):
            _divide_by_needs(world, statement)


def _divide_by_needs(world: World, statement: Depends) -> None:
    name, extra = statement.slot
    extras = frozenset([extra] if extra else [])
    for index in bits(statement.versions):
        found = world.package(name).requires(index, extras) or ()
        for _, marker in several(found).get(statement.target[0], ()):
            world.given.divide_by(marker, extras)


def too_many_rounds(world: World, heavy: tuple[str, ...]) -> TooManyRounds:
    """Return the error for a search that was given up; *heavy* are the packages that conflict most."""
    return TooManyRounds(rounds=world.given.request.max_rounds, packages=heavy)


class _Parts:
    """The leaves of a proof by kind."""

    def __init__(self, proof: Incompatibility) -> None:
        found = list(leaves(proof))
        self.wanted = [own for own in found if isinstance(own, Required)]
        self.constrained = [own for own in found if isinstance(own, Constrained)]
        self.dependencies = [own for own in found if isinstance(own, Depends)]
        self.ruled_out = [own for own in found if isinstance(own, RuledOut)]
        self.wanted.sort(key=lambda own: (own.need.root.origin if own.need.root else "", own.need.text))
        self.dependencies.sort(key=lambda own: (own.slot, own.target, own.need.text))
        self.ruled_out.sort(key=lambda own: (own.slot, own.reason.kind, own.reason.detail))

    def needs(self) -> list[Need]:
        parts: list[Required | Constrained | Depends] = [*self.wanted, *self.constrained, *self.dependencies]
        return [own.need for own in parts]

    def in_order(self) -> list[str]:
        """Return the names of all packages, those that the user requires first, then what they need."""
        names = dict.fromkeys(own.slot[0] for own in self.wanted)
        pending = list(names)
        while pending:
            name = pending.pop(0)
            for own in self.dependencies:
                if own.slot[0] == name and own.target[0] not in names:
                    names[own.target[0]] = None
                    pending.append(own.target[0])
        names.update(dict.fromkeys(own.slot[0] for own in self.ruled_out))
        return list(names)


def _about(world: World, parts: _Parts, name: str) -> list[PackageNeeds | Missing | Out]:
    package = world.package(name)
    missing = _missing(package, parts)
    if missing:
        return list(missing)
    return [*_out(world, package, parts), *_needing(package, parts)]


def _missing(package: Package, parts: _Parts) -> list[Missing]:
    """Return that there is nothing at all, or that a requirement matches nothing."""
    offer = None if package.located else package.offer
    if offer is not None and not offer.versions:
        return [Missing(name=package.name, missing=offer.missing or "empty", reason=offer.reason)]
    place = next((own.text or own.url for own in package.places.values()), "")
    located = [package.version(index) for index in package.places]
    texts = _ordered(located) if place or offer is None else list(offer.versions)
    available = in_sentence(texts[::-1]) if len(texts) <= 3 else f"{texts[-1]} to {texts[0]}"
    return [
        Missing(name=package.name, wanted=own.text, available=available, place=place)
        for own in dict.fromkeys(parts.needs())
        if own.name == package.name and not package.mask(own)
    ]


def _texts(package: Package) -> list[str]:
    """Return all versions there are, newest first; an index often has the installed one too."""
    return _ordered([package.version(index) for index in bits(package.known)])


def _ordered(texts: list[str]) -> list[str]:
    return sorted(dict.fromkeys(texts), key=_rank, reverse=True)


def _rank(text: str) -> tuple[bool, Version]:
    """Return the place of a version; that of an installed distribution may be none of PEP 440."""
    try:
        return True, Version(text)
    except InvalidVersion:
        return False, Version("0")


def _worded(package: Package, mask: int) -> tuple[str, int]:
    """Return versions in words, empty for all there are, and their number."""
    texts = _texts(package)
    chosen = {package.version(index) for index in bits(mask & package.known)}
    stable = {text for text in texts if not is_prerelease(text)}
    everything = chosen >= (stable or set(texts)) and len(texts) > 1
    return "" if everything else in_words(texts, chosen), len(chosen)


def _out(world: World, package: Package, parts: _Parts) -> list[Out]:
    masks: dict[tuple[str, str], int] = {}
    for own in parts.ruled_out:
        if own.slot[0] == package.name:
            key = (own.reason.kind, _detail(own.reason.kind, own.reason.detail))
            masks[key] = masks.get(key, 0) | own.versions
    found = []
    for (kind, detail), mask in masks.items():
        versions, _ = _worded(package, mask)
        target = world.given.request.python_version
        found.append(Out(name=package.name, versions=versions, kind=kind, detail=detail, target=target))
    return found


def _detail(kind: str, detail: str) -> str:
    """Shorten a list of tags, so that versions with much the same ones share a sentence."""
    parts = detail.split(", ")
    if kind not in ("tags", "no-build") or len(parts) <= _SHOWN_TAGS:
        return detail
    return ", ".join(parts[:_SHOWN_TAGS]) + ", …"


def _needing(package: Package, parts: _Parts) -> list[PackageNeeds]:
    """Return what the package needs of each other one, versions with the same requirement together."""
    groups: dict[str, dict[str, int]] = {}
    for own in parts.dependencies:
        if own.slot[0] == package.name:
            masks = groups.setdefault(own.target[0], {})
            masks[own.need.text] = masks.get(own.need.text, 0) | own.versions
    return [item for other, masks in groups.items() for item in _needed(package, other, masks)]


def _needed(package: Package, other: str, masks: dict[str, int]) -> list[PackageNeeds]:
    newest = sorted(masks.items(), key=lambda item: next(iter(bits(item[1])), OFFERED))
    if len(newest) > 2:
        union = 0
        for _, mask in newest:
            union |= mask
        newest = [(newest[0][0], union)]
    found = []
    for text, mask in newest:
        versions, count = _worded(package, mask)
        texts = (text,) if len(masks) <= 2 else (text, *(each for each in masks if each != text))
        sample = package.version(next(iter(bits(masks[text]))))
        item = PackageNeeds(
            name=package.name, versions=versions, count=count, other=other, texts=texts, sample=sample
        )
        found.append(item)
    return found


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
    return tuple(dict.fromkeys(found))[:_MOST_HINTS]


def _of_reason(world: World, package: Package, out: RuledOut) -> list[str]:
    kind, name = out.reason.kind, package.name
    newest = package.version(next(iter(bits(out.versions))))
    if kind == PRERELEASE:
        return [_prerelease(world, name, newest)]
    if kind == YANKED:
        return [f"to take a yanked version, pin it among your own requirements: `{name}=={newest}`"]
    if kind == PYTHON:
        return [
            f"`{name}=={newest}` needs Python {out.reason.detail}: use another Python, or `--python-version`"
        ]
    if kind == TAGS:
        best = f" (its best tag is `{world.given.request.tag}`)" if world.given.request.tag else ""
        return [f"choose a target{best} that a wheel of `{name}` fits, or another version of it"]
    if kind == NO_BUILD:
        return [
            f"building `{name}` is switched off by `--only-binary` or `--no-build`: leave `{name}` out of that"
        ]
    if kind == NO_BINARY:
        return [f"leave `{name}` out of `--no-binary`"]
    if kind == BUILDS:
        bound = f"such as `{name}>{newest}`, which leaves these out, or pin one"
        return [f"bound `{name}`, {bound}: at most {MOST_BUILDS} of the versions that fit are built"]
    if kind == FOREIGN_URL:
        return [f"add `{out.reason.detail}` to your requirements"]
    if out.reason.offline:
        return [OFFLINE_HINT]
    return []


def _prerelease(world: World, name: str, newest: str) -> str:
    request = world.given.request
    mode = request.prereleases_of(name)
    own = any(name == each for each, _ in request.prerelease_modes)
    option = f"--prerelease-package {name}=" if own else "--prerelease "
    by = f" (`{option}{mode}`)" if mode in (DISALLOW, EXPLICIT) else ""
    return f"pre-releases of `{name}` exist, such as {newest}, but are not allowed{by}: try `{option}allow`"


def _of_offer(world: World, package: Package, needs: Sequence[Need]) -> list[str]:
    offer = package.offer
    found = list(offer.hints)
    if offer.missing == NOT_FOUND and not offer.hints:
        found.append(
            f"check the spelling of `{package.name}`, or add the index that has it with `--extra-index-url`"
        )
    if offer.missing == OFFLINE:
        found.append(OFFLINE_HINT)
    newer = _admitted(offer.newer, needs)
    if newer:
        date = exclude_newer_for(world.given.request.exclude_newer, package.name)
        why = ": the index does not report the upload times of its files" if newer in offer.undated else ""
        option = f"`--exclude-newer{f' {date}' if date else ''}`"
        found.append(f"`{package.name}` {newer} is hidden by {option}{why}")
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
