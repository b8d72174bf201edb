"""One resolution for a compilation, from what was prepared to the packages of its output."""

import os
import time
from threading import Lock

from puffin.pipeline.plan_compile_early import Early
from puffin.pipeline.plan_compile_request import request_of
from puffin.pipeline.plan_settings import CompileSettings
from puffin.pipeline.record import phase
from puffin.stages.resolve.output_gather import Gathering, gather
from puffin.stages.resolve.platforms import Target
from puffin.stages.resolve.solve.request import ALLOW
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.cache.layout import Cache
    from puffin.pipeline.plan_build_values import BuildSettings
    from puffin.pipeline.plan_build_workshop import Workshop
    from puffin.pipeline.plan_settings import Reporter
    from puffin.stages.link.interpreter import Interpreter
    from puffin.stages.resolve.output_values import Listed
    from puffin.stages.resolve.recall import Recall
    from puffin.stages.resolve.solve.request import Preference, ResolveRequest
    from puffin.stages.resolve.solve.resolution import Resolution
    from puffin.stages.resolve.solve.universe import Place
    from puffin.stages.resolve.universe_index import IndexUniverse
    from puffin.stages.resolve.universe_values import Built, CheckedOut, Source


class Compilation:
    """One resolution, with the universe it is made from."""

    def __init__(
        self,
        settings: CompileSettings,
        early: Early,
        target: Target,
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
        self._builds = self._build_settings(environ)

    def run(self, reporter: "Reporter", started: float) -> "tuple[Listed, ...]":
        """Resolve, and return the packages of the output."""
        from puffin.stages.resolve.recall import Recall
        from puffin.stages.resolve.universe_index import IndexUniverse

        kept = tuple([each for each in self._early.earlier if self._upgrades.keeps(each.name)])
        request = request_of(self._settings, self._sources, self._target, self._upgrades, kept)
        scope = replace(self._early.scope, tags=self._target.tags, python_version=self._target.python_version)
        recall = Recall(self._cache, request, scope)
        bench = _Bench(self._builds, self._cache, self._interpreter)
        with IndexUniverse(
            scope,
            client=self._early.client,
            cache=self._cache,
            build=bench.build,
            checkout=bench.checkout,
            children=self._early.children,
        ) as universe:
            with phase("resolve"):
                resolution = recall.find() or _resolved(request, universe, recall)
            for warning in resolution.warnings:
                reporter.warn(warning)
            reporter.phase("Resolved", len(resolution.packages), time.perf_counter() - started)
            with phase("gather files"):
                return gather(resolution, self._gathering(universe, kept))

    def _build_settings(self, environ: "Mapping[str, str]") -> "BuildSettings":
        from puffin.pipeline.plan_build_settings import build_settings

        pre = self._sources.requirements.pre
        return build_settings(
            self._settings.run,
            environ,
            config=self._early.config,
            network=self._early.network,
            files=self._early.scope.files,
            prereleases=ALLOW if pre else self._settings.prerelease,
            exclude_newer=self._settings.exclude_newer,
        )

    def _gathering(self, universe: "IndexUniverse", kept: "tuple[Preference, ...]") -> Gathering:
        from puffin.stages.resolve.universe_choose import cutoff_of

        newer = self._settings.exclude_newer
        return Gathering(
            sources=self._sources,
            markers=self._target.markers,
            tags=self._target.tags,
            policy=self._early.scope.files,
            cwd=os.getcwd(),
            files_of=universe.files,
            sha256=self._sha256,
            hashed=self._settings.generate_hashes and not self._lock,
            locked=self._lock,
            kept=kept,
            cutoff=cutoff_of(newer) if newer else 0.0,
        )

    def _sha256(self, url: str) -> tuple[str, int]:
        from puffin.stages.fetch.download import download

        received = download(self._early.client, url)
        return received.sha256, len(received.data)


class _Bench:
    """The seams to builds and to version control; what these take is imported when one of them is needed."""

    def __init__(self, builds: "BuildSettings", cache: "Cache", interpreter: "Interpreter") -> None:
        self._builds = builds
        self._cache = cache
        self._interpreter = interpreter
        self._lock = Lock()  # repositories are checked out by several threads
        self._workshop: Workshop | None = None

    def build(self, source: "Source") -> "Built":
        """Return METADATA of *source*; raises what ``MetadataBuilder`` raises."""
        from puffin.pipeline.plan_build_workshop import MetadataBuilder, toolchain_with

        return MetadataBuilder(self._shop(), toolchain_with(self._interpreter))(source)

    def checkout(self, place: "Place") -> "CheckedOut":
        """Return the repository that *place* names, at one commit."""
        return self._shop().checkout(place)

    def _shop(self) -> "Workshop":
        from puffin.pipeline.plan_build_workshop import Workshop

        with self._lock:
            if self._workshop is None:
                self._workshop = Workshop(self._builds, self._cache)
            return self._workshop


def _resolved(request: "ResolveRequest", universe: "IndexUniverse", recall: "Recall") -> "Resolution":
    from puffin.stages.resolve.solve.resolve import resolve

    resolution: Resolution = resolve(request, universe)
    ambiguities = universe.ambiguities([each.name for each in resolution.packages])
    resolution = replace(resolution, warnings=(*resolution.warnings, *ambiguities))
    recall.keep(resolution, universe)
    return resolution
