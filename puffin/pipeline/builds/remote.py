"""Builds on the workers of a scheduler: the task that sends one and waits on a thread of this process."""

import threading
from typing import Any

from puffin.artifact.artifact import Artifact
from puffin.artifact.urls import digest
from puffin.cache.layout import Cache
from puffin.pipeline.farm.farm import Farm, WorkerNeeds, farm_for
from puffin.pipeline.graph.task import Key, Task
from puffin.pipeline.request.builds import Toolchain
from puffin.pipeline.request.scheduler import Remote
from puffin.stages.build.job import BuildOrder
from puffin.stages.build.remote import SentBuild, brought, built_before
from puffin.stages.build.remote_here import Python, python_of
from puffin.stages.fetch.fetch import fetch
from puffin.stages.fetch.network import network_from_wire
from puffin.value import astuple, from_tuple, replace

_HERE = "puffin.stages.build.remote_here:build_here"
_KEPT_BUILDS = "puffin.stages.build.remote_here:kept_builds"
_KEPT_BUILD = "puffin.stages.build.remote_here:kept_build"
_FITS = "puffin.stages.build.remote_here:python_fits"


def sent(
    build_task: Task,
    remote: Remote,
    toolchain: "Toolchain",
    *,
    found: "tuple[Artifact, ...]",
    built: "dict[str, Key | tuple[str, str, str, str]]",
    requires: tuple[str, ...],
    network: "tuple[Any, ...]",
) -> Task:
    """Return *build_task* as one that a worker does, in an environment of the distributions *found*.

    *built* has, for those among them that have to be built themselves, the task that does it, or the wheel as
    ``(WHEEL, path, file name, sha256)``; by their names.
    """
    order = replace(from_tuple(BuildOrder, dict(build_task.arguments)["order"]), seconds=remote.limit)
    keys = sorted((name, made) for name, made in built.items() if len(made) == 2)
    inputs = tuple([(f"built_{number}", made) for number, (_, made) in enumerate(keys)])
    return replace(
        build_task,
        function="puffin.pipeline.builds.remote:build_on_worker",
        arguments=(
            ("order", astuple(order)),
            ("cache_root", dict(build_task.arguments)["cache_root"]),
            ("remote", astuple(remote)),
            ("python", astuple(python_of(toolchain.interpreter))),
            ("found", tuple([astuple(each) for each in found])),
            ("made", tuple([(name, made) for name, made in sorted(built.items()) if len(made) != 2])),
            ("names", tuple([name for name, _ in keys])),
            ("requires", requires),
            ("network", network),
        ),
        inputs=(*build_task.inputs, *inputs),
    )


def build_on_worker(
    *,
    order: "tuple[Any, ...]",
    source: "tuple[str, str, tuple[Any, ...]]",
    cache_root: str,
    remote: "tuple[Any, ...]",
    python: "tuple[Any, ...]",
    found: "tuple[tuple[Any, ...], ...]",
    made: "tuple[tuple[str, tuple[str, str, str, str]], ...]",
    names: tuple[str, ...],
    requires: tuple[str, ...],
    network: "tuple[Any, ...]",
    **inputs: "tuple[str, str, str, str]",
) -> "tuple[Any, ...]":
    """Have a worker build a source; the result is that of ``puffin.stages.build.task.build``.

    Raises what that raises, and the errors of ``puffin.pipeline.farm.farm``.
    """
    told = from_tuple(BuildOrder, order)
    farm = farm_for(from_tuple(Remote, remote))
    wheels = {**dict(made), **{name: inputs[f"built_{number}"] for number, name in enumerate(names)}}
    artifacts = [from_tuple(Artifact, each) for each in found]
    parts = [wheels[each.name][3] if each.name in wheels else each.filename for each in artifacts]

    def brings(unreachable: "set[str]") -> "tuple[Any, ...]":
        return tuple(
            [
                built_before(each, wheels[each.name])
                if each.name in wheels
                else brought(each, unreachable, lambda artifact: _files.get(artifact, network))
                for each in artifacts
            ]
        )

    return SentBuild(
        told,
        source,
        Cache(cache_root),
        key=digest(repr((sorted(parts), python))),
        requires=requires,
        python=python,
        brings=brings,
        send=lambda packed: _send(farm, told, packed, python),
        recall=lambda name, packed: farm.recall(name, _KEPT_BUILDS, _KEPT_BUILD, packed),
        unreachable=farm.unreachable,
        trusted_hosts=network_from_wire(network).trusted_hosts,
        offline=network_from_wire(network).offline,
    ).answer()


def _send(farm: "Farm", order: BuildOrder, packed: bytes, python: "tuple[Any, ...]") -> "tuple[str, bytes]":
    artifact = from_tuple(Artifact, order.artifact)
    needs = WorkerNeeds(_FITS, (python,), str(from_tuple(Python, python)))
    name = f"{artifact.name}-{artifact.version or 'source'}"
    return farm.run(name, order.package, _HERE, packed, needs)


class _BroughtFiles:
    """The files that workers cannot fetch, so that builds that need the same one do not fetch it again.

    It keeps up to ``most`` bytes; one thread fetches a file, and the others wait for it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[str, bytes] = {}
        self._fetching: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, artifact: Artifact, network: "tuple[Any, ...]") -> bytes:
        """Return the bytes of an artifact. Raises what fetching it raises."""
        key = f"{artifact.url} {artifact.hashes}"
        with self._lock:
            mine = self._fetching.setdefault(key, threading.Lock())
        with mine:
            data = self._known.get(key)
            if data is None:
                data = _fetched(artifact, network)
                self._keep(key, data)
            return data

    def _keep(self, key: str, data: bytes) -> None:
        with self._lock:
            self._known[key] = data
            while sum(map(len, self._known.values())) > self._most and len(self._known) > 1:
                self._known.pop(next(iter(self._known)))


_files = _BroughtFiles(256 << 20)


def _fetched(artifact: Artifact, network: "tuple[Any, ...]") -> bytes:
    groups = (artifact.hashes,) if artifact.hashes else ()
    _, _, data = fetch(
        url=artifact.url, filename=artifact.filename, hashes=groups, size=artifact.size, network=network
    )
    return bytes(data)
