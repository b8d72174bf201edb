"""Directories that packages are installed into without being environments: ``--target`` and ``--prefix``."""

import os
from collections.abc import Iterable, Iterator, Mapping

from puffin.stages.link.environment.environment import ELSEWHERE, Environment
from puffin.stages.link.interpreter.interpreter import SCHEME_KEYS, Interpreter

DIRECTORY, PREFIX = ELSEWHERE


def in_directory(interpreter: Interpreter, path: str) -> Environment:
    """Return *path* as an environment: packages lie in it directly, scripts in ``bin``, as pip puts them."""
    scripts = "Scripts" if os.name == "nt" else "bin"
    homes = {"purelib": path, "platlib": path, "data": path}
    homes |= {"scripts": os.path.join(path, scripts), "headers": os.path.join(path, "include")}
    return _environment(interpreter, path, homes, DIRECTORY)


def in_prefix(interpreter: Interpreter, root: str) -> Environment:
    """Return the prefix *root* as an environment, laid out as a virtual environment of *interpreter* is."""
    scheme = interpreter.venv_scheme
    homes = {key: os.path.normpath(os.path.join(root, getattr(scheme, key))) for key in SCHEME_KEYS}
    return _environment(interpreter, root, homes, PREFIX)


def _environment(interpreter: Interpreter, root: str, homes: "dict[str, str]", origin: str) -> Environment:
    return Environment(
        root=root,
        executable=interpreter.executable,
        version=interpreter.version,
        is_venv=False,
        relocatable=False,
        seed=False,
        system_site_packages=False,
        interpreter=interpreter,
        origin=origin,
        **homes,
    )


def unfit(site: str, entries: "Mapping[str, str]", tags: "Iterable[str]") -> frozenset[str]:
    """Return those of the distributions (names by their entries in *site*) that are for another platform or Python.

    What was installed there before may have been for a target that is not this one. *tags* are those that fit.
    """
    fitting = frozenset(tags)
    return frozenset([name for entry, name in entries.items() if foreign_tags(f"{site}/{entry}", fitting)])


def foreign_tags(info: str, fitting: "frozenset[str]") -> "list[str]":
    """Return the tags, as written, of the wheel that a dist-info is of, if none of them is among *fitting*."""
    texts = _tags(f"{info}/WHEEL")
    own = {tag for text in texts for tag in _expanded(text)}
    return texts if own and fitting.isdisjoint(own) else []


def _tags(path: str) -> "list[str]":
    """Return the tags in a WHEEL file as they stand there; none where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.partition(":") for line in file]
    except OSError:
        return []
    return [value.strip() for key, _, value in lines if key.strip().lower() == "tag"]


def _expanded(text: str) -> "Iterator[str]":
    """Yield the tags of a compressed tag set, ``py2.py3-none-any``."""
    parts = text.split("-")
    if len(parts) == 3:
        for python in parts[0].split("."):
            for abi in parts[1].split("."):
                for platform in parts[2].split("."):
                    yield f"{python}-{abi}-{platform}"
