"""A worker and the environment that was made for it: its packages can be imported, or the worker starts again in it."""

import asyncio
import os
import site
import sys
from multiprocessing import spawn
from typing import Any

from distributed import Status
from distributed.protocol.pickle import dumps

_MADE = "PUFFIN_MADE"
_SOON = 0.2  # seconds
_tasks: "set[asyncio.Task[None]]" = set()  # which nobody else holds


def enter(worker: Any, root: str, key: str, *, restart: bool) -> None:
    """Let *worker* import the packages of the environment at *root*; with *restart*, its nanny starts it in there.

    The environment must have the minor version of Python that the worker has. Its own packages come first where the
    worker goes on. A worker without a nanny goes on.
    """
    if restart and worker.nanny:
        task = asyncio.get_running_loop().create_task(_start_again(worker, root, key))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
    else:
        site.addsitedir(site_of(root))


async def _start_again(worker: Any, root: str, key: str) -> None:
    """Have the nanny start *worker* again. A nanny that waits for its worker to begin answers nothing until then."""
    while worker.status != Status.running:
        await asyncio.sleep(_SOON)
    if await _prepared(worker, root, key):
        await worker.close_gracefully(restart=True, reason="puffin")


def is_made(key: str) -> bool:
    """Tell whether this process was started in the environment that *key* stands for."""
    return os.environ.get(_MADE) == key


def site_of(root: str) -> str:
    """Return the directory of the packages of the environment at *root*, of this process's version of Python."""
    if os.name == "nt":
        return os.path.join(root, "Lib", "site-packages")
    return os.path.join(root, "lib", "python{}.{}".format(*sys.version_info), "site-packages")


async def _prepared(worker: Any, root: str, key: str) -> bool:
    """Have the nanny start its workers in the environment at *root*; tell whether it did not do so before."""
    packed: Any = dumps
    place = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    arguments = (site_of(root), os.path.join(root, *place), key)
    call = {"function": packed(use_environment), "args": packed(arguments), "kwargs": packed({})}
    answer = await worker.rpc(worker.nanny).run(**call, wait=True)
    return answer.get("status") == "OK" and answer.get("result") is True


def use_environment(packages: str, python: str, key: str) -> bool:
    """In a nanny: start processes with *python*, which finds *packages* first; tell whether that is new.

    *key* tells these processes which environment they are in.
    """
    if os.environ.get(_MADE) == key:
        return False
    os.environ[_MADE] = key
    spawn.set_executable(python)
    if packages not in sys.path:
        sys.path.insert(0, packages)
    return True
