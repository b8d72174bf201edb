"""The answer of a resolution as an output needs it: for one environment, for all platforms, or for declared targets."""

from puffin.pipeline.inputs.resolution import Answered, ResolutionSetup, resolved
from puffin.pipeline.request.settings import CompileSettings
from puffin.stages.resolve.projects.sources import Sources, check_python
from puffin.stages.resolve.solve.request import Resolution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.inputs.resolution import Opened
    from puffin.stages.link.interpreter.interpreter import Interpreter


def answer_for(
    settings: CompileSettings,
    setup: ResolutionSetup,
    sources: Sources,
    interpreter: "Interpreter",
    opened: "Opened",
) -> Answered:
    """Return the answer for the environments that *settings* name, by default for the target of *setup*.

    *opened* returns the universe of a set-up, which the caller closes. Raises what resolving raises, and
    :class:`UsageError` for targets.
    """
    if settings.is_for_several:
        from puffin.pipeline.resolve.everywhere import answer_everywhere

        return answer_everywhere(settings, setup, sources, interpreter, opened)
    if not setup.requirements:
        return Answered(resolution=Resolution(packages=()), setup=setup)
    universe = opened(setup)
    return Answered(resolution=resolved(setup, universe), setup=setup, files=universe.files)


def warnings_of(settings: CompileSettings, sources: Sources, python_version: str) -> tuple[str, ...]:
    """Return the warnings about sources; those about Pythons are for a resolution for one environment."""
    pythons = () if settings.is_for_several else check_python(sources, python_version)
    return (*sources.requirements.warnings, *pythons)
