"""An archive from a pack is the one that its wheel gives; of a pack that is not right, nothing is left."""

import json
import os
import zlib
from hashlib import sha256

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from puffin.cache.layout import Cache
from puffin.stages.unzip import pack
from puffin.stages.unzip.manifest import read_manifest
from puffin.stages.unzip.ready import archive_ready, recheck
from puffin.stages.unzip.record import record_digest
from puffin.stages.unzip.transfer import BrokenTransfer
from puffin.stages.unzip.unzip import unzip
from tests.helpers.wheels import EXECUTABLE, Raw, forge_wheel
from tests.unit.stages.unzip.test_transfer import listed

TEXTS = {
    "pkg/__init__.py": "x = 1\n" * 500,
    "pkg/deep/data.bin": "\0" * 5000,
    "pkg-1.0.data/scripts/run": "#!python\nprint(1)\n",
    "pkg-1.0.data/data/share/pkg.txt": "text",
    "pkg-1.0.dist-info/entry_points.txt": "[console_scripts]\npkg = pkg:main\n",
}
RUN = b"#!/bin/sh\n"
NAME = "pkg-1.0-py3-none-any.whl"
PATHS = st.lists(
    st.sampled_from(["pkg", "a b", "größe", "x.py", "m.pyc", "é", "_", "z" * 60]), min_size=1, max_size=4
)
PREFIXES = st.sampled_from(["", "pkg-1.0.data/scripts/", "pkg-1.0.data/data/", "pkg-1.0.data/platlib/", "lib/"])


@st.composite
def wheels(draw):
    """Return a wheel with files of all kinds."""
    texts, taken = dict(TEXTS), set()
    for prefix, parts in draw(st.lists(st.tuples(PREFIXES, PATHS), max_size=12)):
        path = [f"{number}{part}" for number, part in enumerate(parts)]
        if path[0] not in taken and "scripts" not in prefix:
            taken.add(path[0])
            content = draw(st.one_of(st.just(""), st.text(max_size=50), st.integers(1, 9000).map("ab".__mul__)))
            texts[f"{prefix}{'/'.join(path)}"] = content
    marked = [Raw("pkg/run.sh", "#!/bin/sh\n", mode=EXECUTABLE)] if draw(st.booleans()) else []
    return forge_wheel("pkg", "1.0", texts, raw_members=marked)


def unzipped(root, wheel):
    """Return a cache with the archive of a wheel, and the archive."""
    filename, data = wheel
    digest = sha256(data).hexdigest()
    unzip(data=data, filename=filename, sha256=digest, cache_root=str(root))
    return Cache(str(root), lower=()), digest


@given(wheel=wheels())
def test_an_archive_is_the_same_whichever_way_it_came(wheel, tmp_path_factory):
    first, archive = unzipped(tmp_path_factory.mktemp("first"), wheel)
    second = Cache(str(tmp_path_factory.mktemp("second")), lower=())
    data = pack.pack_archive(first, archive)
    pack.unpack_archive(second, archive, wheel[0], len(wheel[1]), data)
    assert listed(second.archive(archive)) == listed(first.archive(archive))
    assert read_manifest(second.manifest(archive)) == read_manifest(first.manifest(archive))
    assert archive_ready(second, archive, size=len(wheel[1]), filename=wheel[0])
    assert recheck(second, archive)
    assert pack.pack_archive(second, archive) == data
    assert os.listdir(f"{second.root}/tmp-v0") == []
    pack.unpack_archive(second, archive, wheel[0], 0, b"")  # it is there


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """The cache of another machine, an archive in it, and the pack of that."""
    cache, archive = unzipped(
        tmp_path_factory.mktemp("right"),
        forge_wheel("pkg", "1.0", TEXTS, raw_members=[Raw("pkg/run.sh", "#!/bin/sh\n", mode=EXECUTABLE)]),
    )
    return cache, archive, pack.pack_archive(cache, archive)


@pytest.fixture
def cache(tmp_path):
    made = Cache(str(tmp_path / "cache"), lower=())
    made.initialise()
    return made


def compressed(data):
    return zstandard.ZstdCompressor().compress(data)


class Opened:
    """A pack whose head and files can be changed."""

    def __init__(self, data):
        raw = zstandard.ZstdDecompressor().decompress(data)
        at = len(pack._MAGIC) + pack._LENGTH
        end = at + int.from_bytes(raw[len(pack._MAGIC) : at], "little")
        archive, *facts = json.loads(raw[at:end])
        self.magic, self.archive, self.body = pack._MAGIC, archive, bytearray(raw[end:])
        self.facts = dict(zip(pack._FIELDS, facts, strict=True))

    def row(self, directory):
        return next(row for row in self.facts["tree"] if row[0] == directory)

    def start(self, row, place=0):
        """Return where a file begins, by its place in the row of its directory."""
        rows = self.facts["tree"]
        return sum(sum(each[2]) for each in rows[: rows.index(row)]) + sum(row[2][:place])

    def change(self, name, old, new, *, last=False):
        """Give a file of .dist-info another content, and the size and checksum of that."""
        row, old, new = self.row("pkg-1.0.dist-info"), old.encode(), new.encode()
        place = row[1].index(name)
        at = self.start(row, place)
        text = bytes(self.body[at : at + row[2][place]])
        where = text.rindex(old) if last else text.index(old)
        changed = text[:where] + new + text[where + len(old) :]
        self.body[at : at + len(text)] = changed
        row[2][place], row[3][place] = len(changed), zlib.crc32(changed)

    def closed(self):
        head = json.dumps([self.archive, *self.facts.values()]).encode()
        return compressed(self.magic + len(head).to_bytes(pack._LENGTH, "little") + head + bytes(self.body))


def renamed(old, new, field="tree"):
    """Return what gives a file, or a directory, another name."""

    def poison(opened):
        text = json.dumps(opened.facts[field])
        assert f'"{old}"' in text
        opened.facts[field] = json.loads(text.replace(f'"{old}"', f'"{new}"'))

    return poison


def edited(name, old, new, *, last=False):
    """Return what gives a file of .dist-info another content."""
    return lambda opened: opened.change(name, old, new, last=last)


def one_file_more(opened):
    opened.facts["tree"][0][1].append("evil.py")
    opened.facts["tree"][0][2].append(4)
    opened.facts["tree"][0][3].append(0)
    opened.body += b"evil"


def one_file_less(opened):
    row = next(row for row in opened.facts["tree"] if row[0] == "pkg")
    for column in row[1:]:
        column.pop(0)


def another_content(opened):
    opened.body[opened.body.index(b"x = 1")] ^= 1


def bytes_more(opened):
    opened.body += b"evil"


def bytes_less(opened):
    del opened.body[-1:]


def of_another_wheel(opened):
    opened.archive = "0" * 64


def runs_a_file_twice(opened):
    opened.facts["executables"] *= 2


def with_record_first(opened):
    row = opened.row("pkg-1.0.dist-info")
    files, at = [], opened.start(row)
    for size in row[2]:
        files.append(opened.body[at : at + size])
        at += size
    opened.body[at - sum(row[2]) : at] = b"".join(reversed(files))
    for column in row[1:]:
        column.reverse()


def with_a_tree_that_has_no_root(opened):
    del opened.facts["tree"][0]


def with_no_tree(opened):
    opened.facts["tree"] = []


def with_an_object_as_its_tree(opened):
    opened.facts["tree"] = {"0": ["", [], [], []]}


def of_another_size(opened):
    opened.facts["wheel_bytes"] += 1


def with_another_magic(opened):
    opened.magic = b"puffin-layer-1\n\n\n"


def a_negative_size(opened):
    opened.facts["tree"][0][2] = [-1 for _ in opened.facts["tree"][0][2]]
    row = opened.facts["tree"][1]
    row[2] = [-each for each in row[2]]


def a_place_of_its_own(opened):
    opened.facts["outside"][0][0] = "platlib"


def below_outside(opened):
    opened.facts["tree"].append([".data", [], [], []])


def runs_what_is_not_there(opened):
    opened.facts["executables"] = ["pkg/../../evil"]


def without_its_metadata(opened):
    opened.facts["dist_info"] = "pkg-1.0.egg"


ROW = f"pkg/run.sh,{record_digest((RUN,))},{len(RUN)}\n"
POISONS = [
    another_content, bytes_more, bytes_less, one_file_more, one_file_less, of_another_wheel, of_another_size,
    with_another_magic, a_negative_size, a_place_of_its_own, below_outside, runs_what_is_not_there,
    without_its_metadata, runs_a_file_twice, with_record_first, with_a_tree_that_has_no_root, with_no_tree,
    with_an_object_as_its_tree,
    edited("METADATA", "Name: pkg", "Name: pkh"), edited("METADATA", "Version: 1.0", "Version: 1.1"),
    edited("WHEEL", "Wheel-Version: 1", "Wheel-Version: 2"),
    edited("entry_points.txt", "pkg = pkg:main", "../e = pk:main"),
    edited("entry_points.txt", "pkg = pkg:main", "python = p:run"),
    edited("RECORD", "pkg/__init__.py,", "../../evil.py,"), edited("RECORD", ",3000\n", ",3001\n"),
    edited("RECORD", ROW, ROW + ROW), edited("RECORD", "\n", "", last=True),
    renamed("run.sh", "../../../evil.sh"), renamed("run.sh", "/tmp/evil.sh"), renamed("run.sh", ".."),
    renamed("run.sh", ""), renamed("run.sh", "a\\\\evil"), renamed("run.sh", "C:evil"),
    renamed("run.sh", "evil\\u0000"), renamed("run.sh", "\\ud800evil"), renamed("run.sh", "__init__.py"),
    renamed("run.sh", "deep"), renamed("pkg/deep", "../evil"), renamed("pkg/deep", "/evil"),
    renamed("pkg/deep", "pkg/./deep"), renamed("pkg/deep", "pkg"), renamed("pkg/deep", "evil/deep"),
    renamed("pkg", "pkg/"), renamed("share", "../../evil", "outside"), renamed("run", "python3", "outside"),
    renamed("run", "../evil", "outside"), renamed("data", "..", "outside"),
    renamed("pkg.txt", "x/../../evil", "outside"),
]  # fmt: skip


@pytest.mark.parametrize("poison", POISONS)
def test_a_pack_that_holds_anything_else_leaves_nothing(right, cache, tmp_path, poison):
    _, archive, data = right
    opened, size = Opened(data), read_manifest(right[0].manifest(archive)).wheel_bytes
    assert opened.closed()  # the same in another compression: the poison is what is refused
    pack.unpack_archive(Cache(str(tmp_path / "other"), lower=()), archive, NAME, size, opened.closed())
    poison(opened)
    with pytest.raises(BrokenTransfer):
        pack.unpack_archive(cache, archive, NAME, size, opened.closed())
    assert_nothing_is_left(cache, archive, tmp_path)


VALUES = [
    None, -1, 1.5, True, -(10**30), float("nan"), float("inf"), "", "../evil", {}, {"a": 1}, [1], [[]], [None],
]  # fmt: skip


@given(data=st.data())
def test_a_head_with_any_other_values_gives_the_archive_or_nothing(right, data, tmp_path_factory):
    source, archive, whole = right
    opened = Opened(whole)
    inside, place = opened.facts, data.draw(st.sampled_from(sorted(opened.facts)))
    while isinstance(inside[place], list) and inside[place] and data.draw(st.booleans()):
        inside = inside[place]
        place = data.draw(st.integers(0, len(inside) - 1))
    inside[place] = data.draw(st.sampled_from(VALUES))
    root = tmp_path_factory.mktemp("cache")
    cache = Cache(str(root), lower=())
    cache.initialise()
    try:
        pack.unpack_archive(
            cache, archive, NAME, read_manifest(source.manifest(archive)).wheel_bytes, opened.closed()
        )
    except BrokenTransfer:
        assert_nothing_is_left(cache, archive, root)
    else:
        assert read_manifest(cache.manifest(archive)) == read_manifest(source.manifest(archive))


def assert_nothing_is_left(cache, archive, tmp_path):
    assert not archive_ready(cache, archive)
    assert not os.path.exists(cache.archive(archive))
    assert not os.path.exists(cache.manifest(archive))
    assert os.listdir(f"{cache.root}/tmp-v0") == []
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        compressed(b""),
        compressed(b"\0" * (300 << 20)),
        compressed(pack._MAGIC + b"\2\0\0\0[]"),
        compressed(pack._MAGIC + b"\2\0\0\0{}"),
        compressed(pack._MAGIC + b"\x3a\0\0\0" + json.dumps({str(number): 0 for number in range(7)}).encode()),
        compressed(pack._MAGIC + b"\xff\xff\xff\xff[" + b"[" * 100_000),
        zstandard.ZstdCompressor(write_content_size=False).compress(b"unknown size"),
    ],
)
def test_what_is_no_pack_leaves_nothing(right, cache, tmp_path, data):
    with pytest.raises(BrokenTransfer):
        pack.unpack_archive(cache, right[1], NAME, 0, data)
    assert_nothing_is_left(cache, right[1], tmp_path)


@given(data=st.data())
def test_a_pack_that_is_cut_off_or_changed_gives_the_archive_or_nothing(right, data, tmp_path_factory):
    _, archive, whole = right
    at = data.draw(st.integers(min_value=0, max_value=len(whole) - 1))
    damaged = bytearray(whole)
    damaged[at] ^= data.draw(st.integers(min_value=1, max_value=255))
    cache = Cache(str(tmp_path_factory.mktemp("cache")), lower=())
    cache.initialise()
    for bad in (whole[:at], bytes(damaged)):
        try:
            pack.unpack_archive(cache, archive, NAME, 0, bad)
        except BrokenTransfer:
            assert not archive_ready(cache, archive)
        else:
            assert read_manifest(cache.manifest(archive)).tree == read_manifest(right[0].manifest(archive)).tree
            assert recheck(cache, archive)
        assert os.listdir(f"{cache.root}/tmp-v0") == []


def test_an_archive_that_was_changed_is_not_packed(tmp_path):
    cache, archive = unzipped(tmp_path / "cache", forge_wheel("pkg", "1.0", TEXTS))
    assert pack.pack_archive(cache, archive)
    path = f"{cache.archive(archive)}/pkg/__init__.py"
    os.chmod(path, 0o644)
    with open(path, "w") as file:
        file.write("y = 2\n" * 500)
    assert pack.pack_archive(cache, archive) is None
    assert pack.pack_archive(cache, "0" * 64) is None


def test_a_small_wheel_is_not_packed(tmp_path):
    small = unzipped(tmp_path / "cache", forge_wheel("pkg", "1.0", TEXTS))
    assert not pack.is_packable(*small)
    noise = "".join(sha256(b"%d" % number).hexdigest() for number in range(9000))
    assert pack.is_packable(*unzipped(tmp_path / "cache", forge_wheel("pkg", "1.0", {**TEXTS, "pkg/n": noise})))
