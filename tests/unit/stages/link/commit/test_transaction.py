"""The transaction: whatever breaks it off, and however often, the environment is the old or the new one."""

import errno
import os
import shutil
import signal
import stat

import pytest

from puffin.cache import frame
from puffin.stages.link.commit import recovery, steps
from puffin.stages.link.commit import transaction as tx
from puffin.stages.link.commit.recovery import LOST, UNREADABLE, RecoveryFailed, recover
from puffin.stages.link.commit.stamps import JOURNAL
from puffin.stages.link.commit.steps import IN, MKDIR, OUT, STAMP, SWAP, Script
from puffin.stages.link.commit.transaction import CommitFailed, Transaction
from tests.helpers.faults import Died, Saboteur, snapshot

STATE = b"the new state"


class World:
    """An environment with a package to replace, one to remove, a shared namespace, and a staged change."""

    lower = False

    def __init__(self, root):
        self.root = root
        self.site = root / "site"
        for path, text in {
            "a/__init__.py": "old",
            "a/sub/m.py": "old",
            "gone.py": "old",
            "m.py": "old",
            "ns/kept.py": "kept",
        }.items():
            self._file(self.site / path, text)
        if self.lower:
            LOWER.clear()
            LOWER.update(os.lstat(each).st_ino for each in (self.site / "a", self.site / "a/sub"))
        self._file(root / ".puffin/state", "the old state")
        self.transaction = Transaction(str(root))
        self.transaction.begin()
        stage = root / ".puffin" / self.transaction.id
        for path, text in {
            "0/a/__init__.py": "new", "0/a/more.py": "new", "1/ns/one.py": "new", "1/b/b.py": "new",
            "1/b-1.dist-info/RECORD": "b", "0/z/x/y.py": "new", "0/m.py": "new", "2/z/x/w.py": "new",
        }.items():  # fmt: skip
            self._file(stage / path, text)
        self.script = self._script(str(stage), str(self.site))

    def _file(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _script(self, stage, site):
        steps = (
            (MKDIR, f"{site}/z", ""),
            (MKDIR, f"{site}/z/x", ""),
            (IN, f"{stage}/0/z/x/y.py", f"{site}/z/x/y.py"),
            (IN, f"{stage}/2/z/x/w.py", f"{site}/z/x/w.py"),
            (IN, f"{stage}/1/ns/one.py", f"{site}/ns/one.py"),
            (IN, f"{stage}/1/b", f"{site}/b"),
            (SWAP, f"{stage}/0/a", f"{site}/a"),
            (SWAP, f"{stage}/0/m.py", f"{site}/m.py"),
            (IN, f"{stage}/1/b-1.dist-info", f"{site}/b-1.dist-info"),
            (OUT, f"{site}/gone.py", self.transaction.trash()),
            (STAMP, site, ""),
        )
        return Script(steps=steps, state=STATE, stamp=10**18)

    def usable(self):
        """Tell whether every package of both worlds is there, old or new."""
        paths = [self.site / "a/__init__.py", self.site / "m.py"]
        return all(path.exists() and path.read_text() for path in paths) and (self.site / "ns/kept.py").exists()

    def look(self):
        return snapshot(self.site), (self.root / ".puffin/state").read_bytes()

    def settled(self):
        return set(os.listdir(self.root / ".puffin")) == {"state"}


@pytest.fixture(autouse=True)
def _no_fsync(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # these tests do not cut the power


@pytest.fixture
def ends(tmp_path):
    """The old environment and the new one."""
    world = World(tmp_path / "model")
    old = world.look()
    world.transaction.commit(world.script)
    world.transaction.end()
    assert world.settled()
    return old, world.look()


LOWER: "set[int]" = set()  # directories that cannot be renamed, by their inodes


@pytest.fixture(params=["exchanging", "renaming", "layered", "mounted"])
def layered(request, monkeypatch):
    """Exchange everything, or only rename, or refuse both (EXDEV).

    overlayfs does so to directories of the old environment; and where site-packages is a mount point, nothing is moved
    or linked from one mount to the other.
    """
    LOWER.clear()
    if request.param == "exchanging":
        return request.param
    rename, rmdir, exchange = os.rename, os.rmdir, steps.exchange

    def refuse(code, source, target):
        raise OSError(code, os.strerror(code), str(source), None, str(target))

    if request.param == "renaming":
        monkeypatch.setattr(steps, "exchange", lambda *paths: refuse(errno.ENOSYS, *paths))
        return request.param

    if request.param == "mounted":
        link = os.link

        def within_one(call):
            def called(source, target, **options):
                if ("/site" in str(source)) != ("/site" in str(target)):
                    refuse(errno.EXDEV, source, target)
                return call(source, target, **options)

            return called

        monkeypatch.setattr(os, "rename", within_one(rename))
        monkeypatch.setattr(os, "link", within_one(link))
        monkeypatch.setattr(steps, "exchange", within_one(exchange))
        return request.param

    def renamed(source, target):
        if os.lstat(source).st_ino in LOWER:
            refuse(errno.EXDEV, source, target)
        rename(source, target)

    def exchanged(source, target):
        if LOWER & {os.lstat(source).st_ino, os.lstat(target).st_ino}:
            refuse(errno.EXDEV, source, target)
        exchange(source, target)

    def removed(path, **options):
        number = os.lstat(path, **options).st_ino
        rmdir(path, **options)
        LOWER.discard(number)

    monkeypatch.setattr(os, "rename", renamed)
    monkeypatch.setattr(os, "rmdir", removed)
    monkeypatch.setattr(steps, "exchange", exchanged)
    monkeypatch.setattr(World, "lower", True)
    return request.param


def count_calls(tmp_path, monkeypatch):
    world = World(tmp_path / "count")
    with Saboteur(monkeypatch, 10**6, Died()) as saboteur:
        world.transaction.commit(world.script)
    return 10**6 - saboteur.left


def test_a_commit_brings_the_new(ends):
    (old, _), (new, state) = ends
    assert state == STATE
    assert new["a/__init__.py"] == b"new"
    assert "a/sub/m.py" not in new
    assert "gone.py" not in new
    assert new["ns/kept.py"] == old["ns/kept.py"]
    assert new["z/x/w.py"] == new["z/x/y.py"] == b"new"


def test_killed_at_any_call(tmp_path, monkeypatch, layered, ends):
    seen = set()
    for number in range(1, count_calls(tmp_path, monkeypatch) + 1):
        world = World(tmp_path / str(number))
        with Saboteur(monkeypatch, number, Died()), pytest.raises(Died):
            world.transaction.commit(world.script)
        assert world.usable() or layered != "exchanging", number
        world.transaction.end()  # an end that only an orderly death would reach must not harm
        recover(str(world.root))
        assert world.look() in ends, number
        assert world.settled()
        assert recover(str(world.root)) == ""
        seen.add(ends.index(world.look()))
    assert seen == {0, 1}


def test_killed_again_at_any_call_of_the_recovery(tmp_path, monkeypatch, layered, ends):
    total = count_calls(tmp_path, monkeypatch)
    for number in range(4, total + 1, max(4, total // 6)):
        again, struck = 1 + number % 2, True
        while struck:
            world = World(tmp_path / f"{number}-{again}")
            with Saboteur(monkeypatch, number, Died()), pytest.raises(Died):
                world.transaction.commit(world.script)
            with Saboteur(monkeypatch, again, Died()) as saboteur:
                try:
                    recover(str(world.root))
                except Died:
                    pass
                struck = saboteur.struck
            assert world.usable() or layered != "exchanging", (number, again)
            recover(str(world.root))
            assert world.look() in ends, (number, again)
            assert world.settled()
            again += 2 if layered == "exchanging" else 5


def try_to_commit(world):
    """Commit, and return what went wrong, if anything did."""
    try:
        world.transaction.commit(world.script)
    except CommitFailed as error:
        return str(error.causes[0])
    return ""


def test_a_failing_call_leaves_the_old(tmp_path, monkeypatch, layered, ends):
    failed = 0
    for number in range(1, count_calls(tmp_path, monkeypatch) + 1):
        world = World(tmp_path / str(number))
        with Saboteur(monkeypatch, number, OSError(errno.ENOSPC, "No space left on device")):
            cause = try_to_commit(world)
            assert cause in ("", "No space left on device"), number
            assert world.look() == ends[0 if cause else 1], number
            failed += bool(cause)
        world.transaction.end()
        recover(str(world.root))
        assert world.settled()
    assert failed > 8


def test_a_failing_undo_is_finished_by_the_next_run(tmp_path, monkeypatch, ends):
    world = World(tmp_path / "w")
    real = os.rename

    def broken(source, target):
        if "b-1" in str(source) or str(source).endswith(("~old", "/site/a")):
            raise OSError(errno.EIO, "Input/output error")
        return real(source, target)

    monkeypatch.setattr(os, "rename", broken)
    with pytest.raises(RecoveryFailed):
        world.transaction.commit(world.script)
    world.transaction.end()
    with pytest.raises(RecoveryFailed):
        recover(str(world.root))
    monkeypatch.setattr(os, "rename", real)
    recover(str(world.root))
    assert world.look() in ends
    assert world.settled()


def test_what_comes_forward_but_cannot_is_undone(tmp_path, monkeypatch, ends):
    world = World(tmp_path / "w")
    with Saboteur(monkeypatch, 8, Died()), pytest.raises(Died):
        world.transaction.commit(world.script)
    monkeypatch.setattr(
        steps, "_bring_in", lambda staged, path: (_ for _ in ()).throw(OSError(errno.EACCES, "no"))
    )
    assert recover(str(world.root)) == "back"
    assert world.look() == ends[0]
    assert world.settled()


def test_no_room_for_the_state_does_not_undo_a_finished_commit(tmp_path, monkeypatch, ends):
    world = World(tmp_path / "w")
    real = os.unlink
    monkeypatch.setattr(
        os, "unlink", lambda path, **_: (_ for _ in ()).throw(Died()) if path.endswith(JOURNAL) else real(path)
    )
    with pytest.raises(Died):
        world.transaction.commit(world.script)
    monkeypatch.setattr(os, "unlink", real)
    replace = recovery.replace_file
    monkeypatch.setattr(
        recovery, "replace_file", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))
    )
    with pytest.raises(RecoveryFailed):
        recover(str(world.root))
    monkeypatch.setattr(recovery, "replace_file", replace)
    assert recover(str(world.root)) == "forward"
    assert world.look() == ends[1]


def test_byte_code_that_a_running_python_writes_in_between(tmp_path, monkeypatch, ends):
    world = World(tmp_path / "w")
    real = os.rename

    def busy(source, target):
        real(source, target)
        if source == f"{world.site}/a" and target.endswith("~old"):
            (world.site / "a/__pycache__").mkdir(parents=True)
            (world.site / "a/__pycache__/m.pyc").write_bytes(b"code")

    def refused(*_):
        raise OSError(errno.ENOSYS, "no")

    monkeypatch.setattr(os, "rename", busy)
    monkeypatch.setattr(steps, "exchange", refused)
    world.transaction.commit(world.script)
    assert world.look() == ends[1]


def test_the_same_while_the_commit_fails(tmp_path, monkeypatch, ends):
    world = World(tmp_path / "w")
    real = os.rename

    def busy(source, target):
        if target == f"{world.site}/b-1.dist-info":
            (world.site / "a/__pycache__").mkdir()
            (world.site / "z/__pycache__").mkdir()
            raise OSError(errno.EACCES, "no")
        real(source, target)

    monkeypatch.setattr(os, "rename", busy)
    with pytest.raises(CommitFailed):
        world.transaction.commit(world.script)
    found = {path: content for path, content in world.look()[0].items() if not path.startswith("z")}
    assert found == ends[0][0]


def test_what_somebody_else_removed_needs_no_removal(tmp_path, monkeypatch, ends):
    for number in range(2, count_calls(tmp_path, monkeypatch) + 2):
        world = World(tmp_path / str(number))
        os.unlink(world.site / "gone.py")
        with Saboteur(monkeypatch, number, Died()):
            try:
                world.transaction.commit(world.script)
            except Died:
                pass
        recover(str(world.root))
        old = {path: content for path, content in ends[0][0].items() if path != "gone.py"}
        assert world.look()[0] in (old, ends[1][0]), number
        assert world.settled()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_wait_for_the_end_of_the_commit(tmp_path, monkeypatch, ends, number):
    came = []
    former = signal.signal(number, lambda *_: came.append(ends.index(world.look())))
    real = os.rename

    def pressed(source, target):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        real(source, target)

    try:
        world = World(tmp_path / "w")
        monkeypatch.setattr(os, "rename", pressed)
        world.transaction.commit(world.script)
        assert came == [1]  # once, and when all was done
        assert signal.getsignal(number) not in (signal.SIG_DFL, signal.default_int_handler)
    finally:
        signal.signal(number, former)


def test_an_interrupt_between_journal_and_renames_loses_nothing(tmp_path, monkeypatch, ends):
    world = World(tmp_path / "w")
    real = tx.replace_file

    def then_interrupted(*arguments, **options):
        real(*arguments, **options)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(tx, "replace_file", then_interrupted)
    with pytest.raises(KeyboardInterrupt):
        world.transaction.commit(world.script)
    world.transaction.end()
    assert world.look() == ends[1]
    assert world.settled()


def test_leftovers_of_a_staging_area_elsewhere_are_collected(tmp_path):
    root, home = tmp_path / "env", tmp_path / "elsewhere/.puffin"
    root.mkdir()
    left = Transaction(str(root), home=str(home))
    left.begin()
    (home / left.id / "0").mkdir()
    assert recover(str(root), home=str(home)) == ""
    assert not home.exists()
    assert os.listdir(root / ".puffin") == []
    orderly = Transaction(str(root), home=str(home))
    orderly.begin()
    orderly.end()
    assert not home.exists()
    assert os.listdir(root / ".puffin") == []


def test_trash_that_may_not_be_written_to_goes_all_the_same(tmp_path, ends):
    world = World(tmp_path / "w")
    os.chmod(world.site / "a/sub", stat.S_IRUSR | stat.S_IXUSR)
    world.transaction.commit(world.script)
    world.transaction.end()
    assert world.settled()
    assert world.look() == ends[1]


@pytest.mark.parametrize("damage", ["empty", "cut", "junk", "foreign", "newer", "directory", "elsewhere"])
def test_a_journal_that_cannot_be_read_goes(tmp_path, monkeypatch, damage, ends):
    world = World(tmp_path / "w")
    with Saboteur(monkeypatch, 9, Died()), pytest.raises(Died):
        world.transaction.commit(world.script)
    now = world.look()[0]
    journal = world.root / ".puffin" / JOURNAL
    data = journal.read_bytes()
    fields = frame.load(data)
    journal.unlink()
    if damage == "directory":
        journal.mkdir()
    else:
        journal.write_bytes(
            {
                "empty": b"",
                "cut": data[:-9],
                "junk": b"{}",
                "foreign": frame.dump(("another's",)),
                "newer": frame.dump((99, *fields[1:])),
                "elsewhere": frame.dump((*fields[:1], "/elsewhere/.puffin/tx-1", *fields[2:])),
            }[damage]
        )
    assert recover(str(world.root)) == UNREADABLE
    assert world.look()[0] == now, "what cannot be understood moves nothing"
    assert world.settled()
    assert recover(str(world.root)) == ""


def test_a_journal_of_the_former_version_is_finished(tmp_path, ends):
    world = World(tmp_path / "w")
    outs = [(OUT, path, world.transaction.trash()) for kind, _, path in world.script.steps if kind == SWAP]
    steps_then = (*outs, *[(IN if kind == SWAP else kind, *rest) for kind, *rest in world.script.steps])
    os.rename(outs[0][1], outs[0][2])
    fields = (1, world.transaction.directory, steps_then, STATE, world.script.stamp)
    (world.root / ".puffin" / JOURNAL).write_bytes(frame.dump(fields))
    assert recover(str(world.root)) == "forward"
    assert world.look() == ends[1]


def test_a_staging_area_that_is_lost_leaves_what_is_there(tmp_path, monkeypatch, ends):
    for number in range(4, count_calls(tmp_path, monkeypatch)):
        world = World(tmp_path / str(number))
        with Saboteur(monkeypatch, number, Died()), pytest.raises(Died):
            world.transaction.commit(world.script)
        shutil.rmtree(world.transaction.directory)
        assert recover(str(world.root)) == LOST
        assert world.usable()
        assert world.settled()


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_exchange(tmp_path, kind):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / "x").write_text("x")
    {"file": second.touch, "directory": second.mkdir, "link": lambda: second.symlink_to("nowhere")}[kind]()
    before = os.lstat(first).st_ino, os.lstat(second).st_ino
    steps.exchange(str(first), str(second))
    assert (os.lstat(second).st_ino, os.lstat(first).st_ino) == before
    with pytest.raises(FileNotFoundError):
        steps.exchange(str(first), str(tmp_path / "absent"))
