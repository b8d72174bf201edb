"""From a resolution to the packages of the output: hashes, files, and what requires them."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from puffin import depends, patterns
from puffin.artifact.urls import (
    file_path,
    inherit_credentials,
    is_file_url,
    strip_credentials,
    strip_secrets,
    with_subdirectory,
)
from puffin.stages.fetch.git.url import is_repository, parse_git_url, subdirectory
from puffin.stages.resolve.index.config import FilePolicy
from puffin.stages.resolve.index.page import FileLink, IndexFile, is_wheel
from puffin.stages.resolve.locate.tags import priorities, rank
from puffin.stages.resolve.output.values import DirectReference, Listed, OutputFile
from puffin.stages.resolve.projects.sources import Sources
from puffin.stages.resolve.requirements.markers import Conditions, without_extra
from puffin.stages.resolve.requirements.place import looks_like_archive
from puffin.stages.resolve.requirements.texts import written_marker
from puffin.stages.resolve.requirements.values import Entry
from puffin.stages.resolve.solve.request import (
    Parent,
    Preference,
    Resolution,
    Resolved,
    cutoff_of,
    exclude_newer_for,
    timestamp,
)
from puffin.stages.resolve.solve.universe import Place
from puffin.stages.resolve.universe.values import Chosen
from puffin.value import frozen, replace

_ALGORITHMS = ("sha256", "sha512", "sha384", "blake2b")

Sieve = Callable[["Iterable[FileLink]", str], "Iterable[FileLink]"]


@frozen
class Gathering:
    """What to gather for the output, and where it is from.

    ``hashed`` and ``locked`` tell whether hashes and files are wanted. ``marks`` are the markers of packages, in their
    order. ``conditions`` tell which requirements apply, ``sieve`` which files fit where a marker holds. ``files_of``
    returns every file of a version; ``sha256`` digest and size of the file at a URL. ``kept`` are the pins of the
    earlier output. ``exclude_newer`` is as in ``exclude_newer_for``.
    """

    sources: Sources
    conditions: Conditions
    tags: tuple[str, ...]
    policy: FilePolicy
    cwd: str
    files_of: "Callable[[Chosen], Sequence[IndexFile]]"
    sha256: "Callable[[str], tuple[str, int]]"
    hashed: bool = False
    locked: bool = False
    marks: tuple[str, ...] = ()
    sieve: "Sieve | None" = None
    kept: tuple[Preference, ...] = ()
    exclude_newer: str = ""


def gather(resolution: Resolution, gathering: Gathering) -> tuple[Listed, ...]:
    """Return the packages of the output. Raises what reading their files raises."""
    gatherer = _Gatherer(resolution, gathering)
    marks = gathering.marks or ("",) * len(resolution.packages)
    return tuple(
        [gatherer.listed(package, marker) for package, marker in zip(resolution.packages, marks, strict=True)]
    )


class _Gatherer:
    def __init__(self, resolution: Resolution, gathering: Gathering) -> None:
        self._gathering = gathering
        self._labels = dict(gathering.sources.labels)
        self._ranks = priorities(gathering.tags)
        self._kept = {(each.name, each.version): each.hashes for each in gathering.kept}
        self._named = _by_name(gathering.sources, gathering.conditions)

    def listed(self, package: Resolved, marker: str) -> Listed:
        gathering = self._gathering
        wanted = gathering.hashed or gathering.locked
        sources = gathering.sources
        entries = (*sources.requirements.entries, *sources.overrides, *sources.reached)
        direct = direct_of(package, entries, cwd=gathering.cwd, sha256=gathering.sha256 if wanted else None)
        links = self._links(package) if wanted else []
        return Listed(
            name=package.name,
            version=package.version,
            extras=package.extras,
            marker=marker,
            direct=direct,
            hashes=self._hashes(package, direct.hashes if direct else (), links) if gathering.hashed else (),
            files=tuple([self._file(link) for link in self._installable(package, marker, links)])
            if gathering.locked
            else (),
            parents=tuple(sorted({parent.name for parent in package.via if parent.name})),
            origins=self._origins(package),
            index=strip_secrets(package.index).rstrip("/") if gathering.locked else package.index.rstrip("/"),
            requires_python=package.handle.install.link.requires_python
            if isinstance(package.handle, Chosen)
            else "",
        )

    def _origins(self, package: Resolved) -> tuple[str, ...]:
        keys = [(parent.origin, name) for parent in package.via if parent.origin for name in (package.name, "")]
        keys += [(entry.origin, entry.name) for entry in self._named.get(package.name, ())]
        return tuple(dict.fromkeys([label for key in keys for label in self._labels.get(key, ())]))

    def _links(self, package: Resolved) -> list[FileLink]:
        if not isinstance(package.handle, Chosen):
            return []
        links = [_with_credentials(candidate) for candidate in self._gathering.files_of(package.handle)]
        cutoff = cutoff_of(exclude_newer_for(self._gathering.exclude_newer, package.name))
        return [link for link in links if not cutoff or timestamp(link.upload_time) < cutoff]

    def _hashes(self, package: Resolved, own: tuple[str, ...], links: Iterable[FileLink]) -> tuple[str, ...]:
        kept = self._kept.get((package.name, package.version), ())
        return own or kept or tuple([digest for link in links for digest in self._digests(link)[:1]])

    def _digests(self, link: FileLink) -> tuple[str, ...]:
        """Return the hashes of a file, the best first; where nobody tells a good one it is computed."""
        known = dict(each.split(":", 1) for each in link.hashes)
        found = [f"{algorithm}:{known[algorithm]}" for algorithm in _ALGORITHMS if algorithm in known]
        return tuple(found) or (f"sha256:{self._gathering.sha256(link.url)[0]}",)

    def _file(self, link: FileLink) -> OutputFile:
        return OutputFile(
            filename=link.filename,
            url=strip_credentials(link.url),
            hashes=self._digests(link),
            size=link.size,
            upload_time=link.upload_time,
        )

    def _installable(self, package: Resolved, marker: str, links: "Sequence[FileLink]") -> "Iterable[FileLink]":
        """Return the files that a lock may list: of wheels those for environments that need the package."""
        fitting = [link for link in links if self._is_installable(package, link)]
        sieve = self._gathering.sieve
        return fitting if sieve is None else sieve(fitting, marker)

    def _is_installable(self, package: Resolved, link: FileLink) -> bool:
        """Tell whether a lock may list a file; a yanked one only where all of the version are."""
        policy = self._gathering.policy
        if link.yanked is not None and package.yanked is None:
            return False
        if not is_wheel(link.filename):
            return policy.sdists(package.name)
        return policy.wheels(package.name) and rank(link.filename, self._ranks) is not None


def _with_credentials(candidate: IndexFile) -> FileLink:
    """Return the link of a file as it can be fetched; what is written of it is stripped of credentials again."""
    return replace(candidate.link, url=inherit_credentials(candidate.link.url, candidate.place))


def _by_name(sources: Sources, markers: Conditions) -> Mapping[str, list[Entry]]:
    """Return all entries that hold, by the names of their packages.

    A resolution knows neither of constraints nor of the requirements that overrides replace.
    """
    requirements = sources.requirements
    found: dict[str, list[Entry]] = {}
    for entry in (*requirements.entries, *requirements.constraints, *sources.overrides):
        if entry.name and markers.hold_at(entry.marker, entry.origin):
            found.setdefault(entry.name, []).append(entry)
    return found


_NAME = r"[A-Za-z0-9][\w.\-]*\s*(?:\[[^\]]*\]\s*)?@\s*"
_REST = r"(?s)\s*;\s.*|\s+;.*|\s+--hash.*"
_EXTRAS = r"\s*\[[^\]]*\]$"
_MOST = 8  # alternatives; what has more of them is needed almost everywhere, and is written without a marker

_Alternatives = frozenset[frozenset[str]]
_ALWAYS: _Alternatives = frozenset((frozenset(),))


def direct_of(
    package: Resolved, entries: Iterable[Entry], *, cwd: str, sha256: "Callable[[str], tuple[str, int]] | None"
) -> DirectReference | None:
    """Return the direct reference of *package*, None if it is from an index.

    *entries* are the requirements as they were written. *sha256* returns the digest and the size in bytes of the file
    at a URL with credentials; it is called for archives without a hash, and is None if no hash is needed.
    """
    handle = package.handle
    url = handle.url if isinstance(handle, Place) else package.url
    if not url:
        return None
    address, _, fragment = url.partition("#")
    if is_repository(address):
        return _repository(package, url)
    local = is_file_url(address)
    path = file_path(address) if local else ""
    archive = not local or (looks_like_archive(path) and not depends.is_directory(path))
    hashes, size = _hashed(package, address, sha256) if archive else ((), 0)
    written = _as_written(package, entries) if local else ""
    bare = bool(written) and not is_file_url(written)
    shown = _path(written, path, cwd) if bare else strip_credentials(url)
    if bare and not package.editable and "/" not in shown and shown[0] not in ".~":
        shown = f"./{shown}"  # else it would be the name of a package
    if bare:
        shown = with_subdirectory(shown, subdirectory(fragment))
    return DirectReference(
        written=_with_hashes(shown, hashes) if sha256 is None else shown,
        url=strip_credentials(address),
        kind="archive" if archive else "directory",
        bare=bare,
        editable=package.editable,
        subdirectory=subdirectory(fragment),
        hashes=hashes,
        size=size,
    )


def _with_hashes(location: str, hashes: Iterable[str]) -> str:
    """Return a location with the hashes that were demanded of it in its fragment, where no ``--hash`` says them."""
    parts = "&".join([each.replace(":", "=", 1) for each in hashes])
    return f"{location}{'&' if '#' in location else '#'}{parts}" if parts else location


def _path(written: str, path: str, cwd: str) -> str:
    """Return a path as it was written, if it means the same from *cwd*; else relative to *cwd*."""
    if os.path.isabs(written) or os.path.normpath(os.path.join(cwd, written)) == os.path.normpath(path):
        return written
    relative = os.path.relpath(path, cwd).replace(os.sep, "/")
    return relative if relative.startswith(".") else f"./{relative}"


def _repository(package: Resolved, url: str) -> DirectReference:
    found = parse_git_url(url)
    asked = parse_git_url(package.url).ref if package.url else found.ref
    return DirectReference(
        written=strip_credentials(url),
        url=strip_credentials(found.repository),
        kind="git",
        editable=package.editable,
        subdirectory=found.subdirectory,
        commit=found.ref,
        revision=asked if asked != found.ref else "",
    )


def _hashed(
    package: Resolved, address: str, sha256: "Callable[[str], tuple[str, int]] | None"
) -> tuple[tuple[str, ...], int]:
    handle = package.handle
    known = package.hashes or (handle.hashes if isinstance(handle, Place) else ())
    if known or sha256 is None:
        return known, 0
    digest, size = sha256(address)
    return (f"sha256:{digest}",), size


def _as_written(package: Resolved, entries: Iterable[Entry]) -> str:
    """Return the location in the requirement that names the package's URL, as the user wrote it; or nothing."""
    text = next((entry.text for entry in entries if entry.url == package.url), "")
    location = patterns.sub(_REST, "", text.removeprefix("-e ").strip())
    location = patterns.sub(_NAME, "", location, count=1) if patterns.match(_NAME, location) else location
    location = patterns.sub(_EXTRAS, "", location).partition("#")[0]
    return "" if "${" in location else location


def markers_of(packages: Sequence[Resolved]) -> tuple[str, ...]:
    """Return the marker of each package, empty for those without any condition."""
    parents = {package.name: package.via for package in packages}
    known: dict[str, _Alternatives] = dict.fromkeys(parents, frozenset())
    changed = True
    while changed:
        changed = False
        for name, via in parents.items():
            found = _simplest(known[name].union(*[_through(parent, known) for parent in via]))
            if found != known[name]:
                known[name] = found
                changed = True
    return tuple([_text(known[each.name]) for each in packages])


def _through(parent: Parent, known: Mapping[str, _Alternatives]) -> _Alternatives:
    above = known.get(parent.name, _ALWAYS) if parent.name else _ALWAYS
    own = without_extra(parent.marker)
    return frozenset(each | {own} for each in above) if own else above


def _simplest(conditions: _Alternatives) -> _Alternatives:
    """Return the conditions that no other condition includes."""
    kept = frozenset(each for each in conditions if not any(other < each for other in conditions))
    return _ALWAYS if len(kept) > _MOST else kept


def _text(conditions: _Alternatives) -> str:
    if not conditions or conditions == _ALWAYS:
        return ""
    alternatives = [" and ".join(f"({each})" for each in sorted(condition)) for condition in conditions]
    return written_marker(" or ".join(f"({each})" for each in sorted(alternatives)))
