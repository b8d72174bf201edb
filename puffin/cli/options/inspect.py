"""The options of the commands that inspect, make or empty environments, graphs, runs and the cache."""

from puffin.cli.options.table import (
    CACHE,
    COMMON,
    DRY_RUN,
    EXTERNAL,
    FILES,
    FLAG,
    INDEX,
    LIST,
    OUTPUT,
    PYTHON,
    SYNC,
    TARGETS,
    VALUE,
    picked,
)
from puffin.value import frozen

# fmt: off
_ALWAYS = (*CACHE, *OUTPUT)
_ON_TARGETS = (*TARGETS, *_ALWAYS)
_FREEZE = (
    (("--exclude-editable",), "exclude_editable", FLAG, "", "Exclude editable installs.", COMMON),
    (("--exclude",), "exclude", LIST, "NAME", "Exclude a package.", COMMON),
    (("-l", "--local"), "local", FLAG, "", "Leave out packages of the system that the environment sees.", COMMON),
    (("--path",), "path", LIST, "DIR", "Look into this directory instead of an environment.", COMMON),
    (("--strict",), "strict", FLAG, "", "Also check the installed packages for conflicts.", COMMON),
)
FREEZE = (*_FREEZE, *_ON_TARGETS)
LISTING = (
    (("--format",), "format", VALUE, "columns|freeze|json", "The format of the list.", COMMON),
    (("-o", "--outdated"), "outdated", FLAG, "", "List only packages with a newer version on an index.", COMMON),
    (("--pre",), "pre", FLAG, "", "Count pre-releases as newer versions.", COMMON),
    (("--not-required",), "not_required", FLAG, "", "List only packages that no other one requires.", COMMON),
    (("-e", "--editable"), "editable", FLAG, "", "List only editable installs.", COMMON),
    *_FREEZE,
    *INDEX,
    *_ON_TARGETS,
)
SHOW = (
    (("-f", "--files"), "files", FLAG, "", "List the files of each package.", COMMON),
    *_ON_TARGETS,
)
TREE = (
    (("--invert", "--reverse"), "invert", FLAG, "", "Show the packages that require each package.", COMMON),
    (("-d", "--depth"), "depth", VALUE, "N", "The number of levels to show below the roots (default: 255).", COMMON),
    (("--package",), "package", LIST, "NAME", "Show only the tree of this package.", COMMON),
    (("--prune",), "prune", LIST, "NAME", "Leave a package out of the tree.", COMMON),
    (("--no-dedupe",), "no_dedupe", FLAG, "", "Repeat the dependencies of a package wherever it appears.", COMMON),
    (("--show-version-specifiers",), "show_version_specifiers", FLAG, "", "Show the required versions.", COMMON),
    (("--outdated",), "outdated", FLAG, "", "Show the newest version of each package, where it is newer.", COMMON),
    *INDEX,
    *_ON_TARGETS,
)
CHECK = _ON_TARGETS
VERIFY = (
    (("--deep",), "deep", FLAG, "", "Read every file; also report wheels whose RECORD was wrong.", COMMON),
    *_ON_TARGETS,
)
UNINSTALL = (
    (("-r", "--requirement"), "requirement", LIST, "FILE", "Remove the packages in a requirements file.", COMMON),
    (("-y", "--yes"), "yes", FLAG, "", "Accepted for compatibility with pip; puffin never asks.", COMMON),
    *DRY_RUN,
    *EXTERNAL,
    *_ON_TARGETS,
)
VENV = (
    (("-p", "--python"), "python", VALUE, "PYTHON", "The interpreter to use: a version or a path.", COMMON),
    (("--seed",), "seed", FLAG, "", "Install pip (and setuptools and wheel before Python 3.12).", COMMON),
    (("--clear",), "clear", FLAG, "", "Replace the environment at PATH.", COMMON),
    (("--no-clear",), "no_clear", FLAG, "", "Do not, whatever `PUFFIN_CLEAR` says.", COMMON),
    (("--force",), "force", FLAG, "", "With --clear: remove any directory, not only an environment.", COMMON),
    (("--allow-existing",), "allow_existing", FLAG, "",
     "Keep what is at PATH, and write the files of the environment over it.", COMMON),
    (("--prompt",), "prompt", VALUE, "TEXT", "The name shown in the shell prompt.", COMMON),
    (("--system-site-packages",), "system_site_packages", FLAG, "", "Give access to the system's packages.", COMMON),
    (("--relocatable",), "relocatable", FLAG, "",
     "Make scripts that still work after the environment is moved.", COMMON),
    (("--no-relocatable",), "no_relocatable", FLAG, "", "Do not, whatever `PUFFIN_RELOCATABLE` says.", COMMON),
    *INDEX,
    *_ALWAYS,
)
_FORCE = (
    (("--force",), "force", FLAG, "", "Do not wait for other puffin processes.", COMMON),
)
CLEAN = (*_FORCE, *_ALWAYS)
PRUNE = (
    (("--unused-for",), "unused_for", VALUE, "AGE",
     "Also remove entries unused for AGE, for example 14d or 12h.", COMMON),
    (("--max-size",), "max_size", VALUE, "SIZE",
     "Also remove the entries unused for longest until the cache fits, for example 2G.", COMMON),
    (("--ci",), "ci", FLAG, "", "Also remove what can be downloaded again; keep built wheels.", COMMON),
    *CLEAN,
)
PLAIN = _ALWAYS
CACHE_SIZE = (
    (("-H", "--human"), "human", FLAG, "", "Print the size with a unit, on a terminal or not.", COMMON),
    *_ALWAYS,
)
GRAPH = (
    (("--format",), "graph_format", VALUE, "dot|mermaid|json", "The format of the graph (default: dot).", COMMON),
    (("-o", "--output-file"), "output_file", VALUE, "FILE", "Write the graph to this file.", COMMON),
    *PYTHON,
    *picked(SYNC, "compile_bytecode", "require_hashes"),
    *FILES,
    *INDEX,
    *_ALWAYS,
)
_JSON = (
    (("--json",), "json", FLAG, "", "Print JSON.", COMMON),
)
PROFILE_SHOW = ((("--last",), "last", VALUE, "N", "List the last N runs.", COMMON), *_JSON, *_ALWAYS)
PROFILE_COMPARE = (*_JSON, *_ALWAYS)
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
    """``puffin pip uninstall``."""

    arguments: tuple[str, ...] = ()
    requirement: tuple[str, ...] = ()
    dry_run: bool = False
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
    ci: bool = False
    last: str = ""
    json: bool = False
