"""The benchmark runs offline with forged inputs, and its figures are summed up and judged as its README says."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import pytest
from packaging.requirements import Requirement

from bench.cases import FAMILIES
from bench.indexes import DELAY, Indexes
from bench.pages import Project, forged_sets, older, real_projects, write_pages
from bench.plot import svg
from bench.results import input_lines, markdown, missed, summarise
from bench.rounds import Case
from bench.server import JSON, IndexServer
from bench.shapes import Shape
from bench.tools import Tool

ROOT = Path(__file__).resolve().parents[2]
CHOSEN = ("start-version", "packages-10-*", "many-none")


def run(seconds: float, cpu: float = 0.5, **more: float) -> dict[str, float]:
    return {"wall": seconds, "user": cpu, "system": 0.0, "requests": 7, **more}


def result(summary: object = None, **more: object) -> dict[str, object]:
    runs = {"uv": [run(1.0, 1.0), run(2.0, 1.0)], "puffin": [run(0.5), run(3.0)]}
    facts = {
        "case": "cold",
        "title": "cold",
        "place": "tmpfs",
        "base": "uv",
        "cpu": False,
        "bounds": {"puffin": 0.9},
    }
    limits = {"requests": float("inf"), "inodes": float("inf")}
    return {**facts, **limits, "runs": runs, "failed": {}, "summary": summary or summarise(runs), **more}


def bench(tmp_path: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    own = Path(sys.executable).with_name("puffin")
    offline = ["--quick", "--hermetic", "--beside", "--no-memory", "--puffin", own, "--on", tmp_path]
    places = ["--out", tmp_path / "out", "--wheels", tmp_path / "kept", "--environment-python", sys.executable]
    return subprocess.run(
        [sys.executable, "-m", "bench", *offline, *places, *words],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )


def test_it_runs_offline(tmp_path: Path) -> None:
    done = bench(tmp_path, "--cases", *CHOSEN)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "RESULTS.md").read_text()
    assert page == done.stdout.removesuffix("\n")
    (row,) = [
        line.split("|") for line in page.splitlines() if line.startswith("| 10 small packages, cold | puffin")
    ]
    assert [cell.strip() for cell in row[8:13]] == ["20", "", "", "", ""]  # requests; uv and pip are absent
    report = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {each["case"] for each in report["results"]} == {
        "start-version",
        "packages-10-warm",
        "packages-10-cold",
    }
    assert all(
        run["wall"] > 0 and run["user"] > 0 for each in report["results"] for run in each["runs"]["puffin"]
    )
    chart = ElementTree.parse(tmp_path / "out" / "results.svg").getroot()
    assert len(chart.findall("{*}rect[@class='puffin']")) == 1 + 3
    assert not list(tmp_path.glob("puffin-bench-*"))


def test_a_tool_that_fails_is_left_out_and_the_others_go_on(tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo puffin 0.0 || { echo no such option; exit 2; }\n'
    )
    before.chmod(0o755)
    done = bench(tmp_path, "--versus", before, "--cases", "packages-10-warm", "start-version")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "results.json").read_text())
    took = {each["case"]: set(each["summary"]) for each in report["results"]}
    assert took == {"packages-10-warm": {"puffin"}, "start-version": {"puffin", "before", "python -c pass"}}
    _, _, broken = done.stdout.partition("## Left out because they failed")
    assert broken.strip().startswith("- before: 10 small packages, warm on ")
    assert "no such option" in done.stderr


def test_ratios_are_those_within_a_round() -> None:
    summary = summarise({"uv": [run(1.0), run(2.0)], "puffin": [run(0.5), run(3.0)], "pip": [run(35.0)]})
    assert summary["puffin"]["÷ uv"] == pytest.approx((0.5 + 1.5) / 2)
    assert summary["puffin"]["÷ pip"] == pytest.approx(1.75 / 35)
    assert (summary["uv"]["min"], summary["uv"]["median"], summary["uv"]["max"]) == (1.0, 1.5, 2.0)


def test_bounds_that_are_missed_are_listed() -> None:
    late = result()
    many = summarise({"uv": [run(1.0)], "puffin": [run(0.5, requests=70, inodes=4000)]})
    greedy = result(many, requests=1.5, inodes=3000, title="greedy")
    fat = result(summarise({"puffin": [run(0.5, memory=3 * 1024**3)]}), title="fat")
    assert missed({"results": [late, greedy, fat]}) == [
        "cold on tmpfs: puffin takes 1.00 × uv, 0.9 allowed",
        "greedy on tmpfs: 70 requests, uv makes 7",
        "greedy on tmpfs: 4000 inodes, 3000 allowed",
        "fat on tmpfs: 3072 MiB",
    ]


def test_inputs_are_judged_by_cpu_seconds_all_together() -> None:
    ratios = {"a": 0.9, "b": 1.0, "c": 2.5}
    summaries = {
        title: summarise({"uv": [run(1, 1)], "puffin": [run(1, cpu)]}) for title, cpu in ratios.items()
    }
    report = {"results": [result(own, title=title, cpu=True) for title, own in summaries.items()]}
    lines = input_lines(report)
    assert lines[0] == "CPU seconds of 3 inputs, median: 1.00 × uv, 1.1 allowed: holds"
    assert lines[1] == "CPU seconds of 3 inputs, worst (c): 2.50 × uv, 2 allowed: missed"
    assert lines[1] in missed(report)


@pytest.mark.parametrize(
    ("tool", "place", "expected"),
    [
        ("puffin", "tmpfs", 0.7),
        ("puffin", "ext4", 0.8),
        ("second", "tmpfs", 0.9),
        ("before", "tmpfs", None),
        ("uv", "tmpfs", None),
    ],
)
def test_each_puffin_has_its_own_bound(tool: str, place: str, expected: float | None) -> None:
    case = Case(name="warm", title="warm", bound=0.7, disk_bound=0.8, second_bound=0.9)
    kind = "uv" if tool == "uv" else "puffin"
    found = case.allowed(Tool(name=tool, kind=kind, executable="", version="", second=tool == "second"), place)
    assert found == (float("inf") if expected is None else expected)


def test_names_of_cases_are_unique() -> None:
    names = [case.name for _, cases in FAMILIES for case in cases]
    assert len(names) == len(set(names)) > 80


def test_forged_versions_are_as_many_as_recorded_and_different() -> None:
    for project in real_projects():
        assert project.versions[0] == project.shape.version
        assert len(set(project.versions)) == len(project.versions) == project.shape.versions
    assert older(Shape(name="a", version="1.0", versions=4)) == ["1.0", "0.9", "0.8", "0.7"]


@pytest.mark.parametrize("name", forged_sets())
def test_forged_sets_have_all_that_their_packages_require(name: str) -> None:
    forged = forged_sets()[name]()
    names = {project.shape.name for project in forged.projects}
    lines = {line for each in forged.projects for at in range(len(each.versions)) for line in each.requires(at)}
    wanted = {*lines, *forged.requirements.split(), *forged.constraints.split()}
    assert {Requirement(line).name for line in wanted} == names


@pytest.mark.parametrize("nginx", [None, ""], ids=["nginx", "python"])
def test_forged_pages_are_served_with_and_without_a_delay(nginx: str | None, tmp_path: Path) -> None:
    shape = Shape(name="forged", version="2.0", versions=2, files=20)
    project = Project(shape=shape, versions=older(shape), requires=lambda number: (f"other>={number}",))
    write_pages([project], tmp_path / "index" / "one", json_pages=True, separate=True)
    (tmp_path / "scratch").mkdir()
    server = IndexServer(tmp_path / "index", tmp_path / "scratch", nginx=nginx)
    places = {"kept": tmp_path, "python": sys.executable, "hermetic": True, "real": ""}
    with server, Indexes(tmp_path / "index", server, **places) as indexes:
        page = json.loads(fetched(indexes.url("one") + "forged/", Accept=JSON))
        file = next(file for file in page["files"] if file["filename"].startswith("forged-2.0-cp312"))
        url = urljoin(indexes.url("one") + "forged/", file["url"])
        metadata = fetched(url + ".metadata")
        began = time.monotonic()
        links = fetched(indexes.url("one", late=True) + "forged/").decode().count("<a ")
        assert time.monotonic() - began >= DELAY
        asked = server.asked(0)
    assert hashlib.sha256(metadata).hexdigest() == file["core-metadata"]["sha256"]
    assert b"Version: 2.0\nRequires-Python: >=3.8\nRequires-Dist: other>=0\n" in metadata
    assert links == len(page["files"]) > 20 - 5
    assert asked == ["/one/simple/forged/", f"{urlsplit(url).path}.metadata", "/one/simple/forged/"]


def fetched(url: str, **headers: str) -> bytes:
    with urlopen(Request(url, headers=headers), timeout=10) as answer:
        body: bytes = answer.read()
        return body


def test_the_page_names_a_chart_of_all_tools() -> None:
    machine = {"cores": 2, "cpu": "a processor", "kernel": "6", "load": 0.1}
    report = {
        "date": "today",
        "machine": machine,
        "tools": {"uv": "uv 1", "puffin": "puffin 1"},
        "python": "3.12",
        "server": "nginx",
        "link_mode": "hardlink",
        "inputs": "forged",
        "rounds": 2,
        "minutes": 1,
        "results": [result()],
    }
    assert "![puffin beside uv and pip](chart.svg)" in markdown(report, "chart.svg")
    assert "prefers-color-scheme: dark" in svg(report)
    assert "Not to be quoted" not in markdown(report, "chart.svg") + svg(report)
    for doubtful in ({"rounds": 1}, {"machine": {**machine, "load": 2.5}}):
        assert "Not to be quoted" in markdown({**report, **doubtful}, "chart.svg")
        assert "Not to be quoted" in svg({**report, **doubtful})
