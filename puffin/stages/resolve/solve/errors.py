"""Errors of a resolution: there is no solution, and the reasons as sentences."""

from collections.abc import Sequence

from puffin.errors import PuffinError
from puffin.names import in_sentence
from puffin.stages.resolve.solve.eligible import (
    BUILDS,
    FOREIGN_URL,
    HASHES,
    MOST_BUILDS,
    NEEDS,
    NO_BINARY,
    NO_BUILD,
    NO_FILES,
    PRERELEASE,
    PYTHON,
    REQUIRED,
    TAGS,
    YANKED,
)
from puffin.stages.resolve.solve.requirement import is_prerelease
from puffin.value import frozen

_LINES = 18
_WORDS = (
    ("requirement", "You require"),
    ("constraint", "Your constraints say"),
    ("override", "Your overrides say"),
)


@frozen
class UserDemand:
    """What the user says: a requirement, ``constraint``, or ``override``, as ``text``, and the place it stands at."""

    text: str
    origin: str = ""
    kind: str = "requirement"

    def worded(self) -> str:
        return f"`{self.text}`" + (f" ({self.origin})" if self.origin else "")


@frozen
class PackageNeeds:
    """What versions of a package need of another one.

    ``versions`` are those versions in words, empty if they are all of several; ``count`` is how many. ``texts`` are the
    different requirements, newest version first; ``sample`` is the version that has the first.
    """

    name: str
    versions: str
    count: int
    other: str
    texts: tuple[str, ...]
    sample: str = ""

    def worded(self) -> str:
        who = _who(self.name, self.versions)
        plural = self.count > 1 and bool(self.versions)
        verb = "need" if plural else "needs"
        if len(self.texts) <= 2:
            return f"{who} {verb} {in_sentence([f'`{text}`' for text in self.texts], 'or')}."
        return f"{who} {verb} its own range of `{self.other}`, such as `{self.texts[0]}` for {self.sample}.".replace(
            "need its own", "need their own"
        )


@frozen
class Missing:
    """There is nothing of a package, or nothing that a requirement admits.

    ``missing`` is as in an offer, empty if there are versions; then ``wanted`` is the requirement that none
    meets, and ``available`` the versions there are, in words; ``place`` is the URL requirement that gives them.
    """

    name: str
    missing: str = ""
    reason: str = ""
    wanted: str = ""
    available: str = ""
    place: str = ""

    def worded(self) -> str:
        if not self.missing:
            where = f"`{self.place}` is" if self.place else "the index has"
            return f"No version of `{self.name}` meets `{self.wanted}`: {where} {self.available}."
        what = {
            "not-found": "was not found in any index",
            "offline": "is not in the cache, and the network may not be used (`--offline`)",
            "quarantined": "has been put in quarantine by its index",
            "index-error": "cannot be had from its index",
        }.get(self.missing, "has no files that could be used")
        return f"`{self.name}` {what}{f' ({self.reason})' if self.reason else ''}."


@frozen
class Out:
    """Versions of a package that cannot be used, for one reason (see ``eligible``)."""

    name: str
    versions: str
    kind: str
    detail: str = ""
    target: str = ""

    def worded(self) -> str:
        who = _who(self.name, self.versions)
        return f"{who} cannot be used: {self._because()}."

    def _because(self) -> str:
        detail = self.detail
        return {
            PRERELEASE: "pre-releases are not allowed here",
            YANKED: "yanked" + (f" (reason: {detail})" if detail else ""),
            PYTHON: f"Python {detail} is required, but the target is Python {self.target}",
            TAGS: f"no wheel fits the target (there are wheels for {detail}), and no source distribution",
            REQUIRED: f"there is neither a source distribution nor a wheel for `{detail}`, which is required",
            NO_BUILD: "no wheel fits the target, and building the source distribution is not allowed",
            NO_BINARY: "there is no source distribution, and wheels are not allowed (`--no-binary`)",
            NO_FILES: "there is no file that could be used",
            HASHES: "no file has one of the required hashes",
            FOREIGN_URL: f"it needs `{detail}`, and only your own requirements may name URLs",
            BUILDS: f"only a build tells its dependencies, and {MOST_BUILDS} versions have been built for that",
            NEEDS: f"it needs another version of itself (`{detail}`)",
        }.get(self.kind, detail)


@frozen
class Tried:
    """Versions of a package need others in ways that do not fit: many statements in one."""

    name: str
    others: tuple[str, ...]

    def worded(self) -> str:
        others = in_sentence([f"`{other}`" for other in self.others], most=3)
        return f"Different versions of `{self.name}` need {others} in ranges that do not fit."


def condensed(statements: "tuple[Statement, ...]") -> "tuple[Statement, ...]":
    """Put the needs of each package into one statement, if there are too many to read."""
    if len(statements) <= _LINES:
        return statements
    others: dict[str, dict[str, None]] = {}
    for item in statements:
        if isinstance(item, PackageNeeds):
            others.setdefault(item.name, {})[item.other] = None
    found: dict[Statement, None] = {}
    for item in statements:
        few = not isinstance(item, PackageNeeds) or len(others[item.name]) == 1
        found[item if few else Tried(name=item.name, others=tuple(others[item.name]))] = None
    return tuple(found)


def _who(name: str, versions: str) -> str:
    return f"`{name}` {versions}" if versions else f"Every version of `{name}`"


Statement = PackageNeeds | Missing | Out | Tried


class NoSolution(PuffinError):
    """No versions meet all requirements.

    ``demands`` are what the user says, ``statements`` what the packages and the index say: together they
    cannot be. ``package`` is the list of the names in ``demands``. ``where`` says which environments this is
    about, and is empty for all that the resolution is for.
    """

    names: tuple[str, ...]
    demands: tuple[UserDemand, ...]
    statements: "tuple[Statement, ...]"
    where: str = ""

    def summary(self) -> str:
        names = [f"`{name}`" for name in self.names]
        where = f" {self.where}" if self.where else ""
        if len(names) == 1:
            return f"Failed to resolve {names[0]}: no version can be used{where}"
        return f"Failed to resolve {in_sentence(names, most=4)}: no versions fit together{where}"

    def details(self) -> tuple[str, ...]:
        said = [item.worded() for item in self.statements]
        if len(said) > _LINES:
            left = len(said) - _LINES + 1
            said = [*said[: _LINES - 1], f"({left} more statements of this kind are involved.)"]
        return (*self._demanded(), *said)

    def _demanded(self) -> tuple[str, ...]:
        lines = []
        for kind, words in _WORDS:
            shown = [own.worded() for own in self.demands if own.kind == kind]
            if shown:
                lines.append(f"{words} {in_sentence(shown, most=4)}.")
        return tuple(lines)


class TooManyRounds(PuffinError):
    """The search was given up; ``packages`` are those that conflicted most."""

    sentence = "Failed to resolve your requirements: no solution was found in {rounds} rounds"
    rounds: int
    packages: tuple[str, ...]

    def details(self) -> tuple[str, ...]:
        names = [f"`{name}`" for name in self.packages]
        return (f"Most conflicts are about {in_sentence(names)}.",) if names else ()


class AnswerRefused(PuffinError):
    """No search found an answer that keeps all rules; ``broken`` are clauses, one for each rule that one breaks."""

    sentence = "Failed to resolve your requirements: the answer that was found is wrong, and is not used"
    broken: tuple[str, ...]
    hints: tuple[str, ...] = ("this is a fault of puffin: please report it, with your requirements",)

    def details(self) -> tuple[str, ...]:
        return tuple([f"{clause[:1].upper()}{clause[1:]}." for clause in self.broken[:_LINES]])


_RUNS = 3


def in_words(texts: Sequence[str], chosen: set[str]) -> str:
    """Return *chosen* versions as stretches of *texts* (all there are, newest first): ``1.0 to 1.4, 2.0``.

    Pre-releases that are not chosen do not interrupt a stretch. Long answers end in a count.
    """
    runs = _runs(texts, chosen)
    shown = [_run(run) for run in runs[:_RUNS]]
    left = sum(len(run) for run in runs[_RUNS:])
    return ", ".join(shown) + (f" and {left} more" if left else "")


def _runs(texts: Sequence[str], chosen: set[str]) -> list[list[str]]:
    """Return the stretches of chosen versions, oldest first."""
    runs: list[list[str]] = [[]]
    for text in reversed(texts):
        if text in chosen:
            runs[-1].append(text)
        elif runs[-1] and not is_prerelease(text):
            runs.append([])
    return [run for run in runs if run]


def _run(run: list[str]) -> str:
    if len(run) == 1:
        return run[0]
    return f"{run[0]} and {run[1]}" if len(run) == 2 else f"{run[0]} to {run[-1]}"
