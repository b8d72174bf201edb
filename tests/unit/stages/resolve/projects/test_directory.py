"""A directory as a source: which of its files describes the project."""

import pytest

from puffin.errors import UsageError
from puffin.stages.resolve.projects.sources import project_file
from puffin.stages.resolve.requirements.file import read_file

STATED = '[project]\nname = "a"\nversion = "1"\n'
SYSTEM = '[build-system]\nrequires = []\n[tool.poetry]\nname = "a"\n'
TOOLS, METADATA = (
    "[flake8]\nmax-line-length = 100\n",
    "[metadata]\nname = a\n[options]\ninstall_requires = six\n",
)
PROGRAM = "import setuptools\n"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"pyproject.toml": STATED, "setup.cfg": METADATA, "setup.py": PROGRAM}, "pyproject.toml"),
        ({"pyproject.toml": SYSTEM, "setup.cfg": METADATA, "setup.py": PROGRAM}, "setup.cfg"),
        ({"pyproject.toml": SYSTEM, "setup.cfg": TOOLS, "setup.py": PROGRAM}, "setup.py"),
        ({"pyproject.toml": SYSTEM, "setup.cfg": TOOLS}, "pyproject.toml"),
        ({"setup.cfg": METADATA}, "setup.cfg"),
        ({"setup.py": PROGRAM}, "setup.py"),
    ],
)
@pytest.mark.parametrize("shown", [".", "./", "../here", "here"])
def test_what_states_the_dependencies_goes_first(tmp_path, monkeypatch, files, found, shown):
    here = tmp_path / "here"
    here.mkdir()
    for name, text in files.items():
        (here / name).write_text(text)
    monkeypatch.chdir(tmp_path if shown == "here" else here)
    prefix = "" if shown.startswith("./") or shown == "." else f"{shown}/"
    assert project_file(shown, read=read_file, exists=lambda path: (here / path).exists()) == f"{prefix}{found}"


def test_what_is_no_directory_is_left_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("-", "requirements.in", "https://example.org/x/", "gone/"):
        assert project_file(path, read=read_file, exists=lambda _: True) == path


@pytest.mark.parametrize("files", [{}, {"setup.cfg": TOOLS, "requirements.in": "six\n"}])
def test_a_directory_without_a_project_is_refused(tmp_path, files):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError) as caught:
        project_file(str(tmp_path), read=read_file, exists=lambda path: (tmp_path / path).exists())
    assert str(caught.value) == (
        f"`{tmp_path}` is a directory without a `pyproject.toml`, `setup.cfg` or `setup.py` of a project"
    )
    assert caught.value.hints == ("give a file, such as a `requirements.in`",)
