"""The options of the commands that inspect, make or empty environments, graphs, runs and the cache."""

from puffin.cli.options import table
from puffin.cli.options.table import ALWAYS, COMMON, CONFIG, FILES, INDEX, NETWORK, PYTHON, SYNC, option, picked
from puffin.value import frozen

# fmt: off
_ON_TARGETS = (*table.TARGETS, *ALWAYS)
_FREEZE = (
    option("--exclude-editable", "Exclude editable installs.", COMMON),
    option("--exclude NAME...", "Exclude a package.", COMMON),
    option("-l --local", "Leave out packages of the system that the environment sees.", COMMON),
    option("--path DIR...", "Look into this directory instead of an environment.", COMMON),
    option("--strict", "Also check the installed packages for conflicts.", COMMON),
)
FREEZE = (*_FREEZE, *_ON_TARGETS)
LISTING = (
    option("--format columns|freeze|json", "The format of the list.", COMMON),
    option("-o --outdated", "List only packages with a newer version on an index.", COMMON),
    option("--pre", "Count pre-releases as newer versions.", COMMON),
    option("--not-required", "List only packages that no other one requires.", COMMON),
    option("-e --editable", "List only editable installs.", COMMON),
    *_FREEZE,
    *INDEX,
    *_ON_TARGETS,
)
SHOW = (
    option("-f --files", "List the files of each package.", COMMON),
    *_ON_TARGETS,
)
TREE = (
    option("--invert --reverse", "Show the packages that require each package.", COMMON),
    option("-d --depth N", "The number of levels to show below the roots (default: 255).", COMMON),
    option("--package NAME...", "Show only the tree of this package.", COMMON),
    option("--prune NAME...", "Leave a package out of the tree.", COMMON),
    option("--no-dedupe", "Repeat the dependencies of a package wherever it appears.", COMMON),
    option("--show-version-specifiers", "Show the required versions.", COMMON),
    option("--outdated", "Show the newest version of each package, where it is newer.", COMMON),
    *INDEX,
    *_ON_TARGETS,
)
CHECK = _ON_TARGETS
VERIFY = (
    option("--deep", "Read every file; also report wheels whose RECORD was wrong.", COMMON),
    *_ON_TARGETS,
)
UNINSTALL = (
    option("-r --requirement FILE...", "Remove the packages in a requirements file.", COMMON),
    option("-y --yes", "Accepted for compatibility with pip; puffin never asks.", COMMON),
    *table.DRY_RUN,
    *table.ATOMIC,
    *table.EXTERNAL,
    *table.CONFIG,
    *_ON_TARGETS,
)
DETACH = (*table.DRY_RUN, *table.ATOMIC, *table.EXTERNAL, *_ON_TARGETS)
VENV = (
    option("-p --python PYTHON", "The interpreter to use: a version or a path.", COMMON),
    option("--seed", "Install pip (and setuptools and wheel before Python 3.12).", COMMON),
    option("--clear", "Replace the environment at PATH.", COMMON),
    option("--no-clear", "Override `PUFFIN_CLEAR`.", COMMON),
    option("--force", "With --clear: remove any directory, not only an environment.", COMMON),
    option("--allow-existing", "Keep existing files at PATH, and write the environment over them.", COMMON),
    option("--prompt TEXT", "The name shown in the shell prompt.", COMMON),
    option("--system-site-packages", "Give access to the system's packages.", COMMON),
    option("--relocatable", "Make scripts that still work after the environment is moved.", COMMON),
    option("--no-relocatable", "Override `PUFFIN_RELOCATABLE`.", COMMON),
    *INDEX,
    *ALWAYS,
)
_FORCE = (
    option("--force",
        "Do not wait for other puffin processes, and also remove sealed trees that environments use.", COMMON),
)
CLEAN = (*_FORCE, *ALWAYS)
PRUNE = (
    option("--unused-for AGE", "Also remove entries unused for AGE, for example 14d or 12h.", COMMON),
    option("--max-size SIZE",
        "Also remove the entries unused for longest until the cache fits, for example 2G.", COMMON),
    option("--ci", "Also remove downloads; keep built wheels.", COMMON),
    *CLEAN,
)
PLAIN = ALWAYS
CACHE_SIZE = (
    option("-H --human", "Print the size with a unit, on a terminal or not.", COMMON),
    option("--remote", "Print the size of the remote cache.", COMMON),
    *picked(SYNC, "remote_cache"),
    *NETWORK,
    *CONFIG,
    *ALWAYS,
)
CACHE_PUSH = (
    *table.REMOTE_READ,
    *NETWORK,
    *CONFIG,
    *ALWAYS,
)
GRAPH = (
    option("--format dot|mermaid|json", "The format of the graph (default: dot).", COMMON, "graph_format"),
    option("-o --output-file FILE", "Write the graph to this file.", COMMON),
    *PYTHON,
    *picked(SYNC, "compile_bytecode", "require_hashes"),
    *FILES,
    *INDEX,
    *ALWAYS,
)
_JSON = (
    option("--json", "Print JSON.", COMMON),
)
PROFILE_SHOW = (option("--last N", "List the last N runs.", COMMON), *_JSON, *ALWAYS)
_SLOWER = (
    option("--warn-slower PERCENT", "Warn and exit with 4 if the later run is slower by more (`20%`).", COMMON),
)
PROFILE_COMPARE = (
    option("--any", "Compare runs that did different things, too.", COMMON, "anything"), *_SLOWER, *_JSON, *ALWAYS,
)
PROFILE_HISTORY = (*_SLOWER, *_JSON, *ALWAYS)
# fmt: on


@frozen
class InspectOptions:
    """``puffin pip freeze``, ``list``, ``show``, ``tree`` and ``check``, and ``puffin verify``."""

    arguments: tuple[str, ...] = ()
    format: str = ""
    outdated: bool = False
    pre: bool = False
    not_required: bool = False
    editable: bool = False
    exclude_editable: bool = False
    exclude: tuple[str, ...] = ()
    local: bool = False
    path: tuple[str, ...] = ()
    strict: bool = False
    files: bool = False
    invert: bool = False
    depth: str = ""
    package: tuple[str, ...] = ()
    prune: tuple[str, ...] = ()
    no_dedupe: bool = False
    show_version_specifiers: bool = False
    deep: bool = False


@frozen
class UninstallOptions:
    """``puffin pip uninstall`` and ``puffin detach``."""

    arguments: tuple[str, ...] = ()
    requirement: tuple[str, ...] = ()
    dry_run: bool = False
    atomic: str = ""
    break_system_packages: bool = False


@frozen
class VenvOptions:
    """``puffin venv``."""

    arguments: tuple[str, ...] = ()
    python: str = ""
    seed: bool = False
    clear: bool = False
    no_clear: bool = False
    force: bool = False
    allow_existing: bool = False
    prompt: str = ""
    system_site_packages: bool = False
    relocatable: bool = False
    no_relocatable: bool = False


@frozen
class GraphOptions:
    """What ``puffin graph`` is asked besides its settings."""

    graph_format: str = ""
    output_file: str = ""


@frozen
class StoreOptions:
    """``puffin cache dir``, ``clean``, ``size`` and ``prune``, ``puffin profile`` and ``puffin completion``."""

    arguments: tuple[str, ...] = ()
    force: bool = False
    unused_for: str = ""
    max_size: str = ""
    human: bool = False
    remote: bool = False
    ci: bool = False
    last: str = ""
    json: bool = False
    anything: bool = False
    warn_slower: str = ""
