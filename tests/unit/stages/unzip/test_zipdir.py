import io
import mmap
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from puffin.stages.unzip import inflate, names
from puffin.stages.unzip.errors import Refused
from puffin.stages.unzip.names import check_collisions, decode_name, fault, fold, shadows
from puffin.stages.unzip.zipdir import read_directory
from tests.helpers.wheels import EXECUTABLE, Raw, streamed, zip_bytes


def contents(data):
    members, directories = read_directory(data)
    return {m.name: bytes(inflate.member_content(memoryview(data), m)) for m in members}, directories


def by_zipfile(data):
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist() if not name.endswith("/")}


MEMBERS = [
    Raw("a.py", b"x = 1\n" * 100),
    Raw("empty", b""),
    Raw("sub/", b""),
    Raw("sub/run", b"#!/bin/sh\n", mode=EXECUTABLE),
    Raw("sub/stored.bin", bytes(range(256)), method=0),
    Raw("sub/empty-deflated", b"", method=8),
    Raw("naïve/ünï.txt", b"text"),
    Raw("usual/", b"", mode=0o100644),  # some writers give all members one mode
]


@pytest.mark.parametrize("options", [{}, {"compress": False}, {"zip64": True}, {"comment": b"made by hand"}])
def test_reads_what_zipfile_reads(options):
    data = zip_bytes(MEMBERS, **options)
    assert contents(data) == (by_zipfile(data), {"sub", "usual"})


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("signature", [False, True])
def test_reads_members_whose_sizes_follow_their_data(wide, signature):
    first = streamed("a.py", b"x" * 1000, wide=wide, signature=signature)
    data = zip_bytes([first, Raw("b", b"b"), streamed("c", b"c", wide=wide, signature=signature)])
    assert contents(data)[0] == {"a.py": b"x" * 1000, "b": b"b", "c": b"c"}


def test_reads_what_zipfile_writes_to_a_pipe():
    class Pipe(io.RawIOBase):
        written = b""

        def writable(self):
            return True

        def write(self, piece):
            Pipe.written += bytes(piece)
            return len(piece)

    with zipfile.ZipFile(Pipe(), "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.txt", "a" * 500)
        file.writestr("b.txt", "")
    assert contents(Pipe.written)[0] == {"a.txt": b"a" * 500, "b.txt": b""}


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_reads_from_any_buffer(kind):
    assert set(contents(kind(zip_bytes(MEMBERS)))[0]) == {
        m.name.decode() for m in MEMBERS if m.name[-1:] != b"/"
    }


def test_reads_from_a_mapped_file(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(zip_bytes(MEMBERS))
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert len(read_directory(mapped)[0]) == 6


def test_executable_bits_are_seen():
    assert [m.name for m in read_directory(zip_bytes(MEMBERS))[0] if m.executable] == ["sub/run"]


def test_the_directory_may_list_members_in_another_order():
    data = zip_bytes([Raw("a", b"a"), Raw("b", b"b")])
    middle = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", middle + 1)
    end = data.index(b"PK\5\6")
    swapped = data[:middle] + data[second:end] + data[middle:second] + data[end:]
    assert contents(swapped)[0] == {"a": b"a", "b": b"b"}


@pytest.mark.parametrize("size", [0, 1, 5000, 100_000])
def test_a_streamed_member_is_the_same(size):
    data = zip_bytes([Raw("a", bytes(range(250)) * (size // 250) + b"x" * (size % 250), method=8)])
    (member,) = read_directory(data)[0]
    pieces = b"".join(inflate.chunks(memoryview(data), member))
    assert pieces == inflate.member_content(memoryview(data), member)


@pytest.mark.parametrize("wrong", [{"crc": 1}, {"size": -1}, {"size": +1}, {"packed": -1}])
def test_a_streamed_member_is_checked(wrong):
    data = zip_bytes([Raw("a", b"0123456789" * 50)])
    (member,) = read_directory(data)[0]
    damaged = member._replace(**{k: getattr(member, k) + v for k, v in wrong.items()})
    with pytest.raises(Refused):
        list(inflate.chunks(memoryview(data), damaged))
    with pytest.raises(Refused):
        inflate.member_content(memoryview(data), damaged)


@pytest.mark.parametrize("size", [0, 1, 3000])
def test_zlib_does_what_libdeflate_does(size):
    data = zip_bytes([Raw("a", b"y" * size, method=8)])
    (member,) = read_directory(data)[0]
    packed = data[member.start : member.start + member.packed]
    assert inflate.zlib_inflate(packed, size) == b"y" * size
    for wrong in (packed[:-1], b"\xff" + packed):
        with pytest.raises(ValueError):
            inflate.zlib_inflate(wrong, size)
    with pytest.raises(ValueError):
        inflate.zlib_inflate(packed, size + 1)


PARTS = st.sampled_from(
    ["a", "B", "..", ".", "", "é", "\\", "\x1f", "\x85", "c:", "x" * 256, "ok.py", "…", "\0"]
)
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join) | st.text(max_size=8)


@given(st.lists(NAMES.map(str.encode) | st.binary(max_size=6), max_size=5))
@example([b""])
@example([b"/"])
@example([b"a", b"", b"b"])
@example([b"a/", b"b"])
def test_the_quick_look_at_all_names_finds_what_the_slow_one_finds(raw):
    faults = [fault(name) for name in raw]
    if any(faults):
        with pytest.raises(Refused) as caught:
            decode_name(raw)
        assert caught.value.reason == next(filter(None, faults))
    else:
        assert decode_name(raw) == [name.decode() for name in raw]


@given(st.text(max_size=6), st.text(max_size=6))
@example("\u212a", "k")
@example("ﬁ", "FI")
def test_fold_is_stable_and_ignores_case(one, other):
    assert fold(fold(one)) == fold(one) or not one.isascii()
    assert (fold(one.upper()) == fold(one.lower())) or not one.isascii()
    if one.isascii() and other.isascii():
        assert (fold(one) == fold(other)) == (one.lower() == other.lower())


def test_collisions_name_the_culprit(monkeypatch):
    monkeypatch.setattr(names, "IGNORES_CASE", True)
    check_collisions(["a/b", "c"], {"", "a"})
    for files, directories, member in (
        (["A", "a"], {""}, "a"),
        (["x"], {"", "D", "d"}, "d"),
        (["D"], {"d"}, "D"),
    ):
        with pytest.raises(Refused) as caught:
            check_collisions(files, directories)
        assert caught.value.member == member
    monkeypatch.setattr(names, "IGNORES_CASE", False)
    check_collisions(["A", "a"], {"", "D", "d"})
    for files, directories in ((["a", "a"], {""}), (["d"], {"d"})):
        with pytest.raises(Refused):
            check_collisions(files, directories)


@pytest.mark.parametrize(
    "name",
    ["python", "python3", "Python3.12", "python3.13t", "pythonw", "python.exe", "pypy3", "activate",
     "activate.fish", "deactivate.bat", "activate_this.py", "pyvenv.cfg"],
)  # fmt: skip
def test_names_that_shadow_the_interpreter(name):
    assert shadows(name)


@pytest.mark.parametrize(
    "name",
    ["pytest", "python-argcomplete-check-easy-install-script", "activate-global-python-argcomplete", "pythonic",
     "ipython3", "pip", "activation", "python3-config"],
)  # fmt: skip
def test_names_that_do_not(name):
    assert not shadows(name)
