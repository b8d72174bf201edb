"""Writes `puffin.1`, the manual page, from the commands and options of the command line.

    python docs/man.py

A test fails if the file is out of date. The wheel installs it as `share/man/man1/puffin.1`.
"""

import re
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from puffin.cli.commands.app import every_command, puffin  # noqa: E402
from puffin.cli.options.click import Described, unmarked  # noqa: E402
from puffin.cli.options.table import GROUPS  # noqa: E402

FILE = ROOT / "docs" / "puffin.1"
_FILES = (
    (
        "puffin.toml, pyproject.toml",
        "Settings and environments: the nearest one, from the working directory upwards.",
    ),
    ("~/.config/puffin/puffin.toml", "Settings of the user."),
    ("~/.cache/puffin", "The cache; PUFFIN_CACHE_DIR names another place."),
)
_CODES = (
    ("0", "Everything is done, or nothing was to do."),
    ("1", "The command failed. Environments and files are as they were."),
    ("2", "The command line, a variable or a configuration file cannot be used."),
    ("3", "Some environments failed, the others are done."),
    ("4", "With --check, something differs; files of an environment are damaged (verify)."),
    ("70", "A bug in puffin."),
    ("75", "A failure that may pass, such as that of the network."),
)


def text() -> str:
    """Return the manual page as roff."""
    lines = ['.TH PUFFIN 1 "" "puffin" "User Commands"', ".SH NAME", "puffin \\- install Python packages"]
    lines += [
        ".SH SYNOPSIS",
        ".B puffin",
        "[COMMAND] [OPTIONS] [ARGUMENTS]",
        ".SH DESCRIPTION",
        _roff(puffin.help or ""),
    ]
    lines += [".SH COMMANDS"]
    for name, command in every_command():
        lines += _of_command(f"puffin {name}", command)
    for title, rows in (("FILES", _FILES), ("EXIT STATUS", _CODES)):
        lines.append(f".SH {title}")
        for term, meaning in rows:
            lines += [".TP", f".B {_roff(term)}", _roff(meaning)]
    return "\n".join(lines) + "\n"


def _of_command(name: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=name)
    pieces = command.collect_usage_pieces(context)
    lines = [f".SS {_roff(name)} {_roff(' '.join(pieces))}", _roff(command.help or "")]
    for argument in command.params:
        if isinstance(argument, Described):
            lines += [".TP", f".B {_roff(unmarked(str(argument.metavar)))}", _roff(argument.text)]
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    rank = {group: number for number, group in enumerate(GROUPS)}
    for option in sorted(options, key=lambda each: rank.get(getattr(each, "group", ""), 0)):
        record = option.get_help_record(context)
        if record is not None:
            lines += [".TP", f".B {_roff(record[0])}", _roff(record[1])]
    return lines


def _roff(text: str) -> str:
    """Return *text* as roff shows it: one line, hyphens as they are typed, no line that begins with a request."""
    line = re.sub(r"\s+", " ", text).strip().replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return f"\\&{line}" if line[:1] in (".", "'") else line


if __name__ == "__main__":
    FILE.write_text(text())
