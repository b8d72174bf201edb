"""Commands whose usual options are read without click, because its import takes longer than their work."""

import os

from puffin.cli.options.compile import COMPILE, COMPILE_FOREIGN
from puffin.cli.options.table import FLAG, read_by_hand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run_by_hand(command: str, words: "list[str]", started: float) -> int | None:
    """Run ``pip compile`` or ``pip install`` and return its exit code; None for anything that click should judge."""
    options = _compile_options(words) if command == "compile" else _install_options(words)
    if options is None:
        return None
    from puffin.cli.screen.errors import guarded

    return guarded(_function(command), options, started)


def _function(command: str) -> "Any":
    if command == "compile":
        from puffin.cli.commands.compile import compile_

        return compile_
    from puffin.cli.commands.install import install

    return install


def _compile_options(words: "list[str]") -> "dict[str, Any] | None":
    options = read_by_hand(COMPILE, words, os.environ)
    if options is None:
        return None
    foreign = {row[1]: False if row[2] == FLAG else "" for row in COMPILE_FOREIGN}
    return {**foreign, **options, "words": tuple(words)}


def _install_options(words: "list[str]") -> "dict[str, Any] | None":
    from puffin.cli.options.install import INSTALL

    return read_by_hand(INSTALL, words, os.environ)
