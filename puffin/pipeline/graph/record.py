"""The record of a run: lines of JSON in the cache, about the run, its phases, each attempt at a task, and its end.

The first line is about the run. Others are told apart by what they have: ``graph`` (an executor was handed tasks),
``phase`` (a stretch of the driver's own work), ``stage`` (an attempt at a task), ``change`` (distributions of an
environment that changed for one reason), ``outcome`` (how an environment of many ended), ``remote`` (what a remote
cache had of one layer), ``failure`` (the error that ended the run), ``ended`` (the run's last line, missing where it
was killed). Times are seconds since the epoch. A run begins with :func:`begin`; whatever is done until :func:`finish`
may be put down with :func:`phase`, without knowing whether anybody listens.
"""

import os
import sys
import time
from _thread import allocate_lock

from puffin.cache.layout import Bucket, Cache
from puffin.pipeline.graph.task import Key, Outcome, Task
from puffin.reasons import Reason
from puffin.types import Callable, Iterable
from puffin.value import field_names

KEPT_RUNS = 10
FORMAT = 2
_FIELDS = field_names(Reason)
_EVERY = 0.25  # seconds after which what has gathered is written: so much is lost if the process is killed


class RunRecord:
    """Writes the record of one run. A cache that cannot be written to has no records, and no error.

    Nothing is written unless :meth:`keep` is called, or something that does: a run without work leaves none.
    ``started`` and ``cpu`` are when the process began its command, and the CPU seconds that it had used by then.
    ``warn`` tells the user something, where the command has set it.
    """

    def __init__(self, cache: Cache, command: str, *, version: str, started: float, cpu: float = 0.0) -> None:
        self._directory = cache.path(Bucket.RUNS)
        self._worker = str(os.getpid())
        self.run = f"{int(started * 1000):013d}-{self._worker}"
        self.path = f"{self._directory}/{self.run}.jsonl"
        self._descriptor = -1
        self._state = ""  # then "open", then "closed"
        self._lines: list[str] = []
        self._lock = allocate_lock()
        self._flushed = started
        self._began = started - cpu
        self._head = f'"command":{json_text(command)},"puffin":{json_text(version)}'
        self._graph = '"executor":"","tasks":0,"jobs":0'
        self.warn: Callable[[str], None] = _nobody
        self.row("start python", self._began, started, cpu)

    @property
    def is_own(self) -> bool:
        """Whether this process is the one that writes the record, and not one that was forked from it."""
        return self._worker == str(os.getpid())

    def keep(self) -> None:
        """Make sure that this run leaves a record."""
        if self._state:
            return
        self._state = "open"
        python = ".".join([str(part) for part in sys.version_info[:3]])
        self._lines.insert(
            0,
            f'{{"run":"{self.run}","format":{FORMAT},{self._head},"python":"{python}","driver":"{self._worker}",'
            f'"started":{self._began:.6f},{self._graph}}}\n',
        )
        try:
            os.makedirs(self._directory, exist_ok=True)
            _forget_old(self._directory)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            self._descriptor = os.open(self.path, flags, 0o666)
        except OSError:
            self._state = "closed"

    def graph(self, executor: str, *, jobs: int, tasks: int, at: float) -> None:
        """Note that *executor* is handed so many tasks at this time."""
        self._graph = f'"executor":{json_text(executor)},"tasks":{tasks},"jobs":{jobs}'
        self.keep()
        self._lines.append(f'{{"graph":{json_text(executor)},"tasks":{tasks},"jobs":{jobs},"at":{at:.6f}}}\n')
        self.flush()

    def row(self, name: str, start: float, end: float, cpu: float) -> None:
        self._lines.append(
            f'{{"phase":{json_text(name)},"start":{start:.6f},"end":{end:.6f},"cpu":{cpu:.6f},'
            f'"worker":"{self._worker}"}}\n'
        )
        if end - self._flushed > _EVERY:
            self.flush(end)

    def task(self, task: "Task", outcome: "Outcome", *, ready: float = 0.0, error: str = "") -> None:
        """Add the line of an attempt at a task, which could have started at *ready*."""
        package, _, version = task.label.partition("==")
        needs = ",".join([f'"{need[0]}/{key_name(need)}"' for need in task.dependencies])
        served = f',"environments":[{",".join(map(json_text, task.environments))}]' if task.environments else ""
        more = f',"log":{json_text(outcome.log)}' if outcome.log else ""
        more += f',"error":{json_text(error)}' if error else ""
        more += ',"waits":true' if task.waits else ""
        more += f',"reason":{_reason(task.reason)}' if task.reason else ""
        self._lines.append(
            f'{{"stage":"{task.key[0]}","key":"{key_name(task.key)}",'
            f'"package":{json_text(package)},"version":{json_text(version)}{served},'
            f'"status":"{outcome.status}","worker":{json_text(outcome.worker)},'
            f'"ready":{ready:.6f},"start":{outcome.started:.6f},"end":{outcome.ended:.6f},'
            f'"cpu":{outcome.cpu:.6f},"in":{outcome.taken},"out":{outcome.given},'
            f'"cache":"{outcome.cache or task.cache}","needs":[{needs}]{more}}}\n'
        )
        if outcome.ended - self._flushed > _EVERY:
            self.flush(outcome.ended)

    def change(self, environment: str, path: str, action: str, names: "Iterable[str]", reason: Reason) -> None:
        """Add the line of a change of an environment: distributions that were changed for one reason."""
        self.keep()
        listed = ",".join(map(json_text, names))
        self._lines.append(
            f'{{"change":{json_text(action)},"environment":{json_text(environment)},"path":{json_text(path)},'
            f'"names":[{listed}],"reason":{_reason(reason)}}}\n'
        )

    def environment(self, path: str, status: str, error: str) -> None:
        """Add how a run over many environments ended for the one at *path*."""
        if error:
            self.keep()
        self._lines.append(
            f'{{"environment":{json_text(path)},"outcome":"{status}","error":{json_text(error)},"at":{time.time():.6f}}}\n'
        )

    def failure(self, text: str) -> None:
        """Add the error that ended the run, with its tree of causes and its hints, as the terminal shows it."""
        self.keep()
        self._lines.append(f'{{"failure":{json_text(text)}}}\n')

    def remote(self, layer: str, hits: int, misses: "dict[str, int]", size: int, seconds: float) -> None:
        """Note what a layer of a remote cache came to: hits, misses by their reasons, bytes, seconds of waiting."""
        self.keep()
        reasons = ",".join([f"{json_text(reason)}:{count}" for reason, count in misses.items()])
        self._lines.append(
            f'{{"remote":{json_text(layer)},"hits":{hits:d},"misses":{{{reasons}}},"bytes":{size},'
            f'"seconds":{seconds:.6f}}}\n'
        )

    def flush(self, now: float = 0.0) -> None:
        self._flushed = now or time.time()
        if self._descriptor < 0 or not self._lines:
            return
        with self._lock:  # other threads add lines meanwhile
            count = len(self._lines)
            data = "".join(self._lines[:count]).encode("utf-8", "surrogateescape")
            del self._lines[:count]
            try:
                os.write(self._descriptor, data)
            except OSError:
                self._drop()

    def finish(self, status: int) -> None:
        """Write the rest and the last line, with the run's exit *status*, and close the file."""
        if self._state == "open":
            now = time.time()
            self._lines.append(f'{{"ended":{now:.6f},"status":{status},"wall":{now - self._began:.6f}}}\n')
            self.flush(now)
        self._drop()

    def _drop(self) -> None:
        self._state = "closed"
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _nobody(_text: str) -> None:
    """Tell nobody."""


_current: "RunRecord | None" = None


def begin_record(record: RunRecord) -> None:
    """Make *record* the run record of this process."""
    global _current
    _current = record


def leave() -> None:
    """Have no record any more: a forked child would write what its parent is yet to write."""
    global _current
    _current = None


def current() -> "RunRecord | None":
    """Return the record of the run that goes on, if there is one."""
    return _current


def warn(text: str) -> None:
    """Warn the user of the run that goes on, if there is one, from where no reporter is at hand."""
    if _current is not None:
        _current.warn(text)


def finish_record(status: int) -> None:
    """End the run's record."""
    global _current
    record, _current = _current, None
    if record is not None:
        record.finish(status)


_open: "list[tuple[str, float]]" = []  # the phases that go on, the outermost first


def open_phase() -> "tuple[str, float]":
    """Return the innermost phase that goes on and when it began, an empty name for none."""
    return _open[-1] if _open else ("", 0.0)


class phase:  # noqa: N801 - reads as the function that it is to its callers
    """Record the ``with`` block as a phase of the run with this name.

    A phase within another is counted once, under its own name.
    """

    __slots__ = ("_cpu", "_name", "_start")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._start = time.time()
        self._cpu = time.process_time()
        _open.append((self._name, self._start))

    def __exit__(self, *_error: object) -> None:
        _open.pop()
        if _current is not None:
            _current.row(self._name, self._start, time.time(), time.process_time() - self._cpu)


def _forget_old(directory: str) -> None:
    for name in sorted(os.listdir(directory))[: -(KEPT_RUNS - 1)]:
        try:
            os.unlink(f"{directory}/{name}")
        except OSError:
            pass


_names: "dict[Key, str]" = {}


def key_name(key: "Key") -> str:
    """Return the second half of a key as records have it: a URL may hold a secret, so its hash stands for it."""
    name = key[1]
    if name.isalnum() or ("://" not in name and _is_plain(name)):
        return name
    found = _names.get(key)
    if found is None:
        import hashlib

        found = _names[key] = "url-" + hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:40]
    return found


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable() and '"' not in value and "\\" not in value


def _reason(reason: Reason) -> str:
    fields = [f'"{name}":{json_text(value)}' for name in _FIELDS if (value := getattr(reason, name))]
    return f"{{{','.join(fields)}}}"


def json_text(value: str) -> str:
    """Return *value* as JSON; the json module (8 ms to import) only for what needs escapes."""
    if _is_plain(value):
        return f'"{value}"'
    import json

    return json.dumps(value)
