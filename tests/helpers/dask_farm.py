"""A scheduler and workers of dask: each a process with a cache, a home and a working directory of its own.

The processes are forked from one that has dask imported. One with a nanny, or with a command before it, has an
interpreter of its own.
"""

import atexit
import functools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helpers.cli import CHECKOUT
from tests.helpers.waiting import lives, until

_ADDRESS = re.compile(r"(?:Scheduler at:|Start worker at:)\s+(\S+)")


def tasks_of(puffin):
    """Return the tasks that the records of all runs tell of."""
    records = (path.read_text().splitlines() for path in (puffin.cache / "runs-v0").iterdir())
    lines = [json.loads(line) for record in records for line in record]
    return [line for line in lines if "stage" in line]


def workers_of(puffin, stage):
    """Return who did the tasks of a stage, as the records of all runs tell."""
    found = {task["worker"] for task in tasks_of(puffin) if task["stage"] == stage}
    assert found
    return found


HIDDEN = """
import sys

class Hides:
    def find_spec(self, name, path=None, target=None):
        if name == "puffin" or name.startswith("puffin."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hides())
"""
OTHER_VERSION = "import puffin; puffin.__version__ = '0.0.1'\n"
OTHER_PYTHON = """
import puffin.stages.build.remote_here as here
from puffin.value import replace
known = here.python_of
here.python_of = lambda interpreter: replace(known(interpreter), abi="cp27m", version=(2, 7))
"""


_OF_DASK = {  # what it reads when it is imported
    "DASK_DISTRIBUTED__ADMIN__LOG_FORMAT": "%(message)s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
}


class _Forker:
    """A process that has dask imported, and forks one for each request; it ends with this one."""

    def __init__(self):
        self._home = tempfile.TemporaryDirectory(prefix="dask-home-")  # dask writes its configuration there
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.dask_forks"], cwd=CHECKOUT, start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": self._home.name, **_OF_DASK},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        atexit.register(self._end)

    def fork(self, *request):
        """Start a process, and return its number."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def _end(self):
        self._process.communicate()
        self._home.cleanup()


@functools.cache
def _forker(_network):
    """Return the process that forks in a network namespace: its children stay there."""
    return _Forker()


class Process:
    """One process of dask, whose output goes into a file that tells its address."""

    def __init__(self, words, root, *, customize="", env=(), prefix=()):
        self.root = root
        for name in ("home", "here", "site"):
            (root / name).mkdir(parents=True)
        (root / "site" / "sitecustomize.py").write_text(customize)
        self.log = root / "log"
        self.cache = root / "home" / ".cache" / "puffin"
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(root / "home"),
            "PYTHONPATH": f"{root / 'site'}{os.pathsep}{CHECKOUT}",
            **_OF_DASK,
            "TMPDIR": str(root / "here"),
            **dict(env),
        }
        self.log.touch()
        self._own = None
        if prefix or "--nanny" in words:
            with self.log.open("wb") as out:
                self._own = subprocess.Popen(
                    [*prefix, sys.executable, *words], cwd=root / "here", env=environ, stdout=out, stderr=out,
                    start_new_session=True,
                )  # fmt: skip
        network = os.readlink("/proc/thread-self/ns/net")
        self.pid = self._own.pid if self._own else _forker(network).fork(words, environ, str(root))
        self._address = ""

    @property
    def address(self):
        """The address that the process tells."""
        if not self._address:
            self._address = until(self._told, lambda: self.log.read_text())
        return self._address

    def _told(self):
        found = _ADDRESS.search(self.log.read_text())
        assert found or self.is_alive(), self.log.read_text()
        return found[1] if found else ""

    def is_alive(self):
        return lives(self.pid)

    def is_registered(self):
        """Tell whether a worker is known to its scheduler."""
        assert self.is_alive(), self.log.read_text()
        return "Registered to:" in self.log.read_text()

    def send(self, number):
        os.killpg(self.pid, number)

    def kill(self):
        """End the process and all that it started, without ceremony."""
        try:
            self.send(signal.SIGKILL)
        except ProcessLookupError:
            pass
        until(lambda: not self.is_alive(), lambda: f"{self.pid} lives")
        if self._own:
            self._own.wait()


class Farm:
    """A scheduler and its workers; all end with the ``with`` block."""

    def __init__(self, root: Path, *, options=(), worker_options=(), env=(), scheme="tcp", host="127.0.0.1"):
        self._root = root
        self._options = options
        self._worker_options = worker_options
        self._env = dict(env)
        self.workers = []
        self._started = 0
        self.scheduler = Process(
            ["-m", "distributed.cli.dask_scheduler", "--host", f"{scheme}://{host}", "--port", "0", "--no-dashboard",
             *options],
            root / "scheduler", customize=HIDDEN, env=self._env,
        )  # fmt: skip

    @property
    def address(self):
        return self.scheduler.address

    def worker(self, *words, customize="", env=(), prefix=(), threads=1, nanny=False):
        """Start a worker; without a nanny, one that is killed stays away."""
        number = self._started
        self._started += 1
        made = Process(
            ["-m", "distributed.cli.dask_worker", self.address, "--nanny" if nanny else "--no-nanny",
             "--nthreads", str(threads),
             "--no-dashboard", "--name", f"w{number}", *self._worker_options, *words],
            self._root / f"worker{number}", customize=customize, env={**self._env, **dict(env)}, prefix=prefix,
        )  # fmt: skip
        self.workers.append(made)
        return made

    def ready(self):
        """Wait until all workers have registered; return this."""
        for worker in self.workers:
            until(worker.is_registered, worker.log.read_text)
        return self

    def logs(self):
        """Return all that the scheduler and the workers have said."""
        return "".join(each.log.read_text() for each in (self.scheduler, *self.workers))

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        for process in (*self.workers, self.scheduler):
            process.kill()
