"""The options of the commands as tables, which are read without click for usual options."""

FLAG = "flag"
VALUE = "value"
LIST = "list"
COUNT = "count"
OPTIONAL = "optional"  # a value that may be left out; it is written with "=", lest a file be taken for it
GIVEN = "auto"  # the value of such an option that was given without one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

Row = tuple[tuple[str, ...], str, str, str, str, str]
# groups of options, in the order in which help shows them
COMMON, ENVIRONMENT, RESOLUTION, WRITTEN = "Options", "Environment", "Resolution", "Output file"
DISTRIBUTIONS, INDEXES, NETWORKING, BUILDING = "Distributions and hashes", "Indexes", "Network", "Builds"
RUNNING, PLACES, SHOWN = "Execution", "Configuration and cache", "Display"
GROUPS = (
    COMMON, ENVIRONMENT, RESOLUTION, WRITTEN, DISTRIBUTIONS, INDEXES, NETWORKING, BUILDING, RUNNING, PLACES, SHOWN,
)  # fmt: skip


def picked(rows: "tuple[Row, ...]", *names: str) -> "tuple[Row, ...]":
    """Return those of *rows* that have these names."""
    return tuple([row for row in rows if row[1] in names])


# (spellings, name, kind, metavar or choices separated by "|", help, group); the environment variable is PUFFIN_<NAME>
# fmt: off
PYTHON = (
    (("-p", "--python"), "python", VALUE, "PYTHON",
     "The interpreter or environment to use: a version, a path, or a virtual environment.", ENVIRONMENT),
)
TARGETS = (
    *PYTHON,
    (("--system",), "system", FLAG, "", "Use the first Python on PATH instead of a virtual environment.", ENVIRONMENT),
    (("-t", "--target"), "target", VALUE, "DIR",
     "Use a plain directory of packages instead of an environment.", ENVIRONMENT),
    (("--prefix",), "prefix", VALUE, "DIR",
     "Use a prefix (with `lib` and `bin`) instead of an environment.", ENVIRONMENT),
)
FOREIGN = (
    (("--python-version",), "python_version", VALUE, "VERSION",
     "With --target: install for this Python version, for example 3.8 or 3.8.1.", ENVIRONMENT),
    (("--python-platform",), "python_platform", VALUE, "PLATFORM",
     "Install for linux, macos, windows, or for example x86_64-manylinux_2_28.", ENVIRONMENT),
)
EXTERNAL = (
    (("--break-system-packages",), "break_system_packages", FLAG, "",
     "Change an environment that is marked as externally managed.", ENVIRONMENT),
)
DRY_RUN = (
    (("--dry-run",), "dry_run", FLAG, "", "Show what would change, and change nothing.", COMMON),
)
CONSTRAINTS = (
    (("-c", "--constraint", "--constraints"), "constraint", LIST, "FILE",
     "Constrain versions with a file.", RESOLUTION),
    (("--exclude-newer",), "exclude_newer", VALUE, "DATE",
     "Ignore files uploaded after DATE (inclusive) or after an RFC 3339 time.", RESOLUTION),
    (("--exclude-newer-package",), "exclude_newer_package", LIST, "NAME=DATE|false",
     "The same for one package, whatever --exclude-newer says.", RESOLUTION),
)
PROJECT = (
    (("--extra",), "extra", LIST, "NAME", "Include an extra of the project.", COMMON),
    (("--all-extras",), "all_extras", FLAG, "", "Include all extras of the project.", COMMON),
    (("--group",), "group", LIST, "[PATH:]NAME", "Include a dependency group of `pyproject.toml`.", COMMON),
)
CACHE = (
    (("--cache-dir",), "cache_dir", VALUE, "DIR", "The directory of the cache.", PLACES),
    (("-n", "--no-cache", "--no-cache-dir"), "no_cache", FLAG, "",
     "Use a temporary cache, deleted at the end.", PLACES),
)
OUTPUT = (
    (("--directory",), "directory", VALUE, "DIR", "Change to this directory first.", PLACES),
    (("-q", "--quiet"), "quiet", COUNT, "", "Print less; twice: only errors.", SHOWN),
    (("-v", "--verbose"), "verbose", COUNT, "", "Print more.", SHOWN),
    (("--color",), "color", VALUE, "auto|always|never", "Whether to colour the output.", SHOWN),
    (("--no-progress",), "no_progress", FLAG, "", "Show no progress bars.", SHOWN),
)
NETWORK = (
    (("--offline",), "offline", FLAG, "", "Do not use the network; take everything from the cache.", NETWORKING),
    (("--cert",), "cert", VALUE, "FILE",
     "Trust the CA certificates in this PEM file instead of the system's.", NETWORKING),
    (("--client-cert",), "client_cert", VALUE, "FILE", "The client certificate (PEM, with its key).", NETWORKING),
    (("--trusted-host",), "trusted_host", LIST, "HOST[:PORT]",
     "Do not verify the certificate of this host.", NETWORKING),
    (("--proxy",), "proxy", VALUE, "URL", "Send all requests through this proxy.", NETWORKING),
    (("--timeout", "--default-timeout"), "timeout", VALUE, "SECONDS",
     "How long to wait for a response (default: 30).", NETWORKING),
    (("--retries",), "retries", VALUE, "N", "How often to retry a failed request (default: 3).", NETWORKING),
    (("--keyring-provider",), "keyring_provider", VALUE, "auto|disabled|import|subprocess",
     "Whether to ask the `keyring` command for credentials (default: auto, when a server requires some).", NETWORKING),
)
CONFIG = (
    (("--isolated",), "isolated", FLAG, "", "Ignore pip's configuration files and `PIP_` variables.", PLACES),
    (("--config-file",), "config_file", VALUE, "FILE",
     "Read puffin's settings from this file and no other.", PLACES),
    (("--no-config",), "no_config", FLAG, "", "Ignore `puffin.toml` and `[tool.puffin]`.", PLACES),
)
INDEX = (
    (("-i", "--index-url"), "index_url", VALUE, "URL", "The URL of the package index (PEP 503 or PEP 691).", INDEXES),
    (("--extra-index-url",), "extra_index_url", LIST, "URL", "A further index, asked before the index URL.", INDEXES),
    (("--default-index",), "default_index", VALUE, "URL", "The same as --index-url; wins over it.", INDEXES),
    (("--index",), "index", LIST, "[NAME=]URL", "A further index, asked before those of --extra-index-url.", INDEXES),
    (("--index-strategy",), "index_strategy", VALUE, "first-index|unsafe-first-match|unsafe-best-match",
     "Which index to use if several have a package (default: first-index, the first one only).", INDEXES),
    (("-f", "--find-links"), "find_links", LIST, "DIR|URL",
     "A directory or page with links to distributions.", INDEXES),
    (("--no-index",), "no_index", FLAG, "", "Ask no index; use only --find-links.", INDEXES),
    (("--refresh",), "refresh", FLAG, "", "Ignore cached index data and ask again.", INDEXES),
    (("--refresh-package",), "refresh_package", LIST, "NAME", "Ignore cached index data of one package.", INDEXES),
    *NETWORK,
    *CONFIG,
)
RUN = (
    (("-j", "--jobs"), "jobs", VALUE, "N",
     "How many processes work in parallel (default: the number of cores).", RUNNING),
    (("--executor",), "executor", VALUE, "auto|inline|pool|cluster|ADDRESS",
     "What runs the task graph (default: auto); tcp://HOST:PORT sends builds to a dask scheduler.", RUNNING),
    (("--shared-filesystem",), "shared_filesystem", FLAG, "",
     "With a scheduler: its workers share the cache and the environments, and do all of the work.", RUNNING),
    (("--tls-ca",), "tls_ca", VALUE, "FILE", "With tls://: CA certificates used to verify the scheduler.", RUNNING),
    (("--tls-cert",), "tls_cert", VALUE, "FILE", "With tls://: the client certificate.", RUNNING),
    (("--tls-key",), "tls_key", VALUE, "FILE", "With tls://: the key of the client certificate.", RUNNING),
)
FILES = (
    (("--only-binary",), "only_binary", LIST, "NAME|:all:|:none:",
     "Use no source distributions (of one package).", DISTRIBUTIONS),
    (("--no-binary",), "no_binary", LIST, "NAME|:all:|:none:", "Use no wheels (of one package).", DISTRIBUTIONS),
    (("--no-build",), "no_build", FLAG, "", "Build nothing; use only wheels.", DISTRIBUTIONS),
)
HASHES = (
    (("--require-hashes",), "require_hashes", FLAG, "", "Require a hash for every requirement.", DISTRIBUTIONS),
    (("--no-verify-hashes/--verify-hashes",), "no_verify_hashes", FLAG, "",
     "Do not verify the hashes in requirements files.", DISTRIBUTIONS),
    (("--no-editable",), "no_editable", FLAG, "", "Install editable requirements as copies.", DISTRIBUTIONS),
)
BUILD = (
    (("--no-build-isolation",), "no_build_isolation", FLAG, "",
     "Build in the target environment instead of an isolated one.", BUILDING),
    (("--no-build-isolation-package",), "no_build_isolation_package", LIST, "NAME",
     "Build one package in the target environment, after the others are installed.", BUILDING),
    (("-C", "--config-setting", "--config-settings"), "config_setting", LIST, "KEY=VALUE",
     "Pass a setting to the build backends.", BUILDING),
    (("--config-setting-package", "--config-settings-package"), "config_setting_package", LIST, "NAME:KEY=VALUE",
     "Pass a setting to the build backend of one package.", BUILDING),
    (("-b", "--build-constraint", "--build-constraints"), "build_constraint", LIST, "FILE",
     "Constrain the versions of build requirements with a file.", BUILDING),
)
PROFILE = (
    (("--profile",), "profile", OPTIONAL, "FILE.html", "Write a page that shows where the time went.", RUNNING),
    (("--trace",), "trace", VALUE, "FILE.json", "Write a trace for Perfetto or `chrome://tracing`.", RUNNING),
)
DASHBOARD = (
    (("--dashboard",), "dashboard", OPTIONAL, "PORT",
     "Use the cluster executor and serve dask's live dashboard.", RUNNING),
    (("--dashboard-linger",), "dashboard_linger", FLAG, "", "Keep the dashboard up until Ctrl-C.", RUNNING),
)
CHANGE = (
    (("--reinstall",), "reinstall", FLAG, "", "Reinstall everything.", COMMON),
    (("--reinstall-package",), "reinstall_package", LIST, "NAME", "Reinstall one package.", COMMON),
    (("--link-mode",), "link_mode", VALUE, "clone|hardlink|copy|symlink",
     "How files get from the cache into the environment (default: hardlink).", COMMON),
    (("--compile-bytecode", "--compile"), "compile_bytecode", FLAG, "",
     "Compile modules to bytecode, once for all environments.", COMMON),
    (("--path-conflict",), "path_conflict", VALUE, "warn|error",
     "What to do if packages contain the same file.", COMMON),
)
SEEDS = (
    (("--remove-seeds",), "remove_seeds", FLAG, "",
     "Also remove pip, setuptools and wheel, which stay in environments that puffin did not make or made with --seed.",
     COMMON),
)
SYNC = (
    *DRY_RUN,
    *PROJECT,
    *CHANGE,
    (("--strict",), "strict", FLAG, "", "Check the installed packages for conflicts at the end.", COMMON),
    (("--allow-empty-requirements",), "allow_empty_requirements", FLAG, "",
     "Empty the environment if nothing is required.", COMMON),
    *SEEDS,
    *TARGETS,
    *FOREIGN,
    *EXTERNAL,
    *CONSTRAINTS,
    *FILES,
    *HASHES,
    *INDEX,
    *BUILD,
    *RUN,
    *PROFILE,
    *DASHBOARD,
    *CACHE,
    *OUTPUT,
)
# fmt: on

TRUE, FALSE = ("1", "true", "t", "yes", "y", "on"), ("0", "false", "f", "no", "n", "off")
DEFAULTS: "dict[str, object]" = {FLAG: False, VALUE: "", LIST: (), COUNT: 0, OPTIONAL: ""}


def optional(text: str) -> str:
    """Return the value of the variable of an option with an optional value: a switch, or the value."""
    if text.lower() in (*TRUE, GIVEN):
        return GIVEN
    return "" if text.lower() in FALSE else text


def choices_of(row: "Row") -> tuple[str, ...]:
    """Return the only values that an option takes; none for one that takes others too."""
    return tuple(row[3].split("|")) if "|" in row[3] and row[3].islower() else ()


def from_environment(row: "Row", environ: "Mapping[str, str]") -> object:
    """Return the value of an option that was not given: its environment variable's, or its default.

    None is for a variable with a value that the option does not take.
    """
    _, name, kind, _, _, _ = row
    text = environ.get(f"PUFFIN_{name.upper()}", "")
    if not text:
        return DEFAULTS[kind]
    if kind in (FLAG, COUNT):
        return switched(kind, text)
    if kind == LIST:
        return tuple(text.split())
    if kind == OPTIONAL:
        return optional(text)
    return text if text in (choices_of(row) or (text,)) else None


def switched(kind: str, text: str) -> "bool | int | None":
    """Return the value of the variable of a switch or a count; None if it is neither true, false nor a number."""
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
    spelled = {spelling.partition("/")[0]: row for row in rows for spelling in row[0]}
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
        _, name, kind, _, _, _ = row
        if kind in (FLAG, COUNT):
            if equals:
                return None
            given[name] = True if kind == FLAG else int(str(given.get(name, 0))) + 1
            continue
        if kind == OPTIONAL:
            given[name] = value or GIVEN
            continue
        text = value if equals else next(words, None)
        if text is None or text not in (choices_of(row) or (text,)):
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
