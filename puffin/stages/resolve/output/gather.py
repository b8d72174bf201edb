"""From a resolution to the packages of the output: hashes, files, and what requires them."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from puffin.artifact.urls import inherit_credentials, strip_credentials
from puffin.stages.resolve.index.page import FileLink, is_wheel
from puffin.stages.resolve.locate.file_choice import IndexFile, timestamp
from puffin.stages.resolve.locate.tags import priorities, rank
from puffin.stages.resolve.output.direct import direct_of, markers_of
from puffin.stages.resolve.output.values import Listed, OutputFile
from puffin.stages.resolve.projects.sources import Sources
from puffin.stages.resolve.requirements.markers import Markers
from puffin.stages.resolve.requirements.values import Entry
from puffin.stages.resolve.solve.request import FilePolicy, Preference, Resolution, Resolved
from puffin.stages.resolve.universe.values import Chosen
from puffin.value import frozen, replace

_ALGORITHMS = ("sha256", "sha512", "sha384", "blake2b")


@frozen
class Gathering:
    """What to gather for the output, and where it is from.

    ``hashed`` and ``locked`` tell whether hashes, and whether files, are wanted. ``files_of`` returns every
    file of a version; ``sha256`` digest and size of the file at a URL. ``kept`` are the pins of the earlier
    output. ``cutoff`` is in seconds since the epoch, 0 for none.
    """

    sources: Sources
    markers: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]
    policy: FilePolicy
    cwd: str
    files_of: "Callable[[Chosen], Sequence[IndexFile]]"
    sha256: "Callable[[str], tuple[str, int]]"
    hashed: bool = False
    locked: bool = False
    kept: tuple[Preference, ...] = ()
    cutoff: float = 0.0


def gather(resolution: Resolution, gathering: Gathering) -> tuple[Listed, ...]:
    """Return the packages of the output. Raises what reading their files raises."""
    gatherer = _Gatherer(resolution, gathering)
    return tuple([gatherer.listed(package) for package in resolution.packages])


class _Gatherer:
    def __init__(self, resolution: Resolution, gathering: Gathering) -> None:
        self._gathering = gathering
        self._labels = dict(gathering.sources.labels)
        self._markers = markers_of(resolution.packages)
        self._ranks = priorities(gathering.tags)
        self._kept = {(each.name, each.version): each.hashes for each in gathering.kept}
        self._named = _by_name(gathering.sources, Markers(dict(gathering.markers)))

    def listed(self, package: Resolved) -> Listed:
        """Return one package."""
        gathering = self._gathering
        wanted = gathering.hashed or gathering.locked
        entries = gathering.sources.requirements.entries
        direct = direct_of(package, entries, cwd=gathering.cwd, sha256=gathering.sha256 if wanted else None)
        links = self._links(package) if wanted else []
        return Listed(
            name=package.name,
            version=package.version,
            extras=package.extras,
            marker=self._markers.get(package.name, ""),
            direct=direct,
            hashes=self._hashes(package, direct.hashes if direct else (), links) if gathering.hashed else (),
            files=tuple([self._file(link) for link in links if self._is_installable(package, link)])
            if gathering.locked
            else (),
            parents=tuple(sorted({parent.name for parent in package.via if parent.name})),
            origins=self._origins(package),
            index=strip_credentials(package.index).rstrip("/")
            if gathering.locked
            else package.index.rstrip("/"),
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
        cutoff = self._gathering.cutoff
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


def _by_name(sources: Sources, markers: Markers) -> Mapping[str, list[Entry]]:
    """Return all entries that hold, by the names of their packages.

    A resolution knows neither of constraints nor of the requirements that overrides replace.
    """
    requirements = sources.requirements
    found: dict[str, list[Entry]] = {}
    for entry in (*requirements.entries, *requirements.constraints, *sources.overrides):
        if entry.name and markers.hold(entry.marker, entry.origin):
            found.setdefault(entry.name, []).append(entry)
    return found
