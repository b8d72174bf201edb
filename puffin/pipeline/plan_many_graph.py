"""One graph for many environments: each artifact is supplied once, and one task links it into all of them. Pure."""

from puffin.meter import HIT, MISS
from puffin.pipeline.plan_graph import LINK, archive_of, compile_task, source_of, supply_tasks
from puffin.pipeline.task import Task
from puffin.stages.artifact import expected_sha256
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from puffin.pipeline.plan_graph import Compiling, Supply
    from puffin.pipeline.task import Key
    from puffin.stages.artifact import Artifact

_MANY = 8  # environments, from which on the last are brought to their end one by one
_PLACE = 32 << 10  # bytes that a place in the order weighs; so what is much heavier still comes first


@frozen
class Use:
    """Where a supply is wanted: the number of the environment, and that of the supply in its transaction."""

    site: int
    number: int


@frozen
class Load:
    """A supply and all its uses, in the order in which environments are to be finished."""

    supply: "Supply"
    uses: tuple[Use, ...]


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
            gathered.setdefault(name_of(supply), (supply, []))[1].append(Use(site=site, number=number))
    loads = [Load(supply=supply, uses=tuple(uses)) for supply, uses in gathered.values()]
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


def identity(artifact: "Artifact", archive: str = "") -> str:
    """Return what is the same for two supplies that come to one archive."""
    return archive or expected_sha256(artifact) or f"{artifact.url}#{artifact.size}"


def name_of(supply: "Supply") -> str:
    """Return what is the same for two supplies that one archive serves: of one that is built, its build."""
    return supply.made[1] if supply.made else identity(supply.artifact, supply.archive)


def many_tasks(
    loads: "Iterable[Load]",
    place: "Callable[[Use], Any]",
    *,
    run: str,
    cache_root: str,
    network: "tuple[Any, ...]",
    made: "Mapping[Key, tuple[Task, ...]] | None" = None,
    names: "Sequence[str]" = (),
    compilings: "Mapping[int, Compiling] | None" = None,
) -> "tuple[list[Task], dict[Key, Load]]":
    """Return all tasks, and which load each link task is of.

    *place* returns a place as ``link_all`` takes it. What is only linked comes in the order of *loads*, after what
    has to be fetched. *run* stands in the keys of link tasks, so that no run reuses another's. *made* are the tasks
    that build an archive, by the key whose result it is. *names* are those of the environments, for the run record;
    *compilings* tell by their numbers which of them get bytecode: these wait for it, and the others do not.
    """
    tasks: list[Task] = []
    links: dict[Key, Load] = {}
    loads = list(loads)
    for number, load in enumerate(loads):
        supply = load.supply
        served = _served(load, names)
        tasks += supply_tasks(supply, cache_root=cache_root, network=network, environments=served)
        built = made.get(supply.made, ()) if made and supply.made else ()
        tasks += [replace(task, environments=served, cache=MISS) for task in built]
        for part, compiling in _parts(load, compilings or {}):
            served = _served(part, names)
            compiled = compile_task(supply, compiling, cache_root=cache_root, environments=served)
            tasks += [compiled] if compiled else []
            link = _link_task(part, place, run, cache_root, (len(loads) - number) * _PLACE)
            tasks.append(_after(link, compiling, compiled, served))
            links[tasks[-1].key] = part
    return tasks, links


def joined(loads: "Iterable[Load]") -> "list[Load]":
    """Return *loads* with all uses of a supply in one load again."""
    gathered: dict[int, Load] = {}
    for load in loads:
        former = gathered.get(id(load.supply))
        gathered[id(load.supply)] = replace(load, uses=(*former.uses, *load.uses)) if former else load
    return list(gathered.values())


def _served(load: Load, names: "Sequence[str]") -> tuple[str, ...]:
    return tuple([names[use.site] for use in load.uses]) if names else ()


def _parts(load: Load, compilings: "Mapping[int, Compiling]") -> "list[tuple[Load, Compiling | None]]":
    """Return *load* by the kinds of bytecode that its environments get, and what makes each."""
    kinds: dict[str, tuple[Compiling | None, list[Use]]] = {}
    for use in load.uses:
        compiling = compilings.get(use.site)
        kinds.setdefault(compiling.kind if compiling else "", (compiling, []))[1].append(use)
    return [(replace(load, uses=tuple(uses)), compiling) for compiling, uses in kinds.values()]


def _after(link: Task, compiling: "Compiling | None", compiled: "Task | None", served: tuple[str, ...]) -> Task:
    """Return a link task as one that waits for bytecode, if any has to be made, and that the record knows well."""
    stage, name = link.key
    return replace(
        link,
        key=(stage, f"{name}/{compiling.kind}") if compiling else link.key,
        after=(compiled.key,) if compiled else (),
        environments=served,
        cache=MISS if link.inputs else HIT,
    )


def _link_task(load: Load, place: "Callable[[Use], Any]", run: str, cache_root: str, weight: int) -> Task:
    known, inputs = archive_of(load.supply)
    return Task(
        key=(LINK, f"{run}/{name_of(load.supply)}/{load.uses[0].site}"),
        function="puffin.stages.link.linker:link_all",
        label=load.supply.artifact.label,
        arguments=(
            *known,
            ("cache_root", cache_root),
            ("places", tuple([place(use) for use in load.uses])),
        ),
        inputs=(*inputs, *source_of(load.supply)),
        weight=weight,
    )
