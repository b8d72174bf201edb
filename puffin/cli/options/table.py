"""The options of the commands as tables, which are read without click for usual options."""

from puffin.types import Mapping

FLAG = "flag"
VALUE = "value"
LIST = "list"
COUNT = "count"
OPTIONAL = "optional"  # a value that may be left out; it is written with "=", lest a file be taken for it
GIVEN = "auto"  # the value of such an option that was given without one


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


def option(usage: str, text: str, group: str, name: str = "") -> Row:
    """Return an option as (spellings, name, kind, what its value is called or its choices, help, group).

    *usage* has the spellings, then the value: ``NAME...`` for one that may be given several times, ``[NAME]`` for one
    that may be left out, ``+`` for a switch that counts. *name* is the first long spelling where it is not given; the
    environment variable is ``PUFFIN_<NAME>``.
    """
    words = usage.split(" ")
    value = "" if words[-1][0] == "-" else words.pop()
    kind = VALUE if value else FLAG
    if value == "+":
        kind, value = COUNT, ""
    elif value[-3:] == "...":
        kind, value = LIST, value[:-3]
    elif value[:1] == "[":
        kind, value = OPTIONAL, value[1:-1]
    if not name:
        long = next(word for word in words if word[:2] == "--")
        name = long[2:].partition("/")[0].replace("-", "_")
    return tuple(words), name, kind, value, text, group


# fmt: off
PYTHON = (
    option("-p --python PYTHON",
        "The interpreter or environment to use: a version, a path, or a virtual environment.", ENVIRONMENT),
)
TARGETS = (
    *PYTHON,
    option("--system", "Use the first Python on PATH instead of a virtual environment.", ENVIRONMENT),
    option("-t --target DIR", "Use a plain directory of packages instead of an environment.", ENVIRONMENT),
    option("--prefix DIR", "Use a prefix (with `lib` and `bin`) instead of an environment.", ENVIRONMENT),
)
FOREIGN = (
    option("--python-version VERSION",
        "With --target: install for this Python version, for example 3.8 or 3.8.1.", ENVIRONMENT),
    option("--python-platform PLATFORM",
        "Install for linux, macos, windows, or for example x86_64-manylinux_2_28.", ENVIRONMENT),
)
EXTERNAL = (
    option("--break-system-packages", "Change an environment that is marked as externally managed.", ENVIRONMENT),
)
DRY_RUN = (
    option("--dry-run", "Show what would change, and change nothing.", COMMON),
)
CHECK = (
    option("--check", "Change nothing; exit with 4 if an environment differs.", COMMON),
)
CONSTRAINTS = (
    option("-c --constraint --constraints FILE...", "Constrain versions with a file.", RESOLUTION),
    option("--exclude-newer DATE",
        "Ignore files uploaded after DATE (inclusive) or after an RFC 3339 time.", RESOLUTION),
    option("--exclude-newer-package NAME=DATE|false...",
        "The same for one package; overrides --exclude-newer.", RESOLUTION),
)
PROJECT = (
    option("--extra NAME...", "Include an extra of the project.", COMMON),
    option("--all-extras", "Include all extras of the project.", COMMON),
    option("--group [PATH:]NAME...", "Include a dependency group of `pyproject.toml`.", COMMON),
)
OUTPUT = (
    option("--directory DIR", "Change to this directory first.", PLACES),
    option("-q --quiet +", "Print less; twice: only errors.", SHOWN),
    option("-v --verbose +", "Print more.", SHOWN),
    option("--color auto|always|never", "Whether to colour the output.", SHOWN),
    option("--no-progress", "Do not show progress.", SHOWN),
)
ALWAYS = (
    option("--cache-dir DIR", "The directory of the cache.", PLACES),
    option("-n --no-cache --no-cache-dir", "Use a temporary cache, deleted at the end.", PLACES),
    *OUTPUT,
)
NETWORK = (
    option("--offline", "Do not use the network; take everything from the cache.", NETWORKING),
    option("--cert FILE", "Trust the CA certificates in this PEM file instead of the system's.", NETWORKING),
    option("--client-cert FILE", "The client certificate (PEM, with its key).", NETWORKING),
    option("--trusted-host HOST[:PORT]...", "Do not verify the certificate of this host.", NETWORKING),
    option("--proxy URL", "Send all requests through this proxy.", NETWORKING),
    option("--timeout --default-timeout SECONDS", "How long to wait for a response (default: 30).", NETWORKING),
    option("--retries N", "How often to retry a failed request (default: 3).", NETWORKING),
    option("--keyring-provider auto|disabled|import|subprocess",
        "Whether to ask the `keyring` command for credentials (default: auto, when a server requires some).",
        NETWORKING),
)
CONFIG = (
    option("--isolated", "Ignore pip's configuration files and `PIP_` variables.", PLACES),
    option("--config-file FILE", "Read puffin's settings from this file and no other.", PLACES),
    option("--no-config", "Ignore `puffin.toml`, `[tool.puffin]` and the settings of `[tool.uv]`.", PLACES),
)
INDEX = (
    option("-i --index-url URL", "The URL of the package index (PEP 503 or PEP 691).", INDEXES),
    option("--extra-index-url URL...", "A further index, asked before the index URL.", INDEXES),
    option("--default-index URL", "The same as --index-url; wins over it.", INDEXES),
    option("--index [NAME=]URL...", "A further index, asked before those of --extra-index-url.", INDEXES),
    option("--index-strategy first-index|unsafe-first-match|unsafe-best-match",
        "Which index to use if several have a package (default: first-index, the first one only).", INDEXES),
    option("-f --find-links DIR|URL...", "A directory or page with links to distributions.", INDEXES),
    option("--no-index", "Ask no index; use only --find-links.", INDEXES),
    option("--refresh", "Ignore cached index data and ask again.", INDEXES),
    option("--refresh-package NAME...", "Ignore cached index data of one package.", INDEXES),
    *NETWORK,
    *CONFIG,
)
REMOTE = (
    option("--remote-cache URL",
        "Share archives, builds and bytecode with other machines by this http(s), s3, gs, abfs or file URL.", PLACES),
    option("--remote-cache-write", "Also upload files that the remote cache does not have.", PLACES),
    option("--remote-cache-scope NAME[,NAME]",
        "Scopes whose signed entries are accepted; new entries go to the first (default: main).", PLACES),
)
REMOTE_READ = picked(REMOTE, "remote_cache", "remote_cache_scope")  # of commands that upload nothing, or always
PROFILE = (
    option("--profile [FILE.html]", "Write a page that shows where the time went.", RUNNING),
    option("--trace FILE.json", "Write a trace for Perfetto or `chrome://tracing`.", RUNNING),
    option("--otlp URL", "Send the trace to a collector of OpenTelemetry (OTLP over HTTP).", RUNNING),
)
TLS = (
    option("--tls-ca FILE", "With tls://: CA certificates used to verify the scheduler.", RUNNING),
    option("--tls-cert FILE", "With tls://: the client certificate.", RUNNING),
    option("--tls-key FILE", "With tls://: the key of the client certificate.", RUNNING),
)
BUILDERS = (  # of commands that do nothing else with an executor
    option("--executor ADDRESS", "Send builds to the workers of a dask scheduler, tcp://HOST:PORT.", RUNNING),
    *TLS,
)
RUN = (
    option("-j --jobs N", "How many processes work in parallel (default: the number of cores).", RUNNING),
    option("--executor auto|inline|pool|cluster|ADDRESS",
        "What runs the task graph (default: auto); tcp://HOST:PORT sends builds to a dask scheduler.", RUNNING),
    option("--shared-filesystem",
        "With a scheduler: its workers share the cache and the environments, and do all of the work.", RUNNING),
    *TLS,
    *PROFILE,
    option("--dashboard [PORT]", "Use the cluster executor and serve dask's live dashboard.", RUNNING),
    option("--dashboard-linger", "Keep the dashboard up until Ctrl-C.", RUNNING),
)
FILES = (
    option("--only-binary NAME|:all:|:none:...", "Use no source distributions (of one package).", DISTRIBUTIONS),
    option("--no-binary NAME|:all:|:none:...", "Use no wheels (of one package).", DISTRIBUTIONS),
    option("--no-build", "Build nothing; use only wheels.", DISTRIBUTIONS),
    option("--no-sources", "Ignore the sources of dependencies in projects (`tool.uv.sources`).",
        DISTRIBUTIONS),
    option("--no-sources-package NAME...", "Ignore the sources of one package.", DISTRIBUTIONS),
)
HASHES = (
    option("--require-hashes", "Require a hash for every requirement.", DISTRIBUTIONS),
    option("--no-verify-hashes/--verify-hashes", "Do not verify the hashes in requirements files.", DISTRIBUTIONS),
    option("--no-editable", "Install editable requirements as copies.", DISTRIBUTIONS),
)
BUILD = (
    option("--no-build-isolation", "Build in the target environment instead of an isolated one.", BUILDING),
    option("--no-build-isolation-package NAME...",
        "Build one package in the target environment, after the others are installed.", BUILDING),
    option("-C --config-setting --config-settings KEY=VALUE...", "Pass a setting to the build backends.", BUILDING),
    option("--config-setting-package --config-settings-package NAME:KEY=VALUE...",
        "Pass a setting to the build backend of one package.", BUILDING),
    option("-b --build-constraint --build-constraints FILE...",
        "Constrain the versions of build requirements with a file.", BUILDING),
)
ATOMIC = (
    option("--atomic auto|always",
        "How packages come in: one by one, or site-packages as a whole by one exchange, with a hard link for each file "
        "that stays (default: auto, as a whole if site-packages is empty).", COMMON),
)
CHANGE = (
    option("--reinstall", "Reinstall everything.", COMMON),
    option("--reinstall-package NAME...", "Reinstall one package.", COMMON),
    option("--verify", "Look at every installed file, and reinstall the packages of damaged ones.", COMMON),
    option("--link-mode clone|hardlink|copy|symlink|tree",
        "How files get from the cache into the environment (default: clone, else hardlink, else copy). With tree, "
        "whole packages with their bytecode are symlinks into the cache.", COMMON),
    option("--compile-bytecode --compile", "Compile modules to bytecode, once for all environments.", COMMON),
    option("--path-conflict warn|error", "What to do if packages contain the same file.", COMMON),
    *ATOMIC,
)
SEEDS = (
    option("--remove-seeds",
        "Also remove pip, setuptools and wheel, which stay in environments that puffin did not make or made with "
        "--seed.", COMMON),
)
CHANGED = (  # of commands that bring one environment to what is asked
    *DRY_RUN,
    *PROJECT,
    *CHANGE,
    *SEEDS,
    *TARGETS,
    *FOREIGN,
    *EXTERNAL,
    *CONSTRAINTS,
    *FILES,
    *HASHES,
    *INDEX,
    *REMOTE,
    *BUILD,
    *RUN,
    *ALWAYS,
)
SYNC = (
    *CHECK,
    *CHANGED,
    option("--strict", "Check the installed packages for conflicts at the end.", COMMON),
    option("--allow-empty-requirements", "Empty the environment if nothing is required.", COMMON),
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
