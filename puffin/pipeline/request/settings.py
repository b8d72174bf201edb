"""The request of a command as one value. The cli makes it from options, variables and configuration."""

from puffin.forks import available_cores
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from puffin.pipeline.graph.task import Key, Outcome, Task
    from puffin.pipeline.request.scheduler import Remote
    from puffin.pipeline.workspace.specs import EnvSpec
    from puffin.reasons import Reason
    from puffin.stages.remote.values import RemoteCache
    from puffin.stages.resolve.index.config import NamedIndex
    from puffin.stages.resolve.output.earlier import Upgrades
    from puffin.stages.resolve.projects.sources import Sources

    class Reporter(Protocol):
        """Gets the progress of a run."""

        def phase(self, verb: str, count: int, seconds: float, *, shown: bool = True) -> None:
            """A phase is over: ``Resolved``, ``Prepared``, …; if it is not *shown*, the next run will say so."""

        def warn(self, text: str) -> None:
            """Something the user should know."""

        def expect(self, tasks: Mapping[Key, Task]) -> None:
            """The tasks that will run, by their keys; the mapping grows with the graph."""

        def task(self, task: Task, outcome: Outcome) -> None:
            """A task ended."""

        def changes(self, lines: "tuple[Line, ...]") -> None:
            """The changes of an environment, as they were or would be made."""


# values of `solve.request`, which a sync need not import
HIGHEST, IF_NECESSARY_OR_EXPLICIT = "highest", "if-necessary-or-explicit"
# how an environment can come out of a run over many
UPDATED, UNCHANGED, FAILED, SKIPPED, DRIFTED = "updated", "unchanged", "failed", "skipped", "drifted"


@frozen
class Line:
    """One change: ``sign`` is ``+``, ``-`` or ``~`` (reinstalled); ``place`` is its origin, if shown.

    ``reason`` says why it is made, once for a distribution that goes and comes, ``work`` as in ``Change`` what it took.
    """

    sign: str
    name: str
    version: str
    place: str = ""
    reason: "Reason | None" = None
    work: "tuple[tuple[str, Reason], ...]" = ()


@frozen
class Configured:
    """The indexes of configuration files. Options and requirements files take precedence."""

    index_url: str = ""
    extra_index_url: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False


@frozen
class NetworkOptions:
    """The network options: empty texts, a timeout of 0 and -1 retries mean "not given"."""

    cert: str = ""
    client_cert: str = ""
    trusted_host: tuple[str, ...] = ()
    proxy: str = ""
    timeout: float = 0.0
    retries: int = -1
    keyring_provider: str = ""


@frozen
class Where:
    """What the options say of where to work. Empty texts mean "not given"."""

    python: str = ""
    system: bool = False
    target: str = ""
    prefix: str = ""
    python_version: str = ""
    python_platform: str = ""


@frozen
class Settings:
    """What a command is asked, by the names of its options. Empty texts mean "not given".

    ``no_binary`` and ``only_binary`` are normalised names, or ``:all:``. ``exclude_newer`` is in the form that
    ``exclude_newer_for`` reads. ``dashboard`` is a port, 0 for any, -1 for none; ``remote`` is the scheduler that
    ``executor`` names. ``check`` is asked of a dry run that tells whether something would change. ``uv_file`` is the
    file whose ``[tool.uv]`` is among the settings.
    """

    files: tuple[str, ...]
    cache_dir: str
    where: Where = Where()
    index_url: str = ""
    extra_index_url: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    require_hashes: bool = False
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()
    no_build: bool = False
    no_sources: bool = False
    no_sources_package: tuple[str, ...] = ()
    no_verify_hashes: bool = False
    no_editable: bool = False
    strict: bool = False
    verify: bool = False
    reinstall: bool = False
    reinstall_package: tuple[str, ...] = ()
    refresh: bool = False
    refresh_package: tuple[str, ...] = ()
    offline: bool = False
    link_mode: str = ""
    path_conflict: str = ""
    atomic: str = ""
    compile_bytecode: bool = False
    bytecode_mode: str = ""
    dry_run: bool = False
    check: bool = False
    allow_empty_requirements: bool = False
    remove_seeds: bool = False
    break_system_packages: bool = False
    no_build_isolation: bool = False
    no_build_isolation_package: tuple[str, ...] = ()
    config_setting: tuple[str, ...] = ()
    config_setting_package: tuple[str, ...] = ()
    build_constraint: tuple[str, ...] = ()
    executor: str = ""
    remote: "Remote | None" = None
    remote_cache: "RemoteCache | None" = None
    jobs: int = 0
    dashboard: int = -1
    dashboard_linger: bool = False
    constraint: tuple[str, ...] = ()
    override: tuple[str, ...] = ()
    resolution: str = HIGHEST
    prerelease: str = IF_NECESSARY_OR_EXPLICIT
    prerelease_package: tuple[tuple[str, str], ...] = ()
    exclude_newer: str = ""
    no_deps: bool = False
    extra: tuple[str, ...] = ()
    all_extras: bool = False
    group: tuple[str, ...] = ()
    configured: Configured = Configured()
    indexes: "tuple[NamedIndex, ...]" = ()
    index_strategy: str = ""
    network: NetworkOptions = NetworkOptions()
    uv_file: str = ""

    @property
    def again(self) -> "bool | frozenset[str]":
        """Whose pages are asked for again, and whose files where no hash tells that they are the same: True for all."""
        if self.offline or self.refresh or self.reinstall:
            return not self.offline
        return frozenset((*self.refresh_package, *self.reinstall_package))

    def asks_again(self, name: str) -> bool:
        """Return whether :attr:`again` has a package."""
        return name in self.again if isinstance(self.again, frozenset) else self.again

    @property
    def workers(self) -> int:
        return self.jobs or available_cores()


@frozen
class ManySettings:
    """The request of a run over many environments; ``run`` has the settings shared with a sync of one.

    ``on`` is the address of the cluster whose machines get the environments, ``path`` where they are there.
    """

    run: Settings
    specs: "tuple[EnvSpec, ...]" = ()
    check: bool = False
    frozen: bool = False
    no_install_project: bool = False
    no_install_workspace: bool = False
    fail_fast: bool = False
    on: str = ""
    path: str = ""

    @property
    def is_dry(self) -> bool:
        return self.check or self.run.dry_run


@frozen
class DigestSettings:
    """What decides besides files: the settings of the command, and ``given``, its options as written, by name."""

    run: Settings
    given: tuple[tuple[str, str], ...] = ()


@frozen
class Side:
    """The environments of one state of the disk, and the settings there."""

    specs: "tuple[EnvSpec, ...]"
    settings: DigestSettings


@frozen
class CompileSettings:
    """The request of a compilation: ``run`` decides the resolution, the rest the output.

    ``header`` is the command that the header names, empty for no header. ``targets`` are named as in
    ``locate.everywhere``. ``default_groups`` are those that a lock selects unless somebody says otherwise;
    ``shared`` tells that all environments of a project share it.
    """

    run: Settings
    output_file: str = ""
    output_format: str = ""
    upgrade: bool = False
    upgrade_package: tuple[str, ...] = ()
    generate_hashes: bool = False
    header: str = ""
    annotation_style: str = "split"  # `SPLIT` of output_values, which a sync need not import
    no_strip_extras: bool = False
    no_strip_markers: bool = False
    no_emit_package: tuple[str, ...] = ()
    emit_index_url: bool = False
    emit_find_links: bool = False
    emit_build_options: bool = False
    emit_index_annotation: bool = False
    emit_marker_expression: bool = False
    universal: bool = False
    targets: tuple[str, ...] = ()
    default_groups: tuple[str, ...] = ()
    shared: bool = False

    @property
    def is_for_several(self) -> bool:
        """Whether the resolution is for several environments."""
        return self.universal or bool(self.targets)


@frozen
class InstallSettings:
    """The request of an install; with ``exact`` nothing else stays."""

    run: Settings
    sources: "Sources"
    upgrades: "Upgrades | None" = None
    exact: bool = False
