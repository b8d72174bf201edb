"""Which tasks ask a remote cache first."""

import pytest

from puffin.pipeline.graph.task import Task
from puffin.pipeline.tasks.remote import RemotePlan, with_remote

ONE, TWO = "1" * 64, "2" * 64
FETCH = "puffin.stages.unzip.store:fetch_once"


def fetch(*hashes):
    groups = (tuple(hashes),) if hashes else ()
    return Task(key=("fetch", "x"), function=FETCH, label="x", arguments=(("hashes", groups),))


def plan(**more):
    return RemotePlan(remote=("http://cache",), network=("n",), **more)


@pytest.mark.parametrize("hashes", [(f"sha256:{ONE}",), (f"sha256:{ONE}", f"sha256:{TWO}"), ()])
@pytest.mark.parametrize("only", [True, False])
def test_a_file_is_asked_for(hashes, only):
    task = with_remote(fetch(*hashes), plan(only=only))
    assert task.function == "puffin.stages.remote.wheels:fetch_shared_wheel"
    assert dict(task.arguments)["remote"] == ("http://cache",)
    assert dict(task.arguments).get("only", False) is only


def test_bytecode_is_asked_for_with_the_network():
    task = Task(key=("compile", "x"), function="puffin.stages.bytecode.stage:compile_archive", label="x")
    assert dict(with_remote(task, plan()).arguments) == {"remote": ("http://cache",), "network": ("n",)}


def test_other_tasks_stay():
    task = Task(key=("link", "x"), function="puffin.stages.link.linker:link_all", label="x")
    assert with_remote(task, plan()) is task
