"""One graph for many environments: each artifact is supplied once, and one task links it into all of them. Pure."""

from puffin.pipeline.plan_graph import LINK, archive_of, expected_sha256, source_of, supply_tasks
from puffin.pipeline.task import Task
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from puffin.pipeline.plan_graph import Supply
    from puffin.pipeline.task import Key
    from puffin.stages.artifact import Artifact


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


def loads_of(supplies: "Sequence[Mapping[int, Supply]]") -> "list[Load]":
    """Return the different supplies of all environments, which have them by number, small environments first.

    The artifacts of an environment with few come before those that only bigger ones want, so that environments are
    finished, and can be committed, all along and not only at the end.
    """
    order = sorted(range(len(supplies)), key=lambda site: (len(supplies[site]), site))
    gathered: dict[str, tuple[Supply, list[Use]]] = {}
    for site in order:
        for number, supply in supplies[site].items():
            gathered.setdefault(name_of(supply), (supply, []))[1].append(Use(site=site, number=number))
    return [Load(supply=supply, uses=tuple(uses)) for supply, uses in gathered.values()]


def identity(artifact: "Artifact", archive: str = "") -> str:
    """Return what is the same for two supplies that come to one archive."""
    return archive or expected_sha256(artifact) or f"{artifact.url}#{artifact.size}"


def name_of(supply: "Supply") -> str:
    """Return what is the same for two supplies that one archive serves: of one that is built, its build."""
    return supply.made[1] if supply.made else identity(supply.artifact, supply.archive)


def many_tasks(
    loads: "Iterable[Load]",
    places: "dict[Use, Any]",
    *,
    run: str,
    cache_root: str,
    network: "tuple[Any, ...]",
    made: "Mapping[Key, tuple[Task, ...]] | None" = None,
) -> "tuple[list[Task], dict[Key, Load]]":
    """Return all tasks, and which load each link task is of.

    *places* are as ``link_all`` takes them. What is only linked comes in the order of *loads*, after what has to be
    fetched. *run* stands in the keys of link tasks, so that no run reuses another's. *made* are the tasks that build
    an archive, by the key whose result it is.
    """
    tasks: list[Task] = []
    links: dict[Key, Load] = {}
    loads = list(loads)
    for place, load in enumerate(loads):
        supply = load.supply
        tasks += supply_tasks(supply, cache_root=cache_root, network=network)
        tasks += made.get(supply.made, ()) if made and supply.made else ()
        link = _link_task(load, places, run, cache_root, len(loads) - place)
        tasks.append(link)
        links[link.key] = load
    return tasks, links


def _link_task(load: Load, places: "dict[Use, Any]", run: str, cache_root: str, weight: int) -> Task:
    known, inputs = archive_of(load.supply)
    return Task(
        key=(LINK, f"{run}/{name_of(load.supply)}"),
        function="puffin.stages.link.linkmany:link_all",
        label=load.supply.artifact.label,
        arguments=(
            *known,
            ("cache_root", cache_root),
            ("places", tuple([places[use] for use in load.uses])),
        ),
        inputs=(*inputs, *source_of(load.supply)),
        weight=weight,
    )
