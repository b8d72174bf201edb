"""Run records of runs that never were: lines for readers, as lists of objects."""

from __future__ import annotations

from typing import Any

ZERO = 1_000_000.0  # when the run began; all times are told from here


def head(**changes: Any) -> dict[str, Any]:
    return {
        "run": "0000001000000-1", "format": 2, "command": "pip sync", "puffin": "0", "python": "3.12.1",
        "driver": "1", "started": ZERO, "executor": "pool", "tasks": 1, "jobs": 2, **changes,
    }  # fmt: skip


def graph(at: float, jobs: int = 2) -> dict[str, Any]:
    return {"graph": "pool", "tasks": 1, "jobs": jobs, "at": ZERO + at}


def phase(name: str, start: float, end: float, worker: str = "1") -> dict[str, Any]:
    return {"phase": name, "start": ZERO + start, "end": ZERO + end, "cpu": 0.0, "worker": worker}


def task(
    stage: str, package: str, start: float, end: float, *needs: str, worker: str = "2", **changes: Any
) -> dict[str, Any]:
    return {
        "stage": stage, "key": package, "package": package, "version": "1", "status": "done", "worker": worker,
        "ready": ZERO, "start": ZERO + start, "end": ZERO + end, "cpu": (end - start) / 2, "in": 0, "out": 0,
        "cache": "miss", "needs": list(needs), **({"waits": True} if stage == "fetch" else {}), **changes,
    }  # fmt: skip


def end(at: float, status: int = 0) -> dict[str, Any]:
    return {"ended": ZERO + at, "status": status, "wall": at}
