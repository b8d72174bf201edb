"""What people see of a run over many environments."""

import os

from puffin.cli.screen.github import escaped, markdown
from puffin.cli.screen.live import Live
from puffin.cli.screen.quantities import aligned
from puffin.cli.screen.workspace import Heartbeat, row_of
from puffin.pipeline.change.values import Change, EnvResult, ManyResult, Shared
from tests.helpers.waiting import until


def test_the_live_display_has_a_line_for_each_and_lets_the_done_give_way(capsys):
    live = Live(("a", "bb", "c"))
    live.state("bb", "1 of 3 packages")
    live.end("a", "updated")
    assert live.picture(10).plain == (
        "  a   updated\n  bb  1 of 3 packages\n  c   waiting\n  1 of 3 environments done"
    )
    assert live.picture(2).plain == "  bb  1 of 3 packages\n  c   waiting\n  1 of 3 environments done"
    live.stop()


def test_a_heartbeat_needs_no_thread(capfd, monkeypatch):
    monkeypatch.setattr(Heartbeat, "SECONDS", 0.01)
    beats = []

    def text():
        beats.append(1)
        return "still here\n"

    with Heartbeat(text, wanted=True):
        until(lambda: len(beats) >= 2)
    count = len(beats)
    with Heartbeat(text, wanted=False):
        os.getpid()
    assert len(beats) == count
    assert capfd.readouterr().err == "still here\n" * count


def test_the_table_is_aligned():
    change = Change(action="add", name="x", version="1")
    result = EnvResult(
        name="api", path="/p", python="3.12.1", status="updated", changes=(change,), seconds=0.5, shared=1
    )
    assert row_of(result) == ("api", "3.12.1", "1", "0", "0", "1", "500ms")
    assert aligned([("n", "p", "+"), ("api", "3.12.1", "10")], texts=2) == [
        "n    p        +",
        "api  3.12.1  10",
    ]


def test_workflow_commands_are_escaped():
    assert escaped("a%b\nc:d,e") == "a%25b%0Ac:d,e"
    assert escaped("a:b,c", inside=True) == "a%3Ab%2Cc"


def test_the_summary_is_a_table():
    result = EnvResult(name="a|b", path="/p", python="3.12.1", status="unchanged", seconds=1.5)
    text = markdown(ManyResult(environments=(result,), shared=Shared(requested=3, unique=2), seconds=2.0))
    assert "| `a\\|b` | 3.12.1 | unchanged | 0 | 0 | 0 | 0 | 1.50s |\n" in text
    assert text.endswith("3 packages from 2 distinct files (0 B downloaded); 2.00s in all\n")
