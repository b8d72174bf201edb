"""The parts of a local cluster: paths of its sockets, groups of units, threads beside forks."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile

import pytest

from tests.helpers.cli import CHECKOUT
from tests.helpers.waiting import SECONDS


@pytest.mark.parametrize("temporary", [10, 120])
@pytest.mark.parametrize("length", [89, 90, 91, 120])
def test_the_path_of_a_socket_fits(tmp_path, monkeypatch, length, temporary):
    """The system takes 103 bytes on macOS; a directory for temporary files may be too long itself."""
    from puffin.pipeline.run import private_comm

    usual = tmp_path / ("t" * temporary)
    usual.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(usual))
    monkeypatch.setattr(private_comm, "_rooms", [])
    with tempfile.TemporaryDirectory(dir="/tmp") as top:
        directory = f"{top}/".ljust(length, "d")
        room, _ = private_comm.private_options(directory)
        assert stat.S_IMODE(os.stat(room).st_mode) == 0o700
        assert len(os.fsencode(f"{room}/65535")) <= 103
        made, _ = private_comm._listening()
        made.close()
        shutil.rmtree(room)


def test_groups_of_the_cluster_get_smaller_and_keep_the_order():
    from puffin.pipeline.graph.task import Task
    from puffin.pipeline.run.cluster import guided

    weights = [4_000_000] * 40 + [300_000] * 100
    tasks = [
        Task(key=("x", f"{number}"), function="a:b", label=f"{number}", weight=weight)
        for number, weight in enumerate(weights)
    ]
    groups = guided([((task,), {}) for task in tasks], 2)
    assert [unit[0] for group in groups for unit, _ in group] == tasks
    assert len(groups) < 40
    assert len(groups[0]) >= 9, "a quarter of all the work"
    assert len(groups[-1]) == 1
    assert guided([], 2) == []


_STARTED = """
import os, subprocess, sys, threading
start = subprocess.Popen.__init__
def told(self, *arguments, **options):
    if threading.current_thread() is not threading.main_thread():
        print("a program is started in a thread:", arguments, flush=True)
    start(self, *arguments, **options)
subprocess.Popen.__init__ = told
from puffin.pipeline.run.cluster import ClusterExecutor
ClusterExecutor(1, sys.argv[1]).close()
"""


def test_no_thread_of_a_cluster_starts_a_program_while_another_forks(tmp_path):
    words = [sys.executable, "-c", _STARTED, str(tmp_path)]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
