"""Data of projects and packages that need a build: metadata and names. Each is built once, for all environments.

What a build needs is imported with the first of them.
"""

import os

from puffin.cache.usage import make_room, shared
from puffin.errors import PuffinError
from puffin.pipeline.builds.settings import build_settings
from puffin.pipeline.inputs.inputs import index_config, kinds_of_files
from puffin.pipeline.inputs.resolution import ResolutionSetup, open_universe
from puffin.pipeline.request.builds import toolchain_of
from puffin.pipeline.request.settings import Settings
from puffin.stages.resolve.locate.platforms import target_for
from puffin.stages.resolve.metadata.wanted import BuildSource
from puffin.stages.resolve.solve.universe import Place
from puffin.value import common, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from puffin.pipeline.builds.session import BuildSession
    from puffin.pipeline.request.builds import Toolchain
    from puffin.pipeline.request.session import Session
    from puffin.stages.link.environment.environment import Environment
    from puffin.stages.link.interpreter.interpreter import Interpreter
    from puffin.stages.resolve.index.config import FilePolicy
    from puffin.stages.resolve.projects.values import Build
    from puffin.stages.resolve.requirements.values import Requirements


class Projects:
    """The projects of a run. A build serves all environments of one interpreter, also where it failed."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._known: dict[tuple[Any, ...], bytes | PuffinError] = {}

    def builder(self, settings: Settings, toolchain: "Callable[[], Toolchain]") -> "Build":
        """Return what tells the metadata of a source tree for one environment. It raises what builds raise.

        *toolchain* is asked only when there is something to build.
        """
        return lambda directory, shown, written, **how: self.metadata(
            settings, toolchain(), directory, shown, written, **how
        )

    def metadata(
        self,
        settings: Settings,
        toolchain: "Toolchain",
        directory: str,
        shown: str,
        written: "Requirements",
        *,
        name: str = "",
        editable: bool = False,
    ) -> bytes:
        """Return METADATA of the source tree in *directory*, built once, as it will be installed.

        Raises what builds raise.
        """
        files = kinds_of_files(settings, written)
        source = BuildSource(package=shown, path=directory, name=name, editable=editable)
        key = (os.path.realpath(directory), name, editable, *_world(settings, toolchain, written, files))
        if key not in self._known:
            make_room(self._session.cache)
            try:
                builds = self._builds(settings, written, files, toolchain.interpreter)
                self._known[key] = _metadata(source, builds, toolchain)
            except PuffinError as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, PuffinError):
            raise found
        return found

    def naming(
        self, settings: Settings, environment: "Environment", written: "Requirements", files: "FilePolicy"
    ) -> "Requirements":
        """Return requirements with the names of those that have none. Raises what builds raise."""
        make_room(self._session.cache)
        builds = self._builds(settings, written, files, environment.interpreter)
        return _named(written, builds, environment)

    def _builds(
        self, settings: Settings, written: "Requirements", files: "FilePolicy", interpreter: "Interpreter"
    ) -> "BuildSession":
        from puffin.pipeline.builds.session import BuildSession

        told = build_settings(
            settings,
            self._session,
            config=index_config(settings, written),
            network=self._session.network.wire(written.trusted_hosts),
            files=files,
            markers=dict(interpreter.markers),
        )
        return BuildSession(told, self._session)


def _world(
    settings: Settings, tools: "Toolchain", written: "Requirements", files: "FilePolicy"
) -> "tuple[Any, ...]":
    """Return what else a build depends on that may differ from environment to environment."""
    alone = not settings.no_build_isolation and not settings.no_build_isolation_package
    prefix = "" if alone else tools.prefix
    return tools.key, prefix, index_config(settings, written), files, written.trusted_hosts


def _metadata(source: BuildSource, builds: "BuildSession", toolchain: "Toolchain") -> bytes:
    from puffin.pipeline.builds.session import MetadataBuilder

    with shared(builds.session.cache):
        return MetadataBuilder(builds, toolchain)(source).metadata


def _named(requirements: "Requirements", builds: "BuildSession", environment: "Environment") -> "Requirements":
    from puffin.pipeline.builds.session import MetadataBuilder

    cache = builds.session.cache
    setup = ResolutionSetup(
        target=target_for(environment.interpreter), **common(ResolutionSetup, builds.settings)
    )
    build = MetadataBuilder(builds, toolchain_of(environment))
    with shared(cache), open_universe(setup, cache, build=build, checkout=builds.checkout) as universe:
        entries = [
            entry if entry.name else replace(entry, name=universe.metadata(Place(**common(Place, entry))).name)
            for entry in requirements.entries
        ]
    return replace(requirements, entries=tuple(entries))
