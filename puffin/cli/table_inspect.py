"""The options of the commands that look at environments and the cache, make or empty them."""

from puffin.cli.table import CACHE, FILES, FLAG, INDEX, LIST, OUTPUT, PYTHON, SYNC, VALUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.cli.table import Row


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


GRAPH: "tuple[Row, ...]" = (
    PYTHON,
    *INDEX,
    *FILES,
    *[row for row in SYNC if row[1] == "compile_bytecode"],
    (("--require-hashes",), "require_hashes", FLAG, "", "Demand a hash for every requirement."),
    (("--format",), "graph_format", VALUE, "dot|mermaid|json", "The form of the graph (default: dot)."),
    (("-o", "--output-file"), "output_file", VALUE, "FILE", "Write it to this file."),
)
PROFILE_SHOW: "tuple[Row, ...]" = (
    (("--last",), "last", VALUE, "N", "List the last N runs."),
    (("--json",), "json", FLAG, "", "Print JSON."),
)
PROFILE_COMPARE: "tuple[Row, ...]" = ((("--json",), "json", FLAG, "", "Print JSON."),)
