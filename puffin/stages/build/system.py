"""The build system of a source tree: its backend and its requirements (PEP 517, PEP 518)."""

import os
import tomllib
from collections.abc import Mapping
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from puffin.stages.build.failures import InvalidBuildSystem
from puffin.value import frozen

LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
LEGACY_REQUIRES = ("setuptools>=40.8.0",)


@frozen
class BuildSystem:
    """The ``[build-system]`` of a source tree. ``declared`` tells whether it was written down there or is the default.

    ``backend`` is ``module:object``, ``backend_path`` the directories of an in-tree backend, relative to the tree.
    """

    requires: tuple[str, ...]
    backend: str
    backend_path: tuple[str, ...] = ()
    declared: bool = True


LEGACY = BuildSystem(requires=LEGACY_REQUIRES, backend=LEGACY_BACKEND, declared=False)


def read_build_system(tree: str, package: str) -> BuildSystem:
    """Return the build system of the source tree in the directory *tree*; *package* is named in errors.

    A tree without ``[build-system]`` has that of :data:`LEGACY`. Raises :class:`InvalidBuildSystem` for tables
    that break the specification, and for a directory that is no source tree.
    """
    path = os.path.join(tree, "pyproject.toml")
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        if not os.path.isfile(os.path.join(tree, "setup.py")):
            problem = "the directory has neither a `pyproject.toml` nor a `setup.py`"
            raise InvalidBuildSystem(package=package, file=tree, problem=problem) from None
        return LEGACY
    except OSError as error:
        raise InvalidBuildSystem(package=package, file=path, problem=error.strerror or str(error)) from error
    return _Table(package, path, tree).system(data)


class _Table:
    """The table of one file."""

    def __init__(self, package: str, path: str, tree: str) -> None:
        self._package = package
        self._path = path
        self._tree = tree

    def system(self, data: bytes) -> BuildSystem:
        document = self._parse(data)
        if "build-system" not in document:
            return LEGACY
        table = document["build-system"]
        if not isinstance(table, dict):
            raise self._invalid("`build-system` is not a table")
        if "requires" not in table:
            raise self._invalid("`[build-system]` has no `requires`, which is mandatory")
        return BuildSystem(
            requires=self._requires(table), backend=self._backend(table), backend_path=self._backend_path(table)
        )

    def _parse(self, data: bytes) -> "dict[str, Any]":

        try:
            return tomllib.loads(data.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise self._invalid(f"byte {error.start} is not UTF-8") from None
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            text = str(error)
            raise self._invalid(f"{text[:1].lower()}{text[1:]}") from None

    def _requires(self, table: "Mapping[str, Any]") -> "tuple[str, ...]":

        texts = self._texts(table, "requires")
        for text in texts:
            try:
                Requirement(text)
            except InvalidRequirement:
                raise self._invalid(f"`{text}` in `requires` is not a requirement (PEP 508)") from None
        return texts

    def _backend(self, table: "Mapping[str, Any]") -> str:
        value = table.get("build-backend", LEGACY_BACKEND)
        if not isinstance(value, str):
            raise self._invalid("`build-backend` is not a string")
        module, colon, attributes = value.partition(":")
        parts = [*module.split("."), *(attributes.split(".") if colon else ())]
        if not all(part.isidentifier() for part in parts):
            raise self._invalid(f"`build-backend` is `{value}`, and not a module or `module:object`")
        return value

    def _backend_path(self, table: "Mapping[str, Any]") -> "tuple[str, ...]":
        paths = self._texts(table, "backend-path")
        if paths and "build-backend" not in table:
            raise self._invalid("there is a `backend-path`, but no `build-backend` to be found there")
        root = os.path.realpath(self._tree)
        for path in paths:
            real = os.path.realpath(os.path.join(root, path))
            if os.path.isabs(path) or (real != root and not real.startswith(root + os.sep)):
                raise self._invalid(f"`{path}` in `backend-path` leads out of the source tree")
        return paths

    def _texts(self, table: "Mapping[str, Any]", key: str) -> "tuple[str, ...]":
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._invalid(f"`{key}` is not a list of strings")
        return tuple(value)

    def _invalid(self, problem: str) -> InvalidBuildSystem:
        return InvalidBuildSystem(package=self._package, file=self._path, problem=problem)
