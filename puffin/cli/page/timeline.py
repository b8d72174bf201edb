"""The timeline of a profile page: one lane of bars for each worker, as SVG that fits any width."""

from collections.abc import Mapping, Sequence
from html import escape

from puffin.cli.page.words import moved
from puffin.cli.screen.quantities import duration
from puffin.pipeline.profile.read import Profile, Row
from puffin.pipeline.profile.spans import Span, spans
from puffin.value import frozen, replace

Styles = Mapping[str, tuple[str, str, str]]

_SINGLE = 1500  # rows, up to which each has its own bar
_CELLS = 1000  # cells of a lane beyond that, over all lanes of up to eight workers
_WORK, _LOAD = 20, 5  # heights in pixels


@frozen
class Bar:
    """A bar: its place in parts of the whole width, its stage, and its text."""

    left: float
    width: float
    stage: str
    text: str


def bar_text(row: Row) -> str:
    """Return the text of the bar of a row."""
    sizes = [moved(row.taken)] if row.given == row.taken else [moved(row.taken), moved(row.given)]
    words = [f"{row.name} {row.label}".strip(), duration(row.seconds), " → ".join(filter(None, sizes))]
    words += [f"cache {row.cache}"] if row.cache else []
    words += [row.status] if row.status != "done" else []
    words += [row.error] if row.error else []
    return " · ".join(word for word in words if word)


def bars(rows: Sequence[Row], profile: Profile, cells: int) -> list[Bar]:
    """Return the bars of a lane; with *cells* above 0 short rows share bars, one for each stretch of a stage."""
    wall = profile.wall or 1.0
    found = [
        Bar(
            left=(row.start - profile.started) / wall,
            width=row.seconds / wall,
            stage=row.name,
            text=bar_text(row),
        )
        for row in rows
    ]
    if not cells:
        return found
    long = [bar for bar in found if bar.width >= 2 / cells]
    return long + _together([bar for bar in found if bar.width < 2 / cells], cells)


def _together(short: list[Bar], cells: int) -> list[Bar]:
    filled: dict[int, list[Bar]] = {}
    for bar in short:
        filled.setdefault(int((bar.left + bar.width / 2) * cells), []).append(bar)
    groups: list[tuple[str, int, int, list[Bar]]] = []
    for cell, inside in sorted(filled.items()):
        times: dict[str, float] = {}
        for bar in inside:
            times[bar.stage] = times.get(bar.stage, 0.0) + bar.width
        stage = max(times, key=lambda name: times[name])
        if groups and groups[-1][0] == stage and groups[-1][2] == cell - 1 and cell - groups[-1][1] < 8:
            groups[-1] = (stage, groups[-1][1], cell, [*groups[-1][3], *inside])
        else:
            groups.append((stage, cell, cell, inside))
    return [_group(*group, cells) for group in groups]


def _group(stage: str, first: int, last: int, inside: list[Bar], cells: int) -> Bar:
    if len(inside) == 1:
        return inside[0]
    counts: dict[str, int] = {}
    for bar in inside:
        counts[bar.stage] = counts.get(bar.stage, 0) + 1
    names = ", ".join(bar.text.partition(" · ")[0].partition(" ")[2] for bar in inside[:6])
    tasks = ", ".join(f"{count} × {name}" for name, count in counts.items())
    more = ", …" if len(inside) > 6 else ""
    return Bar(
        left=first / cells, width=(last - first + 1) / cells, stage=stage, text=f"{tasks}: {names}{more}"
    )


def svg(lane: Sequence[Bar], height: int, styles: Styles) -> str:
    """Return a lane as an SVG element."""
    inside = "".join(
        f'<rect class="{styles[bar.stage][0]}" x="{bar.left * 100:.3f}%" width="{max(bar.width * 100, 0.06):.3f}%" '
        f'height="{height}"><title>{escape(bar.text)}</title></rect>'
        for bar in lane
    )
    return f'<svg class="lane" height="{height}">{inside}</svg>'


def timeline(profile: Profile, styles: Styles) -> str:
    """Return the lanes of all workers under an axis, the driver first."""
    workers = list(dict.fromkeys([profile.driver, *[row.worker for row in profile.rows if row.worker]]))
    cells = 0
    if len(profile.rows) > _SINGLE:
        cells = max(200, _CELLS * 8 // max(8, len(workers)))
    found = [span for span in spans(profile) if span.row.phase]
    rows = "".join(_worker(name, number, profile, styles, cells, found) for number, name in enumerate(workers))
    return f'<div class="timeline">{_axis(profile.wall)}{rows}</div>'


def _worker(name: str, number: int, profile: Profile, styles: Styles, cells: int, found: list[Span]) -> str:
    mine = [row for row in profile.rows if row.worker == name]
    phases = [replace(span.row, start=span.start, end=span.end) for span in found if span.row.worker == name]
    work = [*phases, *[row for row in mine if not row.phase and not row.waits]]
    lanes = [svg(bars(work, profile, cells), _WORK, styles)]
    loads = _packed([row for row in mine if row.waits])
    lanes += [svg(bars(each, profile, cells), _LOAD, styles) for each in loads]
    title = "driver" if name == profile.driver else f"worker {number}"
    label = f'<span title="process {escape(name)}">{title}</span>'
    return f'<div class="who">{label}</div><div class="lanes">{"".join(lanes)}</div>'


def _packed(rows: Sequence[Row]) -> list[list[Row]]:
    """Return rows that overlap as lanes in which none do."""
    lanes: list[list[Row]] = []
    for row in rows:
        lane = next((each for each in lanes if each[-1].end <= row.start), None)
        if lane is None:
            lanes.append([row])
        else:
            lane.append(row)
    return lanes


def _axis(wall: float) -> str:
    step = _step(wall)
    ticks = [number * step for number in range(int(wall / step) + 1)] if wall else [0.0]
    marks = (
        "".join(
            f'<span style="left:{tick / wall * 100:.2f}%">{escape(_tick(tick, step))}</span>'
            for tick in ticks
            if not wall or tick / wall < 0.985
        )
        if wall
        else ""
    )
    return f'<div class="who"></div><div class="axis">{marks}</div>'


def _tick(value: float, step: float) -> str:
    if step < 1:
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
    return f"{value:.0f} s"


def _step(wall: float) -> float:
    """Return a round distance of ticks, so that there are five to twelve."""
    unit = 0.001
    while unit * 100 < wall:
        unit *= 10
    return next((unit * each for each in (1, 2, 5, 10) if wall / (unit * each) <= 11), unit * 10)
