"""The metadata of projects that only builds tell, for many environments: one build of each, whoever asks."""

import os

from puffin.cache.layout import Cache
from puffin.cache.usage import make_room, shared
from puffin.errors import PuffinError
from puffin.pipeline.builds.session import MetadataBuilder, Workshop
from puffin.pipeline.builds.settings import build_settings
from puffin.pipeline.inputs.inputs import index_config
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.request.toolchain import toolchain_of
from puffin.stages.resolve.universe.index import IndexUniverse, Scope
from puffin.value import field_names, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from puffin.pipeline.request.toolchain import Toolchain
    from puffin.stages.link.environment.environment import Environment
    from puffin.stages.resolve.index.config import IndexConfig
    from puffin.stages.resolve.projects.sources import Build
    from puffin.stages.resolve.requirements.values import Requirements
    from puffin.stages.resolve.solve.request import FilePolicy

    FindToolchain = Callable[[Cache], Toolchain]


class Projects:
    """The projects of a run. A build serves all environments of one interpreter, also where it failed."""

    def __init__(self, environ: "Mapping[str, str]") -> None:
        self._environ = environ
        self._known: dict[tuple[Any, ...], bytes | PuffinError] = {}

    def builder(
        self,
        settings: "Settings",
        toolchain: "Callable[[], Toolchain]",
        *,
        files: "Callable[[Requirements], FilePolicy]",
        prereleases: str = "if-necessary-or-explicit",
        exclude_newer: str = "",
    ) -> "Build":
        """Return what tells the metadata of a source tree for one environment; as ``project_builder`` does it."""

        def build(directory: str, shown: str, written: "Requirements") -> bytes:

            tools = toolchain()
            key = (os.path.realpath(directory), *_world(settings, tools, written, files(written)))
            if key not in self._known:
                real = project_builder(
                    settings,
                    self._environ,
                    lambda _cache: tools,
                    files=files,
                    prereleases=prereleases,
                    exclude_newer=exclude_newer,
                )
                self._known[key] = _outcome(lambda: real(directory, shown, written))
            found = self._known[key]
            if isinstance(found, PuffinError):
                raise found
            return found

        return build


def _world(
    settings: "Settings", tools: "Toolchain", written: "Requirements", files: "FilePolicy"
) -> "tuple[Any, ...]":
    """Return what else a build depends on that may differ from environment to environment."""
    alone = not settings.no_build_isolation and not settings.no_build_isolation_package
    prefix = "" if alone else tools.prefix
    return tools.key, prefix, index_config(settings, written), files, written.trusted_hosts


def _outcome(build: "Callable[[], bytes]") -> bytes | PuffinError:
    try:
        return build()
    except PuffinError as error:
        return error


def names_by_building(
    requirements: "Requirements",
    *,
    settings: Settings,
    config: "IndexConfig",
    files: "FilePolicy",
    network: "tuple[Any, ...]",
    environment: "Environment",
    cache: "Cache",
    environ: "Mapping[str, str]",
) -> "Requirements":
    """Return *requirements* with the names that the metadata of what they lead to have. Raises what builds raise."""
    from puffin.stages.fetch.fetch import client_for
    from puffin.stages.resolve.solve.universe import Place

    told = build_settings(settings, environ, config=config, network=network, files=files)
    workshop, interpreter = Workshop(told, cache), environment.interpreter
    scope = Scope(
        config=config,
        tags=interpreter.tags,
        python_version=interpreter.version_text,
        now=told.now,
        files=files,
        refresh=told.refresh,
        offline=told.offline,
    )
    build = MetadataBuilder(workshop, toolchain_of(environment))
    with IndexUniverse(
        scope, client=client_for(network), cache=cache, build=build, checkout=workshop.checkout
    ) as universe:
        entries = []
        for entry in requirements.entries:
            if not entry.name:
                place = Place(**{name: getattr(entry, name) for name in field_names(Place)})
                entry = replace(entry, name=universe.metadata(place).name)
            entries.append(entry)
    return replace(requirements, entries=tuple(entries))


def project_builder(
    settings: Settings,
    environ: "Mapping[str, str]",
    toolchain: "FindToolchain",
    *,
    files: "Callable[[Requirements], FilePolicy]",
    prereleases: str = "if-necessary-or-explicit",
    exclude_newer: str = "",
) -> "Build":
    """Return what tells the metadata of a source tree by building it.

    *toolchain* and *files*, which kinds of files may be used, are asked only when there is something to build.
    What is returned raises what builds raise.
    """

    def build(directory: str, shown: str, written: "Requirements") -> bytes:
        from puffin.pipeline.request.network import network_of
        from puffin.stages.resolve.metadata.wanted import BuildSource

        cache = Cache(settings.cache_dir)
        make_room(cache)
        told = build_settings(
            settings,
            environ,
            config=index_config(settings, written),
            network=network_of(settings, environ, written.trusted_hosts),
            files=files(written),
            prereleases=prereleases,
            exclude_newer=exclude_newer,
        )
        with shared(cache):
            builder = MetadataBuilder(Workshop(told, cache), toolchain(cache))
            return builder(BuildSource(package=shown, path=directory)).metadata

    return build
