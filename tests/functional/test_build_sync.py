"""Syncing to what has no wheel: from an index, an archive, a directory, a repository, on every executor."""

import json
import os
import subprocess
from hashlib import sha256

import pytest

from tests.helpers.cli import checked, told
from tests.helpers.sdists import forge_backend, forge_sdist, hooks_run, write_project
from tests.helpers.wheels import forge_wheel

EXECUTORS = ("inline", "pool", "cluster")


@pytest.fixture
def log(tmp_path):
    """A file that gets a line for each hook that ran."""
    return tmp_path / "told"


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    return index


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_pin_without_a_wheel_is_built_once_for_all_environments(puffin, shop, log, executor):
    shop.add(*forge_sdist("thing", told=log))
    shop.add(*forge_wheel("lib", "1.0"))
    puffin.executor = executor
    pins = "lib==1.0\nthing==1.0\n"
    env = puffin.venv()
    done = puffin.sync(pins, "-i", shop.url)
    assert (done.code, done.err) == (0, told("+ lib==1.0", "+ thing==1.0", pins=2, prepared=2, installed=2))
    assert puffin.sync(None, "-i", shop.url).err == checked(2)
    assert env.installed() == {"lib": "1.0", "thing": "1.0"}
    puffin.venv(name="other")
    done = puffin.sync(None, "-i", shop.url, "-p", "other")
    assert (done.code, done.err) == (0, told("+ lib==1.0", "+ thing==1.0", pins=2, installed=2))
    assert hooks_run(log) == ["wheel thing"], "a sync needs no metadata"
    assert list((puffin.cache / "tmp-v0").iterdir()) == []


def test_a_wheel_that_is_not_wanted_is_built(puffin, env, shop, log):
    shop.add(*forge_sdist("thing", told=log))
    shop.add(*forge_wheel("thing", "1.0"))
    assert puffin.sync("thing==1.0\n", "-i", shop.url).code == 0
    assert hooks_run(log) == []
    done = puffin.sync(None, "-i", shop.url, "--no-binary", "thing", "--reinstall")
    assert done.code == 0, done.err
    assert hooks_run(log) == ["wheel thing"]
    assert env.run("-c", "import thing; print(thing.TOLD['imported'])") == "[]"


def test_an_archive_by_url_is_built_and_then_at_rest(puffin, env, shop, log):
    shop.add(*forge_sdist("thing", told=log))
    pin = f"thing @ {shop.file_url('thing-1.0.tar.gz')}\n"
    done = puffin.sync(pin, "-i", shop.url)
    assert (done.code, done.err) == (
        0,
        told("+ thing==1.0 (from [INDEX]/files/thing-1.0.tar.gz)", pins=1, prepared=1, installed=1),
    )
    digest = sha256(forge_sdist("thing", told=log)[1]).hexdigest()
    other = puffin.venv(name="other")
    assert puffin("pip", "install", pin.strip(), "-i", shop.url, "-p", other.root).code == 0
    for each in (env, other):
        said = json.loads((each.info("thing") / "direct_url.json").read_text())
        assert said["archive_info"] == {"hash": f"sha256={digest}", "hashes": {"sha256": digest}}
        each.record("thing")
    assert puffin.sync(None, "-i", shop.url).err == checked(1)
    assert hooks_run(log) == ["wheel thing"]


def test_a_local_archive_is_recorded_by_its_own_hash(puffin, env, shop, log):
    name, data = forge_sdist("thing", told=log)
    path = puffin.file(name, data)
    done = puffin.sync(f"./{name}\n", "-i", shop.url)
    assert done.code == 0, done.err
    digest = sha256(data).hexdigest()
    assert json.loads((env.info("thing") / "direct_url.json").read_text()) == {
        "archive_info": {"hash": f"sha256={digest}", "hashes": {"sha256": digest}},
        "url": path.as_uri(),
    }
    assert puffin.sync(None, "-i", shop.url).err == checked(1)


def test_an_editable_line_in_a_file(puffin, env, shop, log):
    project = write_project(puffin.cwd / "thing", "thing", told=log, version="3.1")
    done = puffin.sync("-e ./thing\n", "-i", shop.url)
    assert (done.code, done.err) == (
        0,
        told("+ thing==3.1 (from file://[TMP]/here/thing)", pins=1, prepared=1, installed=1),
    )
    (project / "sources.py").write_text("VALUE = 7\n")
    assert env.run("-c", "import sources; print(sources.VALUE)") == "7"
    assert puffin.sync(None, "-i", shop.url).err == checked(1)
    assert hooks_run(log) == ["metadata thing", "wheel thing"], "nothing else tells its name"


def test_a_repository_is_built_from_its_commit(puffin, env, shop, log):
    project = write_project(puffin.root / "repo" / "inner", "thing", told=log)

    def git(*words):
        names = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main")
        return subprocess.run(
            ["git", *names, *words], cwd=project.parent, check=True, capture_output=True, text=True
        ).stdout.strip()

    for words in (("init",), ("add", "."), ("commit", "-m", "one")):
        git(*words)
    commit = git("rev-parse", "HEAD")
    url = f"git+file://{project.parent}@main#subdirectory=inner"
    done = puffin.sync(f"thing @ {url}\n", "-i", shop.url)
    assert done.code == 0, done.err
    said = json.loads((env.info("thing") / "direct_url.json").read_text())
    assert said["vcs_info"] == {"commit_id": commit, "requested_revision": "main", "vcs": "git"}
    assert said["subdirectory"] == "inner"
    assert git("status", "--short") == ""
    assert puffin.sync(None, "-i", shop.url).err == checked(1)
    other = puffin.venv(name="other")
    done = puffin("pip", "install", f"thing @ {url}", "-i", shop.url, "-p", "other")
    assert done.code == 0, done.err
    assert other.installed() == {"thing": "1.0"}
    assert hooks_run(log)[-1:] == ["wheel thing"]
    assert hooks_run(log).count("wheel thing") == 1


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_failure_leaves_the_environment_and_what_was_built(puffin, env, shop, log, executor):
    shop.add(*forge_sdist("broken", fail="wrong"))
    shop.add(*forge_sdist("thing", told=log))
    puffin.executor = executor
    done = puffin.sync("broken==1.0\nthing==1.0\n", "-i", shop.url)
    assert done.code == 1
    assert done.err.count("Failed to build") == 1
    assert env.installed() == {}
    assert puffin.sync("thing==1.0\n", "-i", shop.url).code == 0
    assert hooks_run(log) == ["wheel thing"]


def test_a_wheel_of_another_name_or_version_is_refused(puffin, env, shop):
    name, data = forge_sdist("thing")
    shop.add(name.replace("thing-1.0", "other-1.0"), data)
    done = puffin.sync("other==1.0\n", "-i", shop.url)
    assert done.code == 1
    assert (
        "Failed to build `other==1.0`: the built wheel, `thing-1.0-py3-none-any.whl`, is of `thing`" in done.err
    )
    assert env.installed() == {}


def test_a_wheel_for_another_system_is_refused(puffin, env, shop):
    shop.add(*forge_sdist("thing", tag="cp27-cp27m-win32"))
    done = puffin.sync("thing==1.0\n", "-i", shop.url)
    assert done.code == 1
    assert "does not fit the environment" in done.err


def test_a_damaged_wheel_is_built_again(puffin, env, shop, log):
    shop.add(*forge_sdist("thing", told=log))
    assert puffin.sync("thing==1.0\n", "-i", shop.url).code == 0
    (wheel,) = (puffin.cache / "built-wheels-v0").glob("*/*/*/*.whl")
    wheel.write_bytes(bytes(wheel.stat().st_size))
    assert puffin("cache", "clean", "nothing").code == 0
    for path in (puffin.cache / "archive-v0").glob("*/*.manifest"):
        path.unlink()
    done = puffin.sync(None, "-i", shop.url, "--reinstall")
    assert done.code == 0, done.err
    assert env.run("-c", "import thing; print(thing.TOLD['imported'])") == "[]"
    assert hooks_run(log) == ["wheel thing"] * 2


def test_cleaning_a_package_forgets_what_was_built_of_it_and_with_it(puffin, env, shop, log):
    shop.add(*forge_sdist("thing", told=log))
    shop.add(*forge_sdist("other", told=log))
    pins = "other==1.0\nthing==1.0\n"
    assert puffin.sync(pins, "-i", shop.url).code == 0
    assert puffin("cache", "clean", "thing").code == 0
    assert puffin.sync(None, "-i", shop.url, "--reinstall").code == 0
    assert hooks_run(log) == ["wheel other", "wheel thing", "wheel thing"]
    assert len(list((puffin.cache / "build-envs-v0").iterdir())) == 1
    assert puffin("cache", "clean", "toy").code == 0
    assert list((puffin.cache / "build-envs-v0").iterdir()) == []


def _environment(puffin):
    (root,) = (puffin.cache / "build-envs-v0").iterdir()
    (module,) = root.glob("lib/python*/site-packages/toy.py")
    return root, module


HEALED = "warning: The kept build environment of `toy` was damaged; making it again\n"


@pytest.mark.parametrize("damage", ["deleted", "cut off"])
def test_a_build_environment_that_lost_a_file_is_made_anew_and_the_user_is_told(puffin, env, shop, log, damage):
    for name in ("thing", "other", "third"):
        shop.add(*forge_sdist(name, told=log))
    assert puffin.sync("thing==1.0\n", "-i", shop.url).code == 0
    root, module = _environment(puffin)
    before = root.stat().st_ino
    if damage == "deleted":
        module.unlink()
    else:
        os.truncate(module, 3)  # it is the file of the archive too
    done = puffin.sync("other==1.0\nthing==1.0\n", "-i", shop.url)
    assert done.code == 0, done.err
    assert done.err.count(HEALED) == done.err.count("warning") == 1
    assert hooks_run(log) == ["wheel other", "wheel thing"]
    after = root.stat().st_ino
    assert after != before
    done = puffin.sync("other==1.0\nthing==1.0\nthird==1.0\n", "-i", shop.url)
    assert (done.code, "warning" in done.err) == (0, False)
    assert root.stat().st_ino == after, "what is whole is used as it is"


def test_bytecode_in_a_build_environment_is_no_damage(puffin, env, shop, log):
    for name in ("thing", "other"):
        shop.add(*forge_sdist(name, told=log))
    assert puffin.sync("thing==1.0\n", "-i", shop.url).code == 0
    root, module = _environment(puffin)
    before = root.stat().st_ino
    for compiled in root.rglob("*.pyc"):
        compiled.unlink()
    (module.parent / "__pycache__").mkdir(exist_ok=True)
    (module.parent / "__pycache__/more.pyc").write_bytes(b"x")
    done = puffin.sync("other==1.0\nthing==1.0\n", "-i", shop.url)
    assert (done.code, "warning" in done.err, root.stat().st_ino) == (0, False, before)


def test_compile_and_sync_of_many_tell_of_a_damaged_build_environment_too(puffin, shop, log):
    for name in ("thing", "other", "third"):
        shop.add(*forge_sdist(name, told=log))
    puffin.file("a/requirements.txt", "thing==1.0\n")
    puffin.file("b/requirements.txt", "other==1.0\n")
    assert puffin("sync", "a/requirements.txt", "-i", shop.url).code == 0
    _environment(puffin)[1].unlink()
    done = puffin("sync", "*/requirements.txt", "-i", shop.url)
    assert done.code == 0, done.err
    assert done.err.count(HEALED) == 1
    _environment(puffin)[1].unlink()
    puffin.file("requirements.in", "third\n")
    done = puffin("pip", "compile", "requirements.in", "-p", "a/.venv", "-i", shop.url)
    assert (done.code, done.err) == (0, HEALED + "Resolved 1 package in [TIME]\n")


@pytest.mark.parametrize("command", range(3), ids=("pip sync", "sync", "name"))
def test_exclude_newer_holds_for_what_a_build_needs(puffin, shop, log, command):
    puffin.venv()
    name, data = forge_backend("2.0")
    shop.add(name, data, uploaded="2025-01-01T00:00:00Z")
    shop.add(*forge_sdist("thing", told=log))
    pin = f"thing @ {shop.file_url('thing-1.0.tar.gz')}\n"
    puffin.file("requirements.txt", f"{shop.file_url('thing-1.0.tar.gz')}\n" if command == 2 else pin)
    words = ("sync", "requirements.txt") if command == 1 else ("pip", "sync", "requirements.txt")
    done = puffin(*words, "-i", shop.url, "--exclude-newer", "2024-06-01")
    assert done.code == 0, done.err
    assert shop.count(f"/files/{name}") == 0
