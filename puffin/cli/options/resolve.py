"""The options of ``puffin pip compile`` and ``puffin pip install``."""

from puffin.cli.options.table import (
    BUILD,
    CACHE,
    CHANGE,
    COMMON,
    CONSTRAINTS,
    DASHBOARD,
    DRY_RUN,
    ENVIRONMENT,
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
    PYTHON,
    RESOLUTION,
    RUN,
    SEEDS,
    TARGETS,
    VALUE,
    WRITTEN,
    picked,
)
from puffin.cli.options.values import (
    BuildOptions,
    CacheOptions,
    FileOptions,
    IndexOptions,
    ObserveOptions,
    ProjectOptions,
    ScreenOptions,
    SyncOptions,
    VersionOptions,
)
from puffin.value import frozen

# fmt: off
COMPILE = (
    (("-o", "--output-file"), "output_file", VALUE, "FILE",
     "Write the pins to this file; prefer its versions.", COMMON),
    (("-U", "--upgrade/--no-upgrade"), "upgrade", FLAG, "", "Ignore the pins of the output file.", COMMON),
    (("-P", "--upgrade-package"), "upgrade_package", LIST, "NAME[==V]",
     "Ignore the pin of one package in the output file.", COMMON),
    (("--no-deps",), "no_deps", FLAG, "", "Pin only what the sources name, without dependencies.", COMMON),
    *PROJECT,
    (("--override", "--overrides"), "override", LIST, "FILE",
     "Override dependencies of packages with a file.", RESOLUTION),
    (("--resolution",), "resolution", VALUE, "highest|lowest|lowest-direct",
     "Which of the matching versions to choose (default: highest).", RESOLUTION),
    (("--prerelease",), "prerelease", VALUE, "disallow|allow|if-necessary|explicit|if-necessary-or-explicit",
     "Which pre-releases to accept (default: if-necessary-or-explicit).", RESOLUTION),
    (("--prerelease-package",), "prerelease_package", LIST, "NAME[=MODE]",
     "Which pre-releases of one package to accept (default: allow).", RESOLUTION),
    (("--pre",), "pre", FLAG, "", "Accept all pre-releases, like `--prerelease allow`.", RESOLUTION),
    *CONSTRAINTS,
    *PYTHON,
    (("--python-version",), "python_version", VALUE, "VERSION",
     "The Python version to resolve for, for example 3.8 or 3.8.1.", ENVIRONMENT),
    (("--python-platform",), "python_platform", VALUE, "PLATFORM",
     "The platform to resolve for: linux, macos, windows, or for example x86_64-manylinux_2_28.", ENVIRONMENT),
    *FILES,
    (("--format",), "output_format", VALUE, "requirements.txt|pylock.toml",
     "The format of the output (default: by the name of the output file).", WRITTEN),
    (("--generate-hashes/--no-generate-hashes",), "generate_hashes", FLAG, "",
     "Write the hashes of all files.", WRITTEN),
    (("--annotation-style",), "annotation_style", VALUE, "split|line",
     "How to write which packages require each package (default: split).", WRITTEN),
    (("--no-annotate/--annotate",), "no_annotate", FLAG, "",
     "Do not write which packages require each package.", WRITTEN),
    (("--no-header/--header",), "no_header", FLAG, "", "Write no header.", WRITTEN),
    (("--no-strip-extras/--strip-extras",), "no_strip_extras", FLAG, "", "Write the extras of packages.", WRITTEN),
    (("--no-strip-markers/--strip-markers",), "no_strip_markers", FLAG, "", "Write the markers of packages.", WRITTEN),
    (("--no-emit-package", "--unsafe-package"), "no_emit_package", LIST, "NAME",
     "Leave a package out of the output, but not its dependencies.", WRITTEN),
    (("--emit-index-url/--no-emit-index-url",), "emit_index_url", FLAG, "",
     "Write the URLs of the indexes, without credentials.", WRITTEN),
    (("--emit-find-links/--no-emit-find-links",), "emit_find_links", FLAG, "",
     "Write the locations of `--find-links`.", WRITTEN),
    (("--emit-build-options",), "emit_build_options", FLAG, "", "Write `--no-binary` and `--only-binary`.", WRITTEN),
    (("--emit-index-annotation",), "emit_index_annotation", FLAG, "", "Write the index of each package.", WRITTEN),
    (("--emit-marker-expression",), "emit_marker_expression", FLAG, "",
     "Write for which environments the pins hold.", WRITTEN),
    (("--custom-compile-command",), "custom_compile_command", VALUE, "TEXT",
     "The command shown in the header.", WRITTEN),
    *BUILD,
    *INDEX,
    *PROFILE,
    *CACHE,
    *OUTPUT,
)
INSTALL = (
    (("-r", "--requirement"), "requirement", LIST, "FILE", "Install the requirements in a file.", COMMON),
    (("-e", "--editable"), "editable", LIST, "DIR", "Install a project in editable mode.", COMMON),
    (("-U", "--upgrade/--no-upgrade"), "upgrade", FLAG, "", "Upgrade to the newest allowed versions.", COMMON),
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
    *picked(COMPILE, "override", "resolution", "prerelease", "prerelease_package", "pre"),
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
class CompileOptions:
    """``puffin pip compile``; ``words`` are those of its command line."""

    CONFIGURATION = ("compile", False)
    arguments: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    output_file: str = ""
    output_format: str = ""
    upgrade: bool = False
    upgrade_package: tuple[str, ...] = ()
    no_deps: bool = False
    override: tuple[str, ...] = ()
    constraint: tuple[str, ...] = ()
    python: str = ""
    python_version: str = ""
    python_platform: str = ""
    generate_hashes: bool = False
    annotation_style: str = ""
    no_annotate: bool = False
    no_header: bool = False
    no_strip_extras: bool = False
    no_strip_markers: bool = False
    no_emit_package: tuple[str, ...] = ()
    emit_index_url: bool = False
    emit_find_links: bool = False
    emit_build_options: bool = False
    emit_index_annotation: bool = False
    emit_marker_expression: bool = False
    custom_compile_command: str = ""
    project: ProjectOptions = ProjectOptions()
    versions: VersionOptions = VersionOptions()
    files: FileOptions = FileOptions()
    index: IndexOptions = IndexOptions()
    build: BuildOptions = BuildOptions()
    observe: ObserveOptions = ObserveOptions()
    cache: CacheOptions = CacheOptions()
    screen: ScreenOptions = ScreenOptions()


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
