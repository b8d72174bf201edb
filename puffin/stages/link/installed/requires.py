"""The requirements of installed distributions, by their own metadata.

https://packaging.python.org/en/latest/specifications/core-metadata/ and, for eggs whose PKG-INFO says nothing,
setuptools' ``requires.txt``.
"""

import os

from puffin.artifact.metadata_head import field_values, first_value, read_head
from puffin.cache.reading import read_text
from puffin.names import normalise
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.installed import scan as site_scan
from puffin.stages.link.installed.inherited import visible
from puffin.value import frozen

_FIELDS = frozenset(("name", "version", "requires-dist", "requires-python", "provides-extra"))
_EGGS = (site_scan.EGG_INFO, site_scan.EGG_LINK, site_scan.EGG)


@frozen
class Requires:
    """What one installed distribution says it needs; texts are as its metadata has them.

    ``name`` and ``provides_extras`` are normalised (PEP 503, PEP 685). ``path`` is its entry in site-packages.
    """

    name: str
    raw_name: str
    version: str
    requires_dist: tuple[str, ...] = ()
    provides_extras: tuple[str, ...] = ()
    requires_python: str = ""
    path: str = ""


def read_requires(environment: Environment) -> tuple[Requires, ...]:
    """Return the requirements of all distributions of *environment*, sorted by name, version and path.

    Those that are there twice are returned twice; metadata that cannot be read requires nothing. What it sees of the
    installation it was made from is among them.
    """
    found = [
        _read(f"{site}/{entry}", name, version, kind)
        for site, (name, version, entry, kind), _ in visible(environment)
    ]
    return tuple(sorted(found, key=lambda each: (each.name, each.version, each.path)))


def egg_requires(text: str) -> tuple[str, ...]:
    """Return the lines of a ``requires.txt`` as requirements: a section ``[extra:marker]`` becomes their marker."""
    found = []
    marker = ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            marker = _section_marker(line[1:-1])
        elif line and not line.startswith("#"):
            found.append(f"{line} ; {marker}" if marker else line)
    return tuple(found)


def _section_marker(section: str) -> str:
    extra, _, condition = section.partition(":")
    parts = [f"({condition.strip()})"] if condition.strip() else []
    parts += [f'extra == "{extra.strip()}"'] if extra.strip() else []
    return " and ".join(parts)


def _read(path: str, name: str, version: str, kind: str) -> Requires:
    place = site_scan.metadata_path(path, kind)
    fields = field_values(read_head(place), _FIELDS)
    requires = tuple(fields.get("requires-dist", ()))
    if not requires and kind in _EGGS:
        requires = egg_requires(read_text(os.path.join(os.path.dirname(place), "requires.txt")))
    return Requires(
        name=name,
        raw_name=first_value(fields, "name") or name,
        version=version or first_value(fields, "version"),
        requires_dist=requires,
        provides_extras=tuple(dict.fromkeys(normalise(each) for each in fields.get("provides-extra", ()))),
        requires_python=first_value(fields, "requires-python"),
        path=path,
    )
