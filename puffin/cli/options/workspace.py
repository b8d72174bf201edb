"""The options of the commands for many environments."""

from puffin.cli.options import table
from puffin.cli.options.resolve import COMPILE
from puffin.cli.options.table import COMMON, ENVIRONMENT, SYNC, option, picked
from puffin.value import frozen

# fmt: off
PYTHON = (
    option("-p --python PYTHON",
        "The interpreter of environments that configure none: a version or a path.", ENVIRONMENT),
)
CLUSTER = (
    option("--on ADDRESS",
        "Make the environments on every machine of a dask cluster, tcp://HOST:PORT, and not on this one.", COMMON),
    option("--path DIR", "With --on: the directory of the environment on each machine.", COMMON),
)
ENVIRONMENTS = (
    option("--environments FILE",
        "Read the environments from this file instead of the nearest configuration.", ENVIRONMENT),
)
WORKSPACE_SYNC = (
    option("--all", "Sync all configured environments (the default if none is given).", COMMON),
    option("--changed-since GITREF",
        "Sync only environments that the change since that commit affects, as `puffin affected` lists them.", COMMON),
    *table.CHECK,
    option("--frozen", "Resolve nothing: use the lock file for requirements without pins.", COMMON),
    option("--no-install-project", "Install the dependencies of a project, but not the project itself.", COMMON),
    option("--no-install-workspace", "Install the dependencies of a workspace, but none of its members.", COMMON),
    option("--keep-going", "Continue with the other environments if one fails (the default).", COMMON),
    option("--fail-fast", "Stop at the first environment that fails.", COMMON),
    option("--report FILE", "Write the result of each environment as JSON (`-`: to standard output).", COMMON),
    option("--report-full", "Include the metadata of all installed packages in the report.", COMMON),
    *CLUSTER,
    *table.DRY_RUN,
    *table.CHANGE,
    *picked(SYNC, "allow_empty_requirements", "require_hashes", "no_verify_hashes", "exclude_newer"),
    *PYTHON,
    *ENVIRONMENTS,
    *table.FILES,
    *table.BUILD,
    *table.INDEX,
    *table.REMOTE,
    *table.RUN,
    *table.ALWAYS,
)
CACHE_PULL = (
    *picked(WORKSPACE_SYNC, "frozen", "no_install_project", "no_install_workspace"),
    *picked(SYNC, "compile_bytecode", "require_hashes", "no_verify_hashes", "exclude_newer"),
    *PYTHON,
    *ENVIRONMENTS,
    *table.FILES,
    *table.BUILD,
    *table.INDEX,
    *table.REMOTE_READ,
    *table.ALWAYS,
)
ENVS = (
    option("--format columns|json", "The format of the list.", COMMON),
    *PYTHON,
    *ENVIRONMENTS,
    *table.ALWAYS,
)
AFFECTED = (
    option("--since GITREF",
        "Compare with this commit. Uncommitted changes and files that are not ignored count too.", COMMON),
    option("--format text|json|github-matrix", "The format of the list (default: text).", COMMON),
    *PYTHON,
    *ENVIRONMENTS,
    *table.CONFIG,
    *table.ALWAYS,
)
WHY = (
    option("--format text|json", "The format of the output (default: text).", COMMON),
    *ENVIRONMENTS,
    *table.ALWAYS,
)
KEY = (*PYTHON, *ENVIRONMENTS, *table.ALWAYS)
LOCK = (
    option("--consistent", "Choose one version of each package for all environments.", COMMON),
    option("--check", "Write nothing; exit with 4 if a lock is out of date.", COMMON),
    *PYTHON,
    *ENVIRONMENTS,
    *picked(
        COMPILE, "upgrade", "upgrade_package", "resolution", "prerelease", "prerelease_package", "pre",
        "exclude_newer", "generate_hashes", "universal", "targets",
    ),
    *table.FILES,
    *table.BUILD,
    *table.INDEX,
    *table.REMOTE_READ,
    *table.BUILDERS,
    *table.PROFILE,
    *table.ALWAYS,
)
# what a command has from configuration alone
CONFIGURED = {
    "sync": SYNC,
    "cache pull": SYNC,
    "lock": picked(COMPILE, "constraint", "exclude_newer_package"),
    "affected": (*SYNC, *WORKSPACE_SYNC),
}
# fmt: on


@frozen
class WorkspaceOptions:
    """What ``puffin sync`` is asked besides its settings; ``given`` are the names of all options that were given."""

    arguments: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    environments: str = ""
    all: bool = False
    changed_since: str = ""
    keep_going: bool = False
    fail_fast: bool = False
    report: str = ""
    report_full: bool = False


@frozen
class EnvsOptions:
    """What commands that look at environments are asked, and ``puffin lock`` and ``pull`` besides their settings."""

    arguments: tuple[str, ...] = ()
    environments: str = ""
    format: str = ""
    python: str = ""
    since: str = ""
