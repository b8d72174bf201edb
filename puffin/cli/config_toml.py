"""Puffin's own configuration: ``puffin.toml``, and ``[tool.puffin]`` of ``pyproject.toml``."""

import os
import tomllib

from puffin.cli.config_files import PROJECT_FILE
from puffin.cli.config_values import ConfigurationInvalid, Said
from puffin.cli.table import COUNT, FLAG, LIST, SYNC, VALUE
from puffin.cli.table_compile import COMPILE
from puffin.cli.table_inspect import VENV
from puffin.cli.table_install import INSTALL
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_KINDS = {row[1]: row[2] for row in (*SYNC, *COMPILE, *INSTALL, *VENV)}
# What only makes sense for one run, or decides whether this file is read at all.
_NOT_HERE = frozenset(
    (
        "isolated", "no_config", "output_file", "index", "report", "requirement", "editable", "quiet", "verbose",
        "color", "no_progress", "clear", "prompt", "dry_run",
    )
)  # fmt: skip
_OTHER_TABLES = frozenset(("envs", "env-defaults", "env-glob"))  # read by the commands that they are for
_PLACES = frozenset(
    ("cert", "client_cert", "cache_dir", "find_links", "constraint", "override", "build_constraint")
)
_INDEX_KINDS = {"name": VALUE, "url": VALUE, "packages": LIST, "explicit": FLAG, "default": FLAG}


@frozen
class IndexTable:
    """One ``[[index]]`` table: ``packages`` are patterns of the names that are looked for nowhere else."""

    name: str
    url: str
    packages: tuple[str, ...]
    explicit: bool
    default: bool
    place: str


def puffin_settings(path: str, data: bytes) -> "tuple[tuple[Said, ...], tuple[IndexTable, ...]]":
    """Return the settings and the indexes of one file. Raises :class:`ConfigurationInvalid`."""
    text = _decoded(path, data)
    table = _table(path, text)
    file = _File(path, text)
    said = [
        file.setting(key, value) for key, value in table.items() if key != "index" and key not in _OTHER_TABLES
    ]
    indexes = table.get("index", [])
    if not isinstance(indexes, list) or not all(isinstance(each, dict) for each in indexes):
        raise file.wrong("index", "indexes are written as `[[index]]` tables")
    return tuple(said), tuple([file.index(each) for each in indexes])


def _decoded(path: str, data: bytes) -> str:
    if not data and not os.access(path, os.R_OK):
        raise ConfigurationInvalid(place=path, problem="you may not read the file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationInvalid(place=f"{path}:{line}", problem="the file is not UTF-8") from None


def _table(path: str, text: str) -> "Mapping[str, Any]":
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problem, _, where = str(error).partition(" (at line ")
        line = where.partition(",")[0]
        place = f"{path}:{line}" if line.isdigit() else path
        raise ConfigurationInvalid(place=place, problem=problem[:1].lower() + problem[1:]) from None
    if os.path.basename(path) != PROJECT_FILE:
        return document
    tools = document.get("tool")
    table = tools.get("puffin", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise ConfigurationInvalid(place=path, problem="`tool.puffin` is not a table")
    return table


class _File:
    """One file, for the places of its settings."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._text = text
        self._directory = os.path.dirname(path)
        self._own = os.path.basename(path) != PROJECT_FILE

    def setting(self, key: str, value: "Any") -> Said:
        """Return a setting, its paths relative to the file made absolute."""
        name = key.replace("-", "_")
        if name not in _KINDS or name in _NOT_HERE:
            raise self._unknown(key)
        return Said(
            name=name, value=self._placed(name, self._checked(key, value, _KINDS[name])), place=self._at(key)
        )

    def index(self, table: "Mapping[str, Any]") -> IndexTable:
        """Return an index."""
        for key, value in table.items():
            if key not in _INDEX_KINDS:
                raise self.wrong(
                    key, f"`{key}` is unknown in an index", "an index has " + _listed(_INDEX_KINDS)
                )
            self._checked(key, value, _INDEX_KINDS[key])
        for key in ("name", "url"):
            if not table.get(key):
                raise self.wrong("[index]", f"an index has no `{key}`")
        found = IndexTable(
            name=table["name"],
            url=self._place(table["url"]),
            packages=tuple(table.get("packages", ())),
            explicit=table.get("explicit", False),
            default=table.get("default", False),
            place=self._at("url"),
        )
        if found.explicit and not found.packages:
            problem = f"the index `{found.name}` is explicit, but has no `packages`"
            raise self.wrong(
                "explicit", problem, 'name the packages that it is for, as in `packages = ["acme-*"]`'
            )
        return found

    def wrong(self, key: str, problem: str, *hints: str) -> ConfigurationInvalid:
        """Make the error for a key."""
        return ConfigurationInvalid(place=self._at(key), problem=problem, hints=hints)

    def _unknown(self, key: str) -> ConfigurationInvalid:
        from difflib import get_close_matches

        known = sorted(name.replace("_", "-") for name in _KINDS if name not in _NOT_HERE)
        close = get_close_matches(key, known, n=1)
        hints = (f"did you mean `{close[0]}`?",) if close else ()
        return self.wrong(key, f"the setting `{key}` is unknown", *hints)

    def _checked(self, key: str, value: "Any", kind: str) -> "Any":
        if kind == FLAG and isinstance(value, bool):
            return value
        if kind == COUNT and type(value) is int and value >= 0:
            return value
        if kind == VALUE and (isinstance(value, str) or type(value) in (int, float)):
            return str(value)
        if kind == LIST and isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        wanted = {FLAG: "true or false", COUNT: "a number", VALUE: "a string", LIST: "a list of strings"}[kind]
        raise self.wrong(key, f"`{key}` is not {wanted}")

    def _placed(self, name: str, value: "Any") -> "Any":
        if name not in _PLACES and not (name == "python" and "/" in value):
            return value
        return tuple(map(self._place, value)) if isinstance(value, tuple) else self._place(value)

    def _place(self, text: str) -> str:
        if "://" in text or text[:5].lower() == "file:":
            return text
        return os.path.normpath(os.path.join(self._directory, os.path.expanduser(text)))

    def _at(self, key: str) -> str:
        line = self._line(key)
        return f"{self._path}:{line}" if line else self._path

    def _line(self, key: str) -> int:
        """Return the line, from 1, on which *key* is set in a table of puffin's; 0 where it cannot be told."""
        ours = self._own
        for number, raw in enumerate(self._text.splitlines(), 1):
            line = raw.strip()
            if line.startswith("["):
                ours = self._own or line.strip("[] ").startswith("tool.puffin")
                name = line.partition("#")[0].strip("[] \t").removeprefix("tool.puffin.")
                if ours and key in (name, f"[{name}]"):
                    return number
            elif ours and line.partition("=")[0].strip().strip("\"'") == key:
                return number
        return 0


def _listed(names: "Mapping[str, str]") -> str:
    return ", ".join(f"`{name}`" for name in names)
