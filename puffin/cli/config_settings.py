"""From options to the settings that all commands share: where to look, and how to reach the network."""

from puffin import depends
from puffin.errors import UsageError
from puffin.pipeline.plan_settings import Configured, NetworkOptions
from puffin.stages.urls import strip_credentials
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from puffin.cli.config_values import Said
    from puffin.stages.resolve.index_config import NamedIndex

    Options = dict[str, Any]

_PROVIDERS = ("auto", "disabled", "import", "subprocess")


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
    from puffin.stages.resolve.index_config import NamedIndex

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


def check_said(said: "Said") -> None:
    """Raise :class:`ConfigurationInvalid` for a choice or a number that the option of a setting does not take."""
    from puffin.cli.config_values import ConfigurationInvalid
    from puffin.cli.sync import jobs

    choices = _choices().get(said.name)
    checks: dict[str, Callable[[Options], object]] = {
        "timeout": _seconds,
        "retries": _count,
        "jobs": lambda values: jobs(values["jobs"]),
    }
    try:
        if choices and said.value not in choices:
            hint = f"use one of {', '.join(f'`{each}`' for each in choices)}"
            raise UsageError(text=f"`{said.value}` is no value of `{_spelled(said.name)[2:]}`", hints=(hint,))
        if said.name in checks:
            checks[said.name]({said.name: str(said.value)})
    except UsageError as error:
        raise ConfigurationInvalid(place=said.place, problem=error.text, hints=error.hints) from None


def _choices() -> dict[str, list[str]]:
    from puffin.cli.table import SYNC, VALUE
    from puffin.cli.table_compile import COMPILE
    from puffin.cli.table_install import INSTALL

    rows = (*SYNC, *COMPILE, *INSTALL)
    return {row[1]: row[3].split("|") for row in rows if row[2] == VALUE and "|" in row[3]}


def check_choice(options: "Options", name: str, choices: tuple[str, ...]) -> None:
    """Raise :class:`UsageError` for a value that is none of *choices*; it may come unchecked from a variable."""
    if options[name] and options[name] not in choices:
        raise UsageError(
            text=f"`{options[name]}` is not a value of `PUFFIN_{name.upper()}`",
            hints=(f"use one of {', '.join(f'`{each}`' for each in choices)}",),
        )


def check_extras(options: "Options") -> None:
    """Raise :class:`UsageError` where all extras are asked for, and some."""
    if options["extra"] and options["all_extras"]:
        raise UsageError(text="`--extra` cannot be used with `--all-extras`", hints=("leave out one of them",))


def moment(text: str) -> str:
    """Return a date or an RFC 3339 timestamp as it is. Raises :class:`UsageError` for what is neither."""
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
