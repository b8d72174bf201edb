"""The names of packages that only a build tells: directories, repositories and archives given without a name."""

from puffin.pipeline.plan_build_settings import build_settings
from puffin.pipeline.plan_build_workshop import MetadataBuilder, Workshop, toolchain_of
from puffin.pipeline.plan_settings import Settings
from puffin.stages.resolve.universe_index import IndexUniverse, Scope
from puffin.value import field_names, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.stages.link.environment import Environment
    from puffin.stages.resolve.index_config import IndexConfig
    from puffin.stages.resolve.reqvalues import Requirements
    from puffin.stages.resolve.solve.request import FilePolicy


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
