"""The wheels of a requirements file, fetched once by pip from wherever pip is configured to look."""

from __future__ import annotations

import subprocess
from pathlib import Path


def fetch_wheels(requirements: Path, directory: Path, python: str) -> list[Path]:
    """Return the wheels of *requirements* for *python*, in *directory*; download them if they are not all there."""
    pins = pins_of(requirements)
    wheels = _present(directory, pins)
    if len(wheels) < len(pins):
        directory.mkdir(parents=True, exist_ok=True)
        command = [python, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "-q", "-r", requirements, "-d", directory], check=True)
        wheels = _present(directory, pins)
    if len(wheels) != len(pins):
        raise SystemExit(f"{directory} holds {len(wheels)} of the {len(pins)} wheels")
    return wheels


def pins_of(requirements: Path) -> dict[str, str]:
    """Return ``{name: version}`` of a file of plain pins, names in normal form."""
    lines = [line.partition("#")[0].strip() for line in requirements.read_text().splitlines()]
    pairs = [line.partition("==") for line in lines if line]
    return {normal(name): version for name, _, version in pairs}


def normal(name: str) -> str:
    """Return a project name in normal form (PEP 503)."""
    return name.lower().replace("_", "-").replace(".", "-")


def _present(directory: Path, pins: dict[str, str]) -> list[Path]:
    wheels = sorted(directory.glob("*.whl"))
    return [wheel for wheel in wheels if pins.get(normal(wheel.name.split("-")[0])) == wheel.name.split("-")[1]]
