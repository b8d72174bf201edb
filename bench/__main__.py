"""Measures puffin beside uv and pip: ``python -m bench`` writes RESULTS.md, results.svg and results.json.

Inputs are fetched once by pip, or forged (--hermetic). uv and pip are installed beside a wheel of this checkout, in an
environment of their own. Linux only; method and bounds are in bench/README.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from bench.cases import FAMILIES
from bench.indexes import Indexes
from bench.machine import describe_machine, file_system, python_version
from bench.plot import svg
from bench.results import failures, markdown, missed, summarise
from bench.rounds import Bench, Case, Setting
from bench.server import IndexServer
from bench.tools import find_tools
from bench.wheels import kept_directory

HERE = Path(__file__).resolve().parent
LINK_MODES = ("hardlink", "copy", "clone", "symlink")


def main(argv: list[str]) -> int:
    """Measure, print and write the tables; return 1 if puffin failed, or if a bound is missed with ``--check``."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was made is removed then too
    options = _options(argv)
    if options.list:
        print("\n".join(f"{case.name:26} {case.title}" for _, cases in FAMILIES for case in cases))
        return 0
    with tempfile.TemporaryDirectory(prefix="puffin-bench-", dir=options.on[0]) as scratch:
        report = _measured(options, Path(scratch))
    page = markdown(report, "results.svg")
    print(page)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "RESULTS.md").write_text(page)
    (options.out / "results.svg").write_text(svg(report))
    (options.out / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    broken = [line for line in failures(report) if line.startswith("puffin:")]
    return 1 if broken or (options.check and missed(report)) else 0


def _measured(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    began, machine = time.monotonic(), describe_machine()
    tools = find_tools(
        scratch,
        pythons=options.python,
        puffins=options.puffin,
        uv=options.uv,
        versus=options.versus,
        beside=options.beside,
        offline=options.hermetic,
        editable=options.quick,
    )
    root = scratch / "index"
    root.mkdir()
    served = IndexServer(root, scratch)
    with served as server, _indexes(options, root, server) as indexes:
        setting = Setting(
            options=options, tools=tools, server=server, indexes=indexes, python=options.environment_python
        )
        results = [
            result for number, place in enumerate(options.on) for result in _on(place, setting, number > 0)
        ]
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine,
        "tools": {tool.name: tool.version for tool in tools},
        "python": python_version(options.environment_python),
        "server": served.kind,
        "link_mode": options.link_mode,
        "inputs": "forged" if options.hermetic else "real",
        "rounds": 1 if options.quick else options.rounds,
        "minutes": (time.monotonic() - began) / 60,
        "results": results,
    }


def _indexes(options: argparse.Namespace, root: Path, server: IndexServer) -> Indexes:
    python, hermetic = options.environment_python, options.hermetic
    return Indexes(root, server, kept=options.wheels, python=python, hermetic=hermetic, real=options.index)


def _on(place: Path, setting: Setting, is_further: bool) -> list[dict[str, Any]]:
    """Return the figures of the cases that were asked for on one file system; a further one has part of them."""
    results = []
    for family, cases in FAMILIES:
        chosen = [case for case in cases if _is_chosen(case, setting) and (case.on_disk or not is_further)]
        if not chosen:
            continue
        with family(place, setting, is_further=is_further) as bench:
            results += [_result(bench, case, file_system(place)) for case in chosen]
    return results


def _is_chosen(case: Case, setting: Setting) -> bool:
    named = any(fnmatch(case.name, pattern) for pattern in setting.options.cases)
    return named and not (case.tree and "tree" not in setting.link_modes)


def _result(bench: Bench, case: Case, place: str) -> dict[str, Any]:  # type: ignore[type-arg]
    report = bench.measure(case)
    bounds = {tool.name: case.allowed(tool, place) for tool in bench.tools}
    facts = {"case": case.name, "title": case.title, "place": place, "base": case.base, "cpu": case.cpu}
    more = {"bounds": bounds, "requests": case.requests, "inodes": case.inodes}
    return {**facts, **more, **report, "summary": summarise(report["runs"])}


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--cases", nargs="+", default=["*"], metavar="PATTERN", help="which cases, for example `noop* cold`")
    add("--list", action="store_true", help="list the cases")
    add("--rounds", type=int, default=9, help="how often a case is measured at most (default: 9)")
    add("--quick", action="store_true", help="one round of each case, to see that it works")
    add("--out", type=Path, default=HERE, metavar="DIR", help="where the results go (default: bench)")
    where = "where to measure; a further one has part of the cases (default: memory, then /var/tmp)"
    add("--on", type=Path, action="append", metavar="DIR", help=where)
    own = "an interpreter that puffin runs on; a second one has part in some cases (default: this one)"
    add("--python", action="append", metavar="EXE", help=own)
    target = "the interpreter of the environments (default: python3.12, else this one)"
    add("--environment-python", metavar="EXE", default=_python(), help=target)
    installed = "an installed puffin, or two in place of --python (default: a wheel of this checkout)"
    add("--puffin", action="append", default=[], metavar="EXE", help=installed)
    add(
        "--versus",
        default="",
        metavar="EXE",
        help="another installed puffin, measured as `before` in the same rounds",
    )
    add("--uv", default="", metavar="EXE", help="uv (default: installed)")
    beside = "what to install beside puffin (default: uv pip)"
    add("--beside", nargs="*", choices=("uv", "pip"), default=["uv", "pip"], help=beside)
    kept = f"where distributions are kept from run to run (default: {kept_directory()})"
    add("--wheels", type=Path, default=kept_directory(), metavar="DIR", help=kept)
    add("--hermetic", action="store_true", help="forge the distributions and install no tools; needs no index")
    add("--index", default="", metavar="URL", help="resolve on this index in place of forged pages")
    add("--link-mode", default="hardlink", choices=LINK_MODES)
    add("--no-memory", dest="memory", action="store_false", help="leave out the runs that measure memory")
    add("--check", action="store_true", help="fail if a bound is missed")
    options = parser.parse_args(argv)
    options.python = options.python or [sys.executable]
    options.on = [place.resolve() for place in options.on or _places(options.quick)]
    options.puffin = [str(Path(puffin).absolute()) for puffin in options.puffin]
    options.out, options.wheels = options.out.resolve(), options.wheels.resolve()
    return options


def _python() -> str:
    """Return the interpreter that the pins are for, if there is one that starts; a shim for none does not."""
    command = ["python3.12", "-I", "-c", "import sys; print(sys.executable)"]
    found = shutil.which(command[0])
    done = subprocess.run(command, capture_output=True, text=True) if found else None
    return done.stdout.strip() if done and not done.returncode else sys.executable


def _places(quick: bool) -> list[Path]:
    """Return a directory in memory where there is one, and one on a disk."""
    shared, disk = Path("/dev/shm"), Path("/var/tmp")
    if not os.access(shared, os.W_OK):
        return [disk]
    return [shared] if quick else [shared, disk]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
