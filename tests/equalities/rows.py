"""The table of equalities: what a row says, and the ways in which a command can be given it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# the ways: what is pinned goes into every environment as it stands, all else is resolved on the way
PIP_SYNC, PIP_INSTALL, SYNC = "pip sync", "pip install", "sync"
COMPILE, LOCK = "compile, pip sync", "lock, sync"
PYLOCK, PYLOCK_SYNC = "pylock, pip sync", "pylock, sync"
SEED = "venv --seed"
PINNED = (PIP_SYNC, PIP_INSTALL, SYNC, COMPILE, PYLOCK, PYLOCK_SYNC)
OPEN = (PIP_INSTALL, SYNC, COMPILE, LOCK, PYLOCK, PYLOCK_SYNC)
DIRECT = (PIP_SYNC, PIP_INSTALL, SYNC)
LOCKED = (PIP_SYNC, SYNC)  # of a pylock.toml that is there

# the places of a setting
OPTION, VARIABLE, PUFFIN_TOML, PIP_CONF, PIP_VARIABLE, IN_FILE = (
    "option", "variable", "puffin.toml", "pip.conf", "pip's variable", "file",
)  # fmt: skip
PLACES = (OPTION, VARIABLE, PUFFIN_TOML, PIP_CONF, PIP_VARIABLE, IN_FILE)
OWN = (OPTION, VARIABLE, PUFFIN_TOML)  # of a setting that pip has not


@dataclass(frozen=True, kw_only=True)
class Row:
    """An input and what must come of it, by whichever way, from whichever place, on whichever executor.

    ``text`` is the requirements file (``source`` is its name). It ``installs`` lines as ``freeze`` prints them, or is
    ``refused`` with an exit code and a part of the message. ``marks`` tell by package which file was taken (``built``,
    or what the file says of itself), ``direct`` what ``direct_url.json`` holds. ``settings`` are ``{option: value}``,
    said in each of the ``places``. ``files`` are there as well. ``envs`` are the keys of the environment in
    puffin.toml, ``words`` what commands on files get instead. ``primed`` is installed before, into another
    environment of the same cache. ``stages`` has it run on all executors.
    """

    name: str
    text: str
    installs: tuple[str, ...] = ()
    refused: tuple[int, str] | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    direct: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    places: tuple[str, ...] = (OPTION,)
    ways: tuple[str, ...] = PINNED
    envs: str = ""
    words: tuple[str, ...] = ()
    primed: str = ""
    stages: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a run: the exit code, and by package what is installed, from which file, and from where."""

    code: int
    frozen: tuple[str, ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    direct: tuple[tuple[str, str], ...] = ()
