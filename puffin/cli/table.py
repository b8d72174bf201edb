"""The options of the commands, as data: read by hand on the way to a no-op, and turned into click's otherwise."""

FLAG = "flag"
VALUE = "value"
LIST = "list"
COUNT = "count"
OPTIONAL = "optional"  # a value that may be left out; it is written with "=", lest a file be taken for it
GIVEN = "auto"  # the value of such an option that was given without one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = tuple[tuple[str, ...], str, str, str, str]

# (spellings, name, kind, metavar or choices separated by "|", help); the environment variable is PUFFIN_<NAME>
PYTHON: "Row" = (
    ("-p", "--python"),
    "python",
    VALUE,
    "PYTHON",
    "The interpreter or environment to work on: a version, a path, or a virtual environment.",
)
TARGETS: "tuple[Row, ...]" = (
    PYTHON,
    (("--system",), "system", FLAG, "", "Work on the first Python on PATH, not on a virtual environment."),
    (
        ("-t", "--target"),
        "target",
        VALUE,
        "DIR",
        "Work on a directory that holds packages, not on an environment.",
    ),
    (("--prefix",), "prefix", VALUE, "DIR", "Work on a prefix (with `lib` and `bin`), not on an environment."),
)
FOREIGN: "tuple[Row, ...]" = (
    (
        ("--python-version",),
        "python_version",
        VALUE,
        "VERSION",
        "With --target: install for this Python version, as in 3.8 or 3.8.1.",
    ),
    (
        ("--python-platform",),
        "python_platform",
        VALUE,
        "PLATFORM",
        "With --target: install for linux, macos, windows, or such as x86_64-manylinux_2_28.",
    ),
)
EXCLUDE_NEWER: "Row" = (
    ("--exclude-newer",),
    "exclude_newer",
    VALUE,
    "DATE",
    "Act as on that date (the whole day counts) or at that RFC 3339 time: newer files do not exist.",
)
CONSTRAINT: "Row" = (
    ("-c", "--constraint", "--constraints"),
    "constraint",
    LIST,
    "FILE",
    "Limit versions by a constraints file.",
)
PROJECT: "tuple[Row, ...]" = (
    (("--extra",), "extra", LIST, "NAME", "Take an extra of the project along."),
    (("--all-extras",), "all_extras", FLAG, "", "Take all extras of the project along."),
    (("--group",), "group", LIST, "[PATH:]NAME", "Take a dependency group of `pyproject.toml` along."),
)
CACHE: "tuple[Row, ...]" = (
    (("--cache-dir",), "cache_dir", VALUE, "DIR", "Where the cache is."),
    (
        ("-n", "--no-cache", "--no-cache-dir"),
        "no_cache",
        FLAG,
        "",
        "Use a temporary cache that goes with the command.",
    ),
)
OUTPUT: "tuple[Row, ...]" = (
    (("-q", "--quiet"), "quiet", COUNT, "", "Say less; twice: nothing but errors."),
    (("-v", "--verbose"), "verbose", COUNT, "", "Say more."),
    (("--color",), "color", VALUE, "auto|always|never", "Whether to colour the output."),
    (("--no-progress",), "no_progress", FLAG, "", "Show no progress display."),
)
NETWORK: "tuple[Row, ...]" = (
    (("--cert",), "cert", VALUE, "FILE", "Trust the certificates in this PEM file, not the system's."),
    (("--client-cert",), "client_cert", VALUE, "FILE", "Show this certificate (PEM, with its key) to servers."),
    (
        ("--trusted-host",),
        "trusted_host",
        LIST,
        "HOST[:PORT]",
        "Do not check the certificate of this host.",
    ),
    (("--proxy",), "proxy", VALUE, "URL", "Send all requests through this proxy."),
    (
        ("--timeout", "--default-timeout"),
        "timeout",
        VALUE,
        "SECONDS",
        "How long to wait for a server to answer (default: 30).",
    ),
    (("--retries",), "retries", VALUE, "N", "How often to try a failed request again (default: 3)."),
    (
        ("--keyring-provider",),
        "keyring_provider",
        VALUE,
        "auto|disabled|import|subprocess",
        "Whether to ask the `keyring` command for credentials (default: auto, when a server wants some).",
    ),
)
CONFIG: "tuple[Row, ...]" = (
    (("--isolated",), "isolated", FLAG, "", "Ignore pip's configuration files and `PIP_` variables."),
    (("--no-config",), "no_config", FLAG, "", "Ignore `puffin.toml` and `[tool.puffin]`."),
)
INDEX: "tuple[Row, ...]" = (
    (
        ("-i", "--index-url"),
        "index_url",
        VALUE,
        "URL",
        "The base URL of the package index (PEP 503 or PEP 691).",
    ),
    (("--extra-index-url",), "extra_index_url", LIST, "URL", "A further index, asked before the index URL."),
    (("--default-index",), "default_index", VALUE, "URL", "The same as --index-url, and goes before it."),
    (("--index",), "index", LIST, "[NAME=]URL", "A further index, asked before those of --extra-index-url."),
    (
        ("--index-strategy",),
        "index_strategy",
        VALUE,
        "first-index|unsafe-first-match|unsafe-best-match",
        "What to do when several indexes have a package (default: first-index, which uses only that).",
    ),
    (("-f", "--find-links"), "find_links", LIST, "DIR|URL", "A directory or page with links to distributions."),
    (("--no-index",), "no_index", FLAG, "", "Ask no index; only look at --find-links."),
    (("--refresh",), "refresh", FLAG, "", "Do not trust what the cache knows of indexes and files."),
    (("--refresh-package",), "refresh_package", LIST, "NAME", "The same for one package."),
    (("--offline",), "offline", FLAG, "", "Do not use the network; take everything from the cache."),
    *NETWORK,
    *CONFIG,
)
RUN: "tuple[Row, ...]" = (
    (
        ("--executor",),
        "executor",
        VALUE,
        "auto|inline|pool|cluster",
        "What runs the task graph; auto decides from the plan.",
    ),
    (
        ("-j", "--jobs"),
        "jobs",
        VALUE,
        "N",
        "How many processes work at once (default: the cores of this machine).",
    ),
)
FILES: "tuple[Row, ...]" = (
    (
        ("--only-binary",),
        "only_binary",
        LIST,
        "NAME|:all:|:none:",
        "Use no source distributions (of one package).",
    ),
    (("--no-binary",), "no_binary", LIST, "NAME|:all:|:none:", "Use no wheels (of one package)."),
    (("--no-build",), "no_build", FLAG, "", "Build nothing: use wheels only."),
)
BUILD: "tuple[Row, ...]" = (
    (
        ("--no-build-isolation",),
        "no_build_isolation",
        FLAG,
        "",
        "Build with what is installed, not in environments made for it.",
    ),
    (
        ("--no-build-isolation-package",),
        "no_build_isolation_package",
        LIST,
        "NAME",
        "The same for one package, which is built after the others are installed.",
    ),
    (
        ("-C", "--config-setting", "--config-settings"),
        "config_setting",
        LIST,
        "KEY=VALUE",
        "Pass a setting to the build backends.",
    ),
    (
        ("-b", "--build-constraint", "--build-constraints"),
        "build_constraint",
        LIST,
        "FILE",
        "Limit the versions of build requirements by a constraints file.",
    ),
)
PROFILE: "tuple[Row, ...]" = (
    (("--profile",), "profile", OPTIONAL, "FILE.html", "Write a page about where the time went."),
    (("--trace",), "trace", VALUE, "FILE.json", "Write a trace for Perfetto and Chrome's `chrome://tracing`."),
)
DASHBOARD: "tuple[Row, ...]" = (
    (("--dashboard",), "dashboard", OPTIONAL, "PORT", "Run on a cluster and show dask's live dashboard."),
    (("--dashboard-linger",), "dashboard_linger", FLAG, "", "Keep the dashboard up until Ctrl-C."),
)
SYNC: "tuple[Row, ...]" = (
    *TARGETS,
    *FOREIGN,
    *INDEX,
    *FILES,
    CONSTRAINT,
    EXCLUDE_NEWER,
    *PROJECT,
    (("--require-hashes",), "require_hashes", FLAG, "", "Demand a hash for every requirement."),
    (("--no-verify-hashes",), "no_verify_hashes", FLAG, "", "Do not check the hashes that files give."),
    (("--strict",), "strict", FLAG, "", "Check afterwards that what is installed fits together."),
    (("--reinstall",), "reinstall", FLAG, "", "Install everything anew."),
    (("--reinstall-package",), "reinstall_package", LIST, "NAME", "Install one package anew."),
    (
        ("--link-mode",),
        "link_mode",
        VALUE,
        "clone|hardlink|copy|symlink",
        "How files come from the cache into the environment (default: hardlink).",
    ),
    (
        ("--compile-bytecode", "--compile"),
        "compile_bytecode",
        FLAG,
        "",
        "Compile modules, once for all environments, and link the bytecode along.",
    ),
    (
        ("--path-conflict",),
        "path_conflict",
        VALUE,
        "warn|error",
        "What to do when packages bring the same file.",
    ),
    (("--dry-run",), "dry_run", FLAG, "", "Say what would be done, and do nothing."),
    (
        ("--allow-empty-requirements",),
        "allow_empty_requirements",
        FLAG,
        "",
        "Empty the environment when nothing is required.",
    ),
    (
        ("--break-system-packages",),
        "break_system_packages",
        FLAG,
        "",
        "Change an externally managed environment.",
    ),
    *BUILD,
    *RUN,
    *PROFILE,
    *DASHBOARD,
    *CACHE,
    *OUTPUT,
)

COMPILE: "tuple[Row, ...]" = (
    (
        ("-o", "--output-file"),
        "output_file",
        VALUE,
        "FILE",
        "Write the pins to this file, whose pins are preferred.",
    ),
    (
        ("--format",),
        "output_format",
        VALUE,
        "requirements.txt|pylock.toml",
        "The format of the output (default: what the name of the output file tells).",
    ),
    *PROJECT,
    CONSTRAINT,
    (
        ("--override", "--overrides"),
        "override",
        LIST,
        "FILE",
        "Replace what packages require, by a requirements file.",
    ),
    (("-U", "--upgrade"), "upgrade", FLAG, "", "Ignore the pins of the output file."),
    (
        ("-P", "--upgrade-package"),
        "upgrade_package",
        LIST,
        "NAME[==V]",
        "Ignore the pin of one package in the output file.",
    ),
    (
        ("--resolution",),
        "resolution",
        VALUE,
        "highest|lowest|lowest-direct",
        "Which of the fitting versions to choose (default: highest).",
    ),
    (
        ("--prerelease",),
        "prerelease",
        VALUE,
        "disallow|allow|if-necessary|explicit|if-necessary-or-explicit",
        "Which pre-releases to accept (default: if-necessary-or-explicit).",
    ),
    (("--pre",), "pre", FLAG, "", "Accept all pre-releases, as `--prerelease allow`."),
    EXCLUDE_NEWER,
    (
        ("--python-version",),
        "python_version",
        VALUE,
        "VERSION",
        "The Python version to resolve for, as in 3.8 or 3.8.1.",
    ),
    (
        ("--python-platform",),
        "python_platform",
        VALUE,
        "PLATFORM",
        "The platform to resolve for: linux, macos, windows, or such as x86_64-manylinux_2_28.",
    ),
    PYTHON,
    (("--no-deps",), "no_deps", FLAG, "", "Pin only what the sources name."),
    *FILES,
    (
        ("--generate-hashes/--no-generate-hashes",),
        "generate_hashes",
        FLAG,
        "",
        "Write the hashes of all files.",
    ),
    (
        ("--annotation-style",),
        "annotation_style",
        VALUE,
        "split|line",
        "How to say who wanted a package (default: split).",
    ),
    (("--no-annotate/--annotate",), "no_annotate", FLAG, "", "Do not say who wanted a package."),
    (("--no-header/--header",), "no_header", FLAG, "", "Write no header."),
    (("--no-strip-extras/--strip-extras",), "no_strip_extras", FLAG, "", "Write the extras of packages."),
    (("--no-strip-markers/--strip-markers",), "no_strip_markers", FLAG, "", "Write the markers of packages."),
    (
        ("--no-emit-package", "--unsafe-package"),
        "no_emit_package",
        LIST,
        "NAME",
        "Leave a package out of the output; what it needs stays.",
    ),
    (
        ("--emit-index-url/--no-emit-index-url",),
        "emit_index_url",
        FLAG,
        "",
        "Write the URLs of the indexes, without credentials.",
    ),
    (
        ("--emit-find-links/--no-emit-find-links",),
        "emit_find_links",
        FLAG,
        "",
        "Write the `--find-links` places.",
    ),
    (("--emit-build-options",), "emit_build_options", FLAG, "", "Write `--no-binary` and `--only-binary`."),
    (("--emit-index-annotation",), "emit_index_annotation", FLAG, "", "Say which index each package is from."),
    (
        ("--custom-compile-command",),
        "custom_compile_command",
        VALUE,
        "TEXT",
        "The command to name in the header.",
    ),
    *BUILD,
    *INDEX,
    *PROFILE,
    *CACHE,
    *OUTPUT,
)
# pip-tools' and uv's options that have no effect or no counterpart; the command says so where they are used.
COMPILE_FOREIGN: "tuple[Row, ...]" = (
    (("--allow-unsafe",), "allow_unsafe", FLAG, "", ""),
    (("--no-allow-unsafe",), "no_allow_unsafe", FLAG, "", ""),
    (("--reuse-hashes",), "reuse_hashes", FLAG, "", ""),
    (("--no-reuse-hashes",), "no_reuse_hashes", FLAG, "", ""),
    (("--resolver",), "resolver", VALUE, "NAME", ""),
    (("--emit-trusted-host/--no-emit-trusted-host",), "emit_trusted_host", FLAG, "", ""),
    (("--emit-options/--no-emit-options",), "emit_options", FLAG, "", ""),
    (("--rebuild",), "rebuild", FLAG, "", ""),
    (("--pip-args",), "pip_args", VALUE, "TEXT", ""),
    (("--max-rounds",), "max_rounds", VALUE, "N", ""),
    (("--dry-run",), "dry_run", FLAG, "", ""),
    (("--universal",), "universal", FLAG, "", ""),
)

FREEZE: "tuple[Row, ...]" = (
    (("--exclude-editable",), "exclude_editable", FLAG, "", "Leave out editable installs."),
    (("--exclude",), "exclude", LIST, "NAME", "Leave out a package."),
    (("--path",), "path", LIST, "DIR", "Look into this directory instead of an environment."),
    (("--strict",), "strict", FLAG, "", "Also check that what is installed fits together."),
)
LISTING: "tuple[Row, ...]" = (
    (("--format",), "format", VALUE, "columns|freeze|json", "How to print the list."),
    (("-o", "--outdated"), "outdated", FLAG, "", "Only what an index has a newer version of, and which."),
    (("--pre",), "pre", FLAG, "", "Count pre-releases as newer versions."),
    (("--not-required",), "not_required", FLAG, "", "Only what no other installed package requires."),
    (("-e", "--editable"), "editable", FLAG, "", "Only editable installs."),
    *FREEZE,
    *INDEX,
)
SHOW: "tuple[Row, ...]" = ((("-f", "--files"), "files", FLAG, "", "List the files of each package."),)
TREE: "tuple[Row, ...]" = (
    (("--invert",), "invert", FLAG, "", "Show what requires each package, not what it requires."),
    (("-d", "--depth"), "depth", VALUE, "N", "How many levels to show beneath the roots (default: 255)."),
    (("--package",), "package", LIST, "NAME", "Only show the tree of this package."),
    (("--prune",), "prune", LIST, "NAME", "Leave a package out of the tree."),
    (("--no-dedupe",), "no_dedupe", FLAG, "", "Show the tree of a package wherever the package is."),
    (
        ("--show-version-specifiers",),
        "show_version_specifiers",
        FLAG,
        "",
        "Show which versions are asked for.",
    ),
)
VERIFY: "tuple[Row, ...]" = (
    (("--deep",), "deep", FLAG, "", "Read every file, and name wheels whose own list of files was wrong."),
)
UNINSTALL: "tuple[Row, ...]" = (
    (
        ("-r", "--requirement"),
        "requirement",
        LIST,
        "FILE",
        "Remove the packages that a requirements file names.",
    ),
    (("-y", "--yes"), "yes", FLAG, "", "Accepted as in pip; puffin never asks."),
    (("--dry-run",), "dry_run", FLAG, "", "Say what would be removed, and do nothing."),
    (
        ("--break-system-packages",),
        "break_system_packages",
        FLAG,
        "",
        "Change an externally managed environment.",
    ),
)
VENV: "tuple[Row, ...]" = (
    (("-p", "--python"), "python", VALUE, "PYTHON", "The interpreter to use: a version or a path."),
    (("--seed",), "seed", FLAG, "", "Install pip (and setuptools and wheel before Python 3.12)."),
    (("--clear",), "clear", FLAG, "", "Replace what is at PATH."),
    (("--prompt",), "prompt", VALUE, "TEXT", "What the shell prompt shows."),
    (
        ("--system-site-packages",),
        "system_site_packages",
        FLAG,
        "",
        "Let the environment see the system's packages.",
    ),
    (("--relocatable",), "relocatable", FLAG, "", "Make scripts that work wherever the environment is moved."),
    *INDEX,
    *CACHE,
    *OUTPUT,
)
PRUNE: "tuple[Row, ...]" = (
    (
        ("--unused-for",),
        "unused_for",
        VALUE,
        "AGE",
        "Also remove what was not used for so long, as in 14d or 12h.",
    ),
    (
        ("--max-size",),
        "max_size",
        VALUE,
        "SIZE",
        "Also remove what was not used for the longest time, until the rest fits, as in 2G.",
    ),
    (("--ci",), "ci", FLAG, "", "Also remove all that is cheap to fetch again; keep what was built."),
)
CLEAN: "tuple[Row, ...]" = ((("--force",), "force", FLAG, "", "Do not wait for other puffin processes."),)

DEFAULTS: "dict[str, object]" = {FLAG: False, VALUE: "", LIST: (), COUNT: 0, OPTIONAL: ""}


def optional(text: str) -> str:
    """Return what the variable of an option means that may be given without a value: a switch, or the value."""
    if text.lower() in ("1", "true", "t", "yes", "y", "on", GIVEN):
        return GIVEN
    return "" if text.lower() in ("0", "false", "f", "no", "n", "off") else text


def unsaid(rows: "tuple[Row, ...]") -> "dict[str, object]":
    """Return the options of *rows* as if none of them was given, for commands that do not have them all."""
    return {row[1]: DEFAULTS[row[2]] for row in rows}


def from_environment(row: "Row", environ: "Mapping[str, str]") -> object:
    """Return the value of an option that was not given: its environment variable's, or its default."""
    _, name, kind, _, _ = row
    text = environ.get(f"PUFFIN_{name.upper()}", "")
    if not text:
        return DEFAULTS[kind]
    if kind == FLAG:
        return text.lower() in ("1", "true", "t", "yes", "y", "on")
    if kind == LIST:
        return tuple(text.split())
    if kind == COUNT:
        return int(text) if text.isdigit() else 1
    return optional(text) if kind == OPTIONAL else text


def read_by_hand(
    rows: "tuple[Row, ...]", arguments: "list[str]", environ: "Mapping[str, str]"
) -> "dict[str, object] | None":
    """Return the options and, under ``arguments``, the rest; None for anything that click should judge.

    Under ``given`` are the names of the options that the command line or a variable tells.
    """
    spelled = {spelling: row for row in rows for spelling in row[0]}
    given: dict[str, object] = {}
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if not word.startswith("-") or word == "-":
            rest.append(word)
            continue
        spelling, equals, value = word.partition("=")
        row = spelled.get(spelling)
        if row is None or (equals and not spelling.startswith("--")):
            return None
        _, name, kind, choices, _ = row
        if kind in (FLAG, COUNT):
            if equals:
                return None
            given[name] = True if kind == FLAG else int(str(given.get(name, 0))) + 1
            continue
        if kind == OPTIONAL:
            given[name] = value or GIVEN
            continue
        text = value if equals else next(words, None)
        if text is None or ("|" in choices and choices.islower() and text not in choices.split("|")):
            return None
        former = given.get(name, ())
        given[name] = (*former, text) if kind == LIST and isinstance(former, tuple) else text
    said = [row[1] for row in rows if row[1] in given or environ.get(f"PUFFIN_{row[1].upper()}")]
    for row in rows:
        if row[1] not in given:
            given[row[1]] = from_environment(row, environ)
    given["arguments"] = tuple(rest)
    given["given"] = frozenset(said)
    return given
