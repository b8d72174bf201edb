"""What is shipped and what it leans on: the wheel, the dependencies, the layers."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

from puffin import __version__

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "puffin"
# the distributions whose modules have another name
MODULES = {"dep-logic": "dep_logic", "python-discovery": "python_discovery",
           "opentelemetry-exporter-otlp-proto-http": "opentelemetry", "opentelemetry-sdk": "opentelemetry"}  # fmt: skip
ACCELERATORS = {"_sha2", "_sha256"}  # hashlib's own, by version of Python


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    directory = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = directory.iterdir()
    with zipfile.ZipFile(path) as archive:
        yield archive


def members(wheel: zipfile.ZipFile, suffix: str) -> set[str]:
    return {name.partition(suffix)[2] for name in wheel.namelist() if suffix in name}


def sources() -> dict[str, ast.Module]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text())
    return found


def imported(tree: ast.Module) -> set[str]:
    """Return the modules that a source names in import statements, at whatever depth."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    expected = {str(path.relative_to(ROOT)) for path in files}
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name and ".data/" not in name}
    assert shipped == expected


def test_the_launcher_imports_what_a_no_op_needs(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    assert members(wheel, ".data/scripts/") == {"puffin", "puffin.cmd"}
    (name,) = (name for name in wheel.namelist() if name.endswith("/scripts/puffin"))
    text = wheel.read(name).decode()
    assert text.startswith("#!python\n")  # for installers to replace
    (tmp_path / "puffin").write_text(text)
    command = [sys.executable, "-S", "-X", "importtime", str(tmp_path / "puffin"), "--version"]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert done.stdout == f"puffin {__version__}\n"
    loaded = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    assert "puffin.cli.entry" in loaded
    assert {"re", "enum", "functools"}.isdisjoint(loaded)


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile, project: dict[str, Any]) -> None:
    info = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(info).decode())
    assert metadata["Name"] == "puffin-installer"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert members(wheel, ".dist-info/licenses/") == {"LICENSE-MIT", "LICENSE-APACHE"}
    assert "".join(metadata.get_payload()).startswith("# puffin")
    required = {text for text in metadata.get_all("Requires-Dist") if "extra ==" not in text}
    assert {name_of(text) for text in required} == {
        name_of(text) for text in project["project"]["dependencies"]
    }


def test_the_licences_are_whole() -> None:
    assert "THE SOFTWARE IS PROVIDED" in (ROOT / "LICENSE-MIT").read_text()
    assert "END OF TERMS AND CONDITIONS" in (ROOT / "LICENSE-APACHE").read_text()


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]*[A-Za-z0-9]", requirement)
    assert found
    return found[0]


def test_what_is_imported_is_declared_and_what_is_declared_is_imported(project: dict[str, Any]) -> None:
    own = {*sys.stdlib_module_names, *ACCELERATORS, "puffin", "_typeshed"}
    used = {name.partition(".")[0] for tree in sources().values() for name in imported(tree)} - own
    optional = project["project"]["optional-dependencies"]
    extras = [text for name in ("nox", "otlp", "signing", "tox") for text in optional[name]]
    declared = {name_of(text) for text in (*project["project"]["dependencies"], *extras)}
    assert used == {MODULES.get(name, name) for name in declared}


def test_every_dependency_is_explained(project: dict[str, Any]) -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "DEPENDENCIES.md").read_text(), re.MULTILINE)
    assert rows == sorted(name_of(text) for text in project["project"]["dependencies"])


def test_no_module_is_long() -> None:
    paths = [path for room in ("puffin", "tests", "bench") for path in (ROOT / room).rglob("*.py")]
    long = {str(path): len(path.read_text().splitlines()) for path in paths}
    assert {name: lines for name, lines in long.items() if lines > 500} == {}
