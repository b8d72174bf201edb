"""Click's parameters, made from the option tables, so that both ways of reading options share one list."""

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from puffin.cli.options import table
from puffin.cli.options.table import Row

Command = Callable[..., Any]


class _Place(click.Path):
    """A path, for shells to complete; what is there, the command finds out. Variables separate by blanks."""

    envvar_list_splitter = None  # type: ignore[assignment]


class WrongVariable(click.UsageError):
    """The environment variable of a switch, or a count, is neither true nor false; *kind* is the option's."""

    def __init__(self, variable: str, text: str, kind: str) -> None:
        super().__init__(f"`{text}` is not a valid value for `{variable}`")
        self.hint = (
            "use a number, `true` or `false`"
            if kind == table.COUNT
            else "use one of `1`, `true`, `yes`, `on`, or of `0`, `false`, `no`, `off`"
        )


class _Option(click.Option):
    """An option with the *group* that help shows it in."""

    def __init__(self, *arguments: Any, group: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.group = group


class _Switch(_Option):
    """A switch or a count. Its variable is read as it is where click has no part in it."""

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """Return the value of the variable, None if it is not set; raises :class:`WrongVariable`."""
        text = self.resolve_envvar_value(ctx)
        if text is None:
            return None
        kind = table.COUNT if self.count else table.FLAG
        value = table.switched(kind, text)
        if value is None:
            raise WrongVariable(str(self.envvar), text, kind)
        return value


def with_options(rows: tuple[Row, ...]) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of *rows* to a command."""

    def decorate(command: Command) -> Command:
        for row in reversed(rows):
            command = _option(row)(command)
        return command

    return decorate


def with_hidden(rows: tuple[Row, ...]) -> Callable[[Command], Command]:
    """Return a decorator that adds options which help does not list and variables do not set."""

    def decorate(command: Command) -> Command:
        for spellings, name, kind, _, _, _ in reversed(rows):
            flag = {"is_flag": True} if kind == table.FLAG else {"default": ""}
            command = click.option(*spellings, name, hidden=True, **flag)(command)
        return command

    return decorate


def _option(row: Row) -> Callable[[Command], Command]:
    spellings, name, kind, metavar, text, group = row
    shared: dict[str, Any] = {"help": text, "envvar": f"PUFFIN_{name.upper()}", "show_envvar": True}
    shared |= {"group": group, "cls": _Switch if kind in (table.FLAG, table.COUNT) else _Option}
    if kind == table.FLAG:
        return click.option(*spellings, name, is_flag=True, default=False, **shared)
    if kind == table.COUNT:
        return click.option(*spellings, name, count=True, **shared)
    if kind == table.OPTIONAL:
        return click.option(*spellings, name, default="", metavar=f"[{metavar}]", callback=_optional, **shared)
    if any(word in metavar for word in ("FILE", "DIR")):
        shared["type"] = _Place()
    if kind == table.LIST:
        return click.option(*spellings, name, multiple=True, metavar=metavar, **shared)
    if "|" in metavar and metavar.islower():
        return click.option(*spellings, name, type=click.Choice(metavar.split("|")), default=None, **shared)
    return click.option(*spellings, name, default="", metavar=metavar, **shared)


def _optional(context: click.Context, parameter: click.Parameter, value: str) -> str:
    source = context.get_parameter_source(parameter.name or "")
    if source is click.core.ParameterSource.COMMANDLINE:
        return value or table.GIVEN
    return table.optional(value)


class OptionedCommand(click.Command):
    """A command whose help shows options by group.

    An option of the kind ``OPTIONAL`` takes no value unless it is written with ``=``.
    """

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, a section for each group."""
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in table.GROUPS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                groups[getattr(parameter, "group", table.SHOWN)].append(record)
        for group, records in groups.items():
            if records:
                with formatter.section(group):
                    formatter.write_dl(records)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse *args*, with the value filled in where it was left out."""
        options = [each for each in self.params if isinstance(each, click.Option)]
        bare = {word for each in options if each.callback is _optional for word in each.opts}
        end = args.index("--") if "--" in args else len(args)
        filled = [f"{word}={table.GIVEN}" if word in bare else word for word in args[:end]]
        return super().parse_args(ctx, [*filled, *args[end:]])


def given(options: dict[str, Any], arguments: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return click's values in the form that reading by hand gives them."""
    plain = {name: "" if value is None else value for name, value in options.items()}
    return {**plain, "arguments": arguments}


def told(ctx: click.Context) -> frozenset[str]:
    """Return the names of the options that the command line or a variable tells."""
    sources = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    options = [each.name for each in ctx.command.params if isinstance(each, click.Option) and each.name]
    return frozenset([name for name in options if ctx.get_parameter_source(name) in sources])
