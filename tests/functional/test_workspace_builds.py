"""``puffin sync`` over environments that want what has no wheel: each build once, wherever it is wanted."""

import json
import os
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

from tests.functional.test_workspace import EXECUTORS, GLOB, services, sync
from tests.functional.test_workspace_report import read
from tests.helpers.cli import Env
from tests.helpers.pythons import real_python
from tests.helpers.sdists import forge_backend, forge_sdist, hooks_run, write_project
from tests.helpers.waiting import SECONDS
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def log(tmp_path):
    """A file that gets a line for each hook that ran."""
    return tmp_path / "told"


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    index.add(*forge_wheel("lib", "1.0"))
    return index


def dedupe(puffin, shop, *words, env=None):
    """Sync with a report; return how it ended, and what the environments had in common."""
    done = sync(puffin, shop, *(words or (GLOB,)), "--report", "report.json", env=env)
    return done, read(puffin.cwd / "report.json")["dedupe"]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_three_environments_that_want_one_source_get_one_build(puffin, shop, log, executor):
    puffin.executor = executor
    shop.add(*forge_sdist("thing", told=log))
    envs = services(puffin, a="thing==1.0\n", b="lib==1.0\nthing==1.0\n", c="thing==1.0\n")
    done, told = dedupe(puffin, shop)
    assert done.code == 0, done.err
    assert hooks_run(log) == ["wheel thing"]
    assert shop.count("/files/thing-1.0.tar.gz") == 1
    assert (told["builds_run"], told["builds_shared"]) == (1, 2)
    assert done.err.splitlines()[-1].endswith("; 1 package built, 2 builds shared")
    for env in envs.values():
        assert env.installed()["thing"] == "1.0"
        assert env.unlisted() == set()
        env.record("thing")
    assert sync(puffin, shop).err.startswith("Checked 3 environments")
    services(puffin, d="thing==1.0\n")
    done, told = dedupe(puffin, shop)
    assert done.code == 0, done.err
    assert hooks_run(log) == ["wheel thing"], "the wheel was kept"
    assert (told["builds_run"], told["builds_shared"]) == (0, 0)
    assert list((puffin.cache / "tmp-v0").iterdir()) == []


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_failed_build_is_told_once_and_the_others_are_committed(puffin, shop, log, executor):
    puffin.executor = executor
    shop.add(*forge_sdist("broken", fail="wrong", told=log))
    shop.add(*forge_sdist("thing", told=log))
    envs = services(
        puffin, a="lib==1.0\nthing==1.0\n", b="broken==1.0\nthing==1.0\n", c="broken==1.0\n", d="lib==1.0\n"
    )
    done = sync(puffin, shop, GLOB, "--report", "report.json")
    report = read(puffin.cwd / "report.json")
    assert done.code == 3
    assert done.err.count("Failed to build `broken==1.0`") == 1
    assert "In `services/b` and `services/c`" in done.err
    assert "something is wrong" in done.err
    assert envs["a"].installed() == {"lib": "1.0", "thing": "1.0"}
    assert envs["d"].installed() == {"lib": "1.0"}
    assert not envs["b"].root.exists()
    assert not envs["c"].root.exists()
    assert hooks_run(log) == ["wheel broken", "wheel thing"]
    assert report["dedupe"]["builds_run"] == 2
    error = next(each["error"] for each in report["envs"] if each["name"] == "services/c")
    assert (error["kind"], error["package"]) == ("BuildFailed", "broken==1.0")
    assert "something is wrong" in Path(error["log"]).read_text()


def test_a_build_requirement_that_fails_is_told_with_what_it_is_for(puffin, shop, log):
    shop.add(*forge_sdist("lower", fail="wrong"))
    shop.add(*forge_sdist("upper", needs=("toy", "lower")))
    services(puffin, a="upper==1.0\n", b="lib==1.0\nupper==1.0\n")
    done = sync(puffin, shop)
    assert done.code == 1
    assert done.err.count("Failed to build `lower==1.0`") == 1
    assert "`lower==1.0` is needed to build `upper==1.0`" in done.err


def test_two_runs_at_once_build_once(puffin, shop, log):
    shop.add(*forge_sdist("thing", told=log, wait=0.5))
    envs = services(puffin, a="thing==1.0\n", b="thing==1.0\n", c="lib==1.0\nthing==1.0\n", d="thing==1.0\n")
    runs = []
    for number, names in enumerate(("[ab]", "[cd]")):
        words = ("sync", f"services/{names}/requirements.txt", "-i", shop.url, "--report", f"r{number}.json")
        command = [sys.executable, "-m", "puffin", *words]
        runs.append(subprocess.Popen(command, cwd=puffin.cwd, env=puffin.environ(), stderr=subprocess.PIPE))
    for run in runs:
        _, said = run.communicate(timeout=SECONDS)
        assert run.returncode == 0, said
    assert hooks_run(log) == ["wheel thing"]
    told = [read(puffin.cwd / f"r{number}.json")["dedupe"] for number in (0, 1)]
    assert sum(each["builds_run"] for each in told) == 1
    assert [env.installed()["thing"] for env in envs.values()] == ["1.0"] * 4


def test_directories_editables_archives_and_repositories(puffin, shop, log):
    edited = write_project(puffin.cwd / "shared" / "edited", "edited", told=log, version="3.1")
    write_project(puffin.cwd / "shared" / "plain", "plain", told=log)
    project = write_project(puffin.root / "repo", "stored", told=log)
    names = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main")
    for words in (("init",), ("add", "."), ("commit", "-m", "one")):
        subprocess.run(["git", *names, *words], cwd=project, check=True, capture_output=True)
    shop.add(*forge_sdist("thing", told=log))
    pins = (
        "-e ../../shared/edited\n../../shared/plain\n"
        f"stored @ git+file://{project}@main\nthing @ {shop.file_url('thing-1.0.tar.gz')}\n"
    )
    envs = services(puffin, a=pins, b=pins)
    done, told = dedupe(puffin, shop)
    assert done.code == 0, done.err
    expected = {"edited": "3.1", "plain": "1.0", "stored": "1.0", "thing": "1.0"}
    assert [env.installed() for env in envs.values()] == [expected, expected]
    (edited / "sources.py").write_text("VALUE = 7\n")
    assert envs["b"].run("-c", "import sources; print(sources.VALUE)") == "7"
    assert [each for each in hooks_run(log) if each.startswith("wheel")] == [
        "wheel edited",
        "wheel plain",
        "wheel stored",
        "wheel thing",
    ]
    assert (told["builds_run"], told["builds_shared"]) == (4, 4)
    said = json.loads((envs["a"].info("edited") / "direct_url.json").read_text())
    assert said == {"dir_info": {"editable": True}, "url": edited.as_uri()}
    said = json.loads((envs["b"].info("thing") / "direct_url.json").read_text())
    digest = sha256(forge_sdist("thing", told=log)[1]).hexdigest()
    assert said["archive_info"] == {"hash": f"sha256={digest}", "hashes": {"sha256": digest}}
    changes = read(puffin.cwd / "report.json")["envs"][0]["changes"]
    assert [(each["name"], each["to"]) for each in changes] == list(expected.items())
    before = {name: env.tree() for name, env in envs.items()}
    assert sync(puffin, shop).err.startswith("Checked 2 environments (8 packages)")
    assert {name: env.tree() for name, env in envs.items()} == before


def test_unpinned_inputs_are_resolved_with_metadata_that_builds_tell(puffin, shop, log):
    shop.add(*forge_sdist("thing", told=log, requires=("lib",)))
    for name in "ab":
        puffin.file(f"services/{name}/requirements.in", "thing\n")
    done = sync(puffin, shop, "services/*/requirements.in")
    assert done.code == 0, done.err
    for name in "ab":
        assert Env(puffin.cwd / "services" / name / ".venv").installed() == {"lib": "1.0", "thing": "1.0"}
    assert hooks_run(log) == ["metadata thing", "wheel thing"]


def test_locks_are_written_with_metadata_that_builds_tell(puffin, shop, log):
    shop.add(*forge_sdist("thing", told=log, requires=("lib",)))
    for name in "ab":
        puffin.file(f"{name}/requirements.in", "thing\n")
    done = puffin("lock", "*/requirements.in", "-i", shop.url)
    assert done.code == 0, done.err
    for name in "ab":
        text = (puffin.cwd / name / "requirements.txt").read_text()
        assert [line for line in text.splitlines() if "==" in line] == ["lib==1.0", "thing==1.0"]
    assert hooks_run(log) == ["metadata thing"]
    done = puffin("lock", "*/requirements.in", "-i", shop.url, "--no-build", "--check")
    assert done.code != 0
    assert "--no-build" in done.err


TWO_OF_ONE = """
[envs.one]
path = "one/.venv"
project = "shared"

[envs.two]
path = "two/.venv"
project = "shared"
groups = ["dev"]
"""


@pytest.fixture
def dynamic(puffin, log):
    """Return what writes a project whose dependencies only its backend tells, and configures two environments."""

    def write(**options):
        tree = write_project(puffin.cwd / "shared", "own", told=log, requires=("lib",), **options)
        file = tree / "pyproject.toml"
        file.write_text(
            '[project]\nname = "own"\ndynamic = ["version", "dependencies"]\n'
            f'[dependency-groups]\ndev = ["toy"]\n{file.read_text()}'
        )
        puffin.file("puffin.toml", TWO_OF_ONE)
        return [Env(puffin.cwd / name / ".venv") for name in ("one", "two")]

    return write


@pytest.mark.parametrize("words", [(), ("--refresh",), ("--no-cache",)])
def test_a_project_with_dynamic_dependencies_is_built_once_for_all(puffin, shop, log, dynamic, words):
    envs = dynamic()
    done = sync(puffin, shop, "--all", *words)
    assert done.code == 0, done.err
    own = {"lib": "1.0", "own": "1.0"}
    assert [env.installed() for env in envs] == [own, {**own, "toy": "1.0"}]
    assert hooks_run(log) == ["metadata own", "wheel own"]


def test_a_project_with_dynamic_dependencies_by_its_path(puffin, shop, log, dynamic):
    dynamic()
    (puffin.cwd / "puffin.toml").unlink()
    done = sync(puffin, shop, "shared/pyproject.toml")
    assert done.code == 0, done.err
    assert Env(puffin.cwd / "shared" / ".venv").installed() == {"lib": "1.0", "own": "1.0"}
    refused = sync(puffin, shop, "shared/pyproject.toml", "--no-build", "--refresh")
    assert (refused.code, "is left to a build with `toy`" in refused.err) == (1, True), refused.err
    assert hooks_run(log) == ["metadata own", "wheel own"]


def test_a_project_with_dynamic_dependencies_is_locked(puffin, shop, log, dynamic):
    dynamic()
    done = puffin("lock", "one", "two", "-i", shop.url, "--refresh")
    assert done.code == 0, done.err
    names = [[each["name"] for each in packages] for packages in (_locked(puffin, ""), _locked(puffin, ".two"))]
    assert names == [["lib", "own"], ["lib", "own", "toy"]]
    assert hooks_run(log) == ["metadata own"]
    assert puffin("lock", "one", "two", "-i", shop.url, "--check").code == 0
    assert hooks_run(log) == ["metadata own"]
    refused = puffin("lock", "one", "-i", shop.url, "--no-build")
    assert (refused.code, "is left to a build with `toy`" in refused.err) == (1, True), refused.err


def _locked(puffin, suffix):
    return tomllib.loads((puffin.cwd / "shared" / f"pylock{suffix}.toml").read_text())["packages"]


@pytest.mark.parametrize("command", ["sync", "lock"])
def test_a_project_that_cannot_tell_its_dependencies_is_told_once(puffin, shop, log, dynamic, command):
    dynamic(fail="wrong", backend="toy_plain")
    done = puffin(command, "one", "two", "-i", shop.url)
    assert done.code == 1
    assert f"error: Failed to {command} all 2 environments; they were left as they were" in done.err
    assert done.err.count("Failed to build") == 1
    assert "In `one` and `two`" in done.err
    assert hooks_run(log) == ["wheel own"]


def test_without_isolation_each_environment_builds_with_what_it_has(puffin, shop, log):
    shop.add(*forge_sdist("thing", told=log, imports=("lib",)))
    envs = services(puffin, a="lib==1.0\nthing==1.0\ntoy==1.0\n", b="lib==1.0\nthing==1.0\ntoy==1.0\n")
    done, told = dedupe(puffin, shop, GLOB, "--no-build-isolation")
    assert done.code == 0, done.err
    assert hooks_run(log) == ["wheel thing"] * 2
    assert (told["builds_run"], told["builds_shared"]) == (2, 0)
    for env in envs.values():
        assert env.installed() == {"lib": "1.0", "thing": "1.0", "toy": "1.0"}
    changes = read(puffin.cwd / "report.json")["envs"][0]["changes"]
    assert [(each["action"], each["name"]) for each in changes] == [
        ("add", "lib"),
        ("add", "thing"),
        ("add", "toy"),
    ]
    assert sync(puffin, shop, GLOB, "--no-build-isolation").err.startswith("Checked 2 environments")


def test_without_isolation_what_lacks_its_backend_fails_alone(puffin, shop, log):
    shop.add(*forge_sdist("thing", told=log))
    envs = services(puffin, a="thing==1.0\ntoy==1.0\n", b="thing==1.0\n", c="lib==1.0\n")
    done = sync(puffin, shop, GLOB, "--no-build-isolation-package", "thing")
    assert done.code == 3
    assert "In `services/b`" in done.err
    assert envs["a"].installed() == {"thing": "1.0", "toy": "1.0"}
    assert envs["c"].installed() == {"lib": "1.0"}
    assert not envs["b"].root.exists()


def test_a_late_build_that_fails_says_what_is_done_there(puffin, shop, log):
    shop.add(*forge_wheel("lib", "2.0"))
    shop.add(*forge_sdist("thing", imports=("absent",), told=log))
    envs = services(puffin, a="lib==1.0\ntoy==1.0\n", b="lib==1.0\n", c="lib==1.0\n")
    assert sync(puffin, shop).code == 0
    services(puffin, a="lib==2.0\nthing==1.0\ntoy==1.0\n", b="nowhere==1.0\n", d="thing==1.0\ntoy==1.0\n")
    alone = ("services/a/requirements.txt", "--no-build-isolation-package", "thing")
    done = sync(puffin, shop, GLOB, *alone[1:], "--report", "report.json", "--report-full", "-v")
    assert done.code == 3
    assert (
        "error: Failed to sync 3 of 4 environments; they were left as they were, but for `services/a`: "
        in done.err
    )
    assert "all else is done, as these builds needed it there\n" in done.err
    rows = {line.split()[0]: line.split() for line in done.err.splitlines() if line.startswith("  services/")}
    assert rows["services/a"][2:] == ["0", "0", "1", "1", "failed,", "partly", "done"]
    assert rows["services/b"][2:] == ["0", "0", "0", "0", "failed"]
    assert rows["services/d"][2:] == ["0", "0", "0", "1", "failed"]
    assert " - lib==1.0\n + lib==2.0: version 2.0 is required, and 1.0 was installed\n" in done.err
    assert "+ thing" not in done.err
    told = {each["name"]: each for each in read(puffin.cwd / "report.json")["envs"]}
    assert [(each["status"], each["partly"]) for each in told.values()] == [
        ("failed", True),
        ("failed", False),
        ("unchanged", False),
        ("failed", False),
    ]
    changes = [(each["action"], each["name"], each["to"]) for each in told["services/a"]["changes"]]
    assert changes == [("replace", "lib", "2.0")]
    assert [each["metadata"]["name"] for each in told["services/a"]["install"]] == ["lib"]
    assert told["services/b"]["changes"] == told["services/d"]["changes"] == []
    assert envs["a"].installed() == {"lib": "2.0", "toy": "1.0"}
    assert not Env(puffin.cwd / "services" / "d" / ".venv").root.exists()
    services(puffin, a="lib==1.0\nthing==1.0\ntoy==1.0\n")
    done = sync(puffin, shop, *alone)
    assert done.code == 1
    assert (
        "error: Failed to sync the environment; all else is done, as these builds needed it there\n" in done.err
    )
    assert envs["a"].installed() == {"lib": "1.0", "toy": "1.0"}


MATRIX = """
[[env-glob]]
match = "services/*/requirements.txt"
path = "{{dir}}/.venv-{{python}}"
python = ["{}", "{}"]
"""


def matrix(puffin):
    """Configure environments for two interpreters; return the variables that have them found."""
    versions = [each for each in ("3.11", "3.12", "3.13", "3.10") if real_python(each)][:2]
    if len(versions) < 2:
        pytest.skip("needs two interpreters")
    puffin.file("puffin.toml", MATRIX.format(*versions))
    places = [os.path.dirname(real_python(each)) for each in versions]
    return {"PATH": os.pathsep.join((*places, os.environ["PATH"]))}, versions


def test_a_universal_wheel_is_built_once_for_all_interpreters(puffin, shop, log):
    variables, versions = matrix(puffin)
    shop.add(*forge_sdist("thing", told=log))
    services(puffin, a="thing==1.0\n", b="thing==1.0\n")
    done, told = dedupe(puffin, shop, "--all", env=variables)
    assert done.code == 0, done.err
    assert hooks_run(log) == ["wheel thing"]
    assert (told["builds_run"], told["builds_shared"]) == (1, 3)
    for python in versions:
        for name in "ab":
            env = Env(puffin.cwd / "services" / name / f".venv-{python}")
            assert env.run("-c", "import thing; print(thing.TOLD['imported'])") == "[]"


def test_a_wheel_for_one_interpreter_is_built_once_for_each(puffin, shop, log):
    variables, versions = matrix(puffin)
    shop.add(*forge_sdist("thing", told=log, tag="cp{0}{1}-none-any"))
    services(puffin, a="thing==1.0\n", b="thing==1.0\n")
    done, told = dedupe(puffin, shop, "--all", env=variables)
    assert done.code == 0, done.err
    assert hooks_run(log) == ["wheel thing"] * 2
    assert (told["builds_run"], told["builds_shared"]) == (2, 2)
    for python in versions:
        env = Env(puffin.cwd / "services" / "b" / f".venv-{python}")
        assert (
            env.run("-c", "import sys, thing; print(thing.TOLD['python'] == [*sys.version_info[:2]])") == "True"
        )


def test_what_one_interpreter_cannot_build_is_built_for_the_other(puffin, shop, log):
    variables, versions = matrix(puffin)
    last = versions[-1].replace(".", "")
    shop.add(*forge_sdist("thing", told=log, tag=f"cp{last}-none-any"))
    services(puffin, a="thing==1.0\n")
    done = sync(puffin, shop, "--all", env=variables)
    assert done.code == 3
    assert "does not fit the environment" in done.err
    assert Env(puffin.cwd / "services" / "a" / f".venv-{versions[-1]}").installed() == {"thing": "1.0"}
    assert not (puffin.cwd / "services" / "a" / f".venv-{versions[0]}").exists()


def test_metadata_without_isolation_need_the_environment(puffin, shop, log):
    shop.add(*forge_sdist("thing", told=log))
    puffin.file("services/a/requirements.in", "thing\n")
    done = sync(puffin, shop, "services/*/requirements.in", "--no-build-isolation")
    assert done.code == 1
    assert (
        "without isolation for its metadata: the environment `[TMP]/here/services/a/.venv` does not" in done.err
    )
    env = puffin.venv(name="services/a/.venv")
    assert puffin("pip", "install", "toy", "-i", shop.url, "-p", env.root).code == 0
    puffin.file("services/a/requirements.in", "thing\ntoy\n")
    done = sync(puffin, shop, "services/*/requirements.in", "--no-build-isolation")
    assert done.code == 0, done.err
    assert env.installed() == {"thing": "1.0", "toy": "1.0"}
