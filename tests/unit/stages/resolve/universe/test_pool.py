"""The pool of threads behind the universe."""

from __future__ import annotations

import threading

import pytest

from puffin.stages.resolve.universe.pages import Dropped, Pool


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("puffin-resolve")]


def test_results_and_errors_reach_who_asks() -> None:
    pool = Pool(2)
    assert not names()
    jobs = [pool.submit(lambda number=number: number * number) for number in range(50)]
    failing = pool.submit(lambda: 1 // 0)
    assert [job.result() for job in jobs] == [number * number for number in range(50)]
    with pytest.raises(ZeroDivisionError):
        failing.result()
    assert 1 <= len(names()) <= 2
    pool.close(5.0)
    assert not names()


def test_work_is_done_side_by_side() -> None:
    pool = Pool(3)
    barrier = threading.Barrier(3)
    jobs = [pool.submit(lambda: barrier.wait(10)) for _ in range(3)]
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
    assert not names()
