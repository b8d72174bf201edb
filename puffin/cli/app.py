"""The command tree, for click."""

import re
import sys
from importlib import import_module
from time import perf_counter

import click

from puffin import __version__
from puffin.cli import table, table_compile, table_inspect
from puffin.cli.foreign import foreign_rows, judge, take_out
from puffin.cli.guard import guarded
from puffin.cli.options import OptionedCommand, WrongVariable, given, told, with_hidden, with_options
from puffin.cli.table_inspect import GRAPH, PROFILE_COMPARE, PROFILE_SHOW
from puffin.cli.table_install import INSTALL
from puffin.cli.table_workspace import ENVS, KEY, LOCK, WORKSPACE_SYNC
from puffin.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from puffin.cli.console import Console


SHELLS = ("bash", "zsh", "fish")
_EXAMPLES = (
    ("puffin venv", "make a virtual environment in `.venv`"),
    ("puffin pip install requests", "install a package and what it needs into it"),
    ("puffin pip compile requirements.in -o requirements.txt", "pin everything that a project needs"),
    ("puffin pip sync requirements.txt", "make the environment hold exactly that"),
    ("puffin help pip sync", "say more about a command"),
)
_WHOLE = 400  # characters: the first sentence, and no dots
_NOTE = (
    "Commands work on the active environment, else on `.venv` in this directory or above it. Each option can be "
    "given as a variable too: `--index-url URL` as `PUFFIN_INDEX_URL=URL`. `puffin pip X` is also `puffin pip-X`."
)
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Commands(click.Group):
    """A group in which ``pip-sync`` is ``pip sync``, and likewise for every ``pip`` command."""

    command_class = OptionedCommand
    group_class = type

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with this name or alias."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name.startswith("pip-"):
            return pip.get_command(ctx, cmd_name[4:])
        return found


class Root(Commands):
    """The whole of puffin, which shows the commands of its groups too."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write where to begin, and all commands."""
        with formatter.section("To begin with"):
            formatter.write_dl(_EXAMPLES, col_max=40)
        for title, rows in _sections(self):
            with formatter.section(title):
                formatter.write_dl(rows)
        formatter.write_paragraph()
        formatter.write_text(_NOTE)


def _sections(root: click.Group) -> "Iterator[tuple[str, list[tuple[str, str]]]]":
    """Yield the title and the commands of each section: those of groups first, in the order of their making."""
    alone = []
    for name, command in root.commands.items():
        if isinstance(command, click.Group):
            yield command.get_short_help_str(_WHOLE).rstrip("."), _rows(f"{name} ", command)
        else:
            alone.append((name, command.get_short_help_str(_WHOLE)))
    yield "Everything else", sorted(alone)


def _rows(prefix: str, group: click.Group) -> list[tuple[str, str]]:
    return [(prefix + name, each.get_short_help_str(_WHOLE)) for name, each in sorted(group.commands.items())]


@click.group(cls=Root, context_settings=_CONTEXT)
@click.version_option(__version__, "-V", "--version", message="puffin %(version)s")
def puffin() -> None:
    """Install Python packages: a task graph of downloads, builds and links, run on every core."""


@puffin.group()
def pip() -> None:
    """Manage the packages of an environment, with pip's and pip-tools' interface."""


def run(reference: str, options: "dict[str, Any]", arguments: tuple[str, ...] = (), foreign: str = "") -> None:
    """Call the function behind a command and end with its exit code; *foreign* names whose foreign options it takes."""
    module, _, name = reference.partition(":")
    strange = take_out(foreign, options) if foreign else {}
    function = getattr(import_module(module), name)

    def judged(known: "dict[str, Any]", console: "Console", started: float) -> int:
        judge(strange, console)
        return int(function(known, console, started))

    values = {**given(options, arguments), "given": told(click.get_current_context())}
    sys.exit(guarded(judged if strange else function, values, perf_counter()))


@pip.command()
@click.argument("files", nargs=-1, type=click.Path(), metavar="FILE...")
@with_options(table.SYNC)
@with_hidden(foreign_rows("sync"))
def sync(files: tuple[str, ...], **options: "Any") -> None:
    """Make an environment hold exactly the pins of requirements files, and nothing else."""
    run("puffin.cli.sync:sync", options, files, foreign="sync")


@pip.command(name="compile")
@click.argument("sources", nargs=-1, type=click.Path(), metavar="[SOURCE]...")
@with_options(table_compile.COMPILE)
@with_hidden(table_compile.COMPILE_FOREIGN)
@click.pass_context
def compile_(ctx: click.Context, /, sources: tuple[str, ...], **options: "Any") -> None:
    """Pin what requirements files, projects and scripts ask for, and all that this needs."""
    typed = list(ctx.find_root().obj or ())
    words = typed[1:] if typed[:1] == ["pip-compile"] else typed[2:]
    run("puffin.cli.compile:compile_", {**options, "words": tuple(words)}, sources)


@pip.command()
@click.argument("packages", nargs=-1, metavar="PACKAGE...")
@with_options(INSTALL)
@with_hidden(foreign_rows("install"))
def install(packages: tuple[str, ...], **options: "Any") -> None:
    """Install packages, and what they need, beside what is installed."""
    run("puffin.cli.install:install", options, packages, foreign="install")


@pip.command()
@with_options((*table.TARGETS, *table_inspect.FREEZE, *table.CACHE, *table.OUTPUT))
@with_hidden(foreign_rows("freeze"))
def freeze(**options: "Any") -> None:
    """Print what is installed as requirements."""
    run("puffin.cli.inspect:freeze", options, foreign="freeze")


@pip.command(name="list")
@with_options((*table.TARGETS, *table_inspect.LISTING, *table.CACHE, *table.OUTPUT))
@with_hidden(foreign_rows("list"))
def list_(**options: "Any") -> None:
    """List what is installed."""
    run("puffin.cli.inspect:listing", options, foreign="list")


@pip.command()
@click.argument("packages", nargs=-1, metavar="PACKAGE...")
@with_options((*table.TARGETS, *table_inspect.SHOW, *table.CACHE, *table.OUTPUT))
@with_hidden(foreign_rows("show"))
def show(packages: tuple[str, ...], **options: "Any") -> None:
    """Show what the metadata of installed packages tells."""
    run("puffin.cli.inspect:show", options, packages, foreign="show")


@pip.command()
@with_options((*table.TARGETS, *table_inspect.TREE, *table.CACHE, *table.OUTPUT))
def tree(**options: "Any") -> None:
    """Show which installed package requires which."""
    run("puffin.cli.tree:tree", options)


@pip.command()
@with_options((*table.TARGETS, *table.CACHE, *table.OUTPUT))
@with_hidden(foreign_rows("check"))
def check(**options: "Any") -> None:
    """Check that what is installed fits together."""
    run("puffin.cli.tree:check", options, foreign="check")


@pip.command()
@click.argument("packages", nargs=-1, metavar="PACKAGE...")
@with_options((*table.TARGETS, *table_inspect.UNINSTALL, *table.CACHE, *table.OUTPUT))
@with_hidden(foreign_rows("uninstall"))
def uninstall(packages: tuple[str, ...], **options: "Any") -> None:
    """Remove packages from an environment."""
    run("puffin.cli.uninstall:uninstall", options, packages, foreign="uninstall")


@puffin.command(name="sync")
@click.argument("environments", nargs=-1, metavar="[ENV|GLOB]...")
@with_options(WORKSPACE_SYNC)
def sync_many(environments: tuple[str, ...], **options: "Any") -> None:
    """Make many environments at once: those of the configuration, or a `.venv` beside each requirements file."""
    run("puffin.cli.many:sync", options, environments)


@puffin.command()
@click.argument("environments", nargs=-1, metavar="[ENV|GLOB]...")
@with_options(ENVS)
def envs(environments: tuple[str, ...], **options: "Any") -> None:
    """List environments and what they are like."""
    run("puffin.cli.envs:envs", options, environments)


@puffin.command()
@click.argument("environments", nargs=-1, metavar="[ENV|GLOB]...")
@with_options(LOCK)
def lock(environments: tuple[str, ...], **options: "Any") -> None:
    """Resolve what environments are made from, and write their locks."""
    run("puffin.cli.lock:lock", options, environments)


@puffin.command()
@with_options((*table.TARGETS, *table_inspect.VERIFY, *table.CACHE, *table.OUTPUT))
def verify(**options: "Any") -> None:
    """Compare an environment with what was installed: files lost, cut short or changed (exit code 4)."""
    run("puffin.cli.verify:verify", options)


@puffin.command()
@click.argument("path", default="", type=click.Path(), metavar="[PATH]")
@with_options(table_inspect.VENV)
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


@cache.command(name="key")
@click.argument("environments", nargs=-1, metavar="[ENV|GLOB]...")
@with_options(KEY)
def cache_key(environments: tuple[str, ...], **options: "Any") -> None:
    """Print a key for the cache of CI: the same for the same pins, Python and kind of machine."""
    run("puffin.cli.envs:key", options, environments)


@cache.command(name="clean")
@click.argument("packages", nargs=-1, metavar="[PACKAGE]...")
@with_options((*table_inspect.CLEAN, *table.CACHE, *table.OUTPUT))
def cache_clean(packages: tuple[str, ...], **options: "Any") -> None:
    """Remove everything from the cache, or what it holds of some packages."""
    run("puffin.cli.cache:clean", options, packages)


@cache.command(name="size")
@with_options((*table.CACHE, *table.OUTPUT))
def cache_size(**options: "Any") -> None:
    """Print how much room the cache takes: in bytes, or for people on a terminal."""
    run("puffin.cli.cache:size_of", options)


@cache.command(name="prune")
@with_options((*table_inspect.PRUNE, *table_inspect.CLEAN, *table.CACHE, *table.OUTPUT))
def cache_prune(**options: "Any") -> None:
    """Remove what nothing leads to any more, and on request what is old, or too much."""
    run("puffin.cli.cache:prune", options)


puffin.add_command(cache_clean, "clean")


def print_completion(options: "dict[str, Any]", _console: "Console", _started: float) -> int:
    """Print the script for a shell."""
    from click.shell_completion import get_completion_class

    (shell,) = options["arguments"]
    found = get_completion_class(shell)
    if found is None:
        known = ", ".join(f"`{each}`" for each in SHELLS)
        raise UsageError(text=f"There is no completion for `{shell}`", hints=(f"use one of {known}",))
    maker = found(puffin, {}, "puffin", "_PUFFIN_COMPLETE")
    sys.stdout.write(f"{(maker.source_template % maker.source_vars()).strip()}\n")
    return 0


@puffin.command()
@click.argument("shell", type=click.Choice(SHELLS))
@with_options(table.OUTPUT)
def completion(shell: str, **options: "Any") -> None:
    """Print what makes a shell complete commands and options: `eval "$(puffin completion bash)"`."""
    run("puffin.cli.app:print_completion", options, (shell,))


@puffin.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@with_options((*GRAPH, *table.CACHE, *table.OUTPUT))
def graph(files: tuple[str, ...], **options: "Any") -> None:
    """Print the task graph of a sync into an empty environment, without running it."""
    run("puffin.cli.graph:graph", options, files)


@puffin.group()
def profile() -> None:
    """See where the time of earlier runs went."""


_RUNS = {"ignore_unknown_options": True}  # -1 is the last run, not an option


def _run_name(context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value.startswith("-") and not value[1:].isdigit():
        raise click.NoSuchOption(value, ctx=context)
    return value


@profile.command(name="show", context_settings=_RUNS)
@click.argument("run_", default="", metavar="[RUN]", callback=_run_name)
@with_options((*PROFILE_SHOW, *table.CACHE, *table.OUTPUT))
def profile_show(run_: str, **options: "Any") -> None:
    """Show a run (an id, a record's path, -1 for the last, -2 for the one before; default: the last)."""
    run("puffin.cli.profile:show", options, (run_,) if run_ else ())


@profile.command(name="compare", context_settings=_RUNS)
@click.argument("before", callback=_run_name)
@click.argument("after", callback=_run_name)
@with_options((*PROFILE_COMPARE, *table.CACHE, *table.OUTPUT))
def profile_compare(before: str, after: str, **options: "Any") -> None:
    """Show what is different between two runs, each given as for `show`."""
    run("puffin.cli.profile:compare_", options, (before, after))


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
            raise click.UsageError(f"No such command `{' '.join(words)}`", parent)
        parent = click.Context(found, parent=parent, info_name=word)
        command = found
    click.echo(command.get_help(parent))


def _command_of(argv: list[str]) -> str:
    """Return the command that the words name, for errors of the parser that tell no context."""
    command: click.Command = puffin
    found = ["puffin"]
    for word in argv:
        below = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if below is None:
            break
        command = below
        found.append(word)
    return " ".join(found)


def run_app(argv: list[str]) -> int:
    """Run the command line and return its exit code; click's own messages go out in puffin's form."""
    try:
        puffin.main(argv, prog_name="puffin", standalone_mode=False, obj=tuple(argv))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else _command_of(argv)
        text = re.sub(r"\s*\n\s*", " ", re.sub(r"'([^' ]*)'", r"`\1`", error.format_message())).rstrip(".")
        hint = error.hint if isinstance(error, WrongVariable) else f"`{command} --help` lists what can be said"
        click.echo(f"error: {text}\n\nhint: {hint}", err=True)
        return 2
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return 130
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0
