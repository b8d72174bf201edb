"""The metadata of projects that only builds tell, for many environments: one build of each, whoever asks."""

import os

from puffin.errors import PuffinError
from puffin.pipeline.plan_inputs import index_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from puffin.pipeline.plan_build_values import Toolchain
    from puffin.pipeline.plan_settings import Settings
    from puffin.stages.resolve.inputs import Build
    from puffin.stages.resolve.reqvalues import Requirements
    from puffin.stages.resolve.solve.request import FilePolicy


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
            from puffin.pipeline.plan_project import project_builder

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
