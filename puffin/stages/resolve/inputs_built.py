"""A project whose dependencies only its build backend tells, from the metadata that a build gave. Pure.

https://packaging.python.org/en/latest/specifications/core-metadata/
"""

import re

from puffin.names import normalise
from puffin.stages.resolve.inputs_entries import SourceFile, entries_of
from puffin.stages.resolve.inputs_errors import InvalidProject
from puffin.stages.resolve.inputs_project import Project
from puffin.stages.resolve.markers import without_extra
from puffin.stages.resolve.metadata_errors import Malformed
from puffin.stages.resolve.metadata_parse import parse_metadata
from puffin.stages.resolve.reqvalues import Entry
from puffin.value import replace

_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']*)["']""")


def built_project(file: SourceFile, data: bytes) -> Project:
    """Return the project of *file* (a ``pyproject.toml``, ``setup.cfg`` or ``setup.py``) from its METADATA.

    Raises :class:`InvalidProject` for metadata that cannot be used, ``InvalidRequirementLine`` for a requirement.
    """
    try:
        metadata = parse_metadata(data)
    except Malformed as error:
        raise InvalidProject(file=file.shown, problem=f"after a build, {error}") from None
    entries = entries_of(metadata.requires_dist, replace(file, text=""))
    return Project(
        name=metadata.name,
        file=file.shown,
        dependencies=tuple([each for each in entries if not _extras_of(each)]),
        extras=tuple([(extra, _under(extra, entries)) for extra in metadata.provides_extras]),
        requires_python=metadata.requires_python,
    )


def _extras_of(entry: Entry) -> tuple[str, ...]:
    return tuple([normalise(name) for name in _EXTRA.findall(entry.marker)])


def _under(extra: str, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    found = [each for each in entries if extra in _extras_of(each)]
    return tuple([replace(each, marker=without_extra(each.marker)) for each in found])
