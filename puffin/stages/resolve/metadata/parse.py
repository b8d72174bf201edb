"""METADATA and PKG-INFO files as the resolver needs them.

https://packaging.python.org/en/latest/specifications/core-metadata/
"""

from puffin.artifact.metadata_head import field_values, first_value
from puffin.names import is_name, normalise, parsed_version, same_version, version_key
from puffin.stages.resolve.requirements.lenient import Malformed, requirement, specifier
from puffin.stages.resolve.solve.universe import Metadata

_FIELDS = frozenset(
    ("metadata-version", "name", "version", "requires-dist", "requires-python", "provides-extra", "dynamic")
)
_STATIC_SINCE = (2, 2)
_DEPENDENCIES = frozenset(("requires-dist", "requires-python", "provides-extra"))
_MOST = 20_000  # requirements; real ones have some hundreds


def parse_metadata(data: bytes, *, name: str = "", version: str = "") -> Metadata:
    """Return the metadata in a METADATA or PKG-INFO file.

    Raises :class:`Malformed` if it is not valid, or if *name* (normalised) or *version* are given and differ.
    """
    fields = fields_of(data)
    own_name = normalise(_single(fields, "name"))
    own_version = _single(fields, "version")
    if not own_name or not own_version:
        raise Malformed(f"its metadata has no {'Version' if own_name else 'Name'}")
    if not is_name(own_name):
        raise Malformed(f"its metadata gives the name as `{own_name[:60]}`")
    check_identity(own_name, own_version, name, version)
    if len(fields.get("requires-dist", ())) > _MOST:
        raise Malformed(f"its metadata has more than {_MOST} requirements")
    return Metadata(
        name=own_name,
        version=own_version,
        requires_dist=tuple([requirement(text) for text in fields.get("requires-dist", ())]),
        requires_python=specifier(first_value(fields, "requires-python")),
        provides_extras=tuple(dict.fromkeys([normalise(each) for each in fields.get("provides-extra", ())])),
    )


def static_metadata(data: bytes, *, name: str = "", version: str = "") -> Metadata | None:
    """Return the metadata in the PKG-INFO of a source distribution, None if a build may change it (PEP 643).

    Raises :class:`Malformed` as :func:`parse_metadata` does.
    """
    fields = fields_of(data)
    if metadata_version(fields) < _STATIC_SINCE:
        return None
    dynamic = {each.lower() for each in fields.get("dynamic", ())}
    if dynamic & (_DEPENDENCIES | {"version"}):
        return None
    return parse_metadata(data, name=name, version=version)


def fields_of(data: bytes) -> dict[str, list[str]]:
    """Return the values of the fields that resolution needs, by their names in lower case; ``UNKNOWN`` is none."""
    fields = field_values(data, _FIELDS)
    return {name: [value for value in values if value != "UNKNOWN"] for name, values in fields.items()}


def check_identity(own_name: str, own_version: str, name: str, version: str) -> None:
    """Raise :class:`Malformed` unless the metadata's name and version are those expected (empty for any)."""
    if name and own_name != name:
        raise Malformed(f"its metadata is that of `{own_name}`")
    unreadable = version_key(own_version) is None and parsed_version(own_version) is None
    if unreadable or not same_version(own_version, version or own_version):
        raise Malformed(f"its metadata gives the version as `{own_version[:60]}`")


def metadata_version(fields: dict[str, list[str]]) -> tuple[int, int]:
    """Return the version of the metadata format, (0, 0) for none."""
    major, _, minor = first_value(fields, "metadata-version").partition(".")
    if not (major.isdecimal() and major.isascii() and minor.isdecimal() and minor.isascii()):
        return 0, 0
    return int(major[:4]), int(minor[:4])


def _single(fields: dict[str, list[str]], name: str) -> str:
    values = set(fields.get(name, ()))
    if len(values) > 1:
        raise Malformed(f"its metadata has the field {name.title()} twice")
    return values.pop() if values else ""
