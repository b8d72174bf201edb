"""How packages given by URL, path or repository come out, and which markers packages have."""

from pathlib import Path

import pytest

from puffin.stages.resolve.output.gather import direct_of, markers_of
from puffin.stages.resolve.requirements.markers import without_extra
from puffin.stages.resolve.requirements.values import Entry
from puffin.stages.resolve.solve.request import Parent, Resolved
from puffin.stages.resolve.solve.universe import Place

SHA = "sha256:" + "0" * 64


def direct(url: str, text: str = "", *, cwd: str = "/project", editable: bool = False, commit: str = ""):  # type: ignore[no-untyped-def]
    place = Place(url=commit or url, name="a")
    package = Resolved(name="a", version="1", handle=place, url=url, editable=editable)
    entries = [Entry(name="a", text=text, url=url)] if text else []
    return direct_of(package, entries, cwd=cwd, sha256=lambda _: ("0" * 64, 7))


def test_packages_from_an_index_are_not_direct() -> None:
    package = Resolved(name="a", version="1", handle=object())
    assert direct_of(package, [], cwd="/", sha256=None) is None


def test_archives_lose_credentials_and_get_a_hash() -> None:
    found = direct("https://u:p@e.org/a-1.tar.gz#subdirectory=x")
    assert (found.written, found.url) == ("https://e.org/a-1.tar.gz#subdirectory=x", "https://e.org/a-1.tar.gz")
    assert (found.kind, found.subdirectory, found.hashes, found.size) == ("archive", "x", (SHA,), 7)


def test_a_known_hash_is_not_computed() -> None:
    place = Place(url="https://e.org/a-1.tar.gz", hashes=(SHA,))
    package = Resolved(name="a", version="1", handle=place, url=place.url)
    found = direct_of(package, [], cwd="/", sha256=lambda url: pytest.fail(url))
    assert found is not None
    assert (found.hashes, found.size) == ((SHA,), 0)


@pytest.mark.parametrize(
    ("text", "cwd", "written"),
    [
        ("./a", "/project", "./a"),
        ("-e a", "/project", "a"),
        ("a @ ./a", "/project", "./a"),
        ("a @ a", "/project", "./a"),  # `a` alone is the name of a package
        ("a[x] @ ./a", "/project", "./a"),
        ("./a[x,y] ; os_name == 'nt'", "/project", "./a"),
        ("/project/a", "/elsewhere", "/project/a"),
        ("./a", "/project/sub", "../a"),
        ("../a", "/", "./project/a"),
        ("file:///project/a", "/project", "file:///project/a"),
        ("${HERE}/a", "/project", "file:///project/a"),
        ("", "/project", "file:///project/a"),
    ],
)
def test_paths_are_written_as_given_where_they_still_mean_the_same(text: str, cwd: str, written: str) -> None:
    found = direct("file:///project/a", text, cwd=cwd, editable=text.startswith("-e"))
    assert (found.written, found.bare) == (written, not written.startswith("file:"))
    assert (found.kind, found.hashes) == ("directory", ())
    below = direct("file:///project/a#subdirectory=b%20c", text, cwd=cwd, editable=text.startswith("-e"))
    assert below.written == f"{written}#subdirectory=b%20c"


def test_a_local_archive_has_a_hash(tmp_path: Path) -> None:
    found = direct((tmp_path / "a-1.tar.gz").as_uri(), "./a-1.tar.gz", cwd=str(tmp_path))
    assert (found.kind, found.hashes, found.written) == ("archive", (SHA,), "./a-1.tar.gz")


def test_repositories_are_pinned_to_the_commit() -> None:
    url = "git+https://u:p@e.org/o/a.git@main#subdirectory=x"
    commit = f"git+https://u:p@e.org/o/a.git@{'c' * 40}#subdirectory=x"
    found = direct(url, "a @ " + url, commit=commit, editable=True)
    assert found.written == f"git+https://e.org/o/a.git@{'c' * 40}#subdirectory=x"
    assert (found.url, found.kind, found.commit) == ("https://e.org/o/a.git", "git", "c" * 40)
    assert (found.revision, found.subdirectory, found.editable) == ("main", "x", True)


@pytest.mark.parametrize(
    ("marker", "rest"),
    [
        ("os_name == 'nt'", "os_name == 'nt'"),
        ('extra == "x"', ""),
        ("os_name == 'nt' and extra == 'x'", "os_name == 'nt'"),
        ("(a == 'b' or c == 'd') and extra == 'x'", "(a == 'b' or c == 'd')"),
        ("extra == 'x' and os_name == 'nt'", "os_name == 'nt'"),
        ("a == 'b' or c == 'd' and extra == 'x'", ""),
        ("(a == 'b') or (c == 'd') and extra == 'x'", ""),
        ("extra == 'x' or extra == 'y'", ""),
    ],
)
def test_clauses_on_extras_are_cut_off_where_that_is_right(marker: str, rest: str) -> None:
    assert without_extra(marker) == rest


def test_markers_of_packages_follow_all_ways_to_them() -> None:
    windows, old = "sys_platform == 'win32'", "python_version < '3.9'"
    packages = [
        _package("a", Parent(origin="r")),
        _package("b", Parent(name="a", marker=windows)),
        _package("c", Parent(name="b"), Parent(name="a", marker=old)),
        _package("d", Parent(name="b", marker=old), Parent(name="d", marker=windows)),
        _package("e", Parent(name="b"), Parent(name="a")),
        _package("f", Parent(name="g", marker=windows), Parent(name="a", marker=old)),
        _package("g", Parent(name="f")),
    ]
    found = dict(zip("abcdefg", markers_of(packages), strict=True))
    assert {name: marker for name, marker in found.items() if marker} == {
        "b": 'sys_platform == "win32"',
        "c": 'python_version < "3.9" or sys_platform == "win32"',
        "d": 'python_version < "3.9" and sys_platform == "win32"',
        "f": 'python_version < "3.9"',
        "g": 'python_version < "3.9"',
    }


def test_too_many_alternatives_are_no_marker() -> None:
    ways = [Parent(origin=str(n), marker=f"python_full_version == '3.9.{n}'") for n in range(9)]
    assert markers_of([_package("a", *ways[:8])]) != ("",)
    assert markers_of([_package("a", *ways)]) == ("",)


def _package(name: str, *via: Parent) -> Resolved:
    return Resolved(name=name, version="1", handle=None, via=via)
