"""Records what pip and uv make of the cases: ``python -m tests.wild.record PYTHON-WITH-PIP UV``.

The record at hand is of pip 23.2.1 and uv 0.13.8.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.wild.cases import CASES, build

RECORDED = Path(__file__).with_name("recorded.json")


def outcome(code: int, installed: list[str]) -> str:
    """Return what would be installed, in one line, or that the tool refuses."""
    return " ".join(sorted(installed)) or "nothing" if code == 0 else "refused"


def of_pip(python: str, directory: Path, environ: dict[str, str]) -> str:
    report = directory / "report.json"
    words = ["--no-index", "-f", "wheels", "-r", "requirements.txt"]
    done = subprocess.run(
        [python, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--report", report, *words],
        cwd=directory, env=environ, capture_output=True,
    )  # fmt: skip
    found = json.loads(report.read_text())["install"] if report.exists() else []
    named = [each["metadata"] for each in found]
    return outcome(done.returncode, [f"{each['name'].lower()}=={each['version']}" for each in named])


def of_uv(uv: str, directory: Path, environ: dict[str, str]) -> str:
    subprocess.run([uv, "venv", "-q"], cwd=directory, env=environ, check=True)
    words = ["--no-index", "-f", "wheels", "-r", "requirements.txt"]
    done = subprocess.run(
        [uv, "pip", "install", "--dry-run", *words], cwd=directory, env=environ, capture_output=True, text=True
    )
    lines = [line.split()[1] for line in done.stderr.splitlines() if line.startswith(" + ")]
    return outcome(done.returncode, lines)


def main(python: str, uv: str) -> None:
    """Write what the tools make of each case."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": "/nowhere",
        "PIP_CONFIG_FILE": os.devnull,
        "WILD_VERSION": "1.0",
    }
    recorded = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            build(case, directory)
            quiet = {**environ, "UV_NO_CONFIG": "1", "UV_CACHE_DIR": f"{name}/cache"}
            recorded[case.name] = {"pip": of_pip(python, directory, environ), "uv": of_uv(uv, directory, quiet)}
    RECORDED.write_text(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
