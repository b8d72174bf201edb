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
    from puffin.stages.resolve.solve.request import Resolution
    from puffin.stages.resolve.universe.index import IndexUniverse


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

        recall = Recall(self._session.cache, self._setup.request, self._setup.scope)
        with phase("resolve"):
            resolution = recall.find()
        if resolution is not None and not (self._hashed or self._lock):
            return self._listed(resolution)
        with self._universe() as universe:
            if resolution is None:
                with phase("resolve"):
                    resolution = resolved(self._setup, universe)
                    recall.keep(resolution, universe)
            return self._listed(resolution, universe)

    @property
    def _hashed(self) -> bool:
        """Whether the output lists the hashes of all files of a version, which an answer does not have."""
        return self._settings.generate_hashes and not self._lock

    def _universe(self) -> "IndexUniverse":
        seams = BuildSeams(self._build_session, self._toolchain)
        setup, cache, children = self._setup, self._session.cache, self._early.children
        return open_universe(setup, cache, build=seams.build, checkout=seams.checkout, children=children)

    def _listed(
        self, resolution: "Resolution", universe: "IndexUniverse | None" = None
    ) -> "tuple[Listed, ...]":
        reporter, sources = self._session.reporter, self._early.sources
        for warning in resolution.warnings:
            reporter.warn(warning)
        reporter.phase("Resolved", len(resolution.packages), time.perf_counter() - self._session.started)
        with phase("gather files"):
            return listed(resolution, self._setup, sources, universe, hashed=self._hashed, locked=self._lock)

    def _build_session(self) -> "BuildSession":
        from puffin.pipeline.builds.session import BuildSession

        return BuildSession(self._builds, self._session)

    def _toolchain(self) -> "Toolchain":
        from puffin.pipeline.request.builds import toolchain_with

        return toolchain_with(self._interpreter)
