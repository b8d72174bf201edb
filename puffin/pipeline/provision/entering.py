"""A worker and the environment that was made for it: its packages can be imported, or the worker starts again in it."""

import asyncio
import importlib
import os
import site
import sys
from collections.abc import Callable
from multiprocessing import spawn
from typing import Any

from distributed import Status
from distributed.protocol.pickle import dumps

_MADE = "PUFFIN_MADE"
_SOON = 0.2  # seconds
_former: "dict[str, tuple[str, Any]]" = {}  # in a nanny, by the key of the environment that it uses
_tasks: "set[asyncio.Task[None]]" = set()  # which nobody else holds


def enter(worker: Any, root: str, key: str, *, restart: bool) -> list[str]:
    """Let *worker* import the packages of the environment at *root*; with *restart*, its nanny starts it in there.

    The environment must have the minor version of Python that the worker has. Its own packages come first where the
    worker goes on. A worker without a nanny goes on. Returns the directories that this process imports from now.
    """
    before = set(sys.path)
    if restart and worker.nanny:
        task = asyncio.get_running_loop().create_task(_start_again(worker, root, key))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
    else:
        site.addsitedir(site_of(root))
        importlib.invalidate_caches()
    return [each for each in sys.path if each not in before]


def stop_importing(added: list[str]) -> None:
    """Import from the directories that :func:`enter` returned no more. Modules that were imported stay."""
    sys.path[:] = [each for each in sys.path if each not in added]


async def restored(worker: Any, key: str) -> None:
    """Have the nanny of *worker* start workers as it did before :func:`enter`; this worker goes on."""
    if worker.nanny:
        await _asked_of_nanny(worker, leave_environment, key)


async def _start_again(worker: Any, root: str, key: str) -> None:
    """Have the nanny start *worker* again. A nanny that waits for its worker to begin answers nothing until then."""
    while worker.status != Status.running:
        await asyncio.sleep(_SOON)
    if await _prepared(worker, root, key) and not is_made(key):  # else another registration of the same one
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
    place = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return await _asked_of_nanny(worker, use_environment, site_of(root), os.path.join(root, *place), key)


async def _asked_of_nanny(worker: Any, function: Callable[..., bool], *arguments: str) -> bool:
    """Return the answer of a function that runs in the nanny of *worker*; False if there is none."""
    packed: Any = dumps
    call = {"function": packed(function), "args": packed(arguments), "kwargs": packed({})}
    answer = await worker.rpc(worker.nanny).run(**call, wait=True)
    return answer.get("status") == "OK" and answer.get("result") is True


def use_environment(packages: str, python: str, key: str) -> bool:
    """In a nanny: start processes with *python*, which finds *packages* first; tell whether that is new.

    *key* tells these processes which environment they are in.
    """
    if os.environ.get(_MADE) == key:
        return False
    leave_environment(os.environ.get(_MADE, ""))
    os.environ[_MADE] = key
    _former[key] = packages, spawn.get_executable()
    spawn.set_executable(python)
    sys.path.insert(0, packages)
    return True


def leave_environment(key: str) -> bool:
    """In a nanny: start processes as before :func:`use_environment`, if the environment in use is that of *key*."""
    if key not in _former:
        return False
    packages, python = _former.pop(key)
    del os.environ[_MADE]
    spawn.set_executable(python)
    sys.path.remove(packages)
    return True
