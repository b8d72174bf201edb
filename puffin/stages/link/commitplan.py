"""The commit script of a transaction: removal and placement planned together, and the state that follows."""

import os

from puffin.stages.link.placement import Conflict, Source, plan_placement
from puffin.stages.link.removal import plan_removal
from puffin.stages.link.state import Owned, State, encode
from puffin.stages.link.transaction import IN, MKDIR, OUT, STAMP, Script
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from puffin.stages.link.removal import Disk
    from puffin.stages.unzip.manifest import Manifest


@frozen
class Homes:
    """Where the parts of a distribution go: absolute directories. ``purelib`` and ``platlib`` are often one."""

    root: str
    purelib: str
    platlib: str
    scripts: str
    data: str
    headers: str

    def site(self, purelib: bool) -> str:
        """Return the site-packages of a wheel, by its Root-Is-Purelib."""
        return self.purelib if purelib else self.platlib

    @property
    def roots(self) -> "tuple[str, ...]":
        """The directories that are never themselves moved."""
        return (self.root, self.purelib, self.platlib, self.scripts, self.data, self.headers)


@frozen
class Addition:
    """A staged distribution."""

    staged: str
    archive: str
    direct_url: str
    manifest: "Manifest"


@frozen
class Change:
    """All that a commit needs to know. ``removed`` and ``kept`` map names to their absolute files.

    ``kept`` is a function because it is seldom needed and reads every RECORD; ``stay`` are the
    distributions that remain, ``former`` the state before. ``stamp`` is in ns since the epoch.
    """

    homes: Homes
    additions: "tuple[Addition, ...]"
    removed: "Mapping[str, Sequence[str]]"
    kept: "Callable[[], Mapping[str, Sequence[str]]]"
    stay: "tuple[Owned, ...]"
    former: "State | None"
    boot: str
    seed: bool
    stamp: int


def plan_commit(change: Change, disk: "Disk", trash: "Callable[[], str]") -> "tuple[Script, tuple[Conflict, ...]]":
    """Return the script of *change* and the path conflicts in it.

    Raises what planning removal and placement raises, before anything is touched.
    """
    kept = _Kept(change.kept)
    gone = [path for files in change.removed.values() for path in files]
    staying = kept.paths() if gone and change.stay else frozenset()
    going = plan_removal(gone, staying, change.homes.roots, disk)
    placement = plan_placement(
        _sources(change, disk), going=frozenset(going), owner_of=kept.owner, disk=disk
    )
    outs = [*going, *placement.replaced]
    touched = {*map(os.path.dirname, outs), *(os.path.dirname(path) for _, path in placement.moves), *placement.touched}
    stamps, restamped = _stamps(change, outs, touched)
    steps = (
        *[(OUT, path, trash()) for path in outs],
        *[(MKDIR, path, "") for path in placement.made],
        *[(IN, staged, path) for staged, path in placement.moves],
        *[(STAMP, directory, "") for directory in restamped],
    )
    state = State(
        boot=change.boot,
        site=os.path.relpath(change.homes.purelib, change.homes.root),
        seed=change.seed,
        distributions=tuple(sorted((*change.stay, *map(_owned, change.additions)), key=lambda each: each.name)),
        stamps=stamps,
        conflicts=_conflicts(change, placement.conflicts),
    )
    return Script(steps=steps, state=encode(state), stamp=change.stamp), placement.conflicts


class _Kept:
    """The files of the distributions that stay, read once and only when asked for."""

    def __init__(self, read: "Callable[[], Mapping[str, Sequence[str]]]") -> None:
        self._read = read
        self._owners: dict[str, str] | None = None

    def _load(self) -> dict[str, str]:
        if self._owners is None:
            files = self._read()
            self._owners = {path: name for name in sorted(files, reverse=True) for path in files[name]}
        return self._owners

    def paths(self) -> frozenset[str]:
        return frozenset(self._load())

    def owner(self, path: str) -> str:
        return self._load().get(path, "")


def _sources(change: Change, disk: "Disk") -> "list[Source]":
    sources = []
    homes = change.homes
    for each in change.additions:
        manifest = each.manifest
        site = Source(
            name=manifest.name,
            staged=f"{each.staged}/site",
            home=homes.site(manifest.purelib),
            tops=manifest.tops,
            manifest=manifest,
        )
        sources.append(site)
        for part, home in (("scripts", homes.scripts), ("data", homes.data), ("headers", homes.headers)):
            staged = f"{each.staged}/{part}"
            if part == "scripts" and not (manifest.entry_points or manifest.scripts):
                continue
            if part != "scripts" and not any(row[0] == part for row in manifest.outside):
                continue
            tops = tuple((name, disk.is_directory(f"{staged}/{name}")) for name in sorted(disk.names(staged)))
            sources.append(Source(name=manifest.name, staged=staged, home=home, tops=tops, manifest=None))
    return sources


def _owned(addition: Addition) -> Owned:
    manifest = addition.manifest
    return Owned(
        name=manifest.name,
        version=manifest.version,
        dist_info=manifest.dist_info,
        archive=addition.archive,
        direct_url=addition.direct_url,
        tops=tuple(name for name, _ in manifest.tops),
    )


def _stamps(
    change: Change, outs: "Iterable[str]", touched: "set[str]"
) -> "tuple[tuple[tuple[int, tuple[str, ...]], ...], list[str]]":
    """Return the stamps of the new state and the directories to stamp in the commit."""
    site = change.homes.purelib
    fresh = {directory for each in change.additions for directory in _directories(each, change.homes)}
    former = change.former.stamps if change.former else ()
    gone = tuple(f"{os.path.relpath(path, site)}/" for path in outs)
    inside = {os.path.relpath(path, site) for path in touched if _is_tracked(path, change.homes)}
    kept: list[tuple[int, tuple[str, ...]]] = []
    for stamp, directories in former:
        staying = [each for each in directories if each not in fresh and not (gone and f"{each}/".startswith(gone))]
        unmoved = tuple(each for each in staying if each not in inside)
        inside.update(each for each in staying if each in inside)
        if unmoved:
            kept.append((stamp, unmoved))
    known = {each for _, directories in former for each in directories}
    restamped = sorted(each for each in inside if each in known or each in fresh or each == ".")
    return (
        (*kept, (change.stamp, tuple(sorted(fresh.union(restamped))))),
        [os.path.normpath(f"{site}/{each}") for each in restamped],
    )


def _is_tracked(path: str, homes: Homes) -> bool:
    return path != homes.root


def _directories(addition: Addition, homes: Homes) -> "Iterable[str]":
    manifest = addition.manifest
    site = homes.site(manifest.purelib)
    base = "" if site == homes.purelib else os.path.relpath(site, homes.purelib) + "/"
    for row in manifest.tree:
        if row[0]:
            yield base + row[0]
    if manifest.entry_points or manifest.scripts:
        yield os.path.relpath(homes.scripts, homes.purelib)
    up = os.path.relpath(homes.data, homes.purelib)
    headers = os.path.relpath(homes.headers, homes.purelib)
    for key, directory, *_ in manifest.outside:
        if key == "data" and directory:
            yield f"{up}/{directory}"
        elif key == "headers":
            yield f"{headers}/{manifest.raw_name}/{directory}".rstrip("/")


def _conflicts(change: Change, fresh: "Sequence[Conflict]") -> "tuple[tuple[str, str, tuple[str, ...]], ...]":
    site = change.homes.purelib
    names = {each.name for each in change.stay} | {each.manifest.name for each in change.additions}
    former = change.former.conflicts if change.former else ()
    known = {
        path: (path, winner, tuple(name for name in losers if name in names))
        for path, winner, losers in former
        if winner in names and any(name in names for name in losers)
    }
    for conflict in fresh:
        path = os.path.relpath(conflict.path, site)
        known[path] = (path, conflict.winner, conflict.losers)
    return tuple(known[path] for path in sorted(known))
