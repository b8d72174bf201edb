"""``puffin pip compile``."""

import os
import sys

from puffin import depends
from puffin.cli.commands.observe import Observed
from puffin.cli.config.layers import configured
from puffin.cli.config.settings import (
    CacheDirectory,
    check_extras,
    choice,
    normalised,
    resolving,
    shared_settings,
)
from puffin.cli.options.compile import COMPILE
from puffin.cli.options.table import COUNT, FLAG, OPTIONAL
from puffin.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cli.options.table import Row
    from puffin.cli.screen.console import Console
    from puffin.pipeline.request.settings import CompileSettings
    from puffin.stages.resolve.output.requirements import Flag

# Options that change nothing of the output, or that must not be in a file that others see.
_NOT_IN_HEADER = frozenset(
    (
        "upgrade", "upgrade_package", "quiet", "verbose", "color", "no_progress", "refresh", "refresh_package",
        "offline", "cache_dir", "no_cache", "custom_compile_command", "rebuild", "profile", "trace", "cert",
        "client_cert", "proxy", "timeout", "retries", "keyring_provider", "isolated", "no_config",
    )
)  # fmt: skip
_INDEX = ("index_url", "extra_index_url", "default_index", "index", "trusted_host")
_IGNORED = {
    "allow_unsafe": "has no effect: `pip`, `setuptools` and the like are pinned as any package is",
    "no_allow_unsafe": "has no effect; to leave packages out of the output, use `--no-emit-package`",
    "reuse_hashes": "has no effect: hashes of unchanged pins are always kept",
    "resolver": "has no effect: there is one resolver",
    "emit_trusted_host": "has no effect: trusted hosts stay in the requirements files",
    "emit_options": "has no effect: say `--emit-index-url` and `--emit-find-links` for what is to be written",
    "rebuild": "is `--refresh` here",
}
_REFUSED = {
    "pip_args": ("puffin does not run pip", "pass the options to puffin"),
    "max_rounds": ("puffin goes on until it has a solution, or knows that there is none", "leave it out"),
    "no_reuse_hashes": ("hashes of unchanged pins are kept", "to ask for all of them anew, use `--upgrade`"),
    "dry_run": ("a dry run is the default", "leave out `--output-file`, and nothing is written"),
    "universal": ("puffin resolves for one platform at a time", "compile once for each `--python-platform`"),
}


def compile_(options: "dict[str, Any]", console: "Console", started: float) -> int:
    """Pin what sources of requirements ask for, and all that this needs."""
    from puffin.pipeline.commands.compile import compile_sources
    from puffin.pipeline.request.session import session_of

    _judge_foreign(options, console)
    options = configured("compile", options, console, os.environ)
    with (
        CacheDirectory(options) as cache_dir,
        Observed("pip compile", options, console, cache_dir, started) as run,
    ):
        run.keep()
        request = settings(options, cache_dir)
        text = compile_sources(request, session_of(request.run, os.environ, console, started))
    if not (options["output_file"] and options["quiet"]):
        sys.stdout.write(text)
        sys.stdout.flush()
        depends.said(1, text)
    return 0


def settings(options: "dict[str, Any]", cache_dir: str) -> "CompileSettings":
    """Return the settings in *options*; :class:`UsageError` for values that cannot be."""
    from puffin.pipeline.request.settings import CompileSettings
    from puffin.stages.resolve.requirements.values import SourceRequest

    check_extras(options)
    same = (
        "upgrade", "upgrade_package", "python_version", "python_platform", "no_deps", "generate_hashes",
        "emit_index_url", "emit_find_links", "emit_build_options", "emit_index_annotation",
    )  # fmt: skip
    return CompileSettings(
        run=shared_settings(options, cache_dir),
        sources=SourceRequest(
            files=tuple(options["arguments"]),
            constraints=options["constraint"],
            overrides=options["override"],
            extras=options["extra"],
            all_extras=options["all_extras"],
            groups=options["group"],
        ),
        output=options["output_file"],
        output_format=choice(options, "output_format"),
        header="" if options["no_header"] else options["custom_compile_command"] or _typed(options),
        annotation="" if options["no_annotate"] else choice(options, "annotation_style") or "split",
        extras=options["no_strip_extras"],
        markers=options["no_strip_markers"],
        no_emit_package=normalised(options["no_emit_package"]),
        **{name: options[name] for name in same},
        **resolving(options),
    )


def _judge_foreign(options: "dict[str, Any]", console: "Console") -> None:
    """Warn about pip-tools' options that change nothing, and refuse those that would mean something else."""
    for name, (why, hint) in _REFUSED.items():
        if options[name]:
            raise UsageError(text=f"`--{name.replace('_', '-')}` is not supported: {why}", hints=(hint,))
    for name, why in _IGNORED.items():
        if options[name]:
            console.warn(f"`--{name.replace('_', '-')}` {why}")


def _typed(options: "dict[str, Any]") -> str:
    """Return the command as it was typed, fit for the header."""
    from puffin.cli.options.compile import COMPILE_FOREIGN
    from puffin.stages.resolve.output.requirements import shown_command

    hidden = {*_NOT_IN_HEADER}
    hidden |= set() if options["emit_index_url"] else set(_INDEX)
    hidden |= set() if options["emit_find_links"] else {"find_links"}
    rows = (*COMPILE, *COMPILE_FOREIGN)
    known = [_flag(row) for row in rows if row[1] not in hidden]
    left_out = [_flag(row) for row in rows if row[1] in hidden]
    return shown_command("puffin pip compile", options["words"], known=known, left_out=left_out)


def _flag(row: "Row") -> "Flag":
    from puffin.stages.resolve.output.requirements import Flag

    spellings = tuple([each for spelling in row[0] for each in spelling.split("/")])
    return Flag(spellings=spellings, valued=row[2] not in (FLAG, COUNT, OPTIONAL))
