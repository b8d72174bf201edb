"""The options of the commands that work on many environments."""

from puffin.cli.table import (
    BUILD,
    CACHE,
    CHANGE,
    COMMON,
    DASHBOARD,
    DRY_RUN,
    ENVIRONMENT,
    FILES,
    FLAG,
    INDEX,
    OUTPUT,
    PROFILE,
    RUN,
    SYNC,
    VALUE,
    grouped,
    picked,
)
from puffin.cli.table_compile import COMPILE

# fmt: off
PYTHON = grouped(
    ENVIRONMENT,
    (("-p", "--python"), "python", VALUE, "PYTHON",
     "The interpreter of environments that configure none: a version or a path."),
)
WORKSPACE_SYNC = (
    *grouped(
        COMMON,
        (("--all",), "all", FLAG, "", "Sync all configured environments (the default if none is given)."),
        (("--changed-since",), "changed_since", VALUE, "GITREF",
         "Sync only environments whose files differ from that commit."),
        (("--check",), "check", FLAG, "", "Change nothing; exit with 4 if an environment differs."),
        (("--frozen",), "frozen", FLAG, "", "Resolve nothing: use the lock file for requirements without pins."),
        (("--keep-going",), "keep_going", FLAG, "", "Continue with the other environments if one fails (the default)."),
        (("--fail-fast",), "fail_fast", FLAG, "", "Stop at the first environment that fails."),
        (("--report",), "report", VALUE, "FILE",
         "Write the result of each environment as JSON (`-`: to standard output)."),
    ),
    *DRY_RUN,
    *CHANGE,
    *picked(SYNC, "allow_empty_requirements", "require_hashes"),
    *PYTHON,
    *FILES,
    *BUILD,
    *INDEX,
    *RUN,
    *PROFILE,
    *DASHBOARD,
    *CACHE,
    *OUTPUT,
)
ENVS = (
    *grouped(COMMON, (("--format",), "format", VALUE, "columns|json", "The format of the list.")),
    *PYTHON,
    *CACHE,
    *OUTPUT,
)
KEY = (*PYTHON, *CACHE, *OUTPUT)
LOCK = (
    *grouped(
        COMMON,
        (("--consistent",), "consistent", FLAG, "", "Choose one version of each package for all environments."),
        (("--check",), "check", FLAG, "", "Write nothing; exit with 4 if a lock is out of date."),
    ),
    *PYTHON,
    *picked(
        COMPILE, "upgrade", "upgrade_package", "resolution", "prerelease", "pre", "exclude_newer", "generate_hashes"
    ),
    *FILES,
    *BUILD,
    *INDEX,
    *PROFILE,
    *CACHE,
    *OUTPUT,
)
# fmt: on
