"""Forked children that answer many questions at a time, while this process goes on."""

import marshal
import os
import select
import time
from collections.abc import Callable, Mapping
from threading import Lock, active_count
from typing import Any

from puffin import meter
from puffin.cache.atomic import write_all
from puffin.forks import available_cores, silence
from puffin.pipeline.graph import record
from puffin.pipeline.run.wire import Frames, framed, pickled, unpickled
from puffin.pipeline.run.worker_loss import fork_child
from puffin.signals import Uninterrupted

Serve = Mapping[str, Callable[[Any], Any]]
Begin = Callable[[], Callable[[Callable[[], None]], object]]

_CHILDREN = 2
_ROOM = 1 << 20  # bytes of a pipe, so that a child seldom waits for this process


def start_workers(serve: "Serve", begin: "Begin") -> "ForkedWorkers | None":
    """Start the children; None where there is no fork, no second processor, or a thread that a fork would cut off."""
    if (
        not hasattr(os, "fork")
        or not hasattr(select, "poll")
        or active_count() > 1
        or available_cores() < _CHILDREN
    ):
        return None
    meter.share()
    try:
        return ForkedWorkers(serve, begin, _CHILDREN)
    except OSError:  # a limit on processes or open files
        return None


class WorkerAnswer:
    """What a child answers to one question."""

    def __init__(self, workers: "ForkedWorkers", child: "_Child", key: str) -> None:
        self.key = key
        self._workers = workers
        self._child = child
        self._said: tuple[bool, Any] | None = None

    def within(self, seconds: float) -> bool:
        """Wait for so many seconds at most; tell whether it has come."""
        deadline = time.monotonic() + seconds
        while not self.done and (left := deadline - time.monotonic()) > 0:
            self._workers.listen(wait=True, seconds=left)
        return self.done

    def take(self, good: bool, said: "Any") -> None:
        self._said = (good, said)

    @property
    def done(self) -> bool:
        """Whether it has come (see :meth:`ForkedWorkers.listen`), so that :meth:`result` does not wait."""
        return self._said is not None or self._child.lost

    def result(self) -> "Any":
        """Wait, and return the answer or raise its error; None if the child was lost."""
        while self._said is None and not self._child.lost:
            self._workers.listen(wait=True)
        if self._said is None:
            return None
        good, said = self._said
        if good:
            return said
        raise unpickled(said)


class _Child:
    """The parent's side of one child."""

    def __init__(self, serve: "Serve", begin: "Begin", others: "list[_Child]") -> None:
        self.answers: dict[int, WorkerAnswer] = {}
        self.lost = False
        self._frames = Frames()
        self._unsent = bytearray()
        ends: list[int] = []
        try:
            ends += os.pipe()
            ends += os.pipe()
            asking, self._questions, self.reader, answering = ends
            self._open: tuple[int, ...] = (self._questions, self.reader)
            self._pid = fork_child(lambda: self._serve(serve, begin, asking, answering, others))
        except OSError:
            for end in ends:
                os.close(end)
            raise
        os.close(asking)
        os.close(answering)

    def _serve(
        self, serve: "Serve", begin: "Begin", asking: int, answering: int, others: "list[_Child]"
    ) -> None:
        """In the child: answer until the parent asks no more."""
        for each in (self, *others):
            each.let_go()
        record.leave()
        _widen(answering)
        _answer_all(serve, begin(), asking, answering)

    def ask(self, number: int, kind: str, question: "Any", answer: WorkerAnswer) -> None:
        self.answers[number] = answer
        self._unsent += framed(marshal.dumps((number, kind, question)))

    def send(self) -> None:
        unsent, self._unsent = self._unsent, bytearray()
        if unsent and not self.lost:
            try:
                write_all(self._questions, unsent)
            except BrokenPipeError:
                self.lost = True

    def hear(self) -> list[str]:
        """Take in the answers that have arrived, and return their keys; at the end of the stream the child is lost."""
        data = os.read(self.reader, _ROOM)
        self.lost = not data
        came = []
        for body in self._frames.feed(data):
            number, good, said = marshal.loads(body)
            answer = self.answers.pop(number)
            answer.take(good, said)
            came.append(answer.key)
        return came

    def given_up(self) -> list[str]:
        """Return the keys of the answers that cannot come any more because the child is lost."""
        answers, self.answers = (self.answers, {}) if self.lost else ({}, self.answers)
        return [answer.key for answer in answers.values()]

    def let_go(self) -> None:
        ends, self._open = self._open, ()
        for end in ends:
            os.close(end)

    def end(self) -> None:
        """End it now, without waiting; entries that it writes are published completely or not at all."""
        self.lost = True  # what it was still asked for is not waited for
        self.let_go()
        try:
            os.kill(self._pid, 9)
            os.waitpid(self._pid, os.WNOHANG)
        except (ProcessLookupError, ChildProcessError):
            pass


def _load(child: _Child) -> tuple[bool, int]:
    return child.lost, len(child.answers)


class ForkedWorkers:
    """A number of children, which share the questions."""

    def __init__(self, serve: "Serve", begin: "Begin", count: int) -> None:
        self._numbers = 0
        self._came: list[str] = []
        self._children: list[_Child] = []
        try:
            for _ in range(count):
                self._children.append(_Child(serve, begin, self._children))
        except OSError:
            self.close()
            raise

    def ask(self, kind: str, question: "Any", key: str) -> WorkerAnswer:
        """Ask the child with the fewest open questions, as soon as :meth:`send` or a look for answers follows.

        *question* and the answer are made of builtins. *key* is what :meth:`came` tells.
        """
        child = min(self._children, key=_load)
        self._numbers += 1
        answer = WorkerAnswer(self, child, key)
        child.ask(self._numbers, kind, question, answer)
        return answer

    def send(self) -> None:
        for child in self._children:
            child.send()

    def listen(self, *, wait: bool, seconds: float = 0.0) -> bool:
        """Take in answers that have come, or wait (some *seconds*) for the next; False if none is to come."""
        self.send()
        asked = {child.reader: child for child in self._children if child.answers and not child.lost}
        poll = select.poll()
        for reader in asked:
            poll.register(reader, select.POLLIN)
        found = poll.poll((seconds or silence()) * 1000 if wait else 0) if asked else []
        for reader, _ in found:
            self._came += asked[reader].hear()
        for child in (
            asked.values() if wait and not found and not seconds else ()
        ):  # they have said nothing for too long
            child.end()
        return bool(asked)

    def came(self) -> list[str]:
        """Return the keys of the answers that have come, or cannot come, since the last call."""
        came, self._came = self._came, []
        return came + [key for child in self._children for key in child.given_up()]

    def close(self) -> None:
        """End the children. A second call finds none."""
        with Uninterrupted():
            children, self._children = self._children, []
            for child in children:
                child.end()


def _answer_all(
    serve: "Serve", spawn: "Callable[[Callable[[], None]], object]", asking: int, answering: int
) -> None:
    frames, lock = Frames(), Lock()

    def answer(number: int, kind: str, question: "Any") -> None:
        good, said = _answered(serve, kind, question)
        data = framed(marshal.dumps((number, good, said)))
        with lock:
            write_all(answering, data)

    while data := os.read(asking, 1 << 16):
        for body in frames.feed(data):
            number, kind, question = marshal.loads(body)
            spawn(lambda number=number, kind=kind, question=question: answer(number, kind, question))  # type: ignore[misc]


def _answered(serve: "Serve", kind: str, question: "Any") -> "tuple[bool, Any]":
    try:
        return True, serve[kind](question)
    except Exception as error:
        return False, pickled(error)


def _widen(pipe: int) -> None:
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _ROOM)
    except (ImportError, AttributeError, OSError):
        pass
