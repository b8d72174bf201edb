"""Writes `puffin.schema.json`, the JSON schema of `puffin.toml` and `[tool.puffin]`, from the tables that read them.

    python docs/schema.py

A test fails if the file is out of date.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from puffin.cli.config.toml import configurable_rows  # noqa: E402
from puffin.cli.options.table import COUNT, FLAG, LIST, OPTIONAL, Row, choices_of  # noqa: E402
from puffin.pipeline.workspace.config import ENV_KEYS, GLOB_KEYS, SHARED_KEYS, SOURCE_KEYS  # noqa: E402
from puffin.stages.link.files import MODES  # noqa: E402
from puffin.stages.resolve.projects.tables import SEPARATE, SHARED  # noqa: E402

_FOR_PACKAGES: dict[str, Any] = {
    "if": {"properties": {"explicit": {"const": True}}, "required": ["explicit"]},
    "then": {"properties": {"packages": {"minItems": 1}}, "required": ["packages"]},
}
FILE = ROOT / "docs" / "puffin.schema.json"
Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}
FLAG_OR_NOT: Schema = {"type": "boolean"}
TEXTS: Schema = {"anyOf": [NAME, {"type": "array", "items": NAME}]}
_OF_ENVIRONMENTS: dict[str, tuple[str, Schema]] = {
    "path": (
        "The directory of the environment; `{dir}`, `{name}` and `{python}` are filled in.",
        {"type": "string", "pattern": r"^([^{}]|\{(dir|name|python)\})*$"},
    ),
    "python": ("A Python as for `--python`, or a list of them.", TEXTS),
    "extras": ("Extras of the project or lock.", TEXTS),
    "groups": ("Dependency groups of the project or lock.", TEXTS),
    "constraints": ("Constraints files.", TEXTS),
    "link-mode": ("How files come from the cache.", {"enum": ["", *MODES]}),
    "compile-bytecode": ("Whether the environment gets bytecode.", FLAG_OR_NOT),
    "editable": ("Whether the project itself is installed as editable.", FLAG_OR_NOT),
    "requirements": ("A requirements file, or a list of them.", {**TEXTS, "minItems": 1}),
    "pylock": ("A lock file.", NAME),
    "lock": ("A lock file: another name of `pylock`.", NAME),
    "project": ("A `pyproject.toml`, or its directory.", NAME),
    "match": ("A pattern of files; each one makes an environment.", NAME),
}


def schema() -> Schema:
    """Return the schema of a `puffin.toml`; `$defs` has that of `[tool.puffin]`, under `project`."""
    settings = {row[1].replace("_", "-"): _setting(row) for row in configurable_rows()}
    tables = {
        "index": {"description": "A named index.", "type": "array", "items": {**_index(), **_FOR_PACKAGES}},
        "envs": {"description": "Environments by name.", **_each(_environment())},
        "env-defaults": {"description": "What all environments share.", **_table(SHARED_KEYS)},
        "env-glob": {
            "description": "An environment for each file that matches.",
            "type": "array",
            "items": {**_table(GLOB_KEYS), "required": ["match"]},
        },
        "cache-keys": {
            "description": "What decides whether a local project is built again, instead of all its files.",
            "type": "array",
            "items": {"anyOf": [TEXT, {"type": "object"}]},
        },
    }
    every = dict(sorted({**settings, **tables}.items()))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "puffin.toml",
        "description": "The configuration of puffin. `#/$defs/project` is that of `[tool.puffin]` in a pyproject.toml.",
        "type": "object",
        "additionalProperties": False,
        "properties": every,
        "$defs": {"project": _project(every)},
    }


def _project(every: Schema) -> Schema:
    own = {
        "sources": {
            "description": "Where dependencies come from, for example `[tool.uv.sources]`.",
            "type": "object",
        },
        "workspace": {
            "description": "The members of the workspace, for example `[tool.uv.workspace]`.",
            "type": "object",
            "additionalProperties": False,
            "properties": {key: {"type": "array", "items": NAME} for key in ("members", "exclude")},
        },
        "layout": {"description": "Whether members share one environment.", "enum": ["", SHARED, SEPARATE]},
        "default-groups": {
            "description": "The dependency groups that are installed by default.",
            "anyOf": [{"const": "all"}, {"type": "array", "items": TEXT}],
        },
        "package": {"description": "Whether the project itself is installed.", **FLAG_OR_NOT},
    }
    properties = {key: {"$ref": f"#/properties/{key}"} for key in every}
    properties["index"] = {"description": "A named index.", "type": "array", "items": _index()}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": dict(sorted({**properties, **own}.items())),
    }


def _setting(row: Row) -> Schema:
    choices = choices_of(row)
    kind: Schema = {"type": ["string", "number"]}
    if row[2] == FLAG:
        kind = FLAG_OR_NOT
    elif row[2] == COUNT:
        kind = {"type": "integer", "minimum": 0}
    elif row[2] == LIST:
        kind = {"type": "array", "items": TEXT}
    elif row[2] == OPTIONAL:
        kind = {"type": ["string", "number", "boolean"]}
    elif choices:
        kind = {"enum": list(choices)}
    return {"description": row[4], **kind}


def _index() -> Schema:
    """Return the schema of an index; outside a project, one that is explicit has to say what it is for."""
    kinds = {"name": NAME, "url": NAME, "packages": {"type": "array", "items": TEXT}}
    flags = {"explicit": FLAG_OR_NOT, "default": FLAG_OR_NOT}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "url"],
        "properties": {**kinds, **flags},
    }


def _each(table: Schema) -> Schema:
    return {
        "type": "object",
        "propertyNames": {"pattern": r"^[^\s,]([^,]*[^\s,])?$"},
        "additionalProperties": table,
    }


def _environment() -> Schema:
    without = {"requirements": ("extras", "groups", "editable"), "project": ()}
    without |= dict.fromkeys(("pylock", "lock"), ("constraints", "editable"))
    return {
        **_table(ENV_KEYS),
        "oneOf": [{"required": [key]} for key in SOURCE_KEYS],
        "dependentSchemas": {
            key: {"properties": dict.fromkeys(keys, False)} for key, keys in without.items() if keys
        },
    }


def _table(keys: frozenset[str]) -> Schema:
    properties = {
        key: {"description": text, **kind} for key, (text, kind) in _OF_ENVIRONMENTS.items() if key in keys
    }
    if missing := keys - properties.keys():
        raise SystemExit(f"error: the schema says nothing of {', '.join(sorted(missing))}")
    return {"type": "object", "additionalProperties": False, "properties": properties}


def text() -> str:
    """Return the text of the file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
