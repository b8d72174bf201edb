"""The real universe against an index server: which versions and files it finds, and what it asks for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from puffin.cache.layout import Bucket, Cache
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.failures import NetworkFailed
from puffin.stages.fetch.network import Network
from puffin.stages.resolve.index.config import FilePolicy, IndexConfig
from puffin.stages.resolve.locate.errors import HashesDiffer
from puffin.stages.resolve.locate.url import artifact_of
from puffin.stages.resolve.solve.universe import EMPTY, NOT_FOUND, OFFLINE, Unusable
from puffin.stages.resolve.universe.values import Chosen
from tests.helpers.index_server import IndexServer
from tests.helpers.index_universe import NOW, STATIC, Make, located, newest, offer, scope_at, sdist
from tests.helpers.wheels import forge_wheel


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
    assert "`b`" in missing.reason
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


def test_a_handle_becomes_the_artifact_that_sync_would_find(
    make: Make, index: IndexServer, tmp_path: Path
) -> None:
    from puffin.stages.resolve.requirements.values import Pin

    data = offer(index, "a", "1.0")
    links = tmp_path / "links"
    links.mkdir()
    filename, local = forge_wheel("b", "1.0")
    (links / filename).write_bytes(local)
    config = IndexConfig(index_url=index.url.replace("://", "://user:pass@"), find_links=(str(links),))
    universe = make(config=config)
    handles = [universe.versions(name).release("1.0").handle for name in "ab"]
    assert all(isinstance(handle, Chosen) for handle in handles)
    found = tuple(artifact_of(Pin(name=each.name, version=each.version), each.install) for each in handles)
    client = Client(Network())
    same = located(
        [Pin(name="a", version="1.0"), Pin(name="b", version="1.0")],
        scope_at(NOW, config=config),
        http=client,
        cache=Cache(str(tmp_path / "other")),
    )
    client.close()
    assert found == same.artifacts
    assert found[0].size == len(data)
    with pytest.raises(HashesDiffer):
        artifact_of(Pin(name="a", version="1.0", hashes=("sha256:" + "0" * 64,)), handles[0].install)


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
