"""Outcomes as bytes between processes: marshalled builtins, with errors pickled only where there are any."""

import marshal

from puffin.pipeline.graph.task import Outcome
from puffin.types import Any, Iterator
from puffin.value import astuple, from_tuple, replace

_LENGTH = 4


def encode_outcome(outcome: Outcome) -> bytes:
    """Return an outcome as bytes; its result must be made of builtins."""
    fields = astuple(outcome)
    if outcome.error is not None:
        fields = astuple(replace(outcome, error=pickled(outcome.error)))
    return framed(marshal.dumps(fields))


def decode_outcome(body: bytes) -> Outcome:
    """Return the outcome that :func:`encode` wrote (without the length in front)."""
    outcome = from_tuple(Outcome, marshal.loads(body))
    error: Any = outcome.error
    return replace(outcome, error=unpickled(error)) if error else outcome


def pickled(error: BaseException) -> bytes:
    """Return an error as bytes; one that cannot be pickled becomes a ``RuntimeError`` with its text."""
    import pickle

    try:
        return pickle.dumps(error)
    except Exception:  # of a library that does not care
        return pickle.dumps(RuntimeError(repr(error)))


def unpickled(data: bytes) -> BaseException:
    """Return the error that :func:`pickled` wrote."""
    import pickle

    error: BaseException = pickle.loads(data)
    return error


def framed(body: bytes) -> bytes:
    """Return *body* with its length in front, as :class:`Frames` takes it apart."""
    return len(body).to_bytes(_LENGTH, "little") + body


class Frames:
    """Bodies from the bytes of a pipe, as they arrive."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> "Iterator[bytes]":
        """Take the next bytes and yield the bodies that are complete."""
        self._pending += data
        while len(self._pending) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._pending[:_LENGTH], "little")
            if len(self._pending) < end:
                return
            body = bytes(self._pending[_LENGTH:end])
            del self._pending[:end]
            yield body


class Inbox:
    """Outcomes from the bytes of a pipe, as they arrive."""

    def __init__(self) -> None:
        self._frames = Frames()

    def feed(self, data: bytes) -> "Iterator[Outcome]":
        """Take the next bytes and yield the outcomes that are complete."""
        return map(decode_outcome, self._frames.feed(data))
