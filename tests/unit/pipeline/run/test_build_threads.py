"""Units beside the others: never more at once than allowed, one affinity at a time while there is other work."""

import threading

from puffin.pipeline.graph.ledger import Ledger
from puffin.pipeline.graph.task import DONE, FAILED, Task
from puffin.pipeline.run.build_threads import BuildThreads
from puffin.pipeline.run.inline import InlineExecutor

_gates = {}
_log = []
_lock = threading.Lock()


def gated(name):
    """Note that it began, and end when the test opens the gate."""
    with _lock:
        _log.append(name)
    assert _gates[name].wait(10)
    return name


def plain(name):
    return name


def broken(name):
    raise ValueError(name)


def task(name, affinity="", function="gated", **fields):
    _gates[name] = threading.Event()
    return Task(
        key=("build", name), function=f"{__name__}:{function}", label=name, arguments=(("name", name),),
        grows=True, affinity=affinity, **fields,
    )  # fmt: skip


def test_affinities_take_turns_and_the_limit_holds():
    _log.clear()
    builds = BuildThreads(2)
    names = {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b"}
    builds.add([((task(name, affinity),), {}) for name, affinity in names.items()])
    ended = []
    while builds.is_busy:
        running = [name for name in list(_log) if name not in ended]
        assert len(running) <= 2
        if not running:
            continue
        _gates[running[0]].set()
        (outcome,) = builds.ended(wait=True)
        assert outcome.status == DONE
        ended.append(outcome.result)
    assert sorted(ended) == sorted(names)
    assert {name[0] for name in ended[:2]} == {"a", "b"}, "two of one affinity began while another waited"


def test_nothing_ended_is_no_outcome():
    builds = BuildThreads(1)
    assert builds.ended(wait=False) == []
    assert not builds.is_busy


def test_the_inline_executor_grows_while_others_are_built():
    """The slow build ends only when what follows from the quick one was run."""
    slow, quick = task("slow"), task("quick", function="plain")

    def grow(ended, outcome):
        if ended.key == quick.key:
            return [Task(key=("open", "gate"), function=f"{__name__}:open_gate", label="gate",
                         arguments=(("name", "slow"),))]  # fmt: skip
        return []

    ledger = Ledger([slow, quick], grow)
    InlineExecutor(2).run(ledger, lambda outcome: None)
    assert {key: outcome.status for key, outcome in ledger.outcomes.items()} == {
        ("build", "slow"): DONE, ("build", "quick"): DONE, ("open", "gate"): DONE,
    }  # fmt: skip


def open_gate(name):
    _gates[name].set()


def test_a_build_that_fails_is_told_and_the_others_go_on():
    ledger = Ledger([task("bad", function="broken"), task("good", function="plain")])
    InlineExecutor(1).run(ledger, lambda outcome: None)
    assert ledger.outcomes["build", "bad"].status == FAILED
    assert ledger.outcomes["build", "good"].status == DONE
