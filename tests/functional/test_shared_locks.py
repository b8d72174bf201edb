"""One lock for all environments of a project: it is recognised by its record, and covers all of them."""

import re
import sys
import tomllib

import pytest

from tests.helpers.cli import Env
from tests.helpers.sdists import forge_backend, write_project
from tests.helpers.wheels import forge_wheel

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
PROJECT = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = ["lib", "tool"]\n'
TWO = """[envs.one]
project = "."
path = "one"
constraints = "one.txt"
[envs.two]
project = "."
path = "two"
constraints = "two.txt"
"""


@pytest.fixture
def shop(index):
    for version in ("1.0", "2.0", "3.0"):
        for name in ("lib", "tool"):
            index.add(*forge_wheel(name, version))
    index.add(*forge_backend())
    return index


def locked(puffin):
    lock = tomllib.loads((puffin.cwd / "pylock.toml").read_text())
    return {each["name"]: each.get("version") for each in lock["packages"]}, lock.get("tool")


def test_a_lock_without_extras_and_groups_is_for_all_pythons(puffin, shop):
    """Neither a sync nor the key of a cache looks for a lock of an own name."""
    puffin.file("pyproject.toml", PROJECT)
    puffin.file("puffin.toml", f'[envs.ci]\nproject = "."\npython = ["{HERE}", "3.99"]\npath = ".{{python}}"\n')
    name = f"ci-{HERE}"
    keys = [puffin("cache", "key", name).out]
    assert puffin("lock", "--universal", name, "-i", shop.url).code == 0
    keys.append(puffin("cache", "key", name).out)
    assert keys[0] != keys[1]
    assert locked(puffin) == ({"lib": "3.0", "tool": "3.0"}, {"puffin": {"shared": True}})
    before = (puffin.cwd / "pylock.toml").read_text()
    behind = before.replace("tool = {puffin = {shared = true}}\n", "") + "\n[tool.puffin]\nshared = true\n"
    for text in (before, behind):
        puffin.file("pylock.toml", text)
        done = puffin("sync", "--frozen", name)
        assert done.code == 0, done.err
        assert Env(puffin.cwd / f".{HERE}").installed() == {"lib": "3.0", "tool": "3.0"}
    assert not list(puffin.cwd.glob("pylock.*.toml"))
    puffin.file("pylock.toml", before.replace("shared = true", "shared = false"))
    done = puffin("sync", "--frozen", name)
    assert (done.code, "which does not exist" in done.err) == (1, True)


def test_a_lock_of_an_older_puffin_is_recognised_by_what_it_has_for_selection(puffin, shop):
    puffin.file("pyproject.toml", PROJECT + '[dependency-groups]\ntest = ["lib<3"]\n')
    puffin.file("puffin.toml", '[envs.dev]\nproject = "."\ngroups = ["test"]\npath = "dev"\n')
    assert puffin("lock", "--universal", "-i", shop.url).code == 0
    text = (puffin.cwd / "pylock.toml").read_text()
    text = text.replace("tool = {puffin = {shared = true}}\n", "")
    for older in (
        text,
        f"# shared\n{text}",
        f"{text}\n[tool.other]\nshared = 1\n",
        f"{text}\n[tool.other]\nx=1\n",
    ):
        puffin.file("pylock.toml", older)
        assert puffin("sync", "--frozen").code == 0
        assert Env(puffin.cwd / "dev").installed() == {"lib": "2.0", "tool": "3.0"}


def test_the_constraints_of_all_environments_count(puffin, shop):
    """Whichever of them is locked: the lock is the same."""
    puffin.file("pyproject.toml", PROJECT)
    puffin.file("puffin.toml", TWO)
    puffin.file("one.txt", "lib<3\n")
    puffin.file("two.txt", "tool<2\n")
    texts = set()
    for words in ((), ("one",), ("two",), ("two", "one")):
        (puffin.cwd / "pylock.toml").unlink(missing_ok=True)
        done = puffin("lock", "--universal", *words, "-i", shop.url)
        assert done.code == 0, done.err
        assert locked(puffin)[0] == {"lib": "2.0", "tool": "1.0"}
        texts.add((puffin.cwd / "pylock.toml").read_text())
    assert len(texts) == 1


@pytest.mark.parametrize("words", [("--universal",), ("--targets", "linux-cp312"), ()])
def test_constraints_that_exclude_each_other_name_both_environments(puffin, shop, words):
    puffin.file("pyproject.toml", PROJECT)
    puffin.file("puffin.toml", TWO)
    puffin.file("one.txt", "tool<3\nlib<2\n")
    puffin.file("two.txt", "lib>=2\n")
    puffin.file("pylock.toml", "# former\n")
    done = puffin("lock", *words, "-i", shop.url)
    assert done.code == 1
    assert "Failed to lock `one` and `two` together: their constraints exclude each other" in done.err
    one, two = (line.strip() for line in done.err.splitlines() if "has `lib" in line)
    assert re.fullmatch(r".*`one` \(puffin.toml:\d\) has `lib<2` \(.*one.txt:2\)\.", one)
    assert re.fullmatch(r".*`two` \(puffin.toml:\d\) has `lib>=2` \(.*two.txt:1\)\.", two)
    assert (puffin.cwd / "pylock.toml").read_text() == "# former\n"


def test_a_conflict_that_is_not_between_environments_names_none(puffin, shop):
    puffin.file("pyproject.toml", PROJECT.replace('"lib"', '"lib>=9"'))
    puffin.file("puffin.toml", TWO)
    puffin.file("one.txt", "lib<2\n")
    puffin.file("two.txt", "tool<2\n")
    done = puffin("lock", "--universal", "-i", shop.url)
    assert (done.code, "exclude each other" in done.err, done.err.count("lib>=9")) == (1, False, 2), done.err


def test_each_environment_has_the_project_as_it_wants_it(puffin, shop):
    write_project(puffin.cwd / "app", "app", requires=["lib"], static=True)
    puffin.file(
        "puffin.toml",
        '[envs.one]\nproject = "app"\npath = "one"\n[envs.two]\nproject = "app"\npath = "two"\neditable = false\n',
    )
    assert puffin("lock", "--universal", "-i", shop.url).code == 0
    done = puffin("sync", "--frozen", "-i", shop.url)
    assert done.code == 0, done.err
    found = {
        name: '"editable":true' in path.read_text().replace(" ", "")
        for name in ("one", "two")
        for path in Env(puffin.cwd / name).site.glob("app-*.dist-info/direct_url.json")
    }
    assert found == {"one": True, "two": False}
