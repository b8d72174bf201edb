"""The question of a run: its words, its directory, and everything else that a run may depend on but files."""

import os
import sys

import puffin
from puffin.cache.layout import Bucket, default_root
from puffin.depends import BACKEND_PREFIXES, BACKEND_VARIABLES, seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FORMAT = 3
COMMANDS = frozenset({"sync", "compile", "install"})
# All variables that puffin, or what it asks on the way, may read; those that requirements files name are noted apart.
PREFIXES = (
    "PUFFIN_", "PIP_", "XDG_", "PYENV_", "CONDA_", "GIT_", "GITHUB_", "SSL_", "UV_",
    *BACKEND_PREFIXES,
)  # fmt: skip
VARIABLES = frozenset(
    (
        "VIRTUAL_ENV", "PATH", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "NETRC", "TERM", "TZ",
        "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NO_COLOR", "FORCE_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "CI",
        "PYC_INVALIDATION_MODE", "PYTHONPATH",
        *BACKEND_VARIABLES,
    )
)  # fmt: skip


def question(argv: "list[str]", environ: "Mapping[str, str]") -> "tuple[Any, ...] | None":
    """Return the question as builtins, found without reading a file; None for commands without answers."""
    if not _is_remembered(argv):
        return None
    try:
        here = os.getcwd()
    except OSError:  # it is gone
        return None
    variables = [
        (name, value) for name, value in environ.items() if name.startswith(PREFIXES) or name in VARIABLES
    ]
    return FORMAT, _puffin(), tuple(argv), here, os.isatty(2), tuple(sorted(variables)), _system()


def answer_place(asked: "tuple[Any, ...]", environ: "Mapping[str, str]") -> "tuple[str, str]":
    """Return the cache directory that a command line names, or the usual one, and the file of the answer there.

    What is asked may hold credentials: its digest is all that is kept of it.
    """
    root, words = "", asked[2]
    for number, word in enumerate(words):
        if word == "--cache-dir":
            root = "".join(words[number + 1 : number + 2])
        elif word.startswith("--cache-dir="):
            root = word[len("--cache-dir=") :]
    root = os.path.abspath(os.path.expanduser(root)) if root else default_root(environ)
    data = repr(asked).encode("utf-8", "surrogateescape")
    return root, f"{root}/{Bucket.ANSWERS}/{seal(data).hex()}"


def _is_remembered(argv: "list[str]") -> bool:
    first = argv[0] if argv else ""
    if first == "pip":
        return len(argv) > 1 and argv[1] in COMMANDS
    return first in ("sync", "lock") or (first[:4] == "pip-" and first[4:] in COMMANDS)


def _system() -> "tuple[str, ...]":
    """Return what the markers and tags of an interpreter depend on besides itself."""
    try:
        return (*os.uname(), os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (AttributeError, ValueError, OSError):  # another system, or another C library
        return ()


def _puffin() -> "tuple[Any, ...]":
    """Return which puffin this is, and which Python runs it."""
    facts = os.stat(puffin.__file__)
    return puffin.__version__, facts.st_mtime_ns, facts.st_ino, sys.version, sys.executable
