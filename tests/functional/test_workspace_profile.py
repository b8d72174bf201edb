"""Records, pages and the dashboard of runs over many environments."""

import importlib.util
import json

import pytest

from tests.helpers.cli import Env, lines
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel

GLOB = "services/*/requirements.txt"


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta"):
        index.add(*forge_wheel(name, "1.0"))
    return index


@pytest.fixture
def services(puffin):
    puffin.file("services/a/requirements.txt", "alpha==1.0\n")
    puffin.file("services/b/requirements.txt", "alpha==1.0\nbeta==1.0\n")
    return {name: Env(puffin.cwd / "services" / name / ".venv") for name in "ab"}


def records(puffin):
    return sorted((puffin.cache / "runs-v0").glob("*.jsonl"))


def last(puffin):
    return [json.loads(line) for line in records(puffin)[-1].read_text().splitlines()]


def tasks(rows):
    return [row for row in rows if "stage" in row]


@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
def test_tasks_name_the_environments_that_they_serve(puffin, shop, services, executor):
    done = puffin("sync", GLOB, "-i", shop.url, "--executor", executor, "--profile=p.html", "--trace=t.json")
    assert done.code == 0, done.err
    assert done.err.endswith("Profile written to p.html\nTrace written to t.json\n")
    rows = last(puffin)
    assert (rows[0]["command"], rows[-1]["status"]) == ("sync", 0)
    served = {"alpha": ["services/a", "services/b"], "beta": ["services/b"]}
    assert sorted((row["stage"], row["package"]) for row in tasks(rows)) == sorted(
        (stage, name) for stage in ("fetch", "unzip", "link") for name in served
    )
    assert all(row["environments"] == served[row["package"]] for row in tasks(rows))
    assert all(row["cache"] == "miss" and row["out"] for row in tasks(rows))
    phases = [row["phase"] for row in rows if "phase" in row]
    assert phases.count("commit") == 2
    assert {"read requirements", "compare", "locate", "close environment"} <= {*phases}
    page = (puffin.cwd / "p.html").read_text()
    assert "puffin sync" in page
    assert "<h2>Environments</h2>" in page
    assert "services/a" in page
    assert "services/b" in page


def test_work_for_several_environments_is_divided_among_them(puffin, shop, services):
    puffin("sync", GLOB, "-i", shop.url)
    (found,) = json.loads(puffin("profile", "show", "--json").out)
    places = {each["name"]: each for each in found["environments"]}
    assert {name: each["packages"] for name, each in places.items()} == {"services/a": 1, "services/b": 2}
    whole = sum(row["end"] - row["start"] for row in tasks(last(puffin)))
    assert sum(each["seconds"] for each in places.values()) == pytest.approx(whole, abs=1e-4)


def test_what_is_there_has_a_page_only_when_asked_and_a_failure_has_its_record(puffin, shop, services):
    assert puffin("sync", GLOB, "-i", shop.url).code == 0
    before = records(puffin)
    assert puffin("sync", GLOB, "-i", shop.url).code == 0
    assert puffin("sync", GLOB, "-i", shop.url, "-v").code == 0
    assert records(puffin) == before
    done = puffin("sync", GLOB, "-i", shop.url, "--profile=p.html")
    said = lines("Checked 2 environments (3 packages) in [TIME]", "Profile written to p.html")
    assert (done.code, done.err) == (0, said)
    puffin.file("services/b/requirements.txt", "nobody==1\n")
    assert puffin("sync", GLOB, "-i", shop.url).code == 3
    assert last(puffin)[-1]["status"] == 3


def test_a_lock_has_a_record_and_a_page(puffin, shop):
    puffin.file("services/a/requirements.in", "alpha\n")
    done = puffin("lock", "services/*/requirements.in", "-i", shop.url, "--profile=p.html")
    assert done.code == 0, done.err
    assert done.err.endswith("Profile written to p.html\n")
    rows = last(puffin)
    assert (rows[0]["command"], rows[-1]["status"]) == ("lock", 0)
    assert {"read requirements", "resolve"} <= {row["phase"] for row in rows if "phase" in row}
    assert "puffin lock" in (puffin.cwd / "p.html").read_text()


def test_tasks_that_are_added_later_are_for_the_environment_too_and_name_their_log(puffin, env, index):
    index.add(*forge_backend())
    index.add(*forge_sdist("plain"))
    assert puffin.sync("plain==1.0\n", "-i", index.url).code == 0
    found = tasks(last(puffin))
    assert {row["stage"] for row in found} >= {"fetch", "environment", "build", "unzip", "link"}
    assert {tuple(row["environments"]) for row in found} == {(str(env.root),)}
    assert {row["cache"] for row in found} == {"miss"}
    (build,) = [row for row in found if row["stage"] == "build" and row["log"]]
    with open(build["log"]) as file:
        assert "building plain" in file.read()


@pytest.mark.skipif(importlib.util.find_spec("bokeh") is None, reason="the dashboard needs bokeh")
def test_the_dashboard_shows_the_fine_tasks_of_all(puffin, shop, services):
    done = puffin("sync", GLOB, "-i", shop.url, "--dashboard=0")
    assert done.code == 0, done.err
    assert done.err.startswith("Dashboard at http://127.0.0.1:")
    assert services["b"].installed() == {"alpha": "1.0", "beta": "1.0"}
    rows = last(puffin)
    assert {row["graph"] for row in rows if "graph" in row} == {"cluster"}
    assert len(tasks(rows)) == 6
    assert all(row["environments"] for row in tasks(rows))
