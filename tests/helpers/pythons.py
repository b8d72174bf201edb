"""Real interpreters for tests, and made-up facts where none is needed."""

import os
import sys

from puffin.stages.link.interpreter.interpreter import Interpreter, Scheme

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15")


def real_python(version: str) -> str:
    """Return the path of pyenv's newest Python of this minor version, or nothing."""
    root = os.path.join(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"), "versions")
    names = os.listdir(root) if os.path.isdir(root) else []
    fitting = sorted(name for name in names if name.startswith(f"{version}.") and name[-1].isdigit())
    path = os.path.join(root, fitting[-1], "bin", "python") if fitting else ""
    return path if os.path.exists(path) else ""


def base_python() -> str:
    """Return the interpreter behind the one that runs the tests."""
    return os.path.realpath(sys.executable)


def made_up(root: str, **changes: object) -> Interpreter:
    """Return the facts of a CPython 3.12 that does not exist, installed at *root*."""
    site = "lib/python3.12/site-packages"
    facts: dict[str, object] = {
        "executable": f"{root}/bin/python3.12",
        "base_executable": f"{root}/bin/python3.12",
        "implementation": "cpython",
        "cache_tag": "cpython-312",
        "magic": "cb0d0d0a",
        "version": (3, 12, 1),
        "prefix": root,
        "base_prefix": root,
        "is_venv": False,
        "stdlib": f"{root}/lib/python3.12",
        "managed_marker": f"{root}/lib/python3.12/EXTERNALLY-MANAGED",
        "scheme": Scheme(
            purelib=f"{root}/{site}",
            platlib=f"{root}/{site}",
            scripts=f"{root}/bin",
            data=root,
            headers=f"{root}/include/python3.12",
        ),
        "venv_scheme": Scheme(
            purelib=site, platlib=site, scripts="bin", data=".", headers="include/site/python3.12"
        ),
        "abis": ("cp312",),
        "platforms": ("linux_x86_64",),
        "tags": ("cp312-cp312-linux_x86_64", "py3-none-any"),
        "markers": (
            ("platform_python_implementation", "CPython"),
            ("python_full_version", "3.12.1"),
            ("sys_platform", "linux"),
        ),
        "gil_disabled": False,
        "debug": False,
        "bits": 64,
    }
    return Interpreter(**{**facts, **changes})  # type: ignore[arg-type]
