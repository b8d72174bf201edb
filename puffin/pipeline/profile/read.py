"""Reading run records into frozen values. Lines of other formats, or truncated ones, are skipped."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from puffin.cache.layout import Bucket, Cache
from puffin.errors import PuffinError, os_cause
from puffin.meter import HIT
from puffin.names import normalise
from puffin.pipeline.graph.task import DONE
from puffin.reasons import Reason, reason_of
from puffin.value import frozen

KILLED = -1  # the run ended before it could say how
UNTOLD = -2  # records of this format do not say


@frozen
class Row:
    """An attempt at a task, or (``phase``) a stretch of the driver's own work.

    ``name`` is the stage or the phase; times are seconds since the epoch, 0 where there was none; ``taken`` and
    ``given`` are bytes. ``needs`` are the keys that it depends on. ``reason`` says why the cache did not serve it.
    """

    name: str
    start: float
    end: float
    worker: str = ""
    phase: bool = False
    key: str = ""
    package: str = ""
    version: str = ""
    environments: tuple[str, ...] = ()
    status: str = DONE
    ready: float = 0.0
    cpu: float = 0.0
    taken: int = 0
    given: int = 0
    cache: str = ""
    log: str = ""
    error: str = ""
    needs: tuple[str, ...] = ()
    waits: bool = False
    reason: Reason | None = None

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.start)

    @property
    def label(self) -> str:
        """The package and its version, as ``name==version``; ``""`` for a phase."""
        return f"{self.package}=={self.version}" if self.version else self.package


@frozen
class RecordedChange:
    """Distributions, ``names``, that were changed in an environment for one reason.

    ``action`` is ``add``, ``remove`` or ``replace``; ``path`` is that of the environment.
    """

    action: str
    environment: str
    path: str
    names: tuple[str, ...]
    reason: Reason


@frozen
class RemoteUse:
    """What a layer of a remote cache gave, or was given (``uploads``); ``misses`` are counts by their reasons."""

    layer: str
    hits: int
    misses: tuple[tuple[str, int], ...]
    bytes: int
    seconds: float


@frozen
class EnvironmentOutcome:
    """How a run over many environments ended for one of them; ``at`` is in seconds since the epoch."""

    path: str
    status: str
    error: str
    at: float


@frozen
class Profile:
    """The record of one run. ``status`` is its exit code, ``KILLED`` or ``UNTOLD``.

    ``rows`` have times; ``untimed`` are tasks that were cancelled or never came to an end. ``failure`` is the error
    that ended the run, with its causes, as the terminal showed it.
    """

    run: str
    path: str = ""
    command: str = ""
    puffin: str = ""
    python: str = ""
    driver: str = ""
    executor: str = ""
    jobs: int = 0
    started: float = 0.0
    ended: float = 0.0
    status: int = KILLED
    graphs: tuple[float, ...] = ()
    rows: tuple[Row, ...] = ()
    untimed: tuple[Row, ...] = ()
    changes: tuple[RecordedChange, ...] = ()
    remote: tuple[RemoteUse, ...] = ()
    outcomes: tuple[EnvironmentOutcome, ...] = ()
    failure: str = ""

    @property
    def wall(self) -> float:
        return max(0.0, self.ended - self.started)

    @property
    def tasks(self) -> tuple[Row, ...]:
        """The attempts at tasks, without phases."""
        return tuple([row for row in self.rows if not row.phase])


class RecordNotFound(PuffinError):
    """There is no record of the run that was asked for."""

    sentence = "There is no record of the run `{run}`"
    run: str
    hints: tuple[str, ...] = ("run `puffin profile show --last 10` to see the last runs",)


class NoFinishedRun(PuffinError):
    """No run that is recorded did what it was asked."""

    sentence = "None of the recorded runs ended well"
    hints: tuple[str, ...] = ("run `puffin profile show --last 10` to see the last runs",)


class RecordUnreadable(PuffinError):
    """A file is not a run record."""

    sentence = "Failed to read the run record `{path}`"
    path: str


def record_paths(cache: Cache) -> list[str]:
    """Return the paths of the records in the cache, the oldest first."""
    directory = cache.path(Bucket.RUNS)
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    return [f"{directory}/{name}" for name in sorted(names) if name.endswith(".jsonl")]


def find_record(run: str, cache: Cache) -> str:
    """Return the path of a record: *run* is a run's id, a file, or -1 for the last run, -2 for the one before.

    Raises :class:`RecordNotFound`.
    """
    paths = record_paths(cache)
    if run[:1] == "-" and run[1:].isdigit() and 0 < int(run[1:]) <= len(paths):
        return paths[-int(run[1:])]
    known = {os.path.basename(path).removesuffix(".jsonl"): path for path in paths}
    if run in known:
        return known[run]
    if os.path.isfile(run):
        return run
    raise RecordNotFound(run=run)


def load_profile(path: str) -> Profile:
    """Return the profile that the record at *path* holds. Raises :class:`RecordUnreadable`."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise RecordUnreadable(path=path, causes=(os_cause(error),)) from error
    lines = list(_lines(data))
    if not lines:
        raise RecordUnreadable(path=path)
    return parse(lines, path)


def load_profiles(cache: Cache) -> list[Profile]:
    """Return the profiles of all records that can be read, the oldest first."""
    found = []
    for path in record_paths(cache):
        try:
            found.append(load_profile(path))
        except RecordUnreadable:
            continue
    return found


def build_times(cache: Cache) -> dict[str, float]:
    """Return how many seconds the last recorded build of each package took, by its normalised name."""
    found: dict[str, float] = {}
    for line in _recorded(cache, b'{"stage":"build",'):
        if _text(line, "status") == DONE and _text(line, "cache") != HIT:
            name = normalise(_text(line, "package").partition(" ")[0])
            found[name] = max(0.0, _number(line, "end") - _number(line, "start"))
    return found


def last_outcomes(cache: Cache) -> dict[str, EnvironmentOutcome]:
    """Return how the last recorded run ended for each environment, by its path."""
    outcomes = map(_outcome, _recorded(cache, b'{"environment":'))
    return {outcome.path: outcome for outcome in outcomes}


def _recorded(cache: Cache, beginning: bytes) -> Iterator[dict[str, Any]]:
    """Yield the lines with this *beginning* of all records that can be read, the oldest first."""
    for path in record_paths(cache):
        try:
            with open(path, "rb") as file:
                data = b"\n".join(line for line in file if line.startswith(beginning))
        except OSError:
            continue
        yield from _lines(data)


def _lines(data: bytes) -> Iterable[dict[str, Any]]:
    for line in data.splitlines():
        try:
            value = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            continue
        if isinstance(value, dict):
            yield value


def parse(lines: list[dict[str, Any]], path: str = "") -> Profile:
    """Return the profile in the *lines* of a record; fields of a wrong kind count as not given."""
    head = lines[0]
    rows = [_row(line) for line in lines if "stage" in line or "phase" in line]
    timed = tuple(sorted([row for row in rows if row.start > 0], key=lambda row: (row.start, row.end)))
    last: dict[str, Any] = next((line for line in reversed(lines) if "ended" in line), {})
    graphs = [line for line in lines if "graph" in line]
    started = _number(head, "started") or min((row.start for row in timed), default=0.0)
    name = os.path.basename(path).removesuffix(".jsonl")
    return Profile(
        run=_text(head, "run") or name,
        path=path,
        command=_text(head, "command"),
        puffin=_text(head, "puffin"),
        python=_text(head, "python"),
        driver=_text(head, "driver"),
        executor=_text(graphs[-1], "graph") if graphs else _text(head, "executor"),
        jobs=int(_number(graphs[-1] if graphs else head, "jobs")),
        started=started,
        ended=max([_number(last, "ended"), started, *[row.end for row in timed]]),
        status=int(_number(last, "status", KILLED if "format" in head else UNTOLD)),
        graphs=tuple([_number(line, "at") for line in graphs]),
        rows=timed,
        untimed=tuple([row for row in rows if row.start <= 0]),
        changes=tuple([found for line in lines if (found := _change(line)) is not None]),
        remote=_layers([_remote(line) for line in lines if _text(line, "remote")]),
        outcomes=tuple([_outcome(line) for line in lines if _text(line, "outcome")]),
        failure=next((_text(line, "failure") for line in lines if _text(line, "failure")), ""),
    )


def _change(line: dict[str, Any]) -> RecordedChange | None:
    reason = reason_of(line.get("reason"))
    if "change" not in line or reason is None:
        return None
    return RecordedChange(
        action=_text(line, "change"),
        environment=_text(line, "environment"),
        path=_text(line, "path"),
        names=_texts(line, "names"),
        reason=reason,
    )


def _outcome(line: dict[str, Any]) -> EnvironmentOutcome:
    return EnvironmentOutcome(
        path=_text(line, "environment"),
        status=_text(line, "outcome"),
        error=_text(line, "error"),
        at=_number(line, "at"),
    )


def _layers(uses: list[RemoteUse]) -> tuple[RemoteUse, ...]:
    """Return one use for each layer."""
    found: dict[str, RemoteUse] = {}
    for each in uses:
        former = found.get(each.layer)
        found[each.layer] = each if former is None else _sum(former, each)
    return tuple(found.values())


def _sum(one: RemoteUse, other: RemoteUse) -> RemoteUse:
    misses = Counter(dict(one.misses)) + Counter(dict(other.misses))
    return RemoteUse(
        layer=one.layer,
        hits=one.hits + other.hits,
        misses=tuple(misses.items()),
        bytes=one.bytes + other.bytes,
        seconds=one.seconds + other.seconds,
    )


def _remote(line: dict[str, Any]) -> RemoteUse:
    told = line.get("misses")
    misses = told if isinstance(told, dict) else {}
    return RemoteUse(
        layer=_text(line, "remote"),
        hits=int(_number(line, "hits")),
        misses=tuple([(str(reason), int(_number(misses, reason))) for reason in misses]),
        bytes=int(_number(line, "bytes")),
        seconds=_number(line, "seconds"),
    )


def _row(line: dict[str, Any]) -> Row:
    phase = "phase" in line
    start = _number(line, "start")
    stage, key = _text(line, "stage"), _text(line, "key")
    return Row(
        name=_text(line, "phase") if phase else stage,
        start=start,
        end=max(start, _number(line, "end")),
        worker=_text(line, "worker"),
        phase=phase,
        key="" if phase else f"{stage}/{key}",
        package=_text(line, "package"),
        version=_text(line, "version"),
        environments=_texts(line, "environments"),
        status=_text(line, "status") or DONE,
        ready=_number(line, "ready"),
        cpu=max(0.0, _number(line, "cpu")),
        taken=int(_number(line, "in")),
        given=int(_number(line, "out")),
        cache=_text(line, "cache"),
        log=_text(line, "log"),
        error=_text(line, "error"),
        needs=_texts(line, "needs"),
        waits=line.get("waits") is True,
        reason=reason_of(line.get("reason")),
    )


def _text(line: dict[str, Any], name: str) -> str:
    value = line.get(name)
    return value if isinstance(value, str) else ""


def _texts(line: dict[str, Any], name: str) -> tuple[str, ...]:
    value = line.get(name)
    return tuple([each for each in value if isinstance(each, str)]) if isinstance(value, list) else ()


def _number(line: dict[str, Any], name: str, default: float = 0.0) -> float:
    value = line.get(name)
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value
    return min(float(value), 1e15) if known and value is not None else default
