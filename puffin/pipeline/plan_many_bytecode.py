"""Which bytecode the environments of a run are to get: environments of one kind of interpreter share it."""

from puffin.pipeline.plan_bytecode import compiling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from puffin.cache.layout import Cache
    from puffin.pipeline.plan_graph import Compiling, Supply
    from puffin.pipeline.plan_many_graph import Load
    from puffin.pipeline.plan_many_site import Site


def compilings_of(sites: "Sequence[Site]", loads: "Sequence[Load]", cache: "Cache") -> "dict[int, Compiling]":
    """Return what compiles for each site that wants bytecode, by its number; the cache is looked at once a kind."""
    kinds: dict[str, list[int]] = {}
    for number, site in enumerate(sites):
        if site.alive and site.bytecode:
            kinds.setdefault(site.bytecode, []).append(number)
    found = {}
    for kind, numbers in kinds.items():
        supplies = [load.supply for load in loads if not {use.site for use in load.uses}.isdisjoint(numbers)]
        told = compiling(sites[numbers[0]].environment, kind, supplies, cache)
        if told is not None:
            found.update(dict.fromkeys(numbers, told))
    return found


def to_compile(loads: "Sequence[Load]", compilings: "Mapping[int, Compiling]") -> "list[Supply]":
    """Return the supplies that are to be compiled: work for every core, as fetching and unzipping is."""
    return [
        load.supply
        for load in loads
        if any(
            use.site in compilings and load.supply.archive not in compilings[use.site].ready
            for use in load.uses
        )
    ]
