"""From a resolution to the packages of its output, and to the text."""

import os
from functools import partial

from puffin.artifact.urls import strip_credentials
from puffin.pipeline.inputs.inputs import kinds_of_files
from puffin.pipeline.request.settings import CompileSettings
from puffin.stages.fetch.fetch import client_for
from puffin.stages.resolve.index.config import IndexConfig
from puffin.stages.resolve.output.gather import Gathering, gather
from puffin.stages.resolve.output.values import Listed, Style
from puffin.stages.resolve.projects.sources import Sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from puffin.pipeline.inputs.resolution import ResolutionSetup
    from puffin.stages.resolve.solve.request import Resolution
    from puffin.stages.resolve.universe.kept import KeptUniverse


def listed(
    resolution: "Resolution",
    setup: "ResolutionSetup",
    sources: Sources,
    universe: "KeptUniverse | None",
    settings: CompileSettings,
    *,
    locked: bool,
) -> "tuple[Listed, ...]":
    """Return the packages of an output with their files; the target of a URL is fetched if its hash is wanted."""
    target = setup.target
    gathering = Gathering(
        sources=sources,
        markers=target.markers,
        tags=target.tags,
        policy=setup.files,
        cwd=os.getcwd(),
        files_of=universe.files if universe else lambda _: (),
        sha256=partial(_sha256, setup),
        hashed=settings.generate_hashes and not locked,
        locked=locked,
        marked=settings.no_strip_markers or locked,
        kept=setup.preferences,
        exclude_newer=setup.exclude_newer,
    )
    return gather(resolution, gathering)


def _sha256(setup: "ResolutionSetup", url: str) -> tuple[str, int]:
    from puffin.stages.fetch.download import download

    received = download(client_for(setup.network), url)
    return received.sha256, len(received.data)


def output_text(
    packages: "Sequence[Listed]",
    settings: CompileSettings,
    sources: Sources,
    setup: "ResolutionSetup",
    *,
    locked: bool,
) -> str:
    """Return the output: a lock file, or a requirements file. Raises ``NoHash``."""
    markers, excluded = setup.target.markers, frozenset(settings.no_emit_package)
    if locked:
        from puffin.stages.resolve.output.pylock import LockStyle, render_pylock

        lock = LockStyle(
            markers=markers,
            python_version=setup.target.python_version,
            base=os.path.dirname(os.path.abspath(settings.output_file or "pylock.toml")),
            header=settings.header,
            excluded=excluded,
        )
        return render_pylock(packages, lock)
    from puffin.stages.resolve.output.requirements import environment_marker, render_requirements

    style = Style(
        header=settings.header,
        annotation=settings.annotation_style,
        extras=settings.no_strip_extras,
        markers=settings.no_strip_markers,
        index_annotation=settings.emit_index_annotation,
        options=tuple(_options(settings, sources, setup.config)),
        excluded=excluded,
        environment=environment_marker(dict(markers)) if settings.emit_marker_expression else "",
    )
    return render_requirements(packages, style)


def _options(settings: CompileSettings, sources: Sources, config: IndexConfig) -> list[str]:
    """Return the option lines that were asked for; no credential is ever among them."""
    lines = []
    if settings.emit_index_url:
        default = config.index_url
        lines += [f"--index-url {strip_credentials(default).rstrip('/')}"] if default else ["--no-index"]
        lines += [f"--extra-index-url {strip_credentials(url)}" for url in config.indexes() if url != default]
    if settings.emit_find_links:
        places = dict.fromkeys((*settings.run.find_links, *sources.requirements.find_links))
        lines += [f"--find-links {strip_credentials(place)}" for place in places]
    if settings.emit_build_options:
        policy = kinds_of_files(settings.run, sources.requirements)
        lines += [f"--no-binary {name}" for name in sorted(policy.no_binary)]
        lines += [f"--only-binary {name}" for name in sorted(policy.only_binary | policy.no_build)]
    return lines
