"""Static metadata of a source tree: the ``[project]`` table of its pyproject.toml (PEP 621)."""

from typing import Any

from puffin.names import is_name, normalise
from puffin.stages.resolve.metadata.parse import check_identity
from puffin.stages.resolve.requirements.lenient import Malformed, requirement, specifier
from puffin.stages.resolve.requirements.texts import marker_of, requirement_of
from puffin.stages.resolve.solve.universe import Metadata

_NEEDED = frozenset(("dependencies", "optional-dependencies", "requires-python"))


class Dynamic(Exception):
    """Only a build can tell the metadata; ``reason`` completes "because …"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def project_metadata(data: bytes, *, name: str = "", version: str = "") -> Metadata:
    """Return the static metadata in a pyproject.toml (PEP 621).

    *version*, as a file name has it, replaces a dynamic version. Raises :class:`Dynamic` if a build is needed, and
    :class:`Malformed` if the file or the table cannot be read, or is of another project.
    """
    project, tools = _tables(data)
    _check_static(project, tools)
    own_name = _text(project, "name")
    if not is_name(own_name):
        raise Malformed(
            f"`project.name` in its `pyproject.toml` is `{own_name[:60]}`, which is no name of a project"
        )
    own_version = _version(project, version)
    check_identity(normalise(own_name), own_version, name, version)
    extras = _table(project, "optional-dependencies")
    requires = [requirement(text) for text in _texts(project.get("dependencies", []), "dependencies")]
    for extra, listed in extras.items():
        texts = _texts(listed, f"optional-dependencies.{extra}")
        requires += [_under_extra(requirement(text), normalise(extra)) for text in texts]
    return Metadata(
        name=normalise(own_name),
        version=own_version,
        requires_dist=tuple(requires),
        requires_python=specifier(_text(project, "requires-python")) if "requires-python" in project else "",
        provides_extras=tuple([normalise(extra) for extra in extras]),
    )


def _tables(data: bytes) -> "tuple[dict[str, Any], dict[str, Any]]":
    import tomllib

    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Malformed(f"its `pyproject.toml` cannot be read: {str(error).splitlines()[0][:200]}") from None
    project, tools = document.get("project"), document.get("tool", {})
    if project is None:
        raise Dynamic("its `pyproject.toml` has no `[project]` table")
    if not isinstance(project, dict):
        raise Malformed("`project` in its `pyproject.toml` is no table")
    return project, tools if isinstance(tools, dict) else {}


def _check_static(project: "dict[str, Any]", tools: "dict[str, Any]") -> None:
    dynamic = set(_texts(project.get("dynamic", []), "dynamic"))
    left = sorted(dynamic & _NEEDED)
    if left:
        raise Dynamic(f"`project.dynamic` in its `pyproject.toml` names `{'`, `'.join(left)}`")
    poetry = tools.get("poetry")
    # Poetry itself takes these two from its own table where `project` is silent, which PEP 621 does not allow.
    if isinstance(poetry, dict) and (
        ("dependencies" in poetry and "dependencies" not in project)
        or ("extras" in poetry and "optional-dependencies" not in project)
    ):
        raise Dynamic("its dependencies stand in `tool.poetry`")


def _version(project: "dict[str, Any]", known: str) -> str:
    if "version" in project:
        return _text(project, "version")
    if "version" not in project.get("dynamic", ()):
        raise Malformed("its `pyproject.toml` has no `project.version`")
    if not known:
        raise Dynamic("`project.dynamic` in its `pyproject.toml` names `version`")
    return known


def _under_extra(text: str, extra: str) -> str:
    parsed = requirement_of(text)
    own = f"extra == '{extra}'"
    parsed.marker = marker_of(own if parsed.marker is None else f"({parsed.marker}) and {own}")
    return str(parsed)


def _text(table: "dict[str, Any]", key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Malformed(f"its `pyproject.toml` has no text in `project.{key}`")
    return value.strip()


def _table(table: "dict[str, Any]", key: str) -> "dict[str, Any]":
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise Malformed(f"`project.{key}` in its `pyproject.toml` is no table")
    return value


def _texts(value: object, key: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Malformed(f"`project.{key}` in its `pyproject.toml` is no list of texts")
    return value
