"""The hooks of build backends: what they get, what they return, and what they leave behind."""

from __future__ import annotations

import json
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from puffin.errors import PuffinError
from puffin.stages.build.failures import BackendBroken, BuildTimedOut
from puffin.stages.build.hooks import run_hooks, settings_dict
from puffin.stages.build.job import HookAnswer, HookJob
from tests.helpers.backends import (
    EDITABLE,
    PREPARE,
    build_environment,
    failing,
    failure,
    hook_job,
    installed_job,
    source_tree,
)
from tests.helpers.pythons import VERSIONS, real_python
from tests.helpers.waiting import lives, until

REPORT = """
import json
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with open("seen.json", "w") as file:
        json.dump({
            "settings": config_settings, "metadata_directory": metadata_directory, "cwd": os.getcwd(),
            "path": sys.path, "environ": dict(os.environ), "stdin": sys.stdin.read(), "pid": os.getpid(),
            "modules": sorted(sys.modules), "session": os.getsid(0), "argv": sys.argv,
        }, file)
    return write_wheel(wheel_directory, {})
"""


def seen(tree: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tree / "seen.json").read_text())
    return found


def test_a_wheel_is_built(tmp_path: Path) -> None:
    answer = run_hooks(hook_job(tmp_path, source_tree(tmp_path)))
    assert answer == HookAnswer(wheel=str(tmp_path / "output" / "toy-1-py3-none-any.whl"))
    assert "toy.py" in zipfile.ZipFile(answer.wheel).namelist()


def test_hooks_get_what_the_specification_says(tmp_path: Path) -> None:
    tree = source_tree(tmp_path, REPORT)
    run_hooks(hook_job(tmp_path, tree))
    found = seen(tree)
    assert found["settings"] is None
    assert found["metadata_directory"] is None
    assert found["cwd"] == str(tree)
    assert found["path"][0] == str(tree / "backend")
    assert not [path for path in found["path"] if path in ("", str(tree)) or path.endswith("stages/build")]
    assert found["stdin"] == ""
    assert not [name for name in found["modules"] if name.partition(".")[0] == "puffin"]
    assert found["session"] == found["pid"] != os.getsid(0)


def test_config_settings(tmp_path: Path) -> None:
    tree = source_tree(tmp_path, REPORT)
    settings = (("--option", "a"), ("one", ""), ("--option", "b"), ("--option", "c"))
    run_hooks(hook_job(tmp_path, tree, config_settings=settings))
    assert seen(tree)["settings"] == {"--option": ["a", "b", "c"], "one": ""}


def test_settings_given_once_are_texts() -> None:
    assert settings_dict((("a", "1"), ("b", "2"))) == {"a": "1", "b": "2"}


def test_the_environment_is_clean(tmp_path: Path) -> None:
    tree = source_tree(tmp_path, REPORT)
    environ = (
        ("PATH", "/usr/bin:/bin"),
        ("PYTHONPATH", "/nowhere"),
        ("PYTHONHASHSEED", "7"),
        ("PIP_INDEX_URL", "x"),
        ("CC", "cc"),
    )
    run_hooks(hook_job(tmp_path, tree, environ=environ, scripts="/env/bin"))
    found = seen(tree)["environ"]
    assert (found["PATH"], found["VIRTUAL_ENV"]) == ("/env/bin:/usr/bin:/bin", "/env")
    assert (found["CC"], found["PYTHONHASHSEED"]) == ("cc", "7")
    assert not {"PYTHONPATH", "PIP_INDEX_URL"} & set(found)
    assert "/nowhere" not in seen(tree)["path"]


def test_without_isolation_python_keeps_its_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = REPORT + "def get_requires_for_build_wheel(config_settings=None): raise AssertionError('asked')\n"
    tree = source_tree(tmp_path, more)
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    run_hooks(hook_job(tmp_path, tree, isolated=False))
    assert "/somewhere" in seen(tree)["path"]


def test_metadata_is_prepared_without_building(tmp_path: Path) -> None:
    tree = source_tree(tmp_path, PREPARE + "\ndef build_wheel(*_): raise AssertionError('built')\n")
    answer = run_hooks(hook_job(tmp_path, tree, goal="metadata"))
    assert answer == HookAnswer(metadata=str(tmp_path / "output" / "toy-1.dist-info" / "METADATA"))
    assert Path(answer.metadata).read_text().startswith("Metadata-Version: 2.1\nName: toy\n")


def test_metadata_comes_out_of_the_wheel_where_it_cannot_be_prepared(tmp_path: Path) -> None:
    answer = run_hooks(hook_job(tmp_path, source_tree(tmp_path), goal="metadata"))
    assert Path(answer.metadata).read_text() == "Metadata-Version: 2.1\nName: toy\nVersion: 1\n"
    assert zipfile.is_zipfile(answer.wheel)


def test_editable(tmp_path: Path) -> None:
    tree = source_tree(tmp_path, EDITABLE)
    answer = run_hooks(hook_job(tmp_path, tree, goal="editable"))
    assert zipfile.ZipFile(answer.wheel).read("toy.pth").decode() == str(tree)


def test_metadata_of_an_editable(tmp_path: Path) -> None:
    more = PREPARE.replace("for_build_wheel", "for_build_editable").replace("METADATA)", "METADATA + 'X: e')")
    answer = run_hooks(hook_job(tmp_path, source_tree(tmp_path, more), goal="editable-metadata"))
    assert Path(answer.metadata).read_text().endswith("X: e")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_python_runs_the_hooks(tmp_path: Path, version: str) -> None:
    python = real_python(version)
    if not python:
        pytest.skip(f"there is no Python {version} here")
    more = (
        "\ndef get_requires_for_build_wheel(config_settings=None): return ['absent; python_version < \"3\"']\n"
    )
    tree = source_tree(tmp_path, more + REPORT)
    answer = run_hooks(hook_job(tmp_path, tree, python=python))
    assert answer.wheel
    assert not [path for path in seen(tree)["path"] if path.endswith("stages/build")]


def test_backend_objects(tmp_path: Path) -> None:
    more = (
        "\nclass Outer:\n    class inner:\n        build_wheel = staticmethod(build_wheel)\ndel build_wheel\n"
    )
    assert run_hooks(hook_job(tmp_path, source_tree(tmp_path, more), backend="toy_backend:Outer.inner")).wheel


def test_an_interpreter_that_greets(tmp_path: Path) -> None:
    environment = build_environment(tmp_path)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "greeting.pth").write_text("import sys; sys.stdout.write('hello'); sys.stdout.flush()\n")
    assert run_hooks(installed_job(tmp_path, environment)).wheel


def test_a_job_leaves_no_open_files(tmp_path: Path) -> None:
    job = hook_job(tmp_path, source_tree(tmp_path))
    run_hooks(job)
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    run_hooks(job)
    assert before == (os.listdir("/proc/self/fd") if before else [])


# --- further build requirements

REQUIRES = """
def get_requires_for_build_wheel(config_settings=None):
    with open("asked", "w") as file:
        file.write(str(os.getpid()))
    return {!r}
"""


def with_requires(tmp_path: Path, *wanted: str, **changes: Any) -> HookJob:
    """Return a job in an environment that has ``helper`` 2.5 and nothing else."""
    environment = build_environment(tmp_path)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "helper-2.5.dist-info").mkdir()
    tree = source_tree(tmp_path, REQUIRES.format(list(wanted)) + REPORT)
    return hook_job(tmp_path, tree, python=str(environment / "bin" / "python"), **changes)


def test_both_hooks_run_in_one_process(tmp_path: Path) -> None:
    job = with_requires(tmp_path, "Helper >=2")
    assert run_hooks(job).wheel
    assert int(Path(job.tree, "asked").read_text()) == seen(Path(job.tree))["pid"]


def test_what_the_environment_lacks_is_asked_for_and_nothing_is_built(tmp_path: Path) -> None:
    job = with_requires(tmp_path, "helper<2", "helper", "other>1", "never; python_version < '3'")
    assert run_hooks(job) == HookAnswer(requires=("helper<2", "other>1"))
    assert os.listdir(job.output) == []


def test_what_the_environment_was_made_for_is_not_asked_for_again(tmp_path: Path) -> None:
    wanted = "helper[extra]>=2"
    job = with_requires(tmp_path, wanted, requires=("helper[extra] >= 2",))
    assert run_hooks(job).wheel
    again = hook_job(tmp_path, Path(job.tree), python=job.python)
    assert run_hooks(again) == HookAnswer(requires=(wanted,))


def test_requirements_that_are_none(tmp_path: Path) -> None:
    error = failure(with_requires(tmp_path, "helper ==== 1"))
    assert isinstance(error, BackendBroken)
    assert error.hook == "toy_backend.get_requires_for_build_wheel"
    assert error.reason == (
        "`get_requires_for_build_wheel` asks for `helper ==== 1`, which is not a requirement (PEP 508)"
    )


# --- processes that stay

LINGER = """
import subprocess, time
def build_wheel(wheel_directory, *_):
    child = subprocess.Popen(["sleep", "600"], stdout=None)
    with open("pids", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    SLEEP
    return write_wheel(wheel_directory, {})
"""


def pids(tree: Path) -> list[int]:
    return [int(text) for text in (tree / "pids").read_text().split()]


def test_what_a_hook_leaves_running_is_ended(tmp_path: Path) -> None:
    tree = source_tree(tmp_path, LINGER.replace("SLEEP", ""))
    assert run_hooks(hook_job(tmp_path, tree)).wheel
    until(lambda: not any(map(lives, pids(tree))))


def test_a_forked_copy_that_stays_holds_nobody_up(tmp_path: Path) -> None:
    more = """
import time
def build_wheel(wheel_directory, *_):
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    os._exit(5)
"""
    assert failing(tmp_path, more).status == "exit status 5"


def test_a_build_that_takes_too_long(tmp_path: Path) -> None:
    tree = source_tree(tmp_path, LINGER.replace("SLEEP", "time.sleep(600)"))
    error = failure(hook_job(tmp_path, tree, timeout=3.0))
    assert isinstance(error, BuildTimedOut)
    assert error.what() == "`toy_backend.build_wheel` took longer than 3 s and was ended"
    until(lambda: not any(map(lives, pids(tree))))


def test_builds_of_one_tree_wait_for_one_another(tmp_path: Path) -> None:
    more = """
import time
def build_wheel(wheel_directory, *_):
    os.mkdir("busy")
    time.sleep(0.05)
    os.rmdir("busy")
    return write_wheel(wheel_directory, {})
"""
    tree = source_tree(tmp_path, more)
    lock = str(tmp_path / "lock")
    answers: list[HookAnswer | PuffinError] = []

    def build(number: int) -> None:
        place = tmp_path / str(number)
        try:
            answers.append(run_hooks(hook_job(place, tree, lock=lock)))
        except PuffinError as error:
            answers.append(error)

    threads = [threading.Thread(target=build, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [getattr(answer, "wheel", answer) and True for answer in answers] == [True] * 3
    assert all(isinstance(answer, HookAnswer) for answer in answers), answers
