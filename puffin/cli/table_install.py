"""The options of ``puffin pip install``."""

from puffin.cli.table import (
    BUILD,
    CACHE,
    DASHBOARD,
    FLAG,
    FOREIGN,
    INDEX,
    LIST,
    OUTPUT,
    PROFILE,
    RUN,
    SYNC,
    TARGETS,
    VALUE,
)
from puffin.cli.table_compile import COMPILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.cli.table import Row

_AS_COMPILE = (
    "extra", "all_extras", "group", "constraint", "override", "resolution", "prerelease", "pre", "exclude_newer",
    "only_binary", "no_binary", "no_build",
)  # fmt: skip
_AS_SYNC = (
    "require_hashes", "no_verify_hashes", "reinstall", "reinstall_package", "link_mode", "compile_bytecode",
    "path_conflict", "dry_run",
    "break_system_packages",
)  # fmt: skip


def _rows(table: "tuple[Row, ...]", names: tuple[str, ...]) -> "tuple[Row, ...]":
    return tuple(row for row in table if row[1] in names)


INSTALL: "tuple[Row, ...]" = (
    (("-r", "--requirement"), "requirement", LIST, "FILE", "Install what a file asks for."),
    (("-e", "--editable"), "editable", LIST, "DIR", "Install a project so that its sources stay in use."),
    (("-U", "--upgrade"), "upgrade", FLAG, "", "Take the newest versions, whatever is installed."),
    (
        ("-P", "--upgrade-package"),
        "upgrade_package",
        LIST,
        "NAME[==V]",
        "Take the newest version of one package.",
    ),
    (("--no-deps",), "no_deps", FLAG, "", "Install only what is named, not what that needs."),
    (("--exact",), "exact", FLAG, "", "Remove what is neither named nor needed."),
    (("--strict",), "strict", FLAG, "", "Check what is installed afterwards, even with --no-deps."),
    (("--report",), "report", VALUE, "FILE", "Write a report as pip's (`-` is standard output)."),
    *TARGETS,
    *FOREIGN,
    *_rows(COMPILE, _AS_COMPILE),
    *_rows(SYNC, _AS_SYNC),
    *BUILD,
    *INDEX,
    *RUN,
    *PROFILE,
    *DASHBOARD,
    *CACHE,
    *OUTPUT,
)
