"""What is said of a run: spans, shares, the critical path, idle workers, comparisons, the trace, the page."""

import itertools
import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.cli.commands.profile import sparkline
from puffin.cli.page.findings import advised, answers
from puffin.cli.page.page import page
from puffin.cli.page.words import idle_word, verdict
from puffin.pipeline.profile.compare import NotComparable, check_comparable, compare, history, previous
from puffin.pipeline.profile.read import parse
from puffin.pipeline.profile.report import report_on
from puffin.pipeline.profile.spans import IDLE, critical_path, merged, parts, spans, union, weighted
from puffin.pipeline.profile.trace import trace
from puffin.pipeline.profile.workers import BETWEEN, DOWNLOADS, NOTHING_LEFT, STARTING, window, workers
from tests.helpers.records import ZERO, end, graph, head, phase, task

CLOSE = 1e-6


def profile(*lines, **changes):
    return parse([head(**changes), *lines])


CHAIN = (
    phase("start python", 0, 1),
    phase("locate", 1, 3),
    phase("start executor", 1.5, 2),
    graph(3),
    task("fetch", "slow", 3, 5, **{"in": 2_000_000}),
    task("unzip", "slow", 5, 9, "fetch/slow", ready=ZERO + 5),
    task("link", "slow", 9, 9.5, "unzip/slow"),
    task("link", "quick", 3, 4, worker="3", cache="hit", **{"in": 500}),
    phase("commit", 9.5, 10),
    end(10),
)


def told(steps):
    return [
        (step.row.name if step.row else "", round(step.start - ZERO, 3), round(step.end - ZERO, 3))
        for step in steps
    ]


def test_the_critical_path_goes_through_dependencies_and_the_driver():
    assert told(critical_path(profile(*CHAIN))) == [
        ("start python", 0, 1),
        ("locate", 1, 1.5),
        ("start executor", 1.5, 2),
        ("locate", 2, 3),
        ("fetch", 3, 5),
        ("unzip", 5, 9),
        ("link", 9, 9.5),
        ("commit", 9.5, 10),
    ]


def test_the_critical_path_goes_through_a_busy_worker_and_counts_waits():
    lines = (
        graph(0),
        task("build", "a", 0, 4),
        task("build", "b", 5, 9),
        task("build", "c", 0, 3, worker="3"),
        end(9),
    )
    assert told(critical_path(profile(*lines))) == [("build", 0, 4), ("", 4, 5), ("build", 5, 9)]


def test_a_run_is_limited_by_one_task_or_by_a_stage():
    report = report_on(profile(*CHAIN))
    assert (report.limit.name, report.limit.package, report.limit.seconds) == ("unzip", "slow==1", 4.0)
    assert (
        verdict(report)
        == "10.00s · bottleneck: unpack slow (4.00s on the critical path) · 1.2 tasks at once on average, 2 jobs"
        " · 1 package from the cache (500 B)"
    )
    many = [task("link", f"p{number}", number, number + 1) for number in range(10)]
    report = report_on(profile(graph(0), *many, end(10)))
    assert (report.limit.name, report.limit.package, report.limit.seconds) == ("link", "", 10.0)


def test_nested_phases_are_counted_once():
    shares = {each.name: (each.wall, each.sum, each.weighted) for each in report_on(profile(*CHAIN)).phases}
    assert shares["locate"] == (1.5, 1.5, 1.5)
    assert shares["start executor"] == (0.5, 0.5, 0.5)
    assert shares["fetch"] == (2.0, 2.0, pytest.approx(1.5))


def test_what_a_phase_does_on_the_side_is_not_taken_from_it():
    found = profile(phase("locate", 0, 4), task("fetch", "a", 1, 2, worker="1"), end(4))
    assert [(span.row.name, span.seconds) for span in spans(found)] == [("locate", 4.0), ("fetch", 1.0)]


def test_why_workers_were_idle():
    lines = (
        graph(0),
        task("fetch", "a", 0.5, 2),
        task("unzip", "a", 2, 3, "fetch/a"),
        task("build", "c", 1, 6, worker="3"),
        task("link", "c", 6, 7, "build/c", ready=ZERO + 6),
        task("link", "z", 8, 9),
        end(10),
    )
    second, third = workers(profile(*lines))
    assert dict(second.idle) == {
        DOWNLOADS: pytest.approx(1.5), STARTING: pytest.approx(0.5), BETWEEN: pytest.approx(1.0),
        "nothing ready: link waits for build": pytest.approx(3.0),
    }  # fmt: skip
    assert dict(third.idle) == {STARTING: pytest.approx(1.0), NOTHING_LEFT: pytest.approx(3.0)}


def test_idleness_is_told_in_words_of_users():
    assert idle_word(DOWNLOADS) == DOWNLOADS
    assert idle_word("nothing ready: link waits for build and unzip") == (
        "nothing ready: `install files` waits for `build` and `unpack`"
    )


def test_what_the_cache_saved_is_what_it_cost_before():
    made = (task("fetch", "a", 0, 2), task("unzip", "a", 2, 4, out=1000), task("unzip", "b", 4, 5, out=1000))
    before = profile(*made, task("link", "a", 5, 9, cache="miss"), end(9), run="0")
    hits = (
        task("link", "a", 0, 1, cache="hit", **{"in": 1000}),
        task("link", "new", 1, 2, cache="hit", **{"in": 400}),
        task("link", "a", 2, 3, cache="hit", **{"in": 1000}),
    )
    now = profile(*hits, end(3))
    report = report_on(now, [before])
    assert (report.hits, report.misses) == (2, 0)
    assert (report.saved, report.served) == (4, 1400)
    assert report_on(now).saved == 0
    assert verdict(report).endswith("2 packages from the cache (1.4 KiB, 4.00s of work in earlier runs)")


def test_environments_and_packages():
    lines = (
        task("fetch", "a", 0, 1, environments=["/one", "/two"], log="/log"),
        task("compile", "b", 0, 0, environments=["/two"], cache=""),
        task("link", "b", 1, 4, environments=["/two"], cache="hit"),
        end(4),
    )
    report = report_on(profile(*lines))
    assert [(each.name, each.packages, each.hits, each.seconds) for each in report.places] == [
        ("/two", 2, 1, 3.5),
        ("/one", 1, 0, 0.5),
    ]
    assert [(each.label, each.seconds, each.log) for each in report.packages] == [
        ("b==1", 3.0, ""),
        ("a==1", 1.0, "/log"),
    ]


def test_two_runs_beside_each_other():
    before = report_on(profile(task("build", "a", 0, 5), task("link", "a", 5, 6), end(6)))
    after = report_on(profile(task("build", "a", 0, 2), task("link", "a", 2, 3), end(3)))
    found = compare(before, after)
    assert [(each.name, each.change) for each in found.phases] == [("build", -3.0), ("link", 0.0)]
    assert [(each.name, each.before, each.after) for each in found.packages] == [("a==1", 6.0, 3.0)]


def test_runs_are_compared_by_task_and_by_what_the_cache_served():
    before = report_on(profile(task("unzip", "a", 0, 1), task("link", "b", 1, 2, cache="hit"), end(2)))
    after = report_on(
        profile(task("unzip", "a", 0, 3), task("fetch", "b", 3, 4), task("link", "c", 4, 5), end(5))
    )
    found = compare(before, after)
    assert [(each.name, each.change) for each in found.tasks] == [("unzip a==1", 2.0)]
    assert (found.lost, found.won) == (("b==1",), ())
    assert compare(after, before).won == ("b==1",)
    assert "1 package not from the cache any more" in answers(after, found).change


@pytest.mark.parametrize(
    ("changes", "status", "lines", "why"),
    [
        ({"command": "pip install"}, 0, [task("link", "a", 0, 1, environments=["/e"])], "`pip install`"),
        ({}, 1, [task("link", "a", 0, 1, environments=["/e"])], "did not end well"),
        ({}, 0, [], "nothing to do"),
        ({}, 0, [task("link", "a", 0, 1, environments=["/other"])], "different environments"),
        ({}, 0, [task("link", "b", 0, 1, environments=["/e", "/f"])], ""),
    ],
)
def test_runs_that_did_different_things_are_not_compared(changes, status, lines, why):
    one = profile(task("link", "a", 0, 1, environments=["/e"]), end(1))
    other = profile(*lines, end(1, status), **changes)
    if not why:
        check_comparable(one, other)
        return
    with pytest.raises(NotComparable, match=why):
        check_comparable(one, other)


def test_a_history_has_the_runs_like_the_last_one_and_compares_each_with_the_median_before():
    def run(name, wall, status=0, command="pip sync"):
        return profile(task("link", "a", 0, wall), end(wall, status), run=name, command=command)

    found = history(
        [run("1", 2), run("2", 9, 1), run("3", 4), run("4", 1, command="lock"), run("5", 6), run("6", 8, 1)]
    )
    assert [(each.profile.run, each.slower) for each in found] == [("1", None), ("3", 1.0), ("5", 1.0)]
    assert history([]) == history([run("1", 1, 1)]) == ()
    assert sparkline([0, 1, 4, 8]) == "▁▂▅█"
    assert sparkline([]) == ""


@given(st.deferred(lambda: st.one_of(wild(), scheduled())))
def test_every_run_has_a_finding_and_five_answers(found):
    report = report_on(found)
    assert all(words.text for _, words in advised(report))
    told = answers(report, compare(report, report))
    assert all((told.stage, told.package, told.why, told.advice, told.change))


def test_the_run_to_compare_with_finished_and_did_the_same():
    def run(name, status=0, command="pip sync", env="/e"):
        return profile(task("link", "a", 0, 1, environments=[env]), end(1, status), run=name, command=command)

    now = run("5")
    others = [run("1"), run("2", env="/other"), run("3", 1), run("4", command="pip install"), run("6")]
    assert previous(now, others).run == "1"
    assert previous(now, others[1:]).run == "2"
    assert previous(now, others[2:]) is None


# any rows at all, and runs as they can be

times = st.floats(0, 50, allow_nan=False).map(lambda value: round(value, 3))


@st.composite
def wild(draw):
    """Rows that overlap as they like, with clocks that differ and needs that lead anywhere."""
    lines = []
    for number in range(draw(st.integers(0, 12))):
        start, length = draw(times), draw(times)
        worker = draw(st.sampled_from(["1", "2", "3"]))
        if draw(st.booleans()):
            lines.append(phase(draw(st.sampled_from(["locate", "commit"])), start, start + length, worker))
        else:
            needs = draw(st.lists(st.sampled_from([f"fetch/p{n}" for n in range(12)]), max_size=3))
            stage = draw(st.sampled_from(["fetch", "link"]))
            lines.append(task(stage, f"p{number}", start, start + length, *needs, worker=worker))
    return profile(*lines, graph(draw(times)), end(draw(times)))


@st.composite
def scheduled(draw):
    """A run that can have been: workers do one thing after the other, and nothing starts before what it needs."""
    free = {"2": 1.0, "3": 1.0}
    ends: dict[str, float] = {}
    lines = [phase("start python", 0, 0.5), phase("locate", 0.5, 1), graph(1)]
    for number in range(draw(st.integers(1, 15))):
        needs = draw(st.lists(st.sampled_from(sorted(ends)), max_size=2, unique=True)) if ends else []
        worker = draw(st.sampled_from(sorted(free)))
        ready = max([1.0, *[ends[need] for need in needs]])
        start = max(free[worker], ready) + draw(st.sampled_from([0.0, 0.0, 0.25]))
        length = draw(st.integers(0, 8)) / 4
        stage = draw(st.sampled_from(["build", "unzip", "link"]))
        lines.append(
            task(stage, f"p{number}", start, start + length, *needs, worker=worker, ready=ZERO + ready)
        )
        free[worker] = ends[f"{stage}/p{number}"] = start + length
    last = max(free.values())
    return profile(*lines, phase("commit", last, last + 1), end(last + 1))


@given(st.one_of(wild(), scheduled()))
def test_weighted_shares_add_up_to_the_run(found):
    shares = weighted(((s.row.name, s.start, s.end) for s in spans(found)), found.started, found.ended)
    assert sum(shares.values()) == pytest.approx(found.wall, abs=CLOSE)
    assert all(share >= 0 for share in shares.values())
    report = report_on(found)
    assert sum(each.weighted for each in report.phases) + report.idle == pytest.approx(found.wall, abs=CLOSE)
    for each in report.phases:
        assert each.weighted <= each.wall + CLOSE
        assert each.wall <= each.sum + CLOSE


@given(st.one_of(wild(), scheduled()))
def test_the_critical_path_is_one_way_through_the_run(found):
    steps = critical_path(found)
    assert bool(steps) == bool(found.rows)
    for before, after in itertools.pairwise(steps):
        assert before.end <= after.start + 3e-6
    assert all(step.end >= step.start for step in steps)
    assert sum(step.seconds for step in steps) <= found.wall + CLOSE
    assert sum(part.seconds for part in parts(steps, by_package=True)) == pytest.approx(
        sum(step.seconds for step in steps), abs=CLOSE
    )


@given(scheduled())
def test_the_critical_path_of_a_whole_run_leads_from_its_start_to_its_end(found):
    steps = critical_path(found)
    assert steps[0].start == pytest.approx(found.started, abs=CLOSE)
    assert steps[-1].end == pytest.approx(found.ended, abs=CLOSE)
    assert sum(step.seconds for step in steps) == pytest.approx(found.wall, abs=1e-4)


@given(scheduled())
def test_busy_and_idle_make_the_time_in_which_there_were_tasks(found):
    begins, ends = window(found)
    for each in workers(found):
        assert each.busy + sum(time for _, time in each.idle) == pytest.approx(ends - begins, abs=1e-4)
    assert report_on(found).parallelism <= len(workers(found)) + CLOSE


@given(st.lists(st.tuples(times, times).map(lambda pair: (min(pair), max(pair)))))
def test_a_union_is_no_longer_than_the_sum_and_no_shorter_than_any(stretches):
    assert union(stretches) <= sum(b - a for a, b in stretches) + CLOSE
    assert union(stretches) >= max((b - a for a, b in stretches), default=0) - CLOSE
    assert all(a[1] < b[0] for a, b in zip(merged(stretches), merged(stretches)[1:], strict=False))


def test_time_without_any_work_is_nobodys():
    assert weighted([("a", 1, 2), ("b", 1, 2)], 0, 4) == {IDLE: 3, "a": 0.5, "b": 0.5}


@given(st.one_of(wild(), scheduled()))
def test_flows_of_a_trace_are_pairs_and_lie_in_slices(found):
    made = json.loads(json.dumps(trace(found)))
    events = made["traceEvents"]
    slices = [event for event in events if event["ph"] == "X"]
    assert len(slices) == len(found.rows)
    starts = {event["id"]: event for event in events if event["ph"] == "s"}
    ends = {event["id"]: event for event in events if event["ph"] == "f"}
    assert starts.keys() == ends.keys()
    assert len(starts) == sum(event["ph"] == "s" for event in events)
    for number, start in starts.items():
        assert start["ts"] <= ends[number]["ts"]
        for event in (start, ends[number]):
            assert any(
                each["ts"] - 0.2 <= event["ts"] <= each["ts"] + each["dur"] + 0.2
                for each in slices
                if (each["pid"], each["tid"]) == (event["pid"], event["tid"])
            )
    for event in events:
        assert event["ph"] in "XMsfC"
        assert event.get("ts", 0) >= 0
        assert event.get("dur", 0) >= 0


def test_a_trace_has_a_process_for_each_worker_arrows_and_counters():
    events = trace(profile(*CHAIN))["traceEvents"]
    names = {event["args"]["name"] for event in events if event["name"] == "process_name"}
    assert names == {"driver 1", "worker 2", "worker 3", "counters"}
    assert sum(event["ph"] == "s" for event in events) == 2
    counted = {event["name"] for event in events if event["ph"] == "C"}
    assert counted == {"running", "ready", "network MB/s", "CPU cores"}
    for name in counted:
        assert [event["args"][name] for event in events if event["name"] == name][-1] == 0
    network = [event["args"]["network MB/s"] for event in events if event["name"] == "network MB/s"]
    assert network[0] == 1.0
    (unzip,) = [event for event in events if event["name"] == "unzip slow==1"]
    assert (unzip["ts"], unzip["dur"]) == (5e6, 4e6)


class _Text(HTMLParser):
    """The elements of a page, its text, and whether they nest."""

    VOID = {"meta", "br", "hr", "img", "link", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text, self.values = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [value for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read_page(text):
    parser = _Text()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


@given(st.one_of(wild(), scheduled()))
def test_any_run_makes_a_page(found):
    read_page(page(report_on(found), None))


def test_a_page_has_all_its_sections_and_needs_no_network():
    lines = (
        *CHAIN[:-1],
        task("build", "x", 3, 4, worker="3", status="failed", error="no compiler", log="/a b/log"),
        end(10, 1),
    )
    before = profile(*CHAIN, run="0")
    text = page(report_on(profile(*lines)), report_on(before))
    found = read_page(text)
    shown = "".join(found.text)
    for title in ("What failed", "Critical path", "Where the time went", "Workers", "Why workers were idle",
                  "Packages", "Since the last run"):  # fmt: skip
        assert title in shown
    assert "no compiler" in shown
    assert "failed, exit code 1" in shown
    assert found.values == ["file:///a%20b/log"]
    assert "http" not in text.replace("http-equiv", "")


def test_what_comes_from_packages_cannot_leave_its_place_on_a_page():
    evil = "</title><script>alert(1)</script>\"'&"
    row = task("build", evil, 0, 1, status="failed", error=evil, log=f"/{evil}", environments=[evil])
    found = read_page(
        page(report_on(profile(graph(0), row, {**row, "stage": evil}, end(1), command=evil)), None)
    )
    assert found.tags.count("script") == 1
    assert "alert(1)" in "".join(found.text)


def test_lost_attempts_have_no_worker_and_failures_without_times_are_told():
    lost = task("build", "a", 1, 1, worker="", status="lost", error="its process was killed by signal 9")
    given_up = task("build", "a", -ZERO, -ZERO, worker="", status="failed", error="killed by signal 9")
    report = report_on(profile(graph(0), task("link", "b", 0, 2), lost, given_up, end(2, 1)))
    assert [worker.name for worker in report.workers] == ["2"]
    assert [row.error for row in report.failures] == ["killed by signal 9"]
    found = read_page(page(report, None))
    assert "did not run to the end" not in "".join(found.text)


def test_ten_thousand_tasks_fit_on_a_page():
    rows = []
    for number in range(3334):
        at, worker = number * 0.01, str(2 + number % 8)
        rows += [
            task("fetch", f"p{number}", at, at + 0.02, worker=worker),
            task("unzip", f"p{number}", at + 0.02, at + 0.05, f"fetch/p{number}", worker=worker),
            task("link", f"p{number}", at + 0.05, at + 0.08, f"unzip/p{number}", worker=worker),
        ]
    text = page(report_on(profile(graph(0), *rows, end(34))), None)
    found = read_page(text)
    assert len(text) < 3_000_000
    assert 500 < found.tags.count("rect") < 20_000
    assert " × " in "".join(found.text)
