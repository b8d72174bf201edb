import csv
import errno
import io
import os
import pickle
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puffin.cache import layout
from puffin.cache.layout import Cache
from puffin.stages.unzip import inflate, publish, ready, unzip, wheelfile
from puffin.stages.unzip import unzip as place
from puffin.stages.unzip.errors import BadArchive, CacheWriteFailed, Refused
from puffin.stages.unzip.manifest import BOOT_ID, encode_manifest, read_header, read_manifest
from puffin.value import replace
from tests.helpers.wheels import EXECUTABLE, Raw, forge_wheel

RICH = forge_wheel(
    "Foo.Bar",
    "1.0",
    {"foo/__init__.py": "x = 1\n", "foo/sub/data.bin": bytes(1000), "top.py": "", 'odd, "name".txt': "odd"},
    entry_points="[console_scripts]\nfoo = foo.cli:main\nbar= foo:a.b [extra]\n[gui_scripts]\nwin = foo:gui\n",
    scripts={"run.sh": "#!/bin/sh\n"},
    data={"share/foo/a.txt": "a", "etc/foo.conf": "b"},
    raw_members=[
        Raw("foo/empty/"),
        Raw("Foo_Bar-1.0.data/"),
        Raw("Foo_Bar-1.0.data/purelib/"),
        Raw("Foo_Bar-1.0.data/headers/"),
        Raw("Foo_Bar-1.0.data/purelib/foo/pure.py", b"pure"),
        Raw("Foo_Bar-1.0.data/platlib/plat.so", b"\x7fELF", mode=EXECUTABLE),
        Raw("Foo_Bar-1.0.data/headers/foo.h", b"int x;"),
    ],
)


def put(cache, wheel):
    filename, data = wheel
    digest = sha256(data).hexdigest()
    assert unzip.unzip(data=data, filename=filename, sha256=digest, cache_root=cache.root) == digest
    return digest


def tree_of(root):
    found = {}
    for at, directories, names in os.walk(root):
        inside = os.path.relpath(at, root)
        if not directories and not names:
            found[inside + "/"] = b""
        for name in names:
            with open(os.path.join(at, name), "rb") as file:
                found[os.path.normpath(f"{inside}/{name}")] = file.read()
    return found


def rows_of(text):
    return list(csv.reader(io.StringIO(text.decode())))


@pytest.fixture
def cache(tmp_path):
    return Cache(str(tmp_path / "cache"))


def test_the_archive_has_the_installed_form(cache):
    files = tree_of(cache.archive(put(cache, RICH)))
    info = "Foo_Bar-1.0.dist-info"
    own = {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "INSTALLER", "entry_points.txt")}
    root = {
        "foo/__init__.py",
        "foo/sub/data.bin",
        "top.py",
        'odd, "name".txt',
        "foo/empty/",
        "foo/pure.py",
        "plat.so",
    }
    outside = {
        ".data/scripts/run.sh",
        ".data/data/share/foo/a.txt",
        ".data/data/etc/foo.conf",
        ".data/headers/foo.h",
    }
    assert set(files) == own | root | outside
    assert files[f"{info}/INSTALLER"] == b"puffin\n"
    assert files["foo/pure.py"] == b"pure"


def test_the_manifest_describes_the_archive(cache):
    digest = put(cache, RICH)
    manifest = read_manifest(cache.manifest(digest))
    files = {path: content for path, content in tree_of(cache.archive(digest)).items() if path[-1] != "/"}
    root = cache.archive(digest)
    assert {(p, s) for p, s, _ in ready.files_listed(manifest)} == {(p, len(c)) for p, c in files.items()}
    assert ready.examined(root, manifest) >= 0
    assert (manifest.files, manifest.bytes) == (len(files), sum(map(len, files.values())))
    assert (manifest.name, manifest.raw_name, manifest.version) == ("foo-bar", "Foo.Bar", "1.0")
    assert manifest.purelib
    assert not manifest.has_pyc
    assert manifest.tops == (
        ("Foo_Bar-1.0.dist-info", True), ("foo", True), ('odd, "name".txt', False), ("plat.so", False),
        ("top.py", False),
    )  # fmt: skip
    assert manifest.entry_points == (
        ("foo", "foo.cli", "main", False), ("bar", "foo", "a.b", False), ("win", "foo", "gui", True)
    )  # fmt: skip
    assert manifest.scripts == ("run.sh",)
    assert [(key, at, names) for key, at, names, *_ in manifest.outside if names] == [
        ("data", "etc", ("foo.conf",)), ("data", "share/foo", ("a.txt",)), ("headers", "", ("foo.h",)),
        ("scripts", "", ("run.sh",)),
    ]  # fmt: skip
    assert [row[0] for row in manifest.tree] == ["", "Foo_Bar-1.0.dist-info", "foo", "foo/empty", "foo/sub"]
    assert manifest.tree[1][1][-1] == "RECORD"
    assert manifest.healed == 3  # the three files of .data that the forge added without rows


def test_hashes_of_what_lies_outside_are_kept(cache):
    manifest = read_manifest(cache.manifest(put(cache, RICH)))
    (hashes,) = [row[5] for row in manifest.outside if row[0] == "headers"]
    assert hashes == ("sha256=" + urlsafe_b64encode(sha256(b"int x;").digest()).decode().rstrip("="),)


def test_what_an_installer_says_is_not_taken_from_the_wheel(cache):
    info = "foo-1.0.dist-info"
    raw = [Raw(f"{info}/{name}", b"spoof") for name in ("INSTALLER", "REQUESTED", "direct_url.json")]
    files = tree_of(cache.archive(put(cache, forge_wheel("foo", "1.0", raw_members=raw))))
    assert files[f"{info}/INSTALLER"] == b"puffin\n"
    assert f"{info}/REQUESTED" not in files
    assert f"{info}/direct_url.json" not in files


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_files_are_read_only_and_follow_the_umask_and_the_executable_bit(cache):
    old = os.umask(0o027)
    try:
        root = cache.archive(put(cache, RICH))
    finally:
        os.umask(old)
    modes = {
        name: os.stat(f"{root}/{name}").st_mode & 0o777
        for name in ("plat.so", "top.py", ".data/scripts/run.sh")
    }
    assert modes == {"plat.so": 0o550, "top.py": 0o440, ".data/scripts/run.sh": 0o550}


def test_the_second_time_nothing_is_read(cache):
    digest = put(cache, RICH)
    assert unzip.unzip(data=b"not looked at", filename="", sha256=digest, cache_root=cache.root) == digest


def test_metadata_is_read_without_writing(cache):
    assert unzip.read_metadata(RICH[1], RICH[0]).startswith(b"Metadata-Version: 2.1\nName: Foo.Bar\n")


def test_without_dir_fd_and_libdeflate_the_tree_is_the_same(cache, tmp_path, monkeypatch):
    expected = tree_of(cache.archive(put(cache, RICH)))
    monkeypatch.setattr(place, "_RELATIVE", False)
    monkeypatch.setattr(inflate, "deflate_decompress", inflate.zlib_inflate)
    other = Cache(str(tmp_path / "other"))
    assert tree_of(other.archive(put(other, RICH))) == expected


def test_streamed_members_are_the_same(cache, tmp_path, monkeypatch):
    expected = tree_of(cache.archive(put(cache, RICH)))
    monkeypatch.setattr(place, "STREAM_ABOVE", 3)
    other = Cache(str(tmp_path / "other"))
    assert tree_of(other.archive(put(other, RICH))) == expected


def test_a_write_that_stops_short_goes_on(cache, tmp_path, monkeypatch):
    expected = tree_of(cache.archive(put(cache, RICH)))
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, memoryview(data)[:7]))
    other = Cache(str(tmp_path / "other"))
    assert tree_of(other.archive(put(other, RICH))) == expected


@pytest.mark.parametrize("when", range(8))
def test_a_full_disk_leaves_nothing_behind(cache, monkeypatch, when):
    cache.initialise()
    real = os.write
    left = [when]

    def write(descriptor, data):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(CacheWriteFailed) as caught:
        put(cache, forge_wheel("foo", "1.0", record="right") if when < 6 else RICH)
    monkeypatch.undo()
    assert "No space left" in str(caught.value.causes[0])
    assert {path for path in tree_of(cache.root) if path[-1] != "/"} == {".gitignore", "CACHEDIR.TAG"}
    assert os.listdir(cache.path("tmp-v0")) == []
    put(cache, RICH)


def test_a_manifest_that_cannot_be_written_takes_its_tree_along(cache, monkeypatch):
    def fail(*_args, **_options):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(publish, "publish_file", fail)
    with pytest.raises(CacheWriteFailed):
        put(cache, RICH)
    assert not os.path.exists(cache.archive(sha256(RICH[1]).hexdigest()))


def test_a_tree_without_manifest_is_used_if_it_is_whole(cache):
    digest = put(cache, RICH)
    inode = os.stat(cache.archive(digest)).st_ino
    os.unlink(cache.manifest(digest))
    assert not ready.archive_ready(cache, digest)
    put(cache, RICH)
    assert ready.archive_ready(cache, digest)
    assert os.stat(cache.archive(digest)).st_ino == inode


@pytest.mark.parametrize("damage", ["content", "size", "absent"])
def test_a_damaged_tree_without_manifest_is_replaced(cache, damage):
    digest = put(cache, RICH)
    expected = tree_of(cache.archive(digest))
    os.unlink(cache.manifest(digest))
    victim = f"{cache.archive(digest)}/foo/__init__.py"
    os.unlink(victim)
    if damage != "absent":
        with open(victim, "w") as file:
            file.write("y = 2\n" if damage == "content" else "")
    put(cache, RICH)
    assert tree_of(cache.archive(digest)) == expected
    assert os.listdir(cache.path("tmp-v0")) == []


def test_a_manifest_without_tree_is_a_miss(cache):
    digest = put(cache, RICH)
    os.rename(cache.archive(digest), cache.temporary())
    assert not ready.archive_ready(cache, digest)
    put(cache, RICH)
    assert ready.archive_ready(cache, digest)


def reboot(monkeypatch):
    monkeypatch.setattr(layout, "_boot", "another boot")


def test_an_archive_of_an_earlier_boot_is_settled_once(cache, monkeypatch):
    monkeypatch.setattr(layout, "_boot", "first boot")
    digest = put(cache, RICH)
    assert read_header(cache.manifest(digest))[BOOT_ID] == "first boot"
    reboot(monkeypatch)
    assert ready.archive_ready(cache, digest)
    assert read_header(cache.manifest(digest))[BOOT_ID] == ""
    monkeypatch.setattr(ready, "settle", None)  # not asked again
    assert ready.archive_ready(cache, digest)


@pytest.mark.parametrize(
    "victim", ["foo/__init__.py", ".data/data/share/foo/a.txt", "Foo_Bar-1.0.dist-info/RECORD"]
)
def test_an_archive_that_lost_content_with_the_power_is_removed(cache, monkeypatch, victim):
    monkeypatch.setattr(layout, "_boot", "first boot")
    digest = put(cache, RICH)
    os.truncate(f"{cache.archive(digest)}/{victim}", 0)
    assert ready.archive_ready(cache, digest)  # within the boot the kernel's view holds
    reboot(monkeypatch)
    assert not ready.settle(cache, digest)
    assert not os.path.exists(cache.archive(digest))
    assert not os.path.exists(cache.manifest(digest))
    put(cache, RICH)
    assert ready.archive_ready(cache, digest)


def test_settling_in_a_cache_that_cannot_be_written(cache, monkeypatch):
    monkeypatch.setattr(layout, "_boot", "first boot")
    digest = put(cache, RICH)
    reboot(monkeypatch)

    def fail(*_args, **_options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(ready, "publish_file", fail)
    assert ready.archive_ready(cache, digest)


def test_settle_without_manifest(cache):
    assert not ready.settle(cache, "ab" * 32)


def test_a_damaged_body_is_not_settled(cache, monkeypatch):
    digest = put(cache, RICH)
    with open(cache.manifest(digest), "r+b") as file:
        file.truncate(os.path.getsize(cache.manifest(digest)) - 1)
    reboot(monkeypatch)
    assert not ready.archive_ready(cache, digest)


def test_boot_id(monkeypatch):
    monkeypatch.setattr(layout, "_boot", None)
    first = layout.current_boot()
    assert first == layout.current_boot()
    assert bool(first) == os.path.exists("/proc/sys/kernel/random/boot_id")


def test_a_settled_manifest_differs_in_the_boot_alone(cache):
    digest = put(cache, RICH)
    manifest = read_manifest(cache.manifest(digest))
    assert (
        encode_manifest(replace(manifest, boot_id="")) != encode_manifest(manifest) or not layout.current_boot()
    )


def test_errors_survive_pickling():
    with pytest.raises(BadArchive) as caught:
        unzip.unzip(data=b"", filename="a-1-py3-none-any.whl", sha256="00", cache_root="/nowhere")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.filename, again.member, again.reason) == (
        "a-1-py3-none-any.whl", "", "it is not a zip file, or its end is missing"
    )  # fmt: skip


def test_spellings_of_name_and_version_that_are_the_same(cache):
    raw = forge_wheel("foo", "1.0")[1]
    assert put(cache, ("FOO-1.0.0-py3-none-any.whl", raw))
    _, local = forge_wheel("foo", "1.0+cu.118")
    assert put(cache, ("foo-1.0+cu_118-1build-py2.py3-none-any.whl", local))


@pytest.mark.parametrize(
    "value", ["foo:main", " foo . x : y ", "foo.bar:baz.qux", "foo:main [a, b]", "foo:main[a]"]
)
def test_references(value):
    text = f"[console_scripts]\nx = {value}\n"
    if " . " in value:
        with pytest.raises(Refused):
            wheelfile.entry_points(text, "m")
    else:
        ((name, module, attribute, gui),) = wheelfile.entry_points(text, "m")
        assert (name, module.split(".")[0], gui) == ("x", "foo", False)
        assert attribute in ("main", "baz.qux")


def test_entry_points_that_are_plugins_are_not_looked_at():
    assert wheelfile.entry_points("[flake8.extension]\n../x = whatever, it is\n", "m") == ()
    assert wheelfile.entry_points("[a]\n../x = y z\n[console_scripts]\n%(a)s = a:b\n", "m") == (
        ("%(a)s", "a", "b", False),
    )


def test_case_of_entry_points_is_kept_and_comments_are_not():
    text = "# comment\n[console_scripts]\nFoo = a:B\n; more\nfoo-bar = a:b\n"
    assert [name for name, *_ in wheelfile.entry_points(text, "m")] == ["Foo", "foo-bar"]


def test_the_hot_modules_import_nothing():
    code = (
        f"import sys; sys.path[:0] = [{os.getcwd()!r}]; import puffin.stages.unzip.ready; print(*sys.modules)"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "puffin.stages.unzip.manifest" in modules
    assert {"re", "enum", "typing", "pathlib", "json", "struct", "csv", "hashlib", "collections"}.isdisjoint(
        modules
    )


def test_threads_that_unzip_the_same_wheel(cache):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        (digest,) = set(pool.map(lambda _: put(cache, RICH), range(24)))
    assert ready.examined(cache.archive(digest), read_manifest(cache.manifest(digest))) >= 0
    assert os.listdir(cache.path("tmp-v0")) == []


SMALL = forge_wheel("foo", "1.0", entry_points={"foo": "foo:main"})


@settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(wheel=st.sampled_from([RICH, SMALL]), data=st.data())
def test_any_damage_is_refused_or_harmless(tmp_path_factory, wheel, data):
    filename, whole = wheel
    cache = Cache(str(tmp_path_factory.getbasetemp() / "fuzz"))
    digest = put(cache, wheel)
    expected = tree_of(cache.archive(digest))
    damaged = bytearray(whole)
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(whole) - 1)) :]
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=3)):
        if at < len(damaged):
            damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    name = sha256(damaged).hexdigest()
    try:
        unzip.unzip(data=damaged, filename=filename, sha256=name, cache_root=cache.root)
    except BadArchive:
        assert not os.path.exists(cache.archive(name))
        assert os.listdir(cache.path("tmp-v0")) == []
    else:
        assert tree_of(cache.archive(name)) == expected


def test_the_forge_is_deterministic_and_right():
    assert forge_wheel("foo", "1.0") == forge_wheel("foo", "1.0")
    with zipfile.ZipFile(io.BytesIO(RICH[1])) as file:
        assert file.testzip() is None
