"""Puffin's own configuration: ``puffin.toml``, and ``[tool.puffin]`` of ``pyproject.toml``."""

import os
from collections.abc import Mapping
from typing import Any

from puffin.cli.options.inspect import VENV
from puffin.cli.options.resolve import COMPILE, INSTALL
from puffin.cli.options.table import COUNT, FLAG, GIVEN, LIST, OPTIONAL, SYNC, VALUE, Row
from puffin.cli.options.values import IndexTable
from puffin.pipeline.workspace.document import ConfigurationInvalid, Document, SettingValue

# What only makes sense for one run, or decides whether this file is read at all.
_NOT_HERE = frozenset(
    (
        "isolated", "no_config", "config_file", "output_file", "index", "report", "requirement", "editable",
        "quiet", "verbose", "color", "no_progress", "clear", "prompt", "dry_run", "check", "remote_cache_write",
    )
)  # fmt: skip
_ROWS = {row[1]: row for row in (*SYNC, *COMPILE, *INSTALL, *VENV) if row[1] not in _NOT_HERE}
# read by the commands that use them, and with the project of a `pyproject.toml`
_OTHER_TABLES = frozenset(("envs", "env-defaults", "env-glob", "cache-keys"))
_OF_PROJECTS = frozenset(("sources", "workspace", "layout", "default-groups", "package"))
_PLACES = frozenset(
    ("cert", "client_cert", "cache_dir", "find_links", "constraint", "override", "build_constraint")
)
_WANTED = {
    FLAG: "true or false",
    COUNT: "a number",
    VALUE: "a string",
    OPTIONAL: "a string, true or false",
    LIST: "a list of strings",
}
_INDEX_KINDS = {"name": VALUE, "url": VALUE, "packages": LIST, "explicit": FLAG, "default": FLAG}


def configurable_rows() -> "tuple[Row, ...]":
    """Return the options that a file can set, as rows of the option tables."""
    return tuple(_ROWS.values())


def puffin_settings(path: str, data: bytes) -> "tuple[tuple[SettingValue, ...], tuple[IndexTable, ...]]":
    """Return the settings and the indexes of one file. Raises :class:`ConfigurationInvalid`."""
    file = SettingsFile(Document(path, data))
    table = file.document.table
    others = _OTHER_TABLES | (_OF_PROJECTS if file.document.is_project else frozenset())
    values = [file.setting(key, value) for key, value in table.items() if key != "index" and key not in others]
    indexes = table.get("index", [])
    if not isinstance(indexes, list) or not all(isinstance(each, dict) for each in indexes):
        raise file.document.wrong(("index",), "indexes are written as `[[index]]` tables")
    return tuple(values), tuple([file.index(number, each) for number, each in enumerate(indexes)])


class SettingsFile:
    """The settings of one file."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def setting(self, key: str, value: "Any", written: str = "") -> SettingValue:
        """Return a setting, its paths relative to the file made absolute; the file has it under *written*, or *key*."""
        name, where = key.replace("-", "_"), (written or key,)
        if name not in _ROWS:
            raise self._unknown(key)
        checked = self._checked(where, value, _ROWS[name][2])
        return SettingValue(name=name, value=self._placed(name, checked), place=self.document.place(*where))

    def index(self, number: int, table: "Mapping[str, Any]") -> IndexTable:
        """Return an index, the one with this *number* in the file."""
        where = ("index", str(number))
        for key, value in table.items():
            if key not in _INDEX_KINDS:
                problem = f"`{key}` is unknown in an index"
                raise self.document.wrong((*where, key), problem, "an index has " + _listed(_INDEX_KINDS))
            self._checked((*where, key), value, _INDEX_KINDS[key])
        for key in ("name", "url"):
            if not table.get(key):
                raise self.document.wrong(where, f"an index has no `{key}`")
        found = IndexTable(
            name=table["name"],
            url=self._place(table["url"]),
            packages=tuple(table.get("packages", ())),
            explicit=table.get("explicit", False),
            default=table.get("default", False),
            place=self.document.place(*where, "url"),
        )
        if found.explicit and not found.packages and not self.document.is_project:
            problem = f"the index `{found.name}` is explicit, but has no `packages`"
            hint = 'list its packages, for example `packages = ["acme-*"]`'
            raise self.document.wrong((*where, "explicit"), problem, hint)
        return found

    def _unknown(self, key: str) -> ConfigurationInvalid:
        from difflib import get_close_matches

        known = sorted(name.replace("_", "-") for name in _ROWS)
        close = get_close_matches(key, known, n=1)
        hints = (f"did you mean `{close[0]}`?",) if close else ()
        return self.document.wrong((key,), f"the setting `{key}` is unknown", *hints)

    def _checked(self, where: tuple[str, ...], value: "Any", kind: str) -> "Any":
        if kind == FLAG and isinstance(value, bool):
            return value
        if kind == COUNT and type(value) is int and value >= 0:
            return value
        if kind == OPTIONAL and isinstance(value, bool):
            return GIVEN if value else ""
        if kind in (VALUE, OPTIONAL) and (isinstance(value, str) or type(value) in (int, float)):
            return str(value)
        if kind == LIST and isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        raise self.document.wrong(where, f"`{where[-1]}` is not {_WANTED[kind]}")

    def _placed(self, name: str, value: "Any") -> "Any":
        if name not in _PLACES and not (name == "python" and "/" in value):
            return value
        return tuple(map(self._place, value)) if isinstance(value, tuple) else self._place(value)

    def _place(self, text: str) -> str:
        if "://" in text or text[:5].lower() == "file:":
            return text
        return os.path.normpath(os.path.join(self.document.directory, os.path.expanduser(text)))


def _listed(names: "Mapping[str, str]") -> str:
    return ", ".join(f"`{name}`" for name in names)
