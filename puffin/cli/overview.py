"""What ``puffin help`` says: where to begin, and every command by what it is about."""

import click

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

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


def overview(root: click.Group, formatter: click.HelpFormatter) -> None:
    """Write the examples, the commands of *root* with those of its groups, and a note."""
    with formatter.section("To begin with"):
        formatter.write_dl(_EXAMPLES, col_max=40)
    for title, rows in _sections(root):
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
