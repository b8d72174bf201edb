"""A run as a trace in the Chrome trace event format, which Perfetto and ``chrome://tracing`` read.

A worker is a process; its downloads, which overlap, lie on threads of their own. Arrows ("flows") lead from the end
of each task to the start of those that need it. Counters say what was running, ready, downloaded and computed.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from puffin.pipeline.profile.read import Profile, Row
from puffin.pipeline.profile.spans import spans

Event = dict[str, Any]

_MAIN = 1  # the thread of what ran on a worker's main thread; downloads lie on 2 and following
_COUNTERS = 0  # the process that the counters belong to
_STEPS = 400  # points of a counter at most


def trace(profile: Profile) -> dict[str, Any]:
    """Return the trace, ready for ``json.dumps``. Times are microseconds since the start of the run."""
    numbers = {name: number for number, name in enumerate(_workers(profile), start=1)}
    places = _places(profile, numbers)
    events: list[Event] = [
        *_names(profile, numbers, places),
        *[_complete(row, *places[id(row)], profile.started) for row in profile.rows],
        *_flows(profile, places),
        *_counters(profile),
    ]
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {
            "run": profile.run,
            "command": profile.command,
            "puffin": profile.puffin,
            "executor": profile.executor,
            "status": profile.status,
        },
    }


def _workers(profile: Profile) -> list[str]:
    return list(dict.fromkeys([profile.driver, *[row.worker for row in profile.rows]]))


def _places(profile: Profile, numbers: dict[str, int]) -> dict[int, tuple[int, int]]:
    """Return process and thread of each row: downloads get the first thread that is free."""
    free: dict[int, list[float]] = {}
    places = {}
    for row in profile.rows:
        process = numbers[row.worker]
        if not row.waits:
            places[id(row)] = (process, _MAIN)
            continue
        lanes = free.setdefault(process, [])
        lane = next((number for number, end in enumerate(lanes) if end <= row.start), len(lanes))
        lanes[lane:] = [row.end, *lanes[lane + 1 :]]
        places[id(row)] = (process, _MAIN + 1 + lane)
    return places


def _names(profile: Profile, numbers: dict[str, int], places: dict[int, tuple[int, int]]) -> Iterator[Event]:
    for name, number in numbers.items():
        told = f"driver {name}" if name == profile.driver else f"worker {name}" if name else "lost"
        yield _meta("process_name", number, 0, told)
    for process, thread in sorted(set(places.values())):
        yield _meta("thread_name", process, thread, "work" if thread == _MAIN else f"download {thread - _MAIN}")
    yield _meta("process_name", _COUNTERS, 0, "counters")


def _meta(kind: str, process: int, thread: int, name: str) -> Event:
    return {"ph": "M", "name": kind, "pid": process, "tid": thread, "args": {"name": name}}


def _complete(row: Row, process: int, thread: int, zero: float) -> Event:
    details = {
        "key": row.key,
        "status": row.status,
        "cpu": row.cpu,
        "in": row.taken,
        "out": row.given,
        "cache": row.cache,
        "environments": list(row.environments),
        "error": row.error,
        "log": row.log,
    }
    return {
        "ph": "X",
        "name": f"{row.name} {row.label}".strip(),
        "cat": "phase" if row.phase else row.name,
        "ts": _micro(row.start - zero),
        "dur": _micro(row.seconds),
        "pid": process,
        "tid": thread,
        "args": {name: value for name, value in details.items() if value},
    }


def _micro(seconds: float) -> float:
    return round(max(0.0, seconds) * 1e6, 1)


def _flows(profile: Profile, places: dict[int, tuple[int, int]]) -> Iterator[Event]:
    ends = {row.key: row for row in profile.tasks}
    number = 0
    for row in profile.tasks:
        for need in row.needs:
            source = ends.get(need)
            if source is None or source.start > row.start:
                continue
            number += 1
            shared = {"cat": "needs", "name": "needs", "id": number}
            # a flow begins within the slice that it comes from
            left = min(max(source.start, source.end - 1e-7), row.start)
            yield {"ph": "s", "ts": _micro(left - profile.started), **shared, **_at(places[id(source)])}
            yield {
                "ph": "f",
                "bp": "e",
                "ts": _micro(row.start - profile.started),
                **shared,
                **_at(places[id(row)]),
            }


def _at(place: tuple[int, int]) -> Event:
    return {"pid": place[0], "tid": place[1]}


def _counters(profile: Profile) -> Iterator[Event]:
    tasks = profile.tasks
    if not tasks:
        return
    loads = [row for row in tasks if row.waits and row.seconds and row.taken]
    own = [span for span in spans(profile) if span.row.seconds]
    counts = {
        "running": [(row.start, row.end, 1.0) for row in tasks],
        "ready": [(row.ready, row.start, 1.0) for row in tasks if 0 < row.ready < row.start],
        "network MB/s": [(row.start, row.end, row.taken / row.seconds / 1e6) for row in loads],
        "CPU cores": [(each.start, each.end, min(1.0, each.row.cpu / each.row.seconds)) for each in own],
    }
    for name, stretches in counts.items():
        for moment, value in _sampled(stretches, profile.started, profile.ended):
            yield {
                "ph": "C",
                "name": name,
                "pid": _COUNTERS,
                "tid": 0,
                "ts": _micro(moment - profile.started),
                "args": {name: round(value, 3)},
            }


def _sampled(
    stretches: Iterable[tuple[float, float, float]], start: float, end: float
) -> Iterator[tuple[float, float]]:
    """Yield the sum of the stretches' values over time, at most at :data:`_STEPS` moments and where it changes."""
    edges = sorted([edge for begin, until, value in stretches for edge in ((begin, value), (until, -value))])
    step = max((end - start) / _STEPS, 1e-6)
    level, told, at = 0.0, start - step, 0
    while at < len(edges):
        moment = edges[at][0]
        while at < len(edges) and (edges[at][0] == moment or edges[at][0] < told + step):
            moment = edges[at][0]
            level += edges[at][1]
            at += 1
        told = moment
        yield moment, max(0.0, level) if abs(level) > 1e-9 else 0.0
