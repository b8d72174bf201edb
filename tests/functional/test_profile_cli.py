"""``--profile``, ``--trace``, ``--dashboard``, ``puffin profile`` and ``puffin graph``, as users run them."""

import base64
import hashlib
import http.server
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request

import pytest

from tests.helpers.browser import Browser, chromium, pixels
from tests.helpers.cli import checked, told
from tests.helpers.faults import started
from tests.helpers.sdists import forge_sdist
from tests.helpers.waiting import SECONDS, SOON, until
from tests.helpers.wheels import forge_wheel

needs_bokeh = pytest.mark.skipif(not importlib.util.find_spec("bokeh"), reason="the dashboard needs bokeh")


@pytest.fixture
def shop(index):
    """An index with a few packages."""
    for name, version in (("alpha", "1.0"), ("alpha", "2.0"), ("beta", "1.0")):
        index.add(*forge_wheel(name, version))
    return index


def records(puffin):
    return sorted((puffin.cache / "runs-v0").glob("*.jsonl"))


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_sync_says_where_its_page_is_and_the_page_what_was_done(puffin, env, shop):
    done = puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url, "--profile", "--trace", "out/t.json")
    expected = told("+ alpha==1.0", "+ beta==1.0", pins=2, prepared=2, installed=2)
    warning = "warning: Failed to write the trace `out/t.json`: No such file or directory\n"
    assert (done.code, done.err) == (0, f"{expected}Profile written to puffin-profile.html\n{warning}")
    page = (puffin.cwd / "puffin-profile.html").read_text()
    assert "alpha==1.0" in page
    assert "puffin pip sync" in page
    assert not re.search(r"""(?:src|href)=["']?(?!file:)""", page)
    assert [path.name for path in puffin.cwd.iterdir() if "tmp" in path.name] == []


def test_a_page_has_its_value_behind_an_equals_sign_alone(puffin, env, shop):
    puffin.file("requirements.txt", "alpha==1.0\n")
    done = puffin("pip", "sync", "--profile", "requirements.txt", "-i", shop.url, "--profile=other.html")
    assert done.code == 0
    assert (puffin.cwd / "requirements.txt").read_text() == "alpha==1.0\n"
    assert (puffin.cwd / "other.html").exists()
    done = puffin("pip", "install", "--profile", "beta", "-i", shop.url)
    assert done.code == 0, done.err
    assert env.installed() == {"alpha": "1.0", "beta": "1.0"}
    assert "puffin pip install" in (puffin.cwd / "puffin-profile.html").read_text()


@pytest.mark.parametrize(
    ("value", "written"), [("1", "puffin-profile.html"), ("p.html", "p.html"), ("0", None)]
)
def test_the_variable_is_a_switch_or_a_file(puffin, env, shop, value, written):
    assert puffin.sync("alpha==1.0\n", "-i", shop.url, env={"PUFFIN_PROFILE": value}).code == 0
    assert [path.name for path in puffin.cwd.glob("*.html")] == ([written] if written else [])


def test_what_has_nothing_to_do_has_a_page_only_when_asked(puffin, env, shop):
    puffin.sync("alpha==1.0\n", "-i", shop.url)
    before = records(puffin)
    assert puffin.sync(None, "-i", shop.url).err == checked(1)
    assert records(puffin) == before
    done = puffin.sync(None, "-i", shop.url, "--profile=p.html")
    assert done.err == checked(1) + "Profile written to p.html\n"
    assert "find the interpreter" in (puffin.cwd / "p.html").read_text()


def test_a_failed_run_has_its_record_and_its_page(puffin, env, shop):
    shop.add("bad-1.0-py3-none-any.whl", b"no wheel")
    done = puffin.sync("alpha==1.0\nbad==1.0\n", "-i", shop.url, "--profile=p.html")
    assert done.code == 1
    page = (puffin.cwd / "p.html").read_text()
    assert "What failed" in page
    assert "failed, exit code 1" in page
    (path,) = records(puffin)
    lines = lines_of(path)
    assert lines[-1]["status"] == 1
    status = {(line["stage"], line["package"]): line["status"] for line in lines if "stage" in line}
    assert status["unzip", "bad"] == "failed"
    assert status["link", "bad"] == "cancelled"
    assert status["link", "alpha"] == "done"


def test_bytes_hits_environments_and_phases_are_in_the_record(puffin, env, shop):
    filename, data = forge_wheel("gamma", "1.0")
    shop.add(filename, data)
    puffin.sync("gamma==1.0\n", "-i", shop.url)
    other = puffin.venv(name="other")
    puffin.sync("gamma==1.0\n", "-i", shop.url, "-p", other.root)
    first, second = map(lines_of, records(puffin))
    tasks = {line["stage"]: line for line in first if "stage" in line}
    assert {stage: line["cache"] for stage, line in tasks.items()} == {
        "fetch": "miss", "unzip": "miss", "link": "miss",
    }  # fmt: skip
    assert (tasks["fetch"]["in"], tasks["unzip"]["in"]) == (len(data), len(data))
    assert tasks["unzip"]["out"] == tasks["link"]["in"] > 0
    assert tasks["unzip"]["ready"] == tasks["fetch"]["end"]
    assert all(line["environments"] == [str(env.root)] for line in tasks.values())
    (link,) = [line for line in second if "stage" in line]
    assert (link["stage"], link["cache"], link["environments"]) == ("link", "hit", [str(other.root)])
    for lines in (first, second):
        phases = [line["phase"] for line in lines if "phase" in line]
        assert {"start python", "start puffin", "locate", "start executor", "commit"} <= {*phases}
        assert lines[-1].keys() == {"ended", "status", "wall"}


@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung up")],
)
def test_an_interrupted_run_has_its_record_and_its_page(puffin, env, index, executor, number, code, word):
    for name in ("quick", "stuck"):
        filename, data = forge_wheel(name, "1")
        index.add(filename, data)
        if name == "stuck":
            index.fail(f"/files/{filename}", ["slow"], forever=True)
    puffin.file("r.txt", "quick==1\nstuck==1\n")
    words = ("pip", "sync", "r.txt", "--executor", executor, "--index-url", index.url, "--profile=p.html")
    with started(puffin, *words) as process:
        until(lambda: any(path.startswith("/files/stuck") for path in index.paths()))
        os.kill(process.pid, number)
        process.communicate(timeout=SOON)
    assert process.returncode == code
    page = (puffin.cwd / "p.html").read_text()
    assert word in page
    assert "Not done" in page
    (path,) = records(puffin)
    lines = lines_of(path)
    assert lines[-1]["status"] == code
    assert {line["status"] for line in lines if line.get("package") == "stuck"} == {"unfinished"}


def test_a_compilation_has_a_record_and_a_page_and_its_header_does_not_tell(puffin, shop):
    puffin.file("in.txt", "alpha\n")
    done = puffin("pip", "compile", "in.txt", "-i", shop.url, "--profile=p.html", "--trace", "t.json")
    assert done.code == 0
    assert "puffin pip compile in.txt\n" in done.out
    assert "resolve dependencies" in (puffin.cwd / "p.html").read_text()
    trace = json.loads((puffin.cwd / "t.json").read_text())
    assert "resolve" in {event["name"] for event in trace["traceEvents"]}


def test_the_trace_of_a_sync_pairs_its_arrows(puffin, env, shop):
    puffin.executor = "pool"
    assert puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url, "--trace=t.json").code == 0
    events = json.loads((puffin.cwd / "t.json").read_text())["traceEvents"]
    kinds = {kind: [event["id"] for event in events if event["ph"] == kind] for kind in "sf"}
    assert len(kinds["s"]) == 4
    assert sorted(kinds["s"]) == sorted(kinds["f"])
    assert {"fetch alpha==1.0", "unzip beta==1.0", "commit"} <= {event["name"] for event in events}


def test_earlier_runs_are_shown_and_compared(puffin, env, shop):
    assert puffin("profile", "show").err == (
        "error: There is no record of the run `-1`\n\n"
        "hint: run `puffin profile show --last 10` to see the last runs\n"
    )
    puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url)
    puffin.sync("alpha==2.0\n", "-i", shop.url)
    last = records(puffin)[-1].stem
    shown = puffin("profile", "show")
    assert (shown.code, shown.err) == (0, "")
    assert f"run {last}" in shown.out
    for word in ("bottleneck", "Where the time went", "Slow packages", "alpha==2.0"):
        assert word in shown.out
    assert puffin("profile", "show", last).raw_out == shown.raw_out == puffin("profile", "show", "-1").raw_out
    listed = puffin("profile", "show", "--last", "9").out
    assert [path.stem in listed for path in records(puffin)] == [True, True]
    compared = puffin("profile", "compare", "-2", str(records(puffin)[-1]))
    assert compared.code == 0
    assert re.search(r"beta==1\.0 .* \[TIME\]|beta==1\.0", compared.out)
    assert puffin("profile", "compare").out == puffin("profile", "compare", "-2", "-1").out
    assert puffin("profile", "show", "--lost").err.startswith("error: No such option `--lost`")


def test_a_comparison_names_both_runs_and_refuses_what_is_not_comparable(puffin, env, shop):
    puffin.sync("alpha==1.0\n", "-i", shop.url)
    puffin("pip", "install", "beta", "-i", shop.url)
    puffin.sync("alpha==2.0\n", "-i", shop.url)
    first, second, third = [path.stem for path in records(puffin)]
    done = puffin("profile", "compare", first, second)
    assert done.code == 2
    assert done.err == (
        f"error: The runs `{first}` and `{second}` are not comparable: one is `pip sync`, the other `pip install`\n\n"
        "hint: compare them nevertheless with `--any`\n"
    )
    assert puffin("profile", "compare", first, second, "--any").code == 0
    out = puffin("profile", "compare", first, third).out
    assert f"run {first}" in out
    assert f"run {third}" in out


def slowed(path, factor):
    """Make a recorded run last *factor* times as long."""
    lines = lines_of(path)
    lines[-1]["ended"] = lines[0]["started"] + factor * (lines[-1]["ended"] - lines[0]["started"])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_history_marks_what_is_slower(puffin, env, shop):
    assert puffin("profile", "history").code == 1
    for version in ("1.0", "2.0", "1.0"):
        puffin.sync(f"alpha=={version}\n", "-i", shop.url)
    slowed(records(puffin)[-1], 50)
    done = puffin("profile", "history")
    assert (done.code, done.err) == (0, "")
    assert done.raw_out.splitlines()[0].startswith("puffin pip sync · ")
    assert "█" in done.raw_out
    told = json.loads(puffin("profile", "history", "--json").raw_out)
    assert [each["run"] for each in told] == [path.stem for path in records(puffin)]
    assert told[0]["slower"] is None
    assert told[-1]["slower"] > 2
    done = puffin("profile", "history", "--warn-slower", "20%")
    assert done.code == 4
    assert re.fullmatch(
        r"warning: The later run is \d+% slower than the median of the runs before it; `--warn-slower` allows 20%\n",
        done.err,
    )
    assert puffin("profile", "compare", "-2", "-1", "--warn-slower=20%").code == 4
    assert puffin("profile", "compare", "-1", "-2", "--warn-slower=20%").code == 0
    done = puffin("profile", "history", "--warn-slower", "20%", env={"GITHUB_ACTIONS": "true"})
    assert done.err.startswith("::warning title=puffin::The later run is ")
    done = puffin("profile", "history", "--warn-slower", "much")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: `much` is not a percentage")


def test_profiles_as_json(puffin, env, shop):
    puffin.sync("alpha==1.0\n", "-i", shop.url)
    puffin.sync("alpha==2.0\n", "-i", shop.url)
    (one,) = json.loads(puffin("profile", "show", "--json").raw_out)
    assert (one["command"], one["status"], one["cache"]["misses"]) == ("pip sync", 0, 1)
    assert {phase["name"] for phase in one["phases"]} >= {"fetch", "unzip", "link", "commit"}
    assert sum(phase["weighted"] for phase in one["phases"]) + one["idle"] == pytest.approx(
        one["wall"], abs=1e-4
    )
    assert one["findings"]
    assert all(each["kind"] and each["text"] for each in one["findings"])
    assert len(json.loads(puffin("profile", "show", "--last", "5", "--json").raw_out)) == 2
    compared = json.loads(puffin("profile", "compare", "-2", "-1", "--json").raw_out)
    assert {each["name"] for each in compared["packages"]} == {"alpha==1.0", "alpha==2.0"}


def test_the_graph_of_a_plan_needs_no_environment(puffin, shop):
    puffin.file("requirements.txt", "alpha==1.0\nbeta==1.0\n")
    done = puffin("graph", "-i", shop.url, "--format", "json")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.raw_out)
    assert [(task["stage"], task["package"]) for task in found["tasks"]] == [
        (stage, package) for package in ("alpha==1.0", "beta==1.0") for stage in ("fetch", "unzip", "link")
    ]
    assert len(found["edges"]) == 4
    assert puffin("graph", "requirements.txt", "-i", shop.url).out.startswith("digraph puffin {")
    done = puffin("graph", "-i", shop.url, "--format=mermaid", "-o", "g.mmd")
    assert (done.code, done.out) == (0, "")
    assert (puffin.cwd / "g.mmd").read_text().startswith("flowchart LR\n")
    assert not any(path.startswith("/files/") for path in shop.paths() if not path.endswith(".metadata"))
    assert not (puffin.cwd / ".venv").exists()


def test_the_graph_of_a_plan_knows_the_cache(puffin, env, shop):
    puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url)
    found = json.loads(puffin("graph", "requirements.txt", "-i", shop.url, "--format", "json").raw_out)
    assert [(task["stage"], task["cache"]) for task in found["tasks"]] == [("link", "hit"), ("link", "hit")]


def test_the_graph_shows_what_is_built_and_compiled_without_doing_it(puffin, shop):
    shop.add(*forge_sdist("plain"))
    puffin.file("requirements.txt", "alpha==1.0\nplain==1.0\n")
    words = ("graph", "-i", shop.url, "--format", "json", "--compile-bytecode")
    done = puffin(*words)
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.raw_out)
    assert [(task["stage"], task["package"]) for task in found["tasks"]] == [
        ("fetch", "alpha==1.0"), ("unzip", "alpha==1.0"), ("compile", "alpha==1.0"), ("link", "alpha==1.0"),
        ("fetch", "plain==1.0"), ("build", "plain==1.0"), ("unzip", "plain==1.0"), ("compile", "plain==1.0"),
        ("link", "plain==1.0"),
    ]  # fmt: skip
    assert len(found["edges"]) == 9
    assert not any(path.endswith(".tar.gz") for path in shop.paths())
    assert not (puffin.cache / "build-envs-v0").exists()


def test_mistakes_are_told(puffin, env, shop):
    puffin.file("requirements.txt", "alpha==1.0\n")
    sync = ("pip", "sync", "requirements.txt", "-i", shop.url)
    for words, text in (
        ((*sync, "--dashboard=x"), "error: `x` is not a port"),
        (
            (*sync, "--dashboard", "--executor", "pool"),
            "error: The dashboard shows the cluster executor, not `pool`",
        ),
        (("profile", "show", "--last", "none"), "error: `none` is not a number of runs"),
        (("graph",), "error: "),
    ):
        done = puffin(*words, cwd=puffin.home if words == ("graph",) else None)
        assert done.code == 2
        assert done.err.startswith(text)
    done = puffin("graph", "requirements.txt", env={"PUFFIN_GRAPH_FORMAT": "png"})
    assert done.code == 2


def test_without_bokeh_there_is_a_hint_and_the_run_goes_on(puffin, env, shop):
    puffin.file("block/sitecustomize.py", "import sys\nsys.modules['bokeh'] = None\n")
    path = os.pathsep.join((str(puffin.cwd / "block"), puffin.environ()["PYTHONPATH"]))
    puffin.file("requirements.txt", "alpha==1.0\n")
    done = puffin("pip", "sync", "requirements.txt", "-i", shop.url, "--dashboard", env={"PYTHONPATH": path})
    hint = "hint: the dashboard needs bokeh; install it with `pip install 'puffin-installer[dashboard]'`\n"
    assert (done.code, done.err) == (0, hint + told("+ alpha==1.0", pins=1, prepared=1, installed=1))


@needs_bokeh
def test_the_dashboard_stays_up_as_long_as_it_is_asked_to(puffin, env, shop):
    puffin.file("requirements.txt", "alpha==1.0\nbeta==1.0\n")
    words = ("pip", "sync", "requirements.txt", "-i", shop.url, "--dashboard=0", "--dashboard-linger")
    command = [sys.executable, "-m", "puffin", *words]
    process = subprocess.Popen(command, env=puffin.environ(), cwd=puffin.cwd, stderr=subprocess.PIPE, text=True)
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if line == "The dashboard stays up until you press Ctrl-C\n":
                break
        (address,) = [line.split()[2] for line in said if line.startswith("Dashboard at ")]
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            assert b"bokeh" in answer.read().lower()
        assert (
            puffin("pip", "sync", "requirements.txt", "-i", shop.url, "--verbose").code == 0
        )  # nothing is locked
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=SECONDS)
        assert (process.returncode, rest) == (0, "")
    finally:
        process.kill()
        process.communicate()
    assert env.installed() == {"alpha": "1.0", "beta": "1.0"}
    stages = [line["stage"] for line in lines_of(records(puffin)[0]) if "stage" in line]
    assert sorted(stages) == ["fetch", "fetch", "link", "link", "unzip", "unzip"]


BURNING = """
import os, subprocess, sys, zipfile

def build_wheel(directory, settings=None, metadata=None):
    subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 0.4: pass"], check=True)
    info = "hot-1.dist-info"
    with zipfile.ZipFile(os.path.join(directory, "hot-1-py3-none-any.whl"), "w") as wheel:
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: hot\\nVersion: 1\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return "hot-1-py3-none-any.whl"
"""


def test_the_cpu_time_of_a_build_includes_its_processes(puffin, env, shop):
    puffin.file("hot/burning.py", BURNING)
    puffin.file(
        "hot/pyproject.toml",
        '[build-system]\nrequires = []\nbuild-backend = "burning"\nbackend-path = ["."]\n'
        '[project]\nname = "hot"\nversion = "1"\n',
    )
    done = puffin.sync("./hot\n", "-i", shop.url)
    assert done.code == 0, done.err
    (build,) = [line for line in lines_of(records(puffin)[-1]) if line.get("stage") == "build"]
    assert build["cpu"] >= 0.35


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes traces of OpenTelemetry."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, self.headers["Content-Type"], body))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_words):
        """Print nothing."""


@pytest.fixture
def collector():
    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as server:
        server.taken, server.answer = [], 200
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.skipif(not importlib.util.find_spec("opentelemetry"), reason="OpenTelemetry is not installed")
@pytest.mark.parametrize("path", ["", "/v1/traces/"])
def test_a_run_is_sent_to_a_collector(puffin, env, shop, collector, path):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    done = puffin.sync("alpha==1.0\n", "-i", shop.url, "--otlp", collector.url + path)
    assert done.code == 0, done.err
    assert done.err.splitlines()[-1].startswith("Trace sent to http://127.0.0.1:")
    ((asked, kind, body),) = collector.taken
    assert (asked, kind) == ("/v1/traces", "application/x-protobuf")
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    spans = {span.name: span for scope in resource.scope_spans for span in scope.spans}
    assert {
        "puffin pip sync",
        "fetch alpha==1.0",
        "unzip alpha==1.0",
        "link alpha==1.0",
        "commit",
    } <= spans.keys()
    run, link = spans["puffin pip sync"], spans["link alpha==1.0"]
    assert link.parent_span_id == run.span_id
    assert run.start_time_unix_nano <= link.start_time_unix_nano <= link.end_time_unix_nano
    assert "puffin.package" in {each.key for each in link.attributes}
    collector.answer = 400
    done = puffin.sync("alpha==2.0\n", "-i", shop.url, "--otlp", collector.url)
    assert done.code == 0
    assert done.err.splitlines()[-1].startswith("warning: Failed to send the trace to `http://127.0.0.1:")
    assert "export" not in done.err


def test_without_opentelemetry_there_is_a_warning_and_the_run_goes_on(puffin, env, shop):
    puffin.file("block/sitecustomize.py", "import sys\nsys.modules['opentelemetry'] = None\n")
    path = os.pathsep.join((str(puffin.cwd / "block"), puffin.environ()["PYTHONPATH"]))
    puffin.file("requirements.txt", "alpha==1.0\n")
    words = ("pip", "sync", "requirements.txt", "-i", shop.url, "--otlp", "http://127.0.0.1:9")
    done = puffin(*words, env={"PYTHONPATH": path})
    assert done.code == 0
    assert done.err.endswith(
        "warning: `--otlp` needs OpenTelemetry; install it with `pip install 'puffin-installer[otlp]'`\n"
    )


def test_the_page_may_load_and_send_nothing(puffin, env, shop):
    assert puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url, "--profile=p.html").code == 0
    page = (puffin.cwd / "p.html").read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}'; ")
    assert not re.search(r" on[a-z]+=|(src|href)=", page)


@pytest.mark.skipif(not chromium(), reason="no Chromium is installed")
def test_the_page_looks_right_in_a_browser(puffin, env, shop):
    assert puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url, "--profile=p.html").code == 0
    script = (
        "JSON.stringify({wide: document.documentElement.scrollWidth, bars: document.querySelectorAll('rect').length,"
        " shown: [...document.querySelectorAll('h1,h2')].map(e => e.textContent),"
        " tips: [...document.querySelectorAll('rect')].every(e => e.dataset.tip)})"
    )
    light, dark = None, None
    with Browser() as browser:
        url = (puffin.cwd / "p.html").as_uri()
        light, found = browser.picture(url, script=script)
        dark, _ = browser.picture(url, dark=True)
    page = json.loads(found)
    assert page["wide"] <= 1440
    assert page["bars"] >= 6
    assert page["tips"]
    assert page["shown"][1:5] == ["Findings", "Critical path", "Where the time went", "Workers"]
    for png, is_dark in ((light, False), (dark, True)):
        width, height, colors = pixels(png)
        assert (width, height) == (1440, 900)
        background, count = colors.most_common(1)[0]
        assert (sum(background[:3]) < 200) is is_dark
        assert count < 0.97 * width * height
        assert len(colors) > 50
