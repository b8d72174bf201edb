"""METADATA, PKG-INFO and pyproject.toml as the resolver reads them, old mistakes included."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from puffin.stages.resolve.metadata.parse import parse_metadata, static_metadata
from puffin.stages.resolve.metadata.project import Dynamic, project_metadata
from puffin.stages.resolve.metadata.sdist import sdist_metadata, tree_metadata
from puffin.stages.resolve.requirements.lenient import Malformed, requirement, specifier


@pytest.mark.parametrize(
    "text",
    [
        "idna",
        "idna>=2",
        "idna (>=2,<4)",
        "idna[a,b-c]>=2.0.dev1,!=3.*",
        'idna>=2; python_version < "3.8" and extra == "x"',
        "idna @ https://host/idna-1.0.tar.gz ; os_name == 'nt'",
        "idna==1!2.0+local.1",
        "idna===weird",
    ],
)
def test_what_packaging_reads_stays_as_it_is(text: str) -> None:
    assert requirement(text) == text
    Requirement(text)


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("idna>=2.7.*", "idna>=2.7"),
        ("idna (>=2.7.*,<4.*)", "idna>=2.7,<4"),
        ("idna>=1.0<2.0", "idna>=1.0,<2.0"),
        ("idna>=1.0 <2.0", "idna>=1.0,<2.0"),
        ("idna>='1.0'", "idna>=1.0"),
        ('idna (>="1.0") ; os_name == "nt"', 'idna>=1.0; os_name == "nt"'),
        ("idna!=~5.0", "idna!=5.0.*"),
        ("idna=>1.0", "idna>=1.0"),
        ("idna>=1.0.", "idna>=1.0"),
        ("idna>=1.0,,<2", "idna>=1.0,<2"),
        ("idna>=1.0,", "idna>=1.0"),
        ("idna~=3", "idna>=3"),
    ],
)
def test_well_known_slips_are_corrected(text: str, fixed: str) -> None:
    found = Requirement(requirement(text))
    assert str(found) == str(Requirement(fixed))


@pytest.mark.parametrize(
    "text", ["", "???", "idna>=", "idna>=x.y", "idna; nonsense", "idna;", "-r file", "idna @", "a b"]
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        requirement(text)


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("", ""),
        (">=3.7", ">=3.7"),
        (">=2.7, !=3.0.*, !=3.1.*,", ">=2.7, !=3.0.*, !=3.1.*"),
        (">=3.6.*", ">=3.6"),
        (">= '2.7'", ">= 2.7"),
        ("~=3.7", "~=3.7"),
        ("nonsense", ""),
        ("3", ""),
    ],
)
def test_requires_python(text: str, fixed: str) -> None:
    assert SpecifierSet(specifier(text)) == SpecifierSet(fixed)


def test_metadata_are_read() -> None:
    text = b"""Metadata-Version: 2.4
Name: A_b.C
Version: 1.0
Requires-Python: >=3.8.*
Requires-Dist: x>=1
Requires-Dist: y ; extra == 'Fast_er'
Provides-Extra: Fast_er
Provides-Extra: fast-er
Dynamic: Summary

Requires-Dist: description
"""
    found = parse_metadata(text, name="a-b-c", version="1")
    assert (found.name, found.version, found.requires_python) == ("a-b-c", "1.0", ">=3.8")
    assert found.requires_dist == ("x>=1", "y ; extra == 'Fast_er'")
    assert found.provides_extras == ("fast-er",)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Name: a\n",
        b"Version: 1\n",
        b"Name: a\nName: b\nVersion: 1\n",
        b"Name: a\nVersion: x\n",
        b"Name: a b\nVersion: 1\n",
    ],
)
def test_metadata_without_identity_are_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        parse_metadata(text)


@pytest.mark.parametrize(
    ("head", "static"),
    [
        ("Metadata-Version: 2.1", False),
        ("Metadata-Version: 2.2", True),
        ("Metadata-Version: 2.4\nDynamic: Description\nDynamic: classifier", True),
        ("Metadata-Version: 2.2\nDynamic: Requires-Dist", False),
        ("Metadata-Version: 2.2\nDynamic: requires-python", False),
        ("Metadata-Version: 2.2\nDynamic: PROVIDES-EXTRA", False),
        ("Metadata-Version: x", False),
    ],
)
def test_static_metadata_are_told_by_pep_643(head: str, static: bool) -> None:
    found = static_metadata(f"{head}\nName: a\nVersion: 1\nRequires-Dist: b\n\n".encode())
    assert (found is not None) is static


PROJECT = """
[project]
name = "A_b"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["x>=1", "y @ https://host/y.zip"]
[project.optional-dependencies]
Fast_er = ["z", "w ; os_name == 'nt' or os_name == 'posix'"]
"""


def test_a_project_table_is_read() -> None:
    found = project_metadata(PROJECT.encode(), name="a-b", version="1.0")
    assert (found.name, found.version, found.requires_python) == ("a-b", "1.0", ">=3.9")
    assert found.provides_extras == ("fast-er",)
    assert found.requires_dist[:2] == ("x>=1", "y @ https://host/y.zip")
    last = Requirement(found.requires_dist[3])
    assert last.marker is not None
    assert not last.marker.evaluate({"os_name": "posix", "extra": ""})
    assert last.marker.evaluate({"os_name": "posix", "extra": "fast-er"})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no `\\[project\\]` table"),
        ("[project]\nname='a'\nversion='1'\ndynamic=['dependencies']", "`project.dependencies`"),
        ("[project]\nname='a'\nversion='1'\ndynamic=['requires-python']", "`project.requires-python`"),
        ("[project]\nname='a'\ndynamic=['version']", "`project.version`"),
        ("[project]\nname='a'\nversion='1'\n[tool.poetry.dependencies]\nx='1'", "`project.dependencies`"),
    ],
)
def test_what_only_a_build_can_tell(text: str, reason: str) -> None:
    with pytest.raises(Dynamic) as caught:
        project_metadata(text.encode())
    assert __import__("re").search(reason, caught.value.reason)


def test_a_file_name_stands_in_for_a_dynamic_version() -> None:
    text = b"[project]\nname='a'\ndynamic=['version', 'readme']\n"
    assert project_metadata(text, name="a", version="2").version == "2"


@pytest.mark.parametrize(
    "text",
    [
        "[project",
        "project = 1",
        "[project]\nversion='1'",
        "[project]\nname='a'",
        "[project]\nname='b'\nversion='1'",
        "[project]\nname='a'\nversion='1'\ndependencies='x'",
        "[project]\nname='a'\nversion='1'\ndependencies=[1]",
        "[project]\nname='a'\nversion='1'\ndependencies=['?']",
        "[project]\nname='a'\nversion='1'\noptional-dependencies=[]",
        "[project]\nname='a'\nversion='1'\nrequires-python=3",
    ],
)
def test_malformed_project_tables_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        project_metadata(text.encode(), name="a")


def tar(files: dict[str, bytes], mode: str = "w:gz") -> io.BytesIO:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    target.seek(0)
    return target


INFO = b"Metadata-Version: 2.2\nName: a\nVersion: 1\nRequires-Dist: info\n\n"
OLD = b"Metadata-Version: 1.1\nName: a\nVersion: 1\n\n"
TOML = b"[project]\nname='a'\nversion='1'\ndependencies=['toml']\n"


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "w"])
def test_an_sdist_tells_by_its_own_files_only(mode: str) -> None:
    files = {
        "a-1/a.egg-info/PKG-INFO": OLD,
        "a-1/PKG-INFO": INFO,
        "a-1/x/pyproject.toml": b"",
        "b/PKG-INFO": OLD,
    }
    assert sdist_metadata(tar(files, mode), "a-1.tar.gz", name="a", version="1").requires_dist == ("info",)


def test_pyproject_stands_in_for_an_old_pkg_info() -> None:
    files = {"./a-1/PKG-INFO": OLD, "./a-1/pyproject.toml": TOML}
    assert sdist_metadata(tar(files), "a-1.tar.gz", name="a", version="1").requires_dist == ("toml",)
    with pytest.raises(Dynamic):
        sdist_metadata(tar({"a-1/PKG-INFO": OLD}), "a-1.tar.gz", name="a", version="1")


def test_an_archive_without_a_top_directory_has_its_files_at_its_root() -> None:
    files = {"docs/pyproject.toml": b"", "./PKG-INFO": INFO, "x/PKG-INFO": OLD}
    assert sdist_metadata(tar(files), "a-1.tar.gz", name="a", version="1").requires_dist == ("info",)
    beneath = {"setup.py": b"", "lib/PKG-INFO": INFO, "lib/x/PKG-INFO": OLD}
    found = sdist_metadata(tar(beneath), "a-1.tar.gz", name="a", version="1", subdirectory="lib")
    assert found.requires_dist == ("info",)


def test_zipped_sdists() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a-1/PKG-INFO", INFO)
    target.seek(0)
    assert sdist_metadata(target, "a-1.zip", name="a", version="1").requires_dist == ("info",)


@pytest.mark.parametrize("name", ["a-1.tar.gz", "a-1.zip", "a-1.tar.xz"])
def test_damaged_archives_are_refused(name: str) -> None:
    whole = tar({"a-1/PKG-INFO": INFO * 999}).getvalue()
    for data in (b"", b"garbage", whole[: len(whole) // 2]):
        with pytest.raises((Malformed, Dynamic)):
            sdist_metadata(io.BytesIO(data), name)


def test_trees(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Malformed):
        tree_metadata(str(tmp_path))
    (tmp_path / "setup.py").write_text("")
    with pytest.raises(Dynamic):
        tree_metadata(str(tmp_path))
    (tmp_path / "pyproject.toml").write_bytes(TOML)
    assert tree_metadata(str(tmp_path)).requires_dist == ("toml",)
    with pytest.raises(OSError):
        tree_metadata(str(tmp_path / "gone"))
