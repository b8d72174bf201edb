"""Figures of a run: summaries, the bounds that are missed, and tables in Markdown."""

from __future__ import annotations

import math
from statistics import median
from typing import Any

from bench.cases import INPUT_BOUNDS
from bench.tools import BEFORE

MIB = 1024 * 1024
MEMORY_BOUND = 2 * 1024**3  # bytes, in every case
Summary = dict[str, dict[str, float]]
_COLUMNS = ["median s", "min", "max", "CPU s", "MiB", "requests", "÷ uv", "CPU ÷ uv", "÷ pip", "allowed"]


def summarise(runs: dict[str, list[dict[str, float]]]) -> Summary:
    """Return the summary of each tool's *runs*: seconds, bytes, and ``÷ NAME`` for each tool beside it.

    A ratio is the median of the ratios within each round; of a tool with one round, that of the medians.
    """
    return {tool: _own(own) | _ratios(own, runs) for tool, own in runs.items()}


def _own(runs: list[dict[str, float]]) -> dict[str, float]:
    walls = [run["wall"] for run in runs]
    return {
        "median": median(walls),
        "min": min(walls),
        "max": max(walls),
        "cpu": median(_cpu(run) for run in runs),
        "memory": max(run.get("memory", 0) for run in runs),
        "requests": median(run["requests"] for run in runs),
        "inodes": max(run.get("inodes", 0) for run in runs),
    }


def _ratios(own: list[dict[str, float]], runs: dict[str, list[dict[str, float]]]) -> dict[str, float]:
    ratios = {}
    for other, theirs in runs.items():
        same = len(own) == len(theirs)
        pairs = list(zip(own, theirs, strict=True)) if same else []
        for kind, seconds in (("", lambda run: run["wall"]), ("CPU ", _cpu)):
            each = [seconds(mine) / max(seconds(its), 1e-4) for mine, its in pairs]
            whole = median(map(seconds, own)) / max(median(map(seconds, theirs)), 1e-4)
            ratios[f"{kind}÷ {other}"] = median(each) if same else whole
    return ratios


def _cpu(run: dict[str, float]) -> float:
    return run["user"] + run["system"]


def missed(report: dict[str, Any]) -> list[str]:
    """Return what puffin did not reach, a line each."""
    lines = [line for result in report["results"] for line in _misses(result)]
    return lines + [line for line in input_lines(report) if line.endswith("missed")]


def _misses(result: dict[str, Any]) -> list[str]:
    where, base = f"{result['title']} on {result['place']}", result["base"]
    lines = []
    for tool, own in result["summary"].items():
        bound = result["bounds"].get(tool, math.inf)
        ratio = own.get(f"÷ {base}", 0)
        if ratio > bound:
            lines.append(f"{where}: {tool} takes {ratio:.2f} × {base}, {bound:g} allowed")
        if tool != "puffin":
            continue
        theirs = result["summary"].get(base, {}).get("requests") or math.inf
        if own["requests"] > result["requests"] * theirs:
            lines.append(f"{where}: {own['requests']:.0f} requests, {base} makes {theirs:.0f}")
        if own["inodes"] > result["inodes"]:
            lines.append(f"{where}: {own['inodes']:.0f} inodes, {result['inodes']:g} allowed")
        if own["memory"] > MEMORY_BOUND:
            lines.append(f"{where}: {own['memory'] / MIB:.0f} MiB")
    return lines


def input_lines(report: dict[str, Any]) -> list[str]:
    """Return how puffin's CPU seconds on the real inputs compare with uv's: the median and the worst."""
    ratios = {
        result["title"]: result["summary"]["puffin"]["CPU ÷ uv"]
        for result in report["results"]
        if result["cpu"] and {"uv", "puffin"} <= result["summary"].keys()
    }
    if not ratios:
        return []
    worst = max(ratios, key=lambda title: ratios[title])
    found = {"median": ("", median(ratios.values())), "worst": (f" ({worst})", ratios[worst])}
    return [
        f"CPU seconds of {len(ratios)} inputs, {kind}{what}: {ratio:.2f} × uv, {INPUT_BOUNDS[kind]:g} allowed: "
        f"{'holds' if ratio <= INPUT_BOUNDS[kind] else 'missed'}"
        for kind, (what, ratio) in found.items()
    ]


def failures(report: dict[str, Any]) -> list[str]:
    """Return which tool failed in which case, a line each."""
    return [
        f"{tool}: {result['title']} on {result['place']}: {complaint}"
        for result in report["results"]
        for tool, complaint in result["failed"].items()
    ]


def markdown(report: dict[str, Any], plot: str) -> str:
    """Return the page of a report; *plot* is the name of the file beside it."""
    parts = [
        "# Results",
        _heading(report),
        f"**{caution(report)}**" if caution(report) else "",
        f"![puffin beside uv and pip]({plot})",
    ]
    for place in dict.fromkeys(result["place"] for result in report["results"]):
        results = [result for result in report["results"] if result["place"] == place]
        parts += [f"## On {place}", _table(results, report), _compared(results)]
    misses = missed(report)
    verdict = "\n".join(f"- {line}" for line in misses) if misses else "All bounds hold."
    parts += ["\n".join(f"- {line}" for line in input_lines(report)), "## Bounds that are missed", verdict]
    broken = failures(report)
    parts += ["## Left out because they failed", "\n".join(f"- {line}" for line in broken)] if broken else []
    return "\n\n".join(filter(None, parts)) + "\n"


def _heading(report: dict[str, Any]) -> str:
    machine = report["machine"]
    tools = ", ".join(report["tools"].values())
    lines = [
        f"{report['date']} · {tools} · environments of Python {report['python']}",
        f"{machine['cores']} cores ({machine['cpu']}), Linux {machine['kernel']} · load at the start "
        f"{machine['load']:.2f} · index served by {report['server']} · {report['link_mode']}s · "
        f"{report['inputs']} distributions · rounds: {report['rounds']} at most · {report['minutes']:.0f} minutes",
    ]
    return "  \n".join(
        [*lines, "Method and bounds: [README.md](README.md). `python -m bench` writes this page."]
    )


def caution(report: dict[str, Any]) -> str:
    """Return why nobody should quote the figures, or nothing."""
    machine = report["machine"]
    reasons = ["one round"] if report["rounds"] == 1 else []
    if machine["load"] > machine["cores"]:
        reasons.append(f"a busy machine (load {machine['load']:.0f} on {machine['cores']} cores)")
    return f"Not to be quoted: {' on '.join(reasons)}" if reasons else ""


def _table(results: list[dict[str, Any]], report: dict[str, Any]) -> str:
    rows = [f"| case | tool | {' | '.join(_COLUMNS)} |", "|---" * (len(_COLUMNS) + 2) + "|"]
    rows += [
        f"| {result['title']} | {tool} | {' | '.join(_cells(tool, result))} |"
        for result in results
        for tool in report["tools"]
        if tool in result["summary"]
    ]
    return "\n".join(rows)


def _cells(tool: str, result: dict[str, Any]) -> list[str]:
    own = result["summary"][tool]
    bound = result["bounds"].get(tool, math.inf)
    allowed = f"{bound:g}{'' if result['base'] == 'uv' else ' × ' + result['base']}" if bound < math.inf else ""
    if tool == "puffin" and result["inodes"] < math.inf:
        allowed += f", {own['inodes']:.0f} of {result['inodes']:g} inodes"
    return [
        *(f"{own[name]:.3f}" for name in ("median", "min", "max", "cpu")),
        f"{own['memory'] / MIB:.0f}" if own["memory"] else "",
        f"{own['requests']:.0f}",
        *(_ratio(own, name, tool) for name in ("÷ uv", "CPU ÷ uv", "÷ pip")),
        allowed,
    ]


def _ratio(own: dict[str, float], name: str, tool: str) -> str:
    if name not in own:
        return ""
    number = f"{own[name]:.2f}"
    return f"**{number}**" if name == "÷ uv" and tool == "puffin" else number


def _compared(results: list[dict[str, Any]]) -> str:
    """Return puffin's time and CPU seconds beside those of the other puffin, if there is one."""
    rows = [
        (result["title"], result["summary"]["puffin"]) for result in results if "puffin" in result["summary"]
    ]
    lines = [
        f"- {title}: {own[f'÷ {BEFORE}']:.3f} × {BEFORE}, CPU {own[f'CPU ÷ {BEFORE}']:.3f}"
        for title, own in rows
        if f"÷ {BEFORE}" in own
    ]
    return "\n".join(lines)
