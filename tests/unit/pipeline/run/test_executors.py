"""All executors on one contract: results, failures, growth, lost workers, cancellation, and no hang."""

import itertools
import os
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import Future

import psutil
import pytest
from distributed import KilledWorker
from distributed.scheduler import NoWorkerError

from puffin.errors import Cause, UsageError
from puffin.pipeline.engine.engine import make_executor
from puffin.pipeline.graph.ledger import DependencyFailed, Ledger
from puffin.pipeline.graph.task import CANCELLED, DONE, FAILED, Task, TaskCrashed
from puffin.pipeline.run import runner
from puffin.pipeline.run.cluster import _outcomes as outcomes_of
from puffin.pipeline.run.executor import choose_executor
from puffin.pipeline.run.inline import InlineExecutor
from puffin.pipeline.run.runner import AHEAD_BYTES, MOST_AHEAD, Runner, attempt
from puffin.pipeline.run.worker_loss import WorkerLost
from puffin.value import replace
from tests.helpers.cli import CHECKOUT
from tests.helpers.waiting import SECONDS

NAMES = ["inline-1", "inline", "pool", "cluster", "dashboard"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One cluster for all tests of this module: its processes take a while to start."""
    made = make_executor("cluster", jobs=2, local_directory=str(tmp_path_factory.mktemp("cluster")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory):
    """A cluster with a dashboard, where every task travels by itself."""
    pytest.importorskip("bokeh")
    made = make_executor("cluster", jobs=2, local_directory=str(tmp_path_factory.mktemp("fine")), dashboard=0)
    assert made.address.startswith("http://127.0.0.1:")
    yield made
    made.close()


@pytest.fixture(params=NAMES)
def executor(request, tmp_path):
    if request.param in ("cluster", "dashboard"):
        yield request.getfixturevalue(request.param)
        return
    name, _, jobs = request.param.partition("-")
    made = make_executor(name, jobs=int(jobs or 2), local_directory=str(tmp_path))
    yield made
    made.close()


@pytest.fixture
def several(executor):
    """An executor that can lose a worker without being lost itself."""
    if isinstance(executor, InlineExecutor):
        pytest.skip("the driver works too, and dies with its work; the environment is safe all the same")
    return executor


@pytest.fixture(autouse=True)
def _no_hang():
    """End a test that hangs."""

    def stop(*_):
        raise TimeoutError("the executor hangs")

    former = signal.signal(signal.SIGALRM, stop)
    signal.alarm(2 * SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, former)


def key(name):
    return ("work", str(name))


def task(name, function="add", needs=(), *, weight=0, waits=False, transient=False, into=None, **arguments):
    inputs = tuple((into or f"i{need}", key(need)) for need in needs)
    return Task(key=key(name), function=f"tests.helpers.tasks:{function}", label=f"n{name}", inputs=inputs,
                arguments=tuple(arguments.items()), weight=weight, waits=waits, transient=transient)  # fmt: skip


def run(executor, tasks, grow=None):
    """Run *tasks* and return the ledger; every outcome must have been told exactly once."""
    ledger = Ledger(tasks, grow) if grow else Ledger(tasks)
    told = []
    executor.run(ledger, told.append)
    assert ledger.finished
    assert sorted(each.key for each in told) == sorted(ledger.tasks)
    return ledger


def status(ledger):
    return {name: outcome.status for (_, name), outcome in ledger.outcomes.items()}


def test_results_flow_along_the_graph(executor):
    tasks = [task(number, number=number) for number in range(12)]
    tasks += [task(100 + number, needs=[number, number + 1], number=0) for number in range(11)]
    tasks.append(task("sum", needs=[100 + number for number in range(11)], number=0))
    ledger = run(executor, tasks)
    assert set(status(ledger).values()) == {DONE}
    assert ledger.outcomes[key("sum")].result == sum(2 * number + 1 for number in range(11))
    for outcome in ledger.outcomes.values():
        assert 0 < outcome.started <= outcome.ended
        assert outcome.worker


def test_nothing_to_run(executor):
    assert run(executor, []).outcomes == {}


@pytest.mark.parametrize(
    ("count", "links", "forks"),
    [(40, 20, False), (40, 40, True), (2, 800, True), (1, 8000, False), (8, 0, True)],
)
def test_a_child_is_forked_for_links_if_they_take_longer(monkeypatch, count, links, forks):
    forked, fork = [], os.fork

    def noted():
        forked.append(1)
        return fork()

    monkeypatch.setattr(os, "fork", noted)
    tasks = [replace(task(number, number=number), links=links) for number in range(count)]
    assert set(status(run(InlineExecutor(2), tasks)).values()) == {DONE}
    assert bool(forked) == forks


def test_each_task_runs_once(executor, tmp_path):
    many = [task(number, "note", number=number, directory=str(tmp_path), weight=number) for number in range(40)]
    run(executor, many)
    assert sorted(int(name.partition("-")[0]) for name in os.listdir(tmp_path)) == list(range(40))


def test_a_failure_cancels_what_needs_it_and_nothing_else(executor):
    tasks = [task(number, number=1) for number in range(10)]
    tasks += [task("bad", "fail", text="broken"), task("after", needs=["bad"], number=0),
              task("later", needs=["after", 3], number=0), task("fine", needs=[1, 2], number=0)]  # fmt: skip
    ledger = run(executor, tasks)
    states = status(ledger)
    assert {name for name, state in states.items() if state != DONE} == {"bad", "after", "later"}
    assert states["bad"] == FAILED
    assert states["after"] == states["later"] == CANCELLED
    error = ledger.outcomes[key("bad")].error
    assert (type(error), error.text, error.package) == (Cause, "broken", "nbad")
    assert isinstance(ledger.outcomes[key("later")].error, DependencyFailed)


def test_an_unexpected_exception_is_told_as_a_bug(executor):
    ledger = run(executor, [task(1, "crash"), task(2, number=2)])
    error = ledger.outcomes[key(1)].error
    assert isinstance(error, TaskCrashed)
    assert error.exit_code == 70
    assert str(error).startswith("Failed to run `work n1`: ZeroDivisionError: so to speak")
    assert "tasks.py" in error.trace
    assert status(ledger)["2"] == DONE


def test_a_function_that_cannot_be_found_is_a_failure_of_its_task(executor):
    ledger = run(executor, [task(1, "no_such"), task(2, number=2)])
    assert isinstance(ledger.outcomes[key(1)].error, TaskCrashed)
    assert status(ledger)["2"] == DONE


def test_the_graph_grows_while_it_runs(executor):
    def grow(grown, outcome):
        number = outcome.result
        if grown.key[1].startswith("more") or number >= 40:
            return []
        return [task(f"more{number}", number=number), task(number + 10, needs=[number], number=10)]

    ledger = run(executor, [task(number, number=number) for number in range(10)], grow)
    assert set(status(ledger).values()) == {DONE}
    assert {name for _, name in ledger.outcomes if not name.startswith("more")} == set(map(str, range(50)))
    assert ledger.outcomes[key(47)].result == 47


def test_growth_that_fails_and_growth_on_what_failed(executor):
    def grow(grown, _outcome):
        if grown.key == key(0):
            raise Cause(text="cannot be resolved")
        return [task("late", needs=["bad"], number=0)] if grown.key == key(1) else []

    tasks = [task(0, number=0), task("after", needs=[0], number=0), task("bad", "fail", text="x"),
             task(1, needs=[2], number=0), task(2, number=0)]  # fmt: skip
    states = status(run(executor, tasks, grow))
    assert states["0"] == states["bad"] == FAILED
    assert states["1"] == states["2"] == DONE
    assert states["late"] == CANCELLED


def test_waiting_tasks_run_ahead_and_their_failures_are_the_same(executor):
    tasks = []
    for number in range(20):
        tasks.append(task(f"f{number}", "fail" if number == 7 else "add", waits=True, weight=1000,
                          **({"text": "404"} if number == 7 else {"number": number})))  # fmt: skip
        tasks.append(task(f"u{number}", needs=[f"f{number}"], number=0, weight=1000))
    states = status(run(executor, tasks))
    assert states.pop("f7") == FAILED
    assert states.pop("u7") == CANCELLED
    assert set(states.values()) == {DONE}


@pytest.mark.parametrize(("left", "ahead"), [(None, 4), (100, 4), (5, 2), (0, 1)])
def test_towards_the_end_nobody_takes_what_another_could_do(left, ahead, monkeypatch):
    monkeypatch.setattr(runner, "perf_counter", lambda: 0.0)
    assert most_ahead(8, left=left) == ahead


def test_more_tasks_are_under_way_where_answers_take_long(monkeypatch):
    monkeypatch.setattr(runner, "perf_counter", itertools.count().__next__)  # every wait takes a second
    assert most_ahead(100) == MOST_AHEAD
    assert most_ahead(100, weight=AHEAD_BYTES // 6) == 6
    assert most_ahead(100, left=20) == 10


class WaitingRunner(Runner):
    """A runner whose tasks are done one after the other, each when nothing is left but to wait."""

    def _submit(self, task):
        future = Future()
        future.task = task
        return future

    def end_one(self, pending):
        pending[0].set_result(attempt(pending[0].task, {}, self._worker))


def most_ahead(count, *, left=None, weight=0):
    """Return how many of *count* tasks a runner has under way at most."""
    units = iter([((task(n, waits=True, number=n, weight=weight),), {}) for n in range(count)])
    taken = told = most = 0

    def take():
        nonlocal taken, most
        unit = next(units, None)
        taken += unit is not None
        most = max(most, taken - told)
        return unit

    def tell(_outcome):
        nonlocal told
        told += 1

    made = WaitingRunner(
        take, tell, wait=lambda pending: made.end_one(pending), left=None if left is None else lambda: left
    )
    made.run()
    assert told == count
    return most


class EndsBehindALook(Future):
    """A task that another thread ends right after somebody has seen that it goes on."""

    def done(self):
        was_done = super().done()
        if not was_done:
            self.set_result(attempt(self.task, {}, ""))
        return was_done


class RacingRunner(Runner):
    """A runner whose tasks all end in the moment between a look and the wait."""

    def _submit(self, task):
        future = EndsBehindALook()
        future.task = task
        return future


def test_a_task_that_ends_before_the_wait_begins_is_not_waited_for_in_vain():
    units = iter([((task(n, waits=True, number=n),), {}) for n in range(6)])
    told, waits = [], []

    def wait(pending):
        waits.append(len(pending))
        assert any(Future.done(future) for future in pending)  # or nothing would end this wait

    RacingRunner(lambda: next(units, None), told.append, wait=wait).run()
    assert [outcome.result for outcome in told] == list(range(6))
    assert waits


def test_what_the_child_did_is_told_while_the_driver_waits(tmp_path):
    told = tmp_path / "told"
    tasks = [
        task(f"w{number}", "await_news", waits=True, news=str(told), driver=os.getpid(), number=number)
        for number in range(12)
    ]
    ledger = Ledger(tasks)

    def notify(outcome):
        if outcome.worker != str(os.getpid()):
            told.touch()

    InlineExecutor(2).run(ledger, notify)
    assert [outcome.error for outcome in ledger.outcomes.values() if outcome.error] == []
    assert {outcome.result for outcome in ledger.outcomes.values()} == set(range(12))


def test_transient_results_stay_where_they_are(executor):
    tasks = []
    for number in range(10):
        tasks.append(
            task(f"b{number}", "buffer", size=100_000 + number, transient=True, waits=True, weight=100_000)
        )
        tasks.append(task(f"l{number}", "length", needs=[f"b{number}"], into="data"))
    ledger = run(executor, tasks)
    assert [ledger.outcomes[key(f"l{number}")].result for number in range(10)] == [
        100_000 + n for n in range(10)
    ]
    assert all(ledger.outcomes[key(f"b{number}")].result is None for number in range(10))


def test_a_task_that_kills_its_process_fails_alone(several):
    tasks = [task(number, number=number, weight=10) for number in range(12)]
    tasks += [
        task("bad", "die", weight=10),
        task("after", needs=["bad"], number=0),
        task("fine", needs=[3], number=0),
    ]
    ledger = run(several, tasks)
    states = status(ledger)
    assert states.pop("bad") == FAILED
    assert states.pop("after") in (CANCELLED, FAILED)
    assert set(states.values()) == {DONE}
    error = ledger.outcomes[key("bad")].error
    assert isinstance(error, WorkerLost)
    assert str(error).startswith("The process that worked on `nbad` was ")


class LostResult:
    """What distributed has of a group that ended, and whose worker died before its result was fetched."""

    status = "finished"

    def __init__(self, error):
        self._error = error

    def result(self):
        raise self._error


def test_a_result_that_is_lost_with_its_worker_is_work_that_was_lost():
    group = [((task("n", number=1),), {})]
    lost = LostResult(KilledWorker("group", None, 1))
    assert outcomes_of(lost, group, alone=False) is None
    last = LostResult(NoWorkerError("group", 1.0))
    for future, alone in ((lost, True), (last, False)):
        (outcome,) = outcomes_of(future, group, alone=alone)
        assert (outcome.status, type(outcome.error)) == (FAILED, WorkerLost)
        assert type(future._error).__name__ in outcome.error.how


def test_a_process_that_dies_once_costs_nothing(executor, tmp_path):
    mark = str(tmp_path / "mark")
    tasks = [task(n, "die_once", mark=mark, number=n, driver=os.getpid(), weight=10) for n in range(24)]
    ledger = run(executor, tasks)
    assert [ledger.outcomes[key(number)].result for number in range(24)] == list(range(24))


def test_an_executor_is_good_for_several_graphs(executor):
    for number in range(3):
        assert run(executor, [task(number, number=number)]).outcomes[key(number)].result == number


def test_no_process_and_no_descriptor_is_left(tmp_path):
    """In a process of its own: the cluster of the other tests opens and closes descriptors as it likes."""
    code = "from tests.unit.pipeline.run.test_executors import leave_nothing; leave_nothing()"
    subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env={"PYTHONPATH": str(CHECKOUT)}, check=True, timeout=50
    )


def leave_nothing():
    for name in ("inline", "pool"):  # what is opened once for good
        run(make_executor(name, jobs=2, local_directory=""), [task(n, number=n) for n in range(20)])
    before = _descriptors(), _children()
    for name in ("inline", "pool"):
        made = make_executor(name, jobs=2, local_directory="")
        run(made, [task(number, number=number) for number in range(20)])
        if name == "pool":
            run(made, [task("bad", "die"), *[task(number, number=number) for number in range(20)]])
        made.close()
    assert (_descriptors(), _children()) == before


def _descriptors():
    return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()


def _children():
    return {child.pid for child in psutil.Process().children()}


def _listening(process):
    """Return the TCP ports on which a process and its children listen."""
    found = set()
    for each in (process, *process.children(recursive=True)):
        look = getattr(each, "net_connections", None) or each.connections  # its name before psutil 6
        found |= {place.laddr.port for place in look("tcp") if place.status == "LISTEN"}
    return found


def test_nobody_without_credentials_reaches_a_cluster(tmp_path):
    """By TCP there is no way in, and the sockets are for this user alone."""
    before = _listening(psutil.Process())
    made = make_executor("cluster", jobs=1, local_directory=str(tmp_path / "own"))
    try:
        assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("own/sockets")] == [0o700]
        for port in _listening(psutil.Process()) - before:  # of HTTP servers without pages
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/info/main/workers.html", timeout=5)
            caught.value.close()
            assert caught.value.code == 404
        run(made, [task(1, number=1)])
    finally:
        made.close()


def test_a_cluster_without_workers_ends(tmp_path, monkeypatch):
    """No worker comes back, as where the system refuses their processes."""
    monkeypatch.setattr("puffin.pipeline.run.cluster._WITHOUT_WORKERS", "1s")
    made = make_executor("cluster", jobs=1, local_directory=str(tmp_path / "own"))
    try:
        made._cluster.scale(0)
        ledger = run(made, [task(1, number=1), task(2, number=2)])
    finally:
        made.close()
    assert sorted(str(outcome.error) for outcome in ledger.outcomes.values()) == [
        f"The process that worked on `n{number}` was lost (NoWorkerError)" for number in (1, 2)
    ]


def test_a_cluster_in_a_long_directory(tmp_path):
    made = make_executor("cluster", jobs=1, local_directory=str(tmp_path / ("x" * 120)))
    try:
        run(made, [task(1, number=1)])
    finally:
        made.close()


def test_a_cluster_leaves_nothing_behind(tmp_path):
    environ = dict(os.environ)
    made = make_executor("cluster", jobs=1, local_directory=str(tmp_path / "own"))
    try:
        run(made, [task(1, number=1)])
    finally:
        made.close()
    assert dict(os.environ) == environ
    assert os.listdir(tmp_path) == []


def test_which_executor_auto_means():
    assert choose_executor("auto", to_fetch=0, to_fetch_bytes=0, jobs=4) == "inline"
    assert choose_executor("auto", to_fetch=5, to_fetch_bytes=1000, jobs=4) == "inline"
    assert choose_executor("auto", to_fetch=100, to_fetch_bytes=0, jobs=4) == "pool"
    assert choose_executor("auto", to_fetch=100, to_fetch_bytes=0, jobs=3) == "pool"
    assert (
        choose_executor("auto", to_fetch=100, to_fetch_bytes=0, jobs=2) == "inline"
    )  # a pool has no process to add
    assert choose_executor("auto", to_fetch=1, to_fetch_bytes=1 << 30, jobs=4) == "pool"
    assert choose_executor("auto", to_fetch=1, to_fetch_bytes=1 << 30, jobs=1) == "inline"
    assert choose_executor("cluster", to_fetch=0, to_fetch_bytes=0, jobs=1) == "cluster"
    assert choose_executor("pool", to_fetch=0, to_fetch_bytes=0, jobs=1) == "pool"
    with pytest.raises(UsageError) as caught:
        make_executor("magic", jobs=1, local_directory="")
    assert caught.value.hints == ("use one of `auto`, `inline`, `pool`, `cluster`",)
