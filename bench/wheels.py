"""The distributions of a requirements file, fetched once by pip from wherever pip is configured to look."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.shapes import normal, pins_of


def kept_directory() -> Path:
    """Return where fetched distributions are kept from run to run."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "puffin-bench"


def fetch_wheels(requirements: Path, directory: Path, python: str) -> list[Path]:
    """Return the wheels of *requirements* for *python*, in *directory*; download them if they are not all there."""
    return _fetch(requirements, directory, python, "--only-binary", _wheel_pin)


def fetch_sdists(requirements: Path, directory: Path, python: str) -> list[Path]:
    """Return the source distributions of *requirements*, in *directory*; download them if they are not all there."""
    return _fetch(requirements, directory, python, "--no-binary", _sdist_pin)


def _fetch(
    requirements: Path, directory: Path, python: str, kind: str, pin_of: Callable[[Path], tuple[str, str]]
) -> list[Path]:
    pins = pins_of(requirements)

    def present() -> dict[tuple[str, str], Path]:
        files = {pin_of(file): file for file in sorted(directory.glob("*"))}
        return {pin: files[pin] for pin in pins if pin in files}

    missing = [pin for pin in pins if pin not in present()]
    if missing:
        directory.mkdir(parents=True, exist_ok=True)
        command: list[str | Path] = [
            python,
            "-m",
            "pip",
            "download",
            "--no-deps",
            kind,
            ":all:",
            "-q",
            "-d",
            directory,
        ]
        for name, version in missing:  # one by one: a file may pin several versions of a project
            subprocess.run([*command, f"{name}=={version}"], check=True)
    files = list(present().values())
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
