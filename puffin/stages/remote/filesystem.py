"""A remote cache in what fsspec reaches: buckets (``s3://``, ``gs://``, ``abfs://``) and directories (``file://``)."""

import os
from typing import TYPE_CHECKING, Any

import fsspec

from puffin.artifact.urls import mask_text
from puffin.stages.remote.backend import Received, Unavailable, received
from puffin.types import Buffer

if TYPE_CHECKING:
    from puffin.stages.remote.values import RemoteCache

_DRIVERS = {"s3": "s3", "gs": "gcs", "abfs": "azure"}


class FileSystemBackend:
    """The objects beneath a URL of fsspec's. Its drivers read credentials from their own environment."""

    def __init__(self, settings: "RemoteCache") -> None:
        scheme = settings.url.partition(":")[0].lower()
        try:
            self._files, self._root = fsspec.url_to_fs(settings.url, **_options(scheme, settings.patience))
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
            size = self._files.size(path)
            if size is not None and size > most:
                raise Unavailable(f"an object has {size} bytes, which is more than it can have")
            return received(self._files.cat_file(path))
        except FileNotFoundError:
            return None
        except Unavailable:
            raise
        except Exception as error:
            raise _unavailable(error) from error

    def has(self, kind: str, name: str) -> bool:
        try:
            self._files.info(self._path(kind, name))
            return True
        except FileNotFoundError:
            return False
        except Exception as error:
            raise _unavailable(error) from error

    def put(self, kind: str, name: str, data: "Buffer") -> None:
        path = self._path(kind, name)
        try:
            if not self._is_local:
                self._files.pipe_file(path, bytes(data))
                return
            self._files.makedirs(os.path.dirname(path), exist_ok=True)
            temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
            self._files.pipe_file(temporary, bytes(data))
            os.replace(temporary, path)  # a reader sees nothing or the whole object
        except Exception as error:
            raise _unavailable(error) from error

    def size(self) -> int:
        try:
            return int(self._files.du(self._root))
        except FileNotFoundError:
            return 0
        except Exception as error:
            raise _unavailable(error) from error

    def _path(self, kind: str, name: str) -> str:
        return f"{self._root}/{kind}/{name}"


def _options(scheme: str, patience: float) -> "dict[str, Any]":
    """Return what a driver is told: neither long waits nor listings that it remembers."""
    if scheme != "s3":
        return {}
    config = {"connect_timeout": patience, "read_timeout": patience, "retries": {"max_attempts": 1}}
    return {"config_kwargs": config, "use_listings_cache": False}


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(mask_text((str(error).splitlines() or [type(error).__name__])[0]))
