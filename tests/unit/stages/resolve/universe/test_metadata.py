"""The real universe against an index server: where metadata come from, what is kept of them, what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from puffin.artifact.urls import file_url
from puffin.cache.layout import Bucket, Cache
from puffin.stages.fetch.failures import HashMismatch
from puffin.stages.resolve.metadata.wanted import BuildSource, MetadataNeedsBuild
from puffin.stages.resolve.solve.universe import Metadata, Place, Unusable
from puffin.stages.resolve.universe.values import Built, CheckedOut, InstalledDistribution
from tests.helpers.index_server import IndexServer
from tests.helpers.index_universe import STATIC, Make, newest, offer, sdist
from tests.helpers.wheels import forge_wheel


def test_ranges_serve_where_there_is_no_metadata_file(make: Make, index: IndexServer) -> None:
    body = {"a/big.bin": os.urandom(100_000)}
    offer(index, "a", "1.0", metadata=False, requires=["b"], files=body)
    assert newest(make(), "a").requires_dist == ("b",)
    ranged = [request.headers.get("range") for request in index.requests if request.path.startswith("/files/")]
    assert len(ranged) == 1
    assert ranged[0] is not None


def test_a_promised_metadata_file_that_is_not_there(make: Make, index: IndexServer) -> None:
    offer(index, "a", "1.0", requires=["b"])
    index.fail("/files/a-1.0-py3-none-any.whl.metadata", [404])
    assert newest(make(), "a").requires_dist == ("b",)


def test_a_whole_wheel_is_kept_for_the_installation(
    make: Make, index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    monkeypatch.setattr(
        "tests.helpers.index_server._range", lambda _headers, content: (0, len(content.body), 200)
    )
    first = offer(index, "a", "1.0", metadata=False, requires=["b"])
    offer(index, "c", "1.0", metadata=False, requires=["d"])
    universe = make()
    assert newest(universe, "a").requires_dist == ("b",)
    assert newest(universe, "c").requires_dist == ("d",)
    assert [index.count(f"/files/{name}-1.0-py3-none-any.whl") for name in "ac"] == [1, 1]
    assert "range" not in index.requests[-1].headers
    assert os.path.exists(Cache(str(tmp_path / "cache")).manifest(hashlib.sha256(first).hexdigest()))


def test_an_unzipped_wheel_tells_its_metadata(make: Make, index: IndexServer, tmp_path: Path) -> None:
    import hashlib

    from puffin.stages.unzip.unzip import unzip

    data = offer(index, "a", "1.0", requires=["b"])
    digest = hashlib.sha256(data).hexdigest()
    unzip(data=data, filename="a-1.0-py3-none-any.whl", sha256=digest, cache_root=str(tmp_path / "cache"))
    assert newest(make(), "a").requires_dist == ("b",)
    assert index.paths() == ["/simple/a/"]


def test_metadata_with_another_hash_are_refused(make: Make, index: IndexServer) -> None:
    offer(index, "a", "1.0")
    path = "/files/a-1.0-py3-none-any.whl.metadata"
    index.serve(path, b"Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Dist: evil\n\n")
    with pytest.raises(HashMismatch):
        newest(make(), "a")
    index._contents.clear()
    assert newest(make(), "a").requires_dist == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"Metadata-Version: 2.1\nName: b\nVersion: 1.0\n\n", "that of `b`"),
        (b"Metadata-Version: 2.1\nName: a\nVersion: 1.1\n\n", "`1.1`"),
        (b"Metadata-Version: 2.1\nName: a\n\n", "no Version"),
        (b"Name: a\nVersion: 1.0\nRequires-Dist: ???\n\n", "`???`"),
        (b"\x00\xff", "no Name"),
    ],
)
def test_unusable_metadata_rule_out_one_version(
    make: Make, index: IndexServer, text: bytes, reason: str
) -> None:
    offer(index, "a", "1.0", metadata=text)
    with pytest.raises(Unusable) as caught:
        newest(make(), "a")
    assert caught.value.package == "a==1.0"
    assert reason in caught.value.reason


@pytest.mark.parametrize("damage", [b"", b"garbage", b"puffin1\n" + bytes(40)])
def test_damaged_entries_are_healed(make: Make, index: IndexServer, tmp_path: Path, damage: bytes) -> None:
    offer(index, "a", "1.0", requires=["b"])
    newest(make(), "a")
    for bucket in (Bucket.METADATA, Bucket.SIMPLE):
        for path in (tmp_path / "cache" / bucket).rglob("*"):
            if path.is_file():
                path.write_bytes(damage)
    assert newest(make(), "a").requires_dist == ("b",)
    index.requests.clear()
    assert newest(make(), "a").requires_dist == ("b",)
    assert not index.requests


def test_a_page_with_one_damaged_version_is_fetched_again(
    make: Make, index: IndexServer, tmp_path: Path
) -> None:
    offer(index, "a", "1.0")
    make().versions("a")
    [page] = [path for path in (tmp_path / "cache" / Bucket.SIMPLE).rglob("*") if path.is_file()]
    data = page.read_bytes()
    at = data.index(b"a-1.0-py3", data.index(b"puffin1\n", 8))
    page.write_bytes(data[:at] + b"X" + data[at + 1 :])
    assert newest(make(), "a").version == "1.0"
    assert index.count("/simple/a/") == 2


def test_a_read_only_cache_only_costs_time(make: Make, index: IndexServer, tmp_path: Path) -> None:
    offer(index, "a", "1.0", requires=["b"])
    (tmp_path / "cache").write_text("in the way")
    assert newest(make(), "a").requires_dist == ("b",)


def test_a_static_sdist_is_fetched_once_and_not_built(make: Make, index: IndexServer) -> None:
    index.add(*sdist("a", "1.0", {"PKG-INFO": STATIC.format("a", "1.0")}))
    universe = make()
    found = newest(universe, "a")
    assert (found.requires_dist, found.requires_python) == (("idna>=2",), ">=3.8")
    assert newest(make(), "a") == found
    assert index.count("/files/a-1.0.tar.gz") == 1


def test_an_sdist_without_static_metadata_needs_a_build(make: Make, index: IndexServer) -> None:
    index.add(
        *sdist("a", "1.0", {"setup.py": "", "PKG-INFO": "Metadata-Version: 2.1\nName: a\nVersion: 1.0\n\n"})
    )
    universe = make()
    handle = universe.versions("a").release("1.0").handle
    universe.expect_metadata([handle])
    with pytest.raises(MetadataNeedsBuild) as caught:
        universe.metadata(handle)
    assert "`a==1.0`" in str(caught.value)
    asked: list[BuildSource] = []

    def build(source: BuildSource) -> Built:
        asked.append(source)
        return Built(
            metadata=b"Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Dist: b\n\n", source="wheel"
        )

    built = newest(make(build=build), "a")
    assert (built.requires_dist, built.source) == (("b",), "wheel")
    assert (asked[0].name, asked[0].version, os.path.basename(asked[0].path)) == ("a", "1.0", "a-1.0.tar.gz")
    assert index.count("/files/a-1.0.tar.gz") == 1


def test_a_build_that_answers_for_another_version_is_refused(make: Make, index: IndexServer) -> None:
    index.add(*sdist("a", "1.0", {"setup.py": ""}))
    text = b"Metadata-Version: 2.1\nName: a\nVersion: 2.0\n\n"
    with pytest.raises(Unusable):
        newest(make(build=lambda _: Built(metadata=text)), "a")


def test_places(make: Make, index: IndexServer, tmp_path: Path) -> None:
    project = tmp_path / "project" / "inner"
    project.mkdir(parents=True)
    (project / "pyproject.toml").write_text('[project]\nname = "A.b"\nversion = "3"\ndependencies = ["c"]\n')
    filename, data = forge_wheel("w", "1.0", requires=["x"])
    (tmp_path / filename).write_bytes(data)
    index.add(*sdist("s", "1.0", {"sub/pyproject.toml": '[project]\nname = "s"\nversion = "1.0"\n'}))
    remote = offer(index, "r", "1.0", requires=["y"])
    universe = make()
    universe.expect_metadata([Place(url=index.file_url("r-1.0-py3-none-any.whl"), name="r")] * 2)
    tree = Place(url=file_url(str(tmp_path / "project")) + "#subdirectory=inner")
    assert universe.metadata(tree) == Metadata(name="a-b", version="3", requires_dist=("c",))
    assert universe.metadata(Place(url=file_url(str(tmp_path / filename)))).requires_dist == ("x",)
    assert universe.metadata(Place(url=index.file_url("s-1.0.tar.gz") + "#subdirectory=sub")).name == "s"
    wheel = Place(url=index.file_url("r-1.0-py3-none-any.whl"), name="r")
    assert universe.metadata(wheel).requires_dist == ("y",)
    assert make().metadata(wheel).requires_dist == ("y",)
    assert len(remote) > 0
    assert index.count("/files/r-1.0-py3-none-any.whl") == 1


@pytest.mark.parametrize(
    ("url", "name", "reason"),
    [
        ("https://host/a-1.0-cp311-cp311-win_amd64.whl", "a", "does not fit Python 3.12.1"),
        ("https://host/a-1.0-py3-none-any.whl", "b", "wheel of `a`"),
        ("https://host/a.exe", "a", "its name ends neither"),
        ("https://host/a-1.0.whl", "a", "is not a valid wheel name"),
        ("file:///nowhere/a-1.0-py3-none-any.whl", "a", "there is no such file"),
        ("file:///nowhere/a-1.0.tar.gz", "a", "there is no such file"),
    ],
)
def test_places_that_cannot_be_used(make: Make, url: str, name: str, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        make().metadata(Place(url=url, name=name))
    assert reason in caught.value.reason


def test_repositories_and_dynamic_trees_go_through_the_seams(make: Make, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\nversion = "1"\n')
    place = Place(url="git+https://user:secret@host/a", name="a")
    with pytest.raises(MetadataNeedsBuild) as caught:
        make().metadata(place)
    assert "secret" not in str(caught.value)
    pinned = Place(url="git+https://host/a@0123", name="a")
    found = make(checkout=lambda _: CheckedOut(path=str(tmp_path), place=pinned)).metadata(place)
    assert (found.version, found.source) == ("1", pinned)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\ndynamic = ["version"]\n')
    with pytest.raises(MetadataNeedsBuild, match="version"):
        make().metadata(Place(url=file_url(str(tmp_path)), name="a"))


def test_what_is_installed_tells_its_own_metadata(make: Make, tmp_path: Path) -> None:
    info = tmp_path / "a-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Dist: b>=2.*\n\n")
    universe = make()
    handle = InstalledDistribution(name="a", version="1.0", path=str(info))
    assert universe.metadata(handle).requires_dist == ("b>=2",)
    gone = InstalledDistribution(name="a", version="1.0", path=str(tmp_path / "gone"))
    assert universe.metadata(gone) == Metadata(name="a", version="1.0")


def test_errors_survive_pickling() -> None:
    import pickle

    error = MetadataNeedsBuild(package="a==1", kind="a source distribution", reason="of that")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert "because of that" in str(error)
