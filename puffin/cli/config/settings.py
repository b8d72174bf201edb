"""From options to the settings of the pipeline: what to change, indexes, network, executor."""

import os
import sys

from puffin import depends
from puffin.artifact.urls import strip_credentials
from puffin.cache.atomic import remove_tree
from puffin.cache.layout import default_root
from puffin.cli.config.times import moments
from puffin.cli.options.table import GIVEN, SYNC, choices_of
from puffin.cli.options.values import BuildOptions, ProjectOptions, SyncOptions
from puffin.errors import UsageError
from puffin.names import normalise
from puffin.pipeline.request.scheduler import Remote, check_address, is_address, times_of
from puffin.pipeline.request.settings import (
    CompileSettings,
    Configured,
    InstallSettings,
    NetworkOptions,
    Settings,
    Where,
)
from puffin.pipeline.run.executor import NAMES
from puffin.pipeline.workspace.document import ConfigurationInvalid, SettingValue
from puffin.stages.resolve.requirements.values import SourceRequest
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from puffin.cli.options.resolve import CompileOptions, InstallOptions
    from puffin.cli.options.values import (
        CacheOptions,
        ConnectionOptions,
        IndexOptions,
        RunOptions,
        VersionOptions,
    )
    from puffin.cli.options.workspace import LockOptions
    from puffin.pipeline.commands.lock import LockSettings
    from puffin.pipeline.workspace.specs import EnvSpec
    from puffin.stages.resolve.index.config import NamedIndex
    from puffin.stages.resolve.projects.sources import Sources

_DASHBOARD_PORT = 8787


def sync_settings(options: SyncOptions, cache_dir: str) -> Settings:
    """Return the settings of a run that changes environments; :class:`UsageError` for values that cannot be."""
    executor, remote = executor_of(options.run, os.environ)
    _check_extras(options.project)
    if options.require_hashes and options.no_verify_hashes:
        raise UsageError(
            text="`--require-hashes` cannot be used with `--no-verify-hashes`", hints=("leave out one of them",)
        )
    if options.change.link_mode == "symlink" and options.cache.no_cache:
        raise UsageError(text="`--link-mode symlink` needs a cache that stays, and `--no-cache` has none")
    if options.change.compile_bytecode and options.where.python_version:
        raise UsageError(
            text="`--compile-bytecode` cannot be used with `--python-version`: its interpreter would have to compile"
        )
    return _settings(options, cache_dir, executor=executor, remote=remote)


def _bytecode_mode(environ: "Mapping[str, str]") -> str:
    """Return the mode of bytecode that ``PYC_INVALIDATION_MODE`` names, as ``interpreter_kind`` takes it.

    Names are those of ``py_compile``, in any case, or of ``compileall``. Raises :class:`UsageError` for another.
    """
    given = environ.get("PYC_INVALIDATION_MODE", "")
    modes = {"": "", "TIMESTAMP": "", "CHECKED_HASH": "checked", "UNCHECKED_HASH": "unchecked"}
    name = given.upper().replace("-", "_")
    if name not in modes:
        hints = ("use one of `TIMESTAMP`, `CHECKED_HASH`, `UNCHECKED_HASH`",)
        raise UsageError(text=f"`{given}` is not a valid value for `PYC_INVALIDATION_MODE`", hints=hints)
    return modes[name]


def _settings(
    options: SyncOptions, cache_dir: str, *, executor: str = "", remote: "Remote | None" = None
) -> Settings:
    if options.index.offline and (options.index.refresh or options.index.refresh_package):
        raise UsageError(
            text="`--refresh` cannot be used with `--offline`: what is cached is all there is",
            hints=("leave out one of them",),
        )
    where, change, files, build, index = (
        options.where, options.change, options.files, options.build, options.index,
    )  # fmt: skip
    indexes = named_indexes(index, os.environ)
    observe = options.observe
    return Settings(
        files=options.arguments,
        cache_dir=cache_dir,
        python=where.python,
        system=where.system,
        target=where.target,
        prefix=where.prefix,
        target_version=where.python_version,
        target_platform=where.python_platform,
        index_url=index.default_index or index.index_url,
        extra_index_url=index.extra_index_url,
        find_links=index.find_links,
        no_index=index.no_index,
        index_strategy=index.index_strategy,
        indexes=indexes,
        configured=_configured(index.configured, indexes),
        network=network_options(index.connection),
        offline=index.offline,
        refresh=index.refresh,
        refresh_package=normalised(index.refresh_package),
        require_hashes=options.require_hashes,
        no_verify_hashes=options.no_verify_hashes,
        no_editable=options.no_editable,
        no_binary=package_names(files.no_binary),
        only_binary=package_names(files.only_binary),
        no_build=files.no_build,
        strict=options.strict,
        reinstall=change.reinstall,
        reinstall_package=normalised(change.reinstall_package),
        link_mode=change.link_mode,
        path_conflict=change.path_conflict,
        compile_bytecode=change.compile_bytecode,
        bytecode_mode=_bytecode_mode(os.environ) if change.compile_bytecode else "",
        dry_run=change.dry_run,
        allow_empty_requirements=options.allow_empty_requirements,
        remove_seeds=options.remove_seeds,
        break_system_packages=options.break_system_packages,
        no_build_isolation=build.no_build_isolation,
        no_build_isolation_package=normalised(build.no_build_isolation_package),
        config_setting=build.config_setting,
        config_setting_package=build.config_setting_package,
        build_constraint=build.build_constraint,
        executor=executor,
        remote=remote,
        jobs=jobs(options.run.jobs),
        dashboard=dashboard_port(observe.dashboard, executor, quiet=bool(options.screen.quiet)),
        dashboard_linger=observe.dashboard_linger,
        constraint=options.constraint,
        exclude_newer=moments(options.exclude_newer, options.exclude_newer_package),
        extra=options.project.extra,
        all_extras=options.project.all_extras,
        group=options.project.group,
    )


def _configured(configured: Configured, indexes: "Sequence[NamedIndex]") -> Configured:
    """Return where configuration says to look, its index URL with the credentials of the index of that URL."""
    same = (each.url for each in indexes if _is_same(each.url, configured.index_url))
    return replace(configured, index_url=next(same, configured.index_url))


def index_settings(
    index: "IndexOptions", cache_dir: str, python: str = "", build: "BuildOptions | None" = None
) -> Settings:
    """Return the settings of a command that asks indexes and changes no environment. Raises :class:`UsageError`."""
    where = Where(python=python)
    return _settings(SyncOptions(where=where, index=index, build=build or BuildOptions()), cache_dir)


def install_settings(options: "InstallOptions", run: Settings, sources: "Sources") -> "InstallSettings":
    """Return the settings of an install: *run* is what it shares with a sync (see :func:`run_of_install`)."""

    from puffin.stages.resolve.output.earlier import read_upgrades

    versions = options.versions
    return InstallSettings(
        run=run,
        sources=sources,
        upgrades=read_upgrades(options.upgrade, options.upgrade_package),
        no_deps=options.no_deps,
        exact=options.exact,
        strict=options.sync.strict,
        resolution=_resolution(versions),
        prerelease=versions.mode,
        prerelease_package=versions.package_modes(),
        exclude_newer=run.exclude_newer,
        no_binary=run.no_binary,
        only_binary=run.only_binary,
        no_build=run.no_build,
    )


def run_of_install(options: "InstallOptions", cache_dir: str) -> Settings:
    """Return what an install shares with a sync; what its requirements say stands in its sources instead."""
    _check_extras(options.sync.project)
    shared = replace(
        options.sync, arguments=(), allow_empty_requirements=False, constraint=(), project=ProjectOptions()
    )
    return sync_settings(shared, cache_dir)


def compile_settings(options: "CompileOptions", cache_dir: str, header: str) -> "CompileSettings":
    """Return the settings of a compilation; :class:`UsageError` for values that cannot be."""

    _check_extras(options.project)
    return CompileSettings(
        run=index_settings(options.index, cache_dir, options.python, options.build),
        sources=SourceRequest(
            files=options.arguments,
            constraints=options.constraint,
            overrides=options.override,
            extras=options.project.extra,
            all_extras=options.project.all_extras,
            groups=options.project.group,
        ),
        output=options.output_file,
        output_format=options.output_format,
        upgrade=options.upgrade,
        upgrade_package=options.upgrade_package,
        resolution=_resolution(options.versions),
        prerelease=options.versions.mode,
        prerelease_package=options.versions.package_modes(),
        exclude_newer=moments(options.versions.exclude_newer, options.versions.exclude_newer_package),
        python_version=options.python_version,
        python_platform=options.python_platform,
        no_deps=options.no_deps,
        no_binary=package_names(options.files.no_binary),
        only_binary=package_names(options.files.only_binary),
        no_build=options.files.no_build,
        generate_hashes=options.generate_hashes,
        header=header,
        annotation="" if options.no_annotate else options.annotation_style or "split",
        extras=options.no_strip_extras,
        markers=options.no_strip_markers,
        no_emit_package=normalised(options.no_emit_package),
        emit_index_url=options.emit_index_url,
        emit_find_links=options.emit_find_links,
        emit_build_options=options.emit_build_options,
        emit_index_annotation=options.emit_index_annotation,
        emit_marker_expression=options.emit_marker_expression,
    )


def lock_settings(options: "LockOptions", cache_dir: str, specs: "tuple[EnvSpec, ...]") -> "LockSettings":
    """Return the settings of a run over locks; :class:`UsageError` for values that cannot be."""
    from puffin.cli.options.resolve import CompileOptions
    from puffin.pipeline.commands.lock import LockSettings

    asked = options.compile
    shared = CompileOptions(
        python=asked.python,
        upgrade=asked.upgrade,
        upgrade_package=asked.upgrade_package,
        generate_hashes=asked.generate_hashes,
        versions=asked.versions,
        files=asked.files,
        index=asked.index,
        build=asked.build,
    )
    compiled = compile_settings(shared, cache_dir, "")
    return LockSettings(
        specs=specs,
        compile=replace(compiled, run=replace(compiled.run, constraint=asked.constraint)),
        consistent=options.consistent,
        check=options.check,
    )


def _resolution(versions: "VersionOptions") -> str:
    return versions.resolution or "highest"


def named_indexes(options: "IndexOptions", environ: "Mapping[str, str]") -> "tuple[NamedIndex, ...]":
    """Return the indexes of ``--index``, then those of configuration that have no namesake among them.

    Credentials are those in the URL, else in the variables ``PUFFIN_INDEX_<NAME>_USERNAME`` and ``…_PASSWORD``.
    """
    if not options.index and not options.index_tables:
        return ()
    from puffin.stages.resolve.index.config import NamedIndex

    found: dict[str, NamedIndex] = {}
    for text in options.index:
        name, url = _split(text)
        found.setdefault(name or url, NamedIndex(name=name, url=with_credentials(name, url, environ)))
    for table in options.index_tables:
        same = {name: getattr(table, name) for name in ("name", "packages", "explicit", "default")}
        url = with_credentials(table.name, table.url, environ)
        found.setdefault(table.name, NamedIndex(url=url, **same))
    return tuple(found.values())


def with_credentials(name: str, url: str, environ: "Mapping[str, str]") -> str:
    """Return the URL of a named index with the user and the password that variables give for it."""
    plain = "".join([letter if letter.isalnum() else "_" for letter in name]).upper()
    user, password = [environ.get(f"PUFFIN_INDEX_{plain}_{part}", "") for part in ("USERNAME", "PASSWORD")]
    scheme, mark, rest = url.partition("://")
    if not plain or not (user or password) or not mark or "@" in rest.partition("/")[0]:
        return url
    from urllib.parse import quote

    secret = f":{quote(password, safe='')}" if password else ""
    return f"{scheme}://{quote(user, safe='')}{secret}@{rest}"


def _split(text: str) -> tuple[str, str]:
    """Return name and URL of what ``--index`` was given; the name may be empty."""
    name, equals, url = text.partition("=")
    if not equals or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        return "", text
    return name, url


def _is_same(url: str, other: str) -> bool:
    return bool(other) and strip_credentials(url) == strip_credentials(other)


def network_options(options: "ConnectionOptions") -> NetworkOptions:
    """Return how to reach the network; certificates must be there."""
    for path, spelling in ((options.cert, "--cert"), (options.client_cert, "--client-cert")):
        if path and not depends.exists(path):
            raise UsageError(text=f"The file `{path}` of `{spelling}` does not exist")
    provider = options.keyring_provider
    return NetworkOptions(
        cert=options.cert,
        client_cert=options.client_cert,
        trusted_host=options.trusted_host,
        proxy=options.proxy,
        timeout=_seconds(options.timeout),
        retries=_count(options.retries),
        keyring_provider="subprocess" if provider == "import" else provider,
    )


def check_setting(setting: "SettingValue") -> None:
    """Raise :class:`ConfigurationInvalid` for a choice or a number that the option of a setting does not take."""
    from puffin.cli.options.resolve import COMPILE, INSTALL

    rows = {row[1]: row for row in (*SYNC, *COMPILE, *INSTALL)}
    choices = choices_of(rows[setting.name]) if setting.name in rows else ()
    checks: dict[str, Callable[[str], object]] = {"timeout": _seconds, "retries": _count, "jobs": jobs}
    try:
        if choices and setting.value not in choices:
            hint = f"use one of {', '.join(f'`{each}`' for each in choices)}"
            raise UsageError(
                text=f"`{setting.value}` is no value of `{setting.name.replace('_', '-')}`", hints=(hint,)
            )
        if setting.name in checks:
            checks[setting.name](str(setting.value))
    except UsageError as error:
        raise ConfigurationInvalid(place=setting.place, problem=error.text, hints=error.hints) from None


def _check_extras(options: ProjectOptions) -> None:
    if options.extra and options.all_extras:
        raise UsageError(text="`--extra` cannot be used with `--all-extras`", hints=("leave out one of them",))


def jobs(text: str) -> int:
    """Return the number of jobs, 0 where none is given."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1024):
        raise UsageError(text=f"`{text}` is not a number of jobs", hints=("give `--jobs` a number from 1 up",))
    return int(text)


def normalised(names: "Sequence[str]") -> tuple[str, ...]:
    """Return names of packages in their normal form."""
    return tuple(normalise(name) for name in names)


def package_names(values: "Sequence[str]") -> tuple[str, ...]:
    """Return the packages of ``--no-binary`` and ``--only-binary``: commas separate, ``:none:`` empties the list."""
    names: list[str] = []
    for value in values:
        for word in value.split(","):
            name = word.strip()
            if name == ":none:":
                names.clear()
            elif name:
                names.append(name if name == ":all:" else normalise(name))
    return tuple(dict.fromkeys(names))


def _seconds(text: str) -> float:
    try:
        number = float(text) if text else 0.0
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9 or (text and not number):
        raise UsageError(text=f"`--timeout {text}` is not a number of seconds above 0")
    return number


def _count(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) < 6):
        raise UsageError(text=f"`--retries {text}` is not a number of retries")
    return int(text) if text else -1


def dashboard_port(text: str, executor: str, *, quiet: bool) -> int:
    """Return the port that the dashboard is asked for on, -1 for none; :class:`UsageError` for what is no port."""
    if not text:
        return -1
    if text != GIVEN and not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise UsageError(text=f"`{text}` is not a port", hints=("write `--dashboard=8787`",))
    if executor not in ("", "auto", "cluster"):
        raise UsageError(
            text=f"The dashboard shows the cluster executor, not `{executor}`",
            hints=("remove `--executor`, or use `--executor cluster`",),
        )
    import importlib.util

    if importlib.util.find_spec("bokeh") is None:
        if not quiet:
            sys.stderr.write(
                "hint: the dashboard needs bokeh; install it with `pip install 'puffin[dashboard]'`\n"
            )
        return -1
    return _DASHBOARD_PORT if text == GIVEN else int(text)


def executor_of(options: "RunOptions", environ: "Mapping[str, str]") -> "tuple[str, Remote | None]":
    """Return the name of the executor, and the scheduler if it is an address; :class:`UsageError` for what is neither.

    ``PUFFIN_SCHEDULER`` counts where nothing else says what to use.
    """
    name = options.executor or environ.get("PUFFIN_SCHEDULER", "").strip()
    if name in NAMES or not name:
        if options.shared_filesystem:
            raise UsageError(
                text="`--shared-filesystem` needs a scheduler",
                hints=("for example: `--executor tcp://10.0.0.1:8786`",),
            )
        return name, None
    if not is_address(name):
        choices = ", ".join(f"`{each}`" for each in (*NAMES, "tcp://HOST:PORT", "tls://HOST:PORT"))
        raise UsageError(text=f"`{name}` is not an executor", hints=(f"use one of {choices}",))
    check_address(name)
    return name, _remote(name, options, environ)


def _remote(address: str, options: "RunOptions", environ: "Mapping[str, str]") -> Remote:
    files = {"tls_ca": options.tls_ca, "tls_cert": options.tls_cert, "tls_key": options.tls_key}
    given = {name: os.path.abspath(os.path.expanduser(path)) for name, path in files.items() if path}
    if given and not address.startswith("tls://"):
        raise UsageError(
            text=f"`{address}` is a scheduler without TLS", hints=("write its address as `tls://…`",)
        )
    if given and len(given) < len(files):
        raise UsageError(
            text="`--tls-ca`, `--tls-cert` and `--tls-key` belong together: give all three or none"
        )
    for path in given.values():
        if not depends.is_file(path):
            raise UsageError(text=f"There is no file `{path}`")
    return Remote(
        address=address,
        tls_ca=given.get("tls_ca", ""),
        tls_cert=given.get("tls_cert", ""),
        tls_key=given.get("tls_key", ""),
        shared=options.shared_filesystem,
        **times_of(environ),
    )


class CacheDirectory:
    """The cache directory of a command; with ``--no-cache`` one that goes at the end of the ``with`` block."""

    def __init__(self, options: "CacheOptions") -> None:
        self._options = options
        self._temporary = ""

    def __enter__(self) -> str:
        if self._options.no_cache:
            import tempfile

            self._temporary = tempfile.mkdtemp(prefix="puffin-cache-")
            return self._temporary
        chosen = self._options.cache_dir
        return os.path.abspath(os.path.expanduser(chosen)) if chosen else default_root(os.environ)

    def __exit__(self, *error: object) -> None:
        if self._temporary:
            remove_tree(self._temporary)
