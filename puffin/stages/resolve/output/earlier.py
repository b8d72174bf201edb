"""The pins and hashes of an existing output file, which a new resolution prefers."""

from collections.abc import Callable, Iterable, Mapping

from puffin import patterns
from puffin.errors import PuffinError, UsageError
from puffin.names import normalise
from puffin.stages.resolve.metadata.toml import InvalidProject, decode_text, parse_toml
from puffin.stages.resolve.requirements.errors import RequirementsFileNotFound
from puffin.stages.resolve.requirements.file import absolute_path, read_requirements
from puffin.stages.resolve.requirements.plain import is_lock
from puffin.stages.resolve.requirements.texts import marker_of, requirement_parts
from puffin.stages.resolve.requirements.values import Entry
from puffin.stages.resolve.solve.request import Preference
from puffin.types import Any
from puffin.value import frozen

_SELECTED = r"""["'][^"']+["'] in (?:extras|dependency_groups)\b"""
_TRUE = "python_version >= '0'"


@frozen
class Upgrades:
    """The packages (normalised names) that may leave their pins, or everything; ``limits`` are of ``-P name==v``."""

    everything: bool = False
    names: frozenset[str] = frozenset()
    limits: tuple[Entry, ...] = ()

    def keeps(self, name: str) -> bool:
        return not self.everything and name not in self.names


def read_upgrades(everything: bool, packages: Iterable[str]) -> Upgrades:
    """Return the upgrades of ``-U`` and ``-P``. Raises :class:`UsageError` for text that is not a requirement."""
    names, limits = set(), []
    for text in packages:
        try:
            name, _, specifier, marker, _ = requirement_parts(text)
        except ValueError:
            raise UsageError(
                text=f"`{text}` is not a package that `--upgrade-package` can upgrade",
                hints=("write `--upgrade-package name`, or `--upgrade-package name==version`",),
            ) from None
        names.add(name)
        if specifier:
            limit = Entry(name=name, text=text, specifier=specifier, marker=marker, file="--upgrade-package")
            limits.append(limit)
    return Upgrades(everything=everything, names=frozenset(names), limits=tuple(limits))


def read_preferences(
    path: str, *, read: Callable[[str], bytes], environ: Mapping[str, str]
) -> tuple[Preference, ...]:
    """Return the pins of an output file of an earlier run, none if there is no such file.

    Raises what reading it raises: a file that is none must not be overwritten.
    """
    try:
        data = read(absolute_path(path))
    except RequirementsFileNotFound:
        return ()
    if is_lock(path):
        return _locked(data, path)
    try:
        requirements = read_requirements([path], read=read, environ=environ)
    except PuffinError as error:
        hints = (*error.hints, f"`{path}` is to be the output: choose another file, or remove it")
        error.hints = hints
        raise
    return tuple([each for entry in requirements.entries if (each := _pinned(entry)) is not None])


def _pinned(entry: Entry) -> Preference | None:
    operator = "===" if entry.specifier.startswith("===") else "=="
    version = entry.specifier.removeprefix(operator).strip()
    plain = entry.specifier.startswith(operator) and "," not in version and not version.endswith(".*")
    if not (entry.name and plain):
        return None
    return Preference(name=entry.name, version=version, hashes=entry.hashes, marker=entry.marker)


def _marker(package: "Mapping[str, Any]") -> str:
    """Return the marker of a package in a lock file; all extras and groups count as selected."""
    marker = package.get("marker")
    if not isinstance(marker, str):
        return ""
    selected = patterns.sub(_SELECTED, _TRUE, marker)
    try:
        marker_of(selected)
    except (ValueError, RecursionError):
        return ""  # a version that is no more than preferred may be preferred everywhere
    return selected


def _locked(data: bytes, path: str) -> tuple[Preference, ...]:
    values = parse_toml(decode_text(data, path), path).values
    packages = values.get("packages", values.get("package", []))
    if not isinstance(packages, list) or not all(isinstance(each, Mapping) for each in packages):
        raise InvalidProject(file=path, problem="`packages` is not an array of tables")
    return tuple(
        Preference(name=normalise(each["name"]), version=each["version"], marker=_marker(each))
        for each in packages
        if isinstance(each.get("name"), str) and isinstance(each.get("version"), str)
    )
