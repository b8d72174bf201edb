"""A build on a worker, for another machine: its inputs are first brought into the cache of this machine."""

import functools
import hashlib
import os
import pickle
import sys
import time
import zlib
from typing import Any

from puffin import meter
from puffin.artifact.artifact import Artifact, expected_sha256
from puffin.cache.atomic import publish_file, read
from puffin.cache.layout import Bucket, Cache, default_root
from puffin.errors import PuffinError
from puffin.stages.build import kept
from puffin.stages.build.environment import build_environment
from puffin.stages.build.failures import BuildFailed
from puffin.stages.build.job import KEPT, LACKS, METADATA, WHEEL, BuildOrder
from puffin.stages.build.task import archive_place, build, read_bytes, source_archive
from puffin.stages.fetch.network import network_from_environ, to_wire
from puffin.stages.link.interpreter.find import find_interpreter
from puffin.stages.link.interpreter.interpreter import Interpreter, interpreter_key
from puffin.stages.link.interpreter.known import inspect_interpreter
from puffin.stages.resolve.locate.tags import priorities
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


def unpacked_wire(data: bytes) -> "Any":
    """Return what :func:`pack` packed."""
    return pickle.loads(zlib.decompress(data))


class CannotFetch(Exception):
    """This machine cannot fetch the file at ``url``; the sender has to send its bytes."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def build_here(packed: bytes) -> bytes:
    """Build what was :class:`Sent` and return the answer with the CPU seconds that it took, child processes included.

    The answer is ``(WHEEL, file name, sha256, bytes, shared)``, ``(METADATA, bytes)``, ``(LACKS, requirements)``,
    ``(UNREACHABLE, url)``, or ``(ERROR, error, log)``; both are packed as a pair. A wheel may be *shared* if it was
    built with the variables of the machine that sent it.
    """
    meter.reset()
    began = time.thread_time()
    answer = _answer(from_tuple(Sent, unpacked_wire(packed)))
    *_, children = meter.measured()
    return pack((answer, time.thread_time() - began + children))


def _answer(sent: Sent) -> "tuple[Any, ...]":
    try:
        return _Build(sent).answer()
    except CannotFetch as unreachable:
        return UNREACHABLE, unreachable.url
    except PuffinError as error:
        log = (read(error.log) or b"") if isinstance(error, BuildFailed) and error.log else b""
        return ERROR, error, log[-_MOST_LOG:]


def kept_builds() -> "list[str]":
    """Return the names of the builds that the cache of this machine keeps: the revision and the settings of each."""
    root = Cache(default_root(os.environ)).path(Bucket.BUILT)
    try:
        return [
            f"{revision}/{each}" for revision in os.listdir(root) for each in os.listdir(f"{root}/{revision}")
        ]
    except OSError:
        return []


def kept_build(packed: bytes) -> "bytes | None":
    """Return the packed answer to an earlier order that serves this one, None if there is none.

    *packed* is the order and the interpreter, both in wire form, and the name of the build.
    """
    wire, python, name = unpacked_wire(packed)
    order, cache = from_tuple(BuildOrder, wire), Cache(default_root(os.environ))
    place, wants_metadata = cache.path(Bucket.BUILT, *name.split("/")), order.goal.endswith(METADATA)
    found = kept.find_wheel(place, priorities(order.tags), since=order.since)
    if found is not None and kept.is_of(found, from_tuple(Artifact, order.artifact)) and kept.is_sound(found):
        if wants_metadata:
            return pack((METADATA, read_bytes(os.path.join(os.path.dirname(found.path), "METADATA"))))
        return pack((WHEEL, found.filename, found.sha256, read_bytes(found.path), bool(found.platform)))
    own = fitting(python) if wants_metadata else None
    metadata = kept.find_metadata(place, interpreter_key(own), {}, since=order.since) if own else None
    return pack((METADATA, metadata)) if metadata else None


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
            return source_archive(artifact, self._cache, self._network)
        except PuffinError as error:
            raise _translated(error, artifact) from error

    def _environment(self, python: "Interpreter") -> str:
        archives = [self._archive(from_tuple(Artifact, wire), data) for wire, data in self._sent.brings]
        named = {f"archive{number}": each for number, each in enumerate(sorted(set(archives)))}
        return build_environment(interpreter=python.wire(), cache_root=self._cache.root, **named)

    def _archive(self, artifact: Artifact, data: bytes) -> str:
        sha256 = expected_sha256(artifact)
        if sha256 and archive_ready(self._cache, sha256):
            return sha256
        where: dict[str, Any] = {
            "name": artifact.name,
            "source": artifact.source,
            "cache_root": self._cache.root,
        }
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
            entry = kept.read_entry(os.path.dirname(path))
            return WHEEL, filename, sha256, read_bytes(path), bool(entry and entry.platform)
        return (METADATA, read_bytes(answer[1])) if answer[0] == METADATA else (LACKS, answer[1])


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


@frozen
class Python:
    """What decides which wheels an interpreter makes: ``version`` is major and minor, ``platforms`` best first."""

    implementation: str
    version: tuple[int, int]
    abi: str
    platforms: tuple[str, ...]

    def __str__(self) -> str:
        number = ".".join(map(str, self.version))
        return f"{self.implementation} {number} ({self.abi}, {next(iter(self.platforms), 'any')})"

    def makes_for(self, other: "Python") -> bool:
        """Tell whether wheels that this one makes run with the *other*: its platforms must all be among the other's."""
        same = (self.implementation, self.version, self.abi) == (other.implementation, other.version, other.abi)
        return same and set(self.platforms) <= set(other.platforms)


def python_of(interpreter: Interpreter) -> Python:
    """Return the properties of *interpreter* that decide which wheels it makes."""
    return Python(
        implementation=interpreter.implementation,
        version=(interpreter.version[0], interpreter.version[1]),
        abi=next(iter(interpreter.abis), "none"),
        platforms=interpreter.platforms,
    )


def python_fits(wanted: "tuple[Any, ...]") -> "tuple[bool, str]":
    """Return whether an interpreter here makes wheels for *wanted*, in wire form, and what is here."""
    found = interpreters(_plain(wanted))
    told = dict.fromkeys(str(python_of(each)) for each in found)
    target = from_tuple(Python, _plain(wanted))
    return any(python_of(each).makes_for(target) for each in found), ", ".join(told) or "no interpreter"


def fitting(wanted: "tuple[Any, ...]") -> "Interpreter | None":
    """Return the interpreter here that makes wheels for *wanted*: the one that runs this, if it does."""
    target = from_tuple(Python, _plain(wanted))
    return next((each for each in interpreters(_plain(wanted)) if python_of(each).makes_for(target)), None)


def _plain(wire: "tuple[Any, ...]") -> "tuple[Any, ...]":
    return tuple([tuple(field) if isinstance(field, list) else field for field in wire])


@functools.cache
def interpreters(wanted: "tuple[Any, ...]") -> "tuple[Interpreter, ...]":
    """Return the interpreter that runs this, and the first one here of the version of *wanted*."""
    target, cache = from_tuple(Python, wanted), Cache(default_root(os.environ))
    number = ".".join(map(str, target.version))
    free = "t" if target.abi.endswith("t") else ""
    found = []
    for request in ("", f"{number}{free}"):
        try:
            path = find_interpreter(request, os.environ) if request else sys.executable
            found.append(inspect_interpreter(path, cache))
        except PuffinError:
            continue
        if python_of(found[-1]).makes_for(target):
            break
    return tuple(found)
