"""Options of pip, pip-tools and uv that have no effect here, another name, or no counterpart, for each command.

They are accepted with a warning, or refused with a pointer to what to use instead; help does not list them.
"""

from puffin.cli.table import FLAG, VALUE
from puffin.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cli.console import Console
    from puffin.cli.table import Row

    Foreign = tuple[tuple[tuple[str, ...], str, str | tuple[str, str]], ...]

# (spellings, kind, what to say of it: a warning, or the reason and the hint of a refusal)
_NO_PIP = "has no effect: puffin does not run pip"
_ALWAYS = "has no effect: it is always so"
_NEW_PIP = ("puffin installs into environments and directories", "use a virtual environment, or `--target DIR`")
_EVERYWHERE: "Foreign" = (
    (("--disable-pip-version-check",), FLAG, ""),
    (("--no-python-version-warning",), FLAG, ""),
    (("--no-input",), FLAG, ""),
    (("--no-color",), FLAG, "has no effect; to have no colours, use `--color never`"),
    (("--progress-bar",), VALUE, "has no effect; to have no progress display, use `--no-progress`"),
    (("--require-virtualenv", "--require-venv"), FLAG, _ALWAYS),
    (("--use-feature",), VALUE, _NO_PIP),
    (("--use-deprecated",), VALUE, _NO_PIP),
    (("--log", "--log-file"), VALUE, "has no effect: every run leaves a record in the cache"),
    (("--debug",), FLAG, "has no effect; to be told more, use `-vv`"),
    (("--user",), FLAG, _NEW_PIP),
)
_INSTALL: "Foreign" = (
    (
        ("--no-compile", "--no-compile-bytecode"),
        FLAG,
        "has no effect: nothing is compiled without `--compile-bytecode`",
    ),
    (("--use-pep517",), FLAG, _ALWAYS),
    (("--no-use-pep517",), FLAG, ("puffin builds as PEP 517 says, and in no other way", "leave it out")),
    (("--no-warn-script-location",), FLAG, ""),
    (("--no-warn-conflicts",), FLAG, "has no effect: what does not fit together is always told"),
    (("--prefer-binary",), FLAG, "has no effect: of one version a wheel is always preferred"),
    (("--root-user-action",), VALUE, ""),
    (("--no-clean",), FLAG, _NO_PIP),
    (("--src",), VALUE, "has no effect: nothing is checked out into the environment"),
    (("--force-reinstall",), FLAG, ("it has another name here", "use `--reinstall`")),
    (("-I", "--ignore-installed"), FLAG, ("two versions cannot be installed at once", "use `--reinstall`")),
    (
        ("--upgrade-strategy",),
        VALUE,
        ("versions are kept unless they must change", "use `--upgrade-package NAME`"),
    ),
    (
        ("--root",),
        VALUE,
        ("nothing is installed relative to another root", "use `--prefix DIR` or `--target DIR`"),
    ),
    (
        ("--platform",),
        VALUE,
        ("it has another name here", "use `--python-platform`, as in `x86_64-manylinux_2_28`"),
    ),
    (("--abi",), VALUE, ("the ABI follows from the version and the platform", "use `--python-version`")),
    (
        ("--implementation",),
        VALUE,
        ("it follows from the interpreter", "use `--python`, as in `--python pypy3.10`"),
    ),
)
_SYNC: "Foreign" = (
    (("-a", "--ask"), FLAG, ("puffin never asks", "use `--dry-run`, then the same without it")),
    (("--force",), FLAG, "has no effect: conflicts are told, and do not hold it up"),
    (("--python-executable",), VALUE, ("it has another name here", "use `--python`")),
    (("--pip-args",), VALUE, ("puffin does not run pip", "give the options to puffin itself")),
)
_INSPECT: "Foreign" = (
    (("-l", "--local"), FLAG, "has no effect: what the environment takes from elsewhere is never listed"),
    (("--include-editable",), FLAG, ""),
    (("--all",), FLAG, "has no effect: nothing is left out"),
)
_UPTODATE: "Foreign" = (
    (("-u", "--uptodate"), FLAG, ("only what is outdated can be asked for", "use `--outdated`")),
)
COMMANDS = {
    "sync": (*_EVERYWHERE, *_INSTALL, *_SYNC),
    "install": (*_EVERYWHERE, *_INSTALL),
    "uninstall": (*_EVERYWHERE, (("--root-user-action",), VALUE, "")),
    "freeze": (*_EVERYWHERE, *_INSPECT),
    "list": (*_EVERYWHERE, *_INSPECT[:2], *_UPTODATE),
    "show": _EVERYWHERE,
    "check": _EVERYWHERE,
}


def foreign_rows(command: str) -> "tuple[Row, ...]":
    """Return the foreign options of a command as rows of options that help does not list."""
    return tuple((spellings, _name(spellings), kind, "", "") for spellings, kind, _ in COMMANDS[command])


def take_out(command: str, options: "dict[str, Any]") -> "dict[str, Any]":
    """Move the foreign options out of *options*; return those that were given, by their spelling."""
    given = {}
    for spellings, _, _ in COMMANDS[command]:
        if options.pop(_name(spellings), None):
            given[_long(spellings)] = next(said for names, _, said in COMMANDS[command] if names == spellings)
    return given


def judge(given: "dict[str, Any]", console: "Console") -> None:
    """Warn about options that change nothing; raise :class:`UsageError` for those that would mean something else.

    A few that ask for what nobody would miss are taken without a word.
    """
    for spelling, said in given.items():
        if isinstance(said, tuple):
            raise UsageError(text=f"`{spelling}` is not supported: {said[0]}", hints=(said[1],))
    for spelling, said in given.items():
        if said:
            console.warn(f"`{spelling}` {said}")


def _long(spellings: "tuple[str, ...]") -> str:
    return next(each for each in spellings if each.startswith("--"))


def _name(spellings: "tuple[str, ...]") -> str:
    return f"foreign_{_long(spellings)[2:].replace('-', '_')}"
