"""A whole site-packages at once: before the one call it is the old one, after it the new one, and nothing is lost."""

import errno
import os

import pytest

from puffin.stages.link.commit import steps
from puffin.stages.link.commit.recovery import recover
from puffin.stages.link.commit.steps import IN, MKDIR, OUT, STAMP, SWAP, Script
from puffin.stages.link.commit.transaction import CommitFailed, NotExchangeable, Transaction
from tests.helpers.faults import Died, Saboteur, snapshot

OLD = {
    "a/__init__.py": "old",
    "gone.py": "old",
    "ns/kept.py": "kept",
    "ns/one.py": "old",
    "mine/notes/x.txt": "mine",
}
STAGED = {
    "0/a/__init__.py": "new",
    "0/a/more.py": "new",
    "1/ns/one.py": "new",
    "1/b/b.py": "new",
    "2/z/w.py": "new",
}


@pytest.fixture(autouse=True)
def _no_fsync(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # these tests do not cut the power


class World:
    """An environment with packages and files of nobody, or without any (*empty*), and a staged change."""

    def __init__(self, root, *, empty=False):
        self.site, self.bin = root / "site", root / "bin"
        self.root, self.always = root, not empty
        for path, text in {} if empty else OLD.items():
            self._file(self.site / path, text)
        self.site.mkdir(parents=True, exist_ok=True)
        self.bin.mkdir()
        if not empty:
            (self.site / "link").symlink_to("mine/notes")
            os.chmod(self.site / "mine", 0o750)
            os.utime(self.site / "mine", ns=(10**18, 10**18))
        self._file(root / ".puffin/state", "the old state")
        self.transaction = Transaction(str(root))
        self.transaction.begin()
        stage, site = self.transaction.directory, str(self.site)
        for path, text in {**STAGED, "0+scripts/run": "new"}.items():
            self._file(root / ".puffin" / self.transaction.id / path, text)
        there = SWAP if self.always else IN
        self.script = Script(
            steps=(
                *(((MKDIR, f"{site}/ns", ""),) if empty else ()),
                (MKDIR, f"{site}/z", ""),
                (IN, f"{stage}/2/z/w.py", f"{site}/z/w.py"),
                (IN, f"{stage}/1/b", f"{site}/b"),
                (there, f"{stage}/0/a", f"{site}/a"),
                (there, f"{stage}/1/ns/one.py", f"{site}/ns/one.py"),
                (IN, f"{stage}/0+scripts/run", str(self.bin / "run")),
                *(() if empty else ((OUT, f"{site}/gone.py", self.transaction.trash()),)),
                (STAMP, f"{site}/ns", ""),
                (STAMP, site, ""),
            ),
            state=b"the new state",
            stamp=10**18,
        )

    def _file(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self):
        self.transaction.commit(self.script, whole=str(self.site), always=self.always)

    def look(self):
        return snapshot(self.site)

    def settled(self):
        return set(os.listdir(self.root / ".puffin")) == {"state"}


@pytest.fixture(params=["always", "empty"])
def made(request, tmp_path):
    """What makes worlds, and how they look before and after."""

    def make(name):
        return World(tmp_path / str(name), empty=request.param == "empty")

    world = make("model")
    old = world.look()
    world.commit()
    world.transaction.end()
    assert world.settled()
    assert (world.bin / "run").read_text() == "new"
    return make, (old, world.look())


def calls_of(world, monkeypatch):
    with Saboteur(monkeypatch, 10**6, Died()) as saboteur:
        world.commit()
    return 10**6 - saboteur.left


def test_it_brings_the_new_and_keeps_what_is_nobodys(tmp_path):
    world = World(tmp_path / "w")
    inode = (world.site / "mine/notes/x.txt").stat().st_ino
    with open(world.site / "mine/notes/x.txt", "a") as file:
        world.commit()
        file.write(" and written to meanwhile")
    assert world.look() == {
        **dict.fromkeys(("a", "b", "ns", "mine", "mine/notes", "z")),
        "a/__init__.py": b"new",
        "a/more.py": b"new",
        "b/b.py": b"new",
        "ns/one.py": b"new",
        "z/w.py": b"new",
        "ns/kept.py": b"kept",
        "mine/notes/x.txt": b"mine and written to meanwhile",
        "link": "mine/notes",
    }
    assert (world.site / "mine/notes/x.txt").stat().st_ino == inode
    facts = (world.site / "mine").stat()
    assert (facts.st_mode & 0o777, facts.st_mtime_ns) == (0o750, 10**18)
    assert world.site.stat().st_mtime_ns == (world.site / "ns").stat().st_mtime_ns == 10**18


def test_killed_at_any_call_it_is_old_or_new_before_the_recovery(made, monkeypatch):
    make, ends = made
    seen = set()
    for number in range(1, calls_of(make("count"), monkeypatch) + 1):
        world = make(number)
        with Saboteur(monkeypatch, number, Died()), pytest.raises(Died):
            world.commit()
        assert world.look() in ends, number
        again = 1
        struck = True
        while struck and again < 4:
            with Saboteur(monkeypatch, again, Died()) as saboteur:
                try:
                    recover(str(world.root))
                except Died:
                    pass
                struck = saboteur.struck
            assert world.look() in ends, (number, again)
            again += 1
        recover(str(world.root))
        assert world.look() in ends
        assert (world.bin / "run").exists() is (world.look() == ends[1])
        assert world.settled()
        seen.add(ends.index(world.look()))
    assert seen == {0, 1}


def test_a_failing_call_leaves_the_old(made, monkeypatch):
    make, ends = made
    failed = 0
    for number in range(1, calls_of(make("count"), monkeypatch) + 1):
        world = make(number)
        with Saboteur(monkeypatch, number, OSError(errno.ENOSPC, "No space left on device")):
            try:
                world.commit()
            except CommitFailed:
                failed += 1
                assert world.look() == ends[0], number
            else:
                assert world.look() == ends[1], number
        world.transaction.end()
        recover(str(world.root))
        assert world.settled()
    assert failed > 5


def test_what_comes_while_it_is_built_stays(tmp_path, monkeypatch):
    world = World(tmp_path / "w")
    real = steps.exchange

    def late(first, second):
        (world.site / "mine/late.txt").write_text("late")
        (world.site / "newcomer").mkdir()
        real(first, second)

    monkeypatch.setattr(steps, "exchange", late)
    world.commit()
    assert (world.site / "mine/late.txt").read_text() == "late"
    assert (world.site / "newcomer").is_dir()
    assert not (world.site / "gone.py").exists()


def test_an_empty_one_that_cannot_be_replaced_is_filled(tmp_path, monkeypatch):
    world, real = World(tmp_path / "w", empty=True), os.rename

    def busy(source, target):
        if target == str(world.site):
            raise OSError(errno.EBUSY, "Device or resource busy")
        real(source, target)

    monkeypatch.setattr(os, "rename", busy)
    world.commit()
    assert world.look()["a/__init__.py"] == b"new"
    assert (world.bin / "run").exists()


def test_where_nothing_can_be_exchanged_it_is_refused(tmp_path, monkeypatch):
    world = World(tmp_path / "w")
    old = world.look()

    def refused(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(steps, "exchange", refused)
    monkeypatch.setattr("puffin.stages.link.commit.transaction.exchange", refused)
    with pytest.raises(NotExchangeable, match="Invalid cross-device link"):
        world.transaction.try_exchange(str(world.site))
    with pytest.raises(CommitFailed) as caught:
        world.commit()
    assert "leave it out" in caught.value.hints[0]
    assert world.look() == old
