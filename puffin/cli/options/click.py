"""Click's parameters, made from the option tables, so that both ways of reading options share one list."""

from collections.abc import Callable
from functools import cached_property
from itertools import islice
from typing import Any

import click
from click.core import ParameterSource

from puffin.cli.options import table
from puffin.cli.options.table import Row


class _Place(click.Path):
    """A path, for shells to complete; what is there, the command finds out. Variables separate by blanks."""

    envvar_list_splitter = None  # type: ignore[assignment]


class Described(click.Argument):
    """An argument that help describes."""

    def __init__(self, text: str, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.text = text


def unmarked(metavar: str) -> str:
    """Return the name of an argument without the signs for whether it may be left out or repeated."""
    return metavar.strip("[].") if metavar.startswith("[") else metavar.removesuffix("...")


class WrongVariable(click.UsageError):
    """The environment variable of an option has a value that the option does not take."""

    def __init__(self, option: click.Option, text: str, hint: str) -> None:
        super().__init__(f"`{text}` is not a valid value for `{option.envvar}`")
        self.hint = hint


class _Option(click.Option):
    """An option of the table. Its variable is read as it is where click has no part in it."""

    def __init__(self, row: Row, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._row = row
        self.group = row[5]

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and its help, which ends with the variable, on one line."""
        record = super().get_help_record(ctx)
        if record is None:
            return None
        spelled = record[0].replace(" [", "[=") if self._row[2] == table.OPTIONAL else record[0]
        return spelled, f"{record[1]} [${self.envvar}]"

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """Return the value of the variable, None if it is not set; raises :class:`WrongVariable`."""
        text = self.resolve_envvar_value(ctx)
        choices, kind = table.choices_of(self._row), self._row[2]
        if text is None or not (choices or kind in (table.FLAG, table.COUNT)):
            return super().value_from_envvar(ctx)
        value = table.from_environment(self._row, {str(self.envvar): text})
        if value is None:
            words = "`1`, `true`, `yes`, `on`, or of `0`, `false`, `no`, `off`"
            words = ", ".join(f"`{each}`" for each in choices) if choices else words
            hint = "use a number, `true` or `false`" if kind == table.COUNT else f"use one of {words}"
            raise WrongVariable(self, text, hint)
        return value


def parameters(rows: tuple[Row, ...], hidden: tuple[Row, ...] = ()) -> list[click.Parameter]:
    """Return the options of *rows*, and those of *hidden*, which help does not list and variables do not set."""
    found: list[click.Parameter] = [_option(row) for row in rows]
    kinds: dict[str, dict[str, Any]] = {table.FLAG: {"is_flag": True}, table.LIST: {"multiple": True}}
    for spellings, name, kind, _, _, _ in hidden:
        flag = kinds.get(kind, {"default": ""})
        found.append(click.Option([*spellings, name], hidden=True, **flag))
    return found


def _option(row: Row) -> click.Option:
    spellings, name, kind, metavar, text, _ = row
    words = [*spellings, name]
    shared: dict[str, Any] = {"help": text, "envvar": f"PUFFIN_{name.upper()}"}
    if kind == table.FLAG:
        return _Option(row, words, is_flag=True, default=False, **shared)
    if kind == table.COUNT:
        return _Option(row, words, count=True, **shared)
    if kind == table.OPTIONAL:
        return _Option(row, words, default="", metavar=f"[{metavar}]", callback=_optional, **shared)
    if any(word in metavar for word in ("FILE", "DIR")):
        shared["type"] = _Place()
    if kind == table.LIST:
        return _Option(row, words, multiple=True, metavar=metavar, **shared)
    choices = table.choices_of(row)
    if choices:
        return _Option(row, words, type=click.Choice(choices), default=None, **shared)
    return _Option(row, words, default="", metavar=metavar, **shared)


def _optional(context: click.Context, parameter: click.Parameter, value: str) -> str:
    source = context.get_parameter_source(parameter.name or "")
    if source is click.core.ParameterSource.COMMANDLINE:
        return value or table.GIVEN
    return table.optional(value)


class OptionedCommand(click.Command):
    """A command whose help shows options by group.

    An option of the kind ``OPTIONAL`` takes no value unless it is written with ``=``. *make* returns the parameters.
    They are made when somebody looks at them: to make those of all commands takes nearly as long as to import click.
    """

    def __init__(
        self, *arguments: Any, make: Callable[[], list[click.Parameter]] | None = None, **settings: Any
    ) -> None:
        super().__init__(*arguments, **settings)
        if make is not None:
            self._make = make
            del self.params  # so that the property has its turn

    @cached_property
    def params(self) -> list[click.Parameter]:  # type: ignore[override]
        """The arguments and options."""
        return self._make()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the arguments mean, then the options, a section for each group."""
        described = [each for each in self.get_params(ctx) if isinstance(each, Described)]
        if described:
            with formatter.section("Arguments"):
                formatter.write_dl([(unmarked(str(each.metavar)), each.text) for each in described])
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
        valued = {word for each in options if not (each.is_flag or each.count) for word in each.opts} - bare
        filled: list[str] = []
        words = iter(args)
        for word in words:
            filled.append(f"{word}={table.GIVEN}" if word in bare else word)
            if word == "--":
                break
            if word in valued:
                filled.extend(islice(words, 1))  # the value, whatever it looks like
        return super().parse_args(ctx, [*filled, *words])


def given(ctx: click.Context, options: dict[str, Any]) -> dict[str, Any]:
    """Return click's values in the form that reading by hand gives them (see ``table.read_by_hand``)."""
    sources = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    values: dict[str, Any] = {}
    arguments: list[str] = []
    for parameter in ctx.command.params:
        name = parameter.name or ""
        value = options.get(name, "")
        if isinstance(parameter, click.Option) and name in options:
            values[name] = "" if value is None else value
        elif value:
            arguments += value if isinstance(value, tuple) else (value,)
    told = frozenset([name for name in values if ctx.get_parameter_source(name) in sources])
    return {**values, "arguments": tuple(arguments), "given": told}
