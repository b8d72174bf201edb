"""Source trees with build backends of their own, and environments that hold such a backend."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from puffin.stages.build.failures import BuildFailed
from puffin.stages.build.hooks import run_hooks
from puffin.stages.build.job import HookJob

# Hooks that work. What a test appends overrides them.
BACKEND = """
import os, sys, zipfile

NAME, VERSION, TAG = "toy", "1", "py3-none-any"
INFO = f"{NAME}-{VERSION}.dist-info"
METADATA = f"Metadata-Version: 2.1\\nName: {NAME}\\nVersion: {VERSION}\\n"


def write_wheel(directory, files):
    filename = f"{NAME}-{VERSION}-{TAG}.whl"
    files = {
        **files,
        f"{INFO}/METADATA": METADATA,
        f"{INFO}/WHEEL": f"Wheel-Version: 1.0\\nGenerator: toy\\nRoot-Is-Purelib: true\\nTag: {TAG}\\n",
        f"{INFO}/RECORD": "",
    }
    with zipfile.ZipFile(os.path.join(directory, filename), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return filename


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return write_wheel(wheel_directory, {"toy.py": ""})
"""

PREPARE = """
def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    os.mkdir(os.path.join(metadata_directory, INFO))
    with open(os.path.join(metadata_directory, INFO, "METADATA"), "w") as file:
        file.write(METADATA)
    return INFO
"""

EDITABLE = """
def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return write_wheel(wheel_directory, {"toy.pth": os.getcwd()})
"""


def source_tree(root: Path, more: str = "", *, name: str = "tree") -> Path:
    """Make a source tree with an in-tree backend, ``backend/toy_backend.py``, to which *more* is appended."""
    tree = root / name
    (tree / "backend").mkdir(parents=True)
    (tree / "backend" / "toy_backend.py").write_text(BACKEND + more)
    (tree / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "toy_backend"\nbackend-path = ["backend"]\n'
    )
    return tree


def hook_job(root: Path, tree: Path, **changes: Any) -> HookJob:
    """Return the job of building the wheel of a :func:`source_tree` with the interpreter of the tests."""
    fields: dict[str, Any] = {
        "package": "toy==1",
        "name": "toy",
        "version": "1",
        "tree": str(tree),
        "python": sys.executable,
        "backend": "toy_backend",
        "backend_path": ("backend",),
        "output": str(root / "output"),
        "log": str(root / "logs" / "toy.log"),
    }
    return HookJob(**{**fields, **changes})


def build_environment(root: Path, more: str = "", *, python: str = sys.executable) -> Path:
    """Make a virtual environment that has the backend installed; return its directory."""
    environment = root / "environment"
    subprocess.run([python, "-m", "venv", "--without-pip", environment], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "toy_backend.py").write_text(BACKEND + more)
    return environment


def installed_job(root: Path, environment: Path, **changes: Any) -> HookJob:
    """Return the job of building an empty tree with the backend of a :func:`build_environment`."""
    tree = root / "plain"
    tree.mkdir(exist_ok=True)
    fields = {
        "python": str(environment / "bin" / "python"),
        "scripts": str(environment / "bin"),
        "backend_path": (),
    }
    return hook_job(root, tree, **{**fields, **changes})


def failure(job: HookJob) -> BuildFailed:
    """Return the error that *job* ends with; it has survived pickling."""
    with pytest.raises(BuildFailed) as caught:
        run_hooks(job)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.hints == caught.value.hints
    return caught.value


def failing(root: Path, more: str, **changes: Any) -> BuildFailed:
    """Return the error of building a :func:`source_tree` to whose backend *more* is appended."""
    return failure(hook_job(root, source_tree(root, more), **changes))
