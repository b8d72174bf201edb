"""The build system of a source tree, as pyproject.toml has it."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.stages.build.failures import InvalidBuildSystem
from puffin.stages.build.task import BuildSystem, read_build_system

LEGACY = BuildSystem(
    requires=("setuptools>=40.8.0",), backend="setuptools.build_meta:__legacy__", backend_path=()
)


def read(tree: Path, text: str | bytes | None = None) -> BuildSystem:
    if text is not None:
        (tree / "pyproject.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    return read_build_system(str(tree), "x==1")


def test_a_whole_table(tmp_path: Path) -> None:
    text = '[build-system]\nrequires = ["flit_core >=3.2,<4"]\nbuild-backend = "flit_core.buildapi"\n'
    found = read(tmp_path, text)
    assert found == BuildSystem(requires=("flit_core >=3.2,<4",), backend="flit_core.buildapi")


def test_legacy_trees(tmp_path: Path) -> None:
    (tmp_path / "setup.py").touch()
    assert read(tmp_path) == LEGACY


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool.black]\n", "\ufeff[tool.x]\n"])
def test_without_the_table_it_is_the_legacy_one(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == LEGACY


def test_without_backend_it_is_that_of_legacy_trees_with_the_requirements_declared(tmp_path: Path) -> None:
    found = read(tmp_path, '[build-system]\nrequires = ["setuptools", "cython"]\n')
    assert found == BuildSystem(requires=("setuptools", "cython"), backend=LEGACY.backend)


def test_in_tree_backends(tmp_path: Path) -> None:
    text = '[build-system]\nrequires = []\nbuild-backend = "a.b:c.d"\nbackend-path = [".", "tools/x"]\n'
    found = read(tmp_path, text)
    assert (found.backend, found.backend_path) == ("a.b:c.d", (".", "tools/x"))


TABLE = "[build-system]\n"
WHOLE = TABLE + 'requires = []\nbuild-backend = "b"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("build-system = 1", "`build-system` is not a table"),
        (TABLE + 'build-backend = "b"', "`[build-system]` has no `requires`, which is mandatory"),
        (TABLE + 'requires = "setuptools"', "`build-system.requires` is not a list of strings"),
        (TABLE + "requires = [1]", "`build-system.requires` is not a list of strings"),
        (TABLE + 'requires = ["a b"]', "`a b` in `requires` is not a requirement (PEP 508)"),
        (TABLE + "requires = []\nbuild-backend = 1", "`build-system.build-backend` is not a string"),
        (
            TABLE + 'requires = []\nbuild-backend = "a:"',
            "`build-backend` is `a:`, and not a module or `module:object`",
        ),
        (
            TABLE + 'requires = []\nbuild-backend = ""',
            "`build-backend` is ``, and not a module or `module:object`",
        ),
        (
            TABLE + 'requires = []\nbackend-path = ["."]',
            "there is a `backend-path`, but no `build-backend` to be found there",
        ),
        (WHOLE + 'backend-path = "."', "`build-system.backend-path` is not a list of strings"),
        (WHOLE + 'backend-path = [".."]', "`..` in `backend-path` leads out of the source tree"),
        (WHOLE + 'backend-path = ["/etc"]', "`/etc` in `backend-path` leads out of the source tree"),
        (WHOLE + 'backend-path = ["out/x"]', "`out/x` in `backend-path` leads out of the source tree"),
        (b"# \xff", "byte 2 is not UTF-8"),
    ],
)
def test_tables_that_break_the_rules(tmp_path: Path, text: str | bytes, problem: str) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "out").symlink_to(tmp_path)
    with pytest.raises(InvalidBuildSystem) as caught:
        read(tree, text)
    error = pickle.loads(pickle.dumps(caught.value))
    assert str(error) == f"Failed to read the build system of `x==1` (`{tree}/pyproject.toml`): {problem}"


def test_toml_that_is_none_has_its_place(tmp_path: Path) -> None:
    with pytest.raises(InvalidBuildSystem, match=r"line 2, column 12"):
        read(tmp_path, "[build-system]\nrequires = \n")


def test_a_directory_that_is_no_source_tree(tmp_path: Path) -> None:
    with pytest.raises(InvalidBuildSystem) as caught:
        read(tmp_path)
    assert caught.value.problem == "the directory has neither a `pyproject.toml` nor a `setup.py`"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    with pytest.raises(InvalidBuildSystem, match="Is a directory"):
        read(tmp_path)


@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: ("[build-system]\n" + text).encode()))
def test_whatever_is_in_there(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    tree = tmp_path_factory.getbasetemp() / "fuzzed"
    tree.mkdir(exist_ok=True)
    try:
        backend = read(tree, data).backend
    except InvalidBuildSystem:
        return
    assert backend
