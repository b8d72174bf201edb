"""Sources with markers in resolutions for several environments: each part takes those that hold in it."""

import tomllib

import pytest

from tests.helpers.index_server import IndexServer
from tests.helpers.repositories import Repository, needs_git
from tests.helpers.sdists import write_project
from tests.helpers.wheels import forge_wheel

PROJECT = """
[project]
name = "shop"
version = "1"
requires-python = ">=3.11"
dependencies = [{}]
[tool.uv.sources]
"""
INDEX = '[[tool.uv.index]]\nname = "{}"\nurl = "{}"\nexplicit = true\n'


@pytest.fixture
def shop(index):
    for version in ("1.0", "9.0"):
        index.add(*forge_wheel("lib", version, requires=["base"]))
    for name in ("base", "extra", "near", "far"):
        index.add(*forge_wheel(name, "1.0"))
    return index


@pytest.fixture
def other(tmp_path):
    """Another index, with builds of its own."""
    with IndexServer() as server:
        server.add(*forge_wheel("lib", "9.0+cpu", requires=["base", "extra"]))
        server.add(*forge_wheel("lib", "1.0", requires=["far"]))
        yield server


@pytest.fixture
def compile_(puffin, shop):
    def run(text, *words, dependencies='"lib>=1"'):
        puffin.file("pyproject.toml", PROJECT.format(dependencies) + text)
        quiet = ("--no-header", "--no-annotate", "-q", "-i", shop.url)
        return puffin("pip", "compile", "pyproject.toml", *quiet, *words)

    return run


def alone(compile_, text, platform, **more):
    done = compile_(text, "--python-platform", platform, "--python-version", "3.12", **more)
    assert done.code == 0, done.err
    return set(done.out.splitlines())


def test_each_part_takes_the_source_that_holds_in_it(compile_, puffin):
    """What no marker is true for comes from the index, with the version that the project requires."""
    for name, needs in (("near", ["near"]), ("there", ["far"])):
        write_project(puffin.cwd / name, "lib", "5.0", requires=needs, static=True)
    sources = """lib = [
  { path = "near", marker = "sys_platform == 'linux'" },
  { path = "there", editable = true, marker = "sys_platform == 'darwin'" },
]
"""
    done = compile_(sources, "--universal")
    assert set(done.out.splitlines()) == {
        "base==1.0 ; sys_platform != 'darwin' and sys_platform != 'linux'",
        "far==1.0 ; sys_platform == 'darwin'",
        "lib==9.0 ; sys_platform != 'darwin' and sys_platform != 'linux'",
        "./near ; sys_platform == 'linux'",
        "-e there ; sys_platform == 'darwin'",
        "near==1.0 ; sys_platform == 'linux'",
    }, done.err
    assert alone(compile_, sources, "linux") == {"./near", "near==1.0"}
    assert alone(compile_, sources, "macos") == {"-e there", "far==1.0"}
    assert alone(compile_, sources, "windows") == {"lib==9.0", "base==1.0"}


def test_the_marker_of_a_dependency_limits_its_sources(compile_, puffin):
    write_project(puffin.cwd / "near", "lib", "5.0", static=True)
    sources = "lib = { path = 'near', marker = \"sys_platform != 'darwin'\" }\n"
    done = compile_(sources, "--universal", dependencies="\"lib ; sys_platform != 'win32'\"")
    assert set(done.out.splitlines()) == {
        "base==1.0 ; sys_platform == 'darwin'",
        "lib==9.0 ; sys_platform == 'darwin'",
        "./near ; sys_platform != 'darwin' and sys_platform != 'win32'",
    }, done.err


def test_a_package_comes_from_another_index_in_a_part(compile_, puffin, shop, other):
    sources = "lib = [{ index = 'cpu', marker = \"sys_platform == 'linux'\" }]\n" + INDEX.format(
        "cpu", other.url
    )
    done = compile_(sources, "--universal", "--emit-index-annotation")
    assert done.code == 0, done.err
    found = set(done.out.splitlines())
    assert {"lib==9.0+cpu ; sys_platform == 'linux'", "lib==9.0 ; sys_platform != 'linux'"} < found
    assert "extra==1.0 ; sys_platform == 'linux'" in found
    assert "base==1.0" in found
    assert alone(compile_, sources, "linux") == {"lib==9.0+cpu", "base==1.0", "extra==1.0"}
    assert alone(compile_, sources, "windows") == {"lib==9.0", "base==1.0"}
    targets = [word for each in ("linux-cp312", "windows-cp312") for word in ("--targets", each)]
    found = set(compile_(sources, *targets).out.splitlines())
    assert {"lib==9.0+cpu ; sys_platform == 'linux'", "lib==9.0 ; sys_platform == 'win32'"} < found


def test_one_version_on_two_indexes_is_two_packages_of_a_lock(compile_, puffin, shop, other):
    sources = (
        "lib = [\n{ index = 'cpu', marker = \"sys_platform == 'linux'\" },\n"
        "{ index = 'main', marker = \"sys_platform != 'linux'\" }]\n"
        + INDEX.format("cpu", other.url)
        + INDEX.format("main", shop.url)
    )
    assert compile_(sources, "--universal", "-o", "pylock.toml", dependencies='"lib<9"').code == 0
    lock = tomllib.loads((puffin.cwd / "pylock.toml").read_text())
    found = {each["marker"]: each for each in lock["packages"] if each["name"] == "lib"}
    for marker, server in (("sys_platform == 'linux'", other), ("sys_platform != 'linux'", shop)):
        own = found[marker]
        assert (own["version"], own["index"]) == ("1.0", server.url.rstrip("/"))
        assert [each["url"].startswith(server.root) for each in own["wheels"]] == [True]
    marked = {each["name"]: each.get("marker") for each in lock["packages"]}
    assert (marked["base"], marked["far"]) == ("sys_platform != 'linux'", "sys_platform == 'linux'")
    before = (puffin.cwd / "pylock.toml").read_bytes()
    assert compile_(sources, "--universal", "-o", "pylock.toml", dependencies='"lib<9"').code == 0
    assert (puffin.cwd / "pylock.toml").read_bytes() == before


def test_sources_of_a_local_project_with_markers(compile_, puffin, shop):
    """They count where another project depends on it; members that no marker leads to come from the workspace."""
    tail = "[tool.uv.sources]\nfar = { path = '../far', marker = \"sys_platform == 'win32'\" }\n"
    write_project(puffin.cwd / "lib", "lib", "5.0", requires=["far>=1"], static=True)
    with open(puffin.cwd / "lib/pyproject.toml", "a") as file:
        file.write(tail)
    write_project(puffin.cwd / "far", "far", "0.1", requires=["extra"], static=True)
    done = compile_("lib = { path = 'lib' }\n", "--universal")
    assert set(done.out.splitlines()) == {
        "./lib",
        "extra==1.0 ; sys_platform == 'win32'",
        "./far ; sys_platform == 'win32'",
        "far==1.0 ; sys_platform != 'win32'",
    }, done.err


def test_a_member_is_taken_where_no_other_source_of_it_holds(compile_, puffin):
    """Somebody else owns its name on the index."""
    write_project(puffin.cwd / "near", "lib", "5.0", static=True)
    write_project(puffin.cwd / "there", "lib", "6.0", static=True)
    write_project(puffin.cwd / "asks", "asks", requires=["lib"], static=True)
    sources = """asks = { path = "asks" }
lib = [{ path = "near", marker = "sys_platform == 'win32'" }]
[tool.uv.workspace]
members = ["there"]
"""
    done = compile_(sources, "--universal", dependencies='"asks", "lib; sys_platform == \'win32\'"')
    assert set(done.out.splitlines()) == {
        "./asks",
        "./near ; sys_platform == 'win32'",
        "-e ./there ; sys_platform != 'win32'",
    }, done.err


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_the_editable_one_of_two_sources_for_one_place_counts_where_it_holds(compile_, puffin, order):
    write_project(puffin.cwd / "other", "other", static=True)
    one = """[tool.uv.sources]
other = [
  { path = "../other", editable = true, marker = "sys_platform == 'linux'" },
  { path = "../other", marker = "sys_platform != 'linux'" },
]
"""
    for name, tail in (("one", one), ("two", '[tool.uv.sources]\nother = { path = "../other" }\n')):
        path = write_project(puffin.cwd / name, name, requires=["other"], static=True) / "pyproject.toml"
        path.write_text(path.read_text() + tail)
    sources = "".join(f'{name} = {{ path = "{name}" }}\n' for name in ("one", "two"))
    done = compile_(sources, "--universal", dependencies=", ".join(f'"{name}"' for name in order))
    assert set(done.out.splitlines()) == {
        "./one",
        "./two",
        "-e ./other ; sys_platform == 'linux'",
        "./other ; sys_platform != 'linux'",
    }, done.err


@needs_git
def test_sources_of_a_repository_with_markers(compile_, puffin, shop):
    """The repository has them at the same commit; the rest comes from the index."""
    project = '[project]\nname = "{}"\nversion = "1"\ndependencies = [{}]\n'
    tail = "[tool.uv.sources]\nlib = { path = 'lib', marker = \"sys_platform == 'linux'\" }\n"
    repository = Repository(puffin.root / "tool")
    commit = repository.commit(
        {
            "pyproject.toml": project.format("tool", '"lib>=9", "base"') + tail,
            "lib/pyproject.toml": project.format("lib", '"far"'),
        }
    )
    source = f"tool = {{ git = '{repository.url.removeprefix('git+')}' }}\n"
    done = compile_(source, "--universal", dependencies='"tool"')
    place = f"git+file://[TMP]/tool@{commit}"
    assert set(done.out.splitlines()) == {
        "base==1.0",
        "far==1.0 ; sys_platform == 'linux'",
        "lib==9.0 ; sys_platform != 'linux'",
        f"lib @ {place}#subdirectory=lib ; sys_platform == 'linux'",
        f"tool @ {place}",
    }, done.err


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        (
            "lib = [{ path = 'a', marker = \"sys_platform == 'linux'\" },"
            " { path = 'b', marker = \"os_name == 'posix'\" }]\n",
            "`lib` has 2 sources that apply at once",
        ),
        (
            "lib = [{ path = 'gone', marker = \"sys_platform == 'win32'\" }]\n",
            "the source of `lib` is `gone`, which does not exist",
        ),
        (
            "lib = [{ index = 'gone', marker = \"sys_platform == 'win32'\" }]\n",
            "the source of `lib` is the index `gone`, which is not declared",
        ),
        (
            "lib = [{ path = 'a', marker = \"sys_platform ~ 'win32'\" }]\n",
            "`sys_platform ~ 'win32'` is not a marker",
        ),
    ],
)
def test_a_wrong_source_is_an_error_with_its_line(compile_, puffin, sources, problem):
    puffin.file("pylock.toml", "")
    for words in (("--universal",), ("--targets", "linux-cp312", "--targets", "windows-cp312")):
        done = compile_(sources, *words, "-o", "pylock.toml")
        assert done.code in (1, 2)
        assert f"Failed to read `pyproject.toml:8`: {problem}" in done.err
        assert (puffin.cwd / "pylock.toml").read_bytes() == b""
