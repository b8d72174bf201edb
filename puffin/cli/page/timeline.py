"""The timeline of a profile page: one lane of bars for each worker, as SVG that fits any width."""

from collections.abc import Mapping, Sequence
from html import escape

from puffin.cli.page.words import moved, worker_name
from puffin.cli.screen.quantities import clock, duration
from puffin.cli.screen.stages import stage_word
from puffin.pipeline.profile.read import Profile, Row
from puffin.pipeline.profile.spans import Span, spans
from puffin.value import frozen, replace

Styles = Mapping[str, tuple[str, str, str]]

_SINGLE = 1500  # rows, up to which each has its own bar
_CELLS = 1000  # cells of a lane beyond that, over all lanes of up to eight workers
_WORK, _LOAD, _GAP = 20, 5, 2  # heights in pixels
_TOUCH = 2e-3  # seconds that two clocks may differ: no lane for that


@frozen
class Bar:
    """A bar: its place in parts of the whole width, its stage, its text, and the environments that it serves."""

    left: float
    width: float
    stage: str
    text: str
    environments: tuple[str, ...] = ()


def bar_text(row: Row) -> str:
    """Return the text of the bar of a row."""
    sizes = [moved(row.taken)] if row.given == row.taken else [moved(row.taken), moved(row.given)]
    words = [
        f"{stage_word(row.name)} {row.label}".strip(),
        duration(row.seconds),
        " → ".join(filter(None, sizes)),
    ]
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
            environments=row.environments,
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
    names = ", ".join(
        bar.text.partition(" · ")[0].removeprefix(stage_word(bar.stage)).strip() for bar in inside[:6]
    )
    tasks = ", ".join(f"{count} × {stage_word(name)}" for name, count in counts.items())
    more = ", …" if len(inside) > 6 else ""
    return Bar(
        left=first / cells,
        width=(last - first + 1) / cells,
        stage=stage,
        text=f"{tasks}: {names}{more}",
        environments=tuple(dict.fromkeys([each for bar in inside for each in bar.environments])),
    )


def svg(lane: Sequence[Bar], height: int, styles: Styles, places: Mapping[str, int], name: str) -> str:
    """Return a lane as an SVG element; bars have the numbers of their environments among *places*."""
    inside = "".join(
        f'<rect class="{styles[bar.stage][0]}" x="{bar.left * 100:.3f}%" width="{max(bar.width * 100, 0.06):.3f}%" '
        f'height="{height}"{_served(bar, places)}><title>{escape(bar.text)}</title></rect>'
        for bar in lane
    )
    return f'<svg class="lane" height="{height}" role="img" aria-label="{escape(name)}">{inside}</svg>'


def _served(bar: Bar, places: Mapping[str, int]) -> str:
    numbers = " ".join([str(places[each]) for each in bar.environments if each in places])
    return f' data-e="{numbers}"' if numbers else ""


def timeline(profile: Profile, styles: Styles, places: Mapping[str, int]) -> str:
    """Return the lanes of all workers under an axis, the driver first; they scroll when they are enlarged."""
    workers = list(dict.fromkeys([profile.driver, *[row.worker for row in profile.rows if row.worker]]))
    cells = 0
    if len(profile.rows) > _SINGLE:
        cells = max(200, _CELLS * 8 // max(8, len(workers)))
    found = [span for span in spans(profile) if span.row.phase]
    lanes = [_worker(name, profile, styles, cells, found, places) for name in workers]
    names = "".join(
        f'<div class="who" style="height:{height}px" title="process {escape(name)}">'
        f"{escape(worker_name('' if name == profile.driver else name, number))}</div>"
        for number, (name, (_, height)) in enumerate(zip(workers, lanes, strict=True))
    )
    drawn = "".join(f'<div class="lanes">{inside}</div>' for inside, _ in lanes)
    return (
        f'<div class="timeline"><div class="names"><div class="corner"></div>{names}</div>'
        '<div class="scroll" tabindex="0" role="group" aria-label="Timeline; + and - zoom, 0 shows all">'
        f'<div class="drawn">{_axis(profile.wall)}{drawn}</div></div></div>'
    )


def _worker(
    name: str, profile: Profile, styles: Styles, cells: int, found: list[Span], places: Mapping[str, int]
) -> tuple[str, int]:
    """Return the lanes of a worker and their height: work that overlaps, such as builds, has lanes of its own."""
    mine = [row for row in profile.rows if row.worker == name]
    phases = [replace(span.row, start=span.start, end=span.end) for span in found if span.row.worker == name]
    work = sorted(
        [*phases, *[row for row in mine if not row.phase and not row.waits]], key=lambda row: row.start
    )
    loads = _packed([row for row in mine if row.waits])
    lanes = [(each, _WORK) for each in _packed(work) or [[]]] + [(each, _LOAD) for each in loads]
    drawn = [
        svg(bars(each, profile, cells), height, styles, places, f"{len(each)} steps") for each, height in lanes
    ]
    return "".join(drawn), sum(height + _GAP for _, height in lanes)


def _packed(rows: Sequence[Row]) -> list[list[Row]]:
    """Return rows that overlap as lanes in which none do."""
    lanes: list[list[Row]] = []
    for row in rows:
        lane = next((each for each in lanes if each[-1].end <= row.start + _TOUCH), None)
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
            if not wall or tick / wall < 0.95
        )
        if wall
        else ""
    )
    return f'<div class="axis">{marks}</div>'


def _tick(value: float, step: float) -> str:
    return clock(value) if step >= 1 else duration(value) if value else "0"


def _step(wall: float) -> float:
    """Return a round distance of ticks, so that there are five to twelve."""
    unit = 0.001
    while unit * 100 < wall:
        unit *= 10
    return next((unit * each for each in (1, 2, 5, 10) if wall / (unit * each) <= 11), unit * 10)
