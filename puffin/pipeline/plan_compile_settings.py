"""What a compilation was asked for, as one value."""

from puffin.pipeline.plan_settings import Settings
from puffin.stages.resolve.output_values import SPLIT
from puffin.stages.resolve.reqvalues import SourceRequest
from puffin.stages.resolve.solve.request import HIGHEST, IF_NECESSARY_OR_EXPLICIT
from puffin.value import frozen


@frozen
class CompileSettings:
    """What a compilation was asked for. ``run`` has what it shares with a sync: interpreter, indexes, cache.

    Empty texts mean "not given". ``header`` is the command that the header names, empty for no header.
    ``no_binary`` and ``only_binary`` are normalised names, or ``:all:``. ``exclude_newer`` is a date or a
    time with its zone, in ISO 8601.
    """

    run: Settings
    sources: SourceRequest
    output: str = ""
    output_format: str = ""
    upgrade: bool = False
    upgrade_package: tuple[str, ...] = ()
    resolution: str = HIGHEST
    prerelease: str = IF_NECESSARY_OR_EXPLICIT
    exclude_newer: str = ""
    python_version: str = ""
    python_platform: str = ""
    no_deps: bool = False
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()
    no_build: bool = False
    generate_hashes: bool = False
    header: str = ""
    annotation: str = SPLIT
    extras: bool = False
    markers: bool = False
    no_emit_package: tuple[str, ...] = ()
    emit_index_url: bool = False
    emit_find_links: bool = False
    emit_build_options: bool = False
    emit_index_annotation: bool = False
