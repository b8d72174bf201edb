"""From a resolution to the packages of its output, and to the text."""

import os
from functools import partial

from puffin.artifact.urls import strip_secrets
from puffin.pipeline.inputs.inputs import kinds_of_files
from puffin.pipeline.request.settings import CompileSettings
from puffin.stages.fetch.fetch import client_for
from puffin.stages.resolve.index.config import IndexConfig
from puffin.stages.resolve.output.gather import Gathering, gather, markers_of
from puffin.stages.resolve.output.values import Listed, Style
from puffin.stages.resolve.projects.sources import Sources
from puffin.stages.resolve.solve.given import conditions_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from puffin.pipeline.inputs.resolution import Answered, ResolutionSetup


def listed(
    answer: "Answered", sources: Sources, settings: CompileSettings, *, locked: bool
) -> "tuple[Listed, ...]":
    """Return the packages of an output with their files; the target of a URL is fetched if its hash is wanted."""
    setup, marks = answer.setup, answer.marks
    if marks is None and (settings.no_strip_markers or locked):
        marks = markers_of(answer.resolution.packages)
    gathering = Gathering(
        sources=sources,
        conditions=conditions_of(setup.request),
        tags=setup.target.tags,
        policy=setup.files,
        cwd=os.getcwd(),
        files_of=answer.files,
        sha256=partial(_sha256, setup),
        hashed=settings.generate_hashes and not locked,
        locked=locked,
        marks=marks or (),
        sieve=answer.sieve,
        kept=setup.preferences,
        exclude_newer=setup.exclude_newer,
    )
    return gather(answer.resolution, gathering)


def _sha256(setup: "ResolutionSetup", url: str) -> tuple[str, int]:
    from puffin.stages.fetch.download import download

    received = download(client_for(setup.network), url)
    return received.sha256, len(received.data)


def output_text(
    packages: "Sequence[Listed]",
    settings: CompileSettings,
    sources: Sources,
    answer: "Answered",
    *,
    locked: bool,
) -> str:
    """Return the output: a lock file, or a requirements file. Raises ``NoHash``."""
    from puffin.stages.resolve.output.requirements import environment_marker, render_requirements

    target, excluded = answer.setup.target, frozenset(settings.no_emit_package)
    environments = answer.environments
    if environments is None:
        environments = (environment_marker(dict(target.markers)),)
    if locked:
        from puffin.stages.resolve.output.pylock import LockStyle, render_pylock

        lock = LockStyle(
            environments=environments,
            requires_python=target.requires_python,
            base=os.path.dirname(os.path.abspath(settings.output_file or "pylock.toml")),
            header=settings.header,
            excluded=excluded,
            extras=sources.extras,
            groups=sources.groups,
            default_groups=settings.default_groups,
            shared=settings.shared,
        )
        return render_pylock(packages, lock)
    style = Style(
        header=settings.header,
        annotation=settings.annotation_style,
        extras=settings.no_strip_extras,
        markers=settings.no_strip_markers or bool(target.region),
        index_annotation=settings.emit_index_annotation,
        options=tuple(_options(settings, sources, answer.setup.config)),
        excluded=excluded,
        environments=environments if settings.emit_marker_expression else (),
    )
    return render_requirements(packages, style)


def _options(settings: CompileSettings, sources: Sources, config: IndexConfig) -> list[str]:
    """Return the option lines that were asked for; no credential is ever among them."""
    lines = []
    if settings.emit_index_url:
        default = config.index_url
        lines += [f"--index-url {strip_secrets(default).rstrip('/')}"] if default else ["--no-index"]
        lines += [f"--extra-index-url {strip_secrets(url)}" for url in config.indexes() if url != default]
    if settings.emit_find_links:
        places = dict.fromkeys((*settings.run.find_links, *sources.requirements.find_links))
        lines += [f"--find-links {strip_secrets(place)}" for place in places]
    if settings.emit_build_options:
        policy = kinds_of_files(settings.run, sources.requirements)
        lines += [f"--no-binary {name}" for name in sorted(policy.no_binary)]
        lines += [f"--only-binary {name}" for name in sorted(policy.only_binary | policy.no_build)]
    return lines
