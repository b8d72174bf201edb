"""What shells complete besides files and options: environments, packages, recorded runs; and their script."""

import os

import click
from click.shell_completion import CompletionItem, get_completion_class

from puffin.cache.layout import Cache, default_root
from puffin.cli.commands.app import puffin
from puffin.cli.commands.call import Call
from puffin.cli.options.inspect import StoreOptions
from puffin.errors import PuffinError
from puffin.pipeline.profile.read import record_paths
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import Settings, Where
from puffin.pipeline.request.where import find_where
from puffin.pipeline.workspace.config import chosen
from puffin.pipeline.workspace.select import all_specs
from puffin.stages.link.installed.scan import scan


def _environments(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the environments of the configuration, or of projects here, and let the shell add files.

    Files come first: bash drops what comes before them, and adds files only if no environment fits.
    """
    file = context.params.get("environments") or ""
    _, workspace = chosen((), "", "sync", file=file)
    names = [spec.name for spec in all_specs(workspace)] if workspace else []
    return [CompletionItem(incomplete, type="file"), *_items(names, incomplete)]


def _packages(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the packages that are installed in the environment that the command would take."""
    where = Where(python=context.params.get("python") or "", system=bool(context.params.get("system")))
    session = session_of(Settings(files=(), cache_dir=_cache_directory(context)), os.environ)
    site = find_where(where, session).purelib
    return _items([name for name, *_ in scan(site)], incomplete)


def _runs(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the ids of the recorded runs, the last one first."""
    paths = record_paths(Cache(_cache_directory(context)))
    return _items([os.path.basename(path).removesuffix(".jsonl") for path in reversed(paths)], incomplete)


def _cache_directory(context: click.Context) -> str:
    given = context.params.get("cache_dir") or os.environ.get("PUFFIN_CACHE_DIR", "")
    return os.path.abspath(os.path.expanduser(given)) if given else default_root(os.environ)


def _items(names: list[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]


def completed(name: str, context: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the completions of a kind; none where something is wrong, for the command itself to say."""
    try:
        return {"environments": _environments, "packages": _packages, "runs": _runs}[name](context, incomplete)
    except (PuffinError, OSError):
        return []


def print_completion(call: Call) -> int:
    """Print the script for a shell."""
    (shell,) = call.options(StoreOptions).arguments
    found = get_completion_class(shell)
    assert found is not None  # click has refused other shells
    maker = found(puffin, {}, "puffin", "_PUFFIN_COMPLETE")
    call.console.write(f"{(maker.source_template % maker.source_vars()).strip()}\n")
    return 0
