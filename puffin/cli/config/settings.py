"""From the values of options to the settings of the pipeline: what to change, indexes, network, executor."""

import os
import sys

from puffin import depends
from puffin.artifact.urls import strip_credentials
from puffin.cli.options.table import GIVEN, SYNC, choices_of
from puffin.cli.options.values import IndexTable, made
from puffin.errors import UsageError
from puffin.names import is_name, normalise
from puffin.pipeline.request.scheduler import Remote, check_address, is_address, times_of
from puffin.pipeline.request.settings import (
    HIGHEST,
    IF_NECESSARY_OR_EXPLICIT,
    CompileSettings,
    Configured,
    Settings,
)
from puffin.pipeline.run.executor import NAMES
from puffin.pipeline.workspace.document import ConfigurationInvalid, SettingValue
from puffin.types import Any, Callable, Iterable, Mapping, Sequence
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.remote.values import RemoteCache
    from puffin.stages.resolve.index.config import NamedIndex

Values = Mapping[str, Any]

_DASHBOARD_PORT = 8787


def read_settings(values: "Values", cache_dir: str) -> Settings:
    """Return the settings that the *values* of options make; :class:`UsageError` for values that cannot be."""
    return made(Settings, _read(values, cache_dir))


def compile_settings(values: "Values", cache_dir: str, header: str) -> CompileSettings:
    """Return the settings of a compilation, likewise."""
    _check_builders(values, os.environ)
    read = _read(values, cache_dir)
    style = "" if read.get("no_annotate") else read.get("annotation_style") or "split"
    more = {"run": made(Settings, read), "header": header, "annotation_style": style, **_targets(values)}
    return made(CompileSettings, {**read, **more})


def _check_builders(values: "Values", environ: "Mapping[str, str]") -> None:
    """Raise :class:`UsageError` for an executor by name on the command line of a command that runs no graph."""
    name = values.get("executor", "")
    if name in NAMES and "executor" in values.get("given", ()) and name != environ.get("PUFFIN_EXECUTOR"):
        raise UsageError(
            text=f"`--executor {name}` has no effect here: only builds run elsewhere, on the workers of a scheduler",
            hints=(
                "leave it out, or use the address of a scheduler, for example `--executor tcp://10.0.0.1:8786`",
            ),
        )


def _targets(values: "Values") -> "dict[str, Any]":
    """Return the targets: those that are configured do not count where options name one target, or another way.

    Raises :class:`UsageError` for options that exclude each other.
    """
    given, targets = values.get("given", ()), values.get("targets", ())
    one = next((name for name in ("python_platform", "python_version") if values.get(name)), "")
    many = next((name for name in ("targets", "universal") if name in given and values[name]), "")
    if one and many and (one, many) != ("python_version", "universal"):
        first, second = (f"`--{name.replace('_', '-')}`" for name in (many, one))
        text = f"{first} cannot be used with {second}: {first} is for several environments, {second} for one"
        raise UsageError(text=text, hints=("leave out one of them",))
    if "targets" in given and not all(targets):
        raise UsageError(text="`--targets` is empty", hints=("for example: `--targets linux-x86_64-cp312`",))
    universal = bool(values.get("universal")) and not (one == "python_platform" and not many)
    alone = not many and (bool(one) or ("universal" in given and not universal))
    targets = () if alone else targets
    if values.get("consistent") and (universal or targets):
        text = "`--consistent` cannot be used with a resolution for several environments"
        raise UsageError(text=text, hints=("leave it out, or use `--no-universal`",))
    return {"targets": targets, "universal": universal}


def _read(values: "Values", cache_dir: str) -> "dict[str, Any]":
    """Return *values* as settings have them, by the names of their fields."""
    _check(values)
    given = values.get
    environ = os.environ
    executor, remote = executor_of(values, environ) if "executor" in values else ("", None)
    indexes = named_indexes(given("index", ()), given("index_tables", ()), environ)
    return {
        **values,
        **{name: read(values[name]) for name, read in _READERS.items() if name in values},
        "files": given("arguments", ()),
        "cache_dir": cache_dir,
        "index_url": given("default_index") or given("index_url", ""),
        "indexes": indexes,
        "configured": _configured(given("configured", Configured()), indexes),
        "exclude_newer": moments(given("exclude_newer", ""), given("exclude_newer_package", ())),
        "resolution": given("resolution") or HIGHEST,
        "prerelease": "allow" if given("pre") else given("prerelease") or IF_NECESSARY_OR_EXPLICIT,
        "bytecode_mode": _bytecode_mode(environ) if given("compile_bytecode") else "",
        "executor": executor,
        "remote": remote,
        "remote_cache": _remote_cache(values, environ, cache_dir),
        "dashboard": dashboard_port(given("dashboard", ""), executor, quiet=bool(given("quiet"))),
    }


def _check(values: "Values") -> None:
    """Raise :class:`UsageError` for options that exclude each other, and certificates that are not there."""
    given = values.get
    leave_out = ("leave out one of them",)
    if given("extra") and given("all_extras"):
        raise UsageError(text="`--extra` cannot be used with `--all-extras`", hints=leave_out)
    if given("require_hashes") and given("no_verify_hashes"):
        raise UsageError(text="`--require-hashes` cannot be used with `--no-verify-hashes`", hints=leave_out)
    mode = given("link_mode")
    if given("no_cache"):
        check_links([mode or ""])
    if (given("compile_bytecode") or mode == "tree") and given("python_version"):
        option = "--link-mode tree" if mode == "tree" else "--compile-bytecode"
        raise UsageError(
            text=f"`{option}` cannot be used with `--python-version`: its interpreter would have to compile"
        )
    if given("offline") and (given("refresh") or given("refresh_package")):
        raise UsageError(
            text="`--refresh` cannot be used with `--offline`, which uses only the cache", hints=leave_out
        )
    for name in ("cert", "client_cert"):
        path = given(name)
        if path and not depends.exists(path):
            raise UsageError(text=f"The file `{path}` of `--{name.replace('_', '-')}` does not exist")


def check_links(modes: "Iterable[str]") -> None:
    """Raise :class:`UsageError` if an environment would hold links into a cache that goes."""
    for mode in modes:
        if mode in ("symlink", "tree"):
            raise UsageError(text=f"`--link-mode {mode}` needs a permanent cache, not that of `--no-cache`")


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


def _configured(configured: Configured, indexes: "Sequence[NamedIndex]") -> Configured:
    """Return where configuration says to look, its index URL with the credentials of the index of that URL."""
    same = (each.url for each in indexes if _is_same(each.url, configured.index_url))
    return replace(configured, index_url=next(same, configured.index_url))


def _prerelease_packages(values: "Sequence[str]") -> tuple[tuple[str, str], ...]:
    """Return packages with rules of their own: of ``NAME``, which accepts pre-releases, and of ``NAME=MODE``."""
    from puffin.cli.options.resolve import COMPILE

    modes = next(choices_of(row) for row in COMPILE if row[1] == "prerelease") if values else ()
    found = []
    for value in values:
        name, _, mode = value.partition("=")
        if mode.strip() not in ("", *modes):
            raise UsageError(
                text=f"`{value}` is not a value of `--prerelease-package`",
                hints=(f"write a name, or NAME=MODE with {', '.join(f'`{each}`' for each in modes)}",),
            )
        found.append((normalise(name.strip()), mode.strip() or "allow"))
    return tuple(found)


def named_indexes(
    options: "Iterable[str]", tables: "Iterable[IndexTable]", environ: "Mapping[str, str]"
) -> "tuple[NamedIndex, ...]":
    """Return the indexes of ``--index``, then those of configuration that have no namesake among them.

    Credentials are those in the URL, else in the variables ``PUFFIN_INDEX_<NAME>_USERNAME`` and ``…_PASSWORD``.
    """
    if not options and not tables:
        return ()
    from puffin.stages.resolve.index.config import NamedIndex, with_credentials

    found: dict[str, NamedIndex] = {}
    for text in options:
        name, url = _split(text)
        found.setdefault(name or url, NamedIndex(name=name, url=with_credentials(name, url, environ)))
    for table in tables:
        same = {name: getattr(table, name) for name in ("name", "packages", "explicit", "default")}
        url = with_credentials(table.name, table.url, environ)
        found.setdefault(table.name, NamedIndex(url=url, **same))
    return tuple(found.values())


def _split(text: str) -> tuple[str, str]:
    """Return name and URL of what ``--index`` was given; the name may be empty."""
    name, equals, url = text.partition("=")
    if not equals or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        return "", text
    return name, url


def _is_same(url: str, other: str) -> bool:
    return bool(other) and strip_credentials(url) == strip_credentials(other)


def check_setting(setting: "SettingValue") -> None:
    """Raise :class:`ConfigurationInvalid` for a choice or a number that the option of a setting does not take."""
    from puffin.cli.options.resolve import COMPILE, INSTALL

    rows = {row[1]: row for row in (*SYNC, *COMPILE, *INSTALL)}
    choices = choices_of(rows[setting.name]) if setting.name in rows else ()
    try:
        if choices and setting.value not in choices:
            hint = f"use one of {', '.join(f'`{each}`' for each in choices)}"
            raise UsageError(
                text=f"`{setting.value}` is not a value of `{setting.name.replace('_', '-')}`", hints=(hint,)
            )
        if setting.name in ("timeout", "retries", "jobs"):
            _READERS[setting.name](str(setting.value))
    except UsageError as error:
        raise ConfigurationInvalid(place=setting.place, problem=error.text, hints=error.hints) from None


def jobs(text: str) -> int:
    """Return the number of jobs, 0 where none is given."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1024):
        raise UsageError(text=f"`{text}` is not a number of jobs", hints=("`--jobs` must be 1 or more",))
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


def _keyring(text: str) -> str:
    return "subprocess" if text == "import" else text


# options whose values are read into another form
_READERS: "dict[str, Callable[[Any], object]]" = {
    "timeout": _seconds,
    "retries": _count,
    "output_file": lambda path: "" if path == "-" else path,
    "keyring_provider": _keyring,
    "jobs": jobs,
    "refresh_package": normalised,
    "reinstall_package": normalised,
    "no_build_isolation_package": normalised,
    "no_emit_package": normalised,
    "no_sources_package": normalised,
    "no_binary": package_names,
    "only_binary": package_names,
    "prerelease_package": _prerelease_packages,
}


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
                "hint: the dashboard needs bokeh; install it with `pip install 'puffin-installer[dashboard]'`\n"
            )
        return -1
    return _DASHBOARD_PORT if text == GIVEN else int(text)


def executor_of(values: "Values", environ: "Mapping[str, str]") -> "tuple[str, Remote | None]":
    """Return the name of the executor, and the scheduler if it is an address; :class:`UsageError` for what is neither.

    ``PUFFIN_SCHEDULER`` counts where nothing else says what to use. With ``--on``, builds go to its workers.
    """
    if values.get("on"):
        return values["on"], _cluster(values, environ)
    name = values["executor"] or environ.get("PUFFIN_SCHEDULER", "").strip()
    if name in NAMES or not name:
        if values.get("shared_filesystem"):
            raise UsageError(
                text="`--shared-filesystem` needs a scheduler",
                hints=("for example: `--executor tcp://10.0.0.1:8786`",),
            )
        return name, None
    if not is_address(name):
        choices = ", ".join(f"`{each}`" for each in (*NAMES, "tcp://HOST:PORT", "tls://HOST:PORT"))
        raise UsageError(text=f"`{name}` is not an executor", hints=(f"use one of {choices}",))
    check_address(name)
    return name, _remote(name, values, environ)


def _cluster(values: "Values", environ: "Mapping[str, str]") -> Remote:
    """Return the scheduler of ``--on``; :class:`UsageError` for options that cannot be used with it."""
    check_address(values["on"])
    excluded = {
        "executor": "builds go to the same workers",
        "shared_filesystem": "each machine has its own cache",
        "no_build_isolation": "builds run before the environments exist",
        "no_build_isolation_package": "builds run before the environments exist",
    }
    for name, reason in excluded.items():
        if values.get(name) and values[name] != environ.get("PUFFIN_EXECUTOR"):
            option = name.replace("_", "-")
            raise UsageError(text=f"`--on` cannot be used with `--{option}`: {reason}")
    return replace(_remote(values["on"], values, environ), brings=True)


def _remote(address: str, values: "Values", environ: "Mapping[str, str]") -> Remote:
    files = {name: values.get(name, "") for name in ("tls_ca", "tls_cert", "tls_key")}
    given: dict[str, Any] = {
        name: os.path.abspath(os.path.expanduser(path)) for name, path in files.items() if path
    }
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
    more: dict[str, Any] = {**given, **times_of(environ)}
    return Remote(address=address, shared=values.get("shared_filesystem", False), **more)


def _remote_cache(values: "Values", environ: "Mapping[str, str]", cache_dir: str) -> "RemoteCache | None":
    url, write = values.get("remote_cache", ""), values.get("remote_cache_write", False)
    if not url and not write:
        return None
    from puffin.stages.remote.values import remote_cache_of

    scope, offline = values.get("remote_cache_scope", ""), values.get("offline", False)
    return remote_cache_of(url, write=write, scope=scope, environ=environ, cache_dir=cache_dir, offline=offline)


def parse_moment(text: str) -> str:
    """Return *text*, a date or an RFC 3339 timestamp, or the time that lies an age like ``7 days`` or ``P7D`` back.

    Raises :class:`UsageError` for any other text.
    """
    if not text:
        return text
    from datetime import UTC, datetime, timedelta

    seconds = age(text)
    if seconds is not None:
        depends.unsure("an age is counted from now on")
        return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    whole = len(text) == len("2026-01-31") or moment.tzinfo is not None
    if moment is datetime.min or not whole:
        raise UsageError(
            text=f"`{text}` is neither a date nor a time that `--exclude-newer` understands",
            hints=(
                "write `2026-01-31` (the whole day counts), `2026-01-31T12:00:00Z`, or an age: `7 days`, `P7D`",
            ),
        )
    return text


def moments(every: str, packages: "Sequence[str]") -> str:
    """Return what ``--exclude-newer`` and ``--exclude-newer-package`` say, as ``exclude_newer_for`` reads it."""
    own = []
    for text in packages:
        name, equals, value = text.partition("=")
        if not equals or not is_name(name.strip()):
            raise UsageError(
                text=f"`{text}` is not a value of `--exclude-newer-package`",
                hints=("write a name and a date, for example `--exclude-newer-package name=2026-01-31`",),
            )
        told = "false" if value.strip().lower() == "false" else parse_moment(value.strip())
        own.append(f"{normalise(name.strip())}={told}")
    return " ".join([parse_moment(every).replace(" ", "T"), *[each.replace(" ", "T") for each in own]])


def age(text: str) -> float | None:
    """Return an age such as ``7 days``, ``1.5h`` or ``PT12H`` (ISO 8601) in seconds; None for anything else."""
    import re

    units = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
    formal = re.fullmatch(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text.strip())
    if formal is not None and any(formal.groups()):
        counts = zip(formal.groups(), "wdhms", strict=True)
        return sum([int(count) * units[unit] for count, unit in counts if count])
    spoken = r"(\d{1,6}(?:\.\d+)?)\s*(w|weeks?|d|days?|h|hours?|m|min|minutes?|s|secs?|seconds?)(?:\s+ago)?"
    found = re.fullmatch(spoken, text.strip(), re.IGNORECASE | re.ASCII)
    return float(found[1]) * units[found[2][0].lower()] if found else None
