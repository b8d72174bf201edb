import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from puffin.artifact.urls import digest
from puffin.cache.layout import Cache
from puffin.errors import PuffinError, UsageError
from puffin.stages.resolve.index.config import IndexConfig
from puffin.stages.resolve.index.errors import NotInCache, PlaceMissing
from puffin.stages.resolve.locate.errors import (
    FileMissing,
    HashesDiffer,
    LocateFailed,
    LocateInterrupted,
    NoCompatibleWheel,
    PackageNotFound,
    Quarantined,
    VersionNotFound,
    WheelMismatch,
)
from puffin.stages.resolve.requirements.values import Pin
from tests.helpers.index_http import FakeHttp, Unreachable, json_reply
from tests.helpers.index_universe import located, scope_at

MAIN = "https://main.invalid/simple"
EXTRA = "https://u:secret@extra.invalid/simple"
TAGS = ("cp312-cp312-linux_x86_64", "cp312-abi3-linux_x86_64", "py3-none-linux_x86_64", "py3-none-any")
A, B = "a" * 64, "b" * 64


def pin(text: str, *hashes: str) -> Pin:
    if " @ " in text:
        name, _, url = text.partition(" @ ")
        return Pin(name=name, version="", url=url, hashes=hashes, text=text)
    name, _, version = text.partition("==")
    return Pin(name=name, version=version.removeprefix("="), hashes=hashes, text=text, exact="===" in text)


class World:
    """Indexes in memory, and a cache."""

    def __init__(self, root: Path) -> None:
        self.cache = Cache(str(root / "cache"))
        self.cache.initialise()
        self.http = FakeHttp()
        self.config = IndexConfig(index_url=MAIN)

    def page(self, index: str, name: str, *files: "str | dict[str, object]", **page: object) -> None:
        entries = [{"url": f"/f/{f}", "hashes": {}} if isinstance(f, str) else f for f in files]
        body = json.dumps({"meta": {"api-version": "1.1"}, "files": entries, **page}).encode()
        url = f"{index}/{name}/"
        self.http.answers[url] = json_reply(url, body, cache_control="max-age=600")

    def locate(self, *pins: "str | Pin", offline: bool = False, **options: object) -> Any:
        given = [pin(p) if isinstance(p, str) else p for p in pins]
        fields = {"config": self.config, "tags": TAGS, "offline": offline, **options}
        return located(given, scope_at(1000.0, **fields), http=self.http, cache=self.cache)

    def names(self, *pins: "str | Pin") -> list[str]:
        return [artifact.filename for artifact in self.locate(*pins).artifacts]

    def failure(self, *pins: "str | Pin", offline: bool = False) -> PuffinError:
        with pytest.raises(LocateFailed) as caught:
            self.locate(*pins, offline=offline)
        error = pickle.loads(pickle.dumps(caught.value))
        assert isinstance(error, LocateFailed)
        assert len(error.causes) == 1
        return error.causes[0]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def entry(filename: str, **fields: object) -> dict[str, object]:
    return {"url": f"/f/{filename}", "hashes": {}, **{key.replace("_", "-"): v for key, v in fields.items()}}


def test_an_artifact_has_all_that_later_stages_need(world: World) -> None:
    name = "a-1.0-py3-none-any.whl"
    world.page(MAIN, "a", entry(name, hashes={"sha256": A}, size=7, requires_python=">=3.8"), "a-1.0.tar.gz")
    (found,) = world.locate("A==1.0").artifacts
    assert (found.name, found.version, found.filename, found.size) == ("a", "1.0", name, 7)
    assert (found.url, found.hashes) == (f"https://main.invalid/f/{name}", (f"sha256:{A}",))
    assert (found.source, found.requires_python) == (f"index/{digest(MAIN)}", ">=3.8")
    assert (found.direct_url, found.yanked) == ("", None)


def test_the_best_tag_wins_then_the_build_tag(world: World) -> None:
    best = "a-1-2-cp312-abi3-linux_x86_64.whl"
    files = ("a-1-py3-none-any.whl", "a-1-1-cp312-abi3-linux_x86_64.whl", best, "a-1-10-py3-none-any.whl")
    world.page(MAIN, "a", *files, "a-1-cp313-cp313-linux_x86_64.whl")
    assert world.names("a==1") == [best]


@pytest.mark.parametrize(
    ("pinned", "files", "expected"),
    [
        ("a==1.0", ["a-1.0.0-py3-none-any.whl"], "a-1.0.0-py3-none-any.whl"),
        ("a==1.0.0", ["a-1.0.0.tar.gz", "a-1-py3-none-any.whl"], "a-1-py3-none-any.whl"),
        ("a==1.0", ["a-1.0-py3-none-any.whl", "a-1.0+cpu-py3-none-any.whl"], "a-1.0+cpu-py3-none-any.whl"),
        ("a==1.0", ["a-1.0.0+cpu-py3-none-any.whl"], "a-1.0.0+cpu-py3-none-any.whl"),
        ("a==1.0+cpu", ["a-1.0-py3-none-any.whl", "a-1.0+CPU-py3-none-any.whl"], "a-1.0+CPU-py3-none-any.whl"),
        ("a===1.0", ["a-1.0-py3-none-any.whl", "a-1.0+cpu-py3-none-any.whl"], "a-1.0-py3-none-any.whl"),
        ("a==1!1.0", ["a-1!1-py3-none-any.whl", "a-1.0-py3-none-any.whl"], "a-1!1-py3-none-any.whl"),
    ],
)
def test_versions_are_equal_by_pep_440(world: World, pinned: str, files: list[str], expected: str) -> None:
    world.page(MAIN, "a", *files)
    assert world.names(pinned) == [expected]


def test_a_local_version_that_is_malformed_is_no_crash(world: World) -> None:
    world.page(MAIN, "a", "a-1.0-py3-none-any.whl", "a-1.0+x@y-py3-none-any.whl")
    assert world.names("a==1.0") == ["a-1.0-py3-none-any.whl"]


def test_version_not_found_lists_nearby_ones(world: World) -> None:
    world.page(MAIN, "a", *(f"a-1.{n}-py3-none-any.whl" for n in range(20)), "a-junk-py3-none-any.whl")
    error = world.failure("a==1.7.5")
    assert isinstance(error, VersionNotFound)
    assert (error.nearby, error.total) == (("1.6", "1.7", "1.8", "1.9", "1.10"), 20)
    assert "`a==1.7.5`" in str(error)
    assert "20 versions" in str(error)
    assert isinstance(world.failure("a===1.00"), VersionNotFound)


def test_package_not_found_names_the_indexes(world: World) -> None:
    world.config = IndexConfig(index_url=MAIN, extra_index_urls=(EXTRA,))
    error = world.failure("nope==1")
    assert isinstance(error, PackageNotFound)
    assert "main.invalid" in str(error)
    assert "extra.invalid" in str(error)
    assert "secret" not in str(error)


def test_no_index_at_all(world: World) -> None:
    world.config = IndexConfig()
    assert "no index" in str(world.failure("a==1"))


def test_extra_indexes_come_first_and_several_are_warned_of(world: World) -> None:
    world.config = IndexConfig(index_url=MAIN, extra_index_urls=(EXTRA,))
    world.page(EXTRA, "a", "a-1-py3-none-any.whl")
    world.page(MAIN, "a", "a-1-cp312-cp312-linux_x86_64.whl", "a-9-py3-none-any.whl")
    located = world.locate("a==1")
    assert located.artifacts[0].url == "https://u:secret@extra.invalid/f/a-1-py3-none-any.whl"
    assert located.artifacts[0].source == f"index/{digest('https://extra.invalid/simple')}"
    (warning,) = located.warnings
    assert "several indexes" in warning
    assert "secret" not in warning
    error = world.failure("a==9")
    assert isinstance(error, VersionNotFound)
    assert "`https://main.invalid/simple` has it" in error.hints[0]


def test_packages_on_the_same_indexes_share_a_warning(world: World) -> None:
    world.config = IndexConfig(index_url=MAIN, extra_index_urls=(EXTRA,))
    names = ["a", "b", "c", "d", "e"]
    for name in names:
        world.page(EXTRA, name, f"{name}-1-py3-none-any.whl")
        world.page(MAIN, name, f"{name}-1-py3-none-any.whl")
    told = {count: world.locate(*[f"{name}==1" for name in names[:count]]).warnings for count in (1, 2, 4, 5)}
    rest = "on several indexes: `https://****@extra.invalid/simple`, `https://main.invalid/simple`; "
    assert told == {
        1: (f"`a` is {rest}only the first of them is used",),
        2: (f"`a` and `b` are {rest}only the first of them is used",),
        4: (f"`a`, `b`, `c` and `d` are {rest}only the first of them is used",),
        5: (f"`a`, `b`, `c` and 2 more are {rest}only the first of them is used",),
    }


def test_a_later_index_that_is_down_does_not_matter(world: World) -> None:
    world.config = IndexConfig(index_url=MAIN, extra_index_urls=(EXTRA,))
    world.page(EXTRA, "a", "a-1-py3-none-any.whl")
    world.http.answers[MAIN + "/a/"] = Unreachable(url=MAIN)
    assert world.names("a==1") == ["a-1-py3-none-any.whl"]


def test_an_index_that_is_down_is_one_cause_and_temporary(world: World) -> None:
    for name in ("a", "b", "c"):
        world.http.answers[f"{MAIN}/{name}/"] = Unreachable(url=MAIN)
    with pytest.raises(LocateInterrupted) as caught:
        world.locate("a==1", "b==1", "c==1")
    assert caught.value.exit_code == 75
    assert len(caught.value.causes) == 1
    assert caught.value.count == 3


def test_find_links_are_pooled_and_win_ties(world: World, tmp_path: Path) -> None:
    place = tmp_path / "links"
    place.mkdir()
    (place / "a-1-py3-none-any.whl").write_bytes(b"local")
    (place / "b_c-1-py3-none-any.whl").write_bytes(b"local")
    world.config = IndexConfig(index_url=MAIN, find_links=(str(place),))
    world.page(MAIN, "a", "a-1-py3-none-any.whl")
    world.page(MAIN, "b-c", "b_c-1-cp312-cp312-linux_x86_64.whl")
    a, b = world.locate("a==1", "b-c==1").artifacts
    assert (a.url, a.size, a.source[:5]) == ((place / "a-1-py3-none-any.whl").as_uri(), 5, "path/")
    assert b.url.startswith("https://main.invalid/")


def test_a_replaced_local_file_is_another_source(world: World, tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    wheel.write_bytes(b"one")
    world.config = IndexConfig(find_links=(str(tmp_path),))
    sources = {
        world.locate("a==1").artifacts[0].source,
        world.locate(f"a @ {wheel.as_uri()}").artifacts[0].source,
    }
    assert len(sources) == 1
    os.utime(wheel, ns=(1, 1))
    assert world.locate("a==1").artifacts[0].source not in sources


def test_offline_find_links_suffice(world: World, tmp_path: Path) -> None:
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(b"local")
    world.config = IndexConfig(index_url=MAIN, find_links=(str(tmp_path),))
    assert len(world.locate("a==1", offline=True).artifacts) == 1
    assert isinstance(world.failure("a==2", offline=True), NotInCache)


def test_missing_find_links_are_a_usage_error(world: World, tmp_path: Path) -> None:
    world.config = IndexConfig(index_url=MAIN, find_links=(str(tmp_path / "gone"),))
    with pytest.raises(PlaceMissing, match="gone"):
        world.locate("a==1")


def test_offline_lists_all_that_is_missing(world: World) -> None:
    world.page(MAIN, "a", "a-1-py3-none-any.whl")
    world.locate("a==1")
    with pytest.raises(LocateFailed) as caught:
        world.locate("a==1", "b==1", "c==1", offline=True)
    assert [cause.package for cause in caught.value.causes] == ["b", "c"]
    assert all("--offline" in cause.hints[0] for cause in caught.value.causes)
    assert caught.value.exit_code == 1


def test_all_failures_are_told_at_once(world: World) -> None:
    world.page(MAIN, "a", "a-1-py3-none-any.whl")
    with pytest.raises(LocateFailed) as caught:
        world.locate("a==1", "a==2", "b==1", "c @ file:///no/such/c-1.tar.gz")
    assert [type(cause) for cause in caught.value.causes] == [VersionNotFound, PackageNotFound, FileMissing]
    assert (caught.value.count, caught.value.total) == (3, 4)


def test_yanked_files_are_taken_with_a_warning(world: World) -> None:
    world.page(MAIN, "a", entry("a-1-py3-none-any.whl", yanked="it is broken"))
    world.page(MAIN, "b", entry("b-1-py3-none-any.whl", yanked=True))
    located = world.locate("a==1", "b==1")
    assert located.warnings == ("`a==1` is yanked (reason: it is broken)", "`b==1` is yanked")
    assert [artifact.yanked for artifact in located.artifacts] == ["it is broken", ""]


@pytest.mark.parametrize(
    ("wheel", "part"),
    [
        ("a-1-cp39-cp39-linux_x86_64.whl", "Python tag"),
        ("a-1-cp312-cp312t-linux_x86_64.whl", "ABI tag"),
        ("a-1-cp312-cp312-win_amd64.whl", "platform tag"),
    ],
)
def test_no_compatible_wheel_says_why(world: World, wheel: str, part: str) -> None:
    world.page(MAIN, "a", wheel)
    error = world.failure("a==1")
    assert isinstance(error, NoCompatibleWheel)
    assert part in str(error)
    assert wheel[4:-4] in str(error)
    assert len(error.hints) == 1


def test_requires_python(world: World) -> None:
    files = [entry("a-1-cp312-cp312-linux_x86_64.whl", requires_python=">=3.13"), entry("a-1-py3-none-any.whl")]
    world.page(MAIN, "a", *files)
    world.page(MAIN, "b", entry("b-1-py3-none-any.whl", requires_python="<3.12"))
    world.page(MAIN, "c", entry("c-1-py3-none-any.whl", requires_python="whatever"))
    assert world.names("a==1", "c==1") == ["a-1-py3-none-any.whl", "c-1-py3-none-any.whl"]
    error = world.failure("b==1")
    assert "requires Python <3.12, but the interpreter is Python 3.12.1" in str(error)


def test_pinned_hashes_choose_the_file(world: World) -> None:
    best, other = "a-1-cp312-cp312-linux_x86_64.whl", "a-1-py3-none-any.whl"
    world.page(MAIN, "a", entry(best, hashes={"sha256": A}), entry(other, hashes={"sha256": B}))
    (found,) = world.locate(pin("a==1", f"sha256:{B}", f"sha512:{A}")).artifacts
    assert (found.filename, found.hashes) == (other, (f"sha256:{B}",))
    error = world.failure(pin("a==1", "sha256:" + "c" * 64))
    assert isinstance(error, HashesDiffer)
    assert error.expected == ("sha256:" + "c" * 64,)
    assert f"sha256:{A} ({best})" in str(error)


def test_pinned_hashes_are_checked_later_where_the_index_has_none(world: World) -> None:
    world.page(MAIN, "a", entry("a-1-py3-none-any.whl", hashes={"md5": "0" * 32}))
    (found,) = world.locate(pin("a==1", f"sha256:{A}", f"sha256:{B}")).artifacts
    assert found.hashes == (f"sha256:{A}", f"sha256:{B}")


def test_a_hash_that_nobody_pinned_does_not_stand_beside_pinned_ones(world: World) -> None:
    world.page(MAIN, "a", entry("a-1-py3-none-any.whl", hashes={"sha256": A, "sha512": "f" * 128}))
    assert world.locate(pin("a==1", f"sha256:{A}")).artifacts[0].hashes == (f"sha256:{A}",)
    assert world.locate("a==1").artifacts[0].hashes == (f"sha256:{A}", "sha512:" + "f" * 128)


def test_a_quarantined_project_is_told_as_such(world: World) -> None:
    status = {"status": "quarantined", "reason": "malware"}
    world.page(MAIN, "a", "a-1-py3-none-any.whl", **{"project-status": status})
    error = world.failure("a==1")
    assert isinstance(error, Quarantined)
    assert "malware" in str(error)


def test_refused_names_are_told(world: World) -> None:
    world.page(MAIN, "a", "%2e%2e%2fa-1-py3-none-any.whl")
    assert "../a-1-py3-none-any.whl" in " ".join(world.failure("a==1").hints)


def test_url_pins(world: World) -> None:
    url = f"https://u:secret@host.invalid/x/A-1.0-py3-none-any.whl#sha256={A}&egg=a"
    (found,) = world.locate(f"a @ {url}").artifacts
    assert (found.name, found.version, found.hashes) == ("a", "1.0", (f"sha256:{A}",))
    assert found.url == "https://u:secret@host.invalid/x/A-1.0-py3-none-any.whl"
    assert found.source == f"url/{digest('https://host.invalid/x/A-1.0-py3-none-any.whl')}"
    assert json.loads(found.direct_url) == {
        "url": "https://host.invalid/x/A-1.0-py3-none-any.whl",
        "archive_info": {"hash": f"sha256={A}", "hashes": {"sha256": A}},
    }
    assert world.http.asked == []


def test_url_pins_merge_hashes(world: World) -> None:
    url = f"https://host.invalid/a-1-py3-none-any.whl#sha256={A}"
    assert world.locate(pin(f"a @ {url}", f"sha256:{A}", f"sha256:{B}")).artifacts[0].hashes == (f"sha256:{A}",)
    assert isinstance(world.failure(pin(f"a @ {url}", f"sha256:{B}")), HashesDiffer)
    plain = world.locate(pin("a @ https://host.invalid/a-1-py3-none-any.whl", f"sha256:{A}", f"sha256:{B}"))
    assert json.loads(plain.artifacts[0].direct_url)["archive_info"] == {}


def test_local_wheels(world: World, tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    wheel.write_bytes(b"12345")
    (found,) = world.locate(f"a @ {wheel.as_uri().replace('file:', 'FILE:')}").artifacts
    assert (found.url, found.size, found.source[:5]) == (wheel.as_uri(), 5, "path/")
    error = world.failure(f"a @ {(tmp_path / 'a-2-py3-none-any.whl').as_uri()}")
    assert isinstance(error, FileMissing)
    assert "a-2-py3-none-any.whl" in str(error)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("a @ https://host.invalid/b-1-py3-none-any.whl", WheelMismatch, "a wheel of `b`"),
        ("a @ https://host.invalid/a-1-any.whl", WheelMismatch, "not a valid wheel name"),
        ("a @ https://host.invalid/..%2Fa-1-py3-none-any.whl", WheelMismatch, "not a valid wheel name"),
        ("a @ https://host.invalid/a.egg", WheelMismatch, "`.whl`"),
        ("a @ https://host.invalid/a-1-cp39-cp39-win32.whl", NoCompatibleWheel, "Python tag"),
        ("a @ file://elsewhere/a-1-py3-none-any.whl", UsageError, "elsewhere"),
    ],
)
def test_urls_that_cannot_be_used(world: World, text: str, kind: type[PuffinError], words: str) -> None:
    with pytest.raises(PuffinError) as caught:
        world.locate(text)
    error = caught.value.causes[0] if isinstance(caught.value, LocateFailed) else caught.value
    assert isinstance(error, kind)
    assert words in f"{error} {error.causes}"


def test_credentials_in_url_pins_are_masked(world: World) -> None:
    error = world.failure("a @ https://user:secret@host.invalid/b-1-py3-none-any.whl")
    assert "secret" not in f"{error!r} {error} {error.hints}"
    assert "host.invalid" in str(error)


def test_unknown_strategies_are_refused(world: World) -> None:
    world.config = IndexConfig(index_url=MAIN, strategy="best")
    with pytest.raises(UsageError, match="best"):
        world.locate("a==1")
