"""Sets of versions as short text."""

from collections.abc import Sequence

from puffin.stages.resolve.solve.requirement import is_prerelease

_RUNS = 3


def in_words(texts: Sequence[str], chosen: set[str]) -> str:
    """Return *chosen* versions as stretches of *texts* (all there are, newest first): ``1.0 to 1.4, 2.0``.

    Pre-releases that are not chosen do not interrupt a stretch. Long answers end in a count.
    """
    runs = _runs(texts, chosen)
    shown = [_run(run) for run in runs[:_RUNS]]
    left = sum(len(run) for run in runs[_RUNS:])
    return ", ".join(shown) + (f" and {left} more" if left else "")


def _runs(texts: Sequence[str], chosen: set[str]) -> list[list[str]]:
    """Return the stretches of chosen versions, oldest first."""
    runs: list[list[str]] = [[]]
    for text in reversed(texts):
        if text in chosen:
            runs[-1].append(text)
        elif runs[-1] and not is_prerelease(text):
            runs.append([])
    return [run for run in runs if run]


def _run(run: list[str]) -> str:
    if len(run) == 1:
        return run[0]
    return f"{run[0]} and {run[1]}" if len(run) == 2 else f"{run[0]} to {run[-1]}"


def listed(items: Sequence[str], word: str = "and") -> str:
    """Return items as a list in a sentence."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}" if items else ""
