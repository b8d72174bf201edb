"""The run record, written and read back: everything is there, whatever became of the run."""

import json
import os
import time

import pytest

from puffin.cache.layout import Cache
from puffin.errors import Cause
from puffin.pipeline.engine.engine import OutcomeRecorder
from puffin.pipeline.graph import record
from puffin.pipeline.graph.ledger import Ledger
from puffin.pipeline.graph.record import RunRecord
from puffin.pipeline.graph.task import CANCELLED, DONE, FAILED, LOST, UNFINISHED, Outcome, Task
from puffin.pipeline.profile.read import (
    KILLED,
    UNTOLD,
    RecordNotFound,
    RecordUnreadable,
    find_record,
    load_profile,
    load_profiles,
    parse,
)
from puffin.pipeline.run.pool import PoolExecutor
from puffin.pipeline.run.runner import attempt
from puffin.pipeline.run.wire import decode_outcome, encode_outcome
from tests.helpers import records


@pytest.fixture
def cache(tmp_path):
    return Cache(str(tmp_path / "cache"))


def begun(cache, **changes):
    return RunRecord(cache, "pip sync", version="9", started=time.time() - 1, cpu=0.25, **changes)


def task(name="a", stage="fetch", **changes):
    return Task(key=(stage, name), function="tests.helpers.tasks:add", label=f"{name[:1]}==1", **changes)


def test_what_is_written_is_read_back(cache):
    run = begun(cache)
    run.graph("pool", jobs=3, tasks=2, at=time.time())
    fetch = task(waits=True, environments=("/e/one", "/e/two"), cache="miss")
    link = task(stage="link", inputs=(("number", fetch.key),), cache="hit")
    run.task(
        fetch, Outcome(key=fetch.key, status=DONE, started=10.5, ended=11.0, cpu=0.125, worker="7", taken=3)
    )
    failed = Outcome(
        key=link.key, status=FAILED, error=Cause(text="x"), started=11.0, ended=12.0, given=4, log="/l"
    )
    run.task(link, failed, ready=11.0, error='a "reason"')
    run.finish(1)
    profile = load_profile(run.path)
    assert (profile.run, profile.command, profile.puffin, profile.status) == (run.run, "pip sync", "9", 1)
    assert (profile.executor, profile.jobs, profile.driver) == ("pool", 3, str(os.getpid()))
    assert profile.wall == pytest.approx(profile.ended - profile.started)
    assert profile.wall >= 1.25
    assert [row.name for row in profile.rows if row.phase] == ["start python"]
    first, second = profile.tasks
    assert (first.name, first.package, first.version, first.environments) == (
        "fetch", "a", "1", ("/e/one", "/e/two"),
    )  # fmt: skip
    assert (first.start, first.end, first.cpu, first.taken, first.cache, first.waits, first.worker) == (
        10.5, 11.0, 0.125, 3, "miss", True, "7",
    )  # fmt: skip
    assert (second.needs, second.ready, second.given, second.log, second.error, second.status) == (
        ("fetch/a",), 11.0, 4, "/l", 'a "reason"', FAILED,
    )  # fmt: skip


def test_a_run_without_work_leaves_nothing(cache):
    run = begun(cache)
    run.row("compare", 1.0, 2.0, 0.1)
    run.finish(0)
    assert not os.path.exists(cache.root)


def test_phases_go_to_the_run_that_is_current(cache):
    with record.phase("nobody listens"):
        pass
    run = begun(cache)
    record.begin_record(run)
    try:
        with pytest.raises(ValueError), record.phase("locate"):
            raise ValueError
        run.keep()
    finally:
        record.finish_record(130)
    assert record.current() is None
    assert [row.name for row in load_profile(run.path).rows] == ["start python", "locate"]
    assert load_profile(run.path).status == 130


def test_a_killed_run_keeps_what_was_written(cache):
    run = begun(cache)
    run.graph("inline", jobs=1, tasks=1, at=time.time())
    done = Outcome(key=("fetch", "a"), status=DONE, started=time.time(), ended=time.time() + 1, worker="7")
    run.task(task(), done)  # it ended long after the last write, so it is written now
    with open(run.path, "ab") as file:
        file.write(b'{"stage":"fetch","key":"to')
    profile = load_profile(run.path)
    assert (profile.status, len(profile.tasks)) == (KILLED, 1)
    assert profile.ended == pytest.approx(done.ended, abs=1e-5)


def test_secrets_of_urls_are_not_in_it(cache):
    run = begun(cache)
    url = "https://user:secret@example.org/a.whl?token=secret#0"
    fetch = task(url)
    unzip = task(url, "unzip", inputs=(("number", fetch.key),))
    for each in (fetch, unzip):
        run.task(each, Outcome(key=each.key, status=DONE, started=1.0, ended=2.0))
    run.keep()
    run.finish(0)
    with open(run.path) as file:
        assert "secret" not in file.read()
    first, second = load_profile(run.path).tasks
    assert second.needs == (first.key,)


def test_an_unwritable_cache_is_no_error(tmp_path):
    (tmp_path / "cache").write_text("in the way")
    run = begun(Cache(str(tmp_path / "cache")))
    run.graph("inline", jobs=1, tasks=1, at=1.0)
    run.finish(0)


def test_records_of_the_former_format_are_read():
    lines = [
        {"run": "1-2", "command": "pip sync", "puffin": "0.1", "executor": "pool", "tasks": 1},
        {"stage": "fetch", "key": "k", "package": "a", "version": "1", "status": "done", "worker": "3",
         "start": 5.0, "end": 6.5, "cpu": 0.1, "weight": 9, "needs": []},
    ]  # fmt: skip
    profile = parse(lines)
    assert (profile.status, profile.wall, profile.executor, profile.jobs) == (UNTOLD, 1.5, "pool", 0)
    assert profile.tasks[0].label == "a==1"


@pytest.mark.parametrize("text", ["", "[]\n", "\x00\xff", "nothing\n"])
def test_files_that_are_no_records(cache, tmp_path, text):
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(RecordUnreadable):
        load_profile(str(path))


def test_fields_of_a_wrong_kind_do_no_harm():
    lines = [
        {"run": 3, "started": "x"},
        {"stage": "fetch", "start": True, "end": None, "needs": [1, "a"], "cpu": -1},
    ]
    (row,) = parse(lines, "/r/name.jsonl").untimed
    assert (row.start, row.needs, row.cpu) == (0.0, ("a",), 0.0)
    assert parse(lines, "/r/name.jsonl").run == "name"


def test_runs_are_found_by_number_id_and_path(cache, tmp_path):
    runs = tmp_path / "cache" / "runs-v0"
    runs.mkdir(parents=True)
    for name in ("1-1", "2-2"):
        (runs / f"{name}.jsonl").write_text(json.dumps(records.head(run=name)) + "\n")
    (runs / "3-3.jsonl").write_text("")
    (runs / "other").write_text("")
    other = tmp_path / "file.jsonl"
    other.write_text("{}")
    for run, found in (("-3", runs / "1-1.jsonl"), ("2-2", runs / "2-2.jsonl"), (str(other), other)):
        assert find_record(run, cache) == str(found)
    assert [profile.run for profile in load_profiles(cache)] == ["1-1", "2-2"]
    for run in ("-4", "-0", "-", "4-4", "-x"):
        with pytest.raises(RecordNotFound):
            find_record(run, cache)


def test_what_a_task_puts_on_its_meter_is_in_its_outcome_and_crosses_processes():
    each = Task(key=("s", "k"), function="tests.helpers.tasks:metered", label="a")
    outcome = decode_outcome(encode_outcome(attempt(each, {}, "w"))[4:])
    assert (outcome.taken, outcome.given, outcome.cache, outcome.log) == (8, 4, "hit", "/log")
    plain = attempt(task(arguments=(("number", 1),)), {}, "w")
    assert (plain.taken, plain.given, plain.cache, plain.log) == (0, 0, "", "")


def test_lost_attempts_and_those_after_them_have_a_line_each(cache, tmp_path):
    mark = str(tmp_path / "mark")
    arguments = (("mark", mark), ("number", 1), ("driver", os.getpid()))
    dying = Task(key=("work", "a"), function="tests.helpers.tasks:die_once", label="a", arguments=arguments)
    ledger = Ledger([dying, task("b", "work", arguments=(("number", 2),))])
    run = begun(cache)
    recorder = OutcomeRecorder(run, ledger)
    recorder.begin("pool", 2)
    PoolExecutor(2).run(ledger, recorder.outcome)
    recorder.end()
    run.finish(0)
    attempts = [row.status for row in load_profile(run.path).tasks if row.package == "a"]
    assert attempts == [LOST, DONE]


def test_ready_is_when_the_last_need_was_there_and_unfinished_tasks_have_a_line(cache):
    first, second = task("a", arguments=(("number", 1),)), task("b", inputs=(("number", ("fetch", "a")),))
    third = task("c", inputs=(("number", ("fetch", "b")),))
    ledger = Ledger([first, second, third])
    run = begun(cache)
    recorder = OutcomeRecorder(run, ledger)
    recorder.begin("inline", 1)
    ended = time.time() + 5
    for each in ledger.record(Outcome(key=first.key, status=DONE, result=1, started=ended - 1, ended=ended)):
        recorder.outcome(each)
    later = Outcome(key=second.key, status=DONE, started=ended + 1, ended=ended + 2)
    for each in ledger.record(later):
        recorder.outcome(each)
    recorder.end()
    run.finish(130)
    profile = load_profile(run.path)
    assert [row.ready for row in profile.tasks][1] == pytest.approx(ended, abs=1e-5)
    assert [(row.package, row.status) for row in profile.untimed] == [("c", UNFINISHED)]
    assert CANCELLED not in {row.status for row in profile.tasks}
