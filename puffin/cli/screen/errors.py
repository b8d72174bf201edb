"""From errors to messages and exit codes: errors are rendered here and nowhere else.

Of many causes only some of each kind are shown, of hints the first of each kind.
"""

from puffin.artifact.urls import mask_text
from puffin.cli.screen.console import Console
from puffin.errors import BUG, FAILED, TEMPORARY, Cause, PuffinError, is_limited
from puffin.types import Any, Collection, Iterator, Sequence

Trees = list[tuple[PuffinError, "Trees"]]
Path = tuple[int, ...]


CAUSES = 10  # that are shown at the most
HINTS = 5
_MORE = "(`-v` shows all)"
INTERRUPTED = 130


class Terminated(BaseException):
    """A signal asked the process to end; ``exit_code`` is 128 and its number, as shells have it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def status_of(error: BaseException | None) -> int:
    """Return the exit code of a run that *error* ended, 0 where nothing did."""
    if error is None:
        return 0
    if isinstance(error, PuffinError):
        return exit_code(error)
    if isinstance(error, Terminated):
        return error.exit_code
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else BUG


def exit_code(error: PuffinError) -> int:
    """Return the exit code of an error; one that only sums up others has the worst of theirs.

    A failure by a limit of the system is a temporary one.
    """
    worst = getattr(error, "worst", None)
    code = int(worst) if worst is not None else error.exit_code
    return TEMPORARY if code == FAILED and is_limited(error) else code


class _Plain:
    """Stands for a console without colour, for texts that are kept."""

    verbose = False

    def style(self, text: str, *_names: str) -> str:
        return text


def plain(error: PuffinError) -> str:
    """Return the error as :func:`render` does, without colour."""
    return render(error, _Plain())


def render(error: PuffinError, console: "Console | _Plain") -> str:
    """Return the error as people read it: first line, details, causes as a tree, hints at the end, each once.

    Of many causes some of each kind are shown, of hints one of each kind, unless the console is verbose.
    """
    lines = [f"{console.style('error', 'red', 'bold')}: {error.summary()}"]
    lines += [f"  {line}" if line else "" for line in error.details()]
    trees, left = first_causes(error, 0 if console.verbose else CAUSES)
    if left:
        trees.append((Cause(text=more_causes(left)), []))
    _add_causes(trees, lines, "  ")
    hints: dict[str, None] = {}
    _gather_hints(error, hints)
    shown, more = first_hints(list(hints), 0 if console.verbose else HINTS)
    if shown:
        lines.append("")
    lines += [f"{console.style('hint', 'cyan', 'bold')}: {hint}" for hint in shown]
    if more:
        lines.append(f"      {more}")
    return mask_text("\n".join(lines)) + "\n"


def _add_causes(trees: "Trees", lines: list[str], indent: str) -> None:
    last = len(trees) - 1
    for number, (cause, below_it) in enumerate(trees):
        branch, below = ("╰─▶ ", "    ") if number == last else ("├─▶ ", "│   ")
        first, *rest = str(cause).splitlines() or [""]
        lines.append(f"{indent}{branch}{first}")
        lines += [f"{indent}{below}{line}" for line in rest]
        _add_causes(below_it, lines, indent + below)


def _gather_hints(error: PuffinError, hints: dict[str, None]) -> None:
    for cause in error.causes:
        _gather_hints(cause, hints)
    hints.update(dict.fromkeys(error.hints))


def first_causes(error: "PuffinError", most: int) -> "tuple[Trees, int]":
    """Return the causes of *error* as trees with *most* ends at the most (0: all), and how many ends are left out.

    What is of another kind, by the classes from the root to the end, comes before more of one.
    """
    ends = dict(_ends(error.causes))
    chosen = _some(ends, most or len(ends))
    kept = {path[:length] for path in chosen for length in range(1, len(path) + 1)}
    return _kept(error.causes, kept, ()), len(ends) - len(chosen)


def _ends(
    causes: "Sequence[PuffinError]", at: "Path" = (), kind: tuple[str, ...] = ()
) -> "Iterator[tuple[Path, tuple[str, ...]]]":
    """Yield the place of each cause that has none beneath it, and its kind."""
    for number, cause in enumerate(causes):
        path, kinds = (*at, number), (*kind, type(cause).__name__)
        if cause.causes:
            yield from _ends(cause.causes, path, kinds)
        else:
            yield path, kinds


def _kept(causes: "Sequence[PuffinError]", kept: "Collection[Path]", at: "Path") -> "Trees":
    found = [(cause, (*at, number)) for number, cause in enumerate(causes)]
    return [(cause, _kept(cause.causes, kept, path)) for cause, path in found if path in kept]


def first_hints(hints: "Sequence[str]", most: int) -> "tuple[list[str], str]":
    """Return the first hint of each kind, *most* at the most (0: all hints), and a line about the others."""
    firsts = {_kind(hint): hint for hint in reversed(hints)}
    kinds = [hint for hint in dict.fromkeys(hints) if not most or firsts[_kind(hint)] == hint]
    chosen = kinds[: most or None]
    left = len({*hints}) - len(chosen)
    like = "" if len(kinds) > len(chosen) else f" like {'this' if len(chosen) == 1 else 'these'}"
    return chosen, f"and {left} more{like} {_MORE}" if left else ""


def _kind(hint: str) -> str:
    """Return a hint without what it names."""
    return "`".join(hint.split("`")[::2])


def _some(kinds: "dict[Any, Any]", most: int) -> "list[Any]":
    """Return *most* of the items, in order: the first of each kind before more of one."""
    firsts: dict[Any, Any] = {}
    for item, kind in kinds.items():
        firsts.setdefault(kind, item)
    first = {*firsts.values()}
    chosen = {*[*firsts.values(), *[item for item in kinds if item not in first]][:most]}
    return [item for item in kinds if item in chosen]


def more_causes(count: int) -> str:
    """Return the line about causes that are not shown."""
    return f"and {count} more {_MORE}"
