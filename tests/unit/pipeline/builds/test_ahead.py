"""Builds for metadata on workers: how many at once, and which first."""

from __future__ import annotations

import threading

import pytest

from puffin.pipeline.builds import ahead
from puffin.pipeline.builds.ahead import BuildsAhead
from puffin.pipeline.farm.errors import SchedulerUnreachable
from puffin.pipeline.request.scheduler import Remote
from puffin.stages.resolve.universe.pages import Dropped
from puffin.stages.resolve.universe.values import Built
from tests.helpers.waiting import until

REMOTE = Remote(address="tcp://10.0.0.1:8786")


@pytest.fixture
def slots(monkeypatch):
    """Have the workers do as many builds at once as the last item of this list says, once it is let go."""
    asked, free = [1], threading.Event()
    free.set()

    def usable_workers(remote):
        free.wait()
        return asked[-1], ()

    monkeypatch.setattr(ahead, "usable_workers", usable_workers)
    asked.append(1)
    return asked, free


def test_the_longest_of_those_that_wait_begins_first(slots):
    _, free = slots
    free.clear()
    builds, order = BuildsAhead(REMOTE), []
    jobs = [
        builds.begin(seconds, lambda seconds=seconds: order.append(seconds) or Built(metadata=b""))
        for seconds in (3.0, 1.0, 9.0, 2.0)
    ]
    free.set()
    assert [job.result().metadata for job in jobs] == [b""] * 4
    assert order == [9.0, 3.0, 2.0, 1.0]


def test_as_many_go_on_at_once_as_the_workers_do(slots):
    asked, _ = slots
    asked.append(3)
    builds, together = BuildsAhead(REMOTE), threading.Barrier(3)
    jobs = [builds.begin(1.0, lambda: Built(metadata=str(together.wait()).encode())) for _ in range(6)]
    assert sorted(job.result().metadata for job in jobs) == [b"0", b"0", b"1", b"1", b"2", b"2"]


def test_what_is_dropped_is_not_built(slots):
    _, free = slots
    free.clear()
    builds = BuildsAhead(REMOTE)
    job = builds.begin(1.0, lambda: pytest.fail("it is built"))
    job.drop()
    free.set()
    assert builds.begin(1.0, lambda: Built(metadata=b"x")).result().metadata == b"x"
    with pytest.raises(Dropped):
        job.result()


@pytest.mark.parametrize("error", [SchedulerUnreachable(address=REMOTE.address), KeyError("x"), SystemExit(1)])
def test_a_scheduler_that_is_away_fails_each_and_is_asked_once(monkeypatch, error):
    asked = []

    def usable_workers(remote):
        asked.append(remote)
        raise error

    monkeypatch.setattr(ahead, "usable_workers", usable_workers)
    builds = BuildsAhead(REMOTE)
    for job in [builds.begin(1.0, lambda: pytest.fail("it is built")) for _ in range(3)]:
        until(lambda job=job: job.done)
        with pytest.raises(type(error)):
            job.result()
    assert len(asked) == 1


def test_threads_that_cannot_start_fail_what_waits(monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    job = BuildsAhead(REMOTE).begin(1.0, lambda: pytest.fail("it is built"))
    assert job.done
    with pytest.raises(RuntimeError, match="start new thread"):
        job.result()
