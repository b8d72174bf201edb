"""The part of a compilation that needs no interpreter; it is done while an interpreter answers."""

import time

from puffin.pipeline.builds.projects import Projects
from puffin.pipeline.inputs.inputs import read_unpinned, requested
from puffin.pipeline.inputs.resolution import children_of, setup_of
from puffin.pipeline.request.builds import toolchain_with
from puffin.pipeline.request.imports import import_resolving
from puffin.pipeline.request.where import target_interpreter
from puffin.stages.resolve.output.earlier import read_preferences, read_upgrades

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.inputs.resolution import ResolutionSetup
    from puffin.pipeline.request.builds import Toolchain
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import CompileSettings
    from puffin.stages.resolve.output.earlier import Upgrades
    from puffin.stages.resolve.projects.sources import Sources
    from puffin.stages.resolve.solve.request import Preference
    from puffin.stages.resolve.universe.children import Children


class Early:
    """Requirements, configuration and the children that ask indexes, of one compilation."""

    def __init__(self, settings: "CompileSettings", session: "Session") -> None:
        self._settings = settings
        self._session = session
        self._done = False
        self._error: Exception | None = None
        self.upgrades: Upgrades
        self.sources: Sources
        self.earlier: tuple[Preference, ...] = ()
        self.setup: ResolutionSetup
        self._children: Children | None = None

    def begin(self) -> None:
        """Do all of it, and request the pages of the requirements; errors wait for :meth:`finish`."""
        import_resolving()
        self._prepare()
        if self._error is None:
            entries = self.sources.requirements.entries
            self.children.expect(each.name for each in entries if each.name and not (each.url or each.marker))

    @property
    def children(self) -> "Children":
        """The children that ask indexes."""
        if self._children is None:
            self._children = children_of(self.setup, self._session.cache)
        return self._children

    def finish(self) -> None:
        """Do the rest; raises the errors of the requirements."""
        self._prepare()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End the children."""
        if self._children is not None:
            self._children.close()

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
        settings, session = self._settings, self._session
        self.upgrades = read_upgrades(settings.upgrade, settings.upgrade_package)
        if settings.output_file:
            self.earlier = read_preferences(settings.output_file, read=session.read, environ=session.environ)
        build = Projects(session).builder(settings.run, self._toolchain)
        self.sources = read_unpinned(requested(settings.run), settings.run, session, build=build)

    def _toolchain(self) -> "Toolchain":
        return toolchain_with(target_interpreter(self._settings.run.where.python, self._session))

    def _configure(self) -> None:
        self.setup = setup_of(
            self._settings.run,
            self.sources,
            self._session,
            now=time.time(),
            upgrades=self.upgrades,
            preferences=self.earlier,
        )
