"""The published JSON schema is that of the readers, and agrees with them about documents, right and wrong ones."""

import importlib.util
import json
import re

import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from puffin.cli.config.settings import check_setting
from puffin.cli.config.toml import puffin_settings
from puffin.errors import PuffinError
from puffin.pipeline.workspace.config import parse_workspace
from puffin.stages.resolve.projects.project import SourceFile
from puffin.stages.resolve.projects.tables import read_tables
from tests.helpers.cli import CHECKOUT

PATH = CHECKOUT / "docs" / "puffin.schema.json"
SCHEMA = json.loads(PATH.read_text())
OF_PROJECT = SCHEMA["$defs"]["project"]
_TEXTS = st.sampled_from(["a", "b.txt", "{dir}/x", "{other}", "tree", "separate", "all", "highest", ""])
_VALUES = st.one_of(
    _TEXTS, st.booleans(), st.integers(-1, 3), st.lists(_TEXTS, max_size=2), st.just({}), st.just([1])
)


def _tables(schema):
    """Return dictionaries with the keys of a schema, and now and then another one."""
    keys = [*schema["properties"], "unknown"]
    return st.dictionaries(st.sampled_from(keys), _VALUES, max_size=3)


def _right(schema):
    """Return values that a simple schema takes."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type", "string")
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.integers(0, 3)
    return st.just(["a"]) if kind == "array" else st.sampled_from(["a", "x/b.txt"])


def _mixed(schema):
    """Return tables of which most are right."""
    right = st.fixed_dictionaries(
        {}, optional={key: _right(each) for key, each in schema["properties"].items()}
    )
    few = right.map(lambda table: dict(sorted(table.items(), key=lambda item: hash(item[0]))[:4]))
    return st.one_of(few, _tables(schema))


_OF_ENVS = SCHEMA["properties"]["envs"]["additionalProperties"]
_OF_INDEX = SCHEMA["properties"]["index"]["items"]
_OF_GLOB = SCHEMA["properties"]["env-glob"]["items"]
_SETTINGS = {
    key: each
    for key, each in SCHEMA["properties"].items()
    if key not in ("envs", "env-defaults", "env-glob", "index", "cache-keys", "jobs", "timeout", "retries")
}
_NAMES = st.sampled_from(["a", "b c", " x", "d,e", ""])
_DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "envs": st.dictionaries(_NAMES, _mixed(_OF_ENVS), max_size=2),
        "env-defaults": _mixed(SCHEMA["properties"]["env-defaults"]),
        "env-glob": st.lists(_mixed(_OF_GLOB), max_size=2),
        "index": st.lists(_mixed(_OF_INDEX), max_size=2),
    },
)


def _accepts(document):
    data = b"#\n" + tomlkit.dumps(document).encode()  # no content stands for a file that may not be read
    try:
        values, _ = puffin_settings("/here/puffin.toml", data)
        for value in values:
            check_setting(value)
        parse_workspace(data, "/here/puffin.toml", "puffin.toml")
    except PuffinError:
        return False
    return True


def _is_valid(document):
    return Draft202012Validator(SCHEMA).is_valid(document)


def test_the_published_schema_is_up_to_date_and_a_schema():
    Draft202012Validator.check_schema(SCHEMA)
    found = importlib.util.spec_from_file_location("schema", CHECKOUT / "docs" / "schema.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    assert PATH.read_text() == module.text(), "run `python docs/schema.py`"
    assert all(each.get("description") for each in SCHEMA["properties"].values())


@given(_DOCUMENTS)
@settings(max_examples=400)
def test_tables_are_valid_where_the_readers_take_them(document):
    assert _is_valid(document) == _accepts(document), document


@given(st.data())
def test_settings_are_valid_where_the_readers_take_them(data):
    key = data.draw(st.sampled_from([*_SETTINGS, "unknown"]))
    value = data.draw(st.one_of(_right(_SETTINGS.get(key, {})), _VALUES))
    document = {key: value}
    assert _is_valid(document) == _accepts(document), document


@given(st.fixed_dictionaries({}, optional={
    "workspace": _mixed(OF_PROJECT["properties"]["workspace"]), "layout": _VALUES, "default-groups": _VALUES,
    "package": _VALUES, "offline": _VALUES,
}))  # fmt: skip
def test_tables_of_projects_are_valid_where_the_readers_take_them(table):
    text = tomlkit.dumps({"tool": {"puffin": table}})
    try:
        puffin_settings("/here/pyproject.toml", text.encode())
        read_tables(SourceFile(path="/here/pyproject.toml", shown="pyproject.toml", text=text))
        accepted = True
    except PuffinError:
        accepted = False
    assert Draft202012Validator(SCHEMA).evolve(schema=OF_PROJECT).is_valid(table) == accepted, table


def test_the_example_of_the_documents_is_valid():
    text = (CHECKOUT / "docs" / "WORKSPACES.md").read_text()
    block = re.search(r"((?:    .*\n|\n)*?    \[env.*\n(?:    .*\n|\n)*)", text)
    assert _is_valid(tomlkit.parse(re.sub("^    ", "", block.group(0), flags=re.MULTILINE)).unwrap())
