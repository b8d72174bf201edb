"""What a benchmark ran on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path


def describe_machine() -> dict[str, object]:
    """Return the facts of this machine that move the figures."""
    return {
        "cpu": _first_value("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_kib": _first_value("/proc/meminfo", "MemTotal").split()[0],
        "kernel": platform.release(),
        "load": os.getloadavg()[0],
    }


def _first_value(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "unknown"


def file_system(directory: Path) -> str:
    """Return the type of the file system that *directory* is on, such as ``tmpfs``."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        place, found = line.split()[1:3]
        inside = directory.is_relative_to(place)
        if inside and len(place) >= len(best):
            best, kind = place, found
    return kind


def python_version(python: str) -> str:
    """Return the version of an interpreter, for example ``3.12.1``."""
    command = [python, "-I", "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
