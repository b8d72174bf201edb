"""The ledger and the units it hands out: each task once, in order, whatever fails, grows or depends on what."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puffin.errors import Cause, PuffinError
from puffin.pipeline.graph.ledger import BrokenGraph, DependencyFailed, Ledger, fuse_units, in_order
from puffin.pipeline.graph.task import CANCELLED, DONE, FAILED, Outcome, Task


def key(number):
    return ("work", f"n{number}")


def task(number, needs=(), *, weight=0, after=()):
    inputs = tuple((f"i{need}", key(need)) for need in needs)
    return Task(key=key(number), function="x:y", label=f"n{number}", inputs=inputs,
                after=tuple(map(key, after)), weight=weight)  # fmt: skip


def done(number, result=None):
    return Outcome(key=key(number), status=DONE, result=result)


def failed(number):
    return Outcome(key=key(number), status=FAILED, error=Cause(text="broken"))


def numbers(units):
    return [[int(each.key[1][1:]) for each in unit] for unit in units]


@st.composite
def graphs(draw, most=14):
    """Return tasks whose dependencies have smaller numbers, in any order."""
    size = draw(st.integers(1, most))
    tasks = [
        task(
            number,
            draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else (),
            weight=draw(st.integers(0, 9)),
        )
        for number in range(size)
    ]
    return draw(st.permutations(tasks))


def run(ledger, *, fails=frozenset()):
    """Do what an executor does, with tasks that succeed but for those in *fails*; return the order of attempts."""
    order = []
    while units := ledger.take_ready():
        for unit in units:
            for each in unit:
                if any(
                    ledger.outcomes.get(need) and ledger.outcomes[need].status != DONE
                    for need in each.dependencies
                ):
                    continue
                order.append(each.key)
                number = int(each.key[1][1:])
                ledger.record(failed(number) if number in fails else done(number, number))
    return order


@settings(max_examples=150, deadline=None)
@given(graphs(), st.sets(st.integers(0, 13)))
def test_every_task_is_attempted_once_after_what_it_needs_or_cancelled(tasks, fails):
    ledger = Ledger(tasks)
    order = run(ledger, fails=fails)
    assert ledger.finished
    assert len(order) == len(set(order))
    place = {each: at for at, each in enumerate(order)}
    by_key = {each.key: each for each in tasks}
    for each in order:
        assert all(place[need] < place[each] for need in by_key[each].dependencies)
    doomed = set()
    for each in in_order(by_key):
        if int(each.key[1][1:]) in fails or any(need in doomed for need in each.dependencies):
            doomed.add(each.key)
    statuses = {each: outcome.status for each, outcome in ledger.outcomes.items()}
    assert set(statuses) == set(by_key)
    assert {each for each, status in statuses.items() if status == DONE} == set(by_key) - doomed
    assert {each for each, status in statuses.items() if status == CANCELLED} == set(by_key) - set(order)
    assert {outcome.key for outcome in ledger.failures()} == {each for each in order if each in doomed}


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_units_are_disjoint_closed_and_in_order(tasks):
    waiting = {each.key: each for each in tasks}
    units = fuse_units(waiting, {})
    members = [each.key for unit in units for each in unit]
    assert len(members) == len(set(members))
    assert units, "a graph without a cycle can always begin"
    home = {each.key: number for number, unit in enumerate(units) for each in unit}
    for number, unit in enumerate(units):
        seen = set()
        for each in unit:
            assert all(home.get(need) == number and need in seen for need in each.dependencies)
            seen.add(each.key)
    for each in tasks:
        if each.key not in home:
            homes = {home.get(need) for need in each.dependencies}
            assert len(homes) > 1 or homes == {None}, "what fits into one unit is in it"


def test_a_chain_is_one_unit_and_a_meeting_point_waits():
    tasks = [task(0), task(1, [0]), task(2), task(3, [2]), task(4, [1, 3])]
    ledger = Ledger(tasks)
    assert sorted(numbers(ledger.take_ready())) == [[0, 1], [2, 3]]
    assert ledger.take_ready() == []
    for number in (0, 1, 2, 3):
        ledger.record(done(number, f"r{number}"))
    (unit,) = ledger.take_ready()
    assert ledger.inputs_of(unit) == {key(1): "r1", key(3): "r3"}
    assert not ledger.finished
    ledger.record(done(4))
    assert ledger.finished


def test_heavy_units_come_first():
    tasks = [task(0, weight=1), task(1, [0], weight=1), task(2, weight=5)]
    assert numbers(Ledger(tasks).take_ready()) == [[2], [0, 1]]


def test_a_task_that_is_known_is_the_same_work():
    ledger = Ledger([task(0), task(0), task(1)])
    assert len(ledger.tasks) == 2
    ledger.take_ready()
    assert len(ledger.record(done(0))) == 1
    assert ledger.record(done(0)) == [], "a second outcome of the same task says nothing new"
    assert ledger.record(failed(0)) == []
    assert ledger.outcomes[key(0)].status == DONE


def test_order_without_a_result():
    ledger = Ledger([task(0), task(1), task(2, after=[0, 1])])
    assert sorted(numbers(ledger.take_ready())) == [[0], [1]]
    ledger.record(done(0))
    assert ledger.take_ready() == []
    ledger.record(done(1))
    (unit,) = ledger.take_ready()
    assert ledger.inputs_of(unit) == {}


def test_the_graph_grows_from_outcomes():
    def grow(grown, outcome):
        return [task(outcome.result, [0])] if grown.key == key(0) else []

    ledger = Ledger([task(0)], grow)
    ledger.take_ready()
    ledger.record(done(0, 7))
    assert numbers(ledger.take_ready()) == [[7]]
    ledger.record(done(7))
    assert ledger.finished


def test_growth_that_fails_is_the_failure_of_its_task():
    def grow(_task, _outcome):
        raise Cause(text="cannot be resolved")

    ledger = Ledger([task(0), task(1, [0]), task(2)], grow=lambda t, o: grow(t, o) if t.key == key(0) else ())
    ledger.take_ready()
    outcomes = ledger.record(done(0))
    assert [(each.key, each.status) for each in outcomes] == [(key(0), FAILED), (key(1), CANCELLED)]
    assert isinstance(outcomes[1].error, DependencyFailed)
    assert [str(each.error) for each in ledger.failures()] == ["cannot be resolved"]


def test_a_task_that_grows_after_its_dependency_failed_does_not_hang():
    ledger = Ledger([task(0), task(1)], grow=lambda t, o: [task(5, [0, 1])])
    ledger.take_ready()
    ledger.record(failed(0))
    ledger.record(done(1))
    assert run(ledger) == []
    assert ledger.outcomes[key(5)].status == CANCELLED
    assert ledger.finished


def test_cycles_and_missing_tasks_are_bugs_and_no_hang():
    with pytest.raises(BrokenGraph) as caught:
        Ledger([task(0, [1]), task(1, [0])]).take_ready()
    assert caught.value.exit_code == 70
    assert "`n0`" in str(caught.value)
    with pytest.raises(BrokenGraph):
        Ledger([task(0, [9])]).take_ready()
    assert issubclass(BrokenGraph, PuffinError)


def growing(number, needs=()):
    from puffin.value import replace

    return replace(task(number, needs), grows=True)


def test_a_task_that_grows_is_a_unit_by_itself_and_ends_the_units_before_it():
    tasks = [task(0), growing(1, [0]), task(2, [1])]
    ledger = Ledger(tasks)
    assert numbers(ledger.take_ready()) == [[0]]
    ledger.record(done(0))
    assert numbers(ledger.take_ready()) == [[1]]
    ledger.record(done(1))
    assert numbers(ledger.take_ready()) == [[2]]


def test_a_growing_task_takes_another_s_place_until_it_is_done():
    asked = []

    def grow(ended, outcome):
        if ended.key == key(1) and outcome.result == "lacks":
            asked.append(outcome.result)
            return [task(5), growing(1, [0, 5])]
        return []

    ledger = Ledger([task(0), growing(1, [0]), task(2, [1])], grow)
    ledger.take_ready()
    ledger.record(done(0, "source"))
    ledger.take_ready()
    assert ledger.record(done(1, "lacks")) == [], "it is not done, so nobody hears of it"
    assert numbers(ledger.take_ready()) == [[5]]
    ledger.record(done(5, "tool"))
    (unit,) = ledger.take_ready()
    assert ledger.inputs_of(unit) == {key(0): "source", key(5): "tool"}
    assert [each.key for each in ledger.record(done(1, "wheel"))] == [key(1)]
    assert numbers(ledger.take_ready()) == [[2]]
    ledger.record(done(2))
    assert ledger.finished
    assert asked == ["lacks"]


def test_a_waiting_task_that_grows_gets_its_further_needs():
    def grow(ended, outcome):
        return [task(5), growing(1, [0, 5])] if ended.key == key(0) else []

    ledger = Ledger([task(0), growing(1, [0, 9]), task(2, [1])], grow)
    assert numbers(ledger.take_ready()) == [[0]]
    ledger.record(done(0))
    assert numbers(ledger.take_ready()) == [[5]]
    assert [each.status for each in ledger.record(failed(5))] == [FAILED, CANCELLED, CANCELLED]
    assert ledger.finished


def test_a_running_task_is_not_replaced():
    def grow(ended, outcome):
        return [growing(1, [7])] if ended.key == key(0) else []

    ledger = Ledger([task(0), growing(1)], grow)
    assert sorted(numbers(ledger.take_ready())) == [[0], [1]]
    ledger.record(done(0))
    assert ledger.tasks[key(1)].dependencies == ()
    ledger.record(done(1))
    assert ledger.finished
