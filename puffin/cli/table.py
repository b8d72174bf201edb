"""The options of the commands, as data: read by hand on the way to a no-op, and turned into click's otherwise."""

FLAG = "flag"
VALUE = "value"
LIST = "list"
COUNT = "count"

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
CACHE: "tuple[Row, ...]" = (
    (("--cache-dir",), "cache_dir", VALUE, "DIR", "Where the cache is."),
    (("-n", "--no-cache"), "no_cache", FLAG, "", "Use a temporary cache that goes with the command."),
)
OUTPUT: "tuple[Row, ...]" = (
    (("-q", "--quiet"), "quiet", COUNT, "", "Say less; twice: nothing but errors."),
    (("-v", "--verbose"), "verbose", COUNT, "", "Say more."),
    (("--color",), "color", VALUE, "auto|always|never", "Whether to colour the output."),
    (("--no-progress",), "no_progress", FLAG, "", "Show no progress display."),
)
INDEX: "tuple[Row, ...]" = (
    (("-i", "--index-url"), "index_url", VALUE, "URL", "The base URL of the package index (PEP 503 or PEP 691)."),
    (("--extra-index-url",), "extra_index_url", LIST, "URL", "A further index, asked before the index URL."),
    (("-f", "--find-links"), "find_links", LIST, "DIR|URL", "A directory or page with links to distributions."),
    (("--no-index",), "no_index", FLAG, "", "Ask no index; only look at --find-links."),
    (("--refresh",), "refresh", FLAG, "", "Do not trust what the cache knows of indexes and files."),
    (("--refresh-package",), "refresh_package", LIST, "NAME", "The same for one package."),
    (("--offline",), "offline", FLAG, "", "Do not use the network; take everything from the cache."),
)
RUN: "tuple[Row, ...]" = (
    (
        ("--executor",),
        "executor",
        VALUE,
        "auto|inline|pool|cluster",
        "What runs the task graph; auto decides from the plan.",
    ),
    (("-j", "--jobs"), "jobs", VALUE, "N", "How many processes work at once (default: the cores of this machine)."),
)
SYNC: "tuple[Row, ...]" = (
    PYTHON,
    *INDEX,
    (("--require-hashes",), "require_hashes", FLAG, "", "Demand a hash for every requirement."),
    (("--reinstall",), "reinstall", FLAG, "", "Install everything anew."),
    (("--reinstall-package",), "reinstall_package", LIST, "NAME", "Install one package anew."),
    (
        ("--link-mode",),
        "link_mode",
        VALUE,
        "clone|hardlink|copy|symlink",
        "How files come from the cache into the environment (default: hardlink).",
    ),
    (("--path-conflict",), "path_conflict", VALUE, "warn|error", "What to do when packages bring the same file."),
    (("--dry-run",), "dry_run", FLAG, "", "Say what would be done, and do nothing."),
    (
        ("--allow-empty-requirements",),
        "allow_empty_requirements",
        FLAG,
        "",
        "Empty the environment when nothing is required.",
    ),
    (("--break-system-packages",), "break_system_packages", FLAG, "", "Change an externally managed environment."),
    *RUN,
    *CACHE,
    *OUTPUT,
)

FREEZE: "tuple[Row, ...]" = (
    (("--exclude-editable",), "exclude_editable", FLAG, "", "Leave out editable installs."),
    (("--strict",), "strict", FLAG, "", "Also check for packages that are there twice."),
)
LISTING: "tuple[Row, ...]" = (
    (("--format",), "format", VALUE, "columns|freeze|json", "How to print the list."),
    (("-e", "--editable"), "editable", FLAG, "", "Only editable installs."),
    (("--exclude-editable",), "exclude_editable", FLAG, "", "Leave out editable installs."),
    (("--exclude",), "exclude", LIST, "NAME", "Leave out a package."),
)
UNINSTALL: "tuple[Row, ...]" = (
    (("-r", "--requirement"), "requirement", LIST, "FILE", "Remove the packages that a requirements file names."),
    (("-y", "--yes"), "yes", FLAG, "", "Accepted as in pip; puffin never asks."),
    (("--dry-run",), "dry_run", FLAG, "", "Say what would be removed, and do nothing."),
    (("--break-system-packages",), "break_system_packages", FLAG, "", "Change an externally managed environment."),
)
VENV: "tuple[Row, ...]" = (
    (("-p", "--python"), "python", VALUE, "PYTHON", "The interpreter to use: a version or a path."),
    (("--seed",), "seed", FLAG, "", "Install pip (and setuptools and wheel before Python 3.12)."),
    (("--clear",), "clear", FLAG, "", "Replace what is at PATH."),
    (("--prompt",), "prompt", VALUE, "TEXT", "What the shell prompt shows."),
    (("--system-site-packages",), "system_site_packages", FLAG, "", "Let the environment see the system's packages."),
    (("--relocatable",), "relocatable", FLAG, "", "Make scripts that work wherever the environment is moved."),
    *INDEX,
    *CACHE,
    *OUTPUT,
)
CLEAN: "tuple[Row, ...]" = ((("--force",), "force", FLAG, "", "Do not wait for other puffin processes."),)

DEFAULTS: "dict[str, object]" = {FLAG: False, VALUE: "", LIST: (), COUNT: 0}


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
    return text


def read_by_hand(
    rows: "tuple[Row, ...]", arguments: "list[str]", environ: "Mapping[str, str]"
) -> "dict[str, object] | None":
    """Return the options and, under ``arguments``, the rest; None for anything that click should judge."""
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
        text = value if equals else next(words, None)
        if text is None or ("|" in choices and choices.islower() and text not in choices.split("|")):
            return None
        former = given.get(name, ())
        given[name] = (*former, text) if kind == LIST and isinstance(former, tuple) else text
    for row in rows:
        if row[1] not in given:
            given[row[1]] = from_environment(row, environ)
    given["arguments"] = tuple(rest)
    return given
