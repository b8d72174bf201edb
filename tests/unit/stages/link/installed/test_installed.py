import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.stages.link.environment.environment import environment_of
from puffin.stages.link.installed.installed import read_installed, safe_paths, thaw
from puffin.stages.link.installed.lines import duplicate_warnings, freeze_lines, list_rows
from puffin.stages.link.installed.scan import scan
from puffin.stages.link.interpreter.interpreter import within
from tests.helpers.pythons import made_up


@pytest.fixture
def environment(tmp_path):
    root = str(tmp_path / "v")
    os.makedirs(f"{root}/lib/python3.12/site-packages")
    return environment_of(within(made_up("/opt/python"), root, f"{root}/bin/python"))


def put(environment, path, text=""):
    place = os.path.join(environment.purelib, path)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "w", encoding="utf-8") as file:
        file.write(text)


def dist(environment, name, version, *, record=None, direct_url=None, requested=False):
    info = f"{name}-{version}.dist-info"
    put(
        environment,
        f"{info}/METADATA",
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: body\n",
    )
    put(environment, f"{info}/INSTALLER", "puffin\n")
    if record is not None:
        put(environment, f"{info}/RECORD", record)
    if direct_url is not None:
        put(
            environment,
            f"{info}/direct_url.json",
            direct_url if isinstance(direct_url, str) else json.dumps(direct_url),
        )
    if requested:
        put(environment, f"{info}/REQUESTED")
    return info


def develop(environment, tmp_path):
    project = tmp_path / "project"
    (project / "My_Dev.egg-info").mkdir(parents=True)
    (project / "My_Dev.egg-info" / "PKG-INFO").write_text("Name: My.Dev\nVersion: 0.3\n")
    put(environment, "my-dev.egg-link", f"{project}\n.")
    return str(project)


def test_scan_knows_every_kind(environment, tmp_path):
    dist(environment, "Foo_Bar", "1.0")
    put(environment, "odd.dist-info/METADATA", "Name: Odd\nVersion: 3\n")
    put(environment, "old-2.0-py3.12.egg-info/PKG-INFO", "Name: old\nVersion: 2.0\n")
    put(environment, "bare.egg-info", "Name: Bare\nVersion: 7\n")
    put(environment, "egg-1.5-py3.12.egg/EGG-INFO/PKG-INFO", "Name: egg\nVersion: 1.5\n")
    put(environment, "~ip-1.0.dist-info/METADATA")
    put(environment, "__editable__.foo-1.0.pth")
    put(environment, "plain/__init__.py")
    develop(environment, tmp_path)
    assert scan(environment.purelib) == (
        ("bare", "7", "bare.egg-info", "egg-info-file"),
        ("egg", "1.5", "egg-1.5-py3.12.egg", "egg"),
        ("foo-bar", "1.0", "Foo_Bar-1.0.dist-info", "dist-info"),
        ("my-dev", "0.3", "my-dev.egg-link", "egg-link"),
        ("odd", "3", "odd.dist-info", "dist-info"),
        ("old", "2.0", "old-2.0-py3.12.egg-info", "egg-info"),
    )


def test_scan_returns_duplicates_as_they_are(environment):
    dist(environment, "a", "1")
    dist(environment, "A", "2")
    assert [each[:2] for each in scan(environment.purelib)] == [("a", "1"), ("a", "2")]


def test_scan_of_nothing(tmp_path):
    assert scan(str(tmp_path / "absent")) == ()


def test_dangling_egg_link_is_still_seen(environment):
    put(environment, "gone.egg-link", "/nowhere/at/all\n.")
    assert scan(environment.purelib) == (("gone", "", "gone.egg-link", "egg-link"),)


def test_reads_the_whole_of_it(environment):
    record = (
        'Foo/__init__.py,,\n"Foo/a,b.py",,\n../../../bin/foo,,\n../../../share/x,,\nFoo-1.dist-info/RECORD,,\n'
    )
    url = {"url": "https://h/x.whl", "archive_info": {"hashes": {"sha256": "ab"}}}
    info = dist(environment, "Foo", "1", record=record, direct_url=url, requested=True)
    (found,) = read_installed(environment)
    site = environment.purelib
    assert (found.name, found.raw_name, found.version, found.installer) == ("foo", "Foo", "1", "puffin")
    assert (found.requested, found.editable, found.recorded, found.path) == (
        True,
        False,
        True,
        f"{site}/{info}",
    )
    assert found.files == (
        f"{site}/Foo/__init__.py",
        f"{site}/Foo/a,b.py",
        f"{environment.scripts}/foo",
        f"{environment.root}/share/x",
        f"{site}/{info}/RECORD",
    )
    assert thaw(found.direct_url) == url
    assert hash(found)


def test_unsafe_rows_are_left_out(environment):
    unsafe = [
        "/etc/passwd",
        "../../../../outside",
        "../../../pyvenv.cfg",
        "../../../.puffin/state",
        "../../../bin/python",
        "../../../bin/python3.12",
        "../../../bin/activate.fish",
        "..",
        "../site-packages",
        ".",
        "../../../bin",
    ]
    record = "".join(f"{row},,\n" for row in [*unsafe, "ok.py"])
    dist(environment, "a", "1", record=record)
    (found,) = read_installed(environment)
    assert found.files == (f"{environment.purelib}/ok.py",)


@given(rows=st.lists(st.text(alphabet="ab./\\", min_size=1, max_size=16)))
def test_no_path_leaves_the_environment(rows):
    environment = environment_of(within(made_up("/opt/python"), "/e/v", "/e/v/bin/python"))
    files = safe_paths(rows, environment.purelib, environment)
    assert all(os.path.normpath(path).startswith("/e/v/") for path in files)


@pytest.mark.parametrize("record", [None, "", '"open', "\n"])
def test_missing_or_damaged_record(environment, record):
    dist(environment, "a", "1", record=record)
    (found,) = read_installed(environment)
    assert found.files == ()
    assert not found.recorded


@pytest.mark.parametrize("text", ["junk", "[]", "{}", '{"url": 1}'])
def test_damaged_direct_url(environment, text):
    dist(environment, "a", "1", direct_url=text)
    (found,) = read_installed(environment)
    assert found.direct_url is None


def test_eggs_and_links(environment, tmp_path):
    project = develop(environment, tmp_path)
    put(environment, "old-2.egg-info/PKG-INFO", "Name: Old\nVersion: 2\n")
    put(environment, "old-2.egg-info/installed-files.txt", "../old.py\nPKG-INFO\n../../../../../evil\n")
    put(environment, "top-1.egg-info/PKG-INFO", "Name: top\nVersion: 1\n")
    put(environment, "top-1.egg-info/top_level.txt", "top\nmod\nshared\n../x\n")
    put(environment, "top-1.egg-info/namespace_packages.txt", "shared\n")
    for path in ("top/a.py", "mod.py", "shared/b.py"):
        put(environment, path)
    put(environment, "dist.egg-info", "Name: dist\nVersion: 9\n")
    by_name = {each.name: each for each in read_installed(environment)}
    site = environment.purelib
    assert by_name["my-dev"].location == project
    assert by_name["my-dev"].editable
    assert by_name["my-dev"].files == (f"{site}/my-dev.egg-link",)
    assert by_name["old"].files == (f"{site}/old.py", f"{site}/old-2.egg-info/PKG-INFO")
    assert {f"{site}/top/a.py", f"{site}/mod.py"} <= set(by_name["top"].files)
    assert f"{site}/shared/b.py" not in by_name["top"].files
    assert not by_name["dist"].recorded


URLS = [
    (
        {"url": "https://h/x.zip", "archive_info": {"hash": "sha256=ab"}, "subdirectory": "s/t"},
        "a @ https://h/x.zip#sha256=ab&subdirectory=s/t",
    ),
    (
        {"url": "https://h/x.whl", "archive_info": {"hashes": {"md5": "1", "sha256": "2"}}},
        "a @ https://h/x.whl#sha256=2",
    ),
    ({"url": "https://h/x.whl", "archive_info": {}}, "a @ https://h/x.whl"),
    (
        {"url": "https://h/r.git", "vcs_info": {"vcs": "git", "commit_id": "c0", "requested_revision": "main"}},
        "a @ git+https://h/r.git@c0",
    ),
    (
        {"url": "ssh://git@h/r", "vcs_info": {"vcs": "git", "commit_id": "c0"}, "subdirectory": "d/x y"},
        "a @ git+ssh://git@h/r@c0#subdirectory=d/x%20y",
    ),
    ({"url": "file:///p/a", "dir_info": {}}, "a @ file:///p/a"),
    ({"url": "file:///p/a", "dir_info": {"editable": False}}, "a @ file:///p/a"),
    ({"url": "file:///p/a%20b", "dir_info": {"editable": True}}, "-e file:///p/a%20b"),
    (
        {"url": "file:///p/a", "dir_info": {"editable": True}, "subdirectory": "d&é"},
        "-e file:///p/a#subdirectory=d%26%C3%A9",
    ),
    ({"url": "file:///p/a", "dir_info": {}, "subdirectory": "d"}, "a @ file:///p/a#subdirectory=d"),
]


@pytest.mark.parametrize(("url", "line"), URLS)
def test_freeze_of_direct_urls(environment, url, line):
    dist(environment, "a", "1", direct_url=url)
    assert freeze_lines(read_installed(environment)) == [line]


def test_freeze_masks_credentials(environment):
    dist(environment, "a", "1", direct_url={"url": "https://me:secret@h/x.whl", "archive_info": {}})
    (line,) = freeze_lines(read_installed(environment))
    assert "secret" not in line


def test_freeze_is_sorted_and_can_leave_out(environment, tmp_path):
    develop(environment, tmp_path)
    for name in ("zeta", "Alpha", "pip", "my_name"):
        dist(environment, name, "1.0")
    found = read_installed(environment)
    editable = f"-e file://{tmp_path}/project"
    assert freeze_lines(found) == ["Alpha==1.0", editable, "my_name==1.0", "pip==1.0", "zeta==1.0"]
    assert freeze_lines(found, ["PIP", "My.Name"]) == ["Alpha==1.0", editable, "zeta==1.0"]
    assert editable not in freeze_lines(found, exclude_editable=True)


def test_duplicates_are_reported(environment):
    dist(environment, "a", "1")
    dist(environment, "a", "2")
    dist(environment, "b", "1")
    found = read_installed(environment)
    assert freeze_lines(found) == ["a==1", "a==2", "b==1"]
    (warning,) = duplicate_warnings(found)
    assert warning.startswith("`a` is installed 2 times: ")
    assert "a-1.dist-info" in warning


def test_list_styles(environment, tmp_path):
    project = develop(environment, tmp_path)
    dist(environment, "Flask", "3.0.1")
    found = read_installed(environment)
    assert list_rows(found, "freeze") == ["Flask==3.0.1", "My.Dev==0.3"]
    assert list_rows(found) == [
        "Package Version Editable project location",
        "------- ------- " + "-" * max(len(project), len("Editable project location")),
        "Flask   3.0.1",
        f"My.Dev  0.3     {project}",
    ]
    assert json.loads(list_rows(found, "json")[0]) == [
        {"name": "Flask", "version": "3.0.1"},
        {"name": "My.Dev", "version": "0.3", "editable_project_location": project},
    ]
    assert list_rows(found, "freeze", editable=True) == ["My.Dev==0.3"]
    assert list_rows(found, editable=False) == ["Package Version", "------- -------", "Flask   3.0.1"]
    assert list_rows(found, exclude=["flask", "my_dev"]) == []
    with pytest.raises(ValueError, match="xml"):
        list_rows(found, "xml")
