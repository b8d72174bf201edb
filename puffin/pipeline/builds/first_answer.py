"""The first answer of a remote cache to a resolution, which asks only for what would have to be built.

A thread asks for it when the first build is due; a resolution has threads already, so it cannot fork. Builds wait for
it as long as a run waits before files (:func:`~puffin.stages.remote.values.grace`). Until it has come, nothing else is
asked of the cache, so a dead or slow one costs a resolution no more than that.
"""

import os
import time
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any

import puffin.forks  # noqa: F401 - it makes forks safe after this thread
from puffin.pipeline.graph.task import resolve_function
from puffin.pipeline.request.session import Session
from puffin.stages.remote.values import RemoteCache, grace, is_news, leave_alone, left_alone
from puffin.value import astuple

_BUILD = 1.0  # seconds that the metadata of a source take at least without the cache
_answers: "dict[tuple[int, str, str], FirstAnswer]" = {}  # by the process, the URL and the room of a run
_taken: "set[tuple[str, str]]" = set()  # of runs that ask by themselves
_lock = Lock()


class FirstAnswer:
    """The answer to a question that the thread asks: what ``puffin.stages.remote.service.probe`` returns."""

    def __init__(self, remote: RemoteCache, network: "tuple[Any, ...]", session: Session) -> None:
        self._said = "it cannot be asked", 0.0
        self._came = Event()
        self._where = astuple(remote), network, session.cache.root
        if not remote.is_bucket:  # whose driver takes half a second to load
            _load(remote, network)
        self.deadline = time.time() + (remote.waits or grace(session.began, _BUILD))
        try:
            Thread(target=self._ask, name="puffin-remote", daemon=True).start()
        except RuntimeError:  # a limit on threads
            leave_alone(remote, self._said[0])
            self._came.set()

    def _ask(self) -> None:
        try:
            self._said = resolve_function("puffin.stages.remote.service:probe")(*self._where, None)
        finally:
            self._came.set()

    def within(self, seconds: float) -> bool:
        """Wait for so many seconds at most; tell whether it has come."""
        return self._came.wait(max(0.0, seconds))

    def result(self) -> "tuple[str, float]":
        """Wait for it, and return it."""
        self._came.wait()
        return self._said


def _load(remote: RemoteCache, network: "tuple[Any, ...]") -> None:
    """Import what reaches the cache, so that the answer alone is waited for. What fails fails again for the thread."""
    with suppress(Exception):
        resolve_function("puffin.stages.remote.store:store_of")(astuple(remote), network).reached()


def may_be_asked(remote: RemoteCache, network: "tuple[Any, ...]", session: Session) -> bool:
    """Tell whether a remote cache is alive, for which the builds of a resolution wait together."""
    if (remote.url, remote.room) in _taken:
        return True
    key = os.getpid(), remote.url, remote.room
    with _lock:
        answer = _answers[key] = _answers.get(key) or FirstAnswer(remote, network, session)
    if not answer.within(answer.deadline - time.time()):
        return False
    if left_alone(remote):
        say_unused(remote, left_alone(remote), session)
    return not left_alone(remote)


def taken_over(remote: RemoteCache, session: Session) -> "FirstAnswer | None":
    """Let a run ask the remote cache itself from now on; return the first answer that is still awaited."""
    _taken.add((remote.url, remote.room))
    answer = _answers.get((os.getpid(), remote.url, remote.room))
    if answer is not None and not answer.within(0.0):
        return answer
    if answer is not None and left_alone(remote):
        say_unused(remote, left_alone(remote), session)
    return None


def say_silent(remote: "RemoteCache | None", session: Session) -> None:
    """Say at the end of a resolution if the remote cache was asked and did not serve."""
    if remote is not None and taken_over(remote, session) is not None:
        say_unused(remote, "it does not answer in time", session)


def say_unused(remote: RemoteCache, problem: str, session: Session) -> None:
    """Say once in a run why the remote cache is left alone."""
    if is_news(remote):
        session.reporter.warn(f"The remote cache `{remote.shown}` is not used any more in this run: {problem}")
