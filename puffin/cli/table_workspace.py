"""The options of the commands that work on many environments."""

from puffin.cli.table import CACHE, DASHBOARD, FLAG, INDEX, OUTPUT, PROFILE, RUN, SYNC, VALUE
from puffin.cli.table_compile import COMPILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.cli.table import Row

_AS_SYNC = (
    "require_hashes",
    "reinstall",
    "reinstall_package",
    "link_mode",
    "compile_bytecode",
    "path_conflict",
    "allow_empty_requirements",
    "no_binary",
    "only_binary",
    "no_build",
    "no_build_isolation",
    "no_build_isolation_package",
    "config_setting",
    "build_constraint",
    "no_verify_hashes",
    "exclude_newer",
)

PYTHON: "Row" = (
    ("-p", "--python"),
    "python",
    VALUE,
    "PYTHON",
    "The interpreter of environments that name none: a version or a path.",
)
WORKSPACE_SYNC: "tuple[Row, ...]" = (
    PYTHON,
    (
        ("--all",),
        "all",
        FLAG,
        "",
        "Sync all environments of the configuration (what happens if none is named).",
    ),
    (
        ("--changed-since",),
        "changed_since",
        VALUE,
        "GITREF",
        "Only environments whose files differ from that commit.",
    ),
    (("--check",), "check", FLAG, "", "Change nothing; exit with 4 if an environment is not as it should be."),
    (("--dry-run",), "dry_run", FLAG, "", "Say what would be done, and do nothing."),
    (("--frozen",), "frozen", FLAG, "", "Resolve nothing: take what is not pinned from its lock file."),
    (
        ("--keep-going",),
        "keep_going",
        FLAG,
        "",
        "Go on with the other environments if one fails (the default).",
    ),
    (("--fail-fast",), "fail_fast", FLAG, "", "Stop at the first environment that fails."),
    (
        ("--report",),
        "report",
        VALUE,
        "FILE",
        "Write what became of each environment as JSON (`-` is standard output).",
    ),
    *[row for row in SYNC if row[1] in _AS_SYNC],
    *INDEX,
    *RUN,
    *PROFILE,
    *DASHBOARD,
    *CACHE,
    *OUTPUT,
)

ENVS: "tuple[Row, ...]" = (
    PYTHON,
    (("--format",), "format", VALUE, "columns|json", "How to print the list."),
    *CACHE,
    *OUTPUT,
)
KEY: "tuple[Row, ...]" = (PYTHON, *CACHE, *OUTPUT)
_AS_COMPILE = (
    "upgrade",
    "upgrade_package",
    "resolution",
    "prerelease",
    "pre",
    "exclude_newer",
    "generate_hashes",
    "no_binary",
    "only_binary",
    "no_build",
    "no_build_isolation",
    "no_build_isolation_package",
    "config_setting",
    "build_constraint",
)
LOCK: "tuple[Row, ...]" = (
    PYTHON,
    (("--consistent",), "consistent", FLAG, "", "Give each package one version in all environments."),
    (("--check",), "check", FLAG, "", "Write nothing; exit with 4 if a lock is not what it would be."),
    *[row for row in COMPILE if row[1] in _AS_COMPILE],
    *INDEX,
    *PROFILE,
    *CACHE,
    *OUTPUT,
)
