"""The graph of a run. Pure.

Each artifact is supplied once: fetched and unzipped, or built, unless the cache has it; then one task links it into all
environments that want it.
"""

from puffin.artifact.artifact import WHEEL, expected_sha256
from puffin.meter import HIT, MISS
from puffin.pipeline.graph.task import FAILED, Task
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Protocol

    from puffin.artifact.artifact import Artifact
    from puffin.pipeline.graph.ledger import Ledger
    from puffin.pipeline.graph.task import Key
    from puffin.pipeline.request.builds import Toolchain
    from puffin.reasons import Reason

    class WheelBuilds(Protocol):
        """What plans the builds of a run."""

        def supply(self, artifact: Artifact, toolchain: Toolchain) -> tuple[tuple[Task, ...], Key | str]:
            """Return the tasks that make a wheel, and the key of the last one, or the archive in the cache."""

        def fetched_by(self, key: Key) -> Key | None:
            """Return the task that fetches the source of the build *key*, if its result has the hash."""


FETCH = "fetch"
UNZIP = "unzip"
COMPILE = "compile"
LINK = "link"
BUILD = "build"
ENVIRONMENT = "environment"
_COMPILING = 4  # compiling takes many times as long as all else
_UNKNOWN_PURE, _UNKNOWN_BINARY = 300_000, 4_000_000  # bytes, roughly; many indexes tell no sizes
_MANY = 8  # environments, from which on the last are brought to their end one by one
_PER_ARCHIVE = 50  # links of files that take as long as all else to be done for an archive
_ROW = 45  # bytes of a manifest for a file, on average
_PLACE = 32 << 10  # bytes that a place in the order weighs; so what is much heavier still comes first


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
    """The bytecode of an environment: the interpreter that compiles it, and the name of its kind in the cache.

    ``ready`` are the archives whose bytecode is in the cache.
    """

    executable: str
    kind: str
    tag: str
    level: int = 0
    ready: "frozenset[str]" = frozenset()


def supplied(supply: Supply, builds: "WheelBuilds | None") -> "tuple[Supply, tuple[Task, ...]]":
    """Return *supply* as its links need it, and the tasks that build its wheel if it has to be built.

    A wheel that was built before and unzipped is in the cache; then there are no tasks.
    """
    if supply.archive or supply.artifact.kind == WHEEL or builds is None or supply.toolchain is None:
        return supply, ()
    tasks, last = builds.supply(supply.artifact, supply.toolchain)
    if isinstance(last, str):
        return replace(supply, archive=last), tasks
    return replace(supply, made=last, source=builds.fetched_by(last)), tasks


def wheel_tasks(
    supply: Supply,
    *,
    cache_root: str,
    network: "tuple[Any, ...]",
    environments: tuple[str, ...] = (),
    reason: "Reason | None" = None,
) -> "tuple[Task, Task]":
    """Return the tasks that fetch and unzip a wheel for *environments*, because of *reason*."""
    artifact = supply.artifact
    name = identity(artifact)
    fetch = Task(
        key=(FETCH, name),
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
        reason=reason,
    )
    unzip = Task(
        key=(UNZIP, name),
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
        reason=reason,
    )
    return fetch, unzip


def _weight(artifact: "Artifact") -> int:
    if artifact.size:
        return artifact.size
    return _UNKNOWN_PURE if artifact.filename.endswith("-any.whl") else _UNKNOWN_BINARY


def source_of(supply: Supply) -> "tuple[tuple[str, Key], ...]":
    """Return the fetched source of a built supply as an input of its link task."""
    return (("source", supply.source),) if supply.source and supply.artifact.direct_url else ()


def archive_of(supply: Supply) -> "tuple[tuple[Any, ...], tuple[Any, ...]]":
    """Return the archive of a supply as an argument of a task where it is known, else as its input."""
    if supply.archive:
        return (("archive", supply.archive),), ()
    return (), (("archive", supply.made or (UNZIP, identity(supply.artifact))),)


def compile_task(
    supply: Supply,
    compiling: "Compiling | None",
    *,
    cache_root: str,
    environments: tuple[str, ...] = (),
    uncompiled: "Callable[[str, str], Reason | None]" = lambda _archive, _kind: None,
) -> "Task | None":
    """Return the task that compiles the bytecode of a wheel; None if none is wanted or the cache has it.

    *uncompiled* says why the cache lacks the bytecode of an archive (empty if its hash is not known) of a kind.
    """
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
        reason=uncompiled(supply.archive or expected_sha256(supply.artifact), compiling.kind),
    )


def identity(artifact: "Artifact", archive: str = "") -> str:
    """Return a key that is equal for artifacts with the same archive and the same accepted hashes."""
    return (
        archive or expected_sha256(artifact) or "#".join((artifact.url, str(artifact.size), *artifact.hashes))
    )


def supply_name(supply: Supply) -> str:
    """Return a key that is equal for supplies with the same archive; for a built one it is its build."""
    return supply.made[1] if supply.made else identity(supply.artifact, supply.archive)


@frozen
class Use:
    """Where a supply is wanted: the number of the environment, and that of the supply in its transaction."""

    site: int
    number: int


@frozen
class Load:
    """A supply and all its uses, in the order in which environments are to be finished.

    ``size`` is what it takes to bring the supply in, in bytes: of the manifest of its archive, or of the wheel.
    """

    supply: "Supply"
    uses: tuple[Use, ...]
    size: int = 0

    @property
    def links(self) -> int:
        """About how many links of files the work takes as long as, if it is to link an archive; else 0."""
        return (self.size // _ROW + _PER_ARCHIVE) * len(self.uses) if self.supply.archive else 0


def loads_of(
    supplies: "Sequence[Mapping[int, Supply]]", weigh: "Callable[[Supply], int]" = lambda supply: 0
) -> "list[Load]":
    """Return the different supplies of all environments, which have them by number, small environments first.

    The artifacts of an environment with few come before those that only bigger ones want, so that environments are
    finished, and can be committed, all along and not only at the end. Of those, what *weigh* tells to be heavy comes
    first, lest one process is left with it at the end. Of many, the biggest gets what is only to be linked by itself,
    so that those before it are committed meanwhile, and after it the smallest, whose own commit is over soonest.
    """
    order = sorted(range(len(supplies)), key=lambda site: (len(supplies[site]), site))
    gathered: dict[str, tuple[Supply, list[Use]]] = {}
    for site in order:
        for number, supply in sorted(supplies[site].items(), key=lambda each: -weigh(each[1])):
            gathered.setdefault(supply_name(supply), (supply, []))[1].append(Use(site=site, number=number))
    loads = [Load(supply=each, uses=tuple(uses), size=weigh(each)) for each, uses in gathered.values()]
    return _parted(loads, [order[-1], order[0]]) if len(order) >= _MANY else loads


def _parted(loads: "list[Load]", last: "list[int]") -> "list[Load]":
    """Return *loads* with the uses of each of the *last* environments at the end, where that costs no waiting."""
    turns: dict[int, list[Load]] = {site: [] for site in (-1, *last)}
    for load in loads:
        late = [use for use in load.uses if use.site in turns] if load.supply.archive else []
        early = tuple([use for use in load.uses if use not in late]) if late else load.uses
        if early:
            turns[-1].append(replace(load, uses=early) if late else load)
        for use in late:
            turns[use.site].append(replace(load, uses=(use,)))
    return [load for turn in turns.values() for load in turn]


def many_tasks(
    loads: "Iterable[Load]",
    place: "Callable[[Use], Any]",
    *,
    run: str,
    cache_root: str,
    network: "Callable[[Load], tuple[Any, ...]]",
    made: "Mapping[Key, tuple[Task, ...]] | None" = None,
    names: "Sequence[str]" = (),
    compilings: "Mapping[int, Compiling] | None" = None,
    missing: "Callable[[Supply], Reason | None]" = lambda _supply: None,
    uncompiled: "Callable[[str, str], Reason | None]" = lambda _archive, _kind: None,
    changed: "Callable[[Use], Reason | None]" = lambda _use: None,
) -> "tuple[list[Task], dict[Key, Load]]":
    """Return all tasks, and which load each link task is of.

    *place* returns a place as ``link_all`` takes it, *network* the network settings by which a load is fetched, in
    their wire form. What is only linked comes in the order of *loads*, after what
    has to be fetched. *run* stands in the keys of link tasks, so that no run reuses another's. *made* are the tasks
    that build an archive, by the key whose result it is. *names* are those of the environments, for the run record;
    *compilings* tell by their numbers which of them get bytecode: these wait for it, and the others do not.
    *missing* says why the cache lacks a wheel, *uncompiled* why it lacks bytecode (see :func:`compile_task`), and
    *changed* why a distribution changes in an environment.
    """
    tasks: list[Task] = []
    links: dict[Key, Load] = {}
    loads = list(loads)
    for number, load in enumerate(loads):
        supply = load.supply
        served = _served(load, names)
        if not supply.archive and supply.artifact.kind == WHEEL:
            tasks += wheel_tasks(
                supply,
                cache_root=cache_root,
                network=network(load),
                environments=served,
                reason=missing(supply),
            )
        built = made.get(supply.made, ()) if made and supply.made else ()
        tasks += [replace(task, environments=served, cache=MISS) for task in built]
        for part, compiling in _parts(load, compilings or {}):
            served = served if part is load else _served(part, names)
            compiled = compile_task(
                supply, compiling, cache_root=cache_root, environments=served, uncompiled=uncompiled
            )
            tasks += [compiled] if compiled else []
            link = _link_task(
                part,
                f"{run}/{supply_name(supply)}/{part.uses[0].site}{f'/{compiling.kind}' if compiling else ''}",
                place,
                cache_root=cache_root,
                after=(compiled.key,) if compiled else (),
                served=served,
                weight=(len(loads) - number) * _PLACE,
                reason=changed(part.uses[0]),
            )
            tasks.append(link)
            links[link.key] = part
    return tasks, links


def joined(loads: "Iterable[Load]") -> "list[Load]":
    """Return *loads* with all uses of a supply in one load again."""
    gathered: dict[str, Load] = {}
    for load in loads:
        name = supply_name(load.supply)
        former = gathered.get(name)
        gathered[name] = replace(load, uses=(*former.uses, *load.uses)) if former else load
    return list(gathered.values())


def _served(load: Load, names: "Sequence[str]") -> tuple[str, ...]:
    return tuple([names[use.site] for use in load.uses]) if names else ()


def _parts(load: Load, compilings: "Mapping[int, Compiling]") -> "list[tuple[Load, Compiling | None]]":
    """Return *load* by the kinds of bytecode that its environments get, and what makes each."""
    if not compilings:
        return [(load, None)]
    kinds: dict[str, tuple[Compiling | None, list[Use]]] = {}
    for use in load.uses:
        compiling = compilings.get(use.site)
        kinds.setdefault(compiling.kind if compiling else "", (compiling, []))[1].append(use)
    return [
        (replace(load, uses=tuple(uses)) if len(kinds) > 1 else load, compiling)
        for compiling, uses in kinds.values()
    ]


def _link_task(
    load: Load,
    name: str,
    place: "Callable[[Use], Any]",
    *,
    cache_root: str,
    after: "tuple[Key, ...]",
    served: tuple[str, ...],
    weight: int,
    reason: "Reason | None",
) -> Task:
    """Return the task that links a load; it waits for the bytecode that *after* makes."""
    known, inputs = archive_of(load.supply)
    inputs = (*inputs, *source_of(load.supply))
    return Task(
        key=(LINK, name),
        function="puffin.stages.link.linker:link_all",
        label=load.supply.artifact.label,
        arguments=(*known, ("cache_root", cache_root), ("places", tuple([place(use) for use in load.uses]))),
        inputs=inputs,
        after=after,
        weight=weight,
        links=0 if inputs else load.links,
        environments=served,
        cache=MISS if inputs else HIT,
        reason=reason,
    )


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
