"""What people see of a run over many environments."""

from puffin.cli.screen.github import escaped, markdown
from puffin.cli.screen.quantities import aligned
from puffin.cli.screen.workspace import row_of
from puffin.pipeline.change.values import Change, EnvResult, ManyResult, Shared


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
