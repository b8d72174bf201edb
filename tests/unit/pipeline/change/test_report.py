"""pip's installation report."""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys

import pytest

from puffin.pipeline.change.report import ReportItem, metadata_json, pip_report
from tests.helpers.waiting import SECONDS
from tests.helpers.wheels import forge_wheel

MARKERS = {"python_version": "3.12", "os_name": "posix", "extra": ""}


def item(**fields):
    return ReportItem(**{"name": "a", "version": "1", "url": "https://h.invalid/a-1.whl", **fields})


def the(**fields):
    (found,) = pip_report([item(**fields)], MARKERS, "0")["install"]
    return found


def test_report_of_nothing():
    assert pip_report([], MARKERS, "1.2") == {
        "version": "1",
        "pip_version": "puffin 1.2",
        "install": [],
        "environment": {"os_name": "posix", "python_version": "3.12"},
    }


def test_file_of_an_index():
    found = the(
        url="https://user:secret@h.invalid/a-1.whl",
        hashes=("md5:00", "sha256:ff"),
        requested=True,
        is_yanked=True,
        requested_extras=("y", "x"),
        metadata=b"Metadata-Version: 2.1\nName: A\nVersion: 1\n",
    )
    assert found == {
        "download_info": {
            "url": "https://h.invalid/a-1.whl",
            "archive_info": {"hash": "sha256=ff", "hashes": {"sha256": "ff", "md5": "00"}},
        },
        "is_direct": False,
        "is_yanked": True,
        "requested": True,
        "requested_extras": ["x", "y"],
        "metadata": {"metadata_version": "2.1", "name": "A", "version": "1"},
    }


def test_file_without_hashes_extras_or_metadata():
    found = the()
    assert found["download_info"]["archive_info"] == {}
    assert "requested_extras" not in found
    assert found["metadata"] == {"name": "a", "version": "1"}


@pytest.mark.parametrize(
    ("direct", "expected"),
    [
        (
            {"url": "https://u:p@h.invalid/r", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            {"url": "https://h.invalid/r", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
        ),
        (
            {"url": "file:///p", "dir_info": {"editable": True}},
            {"url": "file:///p", "dir_info": {"editable": True}},
        ),
        (
            {"url": "https://h.invalid/a.zip", "archive_info": {}, "subdirectory": "s"},
            {
                "url": "https://h.invalid/a.zip",
                "archive_info": {"hash": "sha256=ff", "hashes": {"sha256": "ff"}},
                "subdirectory": "s",
            },
        ),
        (
            {"url": "https://h.invalid/a.zip", "archive_info": {"hashes": {"sha256": "ee"}}},
            {"url": "https://h.invalid/a.zip", "archive_info": {"hashes": {"sha256": "ee"}}},
        ),
    ],
)
def test_direct_urls(direct, expected):
    found = the(direct_url=json.dumps(direct), is_direct=True, hashes=("sha256:ff",))
    assert found["download_info"] == expected
    assert found["is_direct"] is True


@pytest.mark.parametrize("text", ["{", "[]", "null"])
def test_a_broken_direct_url_is_none(text):
    assert the(direct_url=text)["download_info"] == {"url": "https://h.invalid/a-1.whl", "archive_info": {}}


def test_metadata_fields():
    data = """Metadata-Version: 2.4
Name: a
Version: 1
Classifier: One
Classifier: Two
requires-dist: b>=1
Requires-Dist: c (>=1,
  <2)
Project-URL: Home, https://h.invalid
Provides-Extra: x
License-File: LICENSE
Dynamic: keywords
Platform: any
Keywords: one, two words,three
Requires-Python: >=3.8
X-Own: 1

# Title

é text
"""
    assert metadata_json(data.encode()) == {
        "metadata_version": "2.4",
        "name": "a",
        "version": "1",
        "classifier": ["One", "Two"],
        "requires_dist": ["b>=1", "c (>=1, <2)"],
        "project_url": ["Home, https://h.invalid"],
        "provides_extra": ["x"],
        "license_file": ["LICENSE"],
        "dynamic": ["keywords"],
        "platform": ["any"],
        "keywords": ["one", "two words", "three"],
        "requires_python": ">=3.8",
        "description": "# Title\n\né text\n",
    }


def test_metadata_of_old():
    data = b"Name: a\r\nKeywords: one two\r\nDescription: First\r\n       |   second\r\n        third\r\n"
    assert metadata_json(data) == {
        "name": "a",
        "keywords": ["one", "two"],
        "description": "First\n   second\nthird",
    }


def test_metadata_that_is_none():
    assert metadata_json(b"") == {}
    assert metadata_json(b"\xef\xbb\xbfName: \xff\n")["name"] == "\ufffd"


def test_the_whole_is_json():
    found = pip_report([item(metadata="Name: \u00e9\n\n\ud83d".encode("utf-8", "surrogatepass"))], MARKERS, "0")
    assert json.loads(json.dumps(found)) == found


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="pip is not installed here")
def test_pip_says_the_same(tmp_path):
    extra = (
        "Summary: Says é\nKeywords: one,two\nClassifier: A\nClassifier: B\nProvides-Extra: x\nLicense: MIT\n"
    )
    links = tmp_path / "links"
    links.mkdir()
    wheels = {}
    for name, options in (
        ("demo", {"requires": ["dep>=1", "more; extra == 'x'"], "metadata_extra": extra}),
        ("dep", {"requires_python": ">=3"}),
    ):
        filename, data = forge_wheel(name, "1.0", **options)
        (links / filename).write_bytes(data)
        wheels[name] = (links / filename, data)
    theirs = _pip_report(tmp_path, "--no-index", "--find-links", str(links), "demo[y]")
    ours = pip_report([_found(*wheels[name], name) for name in ("demo", "dep")], theirs["environment"], "0")
    assert ours["version"] == theirs["version"]
    assert ours["environment"] == theirs["environment"]
    assert sorted(ours) == sorted(theirs)
    installed = sorted(theirs["install"], key=lambda each: each["metadata"]["name"])
    # pip tells what is yanked only since 23.3
    assert ours["install"] == [{"is_yanked": False, **each} for each in installed]


def _found(path, data, name):
    import zipfile

    with zipfile.ZipFile(path) as archive:
        metadata = archive.read(f"{name}-1.0.dist-info/METADATA")
    return ReportItem(
        name=name,
        version="1.0",
        url=path.as_uri(),
        hashes=(f"sha256:{hashlib.sha256(data).hexdigest()}",),
        requested=name == "demo",
        requested_extras=("y",) if name == "demo" else (),
        metadata=metadata,
    )


def _pip_report(tmp_path, *words):
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-cache-dir",
            "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-", *words,
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"},
        capture_output=True, text=True, timeout=SECONDS, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)
