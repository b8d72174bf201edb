"""A package index as files (PEP 503): pages with hashes and metadata links, and the wheels beside them."""

from __future__ import annotations

import hashlib
import html
import os
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from bench.shapes import normal


def write_index(wheels: Iterable[Path], root: Path, sdists: Iterable[Path] = ()) -> None:
    """Write ``simple/<name>/index.html`` and ``files/<wheel>`` with its ``.metadata`` (PEP 658) under *root*."""
    files = root / "files"
    files.mkdir(parents=True, exist_ok=True)
    anchors: dict[str, list[str]] = {}
    for wheel in wheels:
        place = files / wheel.name
        _put(wheel, place)
        metadata = _metadata(place)
        (files / f"{wheel.name}.metadata").write_bytes(metadata)
        anchors.setdefault(normal(wheel.name.split("-")[0]), []).append(_anchor(place, metadata))
    for sdist in sdists:
        place = files / sdist.name
        _put(sdist, place)
        anchors.setdefault(normal(sdist.name.rpartition("-")[0]), []).append(_plain_anchor(place))
    for name, lines in anchors.items():
        _page(root / "simple" / name, lines)
    _page(root / "simple", [f'<a href="{name}/">{name}</a>' for name in sorted(anchors)])


def _put(wheel: Path, place: Path) -> None:
    place.unlink(missing_ok=True)
    try:
        os.link(wheel, place)
    except OSError:  # another file system
        shutil.copyfile(wheel, place)


def _metadata(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [
            each for each in archive.namelist() if each.endswith(".dist-info/METADATA") and each.count("/") == 1
        ]
        return archive.read(name)


def _anchor(wheel: Path, metadata: bytes) -> str:
    with open(wheel, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    core = f"sha256={hashlib.sha256(metadata).hexdigest()}"
    python = _requires_python(metadata)
    attributes = f' data-requires-python="{html.escape(python)}"' if python else ""
    attributes += f' data-dist-info-metadata="{core}" data-core-metadata="{core}"'
    return f'<a href="../../files/{quote(wheel.name)}#sha256={digest}"{attributes}>{wheel.name}</a><br />'


def _plain_anchor(sdist: Path) -> str:
    with open(sdist, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f'<a href="../../files/{quote(sdist.name)}#sha256={digest}">{sdist.name}</a><br />'


def _requires_python(metadata: bytes) -> str:
    for line in metadata.decode("utf-8", "replace").split("\n\n")[0].splitlines():
        if line.lower().startswith("requires-python:"):
            return line.partition(":")[2].strip()
    return ""


def _page(directory: Path, lines: list[str]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    head = '<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.1"></head><body>'
    (directory / "index.html").write_text("\n".join([head, *lines, "</body></html>", ""]))
