"""The options of ``puffin pip install``."""

from puffin.cli.options.compile import COMPILE
from puffin.cli.options.table import (
    BUILD,
    CACHE,
    CHANGE,
    COMMON,
    CONSTRAINTS,
    DASHBOARD,
    DRY_RUN,
    EXTERNAL,
    FILES,
    FLAG,
    FOREIGN,
    HASHES,
    INDEX,
    LIST,
    OUTPUT,
    PROFILE,
    PROJECT,
    RUN,
    SEEDS,
    TARGETS,
    VALUE,
    picked,
)
from puffin.cli.options.values import SyncOptions, VersionOptions
from puffin.value import frozen

# fmt: off
INSTALL = (
    (("-r", "--requirement"), "requirement", LIST, "FILE", "Install the requirements in a file.", COMMON),
    (("-e", "--editable"), "editable", LIST, "DIR", "Install a project in editable mode.", COMMON),
    (("-U", "--upgrade"), "upgrade", FLAG, "", "Upgrade to the newest allowed versions.", COMMON),
    (("-P", "--upgrade-package"), "upgrade_package", LIST, "NAME[==V]",
     "Upgrade one package to the newest allowed version.", COMMON),
    (("--no-deps",), "no_deps", FLAG, "", "Install only the given packages, without dependencies.", COMMON),
    (("--exact",), "exact", FLAG, "", "Remove packages that are neither given nor required.", COMMON),
    *SEEDS,
    (("--strict",), "strict", FLAG, "", "Check the installed packages for conflicts, even with --no-deps.", COMMON),
    (("--report",), "report", VALUE, "FILE", "Write a report in pip's format (`-`: to standard output).", COMMON),
    *DRY_RUN,
    *PROJECT,
    *CHANGE,
    *TARGETS,
    *FOREIGN,
    *EXTERNAL,
    *picked(COMPILE, "override", "resolution", "prerelease", "pre"),
    *CONSTRAINTS,
    *FILES,
    *HASHES,
    *BUILD,
    *INDEX,
    *RUN,
    *PROFILE,
    *DASHBOARD,
    *CACHE,
    *OUTPUT,
)
# fmt: on


@frozen
class InstallOptions:
    """``puffin pip install``."""

    CONFIGURATION = ("install", False)
    requirement: tuple[str, ...] = ()
    editable: tuple[str, ...] = ()
    override: tuple[str, ...] = ()
    upgrade: bool = False
    upgrade_package: tuple[str, ...] = ()
    no_deps: bool = False
    exact: bool = False
    report: str = ""
    versions: VersionOptions = VersionOptions()
    sync: SyncOptions = SyncOptions()
