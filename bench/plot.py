"""The figures as a bar chart (SVG), which takes the reader's colours: light or dark."""

from __future__ import annotations

from html import escape
from typing import Any

from bench.cases import PLOTTED
from bench.results import caution

_WIDTH, _LEFT, _RIGHT, _BAR, _GAP = 820, 270, 150, 12, 14
_MOST = 1.6  # × uv; a longer bar is cut
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 } .quiet { fill: #59636e } .line { stroke: #59636e }
.puffin { fill: #0b6bcb } .uv { fill: #b4bcc5 } .pip { fill: #d98b2b } .title { font-weight: 600; font-size: 14px }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .quiet { fill: #9198a1 } .line { stroke: #9198a1 }
.puffin { fill: #4aa3ff } .uv { fill: #5d6772 } .pip { fill: #c98a3a } }
"""


def svg(report: dict[str, Any]) -> str:
    """Return the chart of the main cases: wall time of each tool as a multiple of uv's, with its seconds."""
    results = {result["case"]: result for result in reversed(report["results"])}
    chosen = [results[name] for name in PLOTTED if name in results] or list(results.values())[:12]
    chosen = [result for result in chosen if "puffin" in result["summary"]]
    tools = [name for name in ("puffin", "uv", "pip") if any(name in each["summary"] for each in chosen)]
    lines, height = [], 62
    for result in chosen:
        own = [name for name in tools if name in result["summary"]]
        middle = height + len(own) * _BAR / 2 + 4
        lines.append(_text(_LEFT - 10, middle, result["title"].replace("`", ""), anchor="end"))
        base = result["summary"]["uv" if "uv" in own else own[0]]["median"]
        for name in own:
            lines += _bar(height, name, result["summary"][name]["median"], base)
            height += _BAR
        height += _GAP
    return _page(tools, lines, height, caution(report))


def _bar(top: int, tool: str, seconds: float, base: float) -> list[str]:
    ratio = seconds / base
    width = _scaled(min(ratio, _MOST))
    more = " →" if ratio > _MOST else ""
    told = f"{seconds:.3f} s" if seconds < 1 else f"{seconds:.1f} s"
    return [
        f'<rect class="{tool}" x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_BAR - 1}"/>',
        _text(_LEFT + width + 5, top + _BAR - 2.5, f"{told}{more}", kind="quiet", size=10),
    ]


def _scaled(ratio: float) -> float:
    return ratio / _MOST * (_WIDTH - _LEFT - _RIGHT)


def _page(tools: list[str], lines: list[str], height: int, note: str) -> str:
    one = _LEFT + _scaled(1)
    legend = []
    for number, tool in enumerate(tools):
        left = _LEFT + number * 90
        legend.append(f'<rect class="{tool}" x="{left}" y="34" width="12" height="12"/>')
        legend.append(_text(left + 18, 45, tool))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height + 18}" role="img">',
            f"<title>puffin beside uv and pip: wall time</title><style>{_STYLE}</style>",
            _text(_LEFT, 20, "Wall time as a multiple of uv's (shorter is better)", kind="title"),
            *legend,
            _text(_LEFT, height + 12, note, kind="quiet", size=10),
            f'<line class="line" x1="{one}" y1="54" x2="{one}" y2="{height}" stroke-dasharray="3 3"/>',
            *lines,
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, text: str, *, kind: str = "", anchor: str = "start", size: int = 12) -> str:
    style = f' style="font-size:{size}px"' if size != 12 else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(text)}</text>'
