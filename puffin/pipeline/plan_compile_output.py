"""From the packages of a compilation to the text of its output. Pure."""

import os

from puffin.pipeline.plan_compile_request import file_policy
from puffin.pipeline.plan_settings import CompileSettings
from puffin.stages.resolve.index_config import IndexConfig
from puffin.stages.resolve.inputs import Sources
from puffin.stages.resolve.output_values import Listed, Style
from puffin.stages.resolve.platforms import Target
from puffin.stages.urls import strip_credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def lock_text(packages: "Sequence[Listed]", settings: CompileSettings, target: Target) -> str:
    """Return the output as a lock file; its local paths are relative to it. Raises ``NoHash``."""
    from puffin.stages.resolve.output_pylock import Lock, render_pylock

    lock = Lock(
        markers=target.markers,
        python_version=target.python_version,
        base=os.path.dirname(os.path.abspath(settings.output or "pylock.toml")),
        header=settings.header,
        excluded=frozenset(settings.no_emit_package),
    )
    return render_pylock(packages, lock)


def requirements_text(
    packages: "Sequence[Listed]", settings: CompileSettings, sources: Sources, config: IndexConfig
) -> str:
    """Return the output as a requirements file."""
    from puffin.stages.resolve.output_requirements import render_requirements

    style = Style(
        header=settings.header,
        annotation=settings.annotation,
        extras=settings.extras,
        markers=settings.markers,
        index_annotation=settings.emit_index_annotation,
        options=tuple(_options(settings, sources, config)),
        excluded=frozenset(settings.no_emit_package),
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
        policy = file_policy(settings, sources.requirements)
        lines += [f"--no-binary {name}" for name in sorted(policy.no_binary)]
        lines += [f"--only-binary {name}" for name in sorted(policy.only_binary | policy.no_build)]
    return lines
