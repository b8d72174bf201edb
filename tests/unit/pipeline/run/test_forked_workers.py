"""Children that answer questions: tried in processes without threads, which pytest's are not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

from tests.helpers.waiting import SECONDS, lives, until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")

BEFORE = """
import json, os, signal, sys, threading, time
from puffin.errors import UsageError
from puffin.pipeline.run.forked_workers import ForkedWorkers, start_workers

class Odd(Exception):
    def __reduce__(self):
        raise TypeError("not to be pickled")

def fail(kind):
    if kind == "odd":
        raise Odd("oddly")
    raise UsageError(text=kind)

SERVE = {
    "double": lambda number: 2 * number,
    "pid": lambda _: os.getpid(),
    "fail": fail,
    "die": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "wait": lambda _: time.sleep(60),
}

def begin():
    def spawn(work):
        threading.Thread(target=work, daemon=True).start()
    return spawn

def say(value):
    print(json.dumps(value), flush=True)
"""


def run(script: str, *, affinity: int = 2) -> list[object]:
    """Return what *script* said, line by line."""
    if len(os.sched_getaffinity(0)) < affinity:
        pytest.skip("there is only one processor")
    text = BEFORE + textwrap.dedent(script)
    command = [sys.executable, "-W", "error", "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_answers_reach_who_asks_and_both_children_have_as_much_to_do() -> None:
    pids, doubles = run("""
        workers = ForkedWorkers(SERVE, begin, 2)
        asked = [workers.ask("pid", None, "one key") for _ in range(70)]
        doubles = [workers.ask("double", number, str(number)) for number in range(300)]
        found = [answer.result() for answer in asked]
        say(sorted(found.count(pid) for pid in set(found)))
        say([answer.result() for answer in doubles] == [2 * number for number in range(300)])
        workers.close()
    """)
    assert (pids, doubles) == ([35, 35], True)


def test_large_questions_and_answers_cross_in_both_directions() -> None:
    assert run("""
        SERVE["twice"] = lambda data: data + data
        workers = ForkedWorkers(SERVE, begin, 2)
        answers = [workers.ask("twice", bytes([number]) * 700_000, str(number)) for number in range(12)]
        workers.send()
        say([len(answer.result()) for answer in answers] == [1_400_000] * 12)
        workers.close()
    """) == [True]


def test_errors_are_raised_where_the_answer_is_asked_for() -> None:
    assert run("""
        workers = ForkedWorkers(SERVE, begin, 1)
        for kind in ("so", "odd"):
            try:
                workers.ask("fail", kind, "k").result()
            except Exception as error:
                say([type(error).__name__, str(getattr(error, "text", error))])
        say(workers.ask("double", 4, "k").result())
        workers.close()
    """) == [["UsageError", "so"], ["RuntimeError", "Odd('oddly')"], 8]


def test_a_child_that_dies_leaves_its_questions_open_and_the_other_goes_on() -> None:
    assert run("""
        workers = ForkedWorkers(SERVE, begin, 2)
        waiting, still = [workers.ask("wait", None, key) for key in ("a", "b")]
        dying = workers.ask("die", None, "a")
        say([waiting.result(), waiting.done, dying.result(), still.done])
        say([workers.ask("double", 1, "a").result() for _ in range(3)])
        workers.close()
    """) == [[None, True, None, False], [2, 2, 2]]


def test_asking_whether_an_answer_has_come_does_not_wait_for_it() -> None:
    assert run("""
        workers = ForkedWorkers(SERVE, begin, 1)
        answer = workers.ask("wait", None, "k")
        say(answer.done)
        workers.close()
    """) == [False]


def test_what_was_asked_of_children_that_are_ended_is_not_waited_for() -> None:
    assert run("""
        workers = ForkedWorkers(SERVE, begin, 2)
        answers = [workers.ask("wait", None, key) for key in ("a", "b")]
        workers.close()
        workers.close()
        say([[answer.done, answer.result()] for answer in answers])
    """) == [[[True, None], [True, None]]]


def test_closing_and_dying_leave_no_child_behind() -> None:
    script = """
        workers = ForkedWorkers(SERVE, begin, 2)
        say([workers.ask("pid", None, key).result() for key in ("a", "b")])
        for key in ("a", "b"):
            workers.ask("wait", None, key)
        workers.send()
        {end}
    """
    for end in ("workers.close()", "os.kill(os.getpid(), 9)"):
        text = BEFORE + textwrap.dedent(script).format(end=end)
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=SECONDS)
        for pid in json.loads(done.stdout):
            until(lambda pid=pid: not lives(pid))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the processors cannot be chosen here")
def test_there_are_none_beside_threads_or_on_one_processor() -> None:
    assert run("""
        go = threading.Event()
        thread = threading.Thread(target=go.wait)
        thread.start()
        say(start_workers(SERVE, begin) is None)
        go.set()
        thread.join()
        workers = start_workers(SERVE, begin)
        say(workers is not None)
        workers.close()
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
        say(start_workers(SERVE, begin) is None)
    """) == [True, True, True]


def test_signals_interrupt_no_closing():
    """Two signals, as ``timeout`` sends them, at every call of a shutdown, and a second close: all is closed once."""
    said = run(
        """
        class Ended(BaseException):
            pass

        def end(*_):
            raise Ended

        signal.signal(signal.SIGTERM, end)
        real = os.close
        before = len(os.listdir("/proc/self/fd"))
        for number in range(1, 9):
            workers = ForkedWorkers(SERVE, begin, 2)
            calls = []

            def close(descriptor):
                calls.append(descriptor)
                if len(calls) in (number, number + 1):
                    signal.raise_signal(signal.SIGTERM)
                real(descriptor)

            os.close = close
            ended = False
            try:
                try:
                    workers.close()
                finally:
                    workers.close()
            except Ended:
                ended = True
            os.close = real
            say([ended, len(calls)])
        say(len(os.listdir("/proc/self/fd")) - before)
        """
    )
    *closings, left = said
    assert closings == [[number <= 4, 4] for number in range(1, 9)]
    assert left in (0, 2)  # the pipe that children follow
