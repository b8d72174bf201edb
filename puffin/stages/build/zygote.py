"""Supervisors that have a backend imported, kept for the next build that shares its environment.

Importing setuptools takes longer than building a small package with it; forked from a process that has done
so, a build begins at its hooks. Jobs share one only if they name the same key, interpreter, backend and
environment variables.
"""

import os

from puffin.stages.build.supervisor import OutOfTime, Story, Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_MOST_IDLE = 4  # of all keys together; each takes about 30 MB

_idle: "list[tuple[tuple[Any, ...], Supervisor]]" = []  # the longest idle first
_spoiled: "set[tuple[Any, ...]]" = set()
_registered = False


def _forget_inherited() -> None:
    global _registered
    _idle.clear()
    _registered = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited)


def run_shared(
    *,
    key: "tuple[Any, ...]",
    python: str,
    backend: str,
    environ: "Mapping[str, str]",
    request: "dict[str, Any]",
    answer: "Callable[[dict[str, Any]], bool]",
    seconds: float,
) -> "Story | None":
    """Run a job in a fork of a process that has *backend* imported; None if it is to be run in a fresh one.

    That is so where processes cannot be forked, after a job with this *key* has failed, and when this job
    failed before it came to any hook. Raises :class:`OutOfTime`.
    """
    if not hasattr(os, "fork") or key in _spoiled:
        return None
    try:
        supervisor = _take(key) or _start(python, backend, environ)
    except OSError:
        return None
    story = None
    try:
        if supervisor.send(**request):
            story = supervisor.follow(answer, seconds)
    finally:
        if story is not None and story.status == 0:
            _give_back(key, supervisor)
        else:
            _spoiled.add(key)
            supervisor.close()
    return story if story is not None and story.entered else None


def _start(python: str, backend: str, environ: "Mapping[str, str]") -> Supervisor:
    global _registered
    if not _registered:
        import atexit

        atexit.register(close_idle)
        _registered = True
    supervisor = Supervisor(python, "serve", environ)
    supervisor.send(backend=backend)
    return supervisor


def _take(key: "tuple[Any, ...]") -> "Supervisor | None":
    """Return an idle supervisor. Only single operations on the list, so that threads need no lock for it."""
    for each in list(_idle):
        if each[0] == key:
            try:
                _idle.remove(each)
            except ValueError:
                continue  # another thread has it
            if each[1].is_alive():
                return each[1]
            each[1].close()
    return None


def _give_back(key: "tuple[Any, ...]", supervisor: Supervisor) -> None:
    _idle.append((key, supervisor))
    while len(_idle) > _MOST_IDLE:
        _idle.pop(0)[1].close()


def close_idle() -> None:
    """End the supervisors that nobody uses now."""
    while _idle:
        _idle.pop()[1].close()


__all__ = ["OutOfTime", "close_idle", "run_shared"]
