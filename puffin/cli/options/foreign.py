"""Options and commands of pip, pip-tools and uv that have another name here, no effect, or no counterpart.

They are taken under their own name, accepted with a warning, or refused with a pointer to what to use instead; help
does not list them.
"""

from collections.abc import Container, Iterator, Mapping, Sequence

from puffin import patterns
from puffin.cli.options.table import FLAG, LIST, VALUE, Row
from puffin.cli.screen.console import Console
from puffin.errors import UsageError
from puffin.names import shell_quoted
from puffin.types import Any
from puffin.value import frozen


@frozen
class Alias:
    """Another name of the option *name*, with this *value* if it takes one itself; *warning* says so if needed."""

    name: str
    value: str = ""
    warning: str = ""


Said = str | tuple[str, str] | Alias
Given = dict[str, Said]
Foreign = tuple[tuple[tuple[str, ...], str, Said], ...]

# (spellings, kind, what to say of it: a warning, the reason and the hint of a refusal, or the option that it is here)
_NO_PIP = "has no effect: puffin does not run pip"
_ALWAYS = "has no effect: it is always on"
_NEW_PIP = ("puffin installs into environments and directories", "use a virtual environment, or `--target DIR`")
_OWN_PYTHON = ("puffin uses the interpreters of this machine", "choose one with `--python`")
_PEP_517 = (
    "puffin always builds with PEP 517",
    "pass settings to the backend with `--config-setting KEY=VALUE`",
)
_CONFIGURED = (
    "the environments of `puffin sync` are configured",
    "set `extras` and `groups` of the environment in `puffin.toml`, or use `puffin pip sync` with `--group NAME`",
)
_LOCKS = (
    "`puffin sync` resolves only requirements without a lock",
    "give it to `puffin lock`, then run `puffin sync`",
)
_NOT_EDITABLE = ("it is configured", "set `editable = false` for the environment in `puffin.toml`")
_BUILD_HASHES = ("build requirements have no hashes", "limit their versions with `--build-constraint FILE`")
_NO_NETWORK = "has no effect: this command uses no network"
_JSON_REPORT = (
    "the result has a report of its own",
    "use `--report FILE`, or `--report -` for standard output",
)
# fmt: off
_ANYWHERE: Foreign = (
    (("--no-color",), FLAG, Alias(name="color", value="never")),
    (("--managed-python",), FLAG, _OWN_PYTHON),
    (("--no-managed-python",), FLAG, ""),
    (("--no-python-downloads",), FLAG, ""),
    (("--system-certs", "--native-tls"), FLAG, ""),
)
_VERSION: Foreign = (
    (("-V", "--version"), FLAG, ("it is not an option of this command", "`puffin --version` prints the version")),
)
_EVERYWHERE: Foreign = (
    *_ANYWHERE,
    (("--project",), VALUE, "has no effect on `pip` commands; use `--directory`"),
    (("--disable-pip-version-check",), FLAG, ""),
    (("--no-python-version-warning",), FLAG, ""),
    (("--no-input",), FLAG, ""),
    (("--progress-bar",), VALUE, "has no effect; use `--no-progress`"),
    (("--require-virtualenv", "--require-venv"), FLAG, _ALWAYS),
    (("--use-feature",), VALUE, _NO_PIP),
    (("--use-deprecated",), VALUE, _NO_PIP),
    (("--log", "--log-file"), VALUE, "has no effect: puffin records every run in the cache"),
    (("--debug",), FLAG, "has no effect; use `-vv`"),
    (("--user",), FLAG, _NEW_PIP),
    (("--exists-action",), VALUE, "has no effect: puffin never asks"),
    *_VERSION,
)
_INDEXED: Foreign = (  # of commands that ask indexes
    (("--allow-insecure-host",), LIST, Alias(name="trusted_host")),
)
_UNCONNECTED: Foreign = (  # of commands that do not
    (("--offline",), FLAG, ""),
    (("--keyring-provider",), VALUE, _NO_NETWORK),
    (("--proxy",), VALUE, _NO_NETWORK),
    (("--retries",), VALUE, _NO_NETWORK),
    (("--timeout",), VALUE, _NO_NETWORK),
    (("--trusted-host", "--allow-insecure-host"), LIST, _NO_NETWORK),
    (("--cert",), VALUE, _NO_NETWORK),
    (("--client-cert",), VALUE, _NO_NETWORK),
)
_UNCONFIGURED: Foreign = (  # of commands that read no configuration
    (("--isolated",), FLAG, ""),
    (("--no-config",), FLAG, ""),
    (("--config-file",), VALUE, "has no effect: this command reads no configuration"),
)
_RESOLVING: Foreign = (
    (("--require-build-hashes",), FLAG, _BUILD_HASHES),
    (("--no-require-build-hashes",), FLAG, ""),
    (("--torch-backend",), VALUE,
     ("puffin does not choose an index for PyTorch", "give its index with `--index-url URL`")),
    (("--fork-strategy",), VALUE, "has no effect: one version of each package is chosen"),
    (("--upgrade-group",), VALUE,
     ("packages are upgraded one by one, or all at once", "use `--upgrade-package NAME` or `--upgrade`")),
    (("--excludes",), VALUE,
     ("it is a setting of a project or script", "write `exclude-dependencies = [\"NAME\"]` into its `[tool.uv]`, "
      "or `NAME ; python_version < '0'` into a file for `--override`")),
)
_INSTALL: Foreign = (
    *_INDEXED,
    *_RESOLVING[:3],
    (("--no-compile", "--no-compile-bytecode"), FLAG, "has no effect: this is the default; see `--compile-bytecode`"),
    (("--use-pep517",), FLAG, _ALWAYS),
    (("--no-use-pep517",), FLAG, ("puffin always builds with PEP 517", "leave it out")),
    (("--global-option", "--build-option", "--install-option"), LIST, _PEP_517),
    (("--check-build-dependencies",), FLAG, "has no effect: build requirements are always resolved"),
    (("--no-warn-script-location",), FLAG, ""),
    (("--no-warn-conflicts",), FLAG, "has no effect: conflicts are always reported"),
    (("--no-break-system-packages",), FLAG, ""),
    (("--prefer-binary",), FLAG, "has no effect: wheels are preferred to source distributions of the same version"),
    (("--root-user-action",), VALUE, ""),
    (("--no-clean",), FLAG, _NO_PIP),
    (("--src",), VALUE, "has no effect: sources are checked out into the cache"),
    (("--force-reinstall",), FLAG, Alias(name="reinstall")),
    (("-I", "--ignore-installed"), FLAG, ("an environment cannot hold two versions of a package", "use `--reinstall`")),
    (("--ignore-requires-python",), FLAG,
     ("a version that does not support the interpreter is never chosen",
      "use another version, or another interpreter with `--python`")),
    (("--upgrade-strategy",), VALUE,
     ("installed versions are kept unless they must change", "use `--upgrade-package NAME`")),
    (("--root",), VALUE, ("puffin does not install below another root", "use `--prefix DIR` or `--target DIR`")),
    (("--platform",), LIST, Alias(name="python_platform")),
    (("--abi",), VALUE, ("the ABI follows from the version and the platform", "use `--python-version`")),
    (("--implementation",), VALUE,
     ("the implementation follows from the interpreter", "use `--python`, for example `--python pypy3.10`")),
    (("--output-format",), VALUE, _JSON_REPORT),
)
_INSTALL_ONLY: Foreign = (
    *_RESOLVING[3:],
    (("--requirements",), LIST, Alias(name="requirement")),
    (("--check",), FLAG,
     ("`pip install` cannot check an environment", "preview with `--dry-run`, or use `puffin pip sync --check`")),
    (("--no-editable-package",), LIST, ("editables cannot be chosen one by one", "use `--no-editable`")),
)
_FILES: Foreign = (
    (("-r", "--requirement", "--requirements"), LIST, ("requirements files are the arguments", "leave it out")),
)
_SYNC: Foreign = (
    *_FILES,
    (("-a", "--ask"), FLAG, ("puffin never asks", "preview with `--dry-run`, then run it")),
    (("--force",), FLAG, "has no effect: conflicts are reported but do not stop the sync"),
    (("--python-executable",), VALUE, Alias(name="python")),
    (("--pip-args",), VALUE, ("puffin does not run pip", "pass the options to puffin")),
    (("--no-allow-empty-requirements",), FLAG, ""),
    (("--config",), VALUE, ("files of pip-tools are not read", "use `--config-file`, or write `puffin.toml`")),
)
_INSPECT: Foreign = (
    *_EVERYWHERE,
    (("--include-editable",), FLAG, ""),
)
_EXCLUDING: Foreign = (
    (("--all",), FLAG, "has no effect: nothing is excluded anyway"),
)
_LIST: Foreign = (
    (("-u", "--uptodate"), FLAG, ("puffin lists only outdated packages", "use `--outdated`")),
    (("--exclude-newer", "--exclude-newer-package"), VALUE,
     ("the newest versions are those of the index", "leave it out")),
)
_STRICT: Foreign = (
    (("--strict",), FLAG, ("it is a command of its own", "use `puffin pip check`")),
)
_COMPILE: Foreign = (
    *_ANYWHERE,
    *_VERSION,
    *_INDEXED,
    *_RESOLVING,
    (("--allow-unsafe",), FLAG, "has no effect: `pip`, `setuptools` and the like are always pinned"),
    (("--no-allow-unsafe",), FLAG, "has no effect; to leave packages out of the output, use `--no-emit-package`"),
    (("--reuse-hashes",), FLAG, "has no effect: hashes of unchanged pins are always kept"),
    (("--resolver",), VALUE, "has no effect: there is one resolver"),
    (("--emit-trusted-host/--no-emit-trusted-host",), FLAG,
     "has no effect: trusted hosts stay in the requirements files"),
    (("--emit-options/--no-emit-options",), FLAG,
     "has no effect: use `--emit-index-url` and `--emit-find-links` to have options in the output"),
    (("-r", "--rebuild"), FLAG, Alias(name="refresh", warning="is `--refresh` here")),
    (("--pip-args",), VALUE, ("puffin does not run pip", "pass the options to puffin")),
    (("--max-rounds",), VALUE, ("puffin goes on until it has a solution, or knows that there is none", "leave it out")),
    (("--no-reuse-hashes",), FLAG,
     ("hashes of unchanged pins are kept", "to ask for all of them again, use `--upgrade`")),
    (("--uploaded-prior-to",), VALUE,
     ("it has another name in puffin", "use `--exclude-newer DATE`, which includes that day")),
    (("--newline",), VALUE, "has no effect: lines end with a line feed"),
    (("--build-isolation",), FLAG, ""),
    (("--config",), VALUE, ("files of pip-tools are not read", "use `--config-file`, or write `puffin.toml`")),
    (("--build-deps-for", "--all-build-deps", "--only-build-deps"), VALUE,
     ("build requirements are not pinned", "write them into a file and compile that")),
    (("--system",), FLAG, ("nothing is installed", "choose the interpreter with `--python`")),
    (("--link-mode",), VALUE, "has no effect: nothing is installed"),
    (("--project",), VALUE, "has no effect on `pip` commands; use `--directory`"),
)
_WORKSPACE: Foreign = (  # of uv's commands for projects
    *_ANYWHERE,
    *_INDEXED,
    *_RESOLVING[:5],
    (("--no-build-package",), LIST, Alias(name="only_binary")),
    (("--no-binary-package",), LIST, Alias(name="no_binary")),
    (("--project",), VALUE, ("it has another name in puffin", "use `--directory`")),
    (("--script",), VALUE, ("a script has no lock", "use `puffin pip sync FILE.py`")),
    (("--output-format",), VALUE, _JSON_REPORT),
)
_SYNC_WORKSPACE: Foreign = (
    *_FILES,
    (("--extra", "--no-extra", "--group", "--no-group", "--only-group"), LIST, _CONFIGURED),
    (("--all-extras", "--all-groups", "--no-default-groups", "--no-dev", "--only-dev", "--dev"), FLAG, _CONFIGURED),
    (("--no-editable",), FLAG, _NOT_EDITABLE),
    (("--no-editable-package",), LIST, _NOT_EDITABLE),
    (("--inexact",), FLAG,
     ("`puffin sync` removes other packages", "use `puffin pip install -r FILE`, which keeps them")),
    (("--active",), FLAG, ("environments are named or configured", "use `puffin pip sync`, which uses the active one")),
    (("--no-install-local",), FLAG, ("it has another name in puffin", "use `--no-install-workspace`")),
    (("--no-install-package",), LIST, ("packages are installed or not required", "use `--no-install-project`")),
    (("--locked",), FLAG,
     ("checking a lock is a command of its own", "run `puffin lock --check`, then `puffin sync --frozen`")),
    (("--all-packages",), FLAG, Alias(name="all")),
    (("--package",), LIST, ("environments have names", "name them: `puffin sync NAME`")),
    (("--python-platform",), VALUE, ("environments are for this machine", "use `puffin pip sync --target DIR`")),
    (("-U", "--upgrade"), FLAG, _LOCKS),
    (("-P", "--upgrade-package"), LIST, _LOCKS),
    (("--resolution",), VALUE, _LOCKS),
    (("--prerelease",), VALUE, _LOCKS),
    (("--prerelease-package",), LIST, _LOCKS),
    (("--exclude-newer-package",), LIST, _LOCKS),
)
_LOCK: Foreign = (
    *_FILES,
    (("--check-exists",), FLAG, ("it is part of the check", "use `--check`")),
    (("--locked",), FLAG, Alias(name="check")),
    (("--dry-run",), FLAG, ("a lock is checked or written", "use `--check`, which shows the difference")),
    (("--link-mode",), VALUE, "has no effect: nothing is installed"),
    (("--exclude-newer-package",), LIST,
     ("it is configured", "set `exclude-newer-package` in `puffin.toml`")),
)
_VENV: Foreign = (
    *_ANYWHERE,
    *_INDEXED,
    (("-c",), FLAG, Alias(name="clear")),
    (("--without-pip", "--no-seed"), FLAG, "has no effect: this is the default; see `--seed`"),
    (("--upgrade-deps",), FLAG, Alias(name="seed")),
    (("--symlinks",), FLAG, _ALWAYS),
    (("--copies", "--always-copy"), FLAG, ("the interpreter is always linked", "leave it out")),
    (("--no-project",), FLAG, ("`.python-version` and `requires-python` are read", "choose with `--python`")),
    (("--link-mode",), VALUE, ""),
    (("--exclude-newer", "--exclude-newer-package"), VALUE, ("seeds are the newest ones", "leave it out")),
    (("--project",), VALUE, ("it has another name in puffin", "use `--directory`")),
)
_FREEZE: Foreign = (
    (("-r", "--requirement"), LIST,
     ("packages are sorted by name", "`puffin pip compile` keeps versions of an output file")),
)
_SHOWN_ELSEWHERE: Foreign = (
    (("--show-sizes",), FLAG, ("sizes are not shown", "leave it out")),
)
_FOR_OTHERS: Foreign = (
    (("--python-version", "--python-platform"), VALUE,
     ("an environment is checked for its own interpreter", "name it with `--python`")),
)
# fmt: on
COMMANDS: Mapping[str, Foreign] = {
    "pip compile": _COMPILE,
    "pip sync": (*_EVERYWHERE, *_INSTALL, *_SYNC),
    "pip install": (*_EVERYWHERE, *_INSTALL, *_INSTALL_ONLY),
    "pip uninstall": (
        *_EVERYWHERE,
        *_UNCONNECTED,
        (("--requirements",), LIST, Alias(name="requirement")),
        (("--root-user-action",), VALUE, ""),
        (("--no-break-system-packages",), FLAG, ""),
    ),
    "pip freeze": (*_INSPECT, *_EXCLUDING, *_UNCONNECTED, *_UNCONFIGURED, *_FREEZE),
    "pip list": (*_INSPECT, *_INDEXED, *_LIST),
    "pip show": (*_EVERYWHERE, *_UNCONNECTED, *_UNCONFIGURED, *_STRICT),
    "pip check": (*_EVERYWHERE, *_UNCONNECTED, *_UNCONFIGURED, *_FOR_OTHERS),
    "pip tree": (*_EVERYWHERE, *_INDEXED, *_STRICT, *_SHOWN_ELSEWHERE, *_LIST[1:]),
    "sync": (*_WORKSPACE, *_SYNC_WORKSPACE),
    "lock": (*_WORKSPACE[:-1], *_LOCK),
    "venv": _VENV,
}

_NO_PYTHON = (
    "puffin does not install Python; `puffin venv --python VERSION` uses an interpreter of this machine"
)
_NO_PROJECT = (
    "puffin does not edit projects; write the dependency into `pyproject.toml`, then run `puffin sync`"
)
_NO_TOOL = "make an environment for the tool: `puffin venv DIR`, then `puffin pip install -p DIR PACKAGE`"
_ACTIVATE = "`. DIR/bin/activate` activates an environment; with `-p DIR` a command uses it without that"
_CONFIGURATION = (
    "write `puffin.toml`; pip's configuration files count too, and `puffin pip install -v` lists all settings"
)
_LOGIN = "credentials come from the URL, from `~/.netrc`, or the `keyring` command"
# what to use in place of commands that puffin does not have; a longer name stands before its beginning
INSTEAD = {
    "version": "`puffin --version` prints the version",
    "create": "`puffin venv` creates a virtual environment",
    "virtualenv": "`puffin venv` creates a virtual environment",
    "requirements": "`puffin pip compile` writes a requirements file with pins",
    "export": "`puffin lock` writes lock files, and `puffin pip compile` prints pins",
    "outdated": "`puffin pip list --outdated` lists installed packages that have newer versions",
    "ls": "`puffin pip list` lists the installed packages",
    "rm": "`puffin pip uninstall PACKAGE` removes a package from an environment",
    "search": "an index cannot be searched by an installer; search on its site",
    "update": "`puffin pip install --upgrade PACKAGE` or `puffin lock --upgrade` takes newer versions",
    "upgrade": "`puffin pip install --upgrade PACKAGE` or `puffin lock --upgrade` takes newer versions",
    "run": "puffin does not run programs; use those in the `bin` directory of the environment, or activate it",
    "init": _NO_PROJECT,
    "new": _NO_PROJECT,
    "add": _NO_PROJECT,
    "remove": "`puffin pip uninstall PACKAGE` removes a package from an environment",
    "build": "puffin builds only for installation; to make files for an index, use `python -m build`",
    "publish": "puffin does not publish; use `twine upload`",
    "tool": _NO_TOOL,
    "x": _NO_TOOL,
    "python": _NO_PYTHON,
    "self": "update puffin as you installed it, for example by `pip install --upgrade puffin-installer`",
    "env": "`puffin envs` lists the environments of a configuration, and `puffin venv` creates one",
    "config": _CONFIGURATION,
    "activate": _ACTIVATE,
    "deactivate": "`deactivate` is a function of the shell with an active environment",
    "shell": _ACTIVATE,
    "auth": _LOGIN,
    "login": _LOGIN,
    "generate-shell-completion": "`puffin completion SHELL` prints a completion script",
    "info": "`puffin pip show PACKAGE` shows an installed package, `puffin cache size` the size of the cache",
    "cache info": "`puffin cache dir` prints where the cache is, and `puffin cache size` how big",
    "cache list": "`puffin cache size` prints how big the cache is; entries are not listed",
    "cache purge": "`puffin cache clean` removes all entries",
    "cache remove": "`puffin cache clean PACKAGE` removes the entries of a package",
    "pip cache": "`puffin cache` has the commands of the cache",
    "pip config": _CONFIGURATION,
    "pip debug": "`puffin pip install -v` prints each decision with its reason",
    "pip download": "puffin keeps wheels in its cache only; to get files, use `pip download`",
    "pip wheel": "puffin keeps wheels in its cache only; to get files, use `pip wheel`",
    "pip lock": "`puffin pip compile -o pylock.toml FILE` writes a lock file",
    "pip hash": "`puffin pip compile --generate-hashes` writes the hashes of all files",
    "pip index": "`puffin pip list --outdated` prints the newest versions of installed packages",
    "pip inspect": "`puffin pip list --format json` prints the installed packages",
    "pip search": "an index cannot be searched by an installer; search on its site",
}


def instead_of(words: "Sequence[str]", of_pip: "Container[str]", more: "Sequence[str]" = ()) -> str:
    """Return what to use in place of the command *words*, empty if unknown; *of_pip* has those of `puffin pip`.

    *more* are the words that followed, which are kept where only the name of the command differs.
    """
    if words[0] in of_pip:
        return f"use `puffin pip {' '.join(map(shell_quoted, [words[0], *more]))}`"
    if words == ("pip", "help"):
        return f"use `puffin pip {' '.join(map(shell_quoted, [*more[:1], '--help']))}`"
    if words[:2] == ("pip", "cache"):
        return _of_cache(more)
    return INSTEAD.get(" ".join(words)) or (INSTEAD.get(words[-1], "") if words[0] == "pip" else "")


def _of_cache(more: "Sequence[str]") -> str:
    """Return what to use in place of `pip cache`."""
    if more[:1] and (found := INSTEAD.get(f"cache {more[0]}")):
        return found
    return f"use `puffin cache {' '.join(map(shell_quoted, more))}`" if more else INSTEAD["pip cache"]


def foreign_options(command: str) -> "Iterator[tuple[tuple[str, ...], str, Said]]":
    """Yield the foreign options of a command: each long spelling is one, so that messages have the word as typed."""
    for spellings, kind, said in COMMANDS.get(command, ()):
        short = tuple([each for each in spellings if not each.startswith("--")])
        for long in [each for each in spellings if each.startswith("--")] or [""]:
            yield (*short, long) if long else short, kind, said
            short = ()


def foreign_rows(command: str) -> "tuple[Row, ...]":
    """Return the foreign options of a command as rows of options that help does not list."""
    rows = foreign_options(command)
    return tuple([(spellings, _name(spellings), kind, "", "", "") for spellings, kind, _ in rows])


def take_out(command: str, options: "dict[str, Any]") -> "tuple[Given, dict[str, Any]]":
    """Move the foreign options out of *options*.

    Return those that were given, by their spelling, and the values of the options whose other names they are.
    """
    given: Given = {}
    meant: dict[str, Any] = {}
    for spellings, kind, said in foreign_options(command):
        value = options.pop(_name(spellings), None)
        if not value:
            continue
        given[_long(spellings)] = said
        if isinstance(said, Alias):
            meant[said.name] = _meant(said, kind, value, meant.get(said.name) or options.get(said.name))
    return given, meant


def _meant(alias: Alias, kind: str, value: "Any", former: "Any") -> "Any":
    """Return the value of the option that an alias stands for, beside its *former* one."""
    if alias.name == "python_platform":
        return platform_of(value[-1])
    if kind == LIST:
        return (*(former or ()), *value)
    return alias.value or value


# commands of pip-tools, for which `-n` is a dry run; for puffin and uv it is `--no-cache`
_OF_PIP_TOOLS = ("pip-sync", "pip-compile")


def as_pip_tools(argv: "Sequence[str]") -> "tuple[list[str], str]":
    """Return *argv* with ``-n`` as the command that it names means it, and what to warn of, if anything."""
    if not argv or argv[0] not in _OF_PIP_TOOLS or "-n" not in argv:
        return list(argv), ""
    own = f"puffin {argv[0].replace('-', ' ', 1)}"
    warning = f"`-n` is `--dry-run` for `{argv[0]}`, as in pip-tools; for `{own}` it is `--no-cache`"
    return ["--dry-run" if word == "-n" else word for word in argv], warning


def platform_of(tag: str) -> str:
    """Return the platform of a wheel tag as ``--python-platform`` names it; any other text as it is."""
    for pattern, name in _PLATFORMS:
        if found := patterns.fullmatch(pattern, tag):
            return found.expand(name)
    return tag


_PLATFORMS = (
    (r"(manylinux(?:1|2010|2014|_2_\d+))_(\w+)", r"\2-\1"),
    (r"linux_(\w+)", r"\1-unknown-linux-gnu"),
    (r"musllinux_1_\d+_(\w+)", r"\1-unknown-linux-musl"),
    (r"macosx_\d+_\d+_arm64", "aarch64-apple-darwin"),
    (r"macosx_\d+_\d+_x86_64", "x86_64-apple-darwin"),
    (r"win_amd64", "x86_64-pc-windows-msvc"),
    (r"win_arm64", "aarch64-pc-windows-msvc"),
    (r"win32", "i686-pc-windows-msvc"),
)


def judge_foreign(given: "Given", console: "Console") -> None:
    """Warn about options that change nothing; raise :class:`UsageError` for those that would mean something else.

    A few that ask for what nobody would miss are taken without a word.
    """
    for spelling, said in given.items():
        if isinstance(said, tuple):
            raise UsageError(text=f"`{spelling}` is not supported: {said[0]}", hints=(said[1],))
    for spelling, said in given.items():
        warning = said.warning if isinstance(said, Alias) else str(said)
        if warning:
            console.warn(f"`{spelling}` {warning}")


def _long(spellings: tuple[str, ...]) -> str:
    return next((each for each in spellings if each.startswith("--")), spellings[0]).partition("/")[0]


def _name(spellings: tuple[str, ...]) -> str:
    return f"foreign_{_long(spellings).lstrip('-').replace('-', '_')}"
