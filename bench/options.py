"""The options that the benchmarks share."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

LINK_MODES = ("hardlink", "copy", "clone", "symlink")


def fast_directory() -> Path:
    """Return a directory in memory where there is one, else that of temporary files."""
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())


def benchmark_parser(
    about: str | None, cases: Iterable[str], *, rounds: int, default: str = "all"
) -> argparse.ArgumentParser:
    """Return a parser of what every benchmark takes; *default* says in words which *cases* run if none is named."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--index-on", type=Path, default=fast_directory(), metavar="DIR", help="where the served index lies")
    case = f"what to measure; may be repeated (default: {default})"
    add("--case", action="append", choices=sorted(cases), help=case)
    add("--rounds", type=int, default=rounds, help=f"how often each case is measured (default: {rounds})")
    add("--warmup", type=int, default=1, help="rounds before those that count (default: 1)")
    add("--python", default=sys.executable, help="the interpreter that is installed or resolved for")
    installed = "an installed puffin (default: this checkout, installed anew)"
    add("--puffin", default="", metavar="EXE", help=installed)
    versus = "another installed puffin, measured in the same rounds as `before`"
    add("--versus", default="", metavar="EXE", help=versus)
    add("--uv", default="", metavar="EXE", help="uv (default: the one on PATH, else installed)")
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    add("--check", action="store_true", help="fail if a bound is missed")
    parser.set_defaults(pip=False, memory=False)
    return parser


def add_places(parser: argparse.ArgumentParser) -> None:
    """Add where environments are made, and how they are linked."""
    where = f"where to sync; may be repeated (default: {fast_directory()})"
    parser.add_argument("--on", type=Path, action="append", metavar="DIR", help=where)
    parser.add_argument("--link-mode", default="hardlink", choices=LINK_MODES)


def add_wheels(parser: argparse.ArgumentParser) -> None:
    """Add where wheels are kept."""
    kept = "wheels kept from run to run (default: downloaded each time)"
    parser.add_argument("--wheels", type=Path, metavar="DIR", help=kept)


def add_memory(parser: argparse.ArgumentParser) -> None:
    """Add the runs that measure memory, which are made unless they are left out."""
    without = "leave out the runs that measure memory"
    parser.add_argument("--no-memory", dest="memory", action="store_false", help=without)
    parser.set_defaults(memory=True)


def parsed(parser: argparse.ArgumentParser, argv: list[str], cases: Iterable[str]) -> argparse.Namespace:
    """Return the options of a command line; *cases* are run, in :func:`fast_directory`, if it names none."""
    options = parser.parse_args(argv)
    options.on = [place.resolve() for place in options.on or [fast_directory()]]
    options.case = options.case or list(cases)
    return options
