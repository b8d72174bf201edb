"""The command tree, for click."""

import re
import sys
from importlib import import_module
from time import perf_counter

import click

from puffin import __version__
from puffin.cli import table
from puffin.cli.guard import guarded
from puffin.cli.options import given, told, with_hidden, with_options
from puffin.cli.table_install import INSTALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Commands(click.Group):
    """A group in which ``pip-sync`` is ``pip sync``, and likewise for every ``pip`` command."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with this name or alias."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name.startswith("pip-"):
            return pip.get_command(ctx, cmd_name[4:])
        return found


@click.group(cls=Commands, context_settings=_CONTEXT)
@click.version_option(__version__, "-V", "--version", message="puffin %(version)s")
def puffin() -> None:
    """Install Python packages: a task graph of downloads, builds and links, run on every core."""


@puffin.group()
def pip() -> None:
    """Manage the packages of an environment, with pip's and pip-tools' interface."""


def run(reference: str, options: "dict[str, Any]", arguments: tuple[str, ...] = ()) -> None:
    """Call the function behind a command and end with its exit code."""
    module, _, name = reference.partition(":")
    values = {**given(options, arguments), "given": told(click.get_current_context())}
    sys.exit(guarded(getattr(import_module(module), name), values, perf_counter()))


@pip.command()
@click.argument("files", nargs=-1, metavar="FILE...")
@with_options(table.SYNC)
def sync(files: tuple[str, ...], **options: "Any") -> None:
    """Make an environment hold exactly the pins of requirements files, and nothing else."""
    run("puffin.cli.sync:sync", options, files)


@pip.command(name="compile")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@with_options(table.COMPILE)
@with_hidden(table.COMPILE_FOREIGN)
@click.pass_context
def compile_(ctx: click.Context, /, sources: tuple[str, ...], **options: "Any") -> None:
    """Pin what requirements files, projects and scripts ask for, and all that this needs."""
    typed = list(ctx.find_root().obj or ())
    words = typed[1:] if typed[:1] == ["pip-compile"] else typed[2:]
    run("puffin.cli.compile:compile_", {**options, "words": tuple(words)}, sources)


@pip.command()
@click.argument("packages", nargs=-1, metavar="PACKAGE...")
@with_options(INSTALL)
def install(packages: tuple[str, ...], **options: "Any") -> None:
    """Install packages, and what they need, beside what is installed."""
    run("puffin.cli.install:install", options, packages)


@pip.command()
@with_options((table.PYTHON, *table.FREEZE, *table.CACHE, *table.OUTPUT))
def freeze(**options: "Any") -> None:
    """Print what is installed as requirements."""
    run("puffin.cli.inspect:freeze", options)


@pip.command(name="list")
@with_options((table.PYTHON, *table.LISTING, *table.CACHE, *table.OUTPUT))
def list_(**options: "Any") -> None:
    """List what is installed."""
    run("puffin.cli.inspect:listing", options)


@pip.command()
@with_options((table.PYTHON, *table.TREE, *table.CACHE, *table.OUTPUT))
def tree(**options: "Any") -> None:
    """Show which installed package requires which."""
    run("puffin.cli.tree:tree", options)


@pip.command()
@with_options((table.PYTHON, *table.CACHE, *table.OUTPUT))
def check(**options: "Any") -> None:
    """Check that what is installed fits together."""
    run("puffin.cli.tree:check", options)


@pip.command()
@click.argument("packages", nargs=-1, metavar="PACKAGE...")
@with_options((table.PYTHON, *table.UNINSTALL, *table.CACHE, *table.OUTPUT))
def uninstall(packages: tuple[str, ...], **options: "Any") -> None:
    """Remove packages from an environment."""
    run("puffin.cli.uninstall:uninstall", options, packages)


@puffin.command()
@click.argument("path", default="", metavar="[PATH]")
@with_options(table.VENV)
def venv(path: str, **options: "Any") -> None:
    """Create a virtual environment (at PATH, by default `.venv`)."""
    run("puffin.cli.venv:venv", options, (path,) if path else ())


@puffin.group()
def cache() -> None:
    """Look at the cache, or clean it."""


@cache.command(name="dir")
@with_options((*table.CACHE, *table.OUTPUT))
def cache_dir(**options: "Any") -> None:
    """Print where the cache is."""
    run("puffin.cli.cache:directory", options)


@cache.command(name="clean")
@click.argument("packages", nargs=-1, metavar="[PACKAGE]...")
@with_options((*table.CLEAN, *table.CACHE, *table.OUTPUT))
def cache_clean(packages: tuple[str, ...], **options: "Any") -> None:
    """Remove everything from the cache, or what it holds of some packages."""
    run("puffin.cli.cache:clean", options, packages)


puffin.add_command(cache_clean, "clean")


@puffin.command(name="help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show what a command does and which options it has."""
    parent = ctx.parent or ctx
    command: click.Command = puffin
    for word in words:
        found = command.get_command(parent, word) if isinstance(command, click.Group) else None
        if found is None:
            raise click.UsageError(f"there is no command `{' '.join(words)}`", ctx)
        parent = click.Context(found, parent=parent, info_name=word)
        command = found
    click.echo(command.get_help(parent))


def run_app(argv: list[str]) -> int:
    """Run the command line and return its exit code; click's own messages go out in puffin's form."""
    try:
        puffin.main(argv, prog_name="puffin", standalone_mode=False, obj=tuple(argv))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "puffin"
        text = re.sub(r"'([^' ]*)'", r"`\1`", error.format_message()).rstrip(".")
        click.echo(f"error: {text}\n\nhint: `{command} --help` lists what can be said", err=True)
        return 2
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return 130
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0
