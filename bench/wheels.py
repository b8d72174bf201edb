"""The wheels of a requirements file, fetched once by pip from wherever pip is configured to look."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path


def fetch_wheels(requirements: Path, directory: Path, python: str) -> list[Path]:
    """Return the wheels of *requirements* for *python*, in *directory*; download them if they are not all there."""
    return _fetch(requirements, directory, python, "--only-binary", _wheel_pin)


def fetch_sdists(requirements: Path, directory: Path, python: str) -> list[Path]:
    """Return the source distributions of *requirements*, in *directory*; download them if they are not all there."""
    return _fetch(requirements, directory, python, "--no-binary", _sdist_pin)


def pins_of(requirements: Path) -> dict[str, str]:
    """Return ``{name: version}`` of a file of plain pins, names in normal form."""
    return dict(_pins(requirements))


def normal(name: str) -> str:
    """Return a project name in normal form (PEP 503)."""
    return name.lower().replace("_", "-").replace(".", "-")


def _pins(requirements: Path) -> list[tuple[str, str]]:
    lines = [line.partition("#")[0].strip() for line in requirements.read_text().splitlines()]
    pairs = [line.partition("==") for line in lines if line]
    return [(normal(name), version) for name, _, version in pairs]


def _fetch(
    requirements: Path, directory: Path, python: str, kind: str, pin_of: Callable[[Path], tuple[str, str]]
) -> list[Path]:
    pins = _pins(requirements)

    def present() -> list[Path]:
        return [file for file in sorted(directory.glob("*")) if pin_of(file) in pins]

    if len(present()) < len(pins):
        directory.mkdir(parents=True, exist_ok=True)
        command = [python, "-m", "pip", "download", "--no-deps", kind, ":all:", "-q", "-d", directory]
        for name, version in pins:  # one by one: a file may pin several versions of a project
            subprocess.run([*command, f"{name}=={version}"], check=True)
    files = present()
    if len(files) != len(pins):
        raise SystemExit(f"{directory} holds {len(files)} of the {len(pins)} files of {requirements.name}")
    return files


def _wheel_pin(file: Path) -> tuple[str, str]:
    if file.suffix != ".whl":
        return "", ""
    name, version = file.name.split("-")[:2]
    return normal(name), version


def _sdist_pin(file: Path) -> tuple[str, str]:
    stem = file.name.removesuffix(".tar.gz")
    name, _, version = stem.rpartition("-")
    return ("", "") if stem == file.name else (normal(name), version)
