"""The options of the commands that look at environments, graphs, runs and the cache, make or empty them."""

from puffin.cli.table import (
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
    grouped,
    picked,
)

# fmt: off
_ALWAYS = (*CACHE, *OUTPUT)
_ON_TARGETS = (*TARGETS, *_ALWAYS)
_FREEZE = grouped(
    COMMON,
    (("--exclude-editable",), "exclude_editable", FLAG, "", "Exclude editable installs."),
    (("--exclude",), "exclude", LIST, "NAME", "Exclude a package."),
    (("--path",), "path", LIST, "DIR", "Look into this directory instead of an environment."),
    (("--strict",), "strict", FLAG, "", "Also check the installed packages for conflicts."),
)
FREEZE = (*_FREEZE, *_ON_TARGETS)
LISTING = (
    *grouped(
        COMMON,
        (("--format",), "format", VALUE, "columns|freeze|json", "The format of the list."),
        (("-o", "--outdated"), "outdated", FLAG, "", "List only packages with a newer version on an index."),
        (("--pre",), "pre", FLAG, "", "Count pre-releases as newer versions."),
        (("--not-required",), "not_required", FLAG, "", "List only packages that no other one requires."),
        (("-e", "--editable"), "editable", FLAG, "", "List only editable installs."),
    ),
    *_FREEZE,
    *INDEX,
    *_ON_TARGETS,
)
SHOW = (
    *grouped(COMMON, (("-f", "--files"), "files", FLAG, "", "List the files of each package.")),
    *_ON_TARGETS,
)
TREE = (
    *grouped(
        COMMON,
        (("--invert",), "invert", FLAG, "", "Show the packages that require each package."),
        (("-d", "--depth"), "depth", VALUE, "N", "The number of levels to show below the roots (default: 255)."),
        (("--package",), "package", LIST, "NAME", "Show only the tree of this package."),
        (("--prune",), "prune", LIST, "NAME", "Leave a package out of the tree."),
        (("--no-dedupe",), "no_dedupe", FLAG, "", "Repeat the dependencies of a package wherever it appears."),
        (("--show-version-specifiers",), "show_version_specifiers", FLAG, "", "Show the required versions."),
    ),
    *_ON_TARGETS,
)
CHECK = _ON_TARGETS
VERIFY = (
    *grouped(
        COMMON,
        (("--deep",), "deep", FLAG, "", "Read every file; also report wheels whose RECORD was wrong."),
    ),
    *_ON_TARGETS,
)
UNINSTALL = (
    *grouped(
        COMMON,
        (("-r", "--requirement"), "requirement", LIST, "FILE", "Remove the packages in a requirements file."),
        (("-y", "--yes"), "yes", FLAG, "", "Accepted for compatibility with pip; puffin never asks."),
    ),
    *DRY_RUN,
    *EXTERNAL,
    *_ON_TARGETS,
)
VENV = (
    *grouped(
        COMMON,
        (("-p", "--python"), "python", VALUE, "PYTHON", "The interpreter to use: a version or a path."),
        (("--seed",), "seed", FLAG, "", "Install pip (and setuptools and wheel before Python 3.12)."),
        (("--clear",), "clear", FLAG, "", "Replace what is at PATH."),
        (("--prompt",), "prompt", VALUE, "TEXT", "The name shown in the shell prompt."),
        (("--system-site-packages",), "system_site_packages", FLAG, "", "Give access to the system's packages."),
        (("--relocatable",), "relocatable", FLAG, "", "Make scripts that still work after the environment is moved."),
    ),
    *INDEX,
    *_ALWAYS,
)
_FORCE = grouped(COMMON, (("--force",), "force", FLAG, "", "Do not wait for other puffin processes."))
CLEAN = (*_FORCE, *_ALWAYS)
PRUNE = (
    *grouped(
        COMMON,
        (("--unused-for",), "unused_for", VALUE, "AGE", "Also remove entries unused for AGE, for example 14d or 12h."),
        (("--max-size",), "max_size", VALUE, "SIZE",
         "Also remove the entries unused for longest until the cache fits, for example 2G."),
        (("--ci",), "ci", FLAG, "", "Also remove what can be downloaded again; keep built wheels."),
    ),
    *CLEAN,
)
PLAIN = _ALWAYS
GRAPH = (
    *grouped(
        COMMON,
        (("--format",), "graph_format", VALUE, "dot|mermaid|json", "The format of the graph (default: dot)."),
        (("-o", "--output-file"), "output_file", VALUE, "FILE", "Write the graph to this file."),
    ),
    *PYTHON,
    *picked(SYNC, "compile_bytecode", "require_hashes"),
    *FILES,
    *INDEX,
    *_ALWAYS,
)
_JSON = grouped(COMMON, (("--json",), "json", FLAG, "", "Print JSON."))
PROFILE_SHOW = (*grouped(COMMON, (("--last",), "last", VALUE, "N", "List the last N runs.")), *_JSON, *_ALWAYS)
PROFILE_COMPARE = (*_JSON, *_ALWAYS)
# fmt: on
