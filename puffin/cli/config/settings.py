"""From options to the settings that commands share: indexes, network, executor."""

import os

from puffin import depends
from puffin.artifact.urls import strip_credentials
from puffin.cache.layout import default_root
from puffin.errors import UsageError
from puffin.names import normalise
from puffin.pipeline.request.scheduler import Remote, check_address, is_address, times_of
from puffin.pipeline.request.settings import Configured, NetworkOptions, Settings
from puffin.pipeline.run.executor import NAMES
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from puffin.pipeline.request.settings import Where
    from puffin.pipeline.workspace.document import SettingValue
    from puffin.stages.resolve.index.config import NamedIndex

    Options = dict[str, Any]

_PROVIDERS = ("auto", "disabled", "import", "subprocess")
_TLS = ("tls_ca", "tls_cert", "tls_key")


def shared_settings(
    options: "Options", cache_dir: str, *, files: tuple[str, ...] = (), **more: "Any"
) -> Settings:
    """Return the settings of a run as far as all commands that install or resolve share their options.

    *more* are those that only some commands have. Raises :class:`UsageError` for values that cannot be.
    """
    isolation = ("no_build_isolation", "config_setting", "build_constraint")
    return Settings(
        cache_dir=cache_dir,
        files=files,
        python=options["python"],
        refresh=options["refresh"] or bool(options.get("rebuild")),
        refresh_package=normalised(options["refresh_package"]),
        no_build_isolation_package=normalised(options.get("no_build_isolation_package", ())),
        **{name: options[name] for name in isolation if name in options},
        **located(options, os.environ),
        **more,
    )


def resolving(options: "Options") -> "Options":
    """Return the settings of a resolution that ``compile``, ``lock`` and ``install`` share."""
    return {
        "resolution": choice(options, "resolution") or "highest",
        "prerelease": prereleases(options),
        "exclude_newer": moment(options["exclude_newer"]),
        "no_binary": package_names(options["no_binary"]),
        "only_binary": package_names(options["only_binary"]),
        "no_build": options["no_build"],
    }


def prereleases(options: "Options") -> str:
    """Return the rule about pre-releases."""
    return "allow" if options["pre"] else choice(options, "prerelease") or "if-necessary-or-explicit"


def located(options: "Options", environ: "Mapping[str, str]") -> "Options":
    """Return the settings about indexes and the network. Raises :class:`UsageError` for values that cannot be."""
    check_choice(options, "index_strategy", ("first-index", "unsafe-first-match", "unsafe-best-match"))
    configured = options.get("configured", Configured())
    indexes = named_indexes(options, environ)
    default = next(
        (each.url for each in indexes if _is_same(each.url, configured.index_url)), configured.index_url
    )
    same = ("extra_index_url", "find_links", "no_index", "offline", "index_strategy")
    return {
        **{name: options[name] for name in same},
        "index_url": options["default_index"] or options["index_url"],
        "configured": replace(configured, index_url=default),
        "indexes": indexes,
        "network": network_options(options),
    }


def named_indexes(options: "Options", environ: "Mapping[str, str]") -> "tuple[NamedIndex, ...]":
    """Return the indexes of ``--index``, then those of configuration that have no namesake among them.

    Credentials are those in the URL, else in the variables ``PUFFIN_INDEX_<NAME>_USERNAME`` and ``…_PASSWORD``.
    """
    if not options["index"] and not options.get("index_tables"):
        return ()
    from puffin.stages.resolve.index.config import NamedIndex

    found: dict[str, NamedIndex] = {}
    for text in options["index"]:
        name, url = _split(text)
        found.setdefault(name or url, NamedIndex(name=name, url=with_credentials(name, url, environ)))
    for table in options.get("index_tables", ()):
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


def network_options(options: "Options") -> NetworkOptions:
    """Return how to reach the network; certificates must be there."""
    for name in ("cert", "client_cert"):
        if options[name] and not depends.exists(options[name]):
            raise UsageError(text=f"The file `{options[name]}` of `{_spelled(name)}` does not exist")
    check_choice(options, "keyring_provider", _PROVIDERS)
    provider = options["keyring_provider"]
    return NetworkOptions(
        cert=options["cert"],
        client_cert=options["client_cert"],
        trusted_host=options["trusted_host"],
        proxy=options["proxy"],
        timeout=_seconds(options),
        retries=_count(options),
        keyring_provider="subprocess" if provider == "import" else provider,
    )


def check_setting(setting: "SettingValue") -> None:
    """Raise :class:`ConfigurationInvalid` for a choice or a number that the option of a setting does not take."""
    from puffin.pipeline.workspace.document import ConfigurationInvalid

    choices = _choices().get(setting.name)
    checks: dict[str, Callable[[Options], object]] = {
        "timeout": _seconds,
        "retries": _count,
        "jobs": lambda values: jobs(values["jobs"]),
    }
    try:
        if choices and setting.value not in choices:
            hint = f"use one of {', '.join(f'`{each}`' for each in choices)}"
            raise UsageError(
                text=f"`{setting.value}` is no value of `{_spelled(setting.name)[2:]}`", hints=(hint,)
            )
        if setting.name in checks:
            checks[setting.name]({setting.name: str(setting.value)})
    except UsageError as error:
        raise ConfigurationInvalid(place=setting.place, problem=error.text, hints=error.hints) from None


def _choices() -> dict[str, list[str]]:
    from puffin.cli.options.compile import COMPILE
    from puffin.cli.options.install import INSTALL
    from puffin.cli.options.table import SYNC, VALUE

    rows = (*SYNC, *COMPILE, *INSTALL)
    return {row[1]: row[3].split("|") for row in rows if row[2] == VALUE and "|" in row[3]}


def check_choice(options: "Options", name: str, choices: tuple[str, ...]) -> None:
    """Raise :class:`UsageError` for a value that is none of *choices*; it may come unchecked from a variable."""
    if options[name] and options[name] not in choices:
        raise UsageError(
            text=f"`{options[name]}` is not a valid value for `PUFFIN_{name.upper()}`",
            hints=(f"use one of {', '.join(f'`{each}`' for each in choices)}",),
        )


def choice(options: "Options", name: str) -> str:
    """Return the value of an option with choices, which may come from the environment unchecked."""
    from puffin.cli.options.compile import COMPILE

    row = next(row for row in COMPILE if row[1] == name)
    value = str(options[name])
    if value and value not in row[3].split("|"):
        choices = ", ".join(f"`{each}`" for each in row[3].split("|"))
        raise UsageError(
            text=f"`{value}` is not a valid value for `PUFFIN_{name.upper()}`", hints=(f"use one of {choices}",)
        )
    return value


def check_extras(options: "Options") -> None:
    """Raise :class:`UsageError` where all extras are asked for, and some."""
    if options["extra"] and options["all_extras"]:
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


def moment(text: str) -> str:
    """Return *text*, a date or an RFC 3339 timestamp. Raises :class:`UsageError` for any other text."""
    if not text:
        return text
    from datetime import datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    whole = len(text) == len("2026-01-31") or moment.tzinfo is not None
    if moment is datetime.min or not whole:
        raise UsageError(
            text=f"`{text}` is neither a date nor a time that `--exclude-newer` understands",
            hints=("write `2026-01-31` (the whole day counts), or `2026-01-31T12:00:00Z`",),
        )
    return text


def _seconds(options: "Options") -> float:
    text = options["timeout"]
    try:
        number = float(text) if text else 0.0
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9 or (text and not number):
        raise UsageError(text=f"`--timeout {text}` is not a number of seconds above 0")
    return number


def _count(options: "Options") -> int:
    text = options["retries"]
    if text and not (text.isascii() and text.isdigit() and len(text) < 6):
        raise UsageError(text=f"`--retries {text}` is not a number of retries")
    return int(text) if text else -1


def _spelled(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def executor_of(options: "Options", environ: "Mapping[str, str]") -> "tuple[str, Remote | None]":
    """Return the name of the executor, and the scheduler if it is an address; :class:`UsageError` for what is neither.

    ``PUFFIN_SCHEDULER`` counts where nothing else says what to use.
    """
    name = options["executor"] or environ.get("PUFFIN_SCHEDULER", "").strip()
    if name in NAMES or not name:
        _refuse_alone(options)
        return name, None
    if not is_address(name):
        choices = ", ".join(f"`{each}`" for each in (*NAMES, "tcp://HOST:PORT", "tls://HOST:PORT"))
        raise UsageError(text=f"`{name}` is not an executor", hints=(f"use one of {choices}",))
    check_address(name)
    return name, _remote(name, options, environ)


def _refuse_alone(options: "Options") -> None:
    if options["shared_filesystem"]:
        raise UsageError(
            text="`--shared-filesystem` needs a scheduler",
            hints=("for example: `--executor tcp://10.0.0.1:8786`",),
        )


def _remote(address: str, options: "Options", environ: "Mapping[str, str]") -> Remote:
    given = {name: os.path.abspath(os.path.expanduser(options[name])) for name in _TLS if options[name]}
    if given and not address.startswith("tls://"):
        raise UsageError(
            text=f"`{address}` is a scheduler without TLS", hints=("write its address as `tls://…`",)
        )
    if given and len(given) < len(_TLS):
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
        shared=bool(options["shared_filesystem"]),
        **times_of(environ),
    )


def where_of(options: "Options") -> "Where":
    """Return what *options* say of where to work."""
    from puffin.pipeline.request.settings import Where

    return Where(**{name: options[name] for name in ("python", "system", "target", "prefix")})


class CacheDirectory:
    """The cache directory of a command; with ``--no-cache`` one that goes at the end of the ``with`` block."""

    def __init__(self, options: "Options") -> None:
        self._options = options
        self._temporary = ""

    def __enter__(self) -> str:
        if self._options.get("no_cache"):
            import tempfile

            self._temporary = tempfile.mkdtemp(prefix="puffin-cache-")
            return self._temporary
        chosen = self._options.get("cache_dir")
        return os.path.abspath(os.path.expanduser(chosen)) if chosen else default_root(os.environ)

    def __exit__(self, *error: object) -> None:
        if self._temporary:
            from puffin.cache.atomic import remove_tree

            remove_tree(self._temporary)
