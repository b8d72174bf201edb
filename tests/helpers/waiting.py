"""Waiting for what happens elsewhere, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SECONDS = 120  # how long anything may take on a machine that has much else to do
SOON = 20  # how long what must not wait for anything may take there; what it would wait for takes longer


def lives(pid: int) -> bool:
    """Tell whether a process is there, and has not ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def until(true: Callable[[], Any], told: Callable[[], str] = lambda: "waited in vain") -> Any:
    """Wait for *true* to return something true, and return it; fail with what is *told* after long."""
    end = time.monotonic() + SECONDS
    while not (value := true()):
        assert time.monotonic() < end, told()
        time.sleep(0.005)
    return value
