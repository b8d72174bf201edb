"""Resolutions for several environments at once: all platforms, or the targets that are declared."""

from puffin.errors import UsageError
from puffin.pipeline.inputs.resolution import Answered, ResolutionSetup, resolved
from puffin.pipeline.request.settings import CompileSettings
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.stages.resolve.locate.everywhere import (
    covering,
    declared_targets,
    region_of,
    universal_target,
    wheels_for,
)
from puffin.stages.resolve.locate.platforms import ResolutionTarget, parse_python
from puffin.stages.resolve.output.merge import merge_answers
from puffin.stages.resolve.output.requirements import environment_marker
from puffin.stages.resolve.projects.sources import Sources
from puffin.stages.resolve.requirements.texts import specifiers_of
from puffin.stages.resolve.solve.errors import NoSolution
from puffin.stages.resolve.solve.regions import Answer, RegionPart, resolve_region
from puffin.stages.resolve.solve.request import Preference, Resolution
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.inputs.resolution import Opened
    from puffin.stages.resolve.universe.kept import KeptUniverse


def _targets(
    settings: CompileSettings, sources: Sources, interpreter: Interpreter
) -> tuple[ResolutionTarget, ...]:
    """Return the targets that are declared, or the one of all platforms. Raises :class:`UsageError`."""
    if not settings.targets:
        return (
            universal_target(interpreter, _pythons(settings.run.where.python_version, sources, interpreter)),
        )
    targets = declared_targets(interpreter, settings.targets)
    for file, specifier in sources.pythons:
        admitted = [specifiers_of(specifier).contains(each.python_version) for each in targets]
        if not any(admitted):
            text = f"`{file}` requires Python {specifier}, which none of the targets has"
            raise UsageError(text=text, hints=("change `targets`, or `requires-python`",))
    return targets


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
    return Answered(
        resolution=Resolution(packages=tuple([each.package for each in plan]), warnings=tuple(warnings)),
        setup=replace(setup, target=covered),
        universe=run.universe,
        marks=tuple([each.marker for each in plan]),
        environments=tuple(declared),
        sieve=lambda files, marker: wheels_for(files, covered.region, marker),
    )


class _Run:
    """The resolutions of one set-up for several targets; ``universe`` is that of the last one."""

    def __init__(self, setup: ResolutionSetup, opened: "Opened") -> None:
        self.universe: KeptUniverse | None = None
        self._setup = setup
        self._opened = opened

    def answers(self, target: ResolutionTarget) -> "tuple[Answer, ...]":
        if self._setup.requirements:
            self.universe = self._opened(replace(self._setup, target=target))
        if target.region:
            return resolve_region(target.region, lambda part: self._part(target, part), self._setup.preferences)
        try:
            return (Answer(region=region_of(dict(target.markers)), resolution=self._resolved(target)),)
        except NoSolution as error:
            error.where = f"for the target `{target.name}`"
            raise

    def _part(self, target: ResolutionTarget, part: RegionPart) -> Resolution:
        own = replace(target, region=part.region, python_version=part.python_version)
        return self._resolved(own, part.preferences)

    def _resolved(self, target: ResolutionTarget, preferences: "tuple[Preference, ...]" = ()) -> Resolution:
        if self.universe is None:
            return Resolution(packages=())
        more = (*self._setup.preferences, *preferences)
        return resolved(replace(self._setup, target=target, preferences=more), self.universe)
