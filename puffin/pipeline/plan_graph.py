"""From located artifacts to tasks: fetch, unzip and link for each wheel that the cache lacks, link for the rest."""

from puffin.meter import HIT, MISS
from puffin.pipeline.task import FAILED, Task
from puffin.stages.artifact import WHEEL, expected_sha256
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from puffin.pipeline.graph import Ledger
    from puffin.pipeline.plan_build import Builds
    from puffin.pipeline.plan_build_values import Toolchain
    from puffin.pipeline.task import Key
    from puffin.stages.artifact import Artifact

FETCH = "fetch"
UNZIP = "unzip"
COMPILE = "compile"
LINK = "link"
BUILD = "build"
ENVIRONMENT = "environment"
_COMPILING = 4  # compiling takes many times as long as all else
_UNKNOWN_PURE, _UNKNOWN_BINARY = 300_000, 4_000_000  # bytes, roughly; many indexes tell no sizes


@frozen
class Supply:
    """A wheel to install: its artifact, and its archive where the cache has it (else ``""``).

    An artifact that has to be built says by ``toolchain`` which interpreter does it, and by ``made`` the
    key of the task whose result its archive is, by ``source`` that of the one that fetches what its URL names,
    where nothing else tells the hash of that; :func:`supplied` fills both in.
    """

    artifact: "Artifact"
    archive: str
    toolchain: "Toolchain | None" = None
    made: "Key | None" = None
    source: "Key | None" = None


@frozen
class Compiling:
    """Which bytecode an environment gets: what compiles it, and the name of its kind in the cache.

    ``ready`` are the archives whose bytecode is in the cache.
    """

    executable: str
    kind: str
    tag: str
    level: int = 0
    ready: "frozenset[str]" = frozenset()


@frozen
class Linking:
    """What link tasks of one environment share. ``target`` is a link target in its wire form.

    ``requested`` names what somebody asked for; None stands for everything. ``environment`` is the root of the
    environment, under which the run record knows it.
    """

    transaction: str
    directory: str
    target: "tuple[Any, ...]"
    mode: str
    requested: "frozenset[str] | None" = None
    compiling: "Compiling | None" = None
    environment: str = ""


def stage_of(linking: Linking, number: int) -> str:
    """Return the staging directory of the distribution with this number."""
    return f"{linking.directory}/{number}"


def link_key(linking: Linking, supply: Supply) -> "Key":
    """Return the key of a link task; it carries the transaction, so that no run reuses another's."""
    return (LINK, f"{linking.transaction}/{supply.artifact.name}")


def supplied(supply: Supply, builds: "Builds | None") -> "tuple[Supply, tuple[Task, ...]]":
    """Return *supply* as its links need it, and the tasks that build its wheel, where it has to be built.

    A wheel that was built before and unzipped is in the cache; then there are no tasks.
    """
    if supply.archive or supply.artifact.kind == WHEEL or builds is None or supply.toolchain is None:
        return supply, ()
    tasks, last = builds.supply(supply.artifact, supply.toolchain)
    if isinstance(last, str):
        return replace(supply, archive=last), tasks
    return replace(supply, made=last, source=builds.fetched_by(last)), tasks


def supply_tasks(
    supply: Supply, *, cache_root: str, network: "tuple[Any, ...]", environments: tuple[str, ...] = ()
) -> "tuple[Task, ...]":
    """Return the tasks that bring a wheel into the cache; none when it is there, or has to be built.

    *environments* are those that it is for.
    """
    if supply.archive or supply.artifact.kind != WHEEL:
        return ()
    return wheel_tasks(supply, cache_root=cache_root, network=network, environments=environments)


def wheel_tasks(
    supply: Supply, *, cache_root: str, network: "tuple[Any, ...]", environments: tuple[str, ...] = ()
) -> "tuple[Task, Task]":
    """Return the tasks that fetch and unzip a wheel for *environments*."""
    artifact = supply.artifact
    identity = _identity(artifact)
    fetch = Task(
        key=(FETCH, identity),
        function="puffin.stages.unzip.store:fetch_once",
        label=artifact.label,
        arguments=(
            ("url", artifact.url),
            ("filename", artifact.filename),
            ("hashes", (artifact.hashes,) if artifact.hashes else ()),
            ("size", artifact.size),
            ("network", network),
            ("name", artifact.name),
            ("source", artifact.source),
            ("cache_root", cache_root),
        ),
        weight=_weight(artifact),
        waits=True,
        transient=True,
        environments=environments,
        cache=MISS,
    )
    unzip = Task(
        key=(UNZIP, identity),
        function="puffin.stages.unzip.store:store",
        label=fetch.label,
        arguments=(
            ("filename", artifact.filename),
            ("name", artifact.name),
            ("source", artifact.source),
            ("cache_root", cache_root),
            ("url", artifact.url),
        ),
        inputs=(("fetched", fetch.key),),
        weight=_weight(artifact),
        environments=environments,
        cache=MISS,
    )
    return fetch, unzip


def _weight(artifact: "Artifact") -> int:
    if artifact.size:
        return artifact.size
    return _UNKNOWN_PURE if artifact.filename.endswith("-any.whl") else _UNKNOWN_BINARY


def source_of(supply: Supply) -> "tuple[tuple[str, Key], ...]":
    """Return what was fetched to be built as an input of a task that links it."""
    return (("source", supply.source),) if supply.source and supply.artifact.direct_url else ()


def archive_of(supply: Supply) -> "tuple[tuple[Any, ...], tuple[Any, ...]]":
    """Return the archive of a supply as an argument of a task where it is known, else as its input."""
    if supply.archive:
        return (("archive", supply.archive),), ()
    return (), (("archive", supply.made or (UNZIP, _identity(supply.artifact))),)


def compile_task(
    supply: Supply, compiling: "Compiling | None", *, cache_root: str, environments: tuple[str, ...] = ()
) -> "Task | None":
    """Return the task that compiles the bytecode of a wheel; None when none is wanted, or it is there."""
    if compiling is None or (supply.archive and supply.archive in compiling.ready):
        return None
    known, inputs = archive_of(supply)
    return Task(
        key=(COMPILE, f"{supply.archive or inputs[0][1][1]}/{compiling.kind}"),
        function="puffin.stages.bytecode.stage:compile_archive",
        label=supply.artifact.label,
        arguments=(
            *known,
            ("cache_root", cache_root),
            ("executable", compiling.executable),
            ("kind", compiling.kind),
            ("tag", compiling.tag),
            ("level", compiling.level),
        ),
        inputs=inputs,
        weight=_COMPILING * _weight(supply.artifact),
        environments=environments,
    )


def link_task(supply: Supply, number: int, linking: Linking, *, cache_root: str) -> Task:
    """Return the task that stages a wheel for one environment."""
    artifact = supply.artifact
    known, inputs = archive_of(supply)
    compiled = compile_task(supply, linking.compiling, cache_root=cache_root)
    return Task(
        key=link_key(linking, supply),
        function="puffin.stages.link.linker:link",
        label=artifact.label,
        arguments=(
            *known,
            ("cache_root", cache_root),
            ("stage", stage_of(linking, number)),
            ("target", linking.target),
            ("requested", linking.requested is None or artifact.name in linking.requested),
            ("direct_url", artifact.direct_url),
            ("mode", linking.mode),
            *((("bytecode", linking.compiling.kind),) if linking.compiling else ()),
        ),
        inputs=(*inputs, *source_of(supply)),
        after=(compiled.key,) if compiled else (),
        environments=environments_of(linking),
        cache=HIT if supply.archive else MISS,
    )


def environments_of(linking: Linking) -> tuple[str, ...]:
    """Return the environment of *linking* as the environments that tasks are for."""
    return (linking.environment,) if linking.environment else ()


def sync_tasks(
    supplies: "Iterable[tuple[int, Supply]]",
    linking: Linking,
    *,
    cache_root: str,
    network: "tuple[Any, ...]",
    builds: "Builds | None" = None,
) -> "list[Task]":
    """Return all tasks of one environment's change, each of the *supplies* with its number in the transaction."""
    tasks: list[Task] = []
    served = environments_of(linking)
    for number, each in supplies:
        supply, made = supplied(each, builds)
        tasks += [replace(task, environments=served, cache=MISS) for task in made]
        if not made:
            tasks += supply_tasks(supply, cache_root=cache_root, network=network, environments=served)
        compiled = compile_task(supply, linking.compiling, cache_root=cache_root, environments=served)
        tasks += [compiled] if compiled else []
        tasks.append(link_task(supply, number, linking, cache_root=cache_root))
    return tasks


def _identity(artifact: "Artifact") -> str:
    sha256 = expected_sha256(artifact)
    return sha256 or f"{artifact.url}#{artifact.size}"


def root_failure(ledger: "Ledger", key: "Key") -> "BaseException | None":
    """Return the error that kept a task from being done: its own, or that of the first it depends on which failed."""
    stack, seen = [key], set()
    while stack:
        each = stack.pop()
        if each in seen or each not in ledger.tasks:
            continue
        seen.add(each)
        outcome = ledger.outcomes.get(each)
        if outcome is not None and outcome.status == FAILED:
            return outcome.error
        stack.extend(reversed(ledger.tasks[each].dependencies))
    return None
