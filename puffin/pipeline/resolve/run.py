"""One resolution of a compilation, from its set-up to the packages of its output."""

import time

from puffin.pipeline.builds.settings import BuildSeams, builds_of
from puffin.pipeline.graph.record import phase
from puffin.pipeline.inputs.resolution import open_universe, resolved
from puffin.pipeline.request.settings import CompileSettings
from puffin.pipeline.resolve.early import Early
from puffin.pipeline.resolve.output import listed
from puffin.stages.resolve.locate.platforms import ResolutionTarget
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.builds.session import BuildSession
    from puffin.pipeline.request.builds import Toolchain
    from puffin.pipeline.request.session import Session
    from puffin.stages.link.interpreter.interpreter import Interpreter
    from puffin.stages.resolve.output.values import Listed


class Compilation:
    """One resolution, with the universe it is made from."""

    def __init__(
        self,
        settings: CompileSettings,
        early: Early,
        target: ResolutionTarget,
        interpreter: "Interpreter",
        lock: bool,
        session: "Session",
    ) -> None:
        self._settings = settings
        self._early = early
        self._sources = early.sources
        self._target = target
        self._upgrades = early.upgrades
        self._lock = lock
        self._session = session
        self._interpreter = interpreter
        self._setup = replace(early.setup, target=target)
        self._builds = builds_of(self._setup, settings.run, session)

    def run(self) -> "tuple[Listed, ...]":
        """Resolve, and return the packages of the output."""
        from puffin.stages.resolve.universe.recall import Recall

        setup, cache, reporter = self._setup, self._session.cache, self._session.reporter
        recall = Recall(cache, setup.request, setup.scope)
        seams = BuildSeams(self._build_session, self._toolchain)
        with open_universe(
            setup, cache, build=seams.build, checkout=seams.checkout, children=self._early.children
        ) as universe:
            with phase("resolve"):
                resolution = resolved(setup, universe, recall)
            for warning in resolution.warnings:
                reporter.warn(warning)
            reporter.phase("Resolved", len(resolution.packages), time.perf_counter() - self._session.started)
            with phase("gather files"):
                hashed = self._settings.generate_hashes and not self._lock
                return listed(
                    resolution, setup, self._early.sources, universe, hashed=hashed, locked=self._lock
                )

    def _build_session(self) -> "BuildSession":
        from puffin.pipeline.builds.session import BuildSession

        return BuildSession(self._builds, self._session)

    def _toolchain(self) -> "Toolchain":
        from puffin.pipeline.request.builds import toolchain_with

        return toolchain_with(self._interpreter)
