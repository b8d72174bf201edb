"""What commands are asked, as frozen values: a group for options that commands share, and one value for each command.

A field has the name and the kind of the row in the option table; a test compares both. :func:`made` is the only place
where the words of a command line become such a value. ``CONFIGURATION`` is there if configuration adds to a value:
the section of pip.conf that counts, and whether the command works on many environments.
"""

from puffin.errors import UsageError
from puffin.names import normalise
from puffin.pipeline.request.settings import Configured, Where
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    T = TypeVar("T")

PRERELEASES = ("if-necessary-or-explicit", "if-necessary", "explicit", "allow", "disallow")


@frozen
class CacheOptions:
    """Which cache to use."""

    cache_dir: str = ""
    no_cache: bool = False


@frozen
class ScreenOptions:
    """How much to print, and how. ``directory`` is where the command began: the entry has changed to it already."""

    directory: str = ""
    quiet: int = 0
    verbose: int = 0
    color: str = ""
    no_progress: bool = False


@frozen
class ConnectionOptions:
    """How to reach the network."""

    cert: str = ""
    client_cert: str = ""
    trusted_host: tuple[str, ...] = ()
    proxy: str = ""
    timeout: str = ""
    retries: str = ""
    keyring_provider: str = ""


@frozen
class IndexTable:
    """One ``[[index]]`` table: ``packages`` are patterns of the names that are looked for nowhere else."""

    name: str
    url: str
    packages: tuple[str, ...]
    explicit: bool
    default: bool
    place: str


@frozen
class IndexOptions:
    """Where to look for distributions. ``configured`` and ``index_tables`` are what configuration files add."""

    index_url: str = ""
    extra_index_url: tuple[str, ...] = ()
    default_index: str = ""
    index: tuple[str, ...] = ()
    index_strategy: str = ""
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    refresh: bool = False
    refresh_package: tuple[str, ...] = ()
    offline: bool = False
    connection: ConnectionOptions = ConnectionOptions()
    configured: Configured = Configured()
    index_tables: tuple[IndexTable, ...] = ()


@frozen
class FileOptions:
    """Which kinds of distributions may be used."""

    only_binary: tuple[str, ...] = ()
    no_binary: tuple[str, ...] = ()
    no_build: bool = False


@frozen
class BuildOptions:
    """How to build."""

    no_build_isolation: bool = False
    no_build_isolation_package: tuple[str, ...] = ()
    config_setting: tuple[str, ...] = ()
    config_setting_package: tuple[str, ...] = ()
    build_constraint: tuple[str, ...] = ()


@frozen
class VersionOptions:
    """Which of the matching versions to choose."""

    resolution: str = ""
    prerelease: str = ""
    prerelease_package: tuple[str, ...] = ()
    pre: bool = False
    exclude_newer: str = ""
    exclude_newer_package: tuple[str, ...] = ()

    @property
    def mode(self) -> str:
        """The rule about pre-releases."""
        return "allow" if self.pre else self.prerelease or PRERELEASES[0]

    def package_modes(self) -> tuple[tuple[str, str], ...]:
        """Return packages with rules of their own: of ``NAME``, which accepts pre-releases, and of ``NAME=MODE``."""
        found = []
        for value in self.prerelease_package:
            name, _, mode = value.partition("=")
            if mode.strip() not in ("", *PRERELEASES):
                raise UsageError(
                    text=f"`{value}` is not a value of `--prerelease-package`",
                    hints=(
                        f"write a name, or NAME=MODE with {', '.join(f'`{each}`' for each in PRERELEASES)}",
                    ),
                )
            found.append((normalise(name.strip()), mode.strip() or "allow"))
        return tuple(found)


@frozen
class ProjectOptions:
    """Which extras and groups of a project to include."""

    extra: tuple[str, ...] = ()
    all_extras: bool = False
    group: tuple[str, ...] = ()


@frozen
class ChangeOptions:
    """How to change an environment."""

    dry_run: bool = False
    reinstall: bool = False
    reinstall_package: tuple[str, ...] = ()
    link_mode: str = ""
    compile_bytecode: bool = False
    path_conflict: str = ""


@frozen
class RunOptions:
    """What runs the task graph."""

    jobs: str = ""
    executor: str = ""
    shared_filesystem: bool = False
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""


@frozen
class ObserveOptions:
    """What to show of a run besides its result."""

    profile: str = ""
    trace: str = ""
    dashboard: str = ""
    dashboard_linger: bool = False


@frozen
class SyncOptions:
    """``puffin pip sync``, and what all commands that change environments share."""

    CONFIGURATION = ("sync", False)
    arguments: tuple[str, ...] = ()
    strict: bool = False
    allow_empty_requirements: bool = False
    remove_seeds: bool = False
    break_system_packages: bool = False
    constraint: tuple[str, ...] = ()
    exclude_newer: str = ""
    exclude_newer_package: tuple[str, ...] = ()
    require_hashes: bool = False
    no_verify_hashes: bool = False
    no_editable: bool = False
    project: ProjectOptions = ProjectOptions()
    change: ChangeOptions = ChangeOptions()
    where: Where = Where()
    files: FileOptions = FileOptions()
    index: IndexOptions = IndexOptions()
    build: BuildOptions = BuildOptions()
    run: RunOptions = RunOptions()
    observe: ObserveOptions = ObserveOptions()
    cache: CacheOptions = CacheOptions()
    screen: ScreenOptions = ScreenOptions()


def made(kind: "type[T]", values: "Mapping[str, object]") -> "T":
    """Return the value of this *kind* out of *values* by the names of options; what they lack is not given."""
    fields: dict[str, Any] = {}
    for name, default in _defaults(kind):
        fields[name] = made(type(default), values) if _is_group(default) else values.get(name, default)
    return kind(**fields)


def unsaid(kind: "type[Any]") -> "dict[str, object]":
    """Return the options of a *kind*, those of its groups included, as if none of them was given."""
    found: dict[str, object] = {}
    for name, default in _defaults(kind):
        found.update(unsaid(type(default)) if _is_group(default) else {name: default})
    return found


def _defaults(kind: "type[Any]") -> "list[tuple[str, Any]]":
    return [*kind.__defaults__.items()]


def _is_group(default: object) -> bool:
    return hasattr(default, "__defaults__") and not isinstance(default, Configured)
