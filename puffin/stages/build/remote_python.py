"""Whether this machine has an interpreter whose wheels another one can use."""

import functools
import os
import sys
from typing import Any

from puffin.cache.layout import Cache, default_root
from puffin.errors import PuffinError
from puffin.stages.link.interpreter.find import find_interpreter
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.stages.link.interpreter.known import inspect_interpreter
from puffin.value import from_tuple, frozen


@frozen
class Python:
    """What decides which wheels an interpreter makes: ``version`` is major and minor, ``platforms`` best first."""

    implementation: str
    version: tuple[int, int]
    abi: str
    platforms: tuple[str, ...]

    def __str__(self) -> str:
        number = ".".join(map(str, self.version))
        return f"{self.implementation} {number} ({self.abi}, {next(iter(self.platforms), 'any')})"

    def makes_for(self, other: "Python") -> bool:
        """Tell whether wheels that this one makes run with the *other*: its platforms must all be among the other's."""
        same = (self.implementation, self.version, self.abi) == (other.implementation, other.version, other.abi)
        return same and set(self.platforms) <= set(other.platforms)


def python_of(interpreter: Interpreter) -> Python:
    """Return what decides which wheels *interpreter* makes."""
    return Python(
        implementation=interpreter.implementation,
        version=(interpreter.version[0], interpreter.version[1]),
        abi=next(iter(interpreter.abis), "none"),
        platforms=interpreter.platforms,
    )


def fits(wanted: "tuple[Any, ...]") -> "tuple[bool, str]":
    """Return whether an interpreter here makes wheels for *wanted*, in wire form, and what is here."""
    found = interpreters(_plain(wanted))
    told = dict.fromkeys(str(python_of(each)) for each in found)
    target = from_tuple(Python, _plain(wanted))
    return any(python_of(each).makes_for(target) for each in found), ", ".join(told) or "no interpreter"


def fitting(wanted: "tuple[Any, ...]") -> "Interpreter | None":
    """Return the interpreter here that makes wheels for *wanted*: the one that runs this, if it does."""
    target = from_tuple(Python, _plain(wanted))
    return next((each for each in interpreters(_plain(wanted)) if python_of(each).makes_for(target)), None)


def _plain(wire: "tuple[Any, ...]") -> "tuple[Any, ...]":
    return tuple([tuple(field) if isinstance(field, list) else field for field in wire])


@functools.cache
def interpreters(wanted: "tuple[Any, ...]") -> "tuple[Interpreter, ...]":
    """Return the interpreter that runs this, and the first one here of the version of *wanted*."""
    target, cache = from_tuple(Python, wanted), Cache(default_root(os.environ))
    number = ".".join(map(str, target.version))
    free = "t" if target.abi.endswith("t") else ""
    found = []
    for request in ("", f"{number}{free}"):
        try:
            path = find_interpreter(request, os.environ) if request else sys.executable
            found.append(inspect_interpreter(path, cache))
        except PuffinError:
            continue
        if python_of(found[-1]).makes_for(target):
            break
    return tuple(found)
