"""Environments for the workers of a dask cluster, as a plugin.

::

    client.register_plugin(puffin.dask.Environment("requirements.txt"))

Every machine of the cluster gets the environment, now and when workers join later. One worker chooses the distributions
and fetches each file; the others get the files from it.
"""

import os
import pickle
from collections.abc import Sequence
from typing import Any

from distributed.diagnostics.plugin import WorkerPlugin

from puffin import __version__
from puffin.artifact.urls import digest
from puffin.pipeline.provision.order import Files, PlaceWanted, RecordedFiles, RequirementsAsked
from puffin.pipeline.provision.plugin import Request, pickled_plugin
from puffin.pipeline.request.settings import Settings
from puffin.stages.resolve.requirements.file import read_file, read_requirements
from puffin.stages.resolve.requirements.plain import is_lock
from puffin.value import replace

__all__ = ["Environment"]
_PATH = "~/.local/share/puffin/environments/{}"


class ClusterEnvironment(WorkerPlugin):
    """An environment on every machine of a cluster, for ``distributed.Client.register_plugin``.

    *requirements* is the path of a requirements file or of a ``pylock.toml``, which is read here and now, or a sequence
    of requirements (PEP 508). *path* is the directory of the environment on each machine: ``~`` and a relative path are
    those of the worker. Without it, the directory is beneath the worker's home and named by the requirements.

    *python* is the interpreter that is looked for on each machine, a version or a path. By default it is the one that
    the worker runs on. *index_url* and *extra_index_url* are as for ``puffin sync``. The workers fetch with their own
    proxies and certificates.

    The packages can be imported by the workers, after their own ones, if the environment has the same minor version of
    Python. With *restart*, workers with a nanny are started again, with the interpreter of the environment and its
    packages first. Tasks that run then are run again elsewhere.

    ``name`` is the name of the plugin: the same for the same *path*, and for all values without one. Registering
    another value of that name replaces it, and ``unregister_worker_plugin`` removes it. Each one resolves again.
    Workers that join later get the present one. Environments stay on disk, and workers that were started in one go on
    there until they start again. Registering the same contents again starts no worker again.

    ``register_plugin`` raises the error of a worker, with its address and its causes. Nothing is printed.
    Constructing a value raises ``puffin.errors.PuffinError`` if the file cannot be read.
    """

    def __init__(
        self,
        requirements: "str | os.PathLike[str] | Sequence[str]",
        *,
        path: "str | os.PathLike[str]" = "",
        python: str = "",
        index_url: str = "",
        extra_index_url: Sequence[str] = (),
        compile_bytecode: bool = False,
        restart: bool = False,
    ) -> None:
        main, files = _files_of(requirements)
        settings = Settings(
            files=(),
            cache_dir="",
            index_url=index_url,
            extra_index_url=tuple(extra_index_url),
            compile_bytecode=compile_bytecode,
            no_editable=True,
        )
        asked = RequirementsAsked(
            place=PlaceWanted(path=os.fspath(path), python=python), settings=settings, main=main, files=files
        )
        self.name = f"puffin-{digest(asked.place.path)}" if path else "puffin-environment"
        self._request = _placed(Request(version=__version__, asked=asked, restart=restart, slot=self.name))

    def __reduce__(self) -> "tuple[Any, ...]":
        """Travel as a plugin that workers without puffin can load too; on those, it fails and harms nothing.

        It travels once for each registration, and each of these resolves again.
        """
        return pickle.loads, (pickled_plugin(replace(self._request, id=os.urandom(16).hex())),)


Environment = ClusterEnvironment


def _placed(request: Request) -> Request:
    """Return *request* with a path: one that is the same for the same requirements."""
    if request.asked.place.path:
        return request
    place = replace(request.asked.place, path=_PATH.format(request.key))
    return replace(request, asked=replace(request.asked, place=place))


def _files_of(requirements: "str | os.PathLike[str] | Sequence[str]") -> "tuple[str, Files]":
    """Return the path of the main file, and all files that it includes with their bytes."""
    if not isinstance(requirements, (str, os.PathLike)):
        return "/requirements.txt", (("/requirements.txt", "\n".join((*requirements, "")).encode()),)
    main, recorded = os.path.abspath(requirements), RecordedFiles(read_file)
    if is_lock(main):
        recorded.read(main)
    else:
        read_requirements((main,), read=recorded.read, environ=os.environ)
    return main, recorded.files
