"""From what a command was asked for to what decides its builds."""

import time

from puffin.errors import UsageError
from puffin.pipeline.plan_build_values import ALL, BuildSettings
from puffin.pipeline.plan_compile_request import roots
from puffin.pipeline.plan_network import reader
from puffin.pipeline.plan_settings import Settings
from puffin.stages.resolve.reqfile import read_requirements
from puffin.stages.resolve.solve.request import FilePolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from puffin.stages.resolve.index_config import IndexConfig


def build_settings(
    settings: Settings,
    environ: "Mapping[str, str]",
    *,
    config: "IndexConfig",
    network: "tuple[Any, ...]",
    files: FilePolicy,
    prereleases: str = "if-necessary-or-explicit",
    exclude_newer: str = "",
) -> BuildSettings:
    """Return the settings of a run's builds. Reads ``--build-constraint`` files, with the errors of that."""
    constraints = read_requirements(
        (), read=reader(settings, environ), environ=environ, constraints=settings.build_constraint
    ).constraints
    return BuildSettings(
        config=config,
        network=network,
        now=time.time(),
        files=files,
        constraints=roots(constraints),
        config_settings=tuple([config_setting(each) for each in settings.config_setting]),
        shared=frozenset((ALL,) if settings.no_build_isolation else settings.no_build_isolation_package),
        prereleases=prereleases,
        exclude_newer=exclude_newer,
        refresh=not settings.offline and (settings.refresh or frozenset(settings.refresh_package)),
        offline=settings.offline,
        anew=settings.refresh
        or settings.reinstall
        or frozenset((*settings.refresh_package, *settings.reinstall_package)),
        remote=None if settings.remote is None or settings.remote.shared else settings.remote,
    )


def config_setting(text: str) -> tuple[str, str]:
    """Return the key and the value of ``KEY=VALUE``; :class:`UsageError` for anything else."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(
            text=f"`{text}` is no setting for a build backend",
            hints=("give `--config-setting` a key and a value, as in `--config-setting key=value`",),
        )
    return key.strip(), value
