"""The remote cache that a run uses, as values: where it is, what it may do, and what it told."""

import os
import time

from puffin.artifact.limits import positive
from puffin.artifact.urls import mask
from puffin.cache.layout import Cache
from puffin.errors import PuffinError, UsageError
from puffin.types import Mapping
from puffin.value import frozen

SCHEMES = ("https", "http", "s3", "gs", "abfs", "file")
DEFAULT_SCOPE = "main"
HIT, MISS = "hit", "miss"
THREADS = 8  # objects at a time
WHEELS, SOURCES, BUILDS, BYTECODE, LISTS = (
    "wheels",
    "sources",
    "builds",
    "bytecode",
    "lists",
)  # the layers of it
PACKS = "packs"  # the kind of entry that names the pack of a wheel; one that is taken counts as a wheel
PACK = "pack"  # follows the fetched bytes if they are a pack
ABSENT, UNSIGNED, WRONG, STALE, UNAVAILABLE, SILENT = (
    "absent",
    "unsigned",
    "wrong",
    "stale",
    "unavailable",
    "silent",
)  # reasons of misses

Told = tuple[str, str, str, int, float, str]
"""Layer, ``hit`` or ``miss``, the reason of a miss, bytes, seconds, and why the cache is left alone from now on."""


class NotServed(PuffinError):
    """The cache did not give a file that nothing else is to give."""

    sentence = "The remote cache did not give `{package}`"


@frozen
class RemoteCache:
    """The remote cache of a run, made of builtins: it travels with tasks.

    ``url`` may hold credentials. ``scopes`` are the names under which signed entries are read, and the first is the
    one under which they are written. An answer may take ``patience`` seconds. A run ``waits`` so many seconds for
    the first one; with 0 that goes by the time of the run. If nothing comes for ``silence`` seconds, others serve
    until the cache answers; with 0 they do not. Uploads end after ``upload_seconds`` and ``upload_bytes``. Without
    ``packs``, those of wheels are neither taken nor made. ``room`` names the run: a directory in the local cache,
    made when something is to be uploaded or when the processes of the run have to know that the cache is left
    alone.
    """

    url: str
    write: bool = False
    scopes: tuple[str, ...] = (DEFAULT_SCOPE,)
    patience: float = 2.0
    upload_seconds: float = 60.0
    upload_bytes: int = 2 << 30
    room: str = ""
    waits: float = 0.0
    silence: float = 0.0
    packs: bool = False

    @property
    def shown(self) -> str:
        """The URL without its secrets."""
        return mask(self.url)

    @property
    def is_http(self) -> bool:
        return self.url.partition(":")[0].lower() in ("http", "https")

    @property
    def is_bucket(self) -> bool:
        return not self.is_http and self.url.partition(":")[0].lower() != "file"


@frozen
class Uploads:
    """What is to be uploaded besides the files that wait in the room of the run.

    ``builds`` are paths of kept wheels, ``layers`` kinds of bytecode with archives, ``archives`` those of wheels whose
    hash was checked here.
    """

    builds: tuple[str, ...] = ()
    layers: "tuple[tuple[str, str], ...]" = ()
    archives: tuple[str, ...] = ()


@frozen
class Uploaded:
    """What came of it: objects and bytes that were uploaded, objects that were there, and those that were left.

    ``problem`` says why the cache takes no more.
    """

    objects: int = 0
    bytes: int = 0
    known: int = 0
    left: int = 0
    seconds: float = 0.0
    problem: str = ""


def remote_cache_of(
    url: str, *, write: bool, scope: str, environ: "Mapping[str, str]", cache_dir: str, offline: bool = False
) -> "RemoteCache | None":
    """Return the remote cache that options and variables name; None without one, and offline.

    Read are ``PUFFIN_REMOTE_CACHE_TIMEOUT`` (seconds), ``PUFFIN_REMOTE_CACHE_UPLOAD_SECONDS``,
    ``PUFFIN_REMOTE_CACHE_UPLOAD_BYTES`` and ``PUFFIN_REMOTE_CACHE_PACKS`` (``1``: yes). Raises :class:`UsageError`.
    """
    if not url:
        if write:
            raise UsageError(
                text="`--remote-cache-write` needs a remote cache", hints=("name it with `--remote-cache`",)
            )
        return None
    if url.partition("://")[0].lower() not in SCHEMES or "://" not in url:
        known = ", ".join(f"`{each}://`" for each in SCHEMES)
        raise UsageError(
            text=f"`{mask(url)}` is not the URL of a remote cache", hints=(f"it begins with one of {known}",)
        )
    if offline:
        return None
    patience = positive(environ, "PUFFIN_REMOTE_CACHE_TIMEOUT", 2.0)
    return RemoteCache(
        url=url.rstrip("/"),
        write=write,
        scopes=_scopes(scope),
        patience=patience,
        upload_seconds=positive(environ, "PUFFIN_REMOTE_CACHE_UPLOAD_SECONDS", 60.0),
        upload_bytes=int(positive(environ, "PUFFIN_REMOTE_CACHE_UPLOAD_BYTES", float(2 << 30), "bytes")),
        room=Cache(cache_dir).temporary("-remote"),
        waits=patience if environ.get("PUFFIN_REMOTE_CACHE_TIMEOUT", "").strip() else 0.0,
        packs=environ.get("PUFFIN_REMOTE_CACHE_PACKS", "").strip() == "1",
    )


def _scopes(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys([each.strip() for each in text.split(",") if each.strip()])) or (DEFAULT_SCOPE,)
    if not all(name.isprintable() and name.isascii() and len(name) < 200 for name in names):
        raise UsageError(
            text=f"`{text}` is not a scope of a remote cache",
            hints=("write names such as `main` or `pr-12,main`",),
        )
    return names


_broken: "dict[tuple[str, str], str]" = {}  # reasons, by the URL and the room of a run


def left_alone(settings: RemoteCache) -> str:
    """Return why the cache is left alone for the rest of a run, by all processes of it; ``""`` while it is not."""
    place = settings.url, settings.room
    if place in _broken:
        return _broken[place]
    return "another process found it unusable" if os.path.exists(_marker(settings, _BROKEN)) else ""


def leave_alone(settings: RemoteCache, reason: str) -> None:
    """Leave the cache alone for the rest of a run."""
    _broken.setdefault((settings.url, settings.room), reason)
    try:
        open(_marker(settings, _BROKEN), "xb").close()
    except OSError:
        pass  # there, or the run has no other processes


def await_answer(settings: RemoteCache) -> None:
    """Have all processes of a run ask for nothing until :func:`note_answer`. The room of the run is there."""
    open(_marker(settings, _SILENT), "wb").close()


def note_answer(settings: RemoteCache) -> None:
    """Tell all processes of a run that the cache has answered."""
    try:
        os.unlink(_marker(settings, _SILENT))
    except OSError:
        pass  # nobody waits for it


def is_silent(settings: RemoteCache) -> bool:
    """Tell whether a first answer of the cache is still awaited."""
    return os.path.exists(_marker(settings, _SILENT))


def waiting_for_upload(room: str) -> "list[str]":
    """Return the names of what waits in the room of a run."""
    return [name for name in os.listdir(room) if name not in (_BROKEN, _SILENT, DRIVER)]


_SHARE = 20  # what part of the time of a run it may wait for a first answer


def grace(began: float, seconds: float) -> float:
    """Return how long a first answer is waited for, before work that takes so many *seconds* without the cache.

    It is a part of the time of a run that *began* then (seconds since the epoch), with that work.
    """
    return (time.time() - began + seconds) / _SHARE


_said: "dict[tuple[str, str], object]" = {}


def is_news(settings: RemoteCache) -> bool:
    """Tell whether nobody asked this before in a run: its threads say once that the cache is left alone."""
    mine = object()
    return _said.setdefault((settings.url, settings.room), mine) is mine


_BROKEN, _SILENT, DRIVER = "broken", "silent", "driver"  # names in the room of a run


def _marker(settings: RemoteCache, name: str) -> str:
    """Return the file by which the processes of a run tell each other something of the cache."""
    return os.path.join(settings.room, name) if settings.room else ""
