"""Names of packages for requirements without a name, if they are known without a build."""

import os
from collections.abc import Iterable

from puffin import depends
from puffin.artifact.tree import pyproject_of
from puffin.artifact.urls import mask
from puffin.errors import PuffinError
from puffin.names import normalise, parsed_version
from puffin.stages.fetch.git.url import NoSubdirectory, inner_directory, subdirectory
from puffin.stages.resolve.index.config import is_local, local_path
from puffin.stages.resolve.index.page import is_archive, is_wheel, splits
from puffin.stages.resolve.locate.errors import LocateFailed, NameUnknown
from puffin.stages.resolve.requirements.values import Entry, Pin, Requirements
from puffin.value import replace


def name_requirements(requirements: Requirements) -> Requirements:
    """Return *requirements* with the names that local directories and file names of archives have."""
    if all(entry.name for entry in requirements.entries):
        return requirements
    entries = [
        entry if entry.name else replace(entry, name=stated_name(entry)) for entry in requirements.entries
    ]
    return replace(requirements, entries=tuple(entries))


def check_names(pins: "Iterable[Pin]") -> None:
    """Raise ``LocateFailed`` with a :class:`NameUnknown` for each pin whose name only a build would tell."""
    pins = tuple(pins)
    unknown = [pin for pin in pins if not pin.name]
    if not unknown:
        return
    causes = tuple([_unknown(pin) for pin in unknown])
    raise LocateFailed(count=len(unknown), total=len(pins), causes=causes)


def stated_name(entry: Entry) -> str:
    """Return the normalised name of the package at the URL of *entry*, empty if a build or a download is needed."""
    address, _, fragment = entry.url.partition("#")
    if "+" in address.partition(":")[0]:
        return ""
    if not is_local(address):
        return _of_archive(address.partition("?")[0].rpartition("/")[2])
    path = local_path(address)
    if depends.is_directory(path):
        project = os.path.join(path, subdirectory(fragment))
        return _stated_in_pyproject(project) or _stated_in_setup_cfg(project)
    return _of_archive(os.path.basename(path))


def _of_archive(filename: str) -> str:
    """Return the name in ``name-version.tar.gz``, where the last dash surely parts the two (PEP 625)."""
    if not is_archive(filename) or is_wheel(filename):
        return ""
    known = [(name, version) for name, version in splits(filename) if parsed_version(version) is not None]
    return known[0][0] if len(known) == 1 else ""


def _stated_in_pyproject(path: str) -> str:
    depends.text(os.path.join(path, "pyproject.toml"))
    project = pyproject_of(path).get("project", {})
    name = project.get("name", "") if isinstance(project, dict) else ""
    return normalise(name) if isinstance(name, str) else ""


def _stated_in_setup_cfg(path: str) -> str:
    from configparser import Error, RawConfigParser

    parser = RawConfigParser()
    depends.text(os.path.join(path, "setup.cfg"))
    try:
        parser.read(os.path.join(path, "setup.cfg"), encoding="utf-8")
        return normalise(parser.get("metadata", "name", fallback="").strip())
    except (Error, OSError, ValueError):
        return ""


def _unknown(pin: Pin) -> PuffinError:
    address, _, fragment = pin.url.partition("#")
    inner = subdirectory(fragment)
    if inner and is_local(address) and os.path.isdir(local_path(address)):
        try:
            inner_directory(local_path(address), inner, package=pin.text)
        except NoSubdirectory as error:
            return error
    hint = f"write its name first, for example `name @ {mask(pin.url)}`"
    return NameUnknown(package=pin.text, hints=(hint,))
