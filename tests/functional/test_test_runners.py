"""tox and nox make all environments of a run from one graph."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.stages.resolve.requirements.file import read_requirements
from puffin.tox import requirement_lines
from tests.helpers.waiting import SECONDS
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta", "gamma"):
        index.add(*forge_wheel(name, "1.0", {f"{name}.py": b"pass"}))
    return index


def run(puffin, shop, *words, **variables):
    """Run a module with its variables those of the test's command line; return its exit code and all that it said."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=puffin.cwd,
        env=puffin.environ(PUFFIN_INDEX_URL=shop.url, VIRTUALENV_NO_PERIODIC_UPDATE="1", **variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    return done.returncode, done.stdout


TOX = """
[tox]
env_list = one, two
no_package = true
[testenv]
runner = puffin
deps =
    alpha
    -r more.txt
commands = python -c "import alpha, beta; print('imported')"
[testenv:two]
deps =
    alpha
    {posargs:gamma}
commands = python -c "import alpha, gamma; print('imported')"
"""


def test_tox_makes_its_environments_in_one_run(puffin, shop):
    puffin.file("tox.ini", TOX)
    puffin.file("more.txt", "beta\n")
    code, said = run(puffin, shop, "tox", "run")
    assert code == 0, said
    assert said.count("\nimported\n") == 2
    assert "install_deps" not in said  # nothing is left for tox to install
    assert [path.count("alpha-1.0") for path in shop.paths() if path.endswith(".whl")].count(1) == 1
    code, said = run(puffin, shop, "tox", "run", "-r")
    assert code == 0, said
    code, said = run(puffin, shop, "tox", "run", "-e", "two", "--", "beta")
    assert "requirements removed: gamma" in said
    assert "No module named 'gamma'" in said


def test_tox_tells_what_fails_of_one_and_runs_the_other(puffin, shop):
    puffin.file("tox.ini", TOX)
    puffin.file("more.txt", "beta\n")
    code, said = run(puffin, shop, "tox", "run", "--", "gamma==7")
    assert code != 0
    assert "No version of `gamma` meets `gamma==7`" in said
    assert said.count("\nimported\n") == 1
    assert "two: FAIL" in said


def test_tox_installs_by_puffin_where_the_variables_of_an_environment_count(puffin, shop):
    puffin.file("tox.ini", TOX.replace("[testenv]", f"[testenv]\nset_env = PIP_INDEX_URL={shop.url}"))
    puffin.file("more.txt", "beta\n")
    code, said = run(puffin, shop, "tox", "run", "-e", "one")
    assert code == 0, said
    assert "puffin pip install" in said


def test_the_package_itself_is_installed_again_by_puffin(puffin, shop, tmp_path):
    wheel = tmp_path / "mine-1.0-py3-none-any.whl"
    wheel.write_bytes(forge_wheel("mine", "1.0", {"mine.py": b"pass"})[1])
    puffin.file(
        "tox.ini",
        "[testenv]\nrunner = puffin\npackage = external\npackage_glob = x\ncommands = python -c 'import mine'\n",
    )
    for _ in range(2):
        code, said = run(puffin, shop, "tox", "run", "-e", "py", "--installpkg", wheel)
        assert code == 0, said
        assert "--force-reinstall" in said
        assert "warning" not in said


NOX = """
import nox
import puffin.nox

@puffin.nox.session(requirements=["alpha", "beta"])
def one(session):
    session.run("python", "-c", "import alpha, beta; print('imported')")

@puffin.nox.session(python="{python}", requirements=["alpha"])
@nox.parametrize("word", ["a", "b"])
def two(session, word):
    puffin.nox.add(session, "gamma")
    session.run("python", "-c", "import alpha, gamma; print('imported', '" + word + "')")

@puffin.nox.session(requirements=["alpha>7"], default=False)
def bad(session):
    raise SystemExit("it ran")
"""


def test_nox_makes_its_environments_in_one_run(puffin, shop):
    version = "{}.{}".format(*sys.version_info)
    puffin.file("noxfile.py", NOX.replace("{python}", version))
    code, said = run(puffin, shop, "nox")
    assert code == 0, said
    assert "imported\n" in said
    assert "imported a" in said
    assert "imported b" in said
    made = [path.parent.name for path in Path(puffin.cwd / ".nox").glob("*/pyvenv.cfg")]
    assert sorted(made) == ["one", "two-word-a", "two-word-b"]
    code, said = run(puffin, shop, "nox", "-s", "bad", "one")
    assert code != 0
    assert "No version of `alpha` meets `alpha>7`" in said
    assert "it ran" not in said
    assert "imported\n" in said


_WORDS = st.lists(
    st.sampled_from([("alpha",), ("beta[x]>=1; python_version>'3'",), ("-c", "c.txt"), ("--no-binary", "beta"),
                     ("--find-links", "https://example.org/links"), ("-e", "./lib"), ("-r", "more.txt")]), max_size=5
)  # fmt: skip


@given(_WORDS)
def test_words_of_an_installation_become_lines_with_the_same_meaning(groups):
    words = [word for group in groups for word in group]
    files = {"more.txt": b"gamma\n", "c.txt": b"alpha<2\n", "lines": b"", "each": b""}
    files["lines"] = "".join(f"{line}\n" for line in requirement_lines(words, Path("/nowhere"))).encode()
    files["each"] = "".join(f"{' '.join(group)}\n" for group in groups).encode()
    found = [
        read_requirements(
            [name], read=lambda path: files[path.rpartition("/")[2]], environ={}, exists=lambda _: True
        )
        for name in ("lines", "each")
    ]
    assert found[0].find_links == found[1].find_links
    assert found[0].no_binary == found[1].no_binary
    for part in ("entries", "constraints"):
        assert [each.text for each in getattr(found[0], part)] == [
            each.text for each in getattr(found[1], part)
        ]
