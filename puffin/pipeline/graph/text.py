"""A task graph as text that other programs draw: Graphviz's dot, Mermaid, or JSON."""

import json
from collections.abc import Callable, Iterator, Sequence

from puffin.pipeline.graph.record import key_name
from puffin.pipeline.graph.task import Key, Task

_COLORS = {"fetch": "#cfe2fb", "build": "#fbdcbd", "unzip": "#c6ece4", "compile": "#e2d6f5", "link": "#f7d0e0"}
_OTHER = "#e6e8ec"


def _edges(tasks: Sequence[Task]) -> Iterator[tuple[Key, Key]]:
    known = {task.key for task in tasks}
    for task in tasks:
        for need in dict.fromkeys(task.dependencies):
            if need in known:
                yield need, task.key


def as_json(tasks: Sequence[Task]) -> str:
    """Return the graph as an object of ``tasks`` and ``edges``, which name tasks by ``id``; weights are bytes."""
    nodes = [
        {
            "id": f"{task.stage}/{key_name(task.key)}",
            "stage": task.stage,
            "package": task.label,
            "weight": task.weight,
            "cache": task.cache,
            "environments": list(task.environments),
        }
        for task in tasks
    ]
    edges = [
        {"from": f"{source[0]}/{key_name(source)}", "to": f"{target[0]}/{key_name(target)}"}
        for source, target in _edges(tasks)
    ]
    return json.dumps({"tasks": nodes, "edges": edges}, indent=2) + "\n"


def as_dot(tasks: Sequence[Task]) -> str:
    """Return the graph in Graphviz's language."""
    names = {task.key: f"t{number}" for number, task in enumerate(tasks)}
    lines = [
        "digraph puffin {",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fontname="sans-serif"];',
    ]
    for task in tasks:
        label = _dot(task.stage) + "\\n" + _dot(task.label)
        lines.append(f'  {names[task.key]} [label="{label}", fillcolor="{_COLORS.get(task.stage, _OTHER)}"];')
    lines += [f"  {names[source]} -> {names[target]};" for source, target in _edges(tasks)]
    return "\n".join((*lines, "}")) + "\n"


def _dot(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def as_mermaid(tasks: Sequence[Task]) -> str:
    """Return the graph as a Mermaid flowchart."""
    names = {task.key: f"t{number}" for number, task in enumerate(tasks)}
    nodes = [f'  {names[task.key]}["{_mermaid(task.stage)}<br>{_mermaid(task.label)}"]' for task in tasks]
    marked = [f"{node}:::{_class(task.stage)}" for node, task in zip(nodes, tasks, strict=True)]
    arrows = [f"  {names[source]} --> {names[target]}" for source, target in _edges(tasks)]
    colors = {
        _class(stage): _COLORS.get(stage, _OTHER) for stage in dict.fromkeys(task.stage for task in tasks)
    }
    classes = [f"  classDef {name} fill:{color},stroke:#667085,color:#1b212c" for name, color in colors.items()]
    lines = ["flowchart LR", *marked, *arrows, *classes]
    return "\n".join(lines) + "\n"


def _mermaid(text: str) -> str:
    """Return *text* with what Mermaid or HTML would read as its own written as entities."""
    return "".join(each if each.isalnum() or each in " =.-_+!@/" else f"#{ord(each)};" for each in text)


def _class(stage: str) -> str:
    return "stage_" + "".join(each if each.isascii() and each.isalnum() else "_" for each in stage)


FORMATS: dict[str, Callable[[Sequence[Task]], str]] = {"dot": as_dot, "mermaid": as_mermaid, "json": as_json}
