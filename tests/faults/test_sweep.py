"""The quick part of the sweep: some kills, errors and second signals; and that it finds what is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.sweep import Sweep, sweep
from tests.helpers.cli import CHECKOUT
from tests.helpers.faults import can_strace

pytestmark = pytest.mark.skipif(not can_strace(), reason="strace cannot be used here")

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"


@pytest.mark.parametrize(
    ("operation", "most"),
    [("upgrade", 16), ("shrink", 4), ("fresh", 8), ("many", 6), ("build", 6), ("uninstall", 4), ("tree", 8),
     ("open", 8), ("prune", 4), ("recovery", 6)],
)  # fmt: skip
def test_killed_anywhere(operation, most):
    row = sweep(operation, MEMORY, most=most)
    assert row.wrong == []
    assert row.tried >= most // 2


@pytest.mark.parametrize("operation", ["upgrade", "shrink", "uninstall", "open"])
def test_killed_anywhere_every_package_can_be_imported(operation):
    assert sweep(operation, MEMORY, most=8, every=3).states.get("broken", 0) == 0


@pytest.mark.parametrize("operation", ["upgrade", "fresh", "uninstall", "open", "recovery"])
def test_killed_anywhere_all_packages_are_old_or_all_are_new(operation):
    row = sweep(operation, MEMORY, most=8, every=2, words=("--atomic", "always"))
    assert row.wrong == []
    assert set(row.states) <= {"old", "new"}


@pytest.mark.parametrize("operation", ["upgrade", "many"])
def test_killed_on_an_overlay(operation, tmp_path):
    words = ("--operation", operation, "--on", "overlay", "--most", "8", "--json", tmp_path / "rows")
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.sweep", *map(str, words)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    if "overlay" in done.stderr and "mount" in done.stderr.splitlines()[-1]:
        pytest.skip("cannot mount an overlay here")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(Path(tmp_path / "rows").read_text())
    assert row["tried"] >= 4


@pytest.mark.parametrize("fault", ["error=ENOSPC", "error=EIO", "error=EACCES", "error=EMFILE"])
def test_calls_that_fail(fault):
    row = sweep("upgrade", MEMORY, fault=fault, most=6)
    assert row.wrong == []
    assert row.tried


@pytest.mark.parametrize("second", ["INT", "TERM"])
def test_a_second_signal(second):
    row = sweep("upgrade", MEMORY, second=second, most=6)
    assert row.wrong == []
    assert row.tried


@pytest.fixture(scope="module")
def work():
    with Sweep("upgrade", MEMORY) as found:
        found.points()
        yield found


def test_it_tells_old_new_mixed_and_broken(work):
    world = work.world
    assert world.look(work.old, work.new) == "old"
    (site,) = {env.site for env in world.envs}
    (site / "lib.py").write_text("v = 2\n")
    assert world.look(work.old, work.new) == "mixed"
    (site / "app/deep/m.py").write_text("v = 2\n")
    assert world.look(work.old, work.new) == "broken"
    assert any("differs" in each for each in world.complaints(work.new))
    assert world.run().code == 0
    assert world.look(work.old, work.new) == "new"
    assert world.complaints(work.new) == []
    (site / "lib.py").unlink()
    (world.envs[0].root / ".puffin" / "tx-1-a").mkdir()
    assert world.look(work.old, work.new) == "broken"
    found = " ".join(world.complaints(work.new))
    for part in ("lib.py` differs", "verify --deep: 4", "left: .puffin/tx-1-a"):
        assert part in found
    work._place.restore()
    assert world.look(work.old, work.new) == "old"


def test_a_kill_leaves_what_a_kill_leaves(work):
    calls = work.points()
    first = next(call for call in calls if call.name.startswith("rename"))
    last = [call for call in calls if call.name == "rmdir"][-1]  # of what the journal needs no more
    states = {work.disturb([call.inject("signal=KILL")])[1] for call in (first, last)}
    assert states == {"old", "new"}
