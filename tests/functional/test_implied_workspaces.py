"""What holds for environments that nothing names: defaults, links to members, and how many packages they have."""

import pytest

from tests.helpers.cli import Env
from tests.helpers.sdists import forge_backend, write_project
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    for version in ("1.0", "2.0"):
        index.add(*forge_wheel("other", version))
    return index


@pytest.fixture
def members(puffin):
    puffin.file("pyproject.toml", '[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    for name, requires in (("app", ["lib"]), ("lib", ["other"])):
        write_project(puffin.cwd / "packages" / name, name, requires=requires, static=True)


def test_defaults_alone_hold_for_the_members(puffin, shop, members):
    puffin.file("limits.txt", "other<2\n")
    puffin.file(
        "puffin.toml",
        '[env-defaults]\npath = ".envs/{name}"\nconstraints = "limits.txt"\neditable = false\nlink-mode = "copy"\n',
    )
    done = puffin("sync", "-i", shop.url)
    assert done.code == 0, done.err
    for name in ("app", "lib"):
        env = Env(puffin.cwd / f".envs/packages/{name}")
        assert env.installed()["other"] == "1.0"
        assert not list(env.site.glob(f"*{name}*.pth"))
        assert {path.stat().st_nlink for path in env.site.rglob("other/*")} == {1}
    puffin.file("puffin.toml", '[env-defaults]\npython = ["3", ">=3.8"]\npath = ".envs/{name}-{python}"\n')
    listed = puffin("envs").out
    assert [line.split()[0] for line in listed.splitlines()[1:]] == [
        f"packages/{name}-{python}" for name in ("app", "lib") for python in ("3", ">=3.8")
    ]
    puffin.file("puffin.toml", '[env-defaults]\nlink-mode = "gone"\n')
    done = puffin("sync", "-i", shop.url)
    assert (done.code, "puffin.toml:2" in done.err) == (2, True)


def test_defaults_alone_where_no_project_is(puffin):
    puffin.file("puffin.toml", "[env-defaults]\neditable = false\n")
    done = puffin("sync")
    assert (done.code, "`puffin.toml` does not configure any environment" in done.err) == (2, True)


@pytest.mark.parametrize("link", ["a-link", "z-link"])
def test_a_link_to_a_member_is_that_member(puffin, shop, members, link):
    (puffin.cwd / "packages" / link).symlink_to("lib")
    done = puffin("sync", "-i", shop.url)
    assert done.code == 0, done.err
    assert "2 environments" in done.err
    assert Env(puffin.cwd / "packages/lib/.venv").installed() == {"lib": "1.0", "other": "2.0"}
    (puffin.cwd / "packages/copy").mkdir()
    puffin.file("packages/copy/pyproject.toml", (puffin.cwd / "packages/lib/pyproject.toml").read_text())
    done = puffin("sync", "-i", shop.url)
    assert (done.code, "a second member called `lib`" in done.err) == (2, True)


def test_members_without_a_lock_have_their_packages_listed(puffin, shop, members):
    assert [line.split()[2] for line in puffin("envs").out.splitlines()[1:]] == ["0", "0"]
    assert puffin("sync", "-i", shop.url).code == 0
    rows = [line.split() for line in puffin("envs").out.splitlines()[1:]]
    assert [(row[0], row[2], " ".join(row[3:-1])) for row in rows] == [
        ("packages/app", "3", "up to date"),
        ("packages/lib", "2", "up to date"),
    ]


def test_consistent_locks_take_the_sources_of_all_members(puffin, shop):
    """Somebody else owns the name `lib` on the index."""
    shop.add(*forge_wheel("lib", "9.0"))
    write_project(puffin.cwd / "lib", "lib", requires=["other"], static=True)
    write_project(puffin.cwd / "z", "z", requires=["other<2"], static=True)
    write_project(puffin.cwd / "app", "app", requires=["lib"], static=True)
    with open(puffin.cwd / "app/pyproject.toml", "a") as file:
        file.write(
            '[tool.uv]\noverride-dependencies = ["other<2"]\n[tool.uv.sources]\nlib = { path = "../lib" }\n'
        )
    shop.requests.clear()
    done = puffin(
        "lock", "app/pyproject.toml", "z/pyproject.toml", "lib/pyproject.toml", "--consistent", "-i", shop.url
    )
    assert done.code == 0, done.err
    for name in ("app", "lib", "z"):
        assert 'version = "1.0"' in (puffin.cwd / name / "pylock.toml").read_text()
    assert not [each for each in shop.requests if each.path.startswith("/simple/lib")]


def test_members_of_a_tree_are_left_out_as_those_of_a_workspace(puffin, shop, members):
    (puffin.cwd / "pyproject.toml").unlink()
    done = puffin("sync", "-i", shop.url, "--no-install-workspace")
    assert done.code == 0, done.err
    for name in ("app", "lib"):
        assert Env(puffin.cwd / f"packages/{name}/.venv").installed() == {"other": "2.0"}
    assert puffin("sync", "-i", shop.url, "--no-install-project").code == 0
    assert Env(puffin.cwd / "packages/app/.venv").installed() == {"lib": "1.0", "other": "2.0"}


LOCK = """version = 1
requires-python = ">=3.9"
[manifest]
members = ["app", "lib"]
[[package]]
name = "app"
version = "1.0"
source = { editable = "packages/app" }
dependencies = [{ name = "lib" }]
[[package]]
name = "lib"
version = "1.0"
source = { editable = "packages/lib" }
"""


def test_a_project_that_is_not_editable_is_a_copy_with_frozen_too(puffin, shop, members):
    write_project(puffin.cwd / "packages" / "lib", "lib", requires=[], static=True)
    puffin.file("uv.lock", LOCK)
    puffin.file("puffin.toml", "[env-defaults]\neditable = false\n")
    done = puffin("sync", "-i", shop.url, "--frozen")
    assert done.code == 0, done.err
    app = Env(puffin.cwd / "packages/app/.venv")
    assert app.installed() == {"app": "1.0", "lib": "1.0"}
    assert not list(app.site.glob("*app*.pth"))
    assert list(app.site.glob("*lib*.pth"))  # what it needs of the workspace is as the lock says
    assert not list(Env(puffin.cwd / "packages/lib/.venv").site.glob("*lib*.pth"))
