"""A user's dask scheduler: its address, and how long to wait for it. Light: it does not import dask."""

from puffin.artifact.limits import positive
from puffin.errors import UsageError
from puffin.types import Callable, Mapping
from puffin.value import frozen

reached: "set[str]" = set()  # the addresses that this process was connected to
SCHEMES = ("tcp://", "tls://")
_PATIENCE, _SILENCE, _LIMIT = 30.0, 60.0, 3600.0


@frozen
class Remote:
    """Where the scheduler is and how long to wait, in seconds.

    The ``tls_…`` are PEM files, empty for what dask's own configuration says. ``patience`` is for a scheduler or a
    worker to appear, or to answer; ``silence`` is how long a worker may send no sign of life; ``limit`` is for one
    build. With ``shared`` the workers see the cache and the environments. With ``brings`` they fetch nothing: this
    machine brings all files. ``unfit`` are workers that cannot be used, with the reasons, as another process found out.
    """

    address: str
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    patience: float = _PATIENCE
    silence: float = _SILENCE
    limit: float = _LIMIT
    shared: bool = False
    brings: bool = False
    unfit: "tuple[tuple[str, str], ...]" = ()


def is_address(text: str) -> bool:
    """Tell whether *text* is meant as the address of a scheduler."""
    return text.lower().startswith(SCHEMES)


def check_address(text: str) -> None:
    """Raise :class:`UsageError` unless *text* is ``tcp://HOST:PORT`` or ``tls://HOST:PORT``."""
    host, colon, port = text.partition("://")[2].rpartition(":")
    if not (
        is_address(text) and host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536
    ):
        raise UsageError(
            text=f"`{text}` is not the address of a scheduler",
            hints=("use the address that `dask scheduler` prints, for example `tcp://10.0.0.1:8786`",),
        )


def warn_if_silent(remote: "Remote | None", warn: "Callable[[str], None]") -> None:
    """Warn if nobody answers at the address, after a run that needed nobody there."""
    if remote is None or remote.address in reached:
        return
    import socket

    host, _, port = remote.address.partition("://")[2].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), min(1.0, remote.patience)).close()
    except OSError as error:
        why = error.strerror or "timed out"
        warn(f"Nobody answers at `{remote.address}` ({why}); nothing had to be built there")


def times_of(environ: "Mapping[str, str]") -> dict[str, float]:
    """Return ``patience``, ``silence`` and ``limit`` as variables set them; UsageError for numbers that cannot be."""
    return {
        "patience": positive(environ, "PUFFIN_SCHEDULER_TIMEOUT", _PATIENCE),
        "silence": positive(environ, "PUFFIN_WORKER_TIMEOUT", _SILENCE),
        "limit": positive(environ, "PUFFIN_REMOTE_BUILD_TIMEOUT", _LIMIT),
    }
