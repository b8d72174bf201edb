"""The ``.python-version`` file: which Python a directory and those beneath it want."""

import os

from puffin import depends
from puffin.cache.atomic import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = ".python-version"


def requested_version(directory: str) -> str:
    """Return what the nearest ``.python-version`` in *directory* or above it asks for, ``""`` for nothing.

    Its first line counts that is neither empty nor a comment. Names that only pyenv could resolve (of its
    environments, or ``system``) ask for nothing.
    """
    while True:
        depends.file(os.path.join(directory, NAME))
        data = read(os.path.join(directory, NAME))
        if data is not None:
            return _first(data.decode("utf-8", "replace"))
        above = os.path.dirname(directory)
        if above == directory:
            return ""
        directory = above


def find_requested(wish: str, environ: "Mapping[str, str]") -> str:
    """Return the path of the interpreter that the file asks for; raises what ``find_interpreter`` does, and why."""
    from puffin.errors import PuffinError
    from puffin.stages.link.interpreter import find_interpreter

    try:
        return find_interpreter(wish, environ)
    except PuffinError as error:
        error.hints = (*error.hints, f"it is `{NAME}` that asks for it; `--python` goes before the file")
        raise


def _first(text: str) -> str:
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    wish = next((line for line in lines if line and not line.startswith("#")), "")
    parts = wish.lower().replace("@", "-").split("-")
    if parts[0] in ("cpython", "pypy", "python"):  # as in cpython-3.12.1-linux-x86_64-gnu
        parts[:2] = ["".join(parts[:2])]
    version = parts[0].lstrip("abcdefghijklmnopqrstuvwxyz")
    return parts[0] if version[:1].isdigit() and "/" not in wish else ""
