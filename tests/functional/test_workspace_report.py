"""What machines are told of a run over many environments: the report, exit codes, GitHub, the key of a cache."""

import json
import os
import signal
from pathlib import Path

import jsonschema
import pytest

from tests.functional.test_workspace import GLOB, services, sync
from tests.helpers.faults import at_rest, started
from tests.helpers.waiting import SOON, until
from tests.helpers.wheels import forge_wheel

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "report.schema.json").read_text())


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta", "gamma"):
        for version in ("1.0", "2.0"):
            index.add(*forge_wheel(name, version, metadata_extra="Summary: of it\n"))
    return index


def read(path):
    report = json.loads(Path(path).read_text())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(report, SCHEMA)
    return report


def test_the_report_tells_all_and_follows_its_schema(puffin, shop):
    services(puffin, a="alpha==1.0\nbeta==1.0\n", b="beta==1.0\n")
    assert sync(puffin, shop).code == 0
    services(puffin, a="alpha==2.0\n", c="gamma==1.0\nalpha==2.0\n", d="nobody==1\n")
    shop.fail("/files/gamma-1.0-py3-none-any.whl", [404], forever=True)
    done = sync(puffin, shop, GLOB, "--report", "report.json", "--report-full")
    report = read(puffin.cwd / "report.json")
    assert done.code == report["exit_code"] == 3
    assert report["summary"] == {"updated": 1, "unchanged": 1, "failed": 2, "skipped": 0}
    assert report["dedupe"]["artifacts_requested"] == 3
    assert report["dedupe"]["unique"] == 2
    assert report["cache"] == {"hit": 0, "miss": 2, "repaired": 0}
    a, b, c, d = report["envs"]
    assert [each["status"] for each in (a, b, c, d)] == ["updated", "unchanged", "failed", "failed"]
    assert [(each["action"], each["name"], each["from"], each["to"]) for each in a["changes"]] == [
        ("replace", "alpha", "1.0", "2.0"),
        ("remove", "beta", "1.0", None),
    ]
    (item,) = a["install"]
    assert (item["metadata"]["name"], item["metadata"]["summary"]) == ("alpha", "of it")
    assert item["download_info"]["archive_info"]["hashes"]["sha256"] == a["changes"][0]["sha256"]
    assert "gamma-1.0-py3-none-any.whl" in c["error"]["message"]
    assert c["error"]["package"] == "gamma==1.0"
    assert d["error"]["kind"] == "PackageNotFound"
    assert report["dedupe"]["bytes_downloaded"] == len(
        forge_wheel("alpha", "2.0", metadata_extra="Summary: of it\n")[1]
    )
    assert report["findings"][0]["kind"] == "failure"


def test_the_findings_of_the_page_are_in_the_report(puffin, shop):
    services(puffin, a="alpha==1.0\n", b="alpha==1.0\nbeta==1.0\n")
    assert sync(puffin, shop, GLOB, "--report", "report.json").code == 0
    found = read(puffin.cwd / "report.json")["findings"]
    (shown,) = json.loads(puffin("profile", "show", "--json").raw_out)
    assert found == shown["findings"]
    assert "2 packages were new to the cache" in found[-1]["text"]
    assert sync(puffin, shop, GLOB, "--report", "report.json").code == 0  # it has nothing to do
    assert read(puffin.cwd / "report.json")["findings"] == []


def test_metadata_is_in_a_full_report_alone(puffin, shop):
    services(puffin, a="alpha==1.0\n", b="alpha==1.0\nbeta==1.0\n")
    assert sync(puffin, shop, GLOB, "--report", "report.json").code == 0
    text = (puffin.cwd / "report.json").read_text()
    a, b = read(puffin.cwd / "report.json")["envs"]
    assert "install" not in a.keys() | b.keys()
    assert [each["name"] for each in b["changes"]] == ["alpha", "beta"]
    assert text.count("\n") == 1
    assert "of it" not in text


def test_the_report_goes_to_standard_output_too(puffin, shop):
    services(puffin, a="alpha==1.0\n")
    done = sync(puffin, shop, GLOB, "--report", "-")
    assert json.loads(done.raw_out)["summary"]["updated"] == 1


def test_the_report_is_written_when_nothing_could_begin(puffin):
    done = puffin("sync", "nowhere", "--report", "r.json")
    assert done.code == read(puffin.cwd / "r.json")["exit_code"] == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
def test_the_report_is_written_on_a_signal(puffin, shop, executor, number, code):
    envs = services(puffin, a="alpha==1.0\n", b="gamma==1.0\n")
    shop.fail("/files/gamma-1.0-py3-none-any.whl", ["slow"], forever=True)
    words = ("sync", GLOB, "-i", shop.url, "--executor", executor, "--report", "r.json", "-j", "2")
    with started(puffin, *words) as process:
        until(lambda: shop.count("/files/gamma-1.0-py3-none-any.whl"))
        if executor != "cluster":  # which tells in groups, of which this is one
            until(lambda: list(envs["a"].root.glob("lib/python*/site-packages/alpha*")))
        os.kill(process.pid, number)
        process.communicate(timeout=SOON)
        assert process.returncode == code
    report = read(puffin.cwd / "r.json")
    assert report["exit_code"] == code
    assert report["envs"][1]["status"] == "skipped"
    if executor != "cluster":
        assert report["envs"][0]["status"] == "updated"
        assert at_rest(envs["a"])


def test_check_is_4_where_something_differs_and_changes_nothing(puffin, shop):
    envs = services(puffin, a="alpha==1.0\n", b="beta==1.0\n")
    done = sync(puffin, shop, GLOB, "--check")
    assert done.code == 4
    assert not envs["a"].root.exists()
    assert sync(puffin, shop).code == 0
    assert sync(puffin, shop, GLOB, "--check").code == 0
    services(puffin, b="beta==2.0\n")
    before = envs["b"].tree()
    done = sync(puffin, shop, GLOB, "--check", "--report", "r.json")
    assert done.code == 4
    assert read(puffin.cwd / "r.json")["envs"][1]["changes"][0]["to"] == "2.0"
    assert envs["b"].tree() == before
    assert sync(puffin, shop, GLOB, "--dry-run").code == 0
    assert envs["b"].tree() == before


def test_github_gets_annotations_groups_and_a_summary(puffin, shop):
    services(puffin, a="alpha==1.0\n", b="nobody==1\n")
    summary = puffin.cwd / "summary.md"
    done = sync(puffin, shop, env={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)})
    assert done.code == 3
    assert "::group::services/a: 1 change\n + alpha==1.0\n::endgroup::\n" in done.err
    (error,) = [line for line in done.err.splitlines() if line.startswith("::error ")]
    assert error.startswith("::error title=puffin - In services/b::")
    assert "\x1b" not in done.err
    rows = [line.split(" | ") for line in summary.read_text().splitlines() if line.startswith("| `")]
    assert [(row[0], row[2]) for row in rows] == [("| `services/a`", "updated"), ("| `services/b`", "failed")]


def test_the_key_is_that_of_the_pins_and_not_of_the_place(puffin):
    services(puffin, a="alpha==1.0\n", b="beta==1.0\n")
    key = puffin("cache", "key", GLOB).out
    assert key.startswith("puffin-v0-")
    puffin.file("elsewhere/x/requirements.txt", "beta==1.0\n")
    puffin.file("elsewhere/y/requirements.txt", "alpha==1.0\n")
    assert puffin("cache", "key", "elsewhere/*/requirements.txt").out == key
    puffin.file("elsewhere/y/requirements.txt", "alpha==2.0\n")
    assert puffin("cache", "key", "elsewhere/*/requirements.txt").out != key
