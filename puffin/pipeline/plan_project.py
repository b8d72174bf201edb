"""The metadata of projects among the sources of a command, where only a build tells them."""

from puffin.cache.layout import Cache
from puffin.cache.usage import make_room, shared
from puffin.pipeline.plan_build_settings import build_settings
from puffin.pipeline.plan_inputs import index_config
from puffin.pipeline.plan_settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from puffin.pipeline.plan_build_values import Toolchain
    from puffin.stages.resolve.inputs import Build
    from puffin.stages.resolve.reqvalues import Requirements
    from puffin.stages.resolve.solve.request import FilePolicy

    FindToolchain = Callable[[Cache], Toolchain]


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
        from puffin.pipeline.plan_build_workshop import MetadataBuilder, Workshop
        from puffin.pipeline.plan_network import network_of
        from puffin.stages.resolve.metadata_wanted import BuildSource

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
