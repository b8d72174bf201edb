import json
import os

import pytest

from puffin.artifact.artifact import DIRECTORY, GIT, SDIST, WHEEL
from puffin.artifact.urls import digest
from puffin.cache.layout import Cache
from puffin.pipeline.change.direct import Directs
from puffin.stages.fetch.git.url import NoSubdirectory, parse_git_url
from puffin.stages.link.commit.installplan import Present, make_plan
from puffin.stages.resolve.index.config import FilePolicy, IndexConfig
from puffin.stages.resolve.index.page import FileLink
from puffin.stages.resolve.locate.choose import file_of
from puffin.stages.resolve.locate.errors import (
    BuildForbidden,
    FileMissing,
    HashesDiffer,
    LocateFailed,
    NoCompatibleWheel,
    NotEditable,
)
from puffin.stages.resolve.locate.file_choice import FileChooser, FileTarget, Offered
from puffin.stages.resolve.locate.name import check_names, name_requirements, stated_name
from puffin.stages.resolve.locate.url import locate_url
from puffin.stages.resolve.requirements.values import Entry, Pin, Requirements
from puffin.value import astuple, replace
from tests.helpers.index_http import FakeHttp, json_reply
from tests.helpers.index_universe import located, scope_at

TARGET = FileTarget(("cp312-cp312-linux_x86_64", "py3-none-any"), "3.12.1")
WHEEL_FILE, OTHER_WHEEL = "a-1.0-py3-none-any.whl", "a-1.0-cp39-cp39-win32.whl"
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
COMMIT = "0123456789" * 4


def pin(url="", *, name="a", **fields):
    text = fields.pop("text", f"{name} @ {url}" if url else f"{name}==1.0")
    return Pin(name=name, version="" if url else "1.0", url=url, text=text, **fields)


def policy(**names):
    return FilePolicy(**{key: frozenset(value) for key, value in names.items()})


def chosen(*files, hashes=(), policy=FilePolicy(), python="", **hashed):  # noqa: B008
    rows = [
        astuple(
            FileLink(
                filename=name,
                url=f"https://h.invalid/{name}",
                hashes=hashed.get(name[-3:], ()),
                requires_python=python,
            )
        )
        for name in files
    ]
    offered = [Offered(row, "1.0", "https://h.invalid") for row in rows]
    return file_of(pin(hashes=hashes), offered, FileChooser(TARGET, policy)).link.filename


def refused(kind, *files, **fields):
    with pytest.raises(kind) as caught:
        chosen(*files, **fields)
    return caught.value


def test_a_source_distribution_is_taken_where_no_wheel_fits():
    assert chosen("a-1.0.tar.gz") == "a-1.0.tar.gz"
    assert chosen(OTHER_WHEEL, "a-1.0.zip", "a-1.0.tar.gz", "a-1.0.tar.bz2") == "a-1.0.tar.gz"
    assert chosen("a-1.0.tar.gz", WHEEL_FILE) == WHEEL_FILE


def test_options_choose_the_kind_of_file():
    assert chosen("a-1.0.tar.gz", WHEEL_FILE, policy=policy(no_binary=["a"])) == "a-1.0.tar.gz"
    assert chosen("a-1.0.tar.gz", WHEEL_FILE, policy=policy(no_binary=[":all:"])) == "a-1.0.tar.gz"
    assert chosen("a-1.0.tar.gz", WHEEL_FILE, policy=policy(no_binary=["b"])) == WHEEL_FILE
    assert chosen("a-1.0.tar.gz", WHEEL_FILE, policy=policy(only_binary=["a"])) == WHEEL_FILE


ALL = [":all:"]


@pytest.mark.parametrize(
    ("files", "options", "reason", "option"),
    [
        (
            ["a-1.0.zip"],
            {"only_binary": ALL},
            "there is only a source distribution, and {} forbids it",
            "--only-binary :all:",
        ),
        (["a-1.0.zip"], {"only_binary": ["a"]}, "and {} forbids it", "--only-binary a"),
        (
            ["a-1.0.zip", OTHER_WHEEL],
            {"no_build": ALL},
            "no wheel's Python tag fits Python 3.12.1",
            "--no-build",
        ),
        (
            [WHEEL_FILE],
            {"no_binary": ["a"]},
            "{} forbids its wheels, and it has no source distribution",
            "--no-binary a",
        ),
        (
            [WHEEL_FILE, "a-1.0.zip"],
            {"no_binary": ALL, "no_build": ALL},
            "{} forbids its wheels, and `--no-build` forbids its source distribution",
            "--no-binary :all:",
        ),
    ],
)
def test_a_refusal_names_the_option_that_stands_in_the_way(files, options, reason, option):
    error = refused(NoCompatibleWheel, *files, policy=policy(**options))
    assert reason.format(f"`{option}`") in str(error)
    assert error.hints[-1].endswith(f", leave out `{option}`")


def test_requires_python_counts_for_source_distributions():
    error = refused(NoCompatibleWheel, "a-1.0.tar.gz", python=">=3.13")
    assert "requires Python >=3.13, but the interpreter is Python 3.12.1" in str(error)


def test_hashes_decide_among_kinds():
    assert chosen("a-1.0.tar.gz", WHEEL_FILE, hashes=(A,), whl=(B,), **{".gz": (A,)}) == "a-1.0.tar.gz"
    forced = {"hashes": (B,), "whl": (B,), ".gz": (A,), "policy": policy(no_binary=["a"])}
    error = refused(HashesDiffer, "a-1.0.tar.gz", WHEEL_FILE, **forced)
    assert str(error).startswith("Failed to find a file of `a==1.0` with a pinned hash")
    assert f"{A} (a-1.0.tar.gz)" in str(error)


def test_a_wheel_that_spells_the_version_otherwise_comes_first(tmp_path):
    http = FakeHttp()
    url = "https://main.invalid/simple/a/"
    files = [{"url": f"/f/{name}", "hashes": {}} for name in ("a-1.0.tar.gz", "a-1-py3-none-any.whl")]
    body = json.dumps({"meta": {"api-version": "1.1"}, "files": files}).encode()
    http.answers[url] = json_reply(url, body, cache_control="max-age=600")
    cache = Cache(str(tmp_path))
    cache.initialise()
    scope = scope_at(1.0, config=IndexConfig(index_url="https://main.invalid/simple"), tags=TARGET.tags)
    found = located([pin()], scope, http=http, cache=cache)
    assert found.artifacts[0].filename == "a-1-py3-none-any.whl"
    source = replace(scope, files=policy(no_binary=["a"]))
    (found,) = located([pin(config_settings=(("k", "v"),))], source, http=http, cache=cache).artifacts
    assert (found.kind, found.filename, found.version) == (SDIST, "a-1.0.tar.gz", "1.0")
    assert found.source == f"index/{digest('https://main.invalid/simple')}"
    assert found.config_settings == (("k", "v"),)
    assert found.direct_url == ""


def test_archives_by_url():
    found = locate_url(pin("https://u:p@h.invalid/a-1.0.tar.gz#subdirectory=x/y", hashes=(A,)), TARGET)
    assert (found.kind, found.version, found.subdirectory, found.hashes) == (SDIST, "1.0", "x/y", (A,))
    assert found.source == f"url/{digest('https://h.invalid/a-1.0.tar.gz')}"
    assert json.loads(found.direct_url) == {
        "url": "https://h.invalid/a-1.0.tar.gz",
        "archive_info": {"hash": f"sha256={'a' * 64}", "hashes": {"sha256": "a" * 64}},
        "subdirectory": "x/y",
    }
    forge = locate_url(pin("https://h.invalid/o/a/archive/refs/tags/v1.zip"), TARGET)
    assert (forge.kind, forge.version, forge.filename) == (SDIST, "", "v1.zip")
    assert forge.label == "a @ https://h.invalid/o/a/archive/refs/tags/v1.zip"
    assert locate_url(pin("https://h.invalid/a-main.zip"), TARGET).version == ""


def test_local_archives_change_with_their_time_and_size(tmp_path):
    archive = tmp_path / "a-1.0.tar.gz"
    archive.write_bytes(b"one")
    first = locate_url(pin(archive.as_uri()), TARGET)
    assert (first.kind, first.url, first.size, first.source[:5]) == (SDIST, archive.as_uri(), 3, "path/")
    assert locate_url(pin(archive.as_uri()), TARGET) == first
    archive.write_bytes(b"another")
    assert locate_url(pin(archive.as_uri()), TARGET).source != first.source


def test_directories_change_with_what_says_how_they_are_built(tmp_path):
    project = tmp_path / "pro ject"
    (project / "inner").mkdir(parents=True)
    (project / "pyproject.toml").write_text("")
    (project / "inner" / "setup.py").write_text("")
    (project / "a.py").write_text("")
    plain = locate_url(pin(project.as_uri()), TARGET)
    assert (plain.kind, plain.version, plain.filename, plain.editable) == (DIRECTORY, "", "", False)
    assert json.loads(plain.direct_url) == {"url": project.as_uri(), "dir_info": {}}
    editable = locate_url(pin(project.as_uri(), editable=True), TARGET)
    assert json.loads(editable.direct_url) == {"url": project.as_uri(), "dir_info": {"editable": True}}
    inner = locate_url(pin(project.as_uri() + "#subdirectory=inner"), TARGET)
    assert inner.subdirectory == json.loads(inner.direct_url)["subdirectory"] == "inner"
    assert inner.source != plain.source
    os.utime(project / "a.py", (9e9, 9e9))
    assert locate_url(pin(project.as_uri()), TARGET) == plain
    (project / "a.py").write_text("A = 1")
    assert locate_url(pin(project.as_uri()), TARGET).source != plain.source
    with pytest.raises(NoSubdirectory, match="has no subdirectory `nosuch`"):
        locate_url(pin(project.as_uri() + "#subdirectory=nosuch"), TARGET)
    with pytest.raises(FileMissing):
        locate_url(pin((tmp_path / "gone").as_uri(), editable=True), TARGET)


def commits(url, *, package):
    return parse_git_url(url).at(COMMIT)


def test_repositories_are_recorded_with_their_commit():
    found = locate_url(pin("git+https://u:p@h.invalid/o/r.git@v1#subdirectory=d"), TARGET, commits=commits)
    assert (found.kind, found.version, found.subdirectory) == (GIT, "", "d")
    assert found.url == f"git+https://u:p@h.invalid/o/r.git@{COMMIT}"
    assert found.source == f"git/{parse_git_url('git+https://h.invalid/o/r').key}/{COMMIT}"
    assert json.loads(found.direct_url) == {
        "url": "https://h.invalid/o/r.git",
        "vcs_info": {"vcs": "git", "commit_id": COMMIT, "requested_revision": "v1"},
        "subdirectory": "d",
    }
    plain = locate_url(pin("git+ssh://git@h.invalid/r"), TARGET, commits=commits)
    assert json.loads(plain.direct_url) == {
        "url": "ssh://git@h.invalid/r",
        "vcs_info": {"vcs": "git", "commit_id": COMMIT},
    }
    assert "p@" not in found.label


def test_what_must_not_be_built_is_refused(tmp_path):
    no_build, only = policy(no_build=[":all:"]), policy(only_binary=[":all:"])
    for url, kind in (
        (tmp_path.as_uri(), "a directory"),
        ("git+https://h.invalid/r", "a git repository"),
        ("https://h.invalid/a-1.zip", "a source distribution"),
    ):
        with pytest.raises(BuildForbidden) as caught:
            locate_url(pin(url), TARGET, files=no_build, commits=commits)
        assert (
            str(caught.value)
            == f"Refused to build `a @ {url}`: it is {kind}, and `--no-build` forbids building it"
        )
        assert locate_url(pin(url), TARGET, files=only, commits=commits).kind != WHEEL
    with pytest.raises(NotEditable) as caught:
        locate_url(pin("git+https://h.invalid/r", editable=True, text="-e git+https://h.invalid/r"), TARGET)
    assert str(caught.value) == (
        "Failed to use `-e git+https://h.invalid/r` as an editable: "
        "it is a git repository, and only a directory can be one"
    )


def test_names_are_told_without_a_build(tmp_path):
    def name(url):
        return stated_name(Entry(name="", text=url, url=url))

    (tmp_path / "pyproject.toml").write_text('[project]\nname = "My.Name"\n')
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "setup.cfg").write_text("[metadata]\nname = Old_One\n")
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "setup.py").write_text("")
    assert name(tmp_path.as_uri()) == "my-name"
    assert name((tmp_path / "old").as_uri()) == name(f"{tmp_path.as_uri()}#subdirectory=old") == "old-one"
    assert name((tmp_path / "program").as_uri()) == ""
    assert name("https://h.invalid/some_thing-1.0.tar.gz?x=1#subdirectory=d") == "some-thing"
    assert name("https://h.invalid/a-b-1.0.zip") == "a-b"
    assert name("https://h.invalid/v1.0.zip") == name("https://h.invalid/a-1-2.zip") == ""
    assert name("git+https://h.invalid/r") == ""
    entries = tuple(
        Entry(name="", text=url, url=url) for url in (tmp_path.as_uri(), "git+https://u:p@h.invalid/r")
    )
    found = name_requirements(Requirements(entries=entries)).entries
    assert [each.name for each in found] == ["my-name", ""]
    with pytest.raises(LocateFailed) as caught:
        check_names([pin(each.url, name=each.name, text=each.text) for each in found])
    (cause,) = caught.value.causes
    assert "known only after a build" in str(cause)
    assert cause.hints == ("write its name first, for example `name @ git+https://****@h.invalid/r`",)


class World:
    """An environment with one distribution, from one artifact, and what a second sync makes of it."""

    def __init__(self, root, wanted, **options):
        self.cache = Cache(str(root))
        self.artifact = locate_url(wanted, TARGET, commits=commits)
        self.sources = {"a": self.artifact.source}
        self.present = [
            Present(name="a", version="1.0", entry="a-1.0.dist-info", direct_url=self.artifact.direct_url)
        ]

    def plan(self, again, *, refresh=False, commits=commits):
        directs = Directs(self.cache, self.present, commits)
        wanted = [directs.wanted(again, {}, refresh=refresh)]
        plan = make_plan(self.present, wanted, archives={"a": "f" * 64}, sources=self.sources)
        return "keep" if plan.keep else "replace" if plan.replace else "add"


def test_a_second_sync_sees_what_changed(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "setup.py").write_text("")
    plain, editable = pin(project.as_uri()), pin(project.as_uri(), editable=True)
    for wanted, other in ((plain, editable), (editable, plain)):
        world = World(tmp_path, wanted)
        assert world.plan(wanted) == "keep"
        assert world.plan(other) == "replace"
    (project / "setup.py").write_text("import setuptools")
    assert world.plan(editable) == "replace"


def test_a_second_sync_compares_commits(tmp_path):
    wanted = pin("git+https://h.invalid/r@main")
    world = World(tmp_path, wanted)
    assert world.plan(wanted) == "keep"
    assert world.plan(pin(f"git+https://u:p@h.invalid/r@{COMMIT}")) == "keep"
    assert world.plan(wanted, commits=lambda url, *, package: parse_git_url(url).at("f" * 40)) == "replace"
    assert world.plan(pin("git+https://h.invalid/r@main#subdirectory=d")) == "replace"
    world.sources = {}  # as installed by another tool
    assert world.plan(wanted) == "keep"


def test_a_second_sync_compares_archives(tmp_path):
    wanted = pin("https://h.invalid/a-1.0.tar.gz", hashes=(A,))
    world = World(tmp_path, wanted)
    assert world.plan(wanted) == "keep"
    assert world.plan(replace(wanted, hashes=())) == "keep"
    assert world.plan(replace(wanted, hashes=(B,))) == "replace"
    assert world.plan(wanted, refresh=True) == "replace"
    assert world.plan(pin("https://h.invalid/other/a-1.0.tar.gz")) == "replace"
    world.sources = {}
    assert world.plan(wanted) == "replace"


def test_what_cannot_be_looked_at_is_left_to_the_search(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    world = World(tmp_path, pin(project.as_uri()))
    project.rmdir()
    assert world.plan(pin(project.as_uri(), editable=True)) == "replace"
