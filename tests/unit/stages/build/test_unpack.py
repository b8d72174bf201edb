import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import tempfile
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.artifact import limits
from puffin.stages.build import unpack as unpack_rules
from puffin.stages.build.unpack import UnpackFailed, unpack
from puffin.stages.unzip import names
from puffin.stages.unzip.errors import BadArchive
from puffin.stages.unzip.names import fault

COMPRESS = {
    ".tar.gz": gzip.compress, ".tgz": gzip.compress, ".tar.bz2": bz2.compress, ".tbz": bz2.compress,
    ".tar.xz": lzma.compress, ".txz": lzma.compress, ".tar": bytes,
    ".tar.lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
}  # fmt: skip
WHOLE = [("foo-1.0/", b""), ("foo-1.0/setup.py", b"setup()\n"), ("foo-1.0/src/foo/__init__.py", b"")]


def member(name, data=b"", *, kind=None, link="", mode=0o644, mtime=1_700_000_000):
    info = tarfile.TarInfo(name.rstrip("/"))
    info.type = kind or (tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE)
    info.size, info.mode, info.mtime, info.linkname = len(data), mode, mtime, link
    return info, data


def tar(*members, end=True):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
        length = archive.offset
    return held.getvalue() if end else held.getvalue()[:length]


def zipped(*members, method=zipfile.ZIP_DEFLATED, when=(1980, 1, 1, 0, 0, 0), mode=0o644, kind=stat.S_IFREG):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, when)
            info.external_attr = (stat.S_IFDIR | 0o755 if name.endswith("/") else kind | mode) << 16
            info.compress_type = method
            archive.writestr(info, data)
    return held.getvalue()


def files(root):
    return sorted(
        os.path.relpath(os.path.join(at, name), root) for at, _, names in os.walk(root) for name in names
    )


def refusal(data, directory, filename="foo-1.0.tar"):
    with pytest.raises(BadArchive) as caught:
        unpack(data, filename, str(directory), package="foo==1.0")
    assert str(caught.value) == f"`{filename}` has an invalid package format"
    assert caught.value.package == "foo==1.0"
    assert str(caught.value.causes[0]).isprintable()
    return str(caught.value.causes[0])


@pytest.mark.parametrize("ending", COMPRESS)
def test_every_kind_of_tar_file_is_unpacked(ending, tmp_path):
    data = COMPRESS[ending](tar(*[member(*each) for each in WHOLE]))
    path = tmp_path / f"archive{ending}"
    path.write_bytes(data)
    for archive, place in (
        (data, tmp_path / "bytes"),
        (memoryview(data), tmp_path / "view"),
        (str(path), tmp_path / "path"),
    ):
        top = unpack(archive, f"Foo-1.0{ending.upper()}", str(place), package="foo")
        assert top == f"{place}/foo-1.0"
        assert files(place) == ["foo-1.0/setup.py", "foo-1.0/src/foo/__init__.py"]
    assert (tmp_path / "bytes/foo-1.0/setup.py").read_bytes() == b"setup()\n"


def test_a_zip_file_is_unpacked_with_its_modes_and_times(tmp_path):
    data = zipped(*WHOLE, when=(2001, 2, 3, 4, 5, 6), mode=0o755)
    top = unpack(data, "v1.0.zip", str(tmp_path / "out"), package="foo")
    assert files(top) == ["setup.py", "src/foo/__init__.py"]
    facts = os.stat(f"{top}/setup.py")
    assert facts.st_mode & 0o100
    assert time.localtime(facts.st_mtime)[:6] == (2001, 2, 3, 4, 5, 6)


def test_without_one_top_directory_the_project_is_where_it_was_unpacked(tmp_path):
    several = tar(member("setup.py"), member("foo/__init__.py"))
    assert unpack(several, "foo-1.0.tar", str(tmp_path / "a"), package="foo") == str(tmp_path / "a")
    assert unpack(tar(member("setup.py")), "foo-1.0.tar", str(tmp_path / "b"), package="foo") == str(
        tmp_path / "b"
    )


def test_a_leading_dot_is_no_component(tmp_path):
    data = tar(member("./"), member("./foo-1.0/"), member("./foo-1.0/setup.py"))
    assert unpack(data, "foo-1.0.tar", str(tmp_path), package="foo") == f"{tmp_path}/foo-1.0"


def test_modes_and_times_fit_what_is_built_from_them(tmp_path):
    now = time.time()
    data = tar(
        member("f/old", mtime=1), member("f/none", mtime=0), member("f/late", mtime=int(now) + 99999),
        member("f/usual", mtime=1_500_000_000), member("f/run", mode=0o4555 & 0o777), member("f/closed", mode=0),
        member("f/shared/", mode=0o2777),
    )  # fmt: skip
    unpack(data, "f.tar", str(tmp_path), package="f")
    facts = {name: os.stat(tmp_path / "f" / name) for name in os.listdir(tmp_path / "f")}
    assert time.localtime(facts["old"].st_mtime).tm_year == 1980
    assert now - 60 < facts["none"].st_mtime
    assert facts["late"].st_mtime <= time.time() + 1
    assert facts["usual"].st_mtime == 1_500_000_000
    assert [name for name, each in facts.items() if each.st_mode & 0o111 and stat.S_ISREG(each.st_mode)] == [
        "run"
    ]
    assert facts["closed"].st_mode & 0o600 == 0o600
    assert not facts["shared"].st_mode & stat.S_ISGID or os.stat(tmp_path).st_mode & stat.S_ISGID


def test_links_that_stay_inside_are_kept(tmp_path):
    data = tar(
        member("f/a/real.txt", b"text"),
        member("f/b/soft", kind=tarfile.SYMTYPE, link="../a/real.txt"),
        member("f/b/beside", kind=tarfile.SYMTYPE, link="./soft"),
        member("f/hard", kind=tarfile.LNKTYPE, link="f/a/real.txt"),
        member("f/directory", kind=tarfile.SYMTYPE, link="a/"),
    )
    unpack(data, "f.tar", str(tmp_path), package="f")
    for name in ("b/soft", "b/beside", "hard", "directory/real.txt"):
        assert (tmp_path / "f" / name).read_bytes() == b"text"


def test_a_file_that_is_there_twice_with_the_same_bytes_is_one(tmp_path):
    link = member("foo/s", kind=tarfile.SYMTYPE, link="x")
    again = member("foo/x", kind=tarfile.LNKTYPE, link="./foo/x")
    data = tar(
        member("foo/"), member("foo/x", b"1"), member("foo/"), member("./foo/x", b"1"), link, link, again
    )
    assert unpack(data, "foo-1.0.tar", str(tmp_path), package="foo") == f"{tmp_path}/foo"
    assert files(tmp_path / "foo") == ["s", "x"]
    for other in (member("foo/x", b"1", mode=0o755), member("foo/x", kind=tarfile.SYMTYPE, link="y")):
        with pytest.raises(BadArchive, match="invalid package format"):
            unpack(tar(member("foo/x", b"1"), other), "foo-1.0.tar", str(tmp_path / "other"), package="foo")


HOSTILE = {
    "parent": ([member("foo/../../x")], "leaves the archive with `..`"),
    "absolute": ([member("/etc/x")], "absolute path"),
    "drive": ([member("C:/x")], "drive letter"),
    "backslash": ([member("foo\\x")], "backslash"),
    "control": ([member("foo/\x1b[2J")], "control character"),
    "empty component": ([member("foo//x")], "empty component"),
    "not UTF-8": ([member("foo/\udcff")], "not UTF-8"),
    "twice": ([member("foo/x", b"1"), member("foo/x", b"2")], "two files have this name"),
    "file and directory": ([member("foo"), member("foo/x")], "a file and a directory"),
    "device": ([member("foo/null", kind=tarfile.CHRTYPE)], "it is a character device"),
    "block device": ([member("foo/disk", kind=tarfile.BLKTYPE)], "it is a block device"),
    "pipe": ([member("foo/pipe", kind=tarfile.FIFOTYPE)], "it is a named pipe"),
    "unknown type": ([member("foo/x", kind=b"Z")], "it is a special file"),
    "link out": ([member("foo/x", kind=tarfile.SYMTYPE, link="../../x")], "leads out of the archive, to `../../x`"),
    "link to root": ([member("foo/x", kind=tarfile.SYMTYPE, link="/etc/passwd")], "leads out of the archive"),
    "link through a link": (
        [
            member("a/b/up", kind=tarfile.SYMTYPE, link="../.."),
            member("a/b/out", kind=tarfile.SYMTYPE, link="up/../.."),
        ],
        "leads out of the archive",
    ),
    "written through a link": (
        [member("foo/d", kind=tarfile.SYMTYPE, link="e"), member("foo/d/x")],
        "a file and a directory",
    ),
    "hard link out": ([member("foo/x", kind=tarfile.LNKTYPE, link="/etc/passwd")], "is not a file before it"),
    "hard link to a link": (
        [member("foo/s", kind=tarfile.SYMTYPE, link="t"), member("foo/x", kind=tarfile.LNKTYPE, link="foo/s")],
        "is not a file before it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_tar_file_is_refused_before_anything_is_written(label, tmp_path):
    members, reason = HOSTILE[label]
    good = member("foo-1.0/setup.py", b"setup()")
    assert reason in refusal(tar(good, *members), tmp_path / "out")
    assert files(tmp_path) == []


def test_names_by_case_are_refused_where_file_systems_ignore_it(tmp_path, monkeypatch):
    archives = {
        "foo.tar": tar(member("foo/x"), member("foo/X")),
        "foo.zip": zipped(("foo/x", b""), ("foo/X", b"")),
    }
    monkeypatch.setattr(names, "IGNORES_CASE", True)
    for filename, data in archives.items():
        assert "by case" in refusal(data, tmp_path, filename)
    monkeypatch.setattr(names, "IGNORES_CASE", False)
    for filename, data in archives.items():
        assert files(unpack(data, filename, str(tmp_path / filename), package="foo")) == ["X", "x"]


def test_members_that_run_as_another_user_lose_that(tmp_path):
    data = tar(member("foo/u", mode=0o4755), member("foo/g", mode=0o2755), member("foo/plain"))
    top = unpack(data, "foo.tar", str(tmp_path), package="foo")
    modes = {name: os.stat(f"{top}/{name}").st_mode & 0o7100 for name in ("u", "g", "plain")}
    assert modes == {"u": 0o100, "g": 0o100, "plain": 0}


def test_hostile_zip_files_are_refused(tmp_path):
    for name, reason in (("../x", "`..`"), ("/x", "absolute"), ("a\\x", "backslash")):
        data = zipped(("foo/setup.py", b""), (name.replace("\\", "_"), b""))
        assert reason in refusal(
            data.replace(name.replace("\\", "_").encode(), name.encode()), tmp_path, "foo.zip"
        )
    link = zipped(("foo/x", b"/etc"), kind=stat.S_IFLNK)
    assert refusal(link, tmp_path, "foo.zip") == "`foo/x`: it is a symbolic link"
    assert files(tmp_path) == []


def test_a_polyglot_is_refused(tmp_path):
    whole = tar(*[member(*each) for each in WHOLE])
    other = zipped(("foo-1.0/setup.py", b"evil()"))
    assert refusal(whole + other, tmp_path) == "it is a tar file and a zip file at once"
    compressed = gzip.compress(whole)
    assert refusal(compressed + other, tmp_path, "foo.tar.gz") == "it is a tar file and a zip file at once"
    assert (
        refusal(lzma.compress(whole) + other, tmp_path, "foo.tar.xz")
        == "it is a tar file and a zip file at once"
    )
    assert "not a zip file" in refusal(whole + other, tmp_path, "foo.zip")
    assert "leading" in refusal(b"PK\3\4" + other, tmp_path, "foo.zip")


def test_a_name_that_disagrees_with_the_content_is_refused(tmp_path):
    whole = tar(*[member(*each) for each in WHOLE])
    zip_ = zipped(*WHOLE)
    reasons = {
        ("foo.tar.gz", zip_): "its name ends with `.tar.gz`, but it is a zip file",
        ("foo.zip", gzip.compress(whole)): "its name ends with `.zip`, but it is gzip-compressed",
        ("foo.tar.bz2", lzma.compress(whole)): "its name ends with `.tar.bz2`, but it is xz-compressed",
        ("foo.tar", gzip.compress(whole)): "its name ends with `.tar`, but it is gzip-compressed",
        ("foo.tar.gz", whole): "its name ends with `.tar.gz`, but it is not gzip-compressed",
        ("foo.tar.gz", b"<html>"): "its name ends with `.tar.gz`, but it is not gzip-compressed",
        ("foo.tar.gz", b""): "it is empty",
    }
    for (filename, data), reason in reasons.items():
        assert refusal(data, tmp_path, filename) == reason
    assert refusal(whole, tmp_path, "foo.rar").startswith("its name ends with none of `.tar.gz`, ")


@pytest.mark.parametrize("ending", COMPRESS)
def test_what_is_cut_off_is_refused_wherever_it_is_cut(ending, tmp_path):
    content = tar(member("foo/a", os.urandom(3000)), member("foo/b", os.urandom(3000)))
    whole = COMPRESS[ending](content)
    end = len(whole) if ending != ".tar" else len(content.rstrip(b"\0"))
    for cut in range(7, end - 8, 97):
        refusal(whole[:cut], tmp_path / str(cut), f"foo{ending}")


def test_a_tar_file_without_its_end_mark_is_refused(tmp_path):
    data = gzip.compress(tar(member("foo/a", b"x" * 512), end=False))
    assert refusal(data, tmp_path, "foo.tar.gz") == "it is cut off, or damaged, behind its last readable member"


def test_damaged_content_is_refused(tmp_path):
    data = bytearray(gzip.compress(tar(member("foo/a", os.urandom(5000)))))
    data[-6] ^= 1  # the checksum
    assert "damaged" in refusal(bytes(data), tmp_path / "gz", "foo.tar.gz")
    data = zipped(("foo/a", b"content"), method=zipfile.ZIP_STORED).replace(b"content", b"contend")
    assert refusal(data, tmp_path / "zip", "foo.zip") == "`foo/a`: its content does not match its checksum"


def test_an_archive_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_HARMLESS_BYTES", 1 << 20)
    whole = tar(member("foo/zeros", bytes(4 << 20)))
    assert "archive bomb" in refusal(lzma.compress(whole), tmp_path, "foo.tar.xz")
    assert "archive bomb" in refusal(zipped(("foo/zeros", bytes(4 << 20))), tmp_path, "foo.zip")
    monkeypatch.setattr(unpack_rules, "MOST_MEMBERS", 2)
    assert refusal(tar(*[member(f"foo/{i}") for i in range(3)]), tmp_path) == "it has more than 2 members"
    assert files(tmp_path) == []


def test_what_the_system_refuses_is_said_with_the_place(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnpackFailed) as caught:
        unpack(tar(member("foo/a")), "foo.tar", f"{tmp_path}/file/inner", package="foo")
    assert str(caught.value) == f"Failed to unpack `foo.tar` into `{tmp_path}/file/inner`"
    with pytest.raises(UnpackFailed):
        unpack(f"{tmp_path}/absent.tar", "absent.tar", str(tmp_path), package="foo")


PARTS = st.sampled_from(["a", "B", "..", ".", "", "c d", "é", "x:", "\\", "\x07", "-", "C:", "..."])


@given(st.lists(st.lists(PARTS, min_size=1, max_size=4).map("/".join), min_size=1, max_size=5))
def test_whatever_the_names_nothing_is_written_outside_and_all_or_nothing_inside(names):
    try:
        data = tar(*[member(f"top/{name}", b"x") for name in names])
    except ValueError:
        return
    with tempfile.TemporaryDirectory() as root:
        try:
            unpack(data, "x.tar", f"{root}/out", package="x")
        except BadArchive:
            assert files(root) == []
        else:
            stored = {f"out/top/{name}".rstrip("/") for name in names}
            assert files(root) == sorted(stored)
            assert not any(fault(f"top/{name}".rstrip("/").encode()) for name in names)
