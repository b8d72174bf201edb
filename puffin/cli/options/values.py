"""What commands are asked, as frozen values: groups of options that commands share.

A field has the name of a row in the option table. :func:`made` is the only place where values of options by name
become such a value, or one of :mod:`puffin.pipeline.request.settings`.
"""

from puffin.pipeline.request.settings import Configured
from puffin.value import field_names, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    T = TypeVar("T")


@frozen
class CacheOptions:
    """Which cache to use."""

    cache_dir: str = ""
    no_cache: bool = False


@frozen
class ScreenOptions:
    """How much to print, and how."""

    quiet: int = 0
    verbose: int = 0
    color: str = ""
    no_progress: bool = False


@frozen
class ObserveOptions:
    """What to show of a run besides its result."""

    profile: str = ""
    trace: str = ""
    otlp: str = ""
    dashboard_linger: bool = False


@frozen
class IndexTable:
    """One ``[[index]]`` table: ``packages`` are patterns of the names that are looked for nowhere else."""

    name: str
    url: str
    packages: tuple[str, ...]
    explicit: bool
    default: bool
    place: str


def made(kind: "type[T]", values: "Mapping[str, Any]") -> "T":
    """Return the value of this *kind* out of *values* by the names of its fields; what they lack is not given."""
    defaults: dict[str, Any] = kind.__defaults__  # type: ignore[attr-defined]
    fields = {
        name: made(type(defaults[name]), values) if _is_group(defaults.get(name)) else values[name]
        for name in field_names(kind)
        if name in values or _is_group(defaults.get(name))
    }
    return kind(**fields)


def _is_group(default: object) -> bool:
    return hasattr(default, "__defaults__") and not isinstance(default, Configured)
