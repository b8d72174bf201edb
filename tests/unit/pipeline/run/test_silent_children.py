"""Children that hang: whoever waits for one ends it after a while, and says so."""

import os
import sys
import time

import pytest

from puffin.pipeline.run.child import run_with_child
from puffin.pipeline.run.forked_call import ForkedCall, ForkedCallLost
from puffin.pipeline.run.forked_workers import ForkedWorkers
from puffin.pipeline.run.forkpool import ForkPool, PoolBroken
from puffin.stages.bytecode.stage import CompileFailed, Compiler
from puffin.stages.fetch.git.run import Git
from puffin.stages.fetch.git.url import parse_git_url

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setenv("PUFFIN_CHILD_TIMEOUT", "0.2")


def hang(*_):
    time.sleep(600)


def test_a_call():
    with pytest.raises(ForkedCallLost) as caught:
        ForkedCall(hang).result()
    assert "did not answer for 0.2 s" in str(caught.value)


def test_a_worker_of_a_pool(monkeypatch):
    monkeypatch.setenv("PUFFIN_CHILD_TIMEOUT", "2")  # on a slow machine, what does not hang needs a while too
    pool = ForkPool(2, lambda data: None)
    try:
        assert pool.submit(abs, -1).result() == 1
        with pytest.raises(PoolBroken):
            pool.submit(time.sleep, 600).result()
        assert pool.submit(abs, -2).result() == 2
    finally:
        pool.close()


def test_a_worker_that_answers_questions():
    workers = ForkedWorkers({"hang": hang}, lambda: lambda work: work(), 1)
    try:
        assert workers.ask("hang", 1, "x").result() is None
    finally:
        workers.close()


def test_the_child_of_an_inline_run(monkeypatch):
    monkeypatch.setattr("puffin.pipeline.run.child.Child._run_queued", hang)
    assert run_with_child([((), {})], lambda outcome: None) == "did not answer for 0.2 s"


def test_an_interpreter_that_compiles(tmp_path):
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(600)\n")
    program.chmod(0o755)
    with pytest.raises(CompileFailed) as caught:
        Compiler(str(program)).compile(str(tmp_path), str(tmp_path), "x", 0, ["a.py"])
    assert "it did not answer for 0.2 s" in str(caught.value.causes[0])


def test_git(tmp_path):
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o755)
    url = parse_git_url("git+https://host.example/x.git")
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = Git(url, environ=environ, above=str(tmp_path), package="x").run("fetch", cwd=str(tmp_path))
    assert (done.status, done.err) == (-9, "git did not end within 0.2 s")
