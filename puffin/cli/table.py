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
        "auto|inline|pool|cluster|ADDRESS",
        "What runs the task graph; auto decides from the plan; tcp://HOST:PORT is a dask scheduler, for builds.",
    ),
    (
        ("-j", "--jobs"),
        "jobs",
        VALUE,
        "N",
        "How many processes work at once (default: the cores of this machine).",
    ),
    (
        ("--shared-filesystem",),
        "shared_filesystem",
        FLAG,
        "",
        "With a scheduler: its workers see the cache and the environments, and do all of the work.",
    ),
    (("--tls-ca",), "tls_ca", VALUE, "FILE", "With tls://: the certificates that the scheduler is checked by."),
    (("--tls-cert",), "tls_cert", VALUE, "FILE", "With tls://: the certificate of this side."),
    (("--tls-key",), "tls_key", VALUE, "FILE", "With tls://: the key of that certificate."),
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

TRUE, FALSE = ("1", "true", "t", "yes", "y", "on"), ("0", "false", "f", "no", "n", "off")
DEFAULTS: "dict[str, object]" = {FLAG: False, VALUE: "", LIST: (), COUNT: 0, OPTIONAL: ""}


def optional(text: str) -> str:
    """Return what the variable of an option means that may be given without a value: a switch, or the value."""
    if text.lower() in (*TRUE, GIVEN):
        return GIVEN
    return "" if text.lower() in FALSE else text


def unsaid(rows: "tuple[Row, ...]") -> "dict[str, object]":
    """Return the options of *rows* as if none of them was given, for commands that do not have them all."""
    return {row[1]: DEFAULTS[row[2]] for row in rows}


def from_environment(row: "Row", environ: "Mapping[str, str]") -> object:
    """Return the value of an option that was not given: its environment variable's, or its default.

    None is for a switch, or a count, whose variable has another value than it takes (see :func:`switched`).
    """
    _, name, kind, _, _ = row
    text = environ.get(f"PUFFIN_{name.upper()}", "")
    if not text:
        return DEFAULTS[kind]
    if kind in (FLAG, COUNT):
        return switched(kind, text)
    if kind == LIST:
        return tuple(text.split())
    return optional(text) if kind == OPTIONAL else text


def switched(kind: str, text: str) -> "bool | int | None":
    """Return what the variable of a switch or a count says; None for what is neither true, false nor a number."""
    if kind == COUNT and text.isascii() and text.isdigit() and len(text) < 4:
        return int(text)
    word = text.strip().lower()
    on = True if word in TRUE else False if word in FALSE else None
    return on if kind == FLAG or on is None else int(on)


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
            told = from_environment(row, environ)
            if told is None:
                return None
            given[row[1]] = told
    given["arguments"] = tuple(rest)
    given["given"] = frozenset(said)
    return given
