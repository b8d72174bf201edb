"""Turns: one thread works, the others wait; and a crew that grows as far as waiting makes it worth it."""

from __future__ import annotations

import socket
import threading

import pytest

from puffin.stages.fetch.turns import Crew, NetworkTurns, Nobody, until_readable
from tests.helpers.waiting import until


def test_one_thread_works_at_a_time() -> None:
    turns, at_work, most = NetworkTurns(), [0], [0]

    def work() -> None:
        for _ in range(200):
            with turns:
                at_work[0] += 1
                most[0] = max(most[0], at_work[0])
                at_work[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert most == [1]


def test_who_waits_lets_another_work() -> None:
    turns, came = NetworkTurns(), threading.Event()

    def other() -> None:
        with turns:
            came.set()

    with turns:
        assert turns.mine
        thread = threading.Thread(target=other)
        thread.start()
        with turns.aside():
            assert not turns.mine
            assert came.wait(10)
        assert turns.mine
    thread.join()


def test_stepping_aside_twice_or_without_a_turn_is_nothing() -> None:
    turns = NetworkTurns()
    with turns.aside():
        pass
    with turns, turns.aside(), turns.aside():
        assert not turns.mine
    with turns:
        assert turns.mine


def test_an_error_while_aside_ends_in_turn() -> None:
    turns = NetworkTurns()
    with pytest.raises(KeyError), turns, turns.aside():
        raise KeyError
    with turns:
        pass


def test_idleness_is_told_unless_another_is_about_to_work() -> None:
    turns, told = NetworkTurns(), []
    turns.idle = lambda: told.append(1)
    with turns:
        assert not told
        with turns.aside():
            assert told == [1]
        waiting = threading.Thread(target=lambda: turns.__enter__() or turns.__exit__())
        waiting.start()
        until(lambda: turns._waiting)
        with turns.aside():
            pass
        assert told == [1]
    waiting.join()


def test_an_answer_is_waited_for_as_long_as_the_socket_says() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.01)
        turns = NetworkTurns()
        with turns, pytest.raises(TimeoutError):
            until_readable(ours, turns)
        theirs.send(b"x")
        with turns:
            until_readable(ours, turns)
            assert turns.mine
        until_readable(ours, Nobody())


def names() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("puffin-crew")}


def test_a_crew_is_one_thread_as_long_as_nothing_waits() -> None:
    before = names()
    crew, done, seen = Crew(NetworkTurns(), 5), threading.Event(), set()
    for number in range(50):
        crew.submit(lambda number=number: seen.add(threading.get_ident()) or (number == 49 and done.set()))  # type: ignore[misc]
    assert done.wait(10)
    assert len(seen) == 1
    assert len(names() - before) <= 1


def test_a_crew_grows_while_all_wait_and_no_further_than_it_may() -> None:
    turns = NetworkTurns()
    crew, barrier, results = Crew(turns, 3), threading.Barrier(3), []
    ended = threading.Semaphore(0)

    def wait() -> None:
        with turns.aside():
            results.append(barrier.wait(10))
        ended.release()

    for _ in range(6):
        crew.submit(wait)
    for _ in range(6):
        assert ended.acquire(timeout=10)
    assert sorted(results) == [0, 0, 1, 1, 2, 2]
    assert len(crew._threads) == 3


def test_all_is_done_by_a_crew_that_ends() -> None:
    before, done = names(), []
    Crew(NetworkTurns(), 4).do_all([lambda number=number: done.append(number) for number in range(30)])  # type: ignore[misc]
    assert sorted(done) == list(range(30))
    until(lambda: not names() - before)


def test_what_one_of_a_crew_raises_is_raised_when_all_is_done() -> None:
    before, done = names(), []

    def fail() -> None:
        raise KeyError("one")

    with pytest.raises(KeyError, match="one"):
        Crew(NetworkTurns(), 2).do_all([fail, lambda: done.append(1)])
    assert done == [1]
    until(lambda: not names() - before)
