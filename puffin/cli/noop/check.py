"""Whether a kept answer still holds. Only ``os`` and ``sys`` are used, so that a no-op imports nothing else."""

import os
import sys
from time import perf_counter, time

from puffin.cache import frame
from puffin.cache.layout import current_boot
from puffin.cache.reading import read
from puffin.cli.screen.quantities import duration
from puffin.depends import content, kind, names, seal, sealed, stamp
from puffin.stages.link.commit.stamps import at_rest, read_framed, stamped, state_stamp, undisturbed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Environments = tuple[tuple[str, tuple[Any, ...]], ...]

FIELDS = 11
MANY = 3  # environments, from which on a forked child looks at half of them


def repeated(path: str, environ: "Mapping[str, str]", started: float) -> "list[tuple[int, str]] | None":
    """Return the answer in the file *path* as ``(number of the stream, text)``, None if it does not hold.

    The name of the file stands for the question.
    *started* is of ``time.perf_counter``: when this run began.
    """
    data = read(path)
    fields = frame.load(data) if data else None
    if not isinstance(fields, tuple) or len(fields) != FIELDS or fields[0] != os.path.basename(path):
        return None
    _, since, until, files, texts, kinds, directories, contents, variables, environments, said = fields
    if not since <= time() < until:
        return None
    if not all(sealed(environ.get(name)) == value for name, value in variables):
        return None
    if (
        not _unchanged(files, texts, kinds, directories)
        or not _same(contents)
        or not _as_they_were(environments)
    ):
        return None
    took = duration(perf_counter() - started)
    return [(stream, text if behind is None else f"{text}{took}{behind}") for stream, text, behind in said]


def tell_answer(path: str, environ: "Mapping[str, str]", started: float) -> bool:
    """Repeat the answer and return True, if it holds."""
    words = repeated(path, environ, started)
    if words is None:
        return False
    for stream, text in words:
        (sys.stdout if stream == 1 else sys.stderr).write(text)
    return True


def _unchanged(files: "Any", texts: "dict[str, bytes]", kinds: "Any", directories: "Any") -> bool:
    for path, first in files:
        if stamp(path) != first and (path not in texts or seal(content(path) or b"") != texts[path]):
            return False
    return all(kind(path) == first for path, first in kinds) and all(
        stamp(path) == first for path, first in directories
    )


def _same(contents: "Any") -> bool:
    """Tell whether what was young has still the same content, where times may not tell."""
    return all(
        (seal(content(path) or b"") if isinstance(first, bytes) else names(path)) == first
        for path, first in contents
    )


def _as_they_were(environments: "Environments") -> bool:
    boot = current_boot() if environments else ""
    if len(environments) < MANY or not hasattr(os, "fork"):
        return all(_as_it_was(root, facts, boot, undisturbed) for root, facts in environments)
    mine, others = _halves(environments)
    try:
        child = os.fork()
    except OSError:  # a limit on processes
        return all(_as_it_was(root, facts, boot, stamped) for root, facts in environments)
    if child == 0:
        code = 1
        try:
            code = 0 if all(_as_it_was(root, facts, boot, stamped) for root, facts in others) else 1
        finally:
            os._exit(code)
    try:
        good = all(_as_it_was(root, facts, boot, stamped) for root, facts in mine)
    finally:
        status = os.waitpid(child, 0)[1]
    return good and status == 0


def _halves(environments: "Environments") -> "tuple[list[Any], list[Any]]":
    """Deal the environments out so that both halves have about as much to look at; the sizes of states tell."""
    halves: tuple[list[Any], list[Any]] = ([], [])
    weights = [0, 0]
    for each in sorted(environments, key=lambda each: each[1][0][2], reverse=True):
        lighter = 0 if weights[0] <= weights[1] else 1
        halves[lighter].append(each)
        weights[lighter] += each[1][0][2]
    return halves


def _as_it_was(root: str, facts: "tuple[Any, ...]", boot: str, whole: "Any") -> bool:
    if not at_rest(root) or state_stamp(root) != facts[0]:
        return False
    head, fields = read_framed(root)
    return head == facts[1] and fields is not None and fields[1] == boot and bool(whole(root, fields))
