"""The part of a compilation that needs no interpreter; it is done while an interpreter answers."""

import time
from functools import partial

from puffin.pipeline.builds.projects import project_builder
from puffin.pipeline.inputs.inputs import kinds_of_files, read_unpinned
from puffin.pipeline.inputs.resolution import children_of, setup_of
from puffin.pipeline.request.imports import import_asking, import_resolving
from puffin.pipeline.request.network import reader
from puffin.pipeline.request.where import target_interpreter
from puffin.stages.resolve.output.earlier import read_preferences, read_upgrades

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.cache.layout import Cache
    from puffin.pipeline.inputs.resolution import ResolutionSetup
    from puffin.pipeline.request.settings import CompileSettings
    from puffin.pipeline.request.toolchain import Toolchain
    from puffin.stages.resolve.output.earlier import Upgrades
    from puffin.stages.resolve.projects.sources import Build, Sources
    from puffin.stages.resolve.solve.request import Preference
    from puffin.stages.resolve.universe.children import Children


class Early:
    """Requirements, configuration and the children that ask indexes, of one compilation."""

    def __init__(
        self,
        settings: "CompileSettings",
        cache: "Cache",
        environ: "Mapping[str, str]",
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._environ = environ
        self._done = False
        self._error: Exception | None = None
        self.upgrades: Upgrades
        self.sources: Sources
        self.earlier: tuple[Preference, ...] = ()
        self.setup: ResolutionSetup
        self.children: Children | None = None

    def begin(self) -> None:
        """Do all of it, and request the pages of the requirements; errors wait for :meth:`finish`.

        What else a resolution takes is imported while the children ask.
        """
        import_asking()
        self._prepare()
        if self.children is not None:
            entries = self.sources.requirements.entries
            self.children.expect(each.name for each in entries if each.name and not (each.url or each.marker))
            import_resolving()

    def finish(self) -> None:
        """Do the rest; raises the errors of the requirements."""
        self._prepare()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End the children."""
        if self.children is not None:
            self.children.close()

    def _prepare(self) -> None:
        if self._done:
            return
        self._done = True
        try:
            self._read()
            self._configure()
        except Exception as error:
            self._error = error

    def _read(self) -> None:
        settings, environ = self._settings, self._environ
        self.upgrades = read_upgrades(settings.upgrade, settings.upgrade_package)
        if settings.output:
            read = reader(settings.run, environ)
            self.earlier = read_preferences(settings.output, read=read, environ=environ)
        self.sources = read_unpinned(settings.sources, settings.run, environ, build=self._builder())

    def _builder(self) -> "Build | None":
        settings, environ = self._settings, self._environ
        if settings.no_build:
            return None
        return project_builder(
            settings.run,
            environ,
            self._toolchain,
            files=partial(kinds_of_files, settings),
            prereleases=settings.prerelease,
            exclude_newer=settings.exclude_newer,
        )

    def _toolchain(self, cache: "Cache") -> "Toolchain":
        from puffin.pipeline.request.toolchain import Toolchain

        return Toolchain(target_interpreter(self._settings.run.python, self._environ, cache))

    def _configure(self) -> None:
        self.setup = setup_of(
            self._settings,
            self.sources,
            self._environ,
            now=time.time(),
            upgrades=self.upgrades,
            preferences=self.earlier,
        )
        self.children = children_of(self.setup, self._cache)
