"""Sources of projects by the real command line: what is asked of the index, and what the options leave out."""

import hashlib
import json
import shutil

import pytest

from tests.helpers.cli import Env
from tests.helpers.repositories import Repository, needs_git
from tests.helpers.sdists import forge_backend, project_files, write_project
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    for name in ("lib", "other"):
        index.add(*forge_wheel(name, "9.0"))
    return index


def app(puffin, tail, *, name="app", requires=("lib",)):
    directory = write_project(puffin.cwd / name, name, requires=requires, static=True)
    with open(directory / "pyproject.toml", "a") as file:
        file.write(tail)


def pins(puffin, shop, *words):
    done = puffin("pip", "compile", *words, "--no-header", "--no-annotate", "-i", shop.url)
    assert done.code == 0, done.err
    return done.out.splitlines()


def test_what_has_a_source_is_not_looked_for_on_an_index(puffin, shop):
    write_project(puffin.cwd / "lib", "lib", requires=["other"], static=True)
    with open(puffin.cwd / "lib/pyproject.toml", "a") as file:
        file.write('[tool.puffin.sources]\nother = { path = "../other", editable = true }\n')
    write_project(puffin.cwd / "other", "other", "1.0", static=True)
    app(puffin, '[tool.puffin.sources]\nlib = { path = "../lib" }\n')
    project = "app/pyproject.toml"
    public = ["lib==9.0"]
    assert pins(puffin, shop, project, "--no-sources") == public
    assert pins(puffin, shop, project, "--no-sources-package", "LIB") == public
    shop.requests.clear()
    assert pins(puffin, shop, project) == ["-e ./other", "./lib"]
    assert [each for each in shop.requests if "/simple/" in each.path and "toy" not in each.path] == []
    skipped = pins(puffin, shop, project, "--no-sources-package", "other")
    assert skipped == ["./lib", "other==9.0"]


def test_virtual_projects_are_resolved_and_not_installed(puffin, env, shop):
    app(puffin, "[tool.uv]\npackage = false\n", name="lib", requires=("other",))
    app(puffin, '[tool.uv.sources]\nlib = { path = "../lib" }\n')
    done = puffin("pip", "install", "-r", "app/pyproject.toml", "-i", shop.url)
    assert (done.code, env.installed()) == (0, {"other": "9.0"}), done.err
    done = puffin("pip", "install", "lib", "--no-sources", "-i", shop.url)
    assert (done.code, env.installed()) == (0, {"lib": "9.0", "other": "9.0"}), done.err


def test_settings_and_sources_stand_side_by_side(puffin, shop):
    """An explicit index needs no packages where a source names it; ``puffin.toml`` has no sources."""
    puffin.file(
        "pyproject.toml",
        '[project]\nname = "p"\nversion = "1"\ndependencies = ["lib"]\n[tool.puffin]\nresolution = "lowest"\n'
        "default-groups = []\npackage = true\n"
        f'[tool.puffin.sources]\nlib.index = "it"\n[[tool.puffin.index]]\nname = "it"\nurl = "{shop.url}"\n'
        "explicit = true\n",
    )
    done = puffin("pip", "compile", "pyproject.toml", "--no-header", "-i", "http://127.0.0.1:9/simple/")
    assert (done.code, done.out.splitlines()[0]) == (0, "lib==9.0"), done.err
    puffin.file("puffin.toml", '[sources]\nlib = { path = "lib" }\n')
    done = puffin("pip", "compile", "pyproject.toml")
    assert (done.code, "the setting `sources` is unknown" in done.err) == (2, True)


@pytest.mark.parametrize("words", [("pip", "install", "-r"), ("pip", "sync"), ("pip", "compile"), ("sync",)])
def test_a_wrong_source_changes_nothing(puffin, env, shop, words):
    app(puffin, '[tool.uv.sources]\nlib = { path = "../gone" }\n')
    done = puffin(*words, "app/pyproject.toml", "-i", shop.url)
    assert done.code in (1, 2)
    assert "Failed to read `app/pyproject.toml:9`: the source of `lib` is `../gone`, which does not exist" in (
        done.err
    )
    assert env.installed() == {}


def workspace(puffin, *, more=""):
    """Write a workspace of ``app``, which asks for ``lib``, and ``lib``, which asks for ``other`` of the index."""
    puffin.file("pyproject.toml", '[tool.uv.workspace]\nmembers = ["app", "lib"]\n' + more)
    app(puffin, "[tool.uv.sources]\nlib = { workspace = true }\n")
    app(puffin, "", name="lib", requires=("other",))


def test_a_member_that_only_a_package_of_the_index_requires(puffin, shop):
    """Somebody else owns its name there; its own dependencies are those of the working copy."""
    shop.add(*forge_wheel("plugin", "1.0", requires=["lib", "other"]))
    write_project(puffin.cwd / "app", "app", requires=["plugin"], static=True)
    app(puffin, "", name="lib", requires=("other<10",))
    puffin.file("pyproject.toml", '[tool.uv.workspace]\nmembers = ["app", "lib"]\n')
    shop.requests.clear()
    assert puffin("sync", "app", "-i", shop.url).code == 0
    env = Env(puffin.cwd / "app/.venv")
    assert origins(env) == {"app": True, "lib": True, "other": None, "plugin": None}
    assert not [each for each in shop.requests if each.path.startswith("/simple/lib")]
    assert pins(puffin, shop, "app/pyproject.toml") == ["-e ./lib", "other==9.0", "plugin==1.0"]
    assert "lib==9.0" in pins(puffin, shop, "app/pyproject.toml", "--no-sources-package", "lib")
    shop.add(*forge_wheel("plugin", "2.0", requires=["lib>=5"]))
    assert "plugin==1.0" in pins(puffin, shop, "app/pyproject.toml", "--refresh")
    app(puffin, "", name="app", requires=("plugin==2.0",))
    done = puffin("pip", "compile", "app/pyproject.toml", "-i", shop.url)
    assert (done.code, "`lib>=5`: `lib @ ./lib` is 1.0" in done.err) == (1, True), done.err


def origins(env):
    """Return ``{name: is editable}`` of what is installed, None for what is from an index."""
    found = {}
    for name, version in env.installed().items():
        path = env.site / f"{name}-{version}.dist-info/direct_url.json"
        found[name] = json.loads(path.read_text())["dir_info"].get("editable", False) if path.exists() else None
    return found


def test_an_environment_from_a_project_holds_the_project(puffin, shop):
    configuration = '[envs.a]\nproject = "app"\n[envs.b]\nproject = "app"\neditable = false\npath = ".b"\n'
    workspace(puffin)
    puffin.file("puffin.toml", configuration)
    one, two = Env(puffin.cwd / "app/.venv"), Env(puffin.cwd / ".b")
    done = puffin("sync", "-i", shop.url)
    assert done.code == 0, done.err
    assert origins(one) == {"app": True, "lib": True, "other": None}
    assert origins(two) == {"app": False, "lib": True, "other": None}
    assert puffin("sync", "-i", shop.url, "--no-install-project").code == 0
    assert origins(one) == origins(two) == {"lib": True, "other": None}
    assert puffin("lock", "-i", shop.url, "a").code == 0
    for option, expected in (
        ("-q", {"app": True, "lib": True, "other": None}),
        ("--no-install-workspace", {"other": None}),
    ):
        for frozen in ((), ("--frozen",)):
            done = puffin("sync", "a", "-i", shop.url, option, *frozen)
            assert (done.code, origins(one)) == (0, expected), done.err
    puffin.file("puffin.toml", '[envs.a]\nrequirements = "r.txt"\neditable = false\n')
    done = puffin("sync")
    assert (done.code, "puffin.toml:3`: `editable` goes with `project`" in done.err) == (2, True), done.err


def sync(puffin, shop, *words):
    done = puffin("sync", *words, "-i", shop.url)
    assert done.code == 0, done.err
    return {
        str(path.parent.relative_to(puffin.cwd)): origins(Env(path.parent))
        for path in sorted(puffin.cwd.rglob("pyvenv.cfg"))
    }


def test_a_workspace_without_configuration(puffin, shop):
    """The root is no project: its members have an environment each, or share one; ``dev`` comes with them."""
    workspace(puffin)
    with open(puffin.cwd / "lib/pyproject.toml", "a") as file:
        file.write('[dependency-groups]\ndev = ["other<9.5"]\n')
    one = {"app": True, "lib": True, "other": None}
    assert sync(puffin, shop) == {"app/.venv": one, "lib/.venv": {"lib": True, "other": None}}
    assert list(sync(puffin, shop, "lib")) == ["app/.venv", "lib/.venv"]
    for name in ("app", "lib"):
        shutil.rmtree(puffin.cwd / name / ".venv")
    workspace(puffin, more='[tool.puffin]\nlayout = "shared"\n')
    assert sync(puffin, shop) == {".venv": one}
    assert puffin("lock", "-i", shop.url).code == 0
    assert sync(puffin, shop, "--frozen") == {".venv": one}
    workspace(puffin, more='[tool.puffin]\nlayout = "round"\n')
    done = puffin("sync")
    assert (done.code, '`layout` must be "shared" or "separate"' in done.err) == (2, True), done.err


def test_a_tree_of_projects_without_configuration(puffin, shop):
    """Projects that ask for each other get each other's working copies, in a circle too."""
    app(puffin, "", name="a", requires=("b",))
    app(puffin, "", name="b", requires=("a", "other"))
    both = {"a": True, "b": True, "other": None}
    assert sync(puffin, shop) == {"a/.venv": both, "b/.venv": both}
    app(puffin, "", name="c", requires=())
    (puffin.cwd / "c/pyproject.toml").write_text('[project]\nname = "A"\nversion = "1"\n')
    done = puffin("sync", "-i", shop.url)
    assert done.code == 2
    assert (
        "Failed to read `c/pyproject.toml:2`: the workspace has a second member called `a`, at a/pyproject"
        in (done.err)
    )


def test_requirements_of_members_that_conflict(puffin, shop):
    workspace(puffin, more='[tool.puffin]\nlayout = "shared"\n')
    app(puffin, "", name="lib", requires=("other<9",))
    app(puffin, "[tool.uv.sources]\nlib = { workspace = true }\n", requires=("lib", "other>=9"))
    shop.add(*forge_wheel("other", "8.0"))
    done = puffin("sync", "-i", shop.url)
    assert done.code == 1
    for name, line in (("app", "other>=9"), ("lib", "other<9")):
        assert f"`{line}` ({name}/pyproject.toml:7)" in done.err, done.err
    assert not (puffin.cwd / ".venv").exists()


def test_the_chain_of_each_member_is_told_where_members_conflict(puffin, shop):
    """Members may need each other in a circle; what does not fit is told with the ways that lead there."""
    puffin.file("pyproject.toml", '[tool.uv.workspace]\nmembers = ["app", "lib", "base"]\n')
    for name, requires in (("app", ("lib", "other<9")), ("lib", ("base", "app")), ("base", ("other>=9",))):
        app(puffin, "", name=name, requires=requires)
    shop.add(*forge_wheel("other", "8.0"))
    done = puffin("sync", "app", "-i", shop.url)
    assert (done.code, (puffin.cwd / "app/.venv").exists()) == (1, False)
    for words in ("`other<9` (app/pyproject.toml:7)", "`lib` 1.0 needs `base`", "`base` 1.0 needs `other>=9`"):
        assert words in done.err, done.err
    assert puffin("sync", "base", "-i", shop.url).code == 0


def test_a_lock_of_uv(puffin, shop):
    workspace(puffin)
    wheel = f'wheels = [{{ url = "{shop.file_url("other-9.0-py3-none-any.whl")}", hash = "sha256:$" }}]'
    wheel = wheel.replace("$", hashlib.sha256(forge_wheel("other", "9.0")[1]).hexdigest())
    puffin.file(
        "uv.lock",
        'version = 1\nrevision = 3\nrequires-python = ">=3.9"\n[manifest]\nmembers = ["app", "lib"]\n'
        '[[package]]\nname = "app"\nversion = "1"\nsource = { editable = "app" }\ndependencies = [{ name = "lib" }]\n'
        '[[package]]\nname = "lib"\nversion = "1"\nsource = { editable = "lib" }\n'
        'dependencies = [{ name = "other" }, { name = "gone", marker = "sys_platform == \'win32\'" }]\n'
        f'[[package]]\nname = "other"\nversion = "9.0"\nsource = {{ registry = "{shop.url}" }}\n{wheel}\n',
    )
    shop.add(*forge_wheel("other", "9.5"))
    one = {"app": True, "lib": True, "other": None}
    lib = {"lib": True, "other": None}
    assert sync(puffin, shop, "--frozen") == {"app/.venv": one, "lib/.venv": lib}
    assert sync(puffin, shop, "uv.lock") == {".venv": one, "app/.venv": one, "lib/.venv": lib}
    puffin.file("puffin.toml", '[envs.x]\nlock = "uv.lock"\npath = ".x"\n')
    assert sync(puffin, shop)[".x"] == one
    (puffin.cwd / "puffin.toml").unlink()
    assert sync(puffin, shop, "--reinstall")["app/.venv"] == one
    assert Env(puffin.cwd / "app/.venv").installed()["other"] == "9.0"


def test_markers_of_sources_are_those_of_the_target(puffin, shop):
    """Whatever this machine is, in the project itself and in one that is named by its place."""
    for name in ("a", "b"):
        write_project(puffin.cwd / name, "lib", f"1.0+{name}", static=True)
    windows = "{ path = '../a', marker = \"sys_platform == 'win32'\" }"
    older = "{ path = '../b', marker = \"python_version < '3.9' and sys_platform != 'win32'\" }"
    app(puffin, f"[tool.uv.sources]\nlib = [{windows}, {older}]\n")
    puffin.file("r.in", "-e ./app\n")
    for source in ("app/pyproject.toml", "r.in"):
        for words, place in (
            (("--python-platform", "windows"), "./a"),
            (("--python-platform", "linux", "--python-version", "3.8"), "./b"),
            (("--python-platform", "macos", "--python-version", "3.12"), "lib==9.0"),
        ):
            assert place in pins(puffin, shop, source, *words)


@needs_git
@pytest.mark.parametrize("static", [True, False])
def test_the_sources_of_a_repository_count(puffin, env, shop, static):
    """Members and paths of a repository come from the same commit, also those that a build tells of."""
    root = Repository(puffin.root / "mono")
    other = Repository(puffin.root / "other")
    commit = other.commit(project_files("other", "1.0", static=True))
    tail = f'[tool.uv.sources]\nother = {{ git = "file://{other.path}", rev = "{commit}" }}\n'
    tail += "lib = { workspace = true }\n"
    tail += 'gone = { path = "gone" }\n[tool.uv.workspace]\nmembers = ["lib", "free"]\n'
    requires = ["lib>=5", "other", "free", "gone; sys_platform == 'none'"]
    files = project_files("app", requires=requires, static=static)
    if not static:
        files["pyproject.toml"] += '[project]\nname = "app"\nversion = "1.0"\ndynamic = ["dependencies"]\n'
    files["pyproject.toml"] += tail
    for name in ("lib", "free"):
        files |= {f"{name}/{path}": text for path, text in project_files(name, "2.0", static=True).items()}
    first = root.commit(files)
    shop.add(*forge_wheel("free", "9.0"))
    shop.requests.clear()
    done = puffin("pip", "install", f"git+file://{root.path}", "-i", shop.url)
    assert (done.code, env.installed()) == (0, {"app": "1.0", "free": "2.0", "lib": "2.0", "other": "1.0"}), (
        done.err
    )
    assert not [each for each in shop.requests if each.path.startswith(("/simple/lib", "/simple/free"))]
    shown = pins(puffin, shop, puffin.file("r.in", f"git+file://{root.path}\n"))
    assert f"lib @ git+file://[TMP]/mono@{first}#subdirectory=lib" in shown
    assert f"other @ git+file://[TMP]/other@{commit}" in shown
    assert "free==9.0" in pins(
        puffin, shop, "r.in", "--no-sources-package", "free", "--no-sources-package", "lib"
    )


@needs_git
@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('{ path = "../gone" }', "the source of `lib` is `../gone`, which does not exist"),
        ('{ path = "/" }', "the source of `lib` is `/`, which contains no project"),
        ('{ path = "OUTSIDE" }', "the source of `lib` is outside of the repository"),
        ('{ index = "it" }', "the source of `lib` is the index `it`, which is not declared"),
        ("{ workspace = true }", "the source of `lib` is the workspace, but there is none here"),
    ],
)
def test_wrong_sources_of_a_repository(puffin, env, shop, source, problem):
    root = Repository(puffin.root / "mono")
    write_project(puffin.cwd / "outside", "lib", static=True)
    files = project_files("app", requires=["lib"], static=True)
    files["pyproject.toml"] += (
        f"[tool.uv.sources]\nlib = {source.replace('OUTSIDE', str(puffin.cwd / 'outside'))}\n"
    )
    root.commit(files)
    done = puffin("pip", "install", f"git+file://{root.path}", "-i", shop.url)
    assert (done.code, env.installed()) == (2, {}), done.err
    line = len(files["pyproject.toml"].splitlines())
    assert problem in done.err
    assert f"/mono@{root.git('rev-parse', 'HEAD')}/pyproject.toml:{line}`: " in done.err, done.err


def test_what_a_member_needs_to_be_built_comes_from_the_workspace(puffin, env, shop):
    """By a source or without one; by an index that a source names; and not by ``--no-sources``."""
    puffin.file("pyproject.toml", '[tool.uv.workspace]\nmembers = ["app", "tool"]\n')
    write_project(puffin.cwd / "app", "app", needs=["toy", "tool>=5"], imports=["tool"], static=True)
    write_project(puffin.cwd / "tool", "tool", "1.0", static=True)
    shop.add(*forge_wheel("tool", "9.0"))
    shop.requests.clear()
    done = puffin("pip", "install", "./app", "-i", shop.url)
    assert (done.code, env.installed()) == (0, {"app": "1.0"}), done.err
    assert not [each for each in shop.requests if each.path.startswith("/simple/tool")]
    done = puffin("pip", "install", "./app", "-i", shop.url, "--no-sources", "--reinstall")
    assert done.code == 0, done.err
    assert [each for each in shop.requests if each.path.startswith("/simple/tool")]
