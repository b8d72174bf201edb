"""setup.cfg and setup.py as sources of a compilation."""

import pytest

from puffin.stages.resolve.metadata.toml import InvalidProject
from puffin.stages.resolve.projects.pyproject import NeedsBuild
from tests.unit.stages.resolve.projects.test_sources import labels, names, sources

CONFIG = """\
[metadata]
name = My_Proj
[options]
python_requires = >=3.8
install_requires =
    six  # a comment
    # another
    idna>=2; python_version < "4"
[options.extras_require]
cli = click; rich
more =
    attrs
    my-proj[cli]
"""


def test_static_requirements_are_read_without_a_build() -> None:
    found = sources({"setup.cfg": CONFIG, "setup.py": ""}, "setup.cfg")
    assert [(e.name, e.specifier, e.line) for e in found.requirements.entries] == [
        ("six", "", 6),
        ("idna", ">=2", 8),
    ]
    assert labels(found)["six"] == ("my-proj (setup.cfg)",)
    assert found.pythons == (("setup.cfg", ">=3.8"),)


def test_extras_are_lists_of_lines_or_semicolons() -> None:
    assert names(sources({"setup.cfg": CONFIG}, extras=("more",))) == ["six", "idna", "attrs", "click", "rich"]


def test_requirements_may_be_in_other_files() -> None:
    text = "[options]\ninstall_requires = file: sub/a.txt, b.txt"
    found = sources({"x/setup.cfg": text, "x/sub/a.txt": "# c\nsix", "x/b.txt": "idna\n"}, "x/setup.cfg")
    assert [(e.name, e.origin) for e in found.requirements.entries] == [
        ("six", "x/sub/a.txt:2"),
        ("idna", "x/b.txt:1"),
    ]
    with pytest.raises(InvalidProject, match="refers to `b.txt`, which is not there"):
        sources({"setup.cfg": "[options]\ninstall_requires = file: b.txt"})


def test_a_setup_py_beside_may_know_more() -> None:
    assert names(sources({"setup.cfg": "[metadata]\nname = a"})) == []
    with pytest.raises(NeedsBuild, match="`setup.py` may have it"):
        sources({"setup.cfg": "[metadata]\nname = a", "setup.py": ""}, "setup.cfg")


def test_a_malformed_file() -> None:
    with pytest.raises(InvalidProject, match=r"Failed to read `setup.cfg`: file contains no section headers"):
        sources({"setup.cfg": "name = a"})


def test_a_setup_py_needs_a_build() -> None:
    with pytest.raises(NeedsBuild, match="a `setup.py` is a program"):
        sources({"setup.py": "import setuptools"})
    dynamic = '[project]\nname = "p"\ndynamic = ["dependencies"]'
    with pytest.raises(NeedsBuild, match="a `setup.py` is a program"):
        sources({"setup.py": "", "pyproject.toml": dynamic}, "setup.py")


def test_a_static_pyproject_beside_a_setup_py_is_enough() -> None:
    static = '[project]\nname = "p"\ndependencies = ["six"]'
    found = sources({"setup.py": "", "pyproject.toml": static}, "setup.py")
    assert labels(found) == {"six": ("p (setup.py)",)}
