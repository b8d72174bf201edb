"""``--report`` of ``puffin sync``: written atomically, also when the run failed or was interrupted."""

import sys
import time

from puffin.cli.guard import INTERRUPTED, TERMINATED, Terminated, exit_code
from puffin.errors import BUG, PuffinError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.plan_many import ManyRun
    from puffin.pipeline.plan_many_values import ManyResult


class Reporting:
    """Writes the report to *path* at the end of the ``with`` block, whatever ended it; none for an empty path."""

    def __init__(self, path: str, cache_dir: str, started: float) -> None:
        self._path = path
        self._cache_dir = cache_dir
        self._started = started
        self.run: ManyRun | None = None
        self.result: ManyResult | None = None

    def __enter__(self) -> "Reporting":
        return self

    def __exit__(self, kind: object, error: "BaseException | None", trace: object) -> None:
        if self._path:
            try:
                self._write(error)
            except PuffinError:
                if error is None:
                    raise

    def _write(self, error: "BaseException | None") -> None:
        import json

        from puffin.cache.layout import Cache
        from puffin.pipeline.plan_many_report import report_of
        from puffin.pipeline.plan_many_values import ManyResult, Shared
        from puffin.value import replace

        result = self.result or (self.run.result() if self.run is not None else None)
        if result is None:
            seconds = time.perf_counter() - self._started
            result = ManyResult(environments=(), shared=Shared(), seconds=seconds)
        if error is not None:
            result = replace(result, exit_code=_code(error))
        text = json.dumps(report_of(result, Cache(self._cache_dir)), indent=1, ensure_ascii=False) + "\n"
        if self._path == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            from puffin.stages.resolve.output_target import write_output

            write_output(self._path, text.encode("utf-8", "replace"))


def _code(error: BaseException) -> int:
    if isinstance(error, PuffinError):
        return exit_code(error)
    if isinstance(error, Terminated):
        return TERMINATED
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else BUG
