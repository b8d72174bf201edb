"""The one graph of many environments: every artifact once, every link where it is wanted."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from puffin.artifact.artifact import Artifact
from puffin.errors import Cause
from puffin.pipeline.change.values import EnvResult, Several, failure_of
from puffin.pipeline.farm.errors import SchedulerLost
from puffin.pipeline.graph.ledger import Ledger
from puffin.pipeline.tasks.supply import (
    COMPILE,
    FETCH,
    LINK,
    UNZIP,
    Compiling,
    Supply,
    Use,
    identity,
    joined,
    loads_of,
    many_tasks,
)
from puffin.value import replace


def supply(number, cached):
    sha = f"{number:064x}"
    artifact = Artifact(
        name=f"p{number}",
        version="1",
        filename=f"p{number}-1-py3-none-any.whl",
        url=f"https://x.test/p{number}.whl",
        source="index/x",
        hashes=(f"sha256:{sha}",),
    )
    return Supply(artifact=artifact, archive=sha if cached else "")


def _place(use):
    return "stage", use.site, use.number


def _network(_load):
    return ()


sites = st.lists(st.sets(st.integers(0, 12), max_size=10), max_size=7)


@given(sites, st.sets(st.integers(0, 12)))
def test_every_artifact_is_supplied_once_and_linked_where_it_is_wanted(wanted, cached):
    supplies = [[supply(number, number in cached) for number in sorted(site)] for site in wanted]
    loads = loads_of([dict(enumerate(each)) for each in supplies])
    tasks, links = many_tasks(loads, _place, run="r", cache_root="/c", network=_network)
    kinds = [task.key[0] for task in tasks]
    different = set().union(*wanted) if wanted else set()
    assert kinds.count(LINK) == len(different)
    assert kinds.count(FETCH) == kinds.count(UNZIP) == len(different - cached)
    assert len({task.key for task in tasks}) == len(tasks)
    linked = sorted((use.site, use.number) for load in links.values() for use in load.uses)
    assert linked == sorted((site, place) for site, each in enumerate(supplies) for place in range(len(each)))
    units = Ledger(tasks).take_ready()
    assert sum(map(len, units)) == len(tasks)  # a wheel's fetch, unzip and links ride together
    assert len(units) == len(different)


@given(sites, st.sets(st.integers(0, 12)), st.lists(st.sampled_from(["", "x", "y"]), min_size=7, max_size=7))
def test_bytecode_is_made_once_a_kind_and_only_those_that_want_it_wait(wanted, cached, kinds):
    loads = loads_of(
        [dict(enumerate([supply(number, number in cached) for number in sorted(site)])) for site in wanted]
    )
    uses = [use for load in loads for use in load.uses]
    ready = frozenset([load.supply.archive for load in loads[::2]])
    compilings = {
        number: Compiling(executable="python", kind=kind, tag=kind, ready=ready if kind == "x" else frozenset())
        for number, kind in enumerate(kinds)
        if kind
    }
    names = [f"e{number}" for number in range(len(wanted))]
    tasks, links = many_tasks(
        loads,
        lambda use: kinds[use.site],
        run="r",
        cache_root="/c",
        network=_network,
        names=names,
        compilings=compilings,
    )
    assert len({task.key for task in tasks}) == len(tasks)
    made = {task.key: task for task in tasks}
    for key, load in links.items():
        (kind,) = {kinds[use.site] for use in load.uses}
        assert set(dict(made[key].arguments)["places"]) == {kind}
        known = kind == "x" and load.supply.archive and load.supply.archive in ready
        assert [each[0] for each in made[key].after] == ([COMPILE] if kind and not known else [])
        assert made[key].environments == tuple([names[use.site] for use in load.uses])
    assert sorted([use for load in links.values() for use in load.uses], key=str) == sorted(uses, key=str)
    assert joined(links.values()) == [
        replace(load, uses=tuple(sorted(load.uses, key=lambda use: _first(load, use.site, kinds))))
        for load in loads
    ]


def _first(load, site, kinds):
    """Return at which use of *load* the kind of a site is met first."""
    return [kinds[use.site] for use in load.uses].index(kinds[site])


@given(sites)
def test_small_environments_are_finished_first_where_nothing_is_fetched(wanted):
    supplies = [[supply(number, True) for number in sorted(site)] for site in wanted]
    loads = loads_of([dict(enumerate(each)) for each in supplies])
    tasks, links = many_tasks(loads, _place, run="r", cache_root="/c", network=_network)
    linked: set[Use] = set()
    order = sorted(range(len(supplies)), key=lambda site: (len(supplies[site]), site))
    needed = [  # how many units there are at least until each environment and all smaller ones are done
        len({each.archive for site in order[: place + 1] for each in supplies[site]})
        for place in range(len(order))
    ]
    for count, (task,) in enumerate(Ledger(tasks).take_ready(), 1):
        linked |= set(links[task.key].uses)
        for site, enough in zip(order, needed, strict=True):
            if enough <= count:
                assert {use.number for use in linked if use.site == site} == set(range(len(supplies[site])))


@given(st.lists(st.sets(st.integers(0, 12), max_size=10), min_size=8, max_size=12), st.sets(st.integers(0, 12)))
def test_of_many_the_biggest_and_then_the_smallest_get_what_is_cached_at_the_end(wanted, cached):
    supplies = [[supply(number, number in cached) for number in sorted(site)] for site in wanted]
    loads = loads_of([dict(enumerate(each)) for each in supplies])
    tasks, links = many_tasks(loads, _place, run="r", cache_root="/c", network=_network)
    assert len({task.key for task in tasks}) == len(tasks)
    linked = sorted((use.site, use.number) for load in links.values() for use in load.uses)
    assert linked == sorted((site, place) for site, each in enumerate(supplies) for place in range(len(each)))
    order = sorted(range(len(supplies)), key=lambda site: (len(supplies[site]), site))
    ends = [order[-1], order[0]]
    turns = [
        ends.index(use.site) if use.site in ends else -1
        for load in loads
        if load.supply.archive
        for use in load.uses
    ]
    assert turns == sorted(turns)


def test_the_order_holds_where_sizes_are_known_but_for_what_is_much_heavier():
    def sized(number, size):
        made = supply(number, False)
        return replace(made, artifact=replace(made.artifact, size=size))

    small = [sized(1, 20_000), sized(2, 18_000)]
    big = [sized(3, 22_000), sized(4, 21_000), sized(5, 900_000), sized(6, 23_000)]
    loads = loads_of([dict(enumerate(each)) for each in (big, small)])
    tasks, _ = many_tasks(loads, _place, run="r", cache_root="/c", network=_network)
    assert [unit[0].label.partition("=")[0] for unit in Ledger(tasks).take_ready()] == [
        "p5", "p1", "p2", "p3", "p4", "p6",
    ]  # fmt: skip


def test_what_is_heavy_comes_first_within_an_environment():
    loads = loads_of([{0: supply(1, True), 1: supply(2, True)}], lambda each: int(each.archive[-1], 16))
    assert [load.uses[0].number for load in loads] == [1, 0]


def test_a_link_tells_how_long_it_takes_unless_it_waits_for_its_archive():
    both = {0: supply(1, True), 1: supply(2, False)}
    loads = loads_of([both, {0: supply(1, True)}], lambda each: 45_000)
    tasks, _ = many_tasks(loads, _place, run="r", cache_root="/c", network=_network)
    assert [task.links for task in tasks if task.stage == "link"] == [2 * (1000 + 50), 0]


def test_a_use_keeps_its_number():
    loads = loads_of([{0: supply(1, True), 1: supply(2, True)}, {0: supply(2, True)}])
    assert [(identity(load.supply.artifact)[-1], load.uses) for load in loads] == [
        ("2", (Use(site=1, number=0), Use(site=0, number=1))),
        ("1", (Use(site=0, number=0),)),
    ]


def result(name, error=None):
    return EnvResult(name=name, path=name, python="", status="failed" if error else "updated", error=error)


def test_each_reason_is_told_once_with_all_it_hit():
    one, other = Cause(text="one"), Cause(text="other")
    results = (result("a", one), result("b", Several(causes=(other, Cause(text="one")))), result("c"))
    failure = failure_of(results)
    assert failure.summary() == "Failed to sync 2 of 3 environments; they were left as they were"
    assert failure.worst == 3
    assert [(cause.summary(), str(cause.causes[0])) for cause in failure.causes] == [
        ("In `a` and `b`", "one"),
        ("In `b`", "other"),
    ]
    assert failure_of((result("c"),)) is None
    assert failure_of((result("a", one),)).worst == 1


def test_a_failure_of_all_is_temporary_if_all_reasons_are():
    lost, one = SchedulerLost(address="tcp://h:1"), Cause(text="one")
    assert failure_of((result("a", lost), result("b", Several(causes=(lost,))))).worst == 75
    assert failure_of((result("a", lost), result("b", one))).worst == 1
    assert failure_of((result("a", lost), result("b"))).worst == 3


def test_the_no_op_over_many_imports_nothing_of_weight(puffin, index):
    from tests.helpers.wheels import forge_wheel

    index.add(*forge_wheel("alpha", "1.0"))
    for name in "abc":
        puffin.file(f"{name}/requirements.txt", "alpha==1.0\n")
    puffin.file("puffin.toml", '[[env-glob]]\nmatch = "*/requirements.txt"\n')
    assert puffin("sync", "-i", index.url).code == 0
    path = puffin.environ()["PYTHONPATH"]
    code = f"import sys; sys.path.insert(0, {path!r}); from puffin.cli import entry"
    code += "; entry.main(['sync']); print(*sys.modules)"

    def modules(*options):
        done = subprocess.run(
            [sys.executable, "-I", *options, "-c", code],
            cwd=puffin.cwd,
            env=puffin.environ(PUFFIN_INDEX_URL=index.url),
            capture_output=True,
            text=True,
        )
        return set(done.stdout.split()), done.stderr

    assert "tomllib" in modules()[0]  # by the long way, whose answer is kept
    loaded, said = modules("-S")
    assert said.startswith("Checked 3 environments (3 packages) in ")
    heavy = {
        "re",
        "click",
        "packaging",
        "tomllib",
        "json",
        "subprocess",
        "puffin.pipeline.commands.sync",
        "dask",
    }
    assert heavy.isdisjoint(loaded)
