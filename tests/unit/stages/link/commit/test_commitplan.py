"""Commit scripts, planned and performed on a real disk, against a model: whose bytes lie at which path."""

import marshal
import os
import sys
import tempfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puffin.cache import frame
from puffin.cache.layout import Cache
from puffin.pipeline.change.workplace import Workplace, target_of
from puffin.stages.bytecode.layer import interpreter_kind
from puffin.stages.bytecode.stage import close_all, compile_archive
from puffin.stages.link.commit.placement import PathClash
from puffin.stages.link.commit.stamps import read_raw, undisturbed
from puffin.stages.link.commit.state import read_state
from puffin.stages.link.environment.environment import environment_of
from puffin.stages.link.linker import link
from puffin.stages.unzip.record import listed_paths
from puffin.stages.unzip.unzip import unzip
from puffin.value import astuple
from tests.helpers.faults import snapshot
from tests.helpers.pythons import made_up
from tests.helpers.wheels import forge_wheel

TAG = sys.implementation.cache_tag


class World:
    """An environment and a cache; :meth:`sync` makes it hold packages as a sync would."""

    def __init__(self, root, *, bytecode=False):
        self.kind = interpreter_kind(TAG, MAGIC_NUMBER.hex()) if bytecode else ""
        self.root = Path(root)
        self.cache = Cache(str(self.root / "cache"))
        self.environment = environment_of(made_up(str(self.root / "env")))
        self.site = Path(self.environment.purelib)
        for directory in (self.site, Path(self.environment.scripts)):
            directory.mkdir(parents=True)
        self.packages = {}
        self._archives = {}

    def archive(self, name, version, files):
        key = (name, version, tuple(sorted(files.items())))
        if key not in self._archives:
            from hashlib import sha256

            filename, data = forge_wheel(name, version, files)
            digest = sha256(data).hexdigest()
            self._archives[key] = unzip(data=data, filename=filename, sha256=digest, cache_root=self.cache.root)
            self._compile(digest)
        return self._archives[key]

    def told_as(self, files, filename, data):
        """Let *files*, of which :meth:`archive` makes a wheel, stand for another wheel of their name; return them."""
        from hashlib import sha256

        name, version, _ = filename.split("-", 2)
        digest = sha256(data).hexdigest()
        self._archives[(name, version, tuple(sorted(files.items())))] = unzip(
            data=data, filename=filename, sha256=digest, cache_root=self.cache.root
        )
        return files

    def _compile(self, archive):
        """Compile an archive, all of whose modules have one and the same time, the worst there can be."""
        if not self.kind:
            return
        for path in Path(self.cache.archive(archive)).rglob("*.py"):
            os.utime(path, (1e9, 1e9))
        compile_archive(
            archive=archive,
            cache_root=self.cache.root,
            executable=sys.executable,
            kind=self.kind,
            tag=TAG,
            level=0,
        )

    def sync(self, packages, mode="hardlink"):
        """Install ``{name: (version, files)}`` and remove all else; return the conflicts."""
        with Workplace(self.environment, timeout=1) as workplace:
            former = self.packages
            gone = [name for name in former if name not in packages]
            changed = {name for name in packages if former.get(name) != packages[name]}
            conflicts = workplace.state.conflicts if workplace.state else ()
            losers = {name for _, winner, names in conflicts if winner in changed | set(gone) for name in names}
            install = sorted(changed | (losers & packages.keys()))
            transaction = workplace.begin()
            staged = {}
            for number, name in enumerate(install):
                archive = self.archive(name, *packages[name])
                link(
                    archive=archive, cache_root=self.cache.root, stage=transaction.stage(number),
                    target=astuple(target_of(workplace.environment)), requested=True, direct_url="",
                    mode=mode, bytecode=self.kind,
                )  # fmt: skip
                staged[number] = (archive, "")
            tree = "tree" if mode == "tree" else ""
            change = workplace.change(self.cache, staged, gone, bytecode=self.kind, mode=tree)
            found = workplace.commit(change, self.cache)
        self.packages = packages
        return found

    def files(self):
        """Return what is in site-packages, without the metadata of packages."""
        walk = os.walk(self.site, followlinks=True)
        paths = [Path(directory) / name for directory, _, names in walk for name in names]
        found = {path.relative_to(self.site).as_posix(): path.read_bytes() for path in paths}
        return {path: data for path, data in found.items() if ".dist-info/" not in path}

    def stale(self):
        """Return the bytecode that Python would run although it is not of the module beside it."""
        found = []
        for path in self.site.rglob("*.pyc"):
            source = path.parent.parent / f"{path.name.partition('.')[0]}.py"
            data, facts = path.read_bytes(), source.stat()
            assert data[:8] == MAGIC_NUMBER + bytes(4)
            named = tuple(int.from_bytes(data[at : at + 4], "little") for at in (8, 12))
            code = marshal.loads(data[16:])
            if named == (int(facts.st_mtime), facts.st_size) and code.co_names != (source.read_text().strip(),):
                found.append(path)
        return found

    def told_amiss(self):
        """Return the paths in RECORDs that are not beneath the tops that the state tells, although it says so."""
        state = read_state(self.environment.root)
        return [
            (each.name, path)
            for each in state.distributions
            if each.complete
            for path in listed_paths(f"{self.site}/{each.dist_info}/RECORD")
            if not f"{path}/".startswith(tuple([f"{top}/" for top in each.tops]))
        ]

    def is_complete(self, name):
        return next(
            each.complete for each in read_state(self.environment.root).distributions if each.name == name
        )


def expected(packages):
    """The model: of the packages that bring a path, the one whose name sorts first has its bytes there."""
    found = {}
    for name in sorted(packages, reverse=True):
        found |= {path: text.encode() for path, text in packages[name][1].items()}
    return found


@pytest.fixture(autouse=True, scope="module")
def _no_compiler_outlives_the_tests():
    yield
    close_all()


NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta"])
PARTS = st.sampled_from(["ns", "pkg", "sub", "x"])
PATHS = st.builds(
    lambda parts, stem: "/".join([*parts, f"{stem}.py"]), st.lists(PARTS, max_size=3), st.sampled_from("mno")
)
FILES = st.dictionaries(PATHS, st.sampled_from(["", "one\n", "two\n"]), min_size=1, max_size=5)
WORLDS = st.lists(
    st.dictionaries(NAMES, st.tuples(st.sampled_from(["1", "2"]), FILES), max_size=4), min_size=1, max_size=4
)


@pytest.mark.parametrize("change", ["add", "remove", "inner"])
def test_whatever_changes_right_after_a_commit_shows(tmp_path, change):
    for number in range(20):  # a clock of the file system that moves in steps would hide some of them
        world = World(tmp_path / str(number))
        world.sync({"alpha": ("1", {"pkg/a.py": "a", "pkg/in/b.py": "b"})})
        raw = read_raw(world.environment.root)
        if change == "add":
            (world.site / "pkg/new.py").touch()
        elif change == "remove":
            (world.site / "pkg/a.py").unlink()
        else:
            (world.site / "pkg/in/new.py").touch()
        assert not undisturbed(world.environment.root, raw)


def test_a_directory_that_was_put_back_with_an_old_time_shows(tmp_path):
    world = World(tmp_path)
    world.sync({"alpha": ("1", {"pkg/a.py": "a"})})
    raw = read_raw(world.environment.root)
    os.utime(world.site / "pkg", ns=(1, 1))
    assert not undisturbed(world.environment.root, raw)


@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(WORLDS, st.lists(st.sampled_from(["hardlink", "tree"]), min_size=1, max_size=3))
def test_any_packages_after_any_others(worlds, modes):
    with tempfile.TemporaryDirectory() as root:
        world = World(root)
        for packages, mode in zip(worlds, modes * len(worlds), strict=False):
            world.sync(packages, mode)
            assert world.files() == expected(packages)
            infos = {path.name for path in world.site.glob("*.dist-info")}
            assert infos == {f"{name}-{version}.dist-info" for name, (version, _) in packages.items()}
            empty = [path for path in world.site.rglob("*") if path.is_dir() and not any(path.iterdir())]
            assert empty == []
            raw = read_raw(world.environment.root)
            assert undisturbed(world.environment.root, raw)
            assert world.told_amiss() == []
            assert all(map(world.is_complete, packages))
            with Workplace(world.environment, timeout=1) as workplace:
                assert not workplace.damaged


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(WORLDS)
def test_bytecode_is_always_that_of_its_module(worlds):
    with tempfile.TemporaryDirectory() as root:
        world = World(root, bytecode=True)
        for packages in worlds:
            named = {
                name: (version, {path: text or "none\n" for path, text in files.items()})
                for name, (version, files) in packages.items()
            }
            world.sync(named)
            files = world.files()
            compiled = {path for path in files if path.endswith(".pyc")}
            assert {path: data for path, data in files.items() if path not in compiled} == expected(named)
            assert bool(compiled) == bool(named)
            assert world.stale() == []
            assert world.told_amiss() == []
            empty = [path for path in world.site.rglob("*") if path.is_dir() and not any(path.iterdir())]
            assert empty == []
            with Workplace(world.environment, timeout=1) as workplace:
                assert not workplace.damaged


def test_bytecode_of_modules_that_are_not_contested_is_all_there(tmp_path):
    world = World(tmp_path, bytecode=True)
    world.sync(
        {"one": ("1", {"one.py": "a", "ns/one.py": "a"}), "two": ("1", {"two.py": "a", "ns/two.py": "a"})}
    )
    names = {path.relative_to(world.site).as_posix() for path in world.site.rglob("*.pyc")}
    suffix = f"{TAG}.pyc"
    assert names == {f"{where}__pycache__/{name}.{suffix}" for where in ("", "ns/") for name in ("one", "two")}
    (world.site / f"ns/__pycache__/one.{TAG}.opt-1.pyc").write_bytes(b"written by a running Python")
    world.sync({"two": ("1", {"two.py": "a", "ns/two.py": "a"})})
    left = {path.relative_to(world.site).as_posix() for path in world.site.rglob("*.pyc")}
    assert left == {f"{where}__pycache__/two.{suffix}" for where in ("", "ns/")}


def test_bytecode_of_a_module_that_loses_does_not_take_the_place_of_the_winners(tmp_path):
    world = World(tmp_path, bytecode=True)
    early, late = ("1", {"ns/m.py": "one\n", "ns/a.py": "a"}), ("1", {"ns/m.py": "two\n", "ns/b.py": "b"})
    world.sync({"early": early})
    world.sync({"early": early, "late": late})
    assert (world.site / "ns/m.py").read_text() == "one\n"
    assert world.stale() == []
    invalid = ("1", {"ns/m.py": "(one", "ns/a.py": "a"})
    world.sync({"early": invalid})
    world.sync({"early": invalid, "late": ("1", {"ns/m.py": "twoo", "ns/b.py": "b"})})
    assert (world.site / "ns/m.py").read_text() == "(one"
    assert not (world.site / f"ns/__pycache__/m.{TAG}.pyc").exists()
    assert (world.site / f"ns/__pycache__/b.{TAG}.pyc").exists()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_byte_code_goes_with_its_module(world):
    world.sync({"one": ("1", {"one.py": "", "ns/one.py": ""}), "two": ("1", {"two.py": "", "ns/two.py": ""})})
    for path in (
        "__pycache__/one.cpython-312.pyc",
        "__pycache__/two.cpython-312.pyc",
        "ns/__pycache__/one.cpython-312.pyc",
    ):
        (world.site / path).parent.mkdir(exist_ok=True)
        (world.site / path).write_bytes(b"code")
    world.sync({"two": ("1", {"two.py": "", "ns/two.py": ""})})
    assert set(world.files()) == {"two.py", "ns/two.py", "__pycache__/two.cpython-312.pyc"}


def test_byte_code_of_a_file_that_another_package_takes_over(world):
    world.sync({"late": ("1", {"ns/m.py": "old\n", "ns/late.py": ""})})
    code = world.site / "ns/__pycache__/m.cpython-312.pyc"
    code.parent.mkdir()
    code.write_bytes(b"code of the old")
    conflicts = world.sync(
        {"late": ("1", {"ns/m.py": "old\n", "ns/late.py": ""}), "early": ("1", {"ns/m.py": "new\n"})}
    )
    assert [(each.winner, each.losers) for each in conflicts] == [("early", ("late",))]
    assert (world.site / "ns/m.py").read_text() == "new\n"
    assert not code.exists()


def test_files_of_nobody_stay(world):
    world.sync({"one": ("1", {"ns/one.py": ""})})
    (world.site / "ns/mine.txt").write_text("mine")
    world.sync({})
    assert world.files() == {"ns/mine.txt": b"mine"}


def test_the_loser_of_a_conflict_comes_back(world):
    both = {"a": ("1", {"ns/m.py": "a\n"}), "b": ("1", {"ns/m.py": "b\n"})}
    assert [each.winner for each in world.sync(both)] == ["a"]
    world.sync({"b": both["b"]})
    assert world.files() == {"ns/m.py": b"b\n"}
    assert read_state(world.environment.root).conflicts == ()


def test_a_file_and_a_directory_of_one_name_are_refused(world):
    world.sync({"a": ("1", {"m/x.py": "kept"})})
    before = snapshot(world.site)
    with pytest.raises(PathClash, match="`a` and `b`|install `b`: .*in the environment"):
        world.sync({"a": ("1", {"m/x.py": "kept"}), "b": ("1", {"m": "a file"})})
    assert snapshot(world.site) == before


def test_headers_and_data_need_no_directory_before(world):
    filename, data = forge_wheel(
        "native",
        "1",
        {"native.py": "", "native-1.data/headers/n.h": "h", "native-1.data/data/share/n.txt": "n"},
    )
    world.sync({"native": ("1", world.told_as({"native.py": ""}, filename, data))})
    assert (Path(world.environment.headers) / "native/n.h").read_text() == "h"
    assert (Path(world.environment.root) / "share/n.txt").read_text() == "n"
    assert world.told_amiss() == []
    assert world.is_complete("native")
    world.sync({})
    assert not (Path(world.environment.root) / "share").exists()
    assert not (Path(world.environment.headers) / "native").exists()


@pytest.mark.parametrize("mode", ["hardlink", "tree"])
def test_data_in_site_packages_stay_when_who_shares_them_goes(world, mode):
    way = world.site.relative_to(world.environment.data).as_posix()
    filename, data = forge_wheel("one", "1", {"one.py": "", f"one-1.data/data/{way}/m/shared.py": "shared"})
    one = ("1", world.told_as({"one.py": ""}, filename, data))
    world.sync({"one": one}, mode)
    world.sync({"one": one, "two": ("1", {"m/shared.py": "shared", "m/own.py": "own"})}, mode)
    assert world.files()["m/own.py"] == b"own"
    world.sync({"one": one}, mode)
    assert world.files() == {"one.py": b"", "m/shared.py": b"shared"}
    assert world.told_amiss() == []


@pytest.mark.parametrize("mode", ["hardlink", "tree"])
@pytest.mark.parametrize("together", [True, False])
def test_data_come_to_site_packages_beside_what_others_bring_there(world, mode, together):
    way = world.site.relative_to(world.environment.data).as_posix()
    brought = {"ns/own.py": "own", "ns/in/x.py": "x", f"one-1.data/data/{way}/ns/data.txt": "data"}
    filename, data = forge_wheel("one", "1", brought)
    one = ("1", world.told_as({"ns/own.py": "own"}, filename, data))
    two = ("1", {"ns/two.py": "two", "ns/in/y.py": "y", "ns/data.txt": "data"})
    if not together:
        world.sync({"one": one}, mode)
    world.sync({"one": one, "two": two}, mode)
    whole = {"ns/own.py": b"own", "ns/in/x.py": b"x", "ns/data.txt": b"data"}
    assert world.files() == {**whole, "ns/two.py": b"two", "ns/in/y.py": b"y"}
    world.sync({"one": one}, mode)
    assert world.files() == whole
    world.sync({}, mode)
    assert world.files() == {}


def test_data_come_to_headers_and_scripts_that_are_new(world):
    headers = Path(world.environment.headers).relative_to(world.environment.data).as_posix()
    scripts = Path(world.environment.scripts).relative_to(world.environment.data).as_posix()
    brought = {
        "one.py": "",
        "one-1.data/headers/own.h": "own",
        f"one-1.data/data/{headers}/one/data.h": "data",
        "one-1.data/scripts/run": "#!/bin/sh\n",
        f"one-1.data/data/{scripts}/told.txt": "told",
    }
    filename, data = forge_wheel("one", "1", brought)
    files = world.told_as({"one.py": ""}, filename, data)
    world.sync({"one": ("1", files)})
    found = sorted(path.name for path in (Path(world.environment.headers) / "one").iterdir())
    assert found == ["data.h", "own.h"]
    assert sorted(path.name for path in Path(world.environment.scripts).iterdir()) == ["run", "told.txt"]
    world.sync({})
    assert not (Path(world.environment.headers) / "one").exists()
    assert list(Path(world.environment.scripts).iterdir()) == []


@pytest.mark.parametrize("looks", [1, 2])
def test_a_list_that_another_tool_changed_counts_as_it_is(world, looks):
    world.sync(
        {"one": ("1", {"one/m.py": "m"}), "two": ("1", {"two.py": ""}), "three": ("1", {"three.py": ""})}
    )
    assert world.is_complete("two")
    with open(world.site / "two-1.dist-info/RECORD", "a") as file:
        file.write("one/m.py,,\n")
    for _ in range(looks):  # the first one notes that nothing is wrong
        with Workplace(world.environment, timeout=1) as workplace:
            assert not workplace.damaged
    assert not world.is_complete("two")
    world.sync({"two": ("1", {"two.py": ""}), "three": ("1", {"three.py": ""})})
    assert (world.site / "one/m.py").read_text() == "m"
    assert [world.is_complete(name) for name in ("two", "three")] == [False, True]


def test_a_list_that_was_changed_is_not_trusted_beside_damage(world):
    world.sync(
        {"one": ("1", {"one/m.py": "m"}), "two": ("1", {"two.py": ""}), "three": ("1", {"three.py": ""})}
    )
    (world.site / "three.py").unlink()
    with open(world.site / "two-1.dist-info/RECORD", "a") as file:
        file.write("one/m.py,,\n")
    world.sync({"two": ("1", {"two.py": ""}), "three": ("1", {"three.py": ""})})
    assert (world.site / "one/m.py").read_text() == "m"


def test_a_state_of_a_former_version_is_read_and_not_trusted_with_files(world):
    world.sync({"one": ("1", {"ns/one.py": ""}), "two": ("1", {"ns/two.py": ""})})
    _, boot, site, seed, distributions, stamps, conflicts = read_raw(world.environment.root)
    former = tuple([each[:-1] for each in distributions])
    path = Path(world.environment.root) / ".puffin/state"
    path.write_bytes(frame.dump((5, boot, site, seed, former, stamps, conflicts)))
    state = read_state(world.environment.root)
    assert [(each.name, each.mode, each.complete) for each in state.distributions] == [
        ("one", "", False), ("two", "", False),
    ]  # fmt: skip
    with Workplace(world.environment, timeout=1) as workplace:
        assert not workplace.damaged
    world.sync({"two": ("1", {"ns/two.py": ""})})
    assert world.files() == {"ns/two.py": b""}


def test_a_commit_of_nothing_leaves_an_empty_directory_as_it_is(world):
    for packages in ({"one": ("1", {"one.py": ""})}, {}, {}):
        world.sync(packages)
        assert undisturbed(world.environment.root, read_raw(world.environment.root))
