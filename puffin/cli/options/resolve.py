"""The options of ``puffin pip compile`` and ``puffin pip install``."""

from puffin.cli.options import table
from puffin.cli.options.table import COMMON, ENVIRONMENT, RESOLUTION, WRITTEN, option, picked
from puffin.value import frozen

# fmt: off
COMPILE = (
    option("-o --output-file FILE", "Write the pins to this file; prefer its versions.", COMMON),
    option("-U --upgrade/--no-upgrade", "Ignore the pins of the output file.", COMMON),
    option("-P --upgrade-package NAME[==V]...", "Ignore the pin of one package in the output file.", COMMON),
    option("--no-deps", "Pin only the requirements of the sources, without dependencies.", COMMON),
    option("--dry-run", "Print the pins, and leave the output file as it is.", COMMON),
    *table.PROJECT,
    option("--override --overrides FILE...", "Override dependencies of packages with a file.", RESOLUTION),
    option("--resolution highest|lowest|lowest-direct",
        "Which of the matching versions to choose (default: highest).", RESOLUTION),
    option("--prerelease disallow|allow|if-necessary|explicit|if-necessary-or-explicit",
        "Which pre-releases to accept (default: if-necessary-or-explicit).", RESOLUTION),
    option("--prerelease-package NAME[=MODE]...",
        "Which pre-releases of one package to accept (default: allow).", RESOLUTION),
    option("--pre", "Accept all pre-releases, like `--prerelease allow`.", RESOLUTION),
    *table.CONSTRAINTS,
    *table.PYTHON,
    option("--python-version VERSION", "The Python version to resolve for, for example 3.8 or 3.8.1.", ENVIRONMENT),
    option("--python-platform PLATFORM",
        "The platform to resolve for: linux, macos, windows, or for example x86_64-manylinux_2_28.", ENVIRONMENT),
    option("--universal/--no-universal", "Resolve for all platforms, or for all of `targets`, at once.", ENVIRONMENT),
    option("--targets PLATFORM-PYTHON...",
        "Resolve for several targets at once, for example linux-x86_64-cp312.", ENVIRONMENT),
    *table.FILES,
    option("--format requirements.txt|pylock.toml",
        "The format of the output (default: by the name of the output file).", WRITTEN, "output_format"),
    option("--generate-hashes/--no-generate-hashes", "Write the hashes of all files.", WRITTEN),
    option("--annotation-style split|line",
        "How to write which packages require each package (default: split).", WRITTEN),
    option("--no-annotate/--annotate", "Do not write which packages require each package.", WRITTEN),
    option("--no-header/--header", "Write no header.", WRITTEN),
    option("--no-strip-extras/--strip-extras", "Write the extras of packages.", WRITTEN),
    option("--no-strip-markers/--strip-markers", "Write the markers of packages.", WRITTEN),
    option("--no-emit-package --unsafe-package NAME...",
        "Leave a package out of the output, but not its dependencies.", WRITTEN),
    option("--emit-index-url/--no-emit-index-url", "Write the URLs of the indexes, without credentials.", WRITTEN),
    option("--emit-find-links/--no-emit-find-links", "Write the locations of `--find-links`.", WRITTEN),
    option("--emit-build-options", "Write `--no-binary` and `--only-binary`.", WRITTEN),
    option("--emit-index-annotation", "Write the index of each package.", WRITTEN),
    option("--emit-marker-expression", "Write for which environments the pins hold.", WRITTEN),
    option("--custom-compile-command TEXT", "The command shown in the header.", WRITTEN),
    *table.BUILD,
    *table.INDEX,
    *table.REMOTE_READ,
    *table.BUILDERS,
    *table.PROFILE,
    *table.ALWAYS,
)
INSTALL = (
    option("-r --requirement FILE...", "Install the requirements in a file.", COMMON),
    option("-e --editable DIR...", "Install a project in editable mode.", COMMON),
    option("-U --upgrade/--no-upgrade", "Upgrade to the newest allowed versions.", COMMON),
    option("-P --upgrade-package NAME[==V]...", "Upgrade one package to the newest allowed version.", COMMON),
    option("--no-deps", "Install only the given packages, without dependencies.", COMMON),
    option("--exact", "Remove packages that are neither given nor required.", COMMON),
    option("--strict", "Check the installed packages for conflicts, even with --no-deps.", COMMON),
    option("--report FILE", "Write a report in pip's format (`-`: to standard output).", COMMON),
    *picked(COMPILE, "override", "resolution", "prerelease", "prerelease_package", "pre"),
    *table.CHANGED,
)
# fmt: on


@frozen
class HeaderOptions:
    """What ``puffin pip compile`` writes at the top; ``words`` are those of its command line."""

    words: tuple[str, ...] = ()
    no_header: bool = False
    custom_compile_command: str = ""
    emit_index_url: bool = False
    emit_find_links: bool = False


@frozen
class InstallOptions:
    """What ``puffin pip install`` is asked besides its settings."""

    arguments: tuple[str, ...] = ()
    requirement: tuple[str, ...] = ()
    editable: tuple[str, ...] = ()
    upgrade: bool = False
    upgrade_package: tuple[str, ...] = ()
    exact: bool = False
    report: str = ""
