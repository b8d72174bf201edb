"""Asking an interpreter, by running the probe in it, and keeping its answer."""

import json
import os
import subprocess
from typing import Any

from puffin import depends
from puffin.cache import frame
from puffin.cache.atomic import publish_file
from puffin.cache.layout import Cache
from puffin.errors import Cause, os_cause
from puffin.stages.link.interpreter.interpreter import (
    FORMAT,
    OLDEST,
    SCHEME_KEYS,
    InspectFailed,
    Interpreter,
    Scheme,
    UnsupportedPython,
    spend,
    supported_tags,
)

_TIMEOUT = 60.0
_PROBE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.py")
_SHORT_NAMES = {"cpython": "cp", "pypy": "pp", "python": "py", "ironpython": "ip", "jython": "jy"}


def ask_interpreter(path: str, origin: str = "") -> Interpreter:
    """Run the probe in the interpreter at *path* and return its facts; about 50 ms."""
    answer = _answer(path, origin)
    depends.unsure("an interpreter was asked")
    try:
        if tuple(answer["version"]) < OLDEST:
            raise UnsupportedPython(path=path, version=answer["markers"]["python_full_version"])
        return _interpreter(answer)
    except (KeyError, TypeError, ValueError) as error:
        cause = Cause(text=f"its answer cannot be understood: {error!r}")
        raise InspectFailed(path=path, origin=origin, causes=(cause,)) from error


def remember(cache: Cache, entry: str, interpreter: Interpreter) -> None:
    """Keep the facts as the cache entry *entry*; a cache that cannot be written is no reason to fail."""
    try:
        cache.initialise()
        publish_file(cache, entry, frame.dump((FORMAT, interpreter.wire())))
    except OSError:
        pass


def _answer(path: str, origin: str) -> "dict[str, Any]":
    try:
        done = _run(path, ["-I", "-S", _PROBE])
    except OSError as error:
        raise InspectFailed(
            path=path, origin=origin, causes=(os_cause(error),), hints=_hints(path, origin)
        ) from error
    except subprocess.TimeoutExpired as error:
        cause = Cause(text=f"it did not answer within {_TIMEOUT:g} s")
        raise InspectFailed(path=path, origin=origin, causes=(cause,)) from error
    try:
        answer = json.loads(done.stdout) if done.returncode == 0 else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        _refuse(path, origin, done)
    return answer  # type: ignore[return-value]


def _run(path: str, arguments: "list[str]") -> "subprocess.CompletedProcess[bytes]":
    environ = {key: value for key, value in os.environ.items() if key != "__PYVENV_LAUNCHER__"}
    with subprocess.Popen(
        [path, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
    ) as process:
        try:
            spend()
            told, complaint = process.communicate(timeout=_TIMEOUT)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, told, complaint)


def _refuse(path: str, origin: str, done: "subprocess.CompletedProcess[bytes]") -> None:
    """Raise the error for an interpreter that could not run the probe: too old for it, or no Python at all."""
    version = _old_version(path)
    if version:
        raise UnsupportedPython(path=path, version=version)
    said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it printed nothing"]
    how = f"exit status {done.returncode}" if done.returncode >= 0 else f"ended by signal {-done.returncode}"
    if done.returncode == 0:
        how, said = "it ran, but did not answer as Python does", []
    causes = (Cause(text=how, causes=tuple(Cause(text=line) for line in said[-1:])),)
    raise InspectFailed(path=path, origin=origin, causes=causes, hints=_hints(path, origin))


def _old_version(path: str) -> str:
    script = "import sys; sys.stdout.write('%d.%d.%d' % sys.version_info[:3])"
    try:
        text = _run(path, ["-E", "-S", "-c", script]).stdout.decode("ascii", "replace")
    except (OSError, subprocess.TimeoutExpired):
        return ""
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return ""
    return text if tuple(map(int, parts)) < OLDEST else ""


def _hints(path: str, origin: str) -> "tuple[str, ...]":
    if origin in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        return (f"if that environment is gone, unset `{origin}`, or make it again with `puffin venv`",)
    if os.path.islink(path) and not os.path.exists(path):
        return ("the Python that it was made from is gone: replace the environment with `puffin venv --clear`",)
    return ()


def _interpreter(answer: "dict[str, Any]") -> Interpreter:
    version = tuple(answer["version"])
    implementation = str(answer["implementation"])
    abis, platforms = tuple(answer["abis"]), tuple(answer["platforms"])
    lists: dict[str, Any] = {
        "version": version,
        "abis": abis,
        "platforms": platforms,
        "tags": supported_tags(_SHORT_NAMES.get(implementation, implementation), version[:2], abis, platforms),
        "markers": tuple(sorted(answer["markers"].items())),
        "scheme": _scheme(answer["paths"]),
        "venv_scheme": _scheme(answer["venv_paths"]),
    }
    plain = [name for name in Interpreter.__slots__ if name not in lists]  # type: ignore[attr-defined]
    return Interpreter(**{name: answer[name] for name in plain}, **lists)


def _scheme(paths: "dict[str, str]") -> Scheme:
    return Scheme(**{key: paths[key] for key in SCHEME_KEYS})
