"""``puffin pip compile``."""

import sys

from puffin import depends
from puffin.cli.commands.call import CacheDirectory, Call, Observed
from puffin.cli.config.settings import compile_settings
from puffin.cli.options.foreign import foreign_rows
from puffin.cli.options.resolve import COMPILE, HeaderOptions
from puffin.cli.options.table import COUNT, FLAG, OPTIONAL, Row
from puffin.pipeline.commands.compile import compile_sources
from puffin.stages.resolve.output.requirements import Flag, shown_command

# Options that change nothing of the output, or that must not be in a file that others see.
_NOT_IN_HEADER = frozenset(
    (
        "upgrade", "upgrade_package", "quiet", "verbose", "color", "no_progress", "refresh", "refresh_package",
        "offline", "cache_dir", "no_cache", "custom_compile_command", "dry_run", "foreign_rebuild", "profile", "trace",
        "otlp", "cert", "client_cert", "proxy", "timeout", "retries", "keyring_provider", "isolated", "no_config",
        "executor", "tls_ca", "tls_cert", "tls_key", "remote_cache", "remote_cache_scope",
    )
)  # fmt: skip
_INDEX = ("index_url", "extra_index_url", "default_index", "index", "trusted_host")


def compile_command(call: Call) -> int:
    """Resolve and pin requirements with all dependencies."""
    options = call.options(HeaderOptions)
    with CacheDirectory(call) as cache_dir, Observed(call, cache_dir) as record:
        record.keep()
        header = "" if options.no_header else options.custom_compile_command or _typed(options)
        settings = compile_settings(call.values, cache_dir, header)
        text = compile_sources(settings, call.session(settings.run))
    if not (settings.output_file and call.screen.quiet):
        call.console.write(text)
        sys.stdout.flush()
        depends.said(1, text)
    return 0


def _typed(options: HeaderOptions) -> str:
    """Return the command as it was typed, fit for the header."""
    hidden = {*_NOT_IN_HEADER}
    hidden |= set() if options.emit_index_url else set(_INDEX)
    hidden |= set() if options.emit_find_links else {"find_links"}
    rows = (*COMPILE, *foreign_rows("pip compile"))
    known = [_flag(row) for row in rows if row[1] not in hidden]
    left_out = [_flag(row) for row in rows if row[1] in hidden]
    return shown_command("puffin pip compile", options.words, known=known, left_out=left_out)


def _flag(row: "Row") -> "Flag":
    spellings = tuple([each for spelling in row[0] for each in spelling.split("/")])
    return Flag(spellings=spellings, valued=row[2] not in (FLAG, COUNT, OPTIONAL))
