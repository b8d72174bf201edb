"""From options to the settings that all commands share: where to look, and how to reach the network."""

import os

from puffin.errors import UsageError
from puffin.pipeline.plan_settings import Configured, NetworkOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Options = dict[str, Any]

_PROVIDERS = ("auto", "disabled", "import", "subprocess")


def located(options: "Options") -> "Options":
    """Return the settings about indexes and the network. Raises :class:`UsageError` for values that cannot be."""
    same = ("index_url", "extra_index_url", "find_links", "no_index", "offline")
    return {
        **{name: options[name] for name in same},
        "configured": options.get("configured", Configured()),
        "network": network_options(options),
    }


def network_options(options: "Options") -> NetworkOptions:
    """Return how to reach the network; certificates must be there."""
    for name in ("cert", "client_cert"):
        if options[name] and not os.path.exists(options[name]):
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


def check_choice(options: "Options", name: str, choices: tuple[str, ...]) -> None:
    """Raise :class:`UsageError` for a value that is none of *choices*; it may come unchecked from a variable."""
    if options[name] and options[name] not in choices:
        raise UsageError(
            text=f"`{options[name]}` is not a value of `PUFFIN_{name.upper()}`",
            hints=(f"use one of {', '.join(f'`{each}`' for each in choices)}",),
        )


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
