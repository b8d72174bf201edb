"""The pool of threads behind the universe."""

from __future__ import annotations

import threading
import time

import pytest

from puffin.stages.resolve.universe.pages import Dropped, Pool


def living(pool: Pool) -> list[threading.Thread]:
    return [thread for thread in pool._crew._threads if thread.is_alive()]


def test_results_and_errors_reach_who_asks() -> None:
    pool = Pool(2)
    assert not living(pool)
    jobs = [pool.submit(lambda number=number: number * number) for number in range(50)]
    failing = pool.submit(lambda: 1 // 0)
    assert [job.result() for job in jobs] == [number * number for number in range(50)]
    with pytest.raises(ZeroDivisionError):
        failing.result()
    assert 1 <= len(living(pool)) <= 2
    pool.close(5.0)
    assert not living(pool)


def test_one_thread_works_at_a_time() -> None:
    pool = Pool(3)
    working: list[int] = []

    def work() -> int:
        working.append(1)
        most = len(working)
        time.sleep(0.001)
        working.pop()
        return most

    assert {job.result() for job in [pool.submit(work) for _ in range(20)]} == {1}
    pool.close(5.0)


def test_what_waits_is_done_side_by_side() -> None:
    pool = Pool(3)
    barrier = threading.Barrier(3)
    jobs = [pool.submit(lambda: barrier.wait(10), aside=True) for _ in range(3)]
    assert sorted(job.result() for job in jobs) == [0, 1, 2]
    pool.close(5.0)


def test_closing_drops_what_has_not_begun() -> None:
    pool = Pool(1)
    begun, go = threading.Event(), threading.Event()

    def first() -> str:
        begun.set()
        assert go.wait(10)
        return "done"

    running = pool.submit(first)
    assert begun.wait(10)
    waiting = pool.submit(lambda: "never")
    closing = threading.Thread(target=pool.close, args=(10,))
    closing.start()
    with pytest.raises(Dropped):
        waiting.result()
    go.set()
    closing.join()
    assert running.result() == "done"
    with pytest.raises(Dropped):
        pool.submit(lambda: "late").result()
    assert not living(pool)


def test_threads_without_work_end_and_start_again() -> None:
    pool, go = Pool(2), threading.Event()
    running = pool.submit(lambda: go.wait(10))
    assert not pool.rest()
    go.set()
    assert running.result()
    assert pool.rest()
    assert not living(pool)
    assert pool.submit(lambda: "again").result() == "again"
    pool.close(5.0)
