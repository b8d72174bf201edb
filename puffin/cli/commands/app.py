"""The commands as click knows them: the options of each, and the function that runs it."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from puffin import __version__
from puffin.cli.options import inspect as table_inspect
from puffin.cli.options import resolve as table_resolve
from puffin.cli.options import table
from puffin.cli.options.click import Described, OptionedCommand, WrongVariable, given, parameters, unmarked
from puffin.cli.options.foreign import as_pip_tools, foreign_rows, instead_of, take_out
from puffin.cli.options.resolve import INSTALL
from puffin.cli.options.table import Row
from puffin.cli.options.workspace import AFFECTED, CACHE_PULL, ENVS, KEY, LOCK, WHY, WORKSPACE_SYNC

SHELLS = ("bash", "zsh", "fish")
_EXAMPLES = (
    ("puffin venv", "make a virtual environment in `.venv`"),
    ("puffin pip install requests", "install a package with its dependencies into it"),
    ("puffin pip sync requirements.txt", "bring it to exactly these versions"),
    ("puffin lock", "pin the requirements of all environments of a project"),
    ("puffin sync", "make all environments match their locks"),
    ("puffin help pip sync", "show the help of a command"),
)
_FIRST = ("sync", "lock", "envs", "affected")  # of all commands
_WHOLE = 400  # characters: the first sentence, and no dots
_NOTE = (
    "Commands use the active environment, or else `.venv` in this directory or a parent. Each option has an "
    "environment variable: `PUFFIN_INDEX_URL=URL` for `--index-url URL`. `puffin pip-X` is the same as `puffin pip X`."
)
_MEANINGS = {
    "FILE": "A requirements file with pins, a `pylock.toml` or `uv.lock`, its URL, or `-` for standard input.",
    "SOURCE": "A requirements file, a `pyproject.toml`, `setup.cfg` or `setup.py`, a script with metadata, a URL, or "
    "`-` for standard input. If none is given, the first of these files that this directory has.",
    "REQUIREMENT": "A requirement such as `six` or `'six>=1.16'`, the path of a project or distribution, or a URL.",
    "PACKAGE": "The name of a package.",
    "ENV [PACKAGE]": "The name or path of an environment, then optionally a package in it.",
    "ENV": "The path of an environment.",
    "ENV|GLOB": "The name or path of an environment, a pattern such as `'services/*'`, or a requirements file.",
}
_ENVIRONMENT = "The path of an environment (default: the active one, or else `.venv`)."
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Commands(click.Group):
    """A group in which ``pip-sync`` is ``pip sync``, and likewise for every ``pip`` command."""

    command_class = OptionedCommand
    group_class: type[click.Group] | type[type] | None = type

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name.startswith("pip-"):
            return pip.get_command(ctx, cmd_name[4:])
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(_rows("", self))


class RootCommands(Commands):
    """The whole of puffin, which shows the commands of its groups too."""

    group_class = Commands

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("First steps"):
            formatter.write_dl(_EXAMPLES, col_max=40)
        for title, rows in _sections(self):
            with formatter.section(title):
                formatter.write_dl(rows)
        formatter.write_paragraph()
        formatter.write_text(_NOTE)


def _sections(root: click.Group) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the title and the commands of each section: what puffin is for first, then groups, then the rest."""
    alone = []
    first = [name for name in _FIRST if name in root.commands]
    yield (
        "Many environments at once",
        [(name, root.commands[name].get_short_help_str(_WHOLE)) for name in first],
    )
    for name, command in root.commands.items():
        if isinstance(command, click.Group):
            yield command.get_short_help_str(_WHOLE).rstrip("."), _rows(f"{name} ", command)
        elif name not in first:
            alone.append((name, command.get_short_help_str(_WHOLE)))
    yield "Other commands", sorted(alone)


def _rows(prefix: str, group: click.Group) -> list[tuple[str, str]]:
    return [(prefix + name, each.get_short_help_str(_WHOLE)) for name, each in sorted(group.commands.items())]


@click.group(cls=RootCommands, context_settings=_CONTEXT)
@click.version_option(__version__, "-V", "--version", message="puffin %(version)s")
def puffin() -> None:
    """Install Python packages: a task graph of downloads, builds and links, run on every core."""


pip = puffin.group(
    name="pip", help="Manage the packages of an environment, with pip's and pip-tools' interface."
)(lambda: None)
click.version_option(__version__, "-V", "--version", message="puffin %(version)s")(pip)
cache = puffin.group(name="cache", help="Inspect or clean the cache.")(lambda: None)
profile = puffin.group(name="profile", help="Show where earlier runs spent their time.")(lambda: None)


def _command(
    group: click.Group, name: str, body: str, rows: tuple[Row, ...], text: str, *arguments: click.Argument
) -> click.Command:
    """Add a command to a *group*; its *body* is a function in a module of commands.

    Options of other tools are those that :mod:`puffin.cli.options.foreign` has for the command.
    """
    module, _, function = body.partition(":")
    command = name if group is puffin else f"{group.name} {name}"

    def make() -> list[click.Parameter]:
        return [*arguments, *parameters(rows, foreign_rows(command))]

    @click.pass_context
    def run(ctx: click.Context, /, **options: Any) -> None:
        foreign, meant = take_out(command, options)
        typed, warning, started = ctx.find_root().obj
        foreign |= {"-n": warning} if warning else {}
        values = {**given(ctx, options), "words": tuple(typed[2 if typed[:1] == ("pip",) else 1 :])}
        values |= {**meant, "given": values["given"] | {*meant}}
        called = getattr(import_module(f"puffin.cli.commands.{module}"), function)
        run_guarded = import_module("puffin.cli.commands.run").run_guarded
        sys.exit(run_guarded(called, command, values, started, foreign))

    settings = {"ignore_unknown_options": True} if group is profile else {}  # -1 is the last run, not an option
    made = OptionedCommand(name, make=make, callback=run, help=text, context_settings=settings)
    group.add_command(made)
    return made


def _words(metavar: str, completed: str = "") -> click.Argument:
    """Return an argument that takes any number of words; shells complete files, or what is *completed*."""
    kind = click.Path() if "FILE" in metavar or "SOURCE" in metavar else None
    complete = _completer(completed) if completed else None
    text = _MEANINGS[unmarked(metavar)]
    return Described(text, ["arguments"], nargs=-1, type=kind, metavar=metavar, shell_complete=complete)


def _completer(name: str) -> Callable[[click.Context, click.Parameter, str], Any]:
    """Return what completes words of a kind that :mod:`puffin.cli.commands.complete` knows."""

    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> Any:
        return import_module("puffin.cli.commands.complete").completed(name, context, incomplete)

    return complete


def _environment() -> click.Argument:
    """Return an argument that names one environment, or none."""
    return Described(
        _ENVIRONMENT,
        ["arguments"],
        required=False,
        type=click.Path(),
        metavar="[ENV]",
        callback=lambda _context, _parameter, value: (value,) if value else (),
    )


def _run_name(name: str, usual: str, **settings: Any) -> click.Argument:
    def check(context: click.Context, _parameter: click.Parameter, value: str) -> str:
        if value.startswith("-") and not value[1:].isdigit():
            raise click.NoSuchOption(value, ctx=context)
        return value

    text = f"The id of a run, the path of its record, or -1 for the last run, -2 for the one before (default: {usual})."
    return Described(text, [name], callback=check, shell_complete=_completer("runs"), **settings)


# fmt: off
_command(pip, "sync", "sync:sync_command", table.SYNC,
    "Make an environment match the pins of requirements files exactly.", _words("FILE..."))
_command(pip, "compile", "compile:compile_command", table_resolve.COMPILE,
    "Resolve and pin requirements files, projects and scripts with all dependencies.", _words("[SOURCE]..."))
_command(pip, "install", "install:install_command", INSTALL,
    "Install packages with their dependencies, and keep the others.", _words("REQUIREMENT..."))
_command(pip, "freeze", "inspect:freeze", table_inspect.FREEZE, "Print the installed packages as requirements.")
_command(pip, "list", "inspect:listing", table_inspect.LISTING, "List the installed packages.")
_command(pip, "show", "inspect:show", table_inspect.SHOW,
    "Show the metadata of installed packages.", _words("PACKAGE...", "packages"))
_command(pip, "tree", "inspect:tree", table_inspect.TREE, "Show the installed packages as a dependency tree.")
_command(pip, "check", "inspect:check", table_inspect.CHECK, "Check the installed packages for conflicts.")
_command(pip, "uninstall", "uninstall:uninstall_command", table_inspect.UNINSTALL,
    "Remove packages from an environment.", _words("PACKAGE...", "packages"))
_command(puffin, "sync", "workspace:workspace_command", WORKSPACE_SYNC,
    "Sync many environments at once: those configured, those of projects, or a `.venv` next to each requirements file.",
    _words("[ENV|GLOB]...", "environments"))
_command(puffin, "envs", "envs:envs", ENVS,
    "List environments and their state.", _words("[ENV|GLOB]...", "environments"))
_command(puffin, "affected", "affected:affected_command", AFFECTED,
    "List the environments that a change affects, and why.", _words("[ENV|GLOB]...", "environments"))
_command(puffin, "why", "why:why_command", WHY,
    "Show why packages of an environment were installed, reinstalled or rebuilt.",
    _words("ENV [PACKAGE]", "environments"))
_command(puffin, "lock", "lock:lock_command", LOCK,
    "Resolve the requirements of environments and write their lock files.", _words("[ENV|GLOB]...", "environments"))
_command(puffin, "verify", "verify:verify_command", table_inspect.VERIFY,
    "Find files of an environment that are missing, truncated or changed (exit code 4).", _environment())
_command(puffin, "detach", "uninstall:detach_command", table_inspect.DETACH,
    "Replace the links of an environment into the cache by files, so that it no longer needs the cache.",
    _environment())
_command(puffin, "venv", "venv:venv", table_inspect.VENV,
    "Create a virtual environment.",
    Described("The directory of the environment (default: `.venv`).",
        ["path"], default="", type=click.Path(), metavar="[PATH]"))
_command(cache, "dir", "cache:print_directory", table_inspect.PLAIN, "Print the directory of the cache.")
_command(cache, "key", "envs:key", KEY,
    "Print a key for CI caches: equal for equal pins, Python and platform.", _words("[ENV|GLOB]...", "environments"))
_clean = _command(cache, "clean", "cache:clean", table_inspect.CLEAN,
    "Remove all cache entries, or those of some packages.", _words("[PACKAGE]..."))
_command(cache, "size", "cache:size_of", table_inspect.CACHE_SIZE,
    "Print the size of the cache: in bytes, or with a unit on a terminal.")
_command(cache, "push", "push:push_cache", table_inspect.CACHE_PUSH,
    "Upload the cache to the remote cache; with ENV, only the files of these environments.", _words("[ENV]..."))
_command(cache, "pull", "push:pull_cache", CACHE_PULL,
    "Download what environments need and the remote cache has, without making the environments.",
    _words("[ENV|GLOB]...", "environments"))
_command(cache, "prune", "cache:prune_cache", table_inspect.PRUNE,
    "Remove unused entries; optionally by age or total size.")
puffin.add_command(_clean, "clean")
_command(puffin, "completion", "complete:print_completion", table.OUTPUT,
    'Print a shell completion script: `eval "$(puffin completion bash)"`.',
    Described("The shell: `bash`, `zsh` or `fish`.", ["shell"], type=click.Choice(SHELLS), metavar="SHELL"))
_command(puffin, "graph", "sync:graph_command", table_inspect.GRAPH,
    "Print the task graph of a sync into an empty environment, without running it.", _words("[FILE]..."))
_command(profile, "show", "profile:show_runs", table_inspect.PROFILE_SHOW,
    "Show where the time of a run went.", _run_name("run_", "-1", default="", metavar="[RUN]"))
_command(profile, "compare", "profile:compare_runs", table_inspect.PROFILE_COMPARE,
    "Show the differences between two runs.",
    _run_name("before", "-2", default="-2", metavar="[BEFORE]"),
    _run_name("after", "-1", default="-1", metavar="[AFTER]"))
_command(profile, "history", "profile:show_history", table_inspect.PROFILE_HISTORY,
    "Show how long the runs like the last one took.")
# fmt: on


@puffin.command(name="help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a command."""
    context, unknown = _context_of(words, ctx.parent or ctx)
    if unknown:
        raise click.NoSuchCommand(unknown[0], ctx=context)
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


def _alike(words: Sequence[str]) -> str:
    """Return a hint with the commands whose names are written much like *words*, ``""`` for none."""
    known = {name: f"puffin {name}" for name in puffin.commands}
    for group in (pip, cache, profile):
        prefix = "" if words[:-1] == (group.name,) else f"{group.name} "
        known |= {f"{prefix}{name}": f"puffin {group.name} {name}" for name in group.commands}
    best = get_close_matches(words[-1], [name.split()[-1] for name in known], n=1, cutoff=0.75)
    names = [name for name in known if name.split()[-1] in best]
    found = ", ".join(f"`{each}`" for each in dict.fromkeys(known[name] for name in names))
    return f"did you mean {found}?" if found else ""


def _option_hint(option: str, context: click.Context) -> str:
    """Return a hint: options of the command that are written much like this one, else commands that have it."""
    own = [
        spelling
        for each in context.command.params
        if not getattr(each, "hidden", False)
        for spelling in each.opts
    ]
    alike = get_close_matches(option, [each for each in own if each.startswith("-")], n=2, cutoff=0.75)
    if alike:
        return f"did you mean {' or '.join(f'`{each}`' for each in alike)}?"
    others = [name for name, command in every_command() if any(option in each.opts for each in command.params)]
    few = ", ".join(f"`puffin {each}`" for each in others[:3])
    return f"commands with this option: {few}" if others else ""


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Yield all commands with their names: those for many environments first, then groups, then the others."""
    groups = [command for command in puffin.commands.values() if isinstance(command, click.Group)]
    alone = [name for name in puffin.commands if name not in _FIRST and puffin.commands[name] not in groups]
    yield from ((name, puffin.commands[name]) for name in _FIRST)
    yield from (
        (f"{group.name} {name}", each) for group in groups for name, each in sorted(group.commands.items())
    )
    yield from ((name, puffin.commands[name]) for name in sorted(alone))


def _behind_command(argv: list[str]) -> list[str]:
    """Return *argv* with the options before its command behind that: pip and uv take options of all commands there."""
    rows = [row for row in (*table.SYNC, *table_resolve.COMPILE) if row[2] in (table.VALUE, table.LIST)]
    valued = {spelling for row in rows for spelling in row[0]} | {"--project"}
    group: click.Command = puffin
    words, command, options = list(argv), list[str](), list[str]()
    while isinstance(group, click.Group) and words:
        found = group.get_command(click.Context(group), words[0])
        if found is not None:
            command.append(words.pop(0))
            group = found
        elif words[0].startswith("-") and words[0] not in ("-h", "--help", "--"):
            count = 2 if words[0] in valued else 1
            options += words[:count]
            del words[:count]
        else:
            break
    return argv if isinstance(group, click.Group) else [*command, *options, *words]


def run_app(argv: list[str], started: float) -> int:
    """Run the command line and return its exit code; click's own messages go out in puffin's form.

    *started* is when the process began, of ``time.perf_counter``.
    """
    argv, warning = as_pip_tools(_behind_command(argv))
    try:
        puffin.main(argv, prog_name="puffin", standalone_mode=False, obj=(tuple(argv), warning, started))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.UsageError as error:
        context = error.ctx or _context_of(argv, click.Context(puffin, info_name="puffin"))[0]
        what = "commands" if isinstance(context.command, click.Group) else "options"
        text = re.sub(r"\s*\n\s*", " ", re.sub(r"'([^' ]*)'", r"`\1`", error.format_message())).rstrip(".")
        hint = f"run `{context.command_path} --help` to see all {what}"
        text = re.sub(r"Got unexpected extra arguments? \((.*)\)", r"Unexpected argument: `\1`", text)
        if isinstance(error, WrongVariable):
            hint = error.hint
        elif isinstance(error, click.NoSuchOption):
            text = f"No such option `{error.option_name}`"
            hint = _option_hint(error.option_name, context) or hint
        elif isinstance(error, click.NoSuchCommand):
            text = f"No such command `{error.command_name}`"
            words = (*context.command_path.split()[1:], error.command_name)
            more = argv[argv.index(error.command_name) + 1 :] if error.command_name in argv else []
            hint = instead_of(words, pip.commands, more) or _alike(words) or hint
        click.echo(f"error: {text}\n\nhint: {hint}", err=True)
        return 2
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return 130
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0
