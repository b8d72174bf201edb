"""What real packages and their index pages look like: the recorded table ``inputs/shapes.tsv``."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

INPUTS = Path(__file__).resolve().parent / "inputs"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A package: its newest version, the counts of its page, and what its wheel is made of (sizes in bytes)."""

    name: str
    version: str
    versions: int = 1
    files: int = 2
    metadata: int = 2000
    extras: int = 0
    python: str = ">=3.8"
    members: int = 10
    modules: int = 8
    bytes: int = 20_000
    largest: int = 4_000
    zipped: int = 7_000
    requires: tuple[str, ...] = ()


@cache
def shapes() -> dict[str, Shape]:
    """Return the recorded packages by name."""
    with (INPUTS / "shapes.tsv").open() as file:
        return {
            row["name"]: _shape(row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        }


def _shape(row: dict[str, str]) -> Shape:
    texts = {"name": row["name"], "version": row["version"], "python": row["python"]}
    counts = {name: int(text) for name, text in row.items() if name not in {*texts, "requires"}}
    return Shape(**texts, **counts, requires=tuple(filter(None, row["requires"].split("|"))))  # type: ignore[arg-type]


def normal(name: str) -> str:
    """Return a project name in normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins_of(requirements: Path) -> list[tuple[str, str]]:
    """Return name and version of a file of plain pins, names in normal form."""
    lines = [line.partition("#")[0].strip() for line in requirements.read_text().splitlines()]
    pairs = [line.partition("==") for line in lines if line]
    return [(normal(name), version) for name, _, version in pairs]


def metadata_of(shape: Shape, version: str, requires: tuple[str, ...], size: int = 0) -> bytes:
    """Return the METADATA of a version, with a description up to *size* bytes."""
    extras = sorted({extra for line in requires for extra in re.findall(r"extra == [\"'](.*?)[\"']", line)})
    lines = ["Metadata-Version: 2.4", f"Name: {shape.name}", f"Version: {version}"]
    lines += [f"Requires-Python: {shape.python}"] if shape.python else []
    lines += [f"Provides-Extra: {extra}" for extra in [*extras, *(["more"] if shape.extras else [])]]
    lines += [f"Requires-Dist: {line}" for line in requires]
    lines += [f'Requires-Dist: more-{number}>=1.{number}; extra == "more"' for number in range(shape.extras)]
    head = "\n".join([*lines, "", ""])
    return (head + "A line of a description.\n" * max(0, (size - len(head)) // 25)).encode()
