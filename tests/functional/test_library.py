"""The public library: what Python code can ask, and what it gets."""

import ast
import os
import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock

import puffin as library
from puffin import EnvironmentRequest
from puffin.cli.options.table import COUNT, FLAG, LIST, choices_of, read_by_hand
from puffin.cli.options.workspace import WORKSPACE_SYNC
from puffin.errors import UsageError
from puffin.library import option_words
from tests.helpers.cli import CHECKOUT, Env
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(puffin, index, monkeypatch):
    """An index with a few packages; the library runs in the world of the test's command line."""
    index.add(*forge_wheel("alpha", "1.0", {"alpha.py": b"1"}, requires=["beta"]))
    index.add(*forge_wheel("alpha", "2.0", {"alpha.py": b"2"}, requires=["beta"]))
    index.add(*forge_wheel("beta", "1.0", {"beta.py": b"1"}))
    world = puffin.environ(PUFFIN_INDEX_URL=index.url)
    for name in [*os.environ]:
        monkeypatch.delenv(name)
    for name, value in world.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(puffin.cwd)
    return index


def test_environments_are_planned_synced_and_found_unchanged(puffin, shop, capfd):
    wanted = [
        EnvironmentRequest(path="envs/one", requirements=("alpha<2",)),
        EnvironmentRequest(path="envs/two", name="second", requirements=("beta",), python=sys.executable),
    ]
    planned = library.plan(wanted)
    assert not (puffin.cwd / "envs").exists()
    done = library.sync(wanted)
    assert [each.changes for each in done.environments] == [each.changes for each in planned.environments]
    assert [(each.name, each.status) for each in done.environments] == [
        ("envs/one", "updated"),
        ("second", "updated"),
    ]
    (alpha, _beta) = done.environments[0].changes
    assert (alpha.action, alpha.name, alpha.former, alpha.version) == ("add", "alpha", "", "1.0")
    assert re.fullmatch("[0-9a-f]{64}", alpha.sha256)
    assert done.downloaded > 0
    assert Env(puffin.cwd / "envs" / "one").installed() == {"alpha": "1.0", "beta": "1.0"}
    assert Env(puffin.cwd / "envs" / "two").installed() == {"beta": "1.0"}
    assert library.sync(wanted).changed == ()
    (changed,) = library.sync(EnvironmentRequest(path="envs/two", name="second")).environments[0].changes
    assert (changed.action, changed.former) == ("remove", "1.0")
    assert capfd.readouterr() == ("", "")


def test_files_constraints_and_relative_paths_count_from_the_working_directory(puffin, shop):
    puffin.file("lib/pyproject.toml", '[project]\nname = "lib"\nversion = "3"\n')
    puffin.file("base.txt", "alpha\n")
    puffin.file("limits.txt", "alpha<2\n")
    request = EnvironmentRequest(
        path=".venv", requirements=("./lib",), files=("base.txt",), constraints=("limits.txt",)
    )
    (planned,) = library.plan(request, offline=False, no_build=False).environments
    assert {each.name: each.version for each in planned.changes} == {"alpha": "1.0", "beta": "1.0", "lib": ""}


def test_an_environment_that_fails_has_its_error_and_the_others_are_done(puffin, shop, capfd):
    wanted = [
        EnvironmentRequest(path="good", requirements=("beta",)),
        EnvironmentRequest(path="bad", requirements=("beta>7",)),
    ]
    with pytest.raises(library.CommandFailed) as caught:
        library.sync(wanted)
    error = caught.value
    assert error.code == 3
    assert [each.status for each in error.result.environments] == ["updated", "failed"]
    assert "No version of `beta` meets `beta>7`" in error.result.environments[1].error
    assert "No version of `beta` meets `beta>7`" in str(error)
    assert pickle.loads(pickle.dumps(error)).result == error.result
    assert Env(puffin.cwd / "good").installed() == {"beta": "1.0"}
    assert not (puffin.cwd / "bad").exists()
    assert capfd.readouterr() == ("", "")


def test_progress_goes_to_standard_error(shop, capfd):
    library.sync(EnvironmentRequest(path="one", requirements=("beta",)), progress=True)
    out, err = capfd.readouterr()
    assert not out
    assert "Synced 1 environment" in err


def test_requirements_are_resolved_to_a_lock(puffin, shop):
    puffin.file("more.in", "beta\n")
    found = library.resolve(["alpha"], files=["more.in"], python=sys.executable)
    assert isinstance(found, Pylock)
    assert {each.name: str(each.version) for each in found.packages} == {"alpha": "2.0", "beta": "1.0"}
    with pytest.raises(library.CommandFailed, match=r"`alpha>9` \(requirements.in:1\)"):
        library.resolve(["alpha>9"])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: library.sync([]), "No environment was given"),
        (lambda: library.resolve(), "No requirements were given"),
        (lambda: library.plan([EnvironmentRequest(path="a"), EnvironmentRequest(path="a")]), "are called `a`"),
    ],
)
def test_calls_that_say_nothing_are_refused(shop, call, text):
    with pytest.raises(UsageError, match=text):
        call()


def test_an_option_that_does_not_exist_is_told_as_the_command_tells_it(shop):
    with pytest.raises(library.CommandFailed, match="--no-such-thing") as caught:
        library.plan(EnvironmentRequest(path="a"), no_such_thing=True)
    assert caught.value.code == 2


def test_a_failure_before_the_environments_has_no_result(shop, monkeypatch):
    monkeypatch.setenv("PUFFIN_JOBS", "x")
    with pytest.raises(library.CommandFailed, match="`x` is not a number of jobs") as caught:
        library.sync(EnvironmentRequest(path="a", requirements=("beta",)))
    assert caught.value.result is None


def test_calls_from_several_threads_are_independent(puffin, shop):
    names = ["one", "two", "three"]
    threads = [
        threading.Thread(target=library.sync, args=(EnvironmentRequest(path=each, requirements=("alpha",)),))
        for each in names
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all(Env(puffin.cwd / each).installed() == {"alpha": "2.0", "beta": "1.0"} for each in names)


_ROWS = [row for row in WORKSPACE_SYNC if row[2] != COUNT and row[0][0].startswith("--")]


@given(st.data())
def test_options_mean_what_their_words_mean(data):
    row = data.draw(st.sampled_from(_ROWS))
    texts = st.sampled_from(choices_of(row) or ("a", "b=c", "-x", "1"))
    value = data.draw(st.booleans() if row[2] == FLAG else st.lists(texts) if row[2] == LIST else texts)
    read = read_by_hand(
        WORKSPACE_SYNC, option_words({row[0][0].split("/")[0][2:].replace("-", "_"): value}), {}
    )
    assert read is not None
    assert read[row[1]] == (tuple(value) if isinstance(value, list) else value)


def test_the_library_is_named_once_and_imported_when_it_is_used():
    stub = ast.parse((CHECKOUT / "puffin" / "__init__.pyi").read_text())
    typed = {name.asname for each in stub.body if isinstance(each, ast.ImportFrom) for name in each.names}
    assert typed < set(dir(library))
    assert all(getattr(library, name).__module__ == "puffin.library" for name in typed)
    assert (Path(library.__file__).parent / "py.typed").exists()
    code = "import puffin, sys; sys.exit('puffin.library' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=CHECKOUT)
    with pytest.raises(AttributeError, match="no attribute 'sink'"):
        library.sink  # noqa: B018


def test_environments_can_be_read_from_another_file(puffin, shop):
    puffin.file("puffin.toml", '[envs.own]\nrequirements = "own.txt"\n')
    puffin.file("ci/envs.toml", '[envs.lint]\nrequirements = "lint.txt"\npath = "../lint"\n')
    puffin.file("ci/lint.txt", "beta==1.0\n")
    done = puffin("sync", "--environments", "ci/envs.toml", "--index-url", shop.url)
    assert done.code == 0, done.err
    assert Env(puffin.cwd / "lint").installed() == {"beta": "1.0"}
    assert "lint" in puffin("envs", "--environments", "ci/envs.toml").out
    done = puffin("sync", "--environments", "nowhere.toml")
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        "error: Failed to read the configuration at `nowhere.toml`: there is no such file",
    )
    puffin.file("empty.toml", "")
    done = puffin("sync", "--environments", "empty.toml")
    assert "`empty.toml` does not configure any environment" in done.err
