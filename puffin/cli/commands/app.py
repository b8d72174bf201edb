"""The commands, for click: what each is called with, and the function that runs it."""

import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from time import perf_counter
from typing import Any

import click

from puffin import __version__
from puffin.cli.options import compile as table_compile
from puffin.cli.options import inspect as table_inspect
from puffin.cli.options import table
from puffin.cli.options.click import OptionedCommand, WrongVariable, given, told, with_hidden, with_options
from puffin.cli.options.foreign import foreign_rows, judge, take_out
from puffin.cli.options.install import INSTALL
from puffin.cli.options.workspace import ENVS, KEY, LOCK, WORKSPACE_SYNC
from puffin.cli.screen.console import Console
from puffin.cli.screen.errors import guarded
from puffin.errors import UsageError

SHELLS = ("bash", "zsh", "fish")
_EXAMPLES = (
    ("puffin venv", "make a virtual environment in `.venv`"),
    ("puffin pip install requests", "install a package with its dependencies into it"),
    ("puffin pip compile requirements.in -o requirements.txt", "pin all dependencies of a project"),
    ("puffin pip sync requirements.txt", "bring the environment to exactly these versions"),
    ("puffin help pip sync", "show the help of a command"),
)
_WHOLE = 400  # characters: the first sentence, and no dots
_NOTE = (
    "Commands use the active environment, or else `.venv` in this directory or a parent. Each option has an "
    "environment variable: `PUFFIN_INDEX_URL=URL` for `--index-url URL`. `puffin pip-X` is the same as `puffin pip X`."
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


class RootCommands(Commands):
    """The whole of puffin, which shows the commands of its groups too."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write where to begin, and all commands."""
        with formatter.section("First steps"):
            formatter.write_dl(_EXAMPLES, col_max=40)
        for title, rows in _sections(self):
            with formatter.section(title):
                formatter.write_dl(rows)
        formatter.write_paragraph()
        formatter.write_text(_NOTE)


def _sections(root: click.Group) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the title and the commands of each section: those of groups first, in the order of their making."""
    alone = []
    for name, command in root.commands.items():
        if isinstance(command, click.Group):
            yield command.get_short_help_str(_WHOLE).rstrip("."), _rows(f"{name} ", command)
        else:
            alone.append((name, command.get_short_help_str(_WHOLE)))
    yield "Other commands", sorted(alone)


def _rows(prefix: str, group: click.Group) -> list[tuple[str, str]]:
    return [(prefix + name, each.get_short_help_str(_WHOLE)) for name, each in sorted(group.commands.items())]


@click.group(cls=RootCommands, context_settings=_CONTEXT)
@click.version_option(__version__, "-V", "--version", message="puffin %(version)s")
def puffin() -> None:
    """Install Python packages: a task graph of downloads, builds and links, run on every core."""


@puffin.group()
def pip() -> None:
    """Manage the packages of an environment, with pip's and pip-tools' interface."""


def run(reference: str, options: dict[str, Any], arguments: tuple[str, ...] = (), foreign: str = "") -> None:
    """Call the function behind a command and end with its exit code; *foreign* names whose foreign options it takes."""
    module, _, name = reference.partition(":")
    strange = take_out(foreign, options) if foreign else {}
    function = getattr(import_module(module), name)

    def judged(known: dict[str, Any], console: Console, started: float) -> int:
        judge(strange, console)
        return int(function(known, console, started))

    values = {**given(options, arguments), "given": told(click.get_current_context())}
    sys.exit(guarded(judged if strange else function, values, perf_counter()))


@pip.command()
@click.argument("files", nargs=-1, type=click.Path(), metavar="FILE...")
@with_options(table.SYNC)
@with_hidden(foreign_rows("sync"))
def sync(files: tuple[str, ...], **options: Any) -> None:
    """Make an environment match the pins of requirements files exactly."""
    run("puffin.cli.commands.sync:sync", options, files, foreign="sync")


@pip.command(name="compile")
@click.argument("sources", nargs=-1, type=click.Path(), metavar="[SOURCE]...")
@with_options(table_compile.COMPILE)
@with_hidden(table_compile.COMPILE_FOREIGN)
@click.pass_context
def compile_(ctx: click.Context, /, sources: tuple[str, ...], **options: Any) -> None:
    """Resolve and pin requirements files, projects and scripts with all dependencies."""
    typed = list(ctx.find_root().obj or ())
    words = typed[1:] if typed[:1] == ["pip-compile"] else typed[2:]
    run("puffin.cli.commands.compile:compile_", {**options, "words": tuple(words)}, sources)


@pip.command()
@click.argument("packages", nargs=-1, metavar="PACKAGE...")
@with_options(INSTALL)
@with_hidden(foreign_rows("install"))
def install(packages: tuple[str, ...], **options: Any) -> None:
    """Install packages with their dependencies, next to what is installed."""
    run("puffin.cli.commands.install:install", options, packages, foreign="install")


@pip.command()
@with_options(table_inspect.FREEZE)
@with_hidden(foreign_rows("freeze"))
def freeze(**options: Any) -> None:
    """Print the installed packages as requirements."""
    run("puffin.cli.commands.inspect:freeze", options, foreign="freeze")


@pip.command(name="list")
@with_options(table_inspect.LISTING)
@with_hidden(foreign_rows("list"))
def list_(**options: Any) -> None:
    """List the installed packages."""
    run("puffin.cli.commands.inspect:listing", options, foreign="list")


@pip.command()
@click.argument("packages", nargs=-1, metavar="PACKAGE...")
@with_options(table_inspect.SHOW)
@with_hidden(foreign_rows("show"))
def show(packages: tuple[str, ...], **options: Any) -> None:
    """Show the metadata of installed packages."""
    run("puffin.cli.commands.inspect:show", options, packages, foreign="show")


@pip.command()
@with_options(table_inspect.TREE)
def tree(**options: Any) -> None:
    """Show the installed packages as a dependency tree."""
    run("puffin.cli.commands.tree:tree", options)


@pip.command()
@with_options(table_inspect.CHECK)
@with_hidden(foreign_rows("check"))
def check(**options: Any) -> None:
    """Check the installed packages for conflicts."""
    run("puffin.cli.commands.tree:check", options, foreign="check")


@pip.command()
@click.argument("packages", nargs=-1, metavar="PACKAGE...")
@with_options(table_inspect.UNINSTALL)
@with_hidden(foreign_rows("uninstall"))
def uninstall(packages: tuple[str, ...], **options: Any) -> None:
    """Remove packages from an environment."""
    run("puffin.cli.commands.uninstall:uninstall", options, packages, foreign="uninstall")


@puffin.command(name="sync")
@click.argument("environments", nargs=-1, metavar="[ENV|GLOB]...")
@with_options(WORKSPACE_SYNC)
def sync_many(environments: tuple[str, ...], **options: Any) -> None:
    """Sync many environments at once: those configured, or a `.venv` next to each requirements file."""
    run("puffin.cli.commands.workspace:sync", options, environments)


@puffin.command()
@click.argument("environments", nargs=-1, metavar="[ENV|GLOB]...")
@with_options(ENVS)
def envs(environments: tuple[str, ...], **options: Any) -> None:
    """List environments and their state."""
    run("puffin.cli.commands.envs:envs", options, environments)


@puffin.command()
@click.argument("environments", nargs=-1, metavar="[ENV|GLOB]...")
@with_options(LOCK)
def lock(environments: tuple[str, ...], **options: Any) -> None:
    """Resolve the requirements of environments and write their lock files."""
    run("puffin.cli.commands.lock:lock", options, environments)


@puffin.command()
@with_options(table_inspect.VERIFY)
def verify(**options: Any) -> None:
    """Find files of an environment that are missing, truncated or changed (exit code 4)."""
    run("puffin.cli.commands.verify:verify", options)


@puffin.command()
@click.argument("path", default="", type=click.Path(), metavar="[PATH]")
@with_options(table_inspect.VENV)
def venv(path: str, **options: Any) -> None:
    """Create a virtual environment (at PATH, by default `.venv`)."""
    run("puffin.cli.commands.venv:venv", options, (path,) if path else ())


@puffin.group()
def cache() -> None:
    """Inspect or clean the cache."""


@cache.command(name="dir")
@with_options(table_inspect.PLAIN)
def cache_dir(**options: Any) -> None:
    """Print the directory of the cache."""
    run("puffin.cli.commands.cache:directory", options)


@cache.command(name="key")
@click.argument("environments", nargs=-1, metavar="[ENV|GLOB]...")
@with_options(KEY)
def cache_key(environments: tuple[str, ...], **options: Any) -> None:
    """Print a key for CI caches: equal for equal pins, Python and platform."""
    run("puffin.cli.commands.envs:key", options, environments)


@cache.command(name="clean")
@click.argument("packages", nargs=-1, metavar="[PACKAGE]...")
@with_options(table_inspect.CLEAN)
def cache_clean(packages: tuple[str, ...], **options: Any) -> None:
    """Remove all cache entries, or those of some packages."""
    run("puffin.cli.commands.cache:clean", options, packages)


@cache.command(name="size")
@with_options(table_inspect.CACHE_SIZE)
def cache_size(**options: Any) -> None:
    """Print the size of the cache: in bytes, or with a unit on a terminal."""
    run("puffin.cli.commands.cache:size_of", options)


@cache.command(name="prune")
@with_options(table_inspect.PRUNE)
def cache_prune(**options: Any) -> None:
    """Remove unused entries; optionally by age or total size."""
    run("puffin.cli.commands.cache:prune", options)


puffin.add_command(cache_clean, "clean")


def print_completion(options: dict[str, Any], _console: Console, _started: float) -> int:
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
def completion(shell: str, **options: Any) -> None:
    """Print a shell completion script: `eval "$(puffin completion bash)"`."""
    run("puffin.cli.commands.app:print_completion", options, (shell,))


@puffin.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@with_options(table_inspect.GRAPH)
def graph(files: tuple[str, ...], **options: Any) -> None:
    """Print the task graph of a sync into an empty environment, without running it."""
    run("puffin.cli.commands.graph:graph", options, files)


@puffin.group()
def profile() -> None:
    """Show where earlier runs spent their time."""


_RUNS = {"ignore_unknown_options": True}  # -1 is the last run, not an option


def _run_name(context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value.startswith("-") and not value[1:].isdigit():
        raise click.NoSuchOption(value, ctx=context)
    return value


@profile.command(name="show", context_settings=_RUNS)
@click.argument("run_", default="", metavar="[RUN]", callback=_run_name)
@with_options(table_inspect.PROFILE_SHOW)
def profile_show(run_: str, **options: Any) -> None:
    """Show a run: an id, the path of a record, or -1 for the last, -2 for the one before (default: -1)."""
    run("puffin.cli.commands.profile:show", options, (run_,) if run_ else ())


@profile.command(name="compare", context_settings=_RUNS)
@click.argument("before", callback=_run_name)
@click.argument("after", callback=_run_name)
@with_options(table_inspect.PROFILE_COMPARE)
def profile_compare(before: str, after: str, **options: Any) -> None:
    """Show the differences between two runs, each given as for `show`."""
    run("puffin.cli.commands.profile:compare_", options, (before, after))


@puffin.command(name="help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a command."""
    context, unknown = _context_of(words, ctx.parent or ctx)
    if unknown:
        raise click.UsageError(f"No such command `{' '.join(words)}`", context)
    click.echo(context.command.get_help(context))


def _context_of(words: Sequence[str], context: click.Context) -> tuple[click.Context, Sequence[str]]:
    """Return the context of the command that *words* name below that of *context*, and the words that name none."""
    for number, word in enumerate(words):
        group = context.command
        found = group.get_command(context, word) if isinstance(group, click.Group) else None
        if found is None:
            return context, words[number:]
        context = click.Context(found, parent=context, info_name=word)
    return context, ()


def run_app(argv: list[str]) -> int:
    """Run the command line and return its exit code; click's own messages go out in puffin's form."""
    try:
        puffin.main(argv, prog_name="puffin", standalone_mode=False, obj=tuple(argv))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.UsageError as error:
        context = error.ctx or _context_of(argv, click.Context(puffin, info_name="puffin"))[0]
        what = "commands" if isinstance(context.command, click.Group) else "options"
        text = re.sub(r"\s*\n\s*", " ", re.sub(r"'([^' ]*)'", r"`\1`", error.format_message())).rstrip(".")
        usage = f"run `{context.command_path} --help` to see all {what}"
        hint = error.hint if isinstance(error, WrongVariable) else usage
        click.echo(f"error: {text}\n\nhint: {hint}", err=True)
        return 2
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return 130
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0
