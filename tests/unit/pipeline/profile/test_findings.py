"""Findings: what explains the time of a run, and the sentences for it."""

from puffin.cli.page.findings import advised, answers
from puffin.pipeline.profile import findings as kinds
from puffin.pipeline.profile.findings import findings
from puffin.pipeline.profile.read import parse
from puffin.pipeline.profile.report import report_on
from tests.helpers.records import ZERO, end, graph, head, phase, task


def profile(*lines, **changes):
    return parse([head(**changes), *lines])


def words_of(*lines, **changes):
    return {found.kind: words for found, words in advised(report_on(profile(*lines, **changes)))}


def test_a_stage_that_waits_for_a_core_is_found():
    told = words_of(graph(0), task("unzip", "a", 0, 78, cpu=15.0), end(80))
    assert told[kinds.BUSY].text == (
        "Unpacking took 1m 18s in all, but only 15.00s of CPU: the machine was busy, its disk was slow, or two jobs "
        "shared one core."
    )
    assert (
        told[kinds.BUSY].advice == "Run it again while the machine is quiet, or with fewer than 2 jobs (`-j`)."
    )
    assert kinds.BUSY not in words_of(graph(0), task("unzip", "a", 0, 78, cpu=70.0), end(80))
    assert kinds.BUSY not in words_of(graph(0), task("fetch", "a", 0, 78, cpu=1.0), end(80))


def test_a_build_is_found_with_its_reason_and_what_to_do():
    reason = {"kind": "not-built"}
    told = words_of(graph(0), task("build", "numpy", 0, 9.8, cpu=9.0, reason=reason), end(10))
    assert told[kinds.BUILT].text == (
        "numpy==1 was built from source in 9.80s (9.00s of CPU): it had not been built before."
    )
    assert "Pin a version of numpy that has a wheel" in told[kinds.BUILT].advice
    assert kinds.ONE_PACKAGE not in told
    reason = {"kind": "no-wheel", "subject": "Python 3.13 on linux_x86_64"}
    told = words_of(graph(0), task("build", "numpy", 0, 9.8, cpu=9.0, reason=reason), end(10))[kinds.BUILT]
    assert "no wheel that can be used with Python 3.13 on linux_x86_64" in told.text
    assert told.advice.startswith(
        "Pin a version of numpy that has a wheel for Python 3.13 on linux_x86_64, use"
    )
    reason = {"kind": "no-binary", "subject": "--no-binary"}
    told = words_of(graph(0), task("build", "numpy", 0, 9.8, cpu=9.0, reason=reason), end(10))[kinds.BUILT]
    assert told.advice.startswith("Leave out `--no-binary` for numpy")
    small = [task("build", f"p{number}", number, number + 1) for number in range(6)]
    found = findings(report_on(profile(graph(0), *small, end(6))))
    assert [(each.package, each.count) for each in found if each.kind == kinds.BUILT] == [
        ("p0==1", 1), ("p1==1", 1), ("p2==1", 1), ("p3==1", 1), ("", 2),
    ]  # fmt: skip


def test_the_index_downloads_and_misses_are_found():
    reason = {"kind": "pruned", "before": str(ZERO - 86_400)}
    loads = [task("fetch", f"p{number}", 5, 9, reason=reason, **{"in": 1 << 20}) for number in range(3)]
    told = words_of(phase("locate", 0, 5), graph(5), *loads, end(10))
    assert told[kinds.INDEX].text == "Finding files on the index took 5.00s of 10.00s."
    assert told[kinds.DOWNLOADS].text == ("Downloads took 4.00s of 10.00s: 3 files, 3.0 MiB, 768 KiB/s.")
    assert told[kinds.NOT_SERVED].text == (
        "3 packages did not come from the cache (3.0 MiB): they were pruned 1 day ago."
    )


def test_a_failure_comes_first_with_the_hint_as_advice():
    row = task("build", "x", 0, 1, status="failed", error="no compiler", log="/l", environments=["/e"])
    lines = [graph(0), row, {"failure": "error: Failed\n  ╰─▶ no compiler\n\nhint: install gcc"}, end(9, 1)]
    found = answers(report_on(profile(*lines)), None)
    assert found.why == "The run failed at: build of x==1: no compiler. It affects /e."
    assert found.advice == "Install gcc"
    assert found.package == "x==1, which failed (build)"
    error = "Failed to build `x==1`"
    log = {"failure": f"error: Failed\n  ╰─▶ {error}\n      x.c:1: fatal error: x.h: No such file\n"}
    found = answers(report_on(profile(graph(0), {**row, "error": error}, log, end(9, 1))), None)
    assert found.why == "Failed to build `x==1`: x.c:1: fatal error: x.h: No such file. It affects /e."
    found = answers(report_on(profile({"failure": "error: Failed to read `r.txt`"}, end(1, 2))), None)
    assert found.why == "Failed to read `r.txt`."


def test_workers_that_only_fetch_are_not_idle_workers():
    loads = [task("fetch", f"p{number}", 0, 0.1, worker=f"{number}") for number in (2, 3)]
    built = task("build", "a", 0, 9, cpu=9.0, worker="1")
    assert kinds.WORKERS not in words_of(graph(0), *loads, built, end(9))
    busy = [{**row, "waits": False} for row in loads]
    assert kinds.WORKERS in words_of(graph(0), *busy, built, end(9))


def test_the_longest_step_is_named_where_nothing_else_explains_a_run():
    told = words_of(graph(0), task("link", "a", 0, 0.2), phase("commit", 0.2, 0.3), end(0.3))
    assert (
        told[kinds.LONGEST].text == "Most of the time went into one step: install files of a==1, 200ms (67%)."
    )
    report = report_on(profile(phase("commit", 0, 1), end(1)))
    assert answers(report, None).advice == "Nothing needs to be done."
    assert [each.kind for each in findings(report)] == [kinds.NOTHING]


def test_what_a_worker_of_a_scheduler_used_of_a_cpu_is_unknown():
    row = task("build", "far", 0, 50, cpu=0.1, worker="tcp://10.0.0.1:40001")
    told = words_of(graph(0), row, end(50))
    assert kinds.BUSY not in told
    assert told[kinds.BUILT].text == "far==1 was built from source in 50.00s."
    assert kinds.BUSY in words_of(graph(0), {**row, "worker": "17"}, end(50))
