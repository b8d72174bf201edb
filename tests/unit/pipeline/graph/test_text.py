"""Task graphs as dot, Mermaid and JSON."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from puffin.pipeline.graph.task import Task
from puffin.pipeline.graph.text import as_dot, as_json, as_mermaid


def task(stage, label, needs=()):
    inputs = tuple((f"i{number}", need) for number, need in enumerate(needs))
    return Task(key=(stage, label), function="x:y", label=label, inputs=inputs, weight=7)


TASKS = [task("fetch", "a==1"), task("unzip", "a==1", [("fetch", "a==1"), ("fetch", "not here")])]


def test_dot():
    assert as_dot(TASKS) == (
        "digraph puffin {\n"
        "  rankdir=LR;\n"
        '  node [shape=box, style="rounded,filled", fontname="sans-serif"];\n'
        '  t0 [label="fetch\\na==1", fillcolor="#cfe2fb"];\n'
        '  t1 [label="unzip\\na==1", fillcolor="#c6ece4"];\n'
        "  t0 -> t1;\n"
        "}\n"
    )


def test_mermaid():
    assert as_mermaid(TASKS) == (
        "flowchart LR\n"
        '  t0["fetch<br>a==1"]:::stage_fetch\n'
        '  t1["unzip<br>a==1"]:::stage_unzip\n'
        "  t0 --> t1\n"
        "  classDef stage_fetch fill:#cfe2fb,stroke:#667085,color:#1b212c\n"
        "  classDef stage_unzip fill:#c6ece4,stroke:#667085,color:#1b212c\n"
    )


def test_json():
    found = json.loads(as_json(TASKS))
    assert [(each["id"], each["stage"], each["package"], each["weight"]) for each in found["tasks"]] == [
        ("fetch/a==1", "fetch", "a==1", 7),
        ("unzip/a==1", "unzip", "a==1", 7),
    ]
    assert found["edges"] == [{"from": "fetch/a==1", "to": "unzip/a==1"}]


@given(st.text(max_size=30), st.text(min_size=1, max_size=10))
def test_labels_stay_in_their_quotes(label, stage):
    tasks = [task(stage, label)]
    (node,) = [line for line in as_dot(tasks).split("\n") if line.startswith("  t0")] or [""]
    if "\n" not in label + stage:
        assert re.fullmatch(r'  t0 \[label="(?:[^"\\]|\\.)*", fillcolor="#[0-9a-f]{6}"\];', node)
    assert re.search(r'  t0\["[^"<>\n]*<br>[^"<>\n]*"\]:::stage_\w+\n', as_mermaid(tasks))
    assert json.loads(as_json(tasks))["tasks"][0]["package"] == label
