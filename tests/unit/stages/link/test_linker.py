"""The link stage: an archive's trees in many places at once, and what is wrong with one of them alone."""

import csv
import errno
import os
import pickle
import time
from hashlib import sha256
from types import SimpleNamespace

import pytest

from puffin.cache.layout import Cache
from puffin.stages.link import files, linker
from puffin.stages.link.linker import ArchiveGone, LinkFailed, link, link_all
from puffin.stages.link.staging import LinkTarget
from puffin.stages.unzip.manifest import outline, read_names
from puffin.stages.unzip.unzip import unzip
from puffin.value import astuple
from tests.helpers.faults import snapshot
from tests.helpers.wheels import forge_wheel

FILES = {
    "pkg/__init__.py": "x\n",
    **{f"pkg/m{number}.py": f"{number}\n" for number in range(12)},
    "pkg/deep/er/a.py": "a\n",
    "top.py": "top\n",
    "pkg-1.data/data/share/pkg/conf, and more.txt": "c\n",
    "pkg-1.data/data/etc.txt": "e\n",
    "pkg-1.data/headers/pkg.h": "h\n",
    "pkg-1.data/headers/in/ner.h": "i\n",
    "pkg-1.data/scripts/run": "#!python\nprint()\n",
}


@pytest.fixture
def cache(tmp_path):
    return Cache(str(tmp_path / "cache"))


@pytest.fixture
def archive(cache):
    filename, data = forge_wheel("pkg", "1", FILES)
    digest = sha256(data).hexdigest()
    return unzip(data=data, filename=filename, sha256=digest, cache_root=cache.root)


def target(*, data="../../..", headers="../../../include"):
    made = LinkTarget(
        executable="/env/bin/python",
        version=(3, 12),
        relocatable=False,
        scripts="../../../bin",
        data=data,
        headers=headers,
    )
    return astuple(made)


def place(stage, *, requested=True, mode="hardlink", **homes):
    return (str(stage), target(**homes), requested, "", mode, "", False)


def recorded(stage):
    with open(stage / "pkg-1.dist-info/RECORD", newline="") as file:
        return sorted(row[0] for row in csv.reader(file))


def test_all_places_get_the_same_tree(cache, archive, tmp_path):
    stages = [tmp_path / f"env{number}" for number in range(70)]  # more than are open at once
    _, results, told = link_all(archive=archive, cache_root=cache.root, places=tuple(map(place, stages)))
    assert {result[0] for result in results} == {"hardlink"}
    assert told == outline(*read_names(cache.manifest(archive)))
    trees = [
        [snapshot(stage.with_name(f"{stage.name}{part}")) for part in ("", "+scripts", "+data", "+headers")]
        for stage in stages
    ]
    assert trees.count(trees[0]) == len(stages)
    assert trees[0][2] == {
        "share": None,
        "share/pkg": None,
        "share/pkg/conf, and more.txt": b"c\n",
        "etc.txt": b"e\n",
    }
    assert trees[0][3] == {"pkg": None, "pkg/pkg.h": b"h\n", "pkg/in": None, "pkg/in/ner.h": b"i\n"}
    (one,) = link_all(archive=archive, cache_root=cache.root, places=(place(tmp_path / "alone"),))[1]
    assert one in results


def test_record_tells_of_every_file_by_its_way_from_site_packages(cache, archive, tmp_path):
    link_all(
        archive=archive,
        cache_root=cache.root,
        places=(place(tmp_path / "a"), place(tmp_path / "b", data=".", headers="inc", requested=False)),
    )
    site = [name for name in FILES if ".data/" not in name]
    info = [f"pkg-1.dist-info/{name}" for name in ("INSTALLER", "METADATA", "RECORD", "WHEEL")]
    assert recorded(tmp_path / "a") == sorted(
        [
            *site,
            *info,
            "pkg-1.dist-info/REQUESTED",
            "../../../bin/run",
            "../../../etc.txt",
            "../../../share/pkg/conf, and more.txt",
            "../../../include/pkg/pkg.h",
            "../../../include/pkg/in/ner.h",
        ]
    )
    assert recorded(tmp_path / "b") == sorted(
        [
            *site,
            *info,
            "../../../bin/run",
            "etc.txt",
            "share/pkg/conf, and more.txt",
            "inc/pkg/pkg.h",
            "inc/pkg/in/ner.h",
        ]
    )


def test_an_entry_point_takes_the_place_of_a_script_with_its_name(cache, tmp_path):
    scripts = {"both": "#!python\nprint('script')\n", "other": "#!python\n"}
    filename, data = forge_wheel("pkg", "1", {"pkg.py": ""}, scripts=scripts, entry_points={"both": "pkg:main"})
    digest = unzip(data=data, filename=filename, sha256=sha256(data).hexdigest(), cache_root=cache.root)
    link_all(archive=digest, cache_root=cache.root, places=(place(tmp_path / "a"),))
    assert sorted(os.listdir(tmp_path / "a+scripts")) == ["both", "other"]
    assert "from pkg import main" in (tmp_path / "a+scripts/both").read_text()
    assert recorded(tmp_path / "a").count("../../../bin/both") == 1


def test_a_place_that_cannot_be_written_to_fails_alone(cache, archive, tmp_path):
    (tmp_path / "file").write_text("no directory")
    places = (place(tmp_path / "a"), place(tmp_path / "file" / "b"), place(tmp_path / "c"))
    _, (one, wrong, other), _ = link_all(archive=archive, cache_root=cache.root, places=places)
    error = pickle.loads(wrong)
    assert isinstance(error, LinkFailed)
    assert (error.package, error.path) == ("pkg", str(tmp_path / "file" / "b"))
    assert one == other
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "c")


@pytest.mark.parametrize(
    "lost", ["pkg/m3.py", "pkg/deep/er/a.py", ".data/data/etc.txt", "pkg-1.dist-info/RECORD"]
)
def test_where_the_archive_is_not_whole_no_place_keeps_a_tree(cache, archive, tmp_path, lost):
    os.unlink(f"{cache.archive(archive)}/{lost}")
    with pytest.raises(ArchiveGone):
        link_all(archive=archive, cache_root=cache.root, places=(place(tmp_path / "a"), place(tmp_path / "b")))
    assert [each.name for each in tmp_path.iterdir()] == ["cache"]


def _append(path):
    with open(path, "ab") as file:
        file.write(b"# more")


def _edit(path):
    time.sleep(0.02)  # nobody edits a file in the moment in which its archive is finished
    with open(path, "r+b") as file:
        file.write(b"?")


def _edit_in_secret(path):
    facts = os.stat(path)
    _edit(path)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _link_instead(path):
    os.rename(path, f"{path}.real")
    os.symlink(f"{os.path.basename(path)}.real", path)


HARMS = [
    lambda path: os.truncate(path, 0),
    _append,
    _edit,
    _link_instead,
    lambda path: os.chmod(path, 0o755),
    lambda path: os.chmod(path, 0),
]
PLACES = ["pkg/m3.py", "pkg/deep/er/a.py", ".data/data/etc.txt", ".data/scripts/run", "pkg-1.dist-info/RECORD"]


@pytest.mark.parametrize("harm", HARMS, ids=["cut", "appended", "edited", "link", "executable", "unreadable"])
@pytest.mark.parametrize("where", PLACES)
def test_an_archive_that_was_changed_is_not_linked(cache, archive, tmp_path, where, harm):
    harm(f"{cache.archive(archive)}/{where}")
    with pytest.raises(ArchiveGone):
        link_all(archive=archive, cache_root=cache.root, places=(place(tmp_path / "a"), place(tmp_path / "b")))
    assert [each.name for each in tmp_path.iterdir()] == ["cache"]
    assert not os.path.exists(cache.archive(archive)), "the next one gets it anew"


@pytest.fixture
def mixed(cache):
    """An archive with modules, and what is none, wherever files may lie."""
    more = {
        f"{where}/{name}": "x = 1\n"
        for where in (
            "pkg",
            "pkg/x.dist-info/deep",
            "pkg-1.data/data/etc",
            "pkg-1.data/headers",
            "pkg-1.data/scripts",
        )
        for name in ("a.py", "b.so", "c.json", "d.dist-info", "e.pth")
    }
    filename, data = forge_wheel("pkg", "1", {**FILES, **more}, executable=["pkg/b.so", "pkg/c.json"])
    return unzip(data=data, filename=filename, sha256=sha256(data).hexdigest(), cache_root=cache.root)


def test_an_archive_as_it_was_made_agrees_with_its_census(cache, mixed, tmp_path, monkeypatch):
    monkeypatch.setattr(linker, "recheck", None)  # nothing asks for the contents
    link_all(archive=mixed, cache_root=cache.root, places=(place(tmp_path / "a"), place(tmp_path / "b")))


def test_a_change_that_no_time_tells_of_is_found_by_content(cache, archive, tmp_path):
    _edit_in_secret(f"{cache.archive(archive)}/pkg/m3.py")
    link_all(archive=archive, cache_root=cache.root, places=(place(tmp_path / "a"),))
    with pytest.raises(ArchiveGone):
        link_all(archive=archive, cache_root=cache.root, places=((*place(tmp_path / "b")[:-1], True),))


def test_a_lost_executable_bit_is_found(cache, tmp_path):
    filename, data = forge_wheel("pkg", "1", {"pkg/tool": "#!/bin/sh\n"}, executable=["pkg/tool"])
    archive = unzip(data=data, filename=filename, sha256=sha256(data).hexdigest(), cache_root=cache.root)
    link_all(archive=archive, cache_root=cache.root, places=(place(tmp_path / "a"),))
    os.chmod(tmp_path / "a/pkg/tool", 0o444)
    with pytest.raises(ArchiveGone):
        link_all(archive=archive, cache_root=cache.root, places=(place(tmp_path / "b"),))


def test_what_was_only_touched_is_compared_once(cache, archive, tmp_path, monkeypatch):
    os.utime(f"{cache.archive(archive)}/pkg/m3.py")
    link_all(archive=archive, cache_root=cache.root, places=(place(tmp_path / "a"),))
    monkeypatch.setattr(linker, "recheck", None)  # not asked again
    link_all(archive=archive, cache_root=cache.root, places=(place(tmp_path / "b"),))


@pytest.fixture
def ioctls(monkeypatch):
    """The calls that ask for clones, of a file system that has none until ``answer`` is changed."""
    calls = SimpleNamespace(
        made=0, answer=lambda writer, reader: (_ for _ in ()).throw(OSError(errno.ENOTTY, ""))
    )

    def ioctl(writer, _request, reader):
        calls.made += 1
        calls.answer(writer, reader)

    monkeypatch.setattr(files, "fcntl", SimpleNamespace(ioctl=ioctl))
    monkeypatch.setattr(files, "_without_clones", set())
    return calls


def test_a_file_system_is_asked_once_whether_it_clones(cache, archive, tmp_path, ioctls):
    places = (place(tmp_path / "a", mode="clone"), place(tmp_path / "b", mode="clone"))
    _, results, _ = link_all(archive=archive, cache_root=cache.root, places=places)
    assert ({mode for mode, _ in results}, ioctls.made) == ({"hardlink"}, 1)


def test_clones_are_files_of_their_own(cache, archive, tmp_path, ioctls):
    ioctls.answer = lambda writer, reader: os.sendfile(writer, reader, 0, 1 << 20)
    _, results, _ = link_all(
        archive=archive, cache_root=cache.root, places=(place(tmp_path / "a", mode="clone"),)
    )
    assert results[0][0] == "clone"
    path = tmp_path / "a/pkg/m3.py"
    assert (path.read_text(), path.stat().st_nlink, path.stat().st_mode & 0o200) == ("3\n", 1, 0o200)


def test_a_lost_directory_of_the_archive_is_found_too(cache, archive, tmp_path):
    os.rename(f"{cache.archive(archive)}/pkg", tmp_path / "elsewhere")
    with pytest.raises(ArchiveGone):
        link(
            archive=archive, cache_root=cache.root, stage=str(tmp_path / "a"), target=target(), requested=True,
            direct_url="", mode="hardlink",
        )  # fmt: skip
    assert not (tmp_path / "a").exists()


def test_the_ruins_of_a_process_that_died_are_built_over(cache, archive, tmp_path):
    (tmp_path / "a" / "pkg").mkdir(parents=True)
    (tmp_path / "a+scripts").mkdir()
    (tmp_path / "a+data").mkdir()
    _, results, _ = link_all(
        archive=archive, cache_root=cache.root, places=(place(tmp_path / "a"), place(tmp_path / "b"))
    )
    assert results[0] == results[1]
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")
