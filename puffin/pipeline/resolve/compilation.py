"""One compilation: what needs no interpreter is done while an interpreter answers; then the rest, up to the text."""

import time
from contextlib import ExitStack

from puffin import depends
from puffin.pipeline.builds.projects import Projects
from puffin.pipeline.builds.settings import BuildSeams, builds_of
from puffin.pipeline.graph.record import phase
from puffin.pipeline.inputs.inputs import Reading, requested
from puffin.pipeline.inputs.resolution import Answered, children_of, resolved, setup_of
from puffin.pipeline.request.builds import toolchain_with
from puffin.pipeline.request.imports import import_merging, import_resolving
from puffin.pipeline.request.where import target_interpreter
from puffin.stages.resolve.locate.platforms import target_for
from puffin.stages.resolve.output.earlier import read_preferences, read_upgrades
from puffin.stages.resolve.projects.sources import check_python
from puffin.stages.resolve.solve.request import Resolution
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.builds.session import BuildSession
    from puffin.pipeline.builds.values import BuildSettings
    from puffin.pipeline.inputs.resolution import Opened, ResolutionSetup
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import CompileSettings
    from puffin.stages.link.interpreter.interpreter import Interpreter
    from puffin.stages.resolve.locate.platforms import ResolutionTarget
    from puffin.stages.resolve.projects.sources import Sources
    from puffin.stages.resolve.universe.children import Children
    from puffin.stages.resolve.universe.kept import KeptUniverse


class Compilation:
    """The resolution of sources, and its output. :meth:`close` ends the children that ask indexes."""

    def __init__(self, settings: "CompileSettings", session: "Session", *, locked: bool) -> None:
        self._settings = settings
        self._session = session
        self._locked = locked
        self._error: Exception | None = None
        self._sources: Sources
        self._setup: ResolutionSetup | None = None
        self._children: Children | None = None
        self._is_open = False  # whether a universe asks indexes by the children

    def begin(self) -> None:
        """Do what needs no interpreter, and request the pages of the requirements; errors wait for :meth:`run`."""
        try:
            self._prepare()
        except Exception as error:
            self._error = error
            return
        if not (entries := self._sources.requirements.entries):
            return
        import_resolving()
        self.children.expect(each.name for each in entries if each.name and not (each.url or each.marker))
        if self._settings.is_for_several:
            import_merging()

    @property
    def children(self) -> "Children":
        if self._children is None:
            self._children = children_of(self._prepare(), self._session.cache)
        return self._children

    def close(self) -> None:
        if self._children is not None:
            self._children.close()

    def _prepare(self) -> "ResolutionSetup":
        """Return the set-up without its target; the sources are read."""
        if self._error is not None:
            raise self._error
        if self._setup is not None:
            return self._setup
        settings, session = self._settings, self._session
        run, output = settings.run, settings.output_file
        upgrades = read_upgrades(settings.upgrade, settings.upgrade_package)
        earlier = read_preferences(output, read=session.read, environ=session.environ) if output else ()
        build = Projects(session).builder(
            run, lambda: toolchain_with(target_interpreter(run.where.python, session))
        )
        reading = Reading(requested(run), run, session, build=build, markers=self._markers)
        self._sources = reading.sources(several=settings.is_for_several)
        self._setup = setup_of(
            run, self._sources, session, now=time.time(), upgrades=upgrades, preferences=earlier
        )
        return self._setup

    def _target(self, interpreter: "Interpreter") -> "ResolutionTarget":
        where = self._settings.run.where
        return target_for(
            interpreter, python_version=where.python_version, python_platform=where.python_platform
        )

    def _markers(self) -> "dict[str, str]":
        return dict(self._target(target_interpreter(self._settings.run.where.python, self._session)).markers)

    def run(self, interpreter: "Interpreter") -> str:
        """Resolve, write the output file if there is one, and return the text of the output."""
        from puffin.pipeline.resolve.output import listed, output_text
        from puffin.stages.resolve.output.target import write_output

        with phase("read requirements"):
            setup = self._prepare()
        setup = replace(setup, target=self._target(interpreter))
        self._warn(setup.target.python_version)
        with ExitStack() as opened:
            answer = self._answer(setup, interpreter, opened)
            self._tell(answer)
            with phase("gather files"):
                packages = listed(answer, self._sources, self._settings, locked=self._locked)
        with phase("write output"):
            output_file = self._settings.output_file
            text = output_text(packages, self._settings, self._sources, answer, locked=self._locked)
            if self._settings.run.dry_run:
                return text
            if not (output_file and write_output(output_file, text.encode())):
                depends.settled()
        return text

    def _warn(self, python_version: str) -> None:
        warn = self._session.reporter.warn
        for warning in warnings_of(self._settings, self._sources, python_version):
            warn(warning)
        if not self._sources.requirements.entries:
            warn("The sources contain no requirements")

    def _answer(self, setup: "ResolutionSetup", interpreter: "Interpreter", opened: "ExitStack") -> Answered:
        settings = self._settings
        builds = replace(builds_of(setup, settings.run, self._session), several=settings.is_for_several)
        seams = BuildSeams(builds, lambda: self._build_session(builds), lambda: toolchain_with(interpreter))

        def universe(own: "ResolutionSetup") -> "KeptUniverse":
            alike = own.config == setup.config  # else the children would ask other indexes
            children = (lambda: self.children) if alike and not self._is_open else None
            self._is_open = self._is_open or alike
            return opened.enter_context(seams.universe(own, self._session.cache, children))

        with phase("resolve"):
            return answer_for(settings, setup, self._sources, interpreter, universe)

    def _build_session(self, builds: "BuildSettings") -> "BuildSession":
        from puffin.pipeline.builds.session import BuildSession

        return BuildSession(builds, self._session)

    def _tell(self, answer: Answered) -> None:
        reporter = self._session.reporter
        for warning in answer.resolution.warnings:
            reporter.warn(warning)
        count = len({each.name for each in answer.resolution.packages})
        reporter.phase("Resolved", count, time.perf_counter() - self._session.started)


def answer_for(
    settings: "CompileSettings",
    setup: "ResolutionSetup",
    sources: "Sources",
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


def warnings_of(settings: "CompileSettings", sources: "Sources", python_version: str) -> tuple[str, ...]:
    """Return the warnings about sources; those about Pythons are for a resolution for one environment."""
    pythons = () if settings.is_for_several else check_python(sources, python_version)
    return (*sources.requirements.warnings, *pythons)
