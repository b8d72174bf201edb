"""The final check of every answer: roots, constraints, overrides, extras, hashes, Requires-Python, pre-releases, yanks.

Whichever search found an answer, or if it was remembered, it counts only when it keeps all rules here. The check
shares no state with the searches: it reads texts, where they work with sets of versions.
"""

from collections.abc import Callable, Iterable

from puffin.stages.resolve.solve.eligible import may_prerelease, pins_exactly
from puffin.stages.resolve.solve.given import Given
from puffin.stages.resolve.solve.request import Resolution, Resolved, ResolveRequest, hash_verdict
from puffin.stages.resolve.solve.requirement import Need, is_prerelease, need, split
from puffin.stages.resolve.solve.specifiers import admits
from puffin.stages.resolve.solve.universe import Metadata
from puffin.value import frozen


@frozen
class Facts:
    """What is known of one version of an answer, apart from the answer.

    ``requires_python`` are those of the index and of the metadata. ``hashes`` (``"algorithm:hex"``) are those that the
    index has of the file, ``where`` is as in ``Release``.
    """

    metadata: Metadata
    requires_python: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    where: str = ""


def broken_rules(
    request: "ResolveRequest", resolution: "Resolution", facts: "Callable[[Resolved], Facts]"
) -> tuple[str, ...]:
    """Return a clause for each rule that an answer breaks, none if it holds. *facts* returns facts of a package."""
    return tuple(dict.fromkeys(_Check(request, resolution, facts).run()))


class _Check:
    """Follows what is needed, from what the user requires on."""

    def __init__(
        self, request: "ResolveRequest", resolution: "Resolution", facts: "Callable[[Resolved], Facts]"
    ) -> None:
        self._given = Given(request)
        self._packages = {each.name: each for each in resolution.packages}
        self._facts = {name: facts(each) for name, each in self._packages.items()}
        self._extras: dict[str, frozenset[str]] = {}
        self._urls: dict[str, set[str]] = {}
        self._pending: dict[str, None] = {}

    def run(self) -> "Iterable[str]":
        for own in self._given.roots:
            yield from self._met(own, "you require")
        while self._pending:
            name = next(iter(self._pending))
            del self._pending[name]
            yield from self._needs(self._packages[name])
        for package in self._packages.values():
            yield from self._alone(package)

    def _met(self, own: Need, who: str) -> "Iterable[str]":
        """Check that a need is met, and have what follows from it looked at."""
        package = self._packages.get(own.name)
        if package is None:
            yield f"{who} `{own.text}`, which is left out"
            return
        if not _fits(own, package):
            yield f"{who} `{own.text}`, and it has {_shown(package)}"
        known = self._extras.get(own.name)
        if own.url:
            self._urls.setdefault(own.name, set()).add(own.url)
        if known is None or not own.extras <= known:
            self._extras[own.name] = own.extras | (known or frozenset())
            self._pending[own.name] = None

    def _needs(self, package: "Resolved") -> "Iterable[str]":
        if self._given.request.no_deps:
            return
        who = f"{_shown(package)} needs"
        for own in self._told(package, self._facts[package.name].metadata):
            if own.name == package.name:
                if not own.url and not admits(own.specifier, package.version):
                    yield f"{who} `{own.text}`"
                continue
            for each in self._given.replaced(self._given.freed(own, package.url)):
                yield from self._met(each, who)
                if each.url and not self._may_point(package, each):
                    yield f"{who} `{each.text}`, a URL that only you may name"

    def _told(self, package: "Resolved", metadata: "Metadata") -> list[Need]:
        extras = self._extras[package.name]
        parts = [split(text) for text in metadata.requires_dist]
        while True:
            found = [need(head) for head, marker in parts if self._given.conditions.hold(marker, extras)]
            more = extras.union(*[own.extras for own in found if own.name == package.name])
            if more == extras:
                return found
            extras = more

    def _may_point(self, package: "Resolved", own: Need) -> bool:
        return bool(package.url or package.installed or own.root or self._given.points_to(own.url))

    def _alone(self, package: "Resolved") -> "Iterable[str]":
        if package.name not in self._extras:
            yield f"{_shown(package)} is there, and nobody needs it"
            return
        for own in self._given.constraining(package.name):
            if own.url:
                self._urls.setdefault(own.name, set()).add(own.url)
            if not _fits(own, package):
                yield f"your constraints say `{own.text}`, and it has {_shown(package)}"
        if package.url and package.url not in self._urls.get(package.name, ()):
            yield f"{_shown(package)} is from a URL that nobody names"
        facts = self._facts[package.name]
        if not self._has_extras(package, facts.metadata):
            yield f"the extras of {_shown(package)} are not those asked for"
        if not package.installed:
            yield from self._taken(package, facts)

    def _has_extras(self, package: "Resolved", metadata: "Metadata") -> bool:
        asked = self._extras[package.name]
        return set(package.extras) == {each for each in metadata.provides_extras if each in asked}

    def _taken(self, package: "Resolved", facts: Facts) -> "Iterable[str]":
        """Check that a version may be taken that is not installed."""
        shown = _shown(package)
        for text in facts.requires_python:
            if not self._given.python.admits(text):
                yield f"{shown} requires Python {text}, and the target is Python {self._given.python.version}"
        conditions = self._given.conditions
        for marker in self._given.request.required if facts.where else ():
            if conditions.meet(marker) and not conditions.meet(marker, facts.where):
                yield f"{shown} has no file for `{marker}`, which is required"
        for demanded in self._demanded(package.name):
            if hash_verdict(facts.hashes, demanded) is False:
                yield f"no hash of {shown} is among those that are demanded"
        if package.url:
            return
        if package.yanked is not None and not pins_exactly(
            self._given.pins.get(package.name, ()), package.version
        ):
            yield f"{shown} is yanked, and nobody pins it"
        explicit = package.name in self._given.explicit
        if is_prerelease(package.version) and not may_prerelease(
            self._given.request, package.name, explicit=explicit
        ):
            yield f"{shown} is a pre-release, and these are not allowed"

    def _demanded(self, name: str) -> "Iterable[list[str]]":
        """Yield the hashes of which a file must have one: those of all requirements, and those of each constraint."""
        roots = [own.root for own in self._given.roots if own.name == name and own.root]
        yield [each for root in roots for each in root.hashes]
        yield from [list(own.root.hashes) for own in self._given.constraining(name) if own.root]


def _fits(own: Need, package: "Resolved") -> bool:
    if own.url and own.url != package.url:
        return False
    return admits(own.specifier, package.version)


def _shown(package: "Resolved") -> str:
    return f"`{package.name}=={package.version}`"
