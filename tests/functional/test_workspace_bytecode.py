"""``--compile-bytecode`` over many environments: one compilation for each archive and kind of interpreter."""

import json
import os
import sys

import pytest

from tests.helpers.cli import PYTHON, Env, lines
from tests.helpers.pythons import real_python
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel

SUFFIX = f".{sys.implementation.cache_tag}.pyc"
ELSEWHERE = ("-i", "http://127.0.0.1:9/simple/")
WORKSPACE = """
[env-defaults]
compile-bytecode = true
[envs.a]
requirements = "a.txt"
path = ".envs/a"
[envs.b]
requirements = "b.txt"
path = ".envs/b"
[envs.bare]
requirements = "b.txt"
path = ".envs/bare"
compile-bytecode = false
"""


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta"):
        index.add(*forge_wheel(name, "1.0", {f"{name}.py": "A = 1\n", f"{name}_old.py": "print 'two'\n"}))
    return index


@pytest.fixture
def envs(puffin):
    puffin.file("a.txt", "alpha==1.0\n")
    puffin.file("b.txt", "alpha==1.0\nbeta==1.0\n")
    return {name: Env(puffin.cwd / ".envs" / name) for name in ("a", "b", "bare")}


def compiled(env):
    return sorted(path.name.partition(".")[0] for path in env.site.rglob("*.pyc"))


def tasks(puffin, stage):
    """Return package and environments of each task of a stage in the last run."""
    path = max((puffin.cache / "runs-v0").iterdir())
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return sorted((row["package"], row["environments"]) for row in rows if row.get("stage") == stage)


@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
def test_those_that_want_it_share_it_and_the_others_have_none(puffin, shop, envs, executor):
    puffin.file("puffin.toml", WORKSPACE)
    done = puffin("sync", "-i", shop.url, "--executor", executor)
    assert done.code == 0, done.err
    assert done.err.endswith("; 2 compiled to bytecode\n")
    assert {name: compiled(env) for name, env in envs.items()} == {
        "a": ["alpha"],
        "b": ["alpha", "beta"],
        "bare": [],
    }
    one, other = [os.stat(envs[name].site / "__pycache__" / f"alpha{SUFFIX}") for name in ("a", "b")]
    assert one.st_ino == other.st_ino
    assert tasks(puffin, "compile") == [("alpha", ["a", "b"]), ("beta", ["b"])]
    for env in envs.values():
        assert env.unlisted() == set()


def test_a_second_run_does_nothing_by_either_way(puffin, shop, envs):
    puffin.file("puffin.toml", WORKSPACE)
    assert puffin("sync", "-i", shop.url).code == 0
    before = {name: env.tree() for name, env in envs.items()}
    for more in ((), ("-v",)):
        done = puffin("sync", *more, *ELSEWHERE)
        assert (done.code, done.err.splitlines()[-1]) == (0, "Checked 3 environments (5 packages) in [TIME]")
    assert {name: env.tree() for name, env in envs.items()} == before
    assert puffin("sync", "--check").code == 0
    looked = json.loads(puffin("envs", "--format", "json").out)
    assert {each["state"] for each in looked} == {"up to date"}


@pytest.mark.parametrize("word", ["option", "variable", "setting"])
def test_what_was_made_without_it_gets_it(puffin, shop, envs, word):
    plain = WORKSPACE.replace("compile-bytecode = true\n", "")
    puffin.file("puffin.toml", plain)
    assert puffin("sync", "-i", shop.url).code == 0
    assert {name: compiled(env) for name, env in envs.items()} == {"a": [], "b": [], "bare": []}
    if word == "setting":
        puffin.file("puffin.toml", f"compile-bytecode = true\n{plain}")
    options = ("--compile-bytecode",) if word == "option" else ()
    variables = {"PUFFIN_COMPILE_BYTECODE": "1"} if word == "variable" else {}
    done = puffin("sync", *options, "-i", shop.url, env=variables)
    assert done.code == 0, done.err
    assert shop.count("/files/alpha-1.0-py3-none-any.whl") == 1
    assert done.err.endswith("; 2 compiled to bytecode\n")
    bare = [] if word == "setting" else ["alpha", "beta"]  # what is said now goes before what is configured
    assert {name: compiled(env) for name, env in envs.items()} == {
        "a": ["alpha"],
        "b": ["alpha", "beta"],
        "bare": bare,
    }
    again = puffin("sync", *options, *ELSEWHERE, env=variables)
    assert (again.code, again.err) == (0, lines("Checked 3 environments (5 packages) in [TIME]"))


def test_each_kind_of_interpreter_has_its_own(puffin, shop, envs):
    other = next(each for each in ("3.11", "3.10", "3.13") if each != PYTHON[6:])
    puffin.file(
        "puffin.toml", f'{WORKSPACE}[envs.c]\nrequirements = "b.txt"\npython = "{real_python(other)}"\n'
    )
    done = puffin("sync", "-i", shop.url)
    assert done.code == 0, done.err
    assert done.err.endswith("; 4 compiled to bytecode\n")
    files = (puffin.cwd / ".venv").rglob("site-packages/**/*.pyc")
    suffix = f".cpython-{other.replace('.', '')}.pyc"
    assert sorted(path.name for path in files) == [f"alpha{suffix}", f"beta{suffix}"]


def test_what_cannot_be_compiled_fails_only_where_it_is_wanted(puffin, shop, envs):
    puffin.file("puffin.toml", WORKSPACE)
    puffin.cache.mkdir(exist_ok=True)
    (puffin.cache / "pyc-v0").write_text("in the way")
    done = puffin("sync", "-i", shop.url)
    assert done.code == 3
    assert "error: Failed to sync 2 of 3 environments; they were left as they were\n" in done.err
    assert "In `b`\n" in done.err
    assert "Failed to put bytecode into the cache" in done.err
    assert envs["bare"].installed() == {"alpha": "1.0", "beta": "1.0"}
    assert not envs["a"].root.exists()


def test_a_damaged_archive_is_fetched_again_once_for_all(puffin, shop, envs):
    puffin.file("puffin.toml", WORKSPACE)
    assert puffin("sync", "bare", "-i", shop.url).code == 0
    archive = next(path for path in puffin.cache.glob("archive-v0/*/*") if (path / "alpha.py").exists())
    (archive / "alpha.py").unlink()
    done = puffin("sync", "a", "b", "-i", shop.url)
    assert done.code == 0, done.err
    assert shop.count("/files/alpha-1.0-py3-none-any.whl") == 2
    assert {name: compiled(envs[name]) for name in ("a", "b")} == {"a": ["alpha"], "b": ["alpha", "beta"]}


def test_what_is_built_is_compiled_too_and_all_of_it_names_its_environments(puffin, index, envs):
    index.add(*forge_backend())
    index.add(*forge_sdist("alpha"))
    index.add(*forge_wheel("beta", "1.0"))
    puffin.file("puffin.toml", WORKSPACE)
    done = puffin("sync", "-i", index.url)
    assert done.code == 0, done.err
    assert "; 1 package built, 2 builds shared; 2 compiled to bytecode\n" in done.err
    assert {name: compiled(env) for name, env in envs.items()} == {
        "a": ["alpha"], "b": ["__init__", "alpha"], "bare": [],
    }  # fmt: skip
    built = [served for package, served in tasks(puffin, "build") if package == "alpha"]
    assert built
    assert all(served == ["a", "b", "bare"] for served in built)
    environment = tasks(puffin, "environment")
    assert environment
    assert all(served == ["a", "b", "bare"] for _, served in environment)
