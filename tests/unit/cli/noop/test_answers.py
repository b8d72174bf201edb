"""What the question and the notes of a no-op are made of."""

import os
import re
import time
from pathlib import Path

import pytest

import puffin
from puffin import depends
from puffin.cli.noop.question import PREFIXES, VARIABLES, answer_place, question
from puffin.cli.noop.record import keep

SOURCE = Path(puffin.__file__).parent


@pytest.fixture
def noted():
    yield depends.begin()
    depends.end()


def old(path, text="x"):
    """Write a file as it would lie there for long."""
    path.write_text(text)
    os.utime(path, (1, 1))
    return path


def test_every_variable_that_is_read_is_part_of_the_question():
    text = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    read = set(re.findall(r"(?:environ|env)(?:\.get\(|\[)\"([A-Z][A-Z0-9_]+)\"", text))
    assert {"PATH", "NETRC", "PYENV_ROOT", "NO_COLOR"} <= read
    assert not {name for name in read if not (name.startswith(PREFIXES) or name in VARIABLES)} - {
        "OPENSSL_CONF"
    }


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("pip sync r.txt", True), ("pip-sync r.txt", True), ("pip compile r.in", True), ("pip install x", True),
        ("sync", True), ("lock", True), ("pip list", False), ("pip", False), ("", False), ("venv", False),
        ("cache clean", False), ("pip uninstall x", False),
    ],
)  # fmt: skip
def test_which_commands_have_answers(words, asked):
    assert (question(words.split(), {}) is not None) is asked


def test_what_the_question_holds():
    first = question(["sync"], {"PATH": "/bin", "PUFFIN_JOBS": "2", "OTHER": "1"})
    assert question(["sync"], {"PUFFIN_JOBS": "2", "PATH": "/bin", "OTHER": "2"}) == first
    assert question(["sync"], {"PATH": "/bin"}) != first
    assert question(["sync", "-q"], {"PATH": "/bin", "PUFFIN_JOBS": "2"}) != first


def test_where_an_answer_is(tmp_path):
    environ = {"PUFFIN_CACHE_DIR": str(tmp_path)}
    assert answer_place(question(["sync"], environ), environ)[0] == str(tmp_path)
    for words in (
        ["--cache-dir", "/other"],
        ["--cache-dir=/other"],
        ["--cache-dir", "/x", "--cache-dir", "/other"],
    ):
        root, path = answer_place(question(["sync", *words], environ), environ)
        assert (root, path.startswith("/other/answers-v0/")) == ("/other", True)


def test_nothing_is_noted_unless_it_is_asked_for(tmp_path):
    depends.file(str(tmp_path / "x"))
    depends.looked_for(str(tmp_path))
    depends.directory(str(tmp_path))
    depends.unsure("x")
    depends.settled()
    assert not depends.begin().files
    depends.end()


def test_files_are_noted_as_they_are_first(noted, tmp_path):
    path = str(old(tmp_path / "x"))
    depends.file(path)
    first = noted.files[path]
    old(tmp_path / "x", "longer")
    depends.file(path)
    assert noted.files[path] == first != depends.stamp(path)
    depends.file(str(tmp_path / "none"))
    assert noted.files[str(tmp_path / "none")] == ()
    depends.file("nul\0")
    assert noted.files["nul\0"] == ()
    assert not noted.doubts


def test_what_is_young_is_kept_with_its_content(noted, tmp_path):
    (tmp_path / "young").write_text("abc")
    depends.file(str(tmp_path / "young"))
    assert noted.contents == {str(tmp_path / "young"): depends.seal(b"abc")}
    depends.directory(str(tmp_path))
    assert noted.contents[str(tmp_path)] == ("young",)
    (tmp_path / "large").write_bytes(bytes(1 << 20))
    depends.file(str(tmp_path / "large"), content=False)
    assert not noted.doubts
    (tmp_path / "larger").write_bytes(bytes(1 << 20))
    depends.file(str(tmp_path / "larger"))
    assert len(noted.doubts) == 1
    for number in range(5):
        (tmp_path / f"some{number}").write_bytes(bytes(1 << 18))
        depends.file(str(tmp_path / f"some{number}"))
    assert len(noted.doubts) == 3, "much is too much, however it is shared out"


def test_what_is_no_file_is_in_doubt(noted, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    depends.file(str(tmp_path / "pipe"))
    assert "read twice" in noted.doubts[0]


def test_a_further_name_of_a_file_changes_nothing(noted, tmp_path):
    path = str(tmp_path / "x")
    old(tmp_path / "x")
    os.link(path, tmp_path / "y")
    first = depends.stamp(path)
    time.sleep(0.01)
    os.link(path, tmp_path / "z")
    assert depends.stamp(path) == first


@pytest.mark.parametrize("reason", ["not settled", "in doubt", "no room"])
def test_what_is_not_kept(noted, tmp_path, reason):
    root = tmp_path / "cache"
    if reason != "not settled":
        depends.settled()
    if reason == "in doubt":
        depends.unsure("x")
    if reason == "no room":
        root.write_text("a file in the place of the cache")
    assert keep(str(root), f"{root}/answers-v0/x", noted) is False


def test_freshness_is_what_all_pages_share(noted):
    depends.fresh(10, 100)
    depends.fresh(20, 200)
    assert (noted.since, noted.until) == (20, 100)
