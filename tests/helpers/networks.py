"""Network namespaces as the machines of a test, joined by bridges: who shares no network with another cannot reach it.

All of it is in namespaces that are made for the test, so this machine's own network stays as it is.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_SWITCH = "switch"  # the namespace of the bridges
_PREFIX = "puffin"  # of the names of all namespaces; the number of the process follows


class Networks:
    """Places and networks, each made at its first mention; all go with the ``with`` block.

    Skips the test where they cannot be made: without root, or without iproute2.
    """

    def __init__(self) -> None:
        self._places: list[str] = []
        self._networks: list[str] = []
        self._lines: dict[tuple[str, str], str] = {}

    def __enter__(self) -> Networks:
        if not shutil.which("ip") or os.geteuid() != 0:
            pytest.skip("only root may make network namespaces")
        for name in _left_behind():
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        done = subprocess.run(["ip", "netns", "add", self._name(_SWITCH)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"network namespaces cannot be made: {done.stderr.strip()}")
        self._places.append(_SWITCH)
        return self

    def __exit__(self, *_: object) -> None:
        for place in self._places:
            subprocess.run(["ip", "netns", "del", self._name(place)], capture_output=True)

    def join(self, place: str, network: str) -> str:
        """Join a place to a network, and return its address there."""
        if place not in self._places:
            _ip(f"netns add {self._name(place)}")
            self._places.append(place)
            _ip(f"-n {self._name(place)} link set lo up")
        if network not in self._networks:
            self._networks.append(network)
            self._at_switch(f"add {network} type bridge")
            self._at_switch(f"set {network} up")
        number = len(self._lines) + 1
        line = self._lines[place, network] = f"line{number}"
        address = f"10.213.{self._networks.index(network)}.{number}"
        self._at_switch(f"add {line} type veth peer name {network} netns {self._name(place)}")
        self._at_switch(f"set {line} master {network} up")
        _ip(f"-n {self._name(place)} addr add {address}/24 dev {network}")
        _ip(f"-n {self._name(place)} link set {network} up")
        return address

    @contextmanager
    def cut(self, place: str, network: str) -> Iterator[None]:
        """Have the line of a place to a network down: nobody is told."""
        line = self._lines[place, network]
        self._at_switch(f"set {line} down")
        try:
            yield
        finally:
            self._at_switch(f"set {line} up")

    def isolate(self, place: str, network: str) -> None:
        """Let a place reach only those on a network that are not isolated."""
        self._at_switch(f"set {self._lines[place, network]} type bridge_slave isolated on")

    @contextmanager
    def inside(self, place: str) -> Iterator[None]:
        """Have this thread at a place: the sockets that it makes and the processes that it starts stay there."""
        with open("/proc/thread-self/ns/net") as here, open(f"/run/netns/{self._name(place)}") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(here.fileno())

    def _at_switch(self, words: str) -> None:
        _ip(f"-n {self._name(_SWITCH)} link {words}")

    def _name(self, place: str) -> str:
        return f"{_PREFIX}{os.getpid()}-{place}"


def _left_behind() -> list[str]:
    """Return the namespaces of tests whose process was killed."""
    names = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    pids = {name: name.removeprefix(_PREFIX).partition("-")[0] for name in names if name.startswith(_PREFIX)}
    return [name for name, pid in pids.items() if pid.isdigit() and not os.path.exists(f"/proc/{pid}")]


def _ip(words: str) -> None:
    done = subprocess.run(["ip", *words.split()], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {words}: {done.stderr}"


def _enter(descriptor: int) -> None:
    """Do what ``os.setns`` does from Python 3.12 on."""
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0):
        raise OSError(ctypes.get_errno(), "setns")
