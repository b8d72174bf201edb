"""The options of the commands for many environments."""

from puffin.cli.options.resolve import COMPILE, CompileOptions
from puffin.cli.options.table import (
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
    picked,
)
from puffin.cli.options.values import CacheOptions, ScreenOptions, SyncOptions
from puffin.value import frozen

# fmt: off
PYTHON = (
    (("-p", "--python"), "python", VALUE, "PYTHON",
     "The interpreter of environments that configure none: a version or a path.", ENVIRONMENT),
)
WORKSPACE_SYNC = (
    (("--all",), "all", FLAG, "", "Sync all configured environments (the default if none is given).", COMMON),
    (("--changed-since",), "changed_since", VALUE, "GITREF",
     "Sync only environments whose files differ from that commit.", COMMON),
    (("--check",), "check", FLAG, "", "Change nothing; exit with 4 if an environment differs.", COMMON),
    (("--frozen",), "frozen", FLAG, "", "Resolve nothing: use the lock file for requirements without pins.", COMMON),
    (("--keep-going",), "keep_going", FLAG, "",
     "Continue with the other environments if one fails (the default).", COMMON),
    (("--fail-fast",), "fail_fast", FLAG, "", "Stop at the first environment that fails.", COMMON),
    (("--report",), "report", VALUE, "FILE",
     "Write the result of each environment as JSON (`-`: to standard output).", COMMON),
    *DRY_RUN,
    *CHANGE,
    *picked(SYNC, "allow_empty_requirements", "require_hashes", "no_verify_hashes", "exclude_newer"),
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
    (("--format",), "format", VALUE, "columns|json", "The format of the list.", COMMON),
    *PYTHON,
    *CACHE,
    *OUTPUT,
)
KEY = (*PYTHON, *CACHE, *OUTPUT)
LOCK = (
    (("--consistent",), "consistent", FLAG, "", "Choose one version of each package for all environments.", COMMON),
    (("--check",), "check", FLAG, "", "Write nothing; exit with 4 if a lock is out of date.", COMMON),
    *PYTHON,
    *picked(
        COMPILE, "upgrade", "upgrade_package", "resolution", "prerelease", "prerelease_package", "pre",
        "exclude_newer", "generate_hashes",
    ),
    *FILES,
    *BUILD,
    *INDEX,
    *PROFILE,
    *CACHE,
    *OUTPUT,
)
# fmt: on


@frozen
class WorkspaceOptions:
    """``puffin sync``; ``given`` are the names of the options that the command line or a variable tells."""

    CONFIGURATION = ("sync", True)
    given: frozenset[str] = frozenset()
    all: bool = False
    changed_since: str = ""
    check: bool = False
    frozen: bool = False
    keep_going: bool = False
    fail_fast: bool = False
    report: str = ""
    sync: SyncOptions = SyncOptions()


@frozen
class LockOptions:
    """``puffin lock``: a compilation for each environment."""

    CONFIGURATION = ("compile", True)
    consistent: bool = False
    check: bool = False
    compile: CompileOptions = CompileOptions()


@frozen
class EnvsOptions:
    """``puffin envs`` and ``puffin cache key``."""

    arguments: tuple[str, ...] = ()
    format: str = ""
    python: str = ""
    cache: CacheOptions = CacheOptions()
    screen: ScreenOptions = ScreenOptions()
