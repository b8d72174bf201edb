"""Compile: sources of requirements are resolved, and the pins written."""

import os
import time
from functools import partial

from puffin.cache.layout import Cache
from puffin.cache.usage import shared
from puffin.errors import UsageError
from puffin.pipeline.plan_compile_early import Early
from puffin.pipeline.plan_compile_output import lock_text, requirements_text
from puffin.pipeline.plan_compile_request import file_policy, request_of
from puffin.pipeline.plan_compile_settings import CompileSettings
from puffin.pipeline.record import phase
from puffin.stages.link.meanwhile import meanwhile
from puffin.stages.resolve.inputs import SourceRequest, Sources, check_python
from puffin.stages.resolve.output_gather import Gathering, gather
from puffin.stages.resolve.output_target import PYLOCK, choose_format, write_output
from puffin.stages.resolve.platforms import Target, target_of
from puffin.stages.resolve.preferences import Upgrades, read_upgrades
from puffin.stages.resolve.solve.request import ALLOW
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.pipeline.plan_build_values import BuildSettings
    from puffin.pipeline.plan_settings import Reporter
    from puffin.stages.link.interpreter import Interpreter
    from puffin.stages.resolve.inputs import Build
    from puffin.stages.resolve.output_values import Listed
    from puffin.stages.resolve.recall import Recall
    from puffin.stages.resolve.solve.request import Preference, ResolveRequest
    from puffin.stages.resolve.solve.resolution import Resolution
    from puffin.stages.resolve.universe_index import IndexUniverse

DEFAULT_SOURCES = ("requirements.in", "pyproject.toml", "setup.cfg", "setup.py")


def compile_sources(
    settings: CompileSettings, reporter: "Reporter", environ: "Mapping[str, str]", *, started: float
) -> str:
    """Resolve the sources, write the output file if there is one, and return the text of the output.

    ``started`` is of ``time.perf_counter``. Raises :class:`UsageError` and the errors of reading, of
    resolving and of writing; then the output file is as it was.
    """
    settings = replace(settings, sources=_with_default(settings.sources))
    files = (*settings.sources.files, *settings.sources.constraints, *settings.sources.overrides)
    form = choose_format(settings.output, settings.output_format, files)
    upgrades = read_upgrades(settings.upgrade, settings.upgrade_package)
    cache = Cache(settings.run.cache_dir)
    early = Early(settings, upgrades, cache, environ, _project_builder(settings, environ))
    with shared(cache), closing(early):
        with phase("find interpreter"), meanwhile(early.begin):
            interpreter = target_interpreter(settings.run.python, environ, cache)
        with phase("read requirements"):
            early.finish()
        target = target_of(
            interpreter,
            python_version=settings.python_version,
            python_platform=settings.python_platform,
        )
        _warn(early.sources, target, reporter)
        compilation = _Compilation(
            settings, early, target, interpreter, upgrades, form == PYLOCK, cache, environ
        )
        packages = compilation.run(reporter, started)
    with phase("write output"):
        text = (
            lock_text(packages, settings, target)
            if form == PYLOCK
            else requirements_text(packages, settings, early.sources, early.config)
        )
        if settings.output:
            write_output(settings.output, text.encode())
    return text


def _with_default(sources: SourceRequest) -> SourceRequest:
    """Return *sources*, or the first of the files that pip-tools would take where none is named."""
    if sources.files or sources.groups:
        return sources
    found = next((name for name in DEFAULT_SOURCES if os.path.isfile(name)), "")
    if not found:
        text = "No source of requirements was given, and this directory has none"
        raise UsageError(text=text, hints=("name one, as in `puffin pip compile requirements.in`",))
    return replace(sources, files=(found,))


def target_interpreter(asked: str, environ: "Mapping[str, str]", cache: Cache) -> "Interpreter":
    """Return the interpreter *asked* for, or that of the place where the command is run."""
    from puffin.pipeline.plan_target import Where, base_interpreter

    return base_interpreter(Where(python=asked), environ, cache)


def _project_builder(settings: CompileSettings, environ: "Mapping[str, str]") -> "Build | None":
    from puffin.pipeline.plan_build_values import Toolchain
    from puffin.pipeline.plan_project import project_builder

    if settings.no_build:
        return None
    return project_builder(
        settings.run,
        environ,
        lambda cache: Toolchain(target_interpreter(settings.run.python, environ, cache)),
        files=partial(file_policy, settings),
        prereleases=settings.prerelease,
        exclude_newer=settings.exclude_newer,
    )


def _warn(sources: Sources, target: Target, reporter: "Reporter") -> None:
    for warning in (*sources.requirements.warnings, *check_python(sources, target.python_version)):
        reporter.warn(warning)
    if not sources.requirements.entries:
        reporter.warn("The sources contain no requirements")


class closing:  # noqa: N801 - reads as the function that it is to its callers
    """Close *early* at the end of the ``with`` block (``contextlib`` takes 2 ms to import)."""

    def __init__(self, early: Early) -> None:
        self._early = early

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        self._early.close()


class _Compilation:
    """One resolution, with the universe it is made from."""

    def __init__(
        self,
        settings: CompileSettings,
        early: Early,
        target: Target,
        interpreter: "Interpreter",
        upgrades: Upgrades,
        lock: bool,
        cache: Cache,
        environ: "Mapping[str, str]",
    ) -> None:
        self._settings = settings
        self._early = early
        self._sources = early.sources
        self._target = target
        self._upgrades = upgrades
        self._lock = lock
        self._cache = cache
        self._interpreter = interpreter
        self._builds = self._build_settings(environ)

    def run(self, reporter: "Reporter", started: float) -> "tuple[Listed, ...]":
        """Resolve, and return the packages of the output."""
        from puffin.pipeline.plan_build_workshop import MetadataBuilder, Workshop, toolchain_with
        from puffin.stages.resolve.recall import Recall
        from puffin.stages.resolve.universe_index import IndexUniverse

        kept = tuple([each for each in self._early.earlier if self._upgrades.keeps(each.name)])
        request = request_of(self._settings, self._sources, self._target, self._upgrades, kept)
        scope = replace(self._early.scope, tags=self._target.tags, python_version=self._target.python_version)
        recall = Recall(self._cache, request, scope)
        workshop = Workshop(self._builds, self._cache)
        build = MetadataBuilder(workshop, toolchain_with(self._interpreter))
        with IndexUniverse(
            scope,
            client=self._early.client,
            cache=self._cache,
            build=build,
            checkout=workshop.checkout,
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


def _resolved(request: "ResolveRequest", universe: "IndexUniverse", recall: "Recall") -> "Resolution":
    from puffin.stages.resolve.solve.resolve import resolve

    resolution: Resolution = resolve(request, universe)
    ambiguities = universe.ambiguities([each.name for each in resolution.packages])
    resolution = replace(resolution, warnings=(*resolution.warnings, *ambiguities))
    recall.keep(resolution, universe)
    return resolution
