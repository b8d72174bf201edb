"""Jobs that share an environment: the backend is imported once, and forked per job."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from puffin.stages.build import supervisor
from puffin.stages.build.failures import BackendBroken, BuildFailed, BuildTimedOut
from puffin.stages.build.hooks import run_hooks
from puffin.stages.build.job import HookAnswer, HookJob
from tests.helpers.backends import build_environment, hook_job, installed_job, source_tree
from tests.helpers.cli import CHECKOUT
from tests.helpers.waiting import until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked here")

# Tells how often it was imported, and does in a hook what a file in the source tree says.
COUNTING = """
with open(os.path.join(os.path.dirname(__file__), "imports"), "a") as file:
    file.write(f"{os.getpid()}\\n")

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    print("building in", os.getcwd())
    if os.path.exists("do.py"):
        exec(open("do.py").read())
    with open("process", "w") as file:
        file.write(f"{os.getpid()} {os.getppid()} {os.getsid(0)}")
    return write_wheel(wheel_directory, {"state.py": repr(globals().setdefault("STATE", []))})
"""


@pytest.fixture(autouse=True)
def _none_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(supervisor, "_spoiled", set())
    yield
    supervisor.close_idle()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_environment(tmp_path_factory.mktemp("shared"), COUNTING)


class Shop:
    """Jobs for the backend in *environment*, each with a tree and an output of its own."""

    def __init__(self, root: Path, environment: Path) -> None:
        self.root = root
        self.environment = environment
        (site,) = environment.glob("lib/python*/site-packages")
        self.imports = site / "imports"
        self.imports.unlink(missing_ok=True)

    def job(self, name: str, do: str = "", **changes: Any) -> HookJob:
        tree = self.root / name / "plain"
        tree.mkdir(parents=True)
        if do:
            (tree / "do.py").write_text(do)
        return installed_job(self.root / name, self.environment, **{"share": "key", **changes})

    def build(self, name: str, do: str = "", **changes: Any) -> HookAnswer:
        return run_hooks(self.job(name, do, **changes))

    def times_imported(self) -> int:
        return self.imports.read_text().count("\n")

    def process(self, name: str) -> list[int]:
        return [int(text) for text in (self.root / name / "plain" / "process").read_text().split()]


@pytest.fixture
def shop(tmp_path: Path, shared: Path) -> Shop:
    return Shop(tmp_path, shared)


def test_the_backend_is_imported_once(shop: Shop) -> None:
    for name in "abc":
        job = shop.job(name)
        assert run_hooks(job).wheel
        assert Path(job.log).read_text() == f"building in {job.tree}\n"
    assert shop.times_imported() == 1
    jobs = [shop.process(name) for name in "abc"]
    assert len({pid for pid, _, _ in jobs}) == 3
    assert len({parent for _, parent, _ in jobs}) == 1
    assert all(pid == session for pid, _, session in jobs)


def test_what_one_job_changes_the_next_does_not_see(shop: Shop) -> None:
    shop.build("a", "globals()['STATE'] = ['a']; os.environ['A'] = 'a'; sys.path.append('a'); os.umask(0o77)")
    shop.build("b", "assert 'STATE' not in globals() and 'A' not in os.environ and 'a' not in sys.path")
    assert shop.times_imported() == 1


def test_without_a_key_each_job_has_a_process_of_its_own(shop: Shop) -> None:
    for name in "ab":
        shop.build(name, share="")
    assert shop.times_imported() == 2


def test_what_differs_is_not_shared(shop: Shop) -> None:
    shop.build("a")
    shop.build("b", share="another")
    shop.build("c", environ=(("CFLAGS", "-O0"),))
    shop.build("d")
    assert shop.times_imported() == 3


def test_without_isolation_nothing_is_shared(shop: Shop) -> None:
    for name in "ab":
        shop.build(name, isolated=False)
    assert shop.times_imported() == 2


def test_in_tree_backends_are_not_shared(tmp_path: Path) -> None:
    for name in "ab":
        tree = source_tree(tmp_path, COUNTING, name=name)
        run_hooks(hook_job(tmp_path / f"out-{name}", tree, share="key"))
        assert (tree / "backend" / "imports").read_text().count("\n") == 1


def test_a_failure_stands_and_ends_the_sharing(shop: Shop) -> None:
    shop.build("a")
    with pytest.raises(BuildFailed) as caught:
        shop.build("b", "open('tries', 'a').write('x'); sys.exit(9)")
    assert caught.value.status == "exit status 9"
    assert (shop.root / "b" / "plain" / "tries").read_text() == "x"
    shop.build("c")
    assert shop.times_imported() == 2


def test_a_job_that_kills_its_supervisor_has_failed(shop: Shop) -> None:
    with pytest.raises(BuildFailed) as caught:
        shop.build("a", "os.kill(os.getppid(), 9); import time; time.sleep(600)")
    assert caught.value.hook == "toy_backend.build_wheel"
    assert caught.value.status == "its process was lost"


def test_a_backend_that_cannot_be_imported_is_tried_in_a_process_of_its_own(tmp_path: Path) -> None:
    environment = build_environment(tmp_path, COUNTING + "\nimport absent_thing\n")
    shop = Shop(tmp_path, environment)
    with pytest.raises(BuildFailed) as caught:
        shop.build("a")
    assert not isinstance(caught.value, BackendBroken)
    assert "absent_thing" in caught.value.hints[0]
    assert shop.times_imported() == 2


def test_a_backend_that_cannot_be_forked_is_run_in_a_process_of_its_own(tmp_path: Path) -> None:
    forked = "\nif sys.argv[1:] == ['serve']: os._exit(0)\n"
    shop = Shop(tmp_path, build_environment(tmp_path, COUNTING + forked))
    assert shop.build("a").wheel
    assert shop.build("b").wheel


def test_requirements_that_are_missing_do_not_end_the_sharing(tmp_path: Path) -> None:
    more = "\ndef get_requires_for_build_wheel(*_): return ['absent'] if os.path.exists('do.py') else []\n"
    shop = Shop(tmp_path, build_environment(tmp_path, COUNTING + more))
    assert shop.build("a", "pass") == HookAnswer(requires=("absent",))
    assert shop.build("b").wheel
    assert shop.times_imported() == 1


def test_one_that_has_ended_meanwhile_is_replaced(shop: Shop) -> None:
    shop.build("a")
    (pid,) = {shop.process("a")[1]}
    os.kill(pid, 9)
    until(lambda: not supervisor._idle[0][1].is_alive())
    shop.build("b")
    assert shop.times_imported() == 2


def test_time_is_limited(shop: Shop) -> None:
    with pytest.raises(BuildTimedOut):
        shop.build("a", "import time; time.sleep(600)", timeout=0.7)
    assert supervisor._idle == []


def test_threads_have_one_each(shop: Shop) -> None:
    meet = "import time\nopen('../../here-' + os.path.basename(os.path.dirname(os.getcwd())), 'w').close()\n"
    meet += "while not (os.path.exists('../../here-a') and os.path.exists('../../here-b')): time.sleep(0.001)\n"
    answers: list[HookAnswer] = []
    jobs = [shop.job(name, meet, timeout=30.0) for name in "ab"]
    threads = [threading.Thread(target=lambda job=job: answers.append(run_hooks(job))) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 2
    assert shop.times_imported() == 2
    shop.build("c")
    assert shop.times_imported() == 2


def test_only_some_are_kept(shop: Shop) -> None:
    for number in range(6):
        shop.build(f"n{number}", share=f"key {number}")
    assert [key[0] for key, _ in supervisor._idle] == [f"key {number}" for number in range(2, 6)]


SCRIPT = """
import os, sys
sys.path.insert(0, {root!r})
from puffin.stages.build.hooks import run_hooks
from puffin.stages.build.job import HookJob
run_hooks({job!r})
{end}
"""


@pytest.mark.parametrize("end", ["", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_they_end_with_their_process(shop: Shop, end: str) -> None:
    script = SCRIPT.format(root=str(CHECKOUT), job=shop.job("a"), end=end)
    subprocess.run([sys.executable, "-c", script], check=not end.startswith("os.kill"))
    parent = shop.process("a")[1]
    until(
        lambda: (
            not os.path.exists(f"/proc/{parent}/cmdline") or not Path(f"/proc/{parent}/cmdline").read_bytes()
        )
    )


def test_a_forked_child_uses_none_of_its_parents(shop: Shop) -> None:
    shop.build("a")
    job = shop.job("b")
    pid = os.fork()
    if pid == 0:
        try:
            code = 0 if supervisor._idle == [] and run_hooks(job).wheel else 1
            supervisor.close_idle()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert shop.times_imported() == 2
    shop.build("c")
    assert shop.times_imported() == 2
