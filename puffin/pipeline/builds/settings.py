"""From the settings of a command to those of its builds, and the builds that a resolution can ask for."""

import time
from _thread import allocate_lock

from puffin.depends import backend_variables
from puffin.pipeline.builds.values import ALL, BuildSettings
from puffin.pipeline.inputs.resolution import ResolutionSetup, open_universe
from puffin.pipeline.request.builds import config_setting, package_setting
from puffin.pipeline.request.settings import Settings
from puffin.stages.resolve.index.config import FilePolicy
from puffin.stages.resolve.requirements.file import read_requirements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.builds.session import BuildSession
    from puffin.pipeline.request.builds import Toolchain
    from puffin.pipeline.request.session import Session
    from puffin.stages.resolve.index.config import IndexConfig
    from puffin.stages.resolve.metadata.wanted import BuildSource
    from puffin.stages.resolve.solve.universe import Place
    from puffin.stages.resolve.universe.children import Children
    from puffin.stages.resolve.universe.kept import KeptUniverse
    from puffin.stages.resolve.universe.values import BeginBuild, BegunBuild, Built, CheckedOut


def build_settings(
    settings: Settings,
    session: "Session",
    *,
    config: "IndexConfig",
    network: "tuple[Any, ...]",
    files: FilePolicy,
    prereleases: str = "",
    markers: "Mapping[str, str] | None" = None,
) -> BuildSettings:
    """Return the settings of a run's builds; *prereleases* goes before what *settings* say of these.

    *markers* are those of the target.

    Reads ``--build-constraint`` files, with the errors of that.
    """
    constraints = read_requirements(
        (), read=session.read, environ=session.environ, constraints=settings.build_constraint
    ).constraints
    return BuildSettings(
        config=config,
        network=network,
        now=time.time(),
        began=session.began,
        files=files,
        constraints=constraints,
        config_settings=tuple([config_setting(each) for each in settings.config_setting]),
        package_settings=tuple([package_setting(each) for each in settings.config_setting_package]),
        shared=frozenset((ALL,) if settings.no_build_isolation else settings.no_build_isolation_package),
        prereleases=prereleases or settings.prerelease,
        exclude_newer=settings.exclude_newer,
        refresh=not settings.offline and (settings.refresh or frozenset(settings.refresh_package)),
        offline=settings.offline,
        again=settings.refresh
        or settings.reinstall
        or frozenset((*settings.refresh_package, *settings.reinstall_package)),
        variables=backend_variables(session.environ),
        skipped_sources=settings.no_sources or frozenset(settings.no_sources_package),
        markers=tuple((markers or {}).items()),
        remote_cache=settings.remote_cache,
        remote=None if settings.remote is None or settings.remote.shared else settings.remote,
    )


def builds_of(setup: ResolutionSetup, settings: Settings, session: "Session") -> BuildSettings:
    """Return the settings of the builds that a resolution leads to; raises as :func:`build_settings`."""
    return build_settings(
        settings,
        session,
        config=setup.config,
        network=setup.network,
        files=setup.files,
        prereleases=setup.prereleases,
        markers=dict(setup.target.markers),
    )


class BuildSeams:
    """The interfaces of a universe to builds and to version control; their modules are imported when needed.

    *settings* are those of the session that *builds* returns.
    """

    def __init__(
        self,
        settings: BuildSettings,
        builds: "Callable[[], BuildSession]",
        toolchain: "Callable[[], Toolchain]",
    ) -> None:
        self._settings = settings
        self._make = builds
        self._toolchain = toolchain
        self._lock = allocate_lock()  # repositories are checked out by several threads
        self._session: BuildSession | None = None

    def universe(
        self, setup: ResolutionSetup, cache: "Cache", children: "Callable[[], Children] | None" = None
    ) -> "KeptUniverse":
        """Return the universe of a set-up with these interfaces, as :func:`open_universe` does."""
        return open_universe(
            setup, cache, build=self.build, begin=self.begin, checkout=self.checkout, children=children
        )

    def build(self, source: "BuildSource") -> "Built":
        """Return METADATA of *source*; raises what ``MetadataBuilder`` raises."""
        return self._builds().metadata(self._toolchain())(source)

    @property
    def begin(self) -> "BeginBuild | None":
        """What begins builds ahead of need, None where all of them run on this machine."""
        return self._begun if self._settings.remote is not None else None

    def _begun(self, source: "BuildSource") -> "BegunBuild | None":
        return self._builds().metadata(self._toolchain()).begin(source)

    def checkout(self, place: "Place") -> "CheckedOut":
        """Return the repository that *place* names, at one commit."""
        return self._builds().checkout(place)

    def _builds(self) -> "BuildSession":
        with self._lock:
            if self._session is None:
                self._session = self._make()
            return self._session
