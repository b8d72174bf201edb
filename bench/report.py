"""Figures of a benchmark as tables (Markdown) and as JSON."""

from __future__ import annotations

from statistics import median
from typing import Any

MIB = 1024 * 1024


def summarise(runs: dict[str, list[dict[str, float]]], base: str) -> dict[str, dict[str, float]]:
    """Return the summary of each tool's *runs*; ``ratio`` is the median of the ratios to *base* in the same round."""
    summary = {}
    for tool, own in runs.items():
        walls = [run["wall"] for run in own]
        others = [run["wall"] for run in runs.get(base, own)]
        summary[tool] = {
            "median": median(walls),
            "min": min(walls),
            "max": max(walls),
            "cpu": median(run["user"] + run["system"] for run in own),
            "ratio": median(wall / other for wall, other in zip(walls, others, strict=True)),
            "ratio_min": min(walls) / min(others),
        }
    return summary


def compared(title: str, runs: dict[str, list[dict[str, float]]], other: str = "before") -> list[str]:
    """Return a line about puffin's time beside that of the *other* puffin, if there is one among *runs*."""
    if other not in runs:
        return []
    own = summarise({name: runs[name] for name in ("puffin", other)}, other)["puffin"]
    return [f"- {title}: {own['ratio']:.3f} × {other}, {own['ratio_min']:.3f} by minima"]


def markdown(report: dict[str, Any]) -> str:
    """Return the tables of a report."""
    parts = [_heading(report)]
    for place in dict.fromkeys(result["place"] for result in report["results"]):
        results = [result for result in report["results"] if result["place"] == place]
        ratios = [line for result in results for line in compared(result["title"], result["runs"])]
        tables = [_times(results), "\n".join(ratios), _memory(results)]
        parts.append("\n\n".join([f"**On {place}**", *filter(None, tables)]))
    return "\n\n".join(parts) + "\n"


def _heading(report: dict[str, Any]) -> str:
    machine = report["machine"]
    tools = ", ".join(report["tools"].values())
    lines = [
        f"{report['date']} · {tools} · Python {report['python']} · {machine['cores']} cores ({machine['cpu']}), "
        f"Linux {machine['kernel']} · index served by {report['server']} · {report['link_mode']}s",
        f"{report['pins']} pins, {report['bytes'] / 1e6:.0f} MB of wheels · {report['rounds']} rounds after "
        f"{report['warmup']} that do not count · load at the start {machine['load']:.2f}",
    ]
    return "  \n".join(lines)


def _times(results: list[dict[str, Any]]) -> str:
    rows = [
        "| case | tool | wall s (median) | min | max | CPU s | ÷ uv | ÷ uv by minima | allowed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for tool, figures in result["summary"].items():
            allowed = f"{result['bound']:g}" if tool == "puffin" else ""
            ratios = (
                ("1", "1") if tool == "uv" else (f"**{figures['ratio']:.2f}**", f"{figures['ratio_min']:.2f}")
            )
            rows.append(
                f"| {result['title']} | {tool} | {figures['median']:.3f} | {figures['min']:.3f} "
                f"| {figures['max']:.3f} | {figures['cpu']:.2f} | {ratios[0]} | {ratios[1]} | {allowed} |"
            )
    return "\n".join(rows)


def _memory(results: list[dict[str, Any]]) -> str:
    rows = [
        f"| {result['title']} | {tool} | {run['memory'] / MIB:.0f} | {run['processes']} |"
        for result in results
        for tool, run in result["memory"].items()
    ]
    if not rows:
        return ""
    head = ["| case | tool | peak memory of all processes, MiB | processes |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def missed(report: dict[str, Any]) -> list[str]:
    """Return what puffin did not reach, a line each."""
    lines = []
    for result in report["results"]:
        ratio = result["summary"]["puffin"]["ratio"]
        if ratio > result["bound"]:
            lines.append(f"{result['title']} on {result['place']}: {ratio:.2f} × uv, {result['bound']} allowed")
        memory = result["memory"].get("puffin", {}).get("memory", 0)
        if memory > report["memory_bound"]:
            lines.append(f"{result['title']} on {result['place']}: {memory / MIB:.0f} MiB")
    return lines
