"""The ``[project]`` table of a pyproject.toml (PEP 621), and what it tells of a source tree without a build."""

from puffin.names import is_name, normalise
from puffin.stages.resolve.metadata.parse import check_identity
from puffin.stages.resolve.metadata.toml import InvalidProject, TomlTable, decode_text, parse_toml
from puffin.stages.resolve.requirements.lenient import Malformed, requirement, specifier
from puffin.stages.resolve.requirements.texts import marker_of, requirement_of
from puffin.stages.resolve.solve.universe import Metadata
from puffin.value import frozen

_NEEDED = ("dependencies", "optional-dependencies", "requires-python")
_OF_POETRY = {"dependencies": "dependencies", "extras": "optional-dependencies"}


class Dynamic(Exception):
    """Only a build can tell the metadata; ``reason`` completes "because …"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@frozen
class ProjectTable:
    """``[project]`` as it is written; only ``name`` and the names of ``extras`` are normalised."""

    name: str
    version: str
    requires_python: str
    dependencies: tuple[str, ...]
    extras: tuple[tuple[str, tuple[str, ...]], ...]


def project_table(document: TomlTable, *needed: str) -> ProjectTable:
    """Return ``[project]`` of a pyproject.toml, which must state all that is *needed*.

    Raises :class:`Dynamic` if only a build can tell that, and :class:`InvalidProject`.
    """
    if "project" not in document.values:
        raise Dynamic("there is no `[project]` table")
    table = document.table("project")
    name = table.text("name")
    if not name:
        raise table.invalid("`project.name` is missing")
    if not is_name(name):
        raise table.invalid(f"`project.name` is `{name[:60]}`, which is not a valid project name")
    _check_static(table, document, needed)
    return ProjectTable(
        name=normalise(name),
        version=table.text("version"),
        requires_python=table.text("requires-python"),
        dependencies=table.texts("dependencies"),
        extras=_extras(table.table("optional-dependencies")),
    )


def _check_static(table: TomlTable, document: TomlTable, needed: tuple[str, ...]) -> None:
    poetry = document.table("tool").values.get("poetry")
    # Poetry itself takes these two from its own table where `project` is silent, which PEP 621 does not allow.
    taken = [of for key, of in _OF_POETRY.items() if isinstance(poetry, dict) and key in poetry]
    dynamic = {*table.texts("dynamic"), *[key for key in taken if key not in table.values]}
    left = [f"`project.{key}`" for key in needed if key in dynamic]
    if left:
        backend = document.table("build-system").text("build-backend") or "setuptools.build_meta"
        verb = "is" if len(left) == 1 else "are"
        raise Dynamic(f"{' and '.join(left)} {verb} left to a build with `{backend}`")


def _extras(optional: TomlTable) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: dict[str, tuple[str, ...]] = {}
    for extra in optional.values:
        name = normalise(extra)
        if name in found:
            raise optional.invalid(f"the extra `{name}` is there twice")
        found[name] = optional.texts(extra)
    return tuple(found.items())


def project_metadata(data: bytes, *, name: str = "", version: str = "") -> Metadata:
    """Return the static metadata in a pyproject.toml.

    *version*, as a file name has it, replaces a dynamic version. Raises :class:`Dynamic` if a build is needed, and
    :class:`Malformed` if the file or the table cannot be read, or is of another project.
    """
    file = "pyproject.toml"
    try:
        document = parse_toml(decode_text(data, file), file)
        table = project_table(document, *_NEEDED, *(() if version else ("version",)))
    except InvalidProject as error:
        raise Malformed(f"its `{file}` cannot be read: {error.problem}") from None
    if not (table.version or version):
        raise Malformed(f"its `{file}` has no `project.version`")
    check_identity(table.name, table.version or version, name, version)
    requires = [requirement(text) for text in table.dependencies]
    for extra, texts in table.extras:
        requires += [_under_extra(requirement(text), extra) for text in texts]
    return Metadata(
        name=table.name,
        version=table.version or version,
        requires_dist=tuple(requires),
        requires_python=specifier(table.requires_python),
        provides_extras=tuple([extra for extra, _ in table.extras]),
    )


def _under_extra(text: str, extra: str) -> str:
    parsed = requirement_of(text)
    own = f"extra == '{extra}'"
    parsed.marker = marker_of(own if parsed.marker is None else f"({parsed.marker}) and {own}")
    return str(parsed)
