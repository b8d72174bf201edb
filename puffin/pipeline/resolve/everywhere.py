"""Resolutions for several environments at once: all platforms, or the targets that are declared."""

from itertools import combinations

from puffin.errors import UsageError
from puffin.pipeline.inputs.resolution import Answered, ResolutionSetup, resolved
from puffin.pipeline.request.settings import CompileSettings
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.stages.resolve.index.config import IndexConfig
from puffin.stages.resolve.locate.everywhere import (
    covering,
    declared_targets,
    region_of,
    universal_target,
    wheels_for,
)
from puffin.stages.resolve.locate.platforms import ResolutionTarget, parse_python
from puffin.stages.resolve.metadata.toml import InvalidProject
from puffin.stages.resolve.output.merge import merge_answers
from puffin.stages.resolve.output.requirements import environment_marker
from puffin.stages.resolve.projects.sources import Sources
from puffin.stages.resolve.requirements.algebra import condition
from puffin.stages.resolve.requirements.region import RegionConditions, region_of_pythons, written
from puffin.stages.resolve.requirements.texts import specifiers_of
from puffin.stages.resolve.solve.errors import NoSolution
from puffin.stages.resolve.solve.given import conditions_of
from puffin.stages.resolve.solve.regions import Answer, RegionPart, resolve_region
from puffin.stages.resolve.solve.request import Preference, Resolution
from puffin.stages.resolve.universe.values import Chosen
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from puffin.pipeline.inputs.resolution import Opened
    from puffin.stages.resolve.index.page import IndexFile
    from puffin.stages.resolve.universe.kept import KeptUniverse

    Pairs = tuple[tuple[str, str], ...]


def _targets(
    settings: CompileSettings, sources: Sources, interpreter: Interpreter
) -> tuple[ResolutionTarget, ...]:
    """Return the targets that are declared, or the one of all platforms. Raises :class:`UsageError`."""
    if not settings.targets:
        pythons = _pythons(settings.run.where.python_version, sources, interpreter)
        return (universal_target(interpreter, pythons, _limits(_agreed(sources.environments), pythons)),)
    targets = declared_targets(interpreter, settings.targets)
    for file, specifier in sources.pythons:
        admitted = [specifiers_of(specifier).contains(each.python_version) for each in targets]
        if not any(admitted):
            text = f"`{file}` requires Python {specifier}, which none of the targets has"
            raise UsageError(text=text, hints=("change `targets`, or `requires-python`",))
    return targets


def _agreed(stated: "Sequence[tuple[str, Pairs]]") -> "Pairs":
    """Return the environments that all projects state. Raises :class:`InvalidProject` unless they state the same."""
    for shown, own in stated:
        if {marker for marker, _ in own} != {marker for marker, _ in stated[0][1]}:
            first, other = [each[0][1] if each else at for at, each in (stated[0], (shown, own))]
            hints = ("state the same `environments` in both, or resolve for them apart",)
            problem = f"its `environments` are not those of `{first}`"
            raise InvalidProject(file=other, problem=problem, hints=hints)
    return stated[0][1] if stated else ()


def _limits(environments: "Pairs", pythons: str) -> tuple[str, ...]:
    """Return the markers of *environments*, which are pairs with a place.

    Raises :class:`InvalidProject` if two of them overlap, or one admits none of the Pythons.
    """
    conditions = RegionConditions(region_of_pythons(pythons))
    for marker, place in environments:
        if not conditions.meet(marker):
            raise InvalidProject(
                file=place, problem=f"`{marker}` in `environments` admits no Python of `{pythons}`"
            )
    for (one, place), (other, further) in combinations(environments, 2):
        if conditions.meet(one, other):
            problem = f"the environments `{one}` and `{other}` (`{further}`) overlap"
            hints = ("give them markers that exclude each other",)
            raise InvalidProject(file=place, problem=problem, hints=hints)
    return tuple([written(condition(marker)) for marker, _ in environments])


def _pythons(python_version: str, sources: Sources, interpreter: Interpreter) -> str:
    """Return the specifier of the Pythons: that of an option, of all projects, or from the interpreter's on."""
    if python_version:
        version = str(parse_python(python_version))
        return f">={version.removesuffix('.0')}"
    stated = ",".join(dict.fromkeys(specifier for _, specifier in sources.pythons if specifier))
    major, minor = interpreter.version[:2]
    return str(specifiers_of(stated)) if stated else f">={major}.{minor}"


def answer_everywhere(
    settings: CompileSettings,
    setup: ResolutionSetup,
    sources: Sources,
    interpreter: Interpreter,
    opened: "Opened",
) -> Answered:
    """Return the merged answer for all platforms or the declared targets, as :func:`answer_for` does."""
    run = _Run(setup, opened)
    targets = _targets(settings, sources, interpreter)
    answers = [answer for target in targets for answer in run.answers(target)]
    covered = covering(targets)
    plan = merge_answers(answers)
    warnings = dict.fromkeys(warning for each in answers for warning in each.resolution.warnings)
    declared = [environment_marker(dict(each.markers)) for each in targets if not each.region]
    limits = [marker for each in targets for marker in each.environments]
    return Answered(
        resolution=Resolution(packages=tuple([each.package for each in plan]), warnings=tuple(warnings)),
        setup=replace(setup, target=covered),
        files=run.files,
        marks=tuple([each.marker for each in plan]),
        environments=(*declared, *limits),
        sieve=lambda files, marker: wheels_for(files, covered.region, marker),
    )


class _Run:
    """The resolutions of one set-up for several targets.

    Each target has a universe, and each part of a region in which a package comes from another index.
    """

    def __init__(self, setup: ResolutionSetup, opened: "Opened") -> None:
        self._setup = setup
        self._opened = opened
        self._universes: dict[tuple[str, IndexConfig], KeptUniverse] = {}
        self._offering: dict[tuple[str, str, str], KeptUniverse] = {}

    def answers(self, target: ResolutionTarget) -> "tuple[Answer, ...]":
        if target.region:
            parts = [marker for _, _, marker in self._setup.regional]
            return resolve_region(
                target.regions, lambda part: self._part(target, part), self._setup.preferences, parts
            )
        try:
            resolution = self._resolved(target, target)
        except NoSolution as error:
            error.where = f"for the target `{target.name}`"
            raise
        return (Answer(region=region_of(dict(target.markers)), resolution=resolution),)

    def files(self, handle: Chosen) -> "Sequence[IndexFile]":
        """Return every file of a version that was chosen."""
        return self._offering[_place(handle)].files(handle)

    def _part(self, target: ResolutionTarget, part: RegionPart) -> Resolution:
        own = replace(target, region=part.region, python_version=part.python_version)
        return self._resolved(target, own, part.preferences)

    def _resolved(
        self, target: ResolutionTarget, own: ResolutionTarget, preferences: "tuple[Preference, ...]" = ()
    ) -> Resolution:
        """Return the resolution for *own*, which is *target* or a part of it."""
        if not self._setup.requirements:
            return Resolution(packages=())
        setup = replace(self._setup, target=own, preferences=(*self._setup.preferences, *preferences))
        setup = replace(setup, config=_config_in(setup))
        key = (target.name, setup.config)
        if key not in self._universes:
            self._universes[key] = self._opened(replace(setup, target=target))
        universe = self._universes[key]
        resolution = resolved(setup, universe)
        handles = [each.handle for each in resolution.packages if isinstance(each.handle, Chosen)]
        self._offering.update({_place(each): universe for each in handles})
        return resolution


def _place(handle: Chosen) -> tuple[str, str, str]:
    return handle.name, handle.version, handle.install.place


def _config_in(setup: ResolutionSetup) -> IndexConfig:
    """Return the places to look where a set-up is for: with the indexes that packages have there."""
    if not setup.regional:
        return setup.config
    conditions = conditions_of(setup.request)
    own = [(name, url) for name, url, marker in setup.regional if conditions.hold(marker)]
    return replace(setup.config, pinned=(*setup.config.pinned, *own))
