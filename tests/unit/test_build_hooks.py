"""The hooks of build backends: what they get, what they return, and how they fail."""

from __future__ import annotations

import json
import os
import pickle
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from puffin.errors import PuffinError
from puffin.stages.build.errors import BackendBroken, BuildFailed, BuildTimedOut
from puffin.stages.build.hooks import HookAnswer, HookJob, run_hooks, settings_dict
from tests.helpers.backends import EDITABLE, PREPARE, build_environment, hook_job, installed_job, source_tree
from tests.helpers.faults import small_disk, until
from tests.helpers.pythons import VERSIONS, real_python

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


def failure(job: HookJob) -> BuildFailed:
    with pytest.raises(BuildFailed) as caught:
        run_hooks(job)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.hints == caught.value.hints
    return caught.value


def failing(tmp_path: Path, more: str, **changes: Any) -> BuildFailed:
    return failure(hook_job(tmp_path, source_tree(tmp_path, more), **changes))


def gone(pid: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return True
    return fields[0] in "ZX"


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


# --- failures


def test_a_hook_that_raises(tmp_path: Path) -> None:
    more = """
def build_wheel(*_):
    print("on stdout")
    os.system("echo from a command >&2")
    print("on stderr", file=sys.stderr)
    raise ValueError("no such luck")
"""
    error = failing(tmp_path, more)
    line = BACKEND_LINES + 6
    assert str(error).splitlines() == [
        "Failed to build `toy==1`",
        "`toy_backend.build_wheel` failed (exit status 1)",
        "",
        "[output]",
        "on stdout",
        "from a command",
        "on stderr",
        "Traceback (most recent call last):",
        f'  File "{tmp_path}/tree/backend/toy_backend.py", line {line}, in build_wheel',
        '    raise ValueError("no such luck")',
        "ValueError: no such luck",
        "",
        f"The whole log is `{tmp_path}/logs/toy.log`",
    ]
    assert error.hints == ()
    assert Path(error.log).read_text().splitlines() == list(error.tail)


def backend_lines() -> int:
    from tests.helpers.backends import BACKEND

    return BACKEND.count("\n")


BACKEND_LINES = backend_lines()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("sys.exit('gave up')", "exit status 1"),
        ("sys.exit(3)", "exit status 3"),
        ("sys.exit()", "exit status 0"),
        ("os._exit(4)", "exit status 4"),
        ("os.kill(os.getpid(), 9)", "killed by signal 9, SIGKILL"),
        ("os.kill(os.getpid(), 11)", "killed by signal 11, SIGSEGV"),
        ("os.killpg(0, 15)", "killed by signal 15, SIGTERM"),
        ("raise KeyboardInterrupt", "exit status 1"),
    ],
)
def test_how_it_ended(tmp_path: Path, body: str, status: str) -> None:
    error = failing(tmp_path, f"\ndef build_wheel(*_): {body}\n")
    assert (error.hook, error.status) == ("toy_backend.build_wheel", status)
    assert bool(error.hints) == ("SIGKILL" in status)


def test_the_words_of_an_exit_are_in_the_log(tmp_path: Path) -> None:
    assert failing(tmp_path, "\ndef build_wheel(*_): sys.exit('gave up')\n").tail == ("gave up",)


def test_a_failure_in_the_first_hook(tmp_path: Path) -> None:
    error = failing(tmp_path, "\ndef get_requires_for_build_wheel(*_): 1/0\n")
    assert error.hook == "toy_backend.get_requires_for_build_wheel"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("def build_wheel(*_): return None", "`build_wheel` returned None, which is not the name of a wheel"),
        (
            "def build_wheel(*_): return 'x.whl'",
            "`build_wheel` returned `x.whl`, and there is no such wheel where it should be",
        ),
        (
            "def build_wheel(*_): return '../x.whl'",
            "`build_wheel` returned `../x.whl`, and there is no such wheel where it should be",
        ),
        (
            "def get_requires_for_build_wheel(*_): return 'setuptools'",
            "`get_requires_for_build_wheel` returned 'setuptools', which is not a list of requirements",
        ),
        ("del build_wheel", "the build backend has no hook `build_wheel`"),
    ],
)
def test_backends_that_break_the_specification(tmp_path: Path, more: str, reason: str) -> None:
    error = failing(tmp_path, f"\n{more}\n")
    assert isinstance(error, BackendBroken)
    assert error.reason == reason
    assert str(error).splitlines()[1] == f"The build backend `toy_backend` cannot be used: {reason}"


def test_no_metadata_where_it_was_promised(tmp_path: Path) -> None:
    error = failing(tmp_path, "\ndef prepare_metadata_for_build_wheel(*_): return 'x'\n", goal="metadata")
    assert isinstance(error, BackendBroken)
    assert "there is no such metadata" in error.reason


def test_a_backend_without_editable_wheels(tmp_path: Path) -> None:
    error = failing(tmp_path, "", goal="editable")
    assert isinstance(error, BackendBroken)
    assert error.hints == (
        "install it without `-e`, or require a version of the backend that supports PEP 660",
    )


@pytest.mark.parametrize("backend", ["absent", "absent.part:object", "toy_backend.inner"])
def test_a_backend_that_is_not_there(tmp_path: Path, backend: str) -> None:
    error = failing(tmp_path, "", backend=backend)
    assert isinstance(error, BackendBroken)
    assert error.reason.startswith("there is no module `")
    assert error.tail[-1].startswith("ModuleNotFoundError: No module named")
    assert "`requires` under `[build-system]`" in error.hints[0]


def test_a_backend_that_is_not_installed_without_isolation(tmp_path: Path) -> None:
    error = failing(tmp_path, "", backend="absent", isolated=False)
    assert error.tail == ("ModuleNotFoundError: No module named 'absent'",)
    assert error.hints == (
        "install what has the module `absent` into the environment first, or leave out `--no-build-isolation`",
    )


def test_a_backend_object_that_is_not_there(tmp_path: Path) -> None:
    error = failing(tmp_path, "", backend="toy_backend:some.thing")
    assert isinstance(error, BackendBroken)
    assert error.reason == "`toy_backend` has no `some.thing`"


def test_backend_objects(tmp_path: Path) -> None:
    more = (
        "\nclass Outer:\n    class inner:\n        build_wheel = staticmethod(build_wheel)\ndel build_wheel\n"
    )
    assert run_hooks(hook_job(tmp_path, source_tree(tmp_path, more), backend="toy_backend:Outer.inner")).wheel


def test_an_in_tree_backend_is_not_taken_from_elsewhere(tmp_path: Path) -> None:
    error = failing(tmp_path, "", backend="json")
    assert isinstance(error, BackendBroken)
    assert error.reason == "`json` was imported from outside `backend-path`"


def test_an_undeclared_build_requirement(tmp_path: Path) -> None:
    error = failing(tmp_path, "\ndef build_wheel(*_): import numpy_of_old.core\n")
    assert type(error) is BuildFailed
    assert error.hints == (
        "`toy` does not declare what has the module `numpy_of_old` as a build requirement: add it to `requires`"
        " under `[build-system]` in its `pyproject.toml`, or install it into the environment and use"
        " `--no-build-isolation-package toy`",
    )


@pytest.mark.parametrize(
    ("printed", "hint"),
    [
        ("ModuleNotFoundError: No module named 'pkg_resources'", "setuptools<82"),
        ("ModuleNotFoundError: No module named 'distutils.core'", "Python 3.12"),
        ("error: command 'gcc' failed: No such file or directory", "compiler: `gcc`"),
        (
            "error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-gcc'",
            "compiler: `x86_64-linux-gnu-gcc`",
        ),
        ("a.c:1:10: fatal error: Python.h: No such file or directory", "headers of this Python"),
        ("a.c:1:10: fatal error: ffi.h: No such file or directory", "header `ffi.h`"),
        ("/usr/bin/ld: cannot find -lxml2: No such file or directory", "library `xml2`"),
        ("OSError: [Errno 28] No space left on device: '/tmp/x'", "TMPDIR"),
    ],
)
def test_hints_from_the_log(tmp_path: Path, printed: str, hint: str) -> None:
    error = failing(tmp_path, f"\ndef build_wheel(*_): sys.exit({printed!r})\n")
    (found,) = error.hints
    assert hint in found


@pytest.mark.parametrize("full", ["output", "logs"])
def test_a_full_disk(tmp_path: Path, full: str) -> None:
    more = """
def build_wheel(wheel_directory, *_):
    if os.path.exists("fill"):
        print("x" * (1 << 20))
    return write_wheel(wheel_directory, {"toy.py": "x" * (1 << 20)})
"""
    tree = source_tree(tmp_path, more)
    if full == "logs":
        (tree / "fill").touch()
    with small_disk(tmp_path / full, "64k"):
        error = failure(hook_job(tmp_path, tree, environ=(("TMPDIR", "/scratch"),)))
    assert error.hook == "toy_backend.build_wheel"
    assert error.hints == (
        "make room in the cache and in `/scratch`, or point `TMPDIR` and `PUFFIN_CACHE_DIR` elsewhere",
    )


def test_what_is_shown_of_the_log(tmp_path: Path) -> None:
    more = """
def build_wheel(*_):
    for number in range(100):
        print(number)
    print("https://user:secret@host/x \\x1b[31mred\\x1b[0m")
    print("10%\\r50%\\r100%", end="\\n\\n")
    sys.exit(2)
"""
    error = failing(tmp_path, more)
    assert error.tail == (*map(str, range(62, 100)), "https://****@host/x red", "100%")
    assert "secret" in Path(error.log).read_text()


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    error = failing(tmp_path, "", python=str(tmp_path / "bin" / "python"))
    assert error.status == "it could not be started"
    assert "No such file" in str(error.causes[0])


def test_an_interpreter_that_ends_at_once(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho broken >&2\nexit 7\n")
    python.chmod(0o755)
    error = failing(tmp_path, "", python=str(python))
    assert (error.hook, error.status, error.tail) == ("", "exit status 7", ("broken",))


def test_a_job_leaves_no_open_files(tmp_path: Path) -> None:
    job = hook_job(tmp_path, source_tree(tmp_path))
    run_hooks(job)
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    run_hooks(job)
    assert before == (os.listdir("/proc/self/fd") if before else [])


def test_an_interpreter_that_greets(tmp_path: Path) -> None:
    environment = build_environment(tmp_path)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "greeting.pth").write_text("import sys; sys.stdout.write('hello'); sys.stdout.flush()\n")
    assert run_hooks(installed_job(tmp_path, environment)).wheel


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
    until(lambda: all(map(gone, pids(tree))))


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
    error = failure(hook_job(tmp_path, tree, timeout=0.7))
    assert isinstance(error, BuildTimedOut)
    assert error.what() == "`toy_backend.build_wheel` took longer than 0.7 s and was ended"
    until(lambda: all(map(gone, pids(tree))))


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
