"""A remote cache in what fsspec reaches: buckets (``s3://``, ``gs://``, ``abfs://``) and directories (``file://``)."""

import os
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

import fsspec

import puffin.forks  # noqa: F401 - it makes forks safe after these threads
from puffin.artifact.urls import mask_text
from puffin.stages.remote.backend import LEAST_RATE, Received, Unavailable, received
from puffin.types import Buffer

if TYPE_CHECKING:
    from puffin.stages.remote.values import RemoteCache

_TURNS = 2  # of its patience, for a request that may have to find credentials or a connection first
_TO_LOAD = 10.0  # seconds for the import of a driver
_TO_LIST = 600.0  # seconds for the listing of a whole cache
_DRIVERS = {"s3": "s3", "gs": "gcs", "abfs": "azure"}


class FileSystemBackend:
    """The objects beneath a URL of fsspec's. Its drivers read credentials from their own environment."""

    def __init__(self, settings: "RemoteCache") -> None:
        scheme = settings.url.partition(":")[0].lower()
        self._patience = _TURNS * settings.patience
        options = _options(scheme, settings.patience)
        try:
            self._files, self._root = _within(
                _TO_LOAD + self._patience, lambda: fsspec.url_to_fs(settings.url, **options)
            )
        except Unavailable:
            raise
        except ImportError as error:
            raise Unavailable(
                f"`{scheme}://` needs a driver: install `puffin-installer[{_DRIVERS.get(scheme, scheme)}]`"
            ) from error
        except Exception as error:  # of any kind, by the driver
            raise _unavailable(error) from error
        self._is_local = scheme == "file"
        if scheme == "s3":
            self._files.retries = 1

    def get(self, kind: str, name: str, most: int) -> "Received | None":
        path = self._path(kind, name)
        try:
            size = self._answered(lambda: self._files.size(path))
            if size is not None and size > most:
                raise Unavailable(f"an object has {size} bytes, which is more than it can have")
            end = most + 1 if size is None else size
            limits = (0, end) if self._is_local else ()  # a file may be a link to what has no end
            data = self._answered(lambda: self._files.cat_file(path, *limits), end) if end else b""
            if len(data) > most:
                raise Unavailable(f"an object has more than {most} bytes")
            return received(data)
        except FileNotFoundError:
            return None
        except Unavailable:
            raise
        except Exception as error:
            raise _unavailable(error) from error

    def has(self, kind: str, name: str) -> bool:
        try:
            self._answered(lambda: self._files.info(self._path(kind, name)))
            return True
        except FileNotFoundError:
            return False
        except Unavailable:
            raise
        except Exception as error:
            raise _unavailable(error) from error

    def put(self, kind: str, name: str, data: "Buffer") -> None:
        path = self._path(kind, name)
        try:
            self._answered(lambda: self._put(path, bytes(data)), len(memoryview(data)))
        except Unavailable:
            raise
        except Exception as error:
            raise _unavailable(error) from error

    def _put(self, path: str, data: bytes) -> None:
        if not self._is_local:
            self._files.pipe_file(path, data)
            return
        self._files.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
        self._files.pipe_file(temporary, data)
        os.replace(temporary, path)  # a reader sees nothing or the whole object

    def _answered(self, call: "Callable[[], Any]", size: int = 0) -> "Any":
        """Return what *call* returns, which moves *size* bytes. Raises :class:`Unavailable` if it takes too long."""
        return _within(self._patience + size / LEAST_RATE, call)

    def size(self) -> int:
        try:
            return int(_within(_TO_LIST + self._patience, lambda: self._files.du(self._root)))
        except FileNotFoundError:
            return 0
        except Unavailable:
            raise
        except Exception as error:
            raise _unavailable(error) from error

    def _path(self, kind: str, name: str) -> str:
        return f"{self._root}/{kind}/{name}"


def _within(seconds: float, call: "Callable[[], Any]") -> "Any":
    """Return what *call* returns in time. Drivers have limits of their own, or none; a late call goes on for nobody."""
    ended: SimpleQueue[tuple[Any, Exception | None]] = SimpleQueue()

    def work() -> None:
        try:
            ended.put((call(), None))
        except Exception as error:
            ended.put((None, error))

    Thread(target=work, daemon=True).start()
    try:
        found, error = ended.get(timeout=seconds)
    except Empty:
        raise Unavailable("it does not answer in time") from None
    if error is not None:
        raise error
    return found


def _options(scheme: str, patience: float) -> "dict[str, Any]":
    """Return what a driver is told: neither long waits nor listings that it remembers."""
    if scheme != "s3":
        return {}
    config = {"connect_timeout": patience, "read_timeout": patience, "retries": {"max_attempts": 1}}
    return {"config_kwargs": config, "use_listings_cache": False}


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(mask_text((str(error).splitlines() or [type(error).__name__])[0]))
