"""The options that say what runs the task graph."""

import os

from puffin import depends
from puffin.errors import UsageError
from puffin.pipeline.executors import NAMES
from puffin.pipeline.remote import Remote, check_address, is_address, times_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_TLS = ("tls_ca", "tls_cert", "tls_key")


def executor_of(options: "Mapping[str, Any]", environ: "Mapping[str, str]") -> "tuple[str, Remote | None]":
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


def _refuse_alone(options: "Mapping[str, Any]") -> None:
    if options["shared_filesystem"]:
        raise UsageError(
            text="`--shared-filesystem` needs a scheduler",
            hints=("name one, as in `--executor tcp://10.0.0.1:8786`",),
        )


def _remote(address: str, options: "Mapping[str, Any]", environ: "Mapping[str, str]") -> Remote:
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
