"""``puffin pip compile`` of more than a few packages: children ask the index."""

from __future__ import annotations

import os
import signal

import pytest

from tests.helpers.faults import started
from tests.helpers.waiting import SOON, lives, until
from tests.helpers.wheels import forge_wheel

ROOTS = [f"root{number}" for number in range(9)]


@pytest.fixture
def many(index):
    """Nine packages, each of which needs ``lib`` and one that is its own."""
    for name in ROOTS:
        index.add(*forge_wheel(name, "1.0", requires=["lib>=1", f"own-{name}"]))
        index.add(*forge_wheel(f"own-{name}", "2.0"))
    for version in ("1.0", "2.0"):
        index.add(*forge_wheel("lib", version))
    return index


def compile_(puffin, many, *words, lines=ROOTS):
    puffin.file("requirements.in", "".join(f"{line}\n" for line in lines))
    return puffin("pip", "compile", "requirements.in", "--no-header", "--no-annotate", "-i", many.url, *words)


def test_the_result_is_that_of_one_process_and_everything_is_asked_for_once(puffin, many):
    done = compile_(puffin, many)
    pins = sorted(["lib==2.0", *[f"{name}==1.0" for name in ROOTS], *[f"own-{name}==2.0" for name in ROOTS]])
    assert (done.code, done.out.split()) == (0, pins)
    assert len(many.paths()) == len(set(many.paths())) == 2 * len(pins)
    before = len(many.paths())
    assert compile_(puffin, many).out == done.out
    assert len(many.paths()) == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the processors cannot be chosen here")
def test_one_processor_is_enough(puffin, many):
    with_children = compile_(puffin, many).out
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(mine)])
    try:
        assert compile_(puffin, many, "--no-cache").out == with_children
    finally:
        os.sched_setaffinity(0, mine)


def test_what_an_index_refuses_is_told_as_ever(puffin, many):
    many.fail("/simple/own-root3/", [500], forever=True)
    done = compile_(puffin, many, "--retries", "0")
    assert done.code == 75
    assert "Failed to fetch `[INDEX]/simple/own-root3/` after 1 attempt" in done.err


def test_what_is_missing_is_explained_as_ever(puffin, many):
    many.remove("own_root4-2.0-py3-none-any.whl")
    done = compile_(puffin, many)
    assert done.code == 1
    assert "own-root4" in done.err


def test_a_root_that_is_not_for_this_platform_is_not_asked_for(puffin, many):
    done = compile_(puffin, many, lines=[*ROOTS, "elsewhere ; sys_platform == 'nowhere'"])
    assert done.code == 0
    assert not many.count("/simple/elsewhere/")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_signal_ends_it_with_all_its_children(puffin, many, number, code):
    many.fail("/simple/own-root3/", ["slow"], forever=True)
    puffin.file("requirements.in", "".join(f"{line}\n" for line in ROOTS))
    with started(puffin, "pip", "compile", "requirements.in", "-i", many.url) as process:
        until(lambda: many.count("/simple/own-root3/"))
        children = _children(process.pid)
        os.kill(process.pid, number)
        process.communicate(timeout=SOON)
        assert process.returncode == code
    for child in children:
        until(lambda child=child: not lives(child))


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(each) for each in file.read().split()]
    except FileNotFoundError:
        return []
