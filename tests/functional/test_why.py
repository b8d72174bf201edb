"""Why packages were installed, reinstalled or rebuilt: in the terminal, as JSON, in the report and on the page."""

import json
import os
import re
import sys
import time

import pytest

from puffin.cache import frame
from tests.functional.test_workspace_more import git
from tests.helpers.sdists import forge_backend, forge_sdist, project_files
from tests.helpers.wheels import forge_wheel

FILE = "a/requirements.txt"
STAGES = ("fetch: ", "build: ", "compile: ", "environment: ")


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    for version in ("1.0", "2.0"):
        index.add(*forge_wheel("alpha", version))
    index.add(*forge_wheel("beta", "1.0"))
    index.add(*forge_sdist("sourced", "1.0"))
    return index


class World:
    """One environment, `a`, made from one file, and an index."""

    def __init__(self, puffin, index):
        self.puffin, self.index, self.env = puffin, index, {}
        self.source = FILE
        for name, text in project_files("lib", static=True).items():
            puffin.file(f"lib/{name}", text)
        self.wheel("1")

    def wheel(self, tag):
        name, data = forge_wheel("whl", "1.0", files={"whl/__init__.py": f"A = {tag}\n"})
        self.puffin.file(f"wheels/{name}", data)
        self.wheel_name = name

    def write(self, text):
        self.puffin.file(self.source, text)

    def sync(self, *words):
        done = self.puffin(
            "sync", self.source, "-i", self.index.url, "--executor", "inline", *words, env=self.env
        )  # fmt: skip
        assert done.code == 0, done.err
        return done

    @property
    def site(self):
        return next((self.puffin.cwd / "a/.venv").glob("lib/python*/site-packages"))


def version(world):
    world.write("alpha==1.0\n")
    world.sync()
    world.write("alpha==2.0\n")
    return (), "alpha", "version 2.0 is required, and 1.0 was installed"


def first(world):
    world.write("alpha==1.0\n")
    return (), "alpha", "the environment is new"


def added(world):
    world.write("alpha==1.0\n")
    world.sync()
    world.write("alpha==1.0\nbeta==1.0\n")
    return (), "beta", "it was not installed"


def removed(world):
    world.write("alpha==1.0\nbeta==1.0\n")
    world.sync()
    world.write("alpha==1.0\n")
    return (), "beta", "nothing requires it any more"


def reinstall(world):
    world.write("alpha==1.0\n")
    world.sync()
    return ("--reinstall",), "alpha", "`--reinstall` was given"


def reinstall_package(world):
    world.write("alpha==1.0\nbeta==1.0\n")
    world.sync()
    return ("--reinstall-package", "beta"), "beta", "`--reinstall-package` was given"


def damaged(world):
    world.write("alpha==1.0\n")
    world.sync()
    next(world.site.glob("alpha/*.py")).unlink()
    return (), "alpha", "files of it were missing or changed in the environment"


def bytecode(world):
    world.write("alpha==1.0\n")
    world.sync()
    return ("--compile-bytecode",), "alpha", "it lacked bytecode, which is wanted now"


def link_mode(world):
    world.write("alpha==1.0\n")
    world.sync()
    return ("--link-mode", "tree"), "alpha", "the link mode changed"


def twice(world):
    world.write("alpha==1.0\n")
    world.sync()
    info = next(world.site.glob("alpha-1.0.dist-info"))
    other = info.with_name("alpha-0.5.dist-info")
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: alpha\nVersion: 0.5\n")
    (other / "RECORD").write_text("alpha-0.5.dist-info/METADATA,,\nalpha-0.5.dist-info/RECORD,,\n")
    return (), "alpha", "it was installed twice"


def from_index(world):
    world.write(f"../wheels/{world.wheel_name}\n")
    world.sync()
    world.index.add(*forge_wheel("whl", "1.0"))
    world.write("whl==1.0\n")
    place = world.puffin.cwd / "wheels" / world.wheel_name
    return (), "whl", f"it comes from an index now, and came from {place}"


def to_a_file(world):
    world.index.add(*forge_wheel("whl", "1.0"))
    world.write("whl==1.0\n")
    world.sync()
    world.write(f"../wheels/{world.wheel_name}\n")
    place = world.puffin.cwd / "wheels" / world.wheel_name
    return (), "whl", f"it comes from {place} now, and came from an index"


def wheel_file(world):
    world.write(f"../wheels/{world.wheel_name}\n")
    world.sync()
    world.wheel("22")
    return (), "whl", f"the file `{world.puffin.cwd}/wheels/{world.wheel_name}` changed"


def editable(world):
    world.write("../lib\n")
    world.sync()
    world.write("-e ../lib\n")
    return (), "lib", "it is editable now"


def copied(world):
    world.write("-e ../lib\n")
    world.sync()
    world.write("../lib\n")
    return (), "lib", "it is not editable any more"


def source(world):
    world.write("../lib\n")
    world.sync()
    world.puffin.file("lib/lib/more.py", "")
    return (), "lib", f"the files of `{world.puffin.cwd}/lib` changed"


def variable(world):
    world.write("../lib\n")
    world.sync()
    world.env = {"CFLAGS": "-O3"}
    return (), "lib", "`CFLAGS` changed"


def another_variable(world):
    world.env = {"CFLAGS": "-O3", "LDFLAGS": "-s"}
    world.write("../lib\n")
    world.sync()
    world.env = {"CFLAGS": "-O3"}
    return (), "lib", "`LDFLAGS` changed"


def setting(world):
    world.write("../lib\n")
    world.sync("-C", "speed=1")
    return ("-C", "speed=2"), "lib", "the build setting `speed` changed"


def commit(world):
    repository = world.puffin.cwd / "repository"
    for name, text in project_files("vcs", static=True).items():
        world.puffin.file(f"repository/{name}", text)
    here, world.puffin.cwd = world.puffin.cwd, repository
    git(world.puffin, "init")
    git(world.puffin, "add", ".")
    git(world.puffin, "commit", "-m", "one")
    git(world.puffin, "tag", "one")
    git(world.puffin, "commit", "--allow-empty", "-m", "two")
    git(world.puffin, "tag", "two")
    world.puffin.cwd = here
    world.write(f"vcs @ git+file://{repository}@one\n")
    world.sync()
    world.write(f"vcs @ git+file://{repository}@two\n")
    return (), "vcs", "the commit changed from"


def newer_file(world):
    world.source = "a/requirements.in"
    world.write("gamma\n")
    world.index.add(*forge_wheel("gamma", "1.0"))
    world.sync()
    world.index.add(*forge_wheel("gamma", "2.0"))
    return ("--refresh",), "gamma", "the index page has a newer file: 2.0 instead of 1.0"


def requirement(world):
    world.source = "a/requirements.in"
    world.write("alpha<2\n")
    world.sync()
    world.write("alpha\n")
    return (), "alpha", "the requirement `alpha` changed, which led from 1.0 to 2.0"


# what the cache lacked


def pruned(world):
    world.write("alpha==1.0\n")
    world.sync()
    assert world.puffin("cache", "clean", "alpha").code == 0
    path = world.puffin.cache / "pruned-v0" / "log"
    ages = {name: time.time() - 3 * 86400 - 60 for name in frame.load(path.read_bytes())}
    path.write_bytes(frame.dump(ages))
    next(world.site.glob("alpha/*.py")).unlink()
    return (), "alpha", "fetch: it was pruned 3 days ago"


def not_cached(world):
    world.write("alpha==1.0\n")
    return (), "alpha", "fetch: the cache did not have it"


def not_built(world):
    world.write("../lib\n")
    return (), "lib", "build: it had not been built before"


def without_a_wheel(world):
    world.write("sourced==1.0\n")
    return (), "sourced", "build: its index has no wheel that can be used with Python 3."


def without_wheels_allowed(world):
    world.write("--no-binary sourced\nsourced==1.0\n")
    return (), "sourced", "build: `--no-binary` excludes its wheels, and it had not been built before"


def rebuilt_for_a_variable(world):
    world.write("sourced==1.0\n")
    world.sync()
    world.env = {"CMAKE_GENERATOR": "Ninja"}
    return ("--reinstall",), "sourced", "build: `CMAKE_GENERATOR` changed"


def rebuilt_for_constraints(world):
    world.write("../lib\n")
    world.sync()
    world.puffin.file("limits.txt", "zeta<3\n")
    return ("--reinstall", "-b", "limits.txt"), "lib", "build: the build constraints changed"


def rebuilt_when_asked(world):
    world.write("../lib\n")
    world.sync()
    return ("--reinstall-package", "lib", "--refresh"), "lib", "build: `--refresh` was given"


def rebuilt_after_a_clean(world):
    world.write("sourced==1.0\n")
    world.sync()
    assert world.puffin("cache", "clean", "sourced").code == 0
    return ("--reinstall",), "sourced", "build: it was pruned"


# bytecode and build environments


def kinds(world):
    return world.puffin.cache / "pyc-v0"


def not_compiled(world):
    world.write("alpha==1.0\n")
    return ("--compile-bytecode",), "alpha", "compile: its modules had not been compiled before"


def compiled_for_another_interpreter(world):
    world.write("alpha==1.0\n")
    world.sync("--compile-bytecode")
    [kind] = kinds(world).iterdir()
    kind.rename(kind.with_name("cpython-30-1234-0"))
    text = (
        f"compile: the cache has its bytecode for another interpreter: cpython-30-1234-0 instead of {kind.name}"
    )
    return ("--compile-bytecode", "--reinstall"), "alpha", text


def compiled_of_an_older_archive(world):
    world.write("alpha==1.0\n")
    world.sync("--compile-bytecode")
    [archive] = (each for each in world.puffin.cache.glob("archive-v0/*/*") if each.is_dir())
    os.utime(archive, (1, 1))
    text = "compile: its archive is newer than its bytecode in the cache"
    return ("--compile-bytecode", "--reinstall"), "alpha", text


def compiled_after_a_clean(world):
    world.write("alpha==1.0\n")
    world.sync("--compile-bytecode")
    assert world.puffin("cache", "clean", "alpha").code == 0
    return ("--compile-bytecode", "--reinstall"), "alpha", "compile: it was pruned just now"


def no_build_environment(world):
    world.write("../lib\n")
    return (), "lib", "environment: no environment with its build requirements had been made before"


def newer_build_requirement(world):
    world.write("../lib\n")
    world.sync()
    world.index.add(*forge_backend("99.0"))
    text = "environment: the build requirement `toy` changed from 1.0 to 99.0"
    return ("--reinstall-package", "lib", "--refresh"), "lib", text


def damaged_build_environment(world):
    world.write("../lib\n")
    world.sync()
    next(world.puffin.cache.glob("build-envs-v0/*/lib/python*/site-packages/toy.py")).unlink()
    world.env = {"CFLAGS": "-O3"}
    return (), "lib", "environment: files of its build environment were missing or changed"


def pruned_build_environment(world):
    world.write("../lib\n")
    world.sync()
    assert world.puffin("cache", "clean", "toy").code == 0
    world.env = {"CFLAGS": "-O3"}
    return (), "lib", "environment: it was pruned just now"


def another_interpreter(world, stage):
    world.write("../lib\n")
    world.sync()
    for path in world.puffin.cache.glob("inputs-v0/built-*"):
        path.write_bytes(frame.dump({**frame.load(path.read_bytes()), "interpreter:": "another"}))
    assert world.puffin("cache", "clean", "toy", "lib").code == 0
    (world.puffin.cache / "pruned-v0" / "log").unlink()
    return ("--reinstall",), "lib", f"{stage}: the interpreter changed"


def built_by_another_interpreter(world):
    return another_interpreter(world, "build")


def equipped_for_another_interpreter(world):
    return another_interpreter(world, "environment")


def rebuilt_in_the_environment(world):
    world.write("../lib\ntoy\n")
    world.sync()
    return (
        ("--no-build-isolation", "--reinstall-package", "lib"),
        "lib",
        "build: it is built in another environment",
    )


def rebuilt_for_a_setting(world):
    world.write("../lib\n")
    world.sync("-C", "speed=1")
    return ("-C", "speed=2"), "lib", "build: the build setting `speed` changed"


CAUSES = [
    first, added, removed, version, reinstall, reinstall_package, damaged, bytecode, link_mode, twice, from_index,
    to_a_file, wheel_file, editable, copied, source, variable, another_variable, setting, commit, newer_file,
    requirement, pruned, not_cached, not_built, without_a_wheel, without_wheels_allowed,
    rebuilt_for_a_variable, rebuilt_for_constraints, rebuilt_when_asked,
    rebuilt_after_a_clean, not_compiled, compiled_for_another_interpreter, compiled_of_an_older_archive,
    compiled_after_a_clean, no_build_environment, newer_build_requirement, damaged_build_environment,
    pruned_build_environment, built_by_another_interpreter, equipped_for_another_interpreter,
    rebuilt_in_the_environment, rebuilt_for_a_setting,
]  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.__name__)
def test_a_seeded_cause_is_named(puffin, shop, cause):
    world = World(puffin, shop)
    words, package, expected = cause(world)
    stage, _, text = expected.partition(": ") if expected.startswith(STAGES) else ("", "", expected)
    done = world.sync("-v", "--report", "report.json", "--profile=page.html", *words)
    env = "a/.venv"
    told = puffin("why", env, package)
    assert told.code == 0, told.err
    lines = told.raw_out.splitlines()
    assert any(text in line for line in lines[1:]), told.raw_out
    [row] = json.loads(puffin("why", env, package, "--format", "json").raw_out)["packages"]
    reasons = [each["reason"]["text"] for each in row["work"] if each["stage"] == stage] or [
        row["reason"]["text"]
    ]
    assert any(text in each for each in reasons), row
    page = (puffin.cwd / "page.html").read_text()
    shown = re.sub(r"<[^>]+>", " ", page[page.index("Why it was done") :]).replace("&#x27;", "'")
    assert text in shown
    [result] = json.loads((puffin.cwd / "report.json").read_text())["envs"]
    [change] = [each for each in result["changes"] if each["name"] == package]
    told = [each["reason"]["text"] for each in change["work"] if each["stage"] == stage]
    assert any(text in each for each in told or [change["reason"]["text"]]), change
    assert text in done.raw_err


def test_two_versions_of_one_package_had_work_each(puffin, shop):
    for name, version in (("a", "1.0"), ("b", "2.0")):
        puffin.file(f"{name}/requirements.txt", f"alpha=={version}\n")
    words = ("--report", "report.json", "-i", shop.url, "*/requirements.txt")
    assert puffin("sync", "-p", sys.executable, *words).code == 0
    found = json.loads((puffin.cwd / "report.json").read_text())["envs"]
    work = [[each["stage"] for each in change["work"]] for env in found for change in env["changes"]]
    assert work == [["fetch"], ["fetch"]]


def test_what_why_cannot_tell(puffin, shop):
    assert "error: `puffin why` needs an environment" in puffin("why").err
    puffin.file("puffin.toml", f"[envs.a]\nrequirements = '{FILE}'\n")
    puffin.file(FILE, "alpha==1.0\n")
    done = puffin("why", "b")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: `b` is neither an environment nor a file")
    assert done.err.endswith("hint: the environment comes first, for example `puffin why .venv b`\n")
    done = puffin("why", "a")
    assert (done.code, done.err.splitlines()[0]) == (1, "error: No recorded run changed `a`")
    assert puffin("sync", "-i", shop.url).code == 0
    assert puffin("why", "a").out.splitlines()[1] == " + alpha: the environment is new"
    done = puffin("why", "a", "beta")
    assert (done.code, done.err.splitlines()[0]) == (1, "error: No recorded run changed `beta` in `a`")
    for path in (puffin.cache / "runs-v0").iterdir():
        os.unlink(path)
    assert puffin("why", "a").code == 1
