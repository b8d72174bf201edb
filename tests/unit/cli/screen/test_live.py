"""What people see of a command that goes on."""

import os
import re
import subprocess
import sys
from time import perf_counter, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin import meter
from puffin.board import Board
from puffin.cli.screen import console as console_module
from puffin.cli.screen.console import Console, RunProgress
from puffin.cli.screen.live import Display, as_wide_as, fitted
from puffin.pipeline.graph.record import phase
from puffin.pipeline.graph.task import SECOND, Task
from tests.helpers.cli import CHECKOUT
from tests.helpers.waiting import until


def test_the_first_picture_does_not_import_typing():
    code = f"import sys; sys.path[0] = {str(CHECKOUT)!r}; import puffin.cli.screen.live; print('typing' in sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.fixture
def board(monkeypatch):
    made = Board()
    monkeypatch.setattr(meter, "_board", made)
    return made


def plain(text, *_styles):
    return text


def display(progress, monkeypatch):
    made = Display(progress, style=plain)
    monkeypatch.setattr(made, "_plain", True)
    return made


def task(stage, label, *, weight=0, environments=()):
    return Task(key=(stage, label), function="f:f", label=label, weight=weight, environments=environments)


def graph(*tasks):
    return {each.key: each for each in tasks}


def lines(shown, *, width=100, height=24):
    return [re.sub(r"\(\d+s\)", "(CLOCK)", line) for line in shown.lines(perf_counter(), width, height)]


def test_it_names_the_phase_and_what_is_asked_for(board, monkeypatch):
    shown = display(RunProgress("pip sync", perf_counter()), monkeypatch)
    with phase("locate"), meter.at("page", "numpy"):
        assert lines(shown) == ["/ Finding files on the index, numpy (CLOCK)"]
    with phase("locate"):
        assert lines(shown) == ["- Finding files on the index, 1 index page (CLOCK)"]
    assert lines(display(RunProgress("verify", 0.0), monkeypatch))[0].startswith(
        "/ Reading the installed files"
    )


def test_phases_say_how_far_they_are_by_what_they_count(board, monkeypatch):
    monkeypatch.setattr(meter, "_expected", {})
    shown = display(RunProgress("cache push", perf_counter()), monkeypatch)
    with meter.at("page", "numpy"):
        pass
    with phase("ask the remote cache"):
        assert lines(shown) == ["/ Asking the remote cache (CLOCK)"]
    with phase("upload"):
        with meter.at("upload", ""):
            assert lines(shown) == ["- Uploading to the remote cache (CLOCK)"]
        assert lines(shown) == ["\\ Uploading to the remote cache, 1 object (CLOCK)"]
        meter.expect("upload", 62)
        assert lines(shown, width=60) == ["| Uploading to the remote cache, 1 of 62 objects (CLOCK)"]
    meter.expect("lock", 2)
    with phase("resolve"), meter.at("lock", "web"):
        assert lines(shown) == ["/ Resolving dependencies, 0 of 2 environments, 1 index page (CLOCK)"]


def test_packages_are_counted_and_bytes_are_weighed(board, monkeypatch):
    progress = RunProgress("pip sync", perf_counter())
    a, b = (("fetch", "a==1", 4 << 20), ("unzip", "a==1", 4 << 20)), (("fetch", "b==1", 12 << 20),)
    progress.graphs.append(graph(*[task(s, n, weight=w) for s, n, w in (*a, *b)], task("link", "a==1")))
    shown = display(progress, monkeypatch)
    assert lines(shown) == ["/ Preparing 0 of 2 packages --------------------, 0 B of 16.0 MiB (CLOCK)"]
    progress.ended += [("fetch", "a==1"), ("unzip", "a==1")]
    with meter.at("fetch", "b==1"):
        meter.arrived(3 << 20, 12 << 20)
        assert lines(shown) == [
            "- Preparing 1 of 2 packages ###########---------, 7.0 MiB of 16.0 MiB (CLOCK)",
            "  b 1                          #####--------------- 3.0 MiB of 12.0 MiB",
        ]
        assert lines(shown, width=60) == [
            "\\ Preparing 1 of 2 packages, 7.0 MiB of 16.0 MiB (CLOCK)",
            "  b 1 3.0 MiB of 12.0 MiB",
        ]


@pytest.mark.parametrize("width", [50, 60, 72, 80, 100, 120])
def test_what_a_line_has_no_room_for_is_left_out_and_the_clock_stays(board, monkeypatch, width):
    progress = RunProgress("sync", perf_counter() - 300)
    progress.states = dict.fromkeys(map(str, range(20)), ("waiting", perf_counter()))
    progress.graphs.append(graph(*[task("fetch", f"a{n}==1", weight=3 << 20) for n in range(180)]))
    progress.ended += [("fetch", f"a{n}==1") for n in range(110)]
    shown = Display(progress, style=lambda text, *_: f"\x1b[2m{text}\x1b[0m")
    monkeypatch.setattr(shown, "_plain", True)
    shown._rate._seen = [(perf_counter() - 4, 0)]
    monkeypatch.setattr(board, "counts", lambda: ({}, 330 << 20))
    line = re.sub(r"\x1b\[[0-9;]*m", "", shown.lines(perf_counter(), width, 24)[0])
    assert len(line) < width
    assert line.startswith("/ Preparing 110 of 180 packages")
    assert line.endswith(" (5m 00s)")
    parts = [("left", 60), ("330 MiB of 540 MiB", 80), ("0 of 20 environments", 120), ("MiB/s", 120)]
    assert [name for name, _ in parts if name in line] == [name for name, least in parts if width >= least]


def test_a_build_has_a_line_with_a_clock(board, monkeypatch):
    monkeypatch.setattr("puffin.cli.screen.live._OLD", -1.0)
    progress = RunProgress("pip sync", perf_counter())
    progress.graphs.append(graph(task("build", "numpy==1.2")))
    with meter.at("build", "numpy==1.2"):
        assert lines(display(progress, monkeypatch))[1] == "  building numpy 1.2 (CLOCK)"
    assert lines(display(progress, monkeypatch))[1:] == []


def test_builds_are_weighed_by_the_time_that_they_usually_take(board, monkeypatch):
    progress = RunProgress("pip sync", perf_counter())
    progress.graphs.append(
        graph(task("build", "quick==1", weight=SECOND), task("build", "slow==1", weight=9 * SECOND))
    )
    shown = display(progress, monkeypatch)
    progress.ended.append(("build", "quick==1"))
    assert lines(shown)[0] == "/ Preparing 1 of 2 packages ##------------------ (CLOCK)"
    for since, bar in ((4.6, "###########---------"), (100.0, "###################-")):
        monkeypatch.setattr("puffin.board.time.time", lambda since=since: time() - since)
        with meter.at("build", "slow==1"):
            assert lines(shown)[0].endswith(f"Preparing 1 of 2 packages {bar} (CLOCK)")


def test_each_environment_says_what_it_waits_for(board, monkeypatch):
    progress = RunProgress("sync", perf_counter())
    progress.states = dict.fromkeys(("a", "bb", "c"), ("waiting", perf_counter()))
    progress.states["bb"] = ("1 of 3 packages", perf_counter())
    progress.graphs.append(graph(task("unzip", "torch==2", weight=9, environments=("bb",))))
    progress.done["a"] = "updated"
    with meter.at("unzip", "torch==2"):
        rows = lines(display(progress, monkeypatch))
    assert rows == [
        "/ Preparing 0 of 1 package --------------------, 1 of 3 environments done (CLOCK)",
        "  bb  1 of 3 packages, waits for 1 package: unpacking torch 2 (CLOCK)",
        "  c   waiting (CLOCK)",
        "  a   updated",
    ]
    assert len(lines(display(progress, monkeypatch), height=4)) == 3
    with phase("locate"):
        assert "  c   waits for all: finding files on the index (CLOCK)" in lines(
            display(progress, monkeypatch)
        )


def test_the_rows_of_a_child_are_seen_and_go_with_it(board):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        with meter.at("fetch", "x==1"):
            meter.arrived(5, 10)
            os.write(writer, b".")
            os.read(os.pipe()[0], 1)  # for ever
        os._exit(0)
    os.read(reader, 1)
    try:
        (row,) = board.rows()
        assert (row.kind, row.name, row.arrived, row.total) == ("fetch", "x==1", 5, 10)
    finally:
        os.kill(child, 9)
        until(lambda: not list(board.rows()))
        os.waitpid(child, 0)
    assert list(board.rows()) == []
    assert board.counts() == ({**dict.fromkeys(board.counts()[0], 0)}, 5)


def test_work_for_which_there_is_no_row_is_left_out(board):
    places = [board.begin("page", str(number)) for number in range(40)]
    assert places.count(-1) == 8
    for place in places:
        board.end(place, "page")
    assert board.counts()[0]["page"] == 40
    assert list(board.rows()) == []


def test_a_heartbeat_needs_no_thread_and_says_how_far_it_is(capfd, monkeypatch):
    monkeypatch.setattr(console_module, "HEARTBEAT", 0.01)
    console = Console()
    console.begin("pip sync", perf_counter())
    console.expect(graph(task("unzip", "a==1")))
    err = ""

    def heard():
        nonlocal err
        err += capfd.readouterr().err
        return err.count("\n") >= 2

    until(heard)
    console.end()
    assert re.fullmatch(r"(Preparing 0 of 1 package \(0s\)\n)+", err)
    quiet = Console(quiet=1)
    quiet.begin("pip sync", perf_counter())
    assert not quiet._timed


@given(st.text(st.sampled_from("ab\x1bm[0漢é")), st.integers(1, 20))
def test_a_line_is_cut_to_its_width(text, width):
    styled = f"\x1b[2m{text}\x1b[0m".replace("\x1b", "\x1b[1m") if "\x1b" in text else text
    bare = re.sub(r"\x1b\[[0-9;]*[a-z]", "", fitted(styled, width))
    if "\x1b" not in styled:
        assert sum(2 if letter == "漢" else 1 for letter in bare) <= width
        assert styled.startswith(fitted(styled, width))


def test_a_style_takes_no_columns():
    assert as_wide_as([(1, "\x1b[2mmmm\x1b[0m"), (0, "now")], 5) == "now"
    assert as_wide_as([(1, "\x1b[2mmmm\x1b[0m"), (0, "now")], 6) == "\x1b[2mmmm\x1b[0mnow"
