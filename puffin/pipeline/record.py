"""The record of a run: a line of JSON for each task, in the cache; the last ten runs are kept."""

import os

from puffin.cache.layout import Bucket, Cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.task import Outcome, Task

KEPT_RUNS = 10


class RunRecord:
    """Writes the record of one run. A cache that cannot be written to has no records, and no error."""

    def __init__(self, cache: Cache, *, now: float) -> None:
        directory = cache.path(Bucket.RUNS)
        self._descriptor = -1
        try:
            os.makedirs(directory, exist_ok=True)
            _forget_old(directory)
            self.path = f"{directory}/{int(now * 1000):013d}-{os.getpid()}.jsonl"
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError:
            self.path = ""
        self._lines: list[str] = []

    def start(self, command: str, *, version: str, executor: str, tasks: int) -> None:
        """Write the first line, about the run itself."""
        self._lines.append(
            f'{{"run":{_text(os.path.basename(self.path).partition(".")[0])},"command":{_text(command)},"puffin":{_text(version)},'
            f'"executor":{_text(executor)},"tasks":{tasks}}}\n'
        )

    def task(self, task: "Task", outcome: "Outcome") -> None:
        """Add the line of a task's outcome."""
        package, _, version = task.label.partition("==")
        error = f',"error":{_text(_first_line(outcome.error))}' if outcome.error else ""
        needs = ",".join(_text("/".join(key)) for key in task.dependencies)
        self._lines.append(
            f'{{"stage":{_text(task.stage)},"key":{_text(task.key[1])},"package":{_text(package)},'
            f'"version":{_text(version)},"status":{_text(outcome.status)},"worker":{_text(outcome.worker)},'
            f'"start":{outcome.started:.6f},"end":{outcome.ended:.6f},"cpu":{outcome.cpu:.6f},'
            f'"weight":{task.weight},"needs":[{needs}]{error}}}\n'
        )
        if len(self._lines) > 500:
            self.flush()

    def flush(self) -> None:
        """Write what has gathered."""
        if self._descriptor < 0 or not self._lines:
            return
        data, self._lines = "".join(self._lines).encode("utf-8", "surrogateescape"), []
        try:
            os.write(self._descriptor, data)
        except OSError:
            self._drop()

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        self._drop()

    def _drop(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _forget_old(directory: str) -> None:
    for name in sorted(os.listdir(directory))[: -(KEPT_RUNS - 1)]:
        try:
            os.unlink(f"{directory}/{name}")
        except OSError:
            pass


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _text(text: str) -> str:
    """Return *text* as JSON; the json module (8 ms to import) only for what needs escapes."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    import json

    return json.dumps(text)
