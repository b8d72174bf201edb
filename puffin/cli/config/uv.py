"""The settings of ``[tool.uv]`` that puffin has too: those of the project at hand, or of the root of its workspace.

https://docs.astral.sh/uv/reference/settings/ describes them. What belongs to the dependencies of a project
(``sources``, ``override-dependencies``, …) is read with the project.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from puffin.cli.config.toml import SettingsFile
from puffin.pipeline.workspace.document import Document, SettingValue
from puffin.stages.resolve.projects.values import UV_OTHERS, UV_SETTINGS

_LISTS = {
    "no-binary-package": "no-binary",
    "no-build-package": "only-binary",
    "allow-insecure-host": "trusted-host",
}


def uv_settings(path: str, data: bytes) -> tuple[tuple[SettingValue, ...], tuple[str, ...]]:
    """Return the settings of one ``pyproject.toml``, and warnings of those that have no effect.

    Raises ``ConfigurationInvalid``.
    """
    file = SettingsFile(Document(path, data, os.path.relpath(path), tool="uv"))
    table = file.document.table
    settings = [_setting(file, key, table[key]) for key in UV_SETTINGS if key in table]
    return tuple(settings), tuple(
        f"`{key}` in `[tool.uv]` has no effect in puffin ({file.document.place(key)})"
        for key in UV_OTHERS
        if table.get(key)
    )


def _setting(file: SettingsFile, key: str, value: "Any") -> SettingValue:
    if key in _LISTS:
        return file.setting(_LISTS[key], value, key)
    if key == "no-binary" and isinstance(value, bool):
        return file.setting("no-binary", [":all:"] if value else [], key)
    if key in _TABLES and isinstance(value, Mapping):
        name, words = _TABLES[key]
        return file.setting(name, words(value), key)
    return file.setting(key, value, key)


def _config_settings(table: "Mapping[str, Any]") -> "list[Any]":
    return [_assigned(key, each) for key, value in table.items() for each in _each(value)]


def _package_settings(table: "Mapping[str, Any]") -> "list[Any]":
    """Return what belongs to packages; what is not a table is left to be refused."""
    found: list[Any] = []
    for name, own in table.items():
        found += (
            [_assigned(f"{name}:{key}", each) for key, value in own.items() for each in _each(value)]
            if isinstance(own, Mapping)
            else [own]
        )
    return found


def _moments(table: "Mapping[str, Any]") -> "list[Any]":
    return [f"{name}=false" if value is False else _assigned(name, value) for name, value in table.items()]


def _each(value: "Any") -> "list[Any]":
    return value if isinstance(value, list) else [value]


def _assigned(key: str, value: "Any") -> "Any":
    return f"{key}={value}" if isinstance(value, str) else value


_TABLES: "dict[str, tuple[str, Callable[[Mapping[str, Any]], list[Any]]]]" = {
    "config-settings": ("config-setting", _config_settings),
    "config-settings-package": ("config-setting-package", _package_settings),
    "exclude-newer-package": ("exclude-newer-package", _moments),
}
