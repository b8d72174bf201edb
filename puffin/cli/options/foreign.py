"""Options and commands of pip, pip-tools and uv that have no effect here, another name, or no counterpart.

They are accepted with a warning, or refused with a pointer to what to use instead; help does not list them.
"""

from collections.abc import Container, Sequence

from puffin.cli.options.table import FLAG, VALUE, Row
from puffin.cli.screen.console import Console
from puffin.errors import UsageError
from puffin.types import Any

Said = str | tuple[str, str]
Given = dict[str, Said]
Foreign = tuple[tuple[tuple[str, ...], str, Said], ...]

# (spellings, kind, what to say of it: a warning, or the reason and the hint of a refusal)
_NO_PIP = "has no effect: puffin does not run pip"
_ALWAYS = "has no effect: it is always on"
_NEW_PIP = ("puffin installs into environments and directories", "use a virtual environment, or `--target DIR`")
# fmt: off
_EVERYWHERE: Foreign = (
    (("--project",), VALUE, "has no effect on `pip` commands; use `--directory`"),
    (("--disable-pip-version-check",), FLAG, ""),
    (("--no-python-version-warning",), FLAG, ""),
    (("--no-input",), FLAG, ""),
    (("--no-color",), FLAG, "has no effect; use `--color never`"),
    (("--progress-bar",), VALUE, "has no effect; use `--no-progress`"),
    (("--require-virtualenv", "--require-venv"), FLAG, _ALWAYS),
    (("--use-feature",), VALUE, _NO_PIP),
    (("--use-deprecated",), VALUE, _NO_PIP),
    (("--log", "--log-file"), VALUE, "has no effect: puffin records every run in the cache"),
    (("--debug",), FLAG, "has no effect; use `-vv`"),
    (("--user",), FLAG, _NEW_PIP),
)
_INSTALL: Foreign = (
    (("--no-compile", "--no-compile-bytecode"), FLAG, "has no effect: this is the default; see `--compile-bytecode`"),
    (("--use-pep517",), FLAG, _ALWAYS),
    (("--no-use-pep517",), FLAG, ("puffin always builds with PEP 517", "leave it out")),
    (("--no-warn-script-location",), FLAG, ""),
    (("--no-warn-conflicts",), FLAG, "has no effect: conflicts are always reported"),
    (("--prefer-binary",), FLAG, "has no effect: wheels are preferred to source distributions of the same version"),
    (("--root-user-action",), VALUE, ""),
    (("--no-clean",), FLAG, _NO_PIP),
    (("--src",), VALUE, "has no effect: sources are checked out into the cache"),
    (("--force-reinstall",), FLAG, ("it has another name in puffin", "use `--reinstall`")),
    (("-I", "--ignore-installed"), FLAG, ("an environment cannot hold two versions of a package", "use `--reinstall`")),
    (("--upgrade-strategy",), VALUE,
     ("installed versions are kept unless they must change", "use `--upgrade-package NAME`")),
    (("--root",), VALUE, ("puffin does not install below another root", "use `--prefix DIR` or `--target DIR`")),
    (("--platform",), VALUE,
     ("it has another name in puffin", "use `--python-platform`, for example `x86_64-manylinux_2_28`")),
    (("--abi",), VALUE, ("the ABI follows from the version and the platform", "use `--python-version`")),
    (("--implementation",), VALUE,
     ("the implementation follows from the interpreter", "use `--python`, for example `--python pypy3.10`")),
)
_SYNC: Foreign = (
    (("-a", "--ask"), FLAG, ("puffin never asks", "preview with `--dry-run`, then run it")),
    (("--force",), FLAG, "has no effect: conflicts are reported but do not stop the sync"),
    (("--python-executable",), VALUE, ("it has another name in puffin", "use `--python`")),
    (("--pip-args",), VALUE, ("puffin does not run pip", "pass the options to puffin")),
)
_INSPECT: Foreign = (
    (("--include-editable",), FLAG, ""),
    (("--all",), FLAG, "has no effect: nothing is excluded anyway"),
)
_UPTODATE: Foreign = (
    (("-u", "--uptodate"), FLAG, ("puffin lists only outdated packages", "use `--outdated`")),
)
_COMPILE: Foreign = (
    (("--allow-unsafe",), FLAG, "has no effect: `pip`, `setuptools` and the like are pinned as any package is"),
    (("--no-allow-unsafe",), FLAG, "has no effect; to leave packages out of the output, use `--no-emit-package`"),
    (("--reuse-hashes",), FLAG, "has no effect: hashes of unchanged pins are always kept"),
    (("--resolver",), VALUE, "has no effect: there is one resolver"),
    (("--emit-trusted-host/--no-emit-trusted-host",), FLAG,
     "has no effect: trusted hosts stay in the requirements files"),
    (("--emit-options/--no-emit-options",), FLAG,
     "has no effect: say `--emit-index-url` and `--emit-find-links` for what is to be written"),
    (("--rebuild",), FLAG, "is `--refresh` here"),
    (("--pip-args",), VALUE, ("puffin does not run pip", "pass the options to puffin")),
    (("--max-rounds",), VALUE, ("puffin goes on until it has a solution, or knows that there is none", "leave it out")),
    (("--no-reuse-hashes",), FLAG,
     ("hashes of unchanged pins are kept", "to ask for all of them anew, use `--upgrade`")),
    (("--dry-run",), FLAG, ("a dry run is the default", "leave out `--output-file`, and nothing is written")),
)
# fmt: on
COMMANDS = {
    "compile": _COMPILE,
    "sync": (*_EVERYWHERE, *_INSTALL, *_SYNC),
    "install": (*_EVERYWHERE, *_INSTALL),
    "uninstall": (*_EVERYWHERE, (("--root-user-action",), VALUE, "")),
    "freeze": (*_EVERYWHERE, *_INSPECT),
    "list": (*_EVERYWHERE, *_INSPECT[:1], *_UPTODATE),
    "show": _EVERYWHERE,
    "check": _EVERYWHERE,
}

_NO_PYTHON = (
    "puffin does not install Python; `puffin venv --python VERSION` uses an interpreter of this machine"
)
_NO_PROJECT = (
    "puffin does not edit projects; write the dependency into `pyproject.toml`, then run `puffin sync`"
)
_NO_TOOL = "make an environment for the tool: `puffin venv DIR`, then `puffin pip install -p DIR PACKAGE`"
# what to use in place of commands that puffin does not have; a longer name stands before its beginning
INSTEAD = {
    "version": "`puffin --version` prints the version",
    "create": "`puffin venv` creates a virtual environment",
    "virtualenv": "`puffin venv` creates a virtual environment",
    "requirements": "`puffin pip compile` writes a requirements file with pins",
    "export": "`puffin lock` writes lock files, and `puffin pip compile` prints pins",
    "update": "`puffin pip install --upgrade PACKAGE` or `puffin lock --upgrade` takes newer versions",
    "upgrade": "`puffin pip install --upgrade PACKAGE` or `puffin lock --upgrade` takes newer versions",
    "run": "puffin does not run programs; use those in the `bin` directory of the environment, or activate it",
    "init": _NO_PROJECT,
    "add": _NO_PROJECT,
    "remove": "`puffin pip uninstall PACKAGE` removes a package from an environment",
    "build": "puffin builds only for installation; to make files for an index, use `python -m build`",
    "publish": "puffin does not publish; use `twine upload`",
    "tool": _NO_TOOL,
    "x": _NO_TOOL,
    "python": _NO_PYTHON,
    "self": "update puffin as you installed it, for example by `pip install --upgrade puffin-installer`",
    "info": "`puffin pip show PACKAGE` shows an installed package, `puffin cache size` the size of the cache",
    "cache info": "`puffin cache dir` prints where the cache is, and `puffin cache size` how big",
    "cache list": "`puffin cache size` prints how big the cache is; entries are not listed",
    "cache purge": "`puffin cache clean` removes all entries",
    "cache remove": "`puffin cache clean PACKAGE` removes the entries of a package",
    "pip cache": "`puffin cache` has the commands of the cache",
    "pip config": "puffin reads pip's configuration files; `puffin pip install -v` lists the settings from them",
    "pip debug": "`puffin pip install -v` prints each decision with its reason",
    "pip download": "puffin keeps wheels in its cache only; to get files, use `pip download`",
    "pip wheel": "puffin keeps wheels in its cache only; to get files, use `pip wheel`",
    "pip hash": "`puffin pip compile --generate-hashes` writes the hashes of all files",
    "pip index": "`puffin pip list --outdated` prints the newest versions of installed packages",
    "pip inspect": "`puffin pip list --format json` prints the installed packages",
    "pip search": "an index cannot be searched by an installer; search on its site",
}


def instead_of(words: "Sequence[str]", of_pip: "Container[str]") -> str:
    """Return what to use in place of the command *words*, empty if unknown; *of_pip* has those of `puffin pip`."""
    if words[0] in of_pip:
        return f"use `puffin pip {words[0]}`"
    return INSTEAD.get(" ".join(words)) or (INSTEAD.get(words[-1], "") if words[0] == "pip" else "")


def foreign_rows(command: str) -> "tuple[Row, ...]":
    """Return the foreign options of a command as rows of options that help does not list."""
    rows = COMMANDS.get(command, ())
    return tuple((spellings, _name(spellings), kind, "", "", "") for spellings, kind, _ in rows)


def take_out(command: str, options: "dict[str, Any]") -> "Given":
    """Move the foreign options out of *options*; return those that were given, by their spelling."""
    return {
        _long(spellings): said
        for spellings, _, said in COMMANDS.get(command, ())
        if options.pop(_name(spellings), None)
    }


def judge_foreign(given: "Given", console: "Console") -> None:
    """Warn about options that change nothing; raise :class:`UsageError` for those that would mean something else.

    A few that ask for what nobody would miss are taken without a word.
    """
    for spelling, said in given.items():
        if isinstance(said, tuple):
            raise UsageError(text=f"`{spelling}` is not supported: {said[0]}", hints=(said[1],))
    for spelling, said in given.items():
        if said:
            console.warn(f"`{spelling}` {said}")


def _long(spellings: tuple[str, ...]) -> str:
    return next(each for each in spellings if each.startswith("--")).partition("/")[0]


def _name(spellings: tuple[str, ...]) -> str:
    return f"foreign_{_long(spellings)[2:].replace('-', '_')}"
