"""The real universe against an index server: what it asks for, what it keeps, what it says is missing."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from puffin.cache.layout import Bucket, Cache
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.failures import HashMismatch, NetworkFailed
from puffin.stages.fetch.network import Network
from puffin.stages.resolve.index_config import IndexConfig
from puffin.stages.resolve.locate_errors import HashesDiffer
from puffin.stages.resolve.metadata_errors import NeedsBuild
from puffin.stages.resolve.solve.request import FilePolicy
from puffin.stages.resolve.solve.universe import EMPTY, NOT_FOUND, OFFLINE, Metadata, Place, Unusable
from puffin.stages.resolve.universe_artifact import artifact_of
from puffin.stages.resolve.universe_index import IndexUniverse, Scope
from puffin.stages.resolve.universe_values import Built, CheckedOut, Chosen, InstalledDistribution, Source
from puffin.stages.urls import file_url
from tests.helpers.index_server import IndexServer
from tests.helpers.wheels import forge_wheel

TAGS = ("cp312-cp312-manylinux_2_17_x86_64", "cp312-abi3-manylinux_2_17_x86_64", "py3-none-any")
NOW = 1_800_000_000.0

Make = Callable[..., IndexUniverse]


@pytest.fixture
def make(tmp_path: Path, index: IndexServer) -> Iterator[Make]:
    """Makes universes over one cache; all of them are closed, and no thread may be left."""
    made: list[IndexUniverse] = []
    clients: list[Client] = []

    def universe(
        *, build: Any = None, checkout: Any = None, config: IndexConfig | None = None, **scope: Any
    ) -> IndexUniverse:
        client = Client(Network(offline=scope.get("offline", False), retries=0), sleep=lambda _: None)
        clients.append(client)
        fields = {
            "config": config or IndexConfig(index_url=index.url),
            "tags": TAGS,
            "python_version": "3.12.1",
            "now": NOW,
            **scope,
        }
        cache = Cache(str(tmp_path / "cache"))
        made.append(IndexUniverse(Scope(**fields), client=client, cache=cache, build=build, checkout=checkout))
        return made[-1]

    yield universe
    for each in made:
        each.close()
    for client in clients:
        client.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("puffin-resolve")]


def offer(index: IndexServer, name: str, version: str, *, metadata: Any = True, **options: Any) -> bytes:
    upload = {key: options.pop(key) for key in ("yanked", "hashes") if key in options}
    filename, data = forge_wheel(name, version, **options)
    index.add(filename, data, requires_python=options.get("requires_python"), metadata=metadata, **upload)
    return data


def sdist(name: str, version: str, files: dict[str, str]) -> tuple[str, bytes]:
    stem = f"{name}-{version}"
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{stem}/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return f"{stem}.tar.gz", target.getvalue()


STATIC = "Metadata-Version: 2.2\nName: {0}\nVersion: {1}\nRequires-Dist: idna>=2\nRequires-Python: >=3.8\n\n"


def newest(universe: IndexUniverse, name: str) -> Metadata:
    found = universe.versions(name)
    return universe.metadata(found.release(found.versions[0]).handle)


def test_versions_come_newest_first_each_once(make: Make, index: IndexServer) -> None:
    for version in ("1.9", "1.10", "1.10.0", "2.0rc1", "0.1.dev3", "1.0+local"):
        offer(index, "a", version)
    index.add(*sdist("a", "1.9.0", {}))
    index.add("a-not.a.version-py3-none-any.whl", b"", metadata=False)
    found = make().versions("a")
    assert found.versions == ("2.0rc1", "1.10", "1.9", "1.0+local", "0.1.dev3")
    release = found.release("1.9")
    assert (release.wheel, release.sdist, release.index) == (True, True, index.url)
    assert isinstance(release.handle, Chosen)
    assert release.handle.install.link.filename == "a-1.9-py3-none-any.whl"


def test_the_best_tag_is_installed_and_all_files_are_listed(make: Make, index: IndexServer) -> None:
    for tag in ("py3-none-any", "cp312-abi3-manylinux_2_17_x86_64", "cp311-cp311-win_amd64"):
        offer(index, "a", "1.0", tag=tag)
    universe = make()
    handle = universe.versions("a").release("1.0").handle
    assert isinstance(handle, Chosen)
    assert handle.install.link.filename == "a-1.0-cp312-abi3-manylinux_2_17_x86_64.whl"
    assert handle.metadata is handle.install
    assert len(universe.files(handle)) == 3
    assert all(each.link.hashes for each in universe.files(handle))


def test_an_incompatible_wheels_metadata_serves_where_there_is_an_sdist(make: Make, index: IndexServer) -> None:
    offer(index, "a", "1.0", tag="cp311-cp311-win_amd64", requires=["idna"])
    index.add(*sdist("a", "1.0", {"setup.py": ""}))
    universe = make()
    release = universe.versions("a").release("1.0")
    assert (release.wheel, release.sdist, release.tags) == (False, True, ("cp311-cp311-win_amd64",))
    assert isinstance(release.handle, Chosen)
    assert release.handle.install.link.filename == "a-1.0.tar.gz"
    assert universe.metadata(release.handle).requires_dist == ("idna",)
    assert index.count("/files/a-1.0.tar.gz") == 0


def test_a_version_without_a_usable_file_says_which_tags_there_are(make: Make, index: IndexServer) -> None:
    offer(index, "a", "1.0", tag="cp311-cp311-win_amd64")
    release = make().versions("a").release("1.0")
    assert (release.handle, release.wheel, release.sdist) == (None, False, False)
    assert release.tags == ("cp311-cp311-win_amd64",)


@pytest.mark.parametrize(
    ("policy", "filename"),
    [
        (FilePolicy(), "a-1.0-py3-none-any.whl"),
        (FilePolicy(no_binary=frozenset({"a"})), "a-1.0.tar.gz"),
        (FilePolicy(only_binary=frozenset({":all:"})), "a-1.0-py3-none-any.whl"),
        (FilePolicy(no_binary=frozenset({"a"}), no_build=frozenset({"a"})), None),
    ],
)
def test_the_file_policy_chooses(
    make: Make, index: IndexServer, policy: FilePolicy, filename: str | None
) -> None:
    offer(index, "a", "1.0")
    index.add(*sdist("a", "1.0", {}))
    release = make(files=policy).versions("a").release("1.0")
    assert (release.wheel, release.sdist) == (True, True)
    chosen = release.handle.install.link.filename if isinstance(release.handle, Chosen) else None
    assert chosen == filename


def test_a_file_that_admits_the_target_comes_before_one_that_does_not(make: Make, index: IndexServer) -> None:
    index.add(*forge_wheel("a", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64"), requires_python="<3.12")
    index.add(*forge_wheel("a", "1.0"), requires_python=">=3.8.*")
    index.add(*forge_wheel("a", "2.0"), requires_python="<3")
    found = make().versions("a")
    assert found.release("1.0").requires_python == ">=3.8"
    assert found.release("2.0").requires_python == "<3"


def test_a_version_is_yanked_if_all_its_usable_files_are(make: Make, index: IndexServer) -> None:
    index.add(*forge_wheel("a", "1.0"), yanked="broken")
    index.add(*forge_wheel("a", "2.0"), yanked="")
    index.add(*sdist("a", "2.0", {}))
    found = make().versions("a")
    assert found.release("1.0").yanked == "broken"
    assert found.release("2.0").yanked is None


def test_demanded_hashes_narrow_the_choice(make: Make, index: IndexServer) -> None:
    import hashlib

    data = offer(index, "a", "1.0")
    index.add(*forge_wheel("a", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64"))
    offer(index, "a", "2.0")
    demanded = {"a": (f"sha256:{hashlib.sha256(data).hexdigest()}",)}
    found = make(hashes=demanded).versions("a")
    handle = found.release("1.0").handle
    assert isinstance(handle, Chosen)
    assert handle.install.link.filename == "a-1.0-py3-none-any.whl"
    assert (found.release("2.0").handle, found.release("2.0").hashes_differ) == (None, True)


@pytest.mark.parametrize("mode", ["json", "html"])
def test_exclude_newer_hides_what_is_newer_or_undated(make: Make, index: IndexServer, mode: str) -> None:
    index.mode = mode
    offer(index, "a", "1.0")  # the server dates all its files 2024-01-02, in JSON only
    cutoffs = {
        "2024-01-02T03:04:06Z": mode == "json",
        "2024-01-02T03:04:05Z": False,
        "2024-01-03": mode == "json",
    }
    for cutoff, seen in cutoffs.items():
        found = make(exclude_newer=cutoff).versions("a")
        assert (found.versions, found.newer) == ((("1.0",), ()) if seen else ((), ("1.0",)))


@pytest.mark.parametrize("mode", ["json", "html"])
def test_one_request_for_each_page_and_each_metadata(make: Make, index: IndexServer, mode: str) -> None:
    index.mode = mode
    offer(index, "a", "1.0")
    offer(index, "a", "2.0", requires=["b>=1"])
    offer(index, "b", "1.0", requires_python=">=3.8")
    universe = make()
    universe.expect(["a", "b", "a"])
    universe.expect(["b"])
    handles = [
        universe.versions(name).release(version).handle for name, version in (("a", "2.0"), ("b", "1.0"))
    ]
    universe.expect_metadata(handles)
    universe.expect_metadata(handles)
    assert universe.metadata(handles[0]).requires_dist == ("b>=1",)
    assert universe.metadata(handles[1]).requires_python == ">=3.8"
    assert sorted(index.paths()) == [
        "/files/a-2.0-py3-none-any.whl.metadata",
        "/files/b-1.0-py3-none-any.whl.metadata",
        "/simple/a/",
        "/simple/b/",
    ]


def test_a_warm_universe_asks_for_nothing(make: Make, index: IndexServer) -> None:
    offer(index, "a", "1.0", requires=["b"])
    first = newest(make(), "a")
    index.requests.clear()
    assert newest(make(), "a") == first
    assert newest(make(offline=True, now=NOW + 1e6), "a") == first
    assert not index.requests


def test_offline_says_what_is_missing_package_by_package(make: Make, index: IndexServer) -> None:
    offer(index, "a", "1.0")
    found = make().versions("a")
    universe = make(offline=True)
    missing = universe.versions("b")
    assert (missing.missing, missing.versions) == (OFFLINE, ())
    assert "--offline" in missing.hints[0]
    universe.expect_metadata([found.release("1.0").handle])
    with pytest.raises(Unusable) as caught:
        universe.metadata(found.release("1.0").handle)
    assert caught.value.offline
    assert caught.value.package == "a==1.0"


def test_absent_and_empty_packages(make: Make, index: IndexServer) -> None:
    index.add("b-1.0-py3-none-any.whl", b"")
    index.remove("b-1.0-py3-none-any.whl")
    universe = make()
    assert universe.versions("a").missing == NOT_FOUND
    assert universe.versions("b").missing == EMPTY


def test_an_index_that_is_down_is_raised_only_when_it_matters(make: Make, index: IndexServer) -> None:
    offer(index, "a", "1.0")
    index.fail("/simple/b/", [503], forever=True)
    universe = make()
    universe.expect(["b"])
    with pytest.raises(NetworkFailed):
        universe.versions("b")
    other = make()
    assert other.versions("a").versions == ("1.0",)


def test_the_first_index_with_the_name_is_the_only_one(make: Make, index: IndexServer) -> None:
    offer(index, "a", "9.0")
    offer(index, "b", "1.0")
    with IndexServer() as private:
        offer(private, "a", "1.0")
        config = IndexConfig(index_url=index.url, extra_index_urls=(private.url,))
        universe = make(config=config)
        assert universe.versions("a").versions == ("1.0",)
        assert universe.versions("b").versions == ("1.0",)
        assert index.count("/simple/a/") == 0
        [(place, versions)] = universe.versions("a").elsewhere
        assert (place, len(versions), index.count("/simple/a/")) == (index.url, 1, 1), "asked for only now"


def test_find_links_are_pooled_and_win_ties(make: Make, index: IndexServer, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    for version in ("1.0", "3.0"):
        filename, data = forge_wheel("a", version, requires=["local"])
        (links / filename).write_bytes(data)
    offer(index, "a", "1.0")
    offer(index, "a", "2.0")
    universe = make(config=IndexConfig(index_url=index.url, find_links=(str(links),)))
    found = universe.versions("a")
    assert found.versions == ("3.0", "2.0", "1.0")
    assert universe.metadata(found.release("1.0").handle).requires_dist == ("local",)
    (links / "a-3.0-py3-none-any.whl").write_bytes(forge_wheel("a", "3.0", requires=["other"])[1])
    os.utime(links / "a-3.0-py3-none-any.whl", ns=(1, 1))
    again = make(config=IndexConfig(find_links=(str(links),)))
    assert newest(again, "a").requires_dist == ("other",)


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
    with pytest.raises(NeedsBuild) as caught:
        universe.metadata(handle)
    assert "`a==1.0`" in str(caught.value)
    asked: list[Source] = []

    def build(source: Source) -> Built:
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
        ("https://host/a-1.0-cp311-cp311-win_amd64.whl", "a", "does not fit the target"),
        ("https://host/a-1.0-py3-none-any.whl", "b", "wheel of `a`"),
        ("https://host/a.exe", "a", "its name ends neither"),
        ("https://host/a-1.0.whl", "a", "no valid name"),
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
    with pytest.raises(NeedsBuild) as caught:
        make().metadata(place)
    assert "secret" not in str(caught.value)
    pinned = Place(url="git+https://host/a@0123", name="a")
    found = make(checkout=lambda _: CheckedOut(path=str(tmp_path), place=pinned)).metadata(place)
    assert (found.version, found.source) == ("1", pinned)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\ndynamic = ["version"]\n')
    with pytest.raises(NeedsBuild, match="version"):
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


def test_a_handle_becomes_the_artifact_that_sync_would_find(
    make: Make, index: IndexServer, tmp_path: Path
) -> None:
    from puffin.stages.resolve.locate import locate
    from puffin.stages.resolve.pins import Pin

    data = offer(index, "a", "1.0")
    links = tmp_path / "links"
    links.mkdir()
    filename, local = forge_wheel("b", "1.0")
    (links / filename).write_bytes(local)
    config = IndexConfig(index_url=index.url.replace("://", "://user:pass@"), find_links=(str(links),))
    universe = make(config=config)
    handles = [universe.versions(name).release("1.0").handle for name in "ab"]
    found = tuple(artifact_of(handle) for handle in handles if isinstance(handle, Chosen))
    client = Client(Network())
    located = locate(
        [Pin(name="a", version="1.0"), Pin(name="b", version="1.0")],
        config=config,
        tags=TAGS,
        python_version="3.12.1",
        http=client,
        cache=Cache(str(tmp_path / "other")),
        now=NOW,
    )
    client.close()
    assert found == located.artifacts
    assert found[0].size == len(data)
    with pytest.raises(HashesDiffer):
        artifact_of(handles[0], ("sha256:" + "0" * 64,))  # type: ignore[arg-type]


def test_closing_drops_what_was_only_expected(make: Make, index: IndexServer) -> None:
    offer(index, "a", "1.0")
    index.fail("/simple/b/", ["reset"], forever=True)
    universe = make()
    universe.expect([f"n{number}" for number in range(200)] + ["b"])
    universe.close()
    universe.close()
    assert len(index.requests) <= 201


def test_cleaning_a_package_removes_its_metadata_and_sdists(
    make: Make, index: IndexServer, tmp_path: Path
) -> None:
    from puffin.cache.clean import clean_packages

    offer(index, "a", "1.0")
    index.add(*sdist("b", "1.0", {"PKG-INFO": STATIC.format("b", "1.0")}))
    universe = make()
    for name in "ab":
        newest(universe, name)
    cache = tmp_path / "cache"
    clean_packages(Cache(str(cache)), ["b"])
    assert not (cache / Bucket.SDISTS / "b").exists()
    assert [path.name for path in (cache / Bucket.METADATA).iterdir()] == ["a"]


def test_errors_survive_pickling() -> None:
    import pickle

    error = NeedsBuild(package="a==1", kind="a source distribution", reason="of that")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert "because of that" in str(error)
