"""Run one command and say what it took: ``python measure.py [--memory] COMMAND…`` prints a line of JSON.

It is a process of its own, so that it can adopt whatever the command leaves behind (a subreaper) and so
count the CPU seconds of all of its descendants, waited for by their parents or not.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
import time

SAMPLE_SECONDS = 0.01
ORPHAN_SECONDS = 10.0
_PR_SET_CHILD_SUBREAPER = 36


def main(argv: list[str]) -> int:
    memory = argv[:1] == ["--memory"]
    command = argv[1:] if memory else argv
    _adopt_orphans()
    sampler = Sampler() if memory else None
    began = time.perf_counter()
    pid = os.posix_spawnp(
        command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)], setsigdef=[13]
    )
    if sampler is not None:
        sampler.start()
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    user, system = usage.ru_utime, usage.ru_stime
    late = _reap_orphans()
    if sampler is not None:
        sampler.stop()
    print(
        json.dumps(
            {
                "code": os.waitstatus_to_exitcode(status),
                "wall": wall,
                "user": user + late[0],
                "system": system + late[1],
                "orphans": late[2],
                "memory": sampler.peak if sampler else 0,
                "processes": sampler.processes if sampler else 0,
            }
        )
    )
    return 0


def _adopt_orphans() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reap_orphans() -> tuple[float, float, int]:
    """Wait for what the command left running; return its user and system seconds and how many there were."""
    user = system = 0.0
    count = 0
    deadline = time.monotonic() + ORPHAN_SECONDS
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return user, system, count
        if pid:
            user, system, count = user + usage.ru_utime, system + usage.ru_stime, count + 1
        elif time.monotonic() > deadline:
            raise TimeoutError(f"processes of the command still run after {ORPHAN_SECONDS:g} s")
        else:
            time.sleep(0.002)


class Sampler(threading.Thread):
    """Adds up the memory of all descendants, again and again; ``peak`` is in bytes.

    Proportional set size is what is added: a page that several processes share counts once in all. The
    files that a command writes to a tmpfs are not in it (they would be in the peak of a control group).
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.processes = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            sizes = [_pss(pid) for pid in _descendants(os.getpid())]
            self.peak = max(self.peak, sum(sizes))
            self.processes = max(self.processes, len([size for size in sizes if size]))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _descendants(root: int) -> list[int]:
    found: list[int] = []
    stack = [root]
    while stack:
        children = _children(stack.pop())
        found += children
        stack += children
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                children += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        pass  # it ended meanwhile
    return children


def _pss(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        pass  # it ended meanwhile
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
