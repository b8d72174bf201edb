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
    from collections.abc import Mapping

    from puffin.cache.layout import Cache
    from puffin.pipeline.builds.session import Workshop
    from puffin.pipeline.request.settings import Reporter
    from puffin.pipeline.request.toolchain import Toolchain
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
        cache: "Cache",
        environ: "Mapping[str, str]",
    ) -> None:
        self._settings = settings
        self._early = early
        self._sources = early.sources
        self._target = target
        self._upgrades = early.upgrades
        self._lock = lock
        self._cache = cache
        self._interpreter = interpreter
        self._setup = replace(early.setup, target=target)
        self._builds = builds_of(self._setup, settings.run, environ)

    def run(self, reporter: "Reporter", started: float) -> "tuple[Listed, ...]":
        """Resolve, and return the packages of the output."""
        from puffin.stages.resolve.universe.recall import Recall

        setup = self._setup
        recall = Recall(self._cache, setup.request, setup.scope)
        seams = BuildSeams(self._workshop, self._toolchain)
        with open_universe(
            setup, self._cache, build=seams.build, checkout=seams.checkout, children=self._early.children
        ) as universe:
            with phase("resolve"):
                resolution = resolved(setup, universe, recall)
            for warning in resolution.warnings:
                reporter.warn(warning)
            reporter.phase("Resolved", len(resolution.packages), time.perf_counter() - started)
            with phase("gather files"):
                hashed = self._settings.generate_hashes and not self._lock
                return listed(
                    resolution, setup, self._early.sources, universe, hashed=hashed, locked=self._lock
                )

    def _workshop(self) -> "Workshop":
        from puffin.pipeline.builds.session import Workshop

        return Workshop(self._builds, self._cache)

    def _toolchain(self) -> "Toolchain":
        from puffin.pipeline.request.toolchain import toolchain_with

        return toolchain_with(self._interpreter)
