"""A build on a worker, for another machine: all that it needs is brought into this machine's cache first."""

import hashlib
import os
import pickle
import zlib
from typing import Any

from puffin.artifact.artifact import Artifact, expected_sha256
from puffin.cache.atomic import publish_file, read
from puffin.cache.layout import Bucket, Cache, default_root
from puffin.errors import PuffinError
from puffin.stages.build.environment import environment
from puffin.stages.build.failures import BuildFailed
from puffin.stages.build.job import KEPT, LACKS, METADATA, WHEEL, BuildOrder
from puffin.stages.build.remote_python import fitting
from puffin.stages.build.task import archive_of, archive_place, build
from puffin.stages.fetch.network import network_from_environ, to_wire
from puffin.stages.link.interpreter.interpreter import Interpreter, interpreter_key
from puffin.stages.unzip.ready import archive_ready
from puffin.stages.unzip.store import fetch_once, store
from puffin.value import astuple, from_tuple, frozen, replace

UNREACHABLE, ERROR = "unreachable", "error"
_MOST_LOG = 4 << 20  # bytes of a log that travel


@frozen
class Sent:
    """A build as it travels, in builtins.

    ``order`` is a :class:`~puffin.stages.build.job.BuildOrder`, ``system`` a build system, both in wire form;
    ``brings`` are pairs of an artifact in wire form and its bytes, which are empty where the URL will do; ``source`` is
    that of the source. ``python`` is what the wheel is for, ``requires`` what the environment holds beyond ``system``.
    """

    order: "tuple[Any, ...]"
    system: "tuple[Any, ...]"
    source: "tuple[tuple[Any, ...], bytes]"
    brings: "tuple[tuple[tuple[Any, ...], bytes], ...]"
    python: "tuple[Any, ...]"
    requires: tuple[str, ...]
    trusted_hosts: tuple[str, ...]
    offline: bool


def pack(value: "Any") -> bytes:
    """Return builtins as bytes in which nothing can be read by looking, such as a password in the log of a worker."""
    return zlib.compress(pickle.dumps(value, protocol=5), 1)


def unpack(data: bytes) -> "Any":
    """Return what :func:`pack` packed."""
    return pickle.loads(zlib.decompress(data))


class CannotFetch(Exception):
    """This machine cannot fetch the file at ``url``; whoever sent that has to bring it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def build_here(packed: bytes) -> bytes:
    """Build what was :class:`Sent` and return the answer.

    That is, packed, ``(WHEEL, file name, sha256, bytes)``, ``(METADATA, bytes)``, ``(LACKS, requirements)``,
    ``(UNREACHABLE, url)``, or ``(ERROR, error, log)``.
    """
    sent = from_tuple(Sent, unpack(packed))
    try:
        return pack(_Build(sent).answer())
    except CannotFetch as unreachable:
        return pack((UNREACHABLE, unreachable.url))
    except PuffinError as error:
        log = (read(error.log) or b"") if isinstance(error, BuildFailed) and error.log else b""
        return pack((ERROR, error, log[-_MOST_LOG:]))


class _Build:
    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._cache = Cache(default_root(os.environ))
        self._order = from_tuple(BuildOrder, sent.order)
        self._network = _network(sent)

    def answer(self) -> "tuple[Any, ...]":
        self._cache.initialise()
        os.makedirs(self._cache.path(Bucket.LOCKS), exist_ok=True)
        python = fitting(self._sent.python)
        if python is None:  # it was there when it was asked for
            raise BuildFailed(package=self._order.package, status="the worker's interpreter is gone")
        source = self._source()
        answer = build(
            order=astuple(self._adapted(python)),
            source=source,
            cache_root=self._cache.root,
            environment=self._environment(python),
            requires=self._sent.requires,
        )
        return self._with_bytes(answer)

    def _adapted(self, python: "Interpreter") -> BuildOrder:
        """Return the order as it is for the interpreter of this machine."""
        return replace(
            self._order,
            artifact=self._sent.source[0],
            interpreter=interpreter_key(python),
            scripts=python.venv_scheme.scripts,
            tags=python.tags,
        )

    def _source(self) -> "tuple[str, str, tuple[Any, ...]]":
        wire, data = self._sent.source
        artifact = from_tuple(Artifact, wire)
        path, sha256 = self._fetched(artifact, data)
        return path, sha256, self._sent.system

    def _fetched(self, artifact: Artifact, data: bytes) -> "tuple[str, str]":
        if data:
            publish_file(self._cache, archive_place(artifact, self._cache), data)
        try:
            return archive_of(artifact, self._cache, self._network)
        except PuffinError as error:
            raise _translated(error, artifact) from error

    def _environment(self, python: "Interpreter") -> str:
        archives = [self._archive(from_tuple(Artifact, wire), data) for wire, data in self._sent.brings]
        named = {f"archive{number}": each for number, each in enumerate(sorted(set(archives)))}
        return environment(interpreter=python.wire(), cache_root=self._cache.root, **named)

    def _archive(self, artifact: Artifact, data: bytes) -> str:
        sha256 = expected_sha256(artifact)
        if sha256 and archive_ready(self._cache, sha256):
            return sha256
        where = {"name": artifact.name, "source": artifact.source, "cache_root": self._cache.root}
        if data:
            return store(
                fetched=(_hash(data), len(data), memoryview(bytearray(data))),
                filename=artifact.filename,
                **where,
            )
        try:
            fetched = fetch_once(
                url=artifact.url,
                filename=artifact.filename,
                hashes=(artifact.hashes,) if artifact.hashes else (),
                size=artifact.size,
                network=self._network,
                **where,
            )
        except PuffinError as error:
            raise _translated(error, artifact) from error
        return store(fetched=fetched, filename=artifact.filename, url=artifact.url, **where)

    def _with_bytes(self, answer: "tuple[Any, ...]") -> "tuple[Any, ...]":
        if answer[0] in (WHEEL, KEPT):
            _, path, filename, sha256 = answer
            return WHEEL, filename, sha256, _read(path)
        return (METADATA, _read(answer[1])) if answer[0] == METADATA else (LACKS, answer[1])


def _network(sent: Sent) -> "tuple[Any, ...]":
    """Return how this machine reaches the network: its own proxies and certificates; what fails is brought instead."""
    own = network_from_environ(os.environ)
    hosts = (*own.trusted_hosts, *sent.trusted_hosts)
    return to_wire(
        replace(own, trusted_hosts=hosts, offline=sent.offline, timeout=min(own.timeout, 10.0), retries=1)
    )


def _translated(error: PuffinError, artifact: Artifact) -> Exception:
    return CannotFetch(artifact.url) if error.stage == "fetch" else error


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
