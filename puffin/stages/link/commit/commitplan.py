"""The commit script of a transaction: removal and placement planned together, and the state that follows."""

import os

from puffin.stages.bytecode.layer import CACHE
from puffin.stages.link.commit.opening import Preparation
from puffin.stages.link.commit.placement import Conflict, StagedPart, plan_placement
from puffin.stages.link.commit.removal import plan_removal
from puffin.stages.link.commit.state import Owned, State, encode
from puffin.stages.link.commit.steps import IN, MKDIR, OUT, STAMP, SWAP, Script
from puffin.stages.link.staging import directories_of, in_lib
from puffin.stages.unzip.manifest import (
    DIST_INFO,
    ENTRY_POINTS,
    NAME,
    OUTSIDE,
    PURELIB,
    RAW_NAME,
    SCRIPTS,
    TOPS,
    VERSION,
)
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any

    from puffin.stages.link.commit.opening import Opening
    from puffin.stages.link.commit.placement import Behind
    from puffin.stages.link.commit.removal import Disk
    from puffin.stages.link.commit.stamps import Stamp
    from puffin.stages.link.commit.steps import Step
    from puffin.stages.link.sealed import Sealed


@frozen
class Homes:
    """Where the parts of a distribution go: absolute directories. ``purelib`` and ``platlib`` are often one.

    ``lib64`` is as in ``LinkTarget``.
    """

    root: str
    purelib: str
    platlib: str
    scripts: str
    data: str
    headers: str
    lib64: bool = False

    def site(self, purelib: bool) -> str:
        """Return the site-packages of a wheel, by its Root-Is-Purelib."""
        return self.purelib if purelib else self.platlib

    @property
    def roots(self) -> "tuple[str, ...]":
        """The directories that are never themselves moved."""
        return (self.root, self.purelib, self.platlib, self.scripts, self.data, self.headers)


@frozen
class Addition:
    """A staged distribution. ``header`` and ``directories`` are its archive's ``outline``.

    ``source`` is the ``Artifact.source`` it is from. One from a ``sealed`` tree has all these of that.
    ``mode`` is ``tree`` if that was asked for.
    ``bytecode`` is the kind of bytecode that was staged with it, ``layer`` where it is: ``(directory, names)``.
    """

    staged: str
    archive: str
    direct_url: str
    manifest: str
    header: "tuple[Any, ...]"
    directories: "tuple[str, ...]"
    source: str = ""
    bytecode: str = ""
    layer: "tuple[tuple[str, tuple[str, ...]], ...]" = ()
    sealed: "Sealed | None" = None
    mode: str = ""

    @property
    def tops(self) -> "tuple[tuple[str, bool], ...]":
        """The names at the top level of what was staged for site-packages, and whether each is a directory."""
        tops: tuple[tuple[str, bool], ...] = self.header[TOPS]
        extra = (CACHE, True)
        return (*tops, extra) if extra not in tops and any(each[0] == CACHE for each in self.layer) else tops

    @property
    def name(self) -> str:
        """The normalised name."""
        return str(self.header[NAME])

    @property
    def brings_scripts(self) -> bool:
        """Whether there is something for the scripts directory."""
        return bool(self.header[ENTRY_POINTS] or self.header[SCRIPTS])

    @property
    def parts(self) -> "tuple[str, ...]":
        """What was staged beside that for site-packages, of ``scripts``, ``data`` and ``headers``."""
        scripts = ("scripts",) if self.brings_scripts else ()
        if not self.header[OUTSIDE]:
            return scripts
        keys = {row[0] for row in self.header[OUTSIDE]}
        return (*scripts, *[key for key in ("data", "headers") if key in keys])


@frozen
class CommitRequest:
    """All that a commit needs to know. ``removed`` maps names to their absolute files.

    ``kept`` returns such a mapping of the distributions that remain and have one of some paths; ``stay`` are all that
    remain, ``former`` the state before. ``rewritten`` are ``(path, staged)`` of files that are
    replaced, ``""`` for one that goes. ``window`` is from when to when was staged what comes
    in, in ns since the epoch by the clock of the file system. ``behind`` is as in ``plan_placement``.
    """

    homes: Homes
    additions: "tuple[Addition, ...]"
    removed: "Mapping[str, Sequence[str]]"
    kept: "Callable[[Collection[str]], Mapping[str, Sequence[str]]]"
    stay: "tuple[Owned, ...]"
    former: "State | None"
    boot: str
    seed: bool
    window: tuple[int, int]
    rewritten: "tuple[tuple[str, str], ...]" = ()
    behind: "Behind" = lambda _path: None


def plan_commit(
    change: CommitRequest, disk: "Disk", trash: "Callable[[], str]"
) -> "tuple[Script, tuple[Conflict, ...], Preparation]":
    """Return the script of *change*, the path conflicts in it, and what is to be prepared before it.

    Raises what planning removal and placement raises, before anything is touched.
    """
    gone = [path for files in change.removed.values() for path in files]
    kept = change.kept(frozenset(gone)) if gone and change.stay else {}
    staying = frozenset([path for files in kept.values() for path in files])
    going = plan_removal(gone, staying, change.homes.roots, disk)
    sources = _sources(change, disk)
    placement = plan_placement(
        sources,
        going=frozenset(going),
        owner_of=lambda path: _owner(change, path),
        disk=disk,
        behind=change.behind,
    )
    records = _records(change, placement.openings)
    rewritten = [*change.rewritten, *[(former, new) for former, new, _ in records if former != new]]
    old = [path for path, _ in rewritten]
    outs = list(dict.fromkeys((*going, *placement.replaced, *_byte_code(placement.replaced, disk), *old)))
    leaving = frozenset(outs)
    made = [path for path in placement.made if path not in leaving or not disk.is_directory(path)]
    moves = [*placement.moves, *[(staged, path) for path, staged in rewritten if staged]]
    outs = [each for path in outs for each in _opened(path, frozenset(placement.made), disk)]
    touched = {*map(os.path.dirname, outs), *placement.touched}
    stamps, restamped = _stamps(change, placement.openings, outs, touched)
    steps = (*_ordered(moves, made, outs, trash), *[(STAMP, directory, "") for directory in restamped])
    state = State(
        boot=change.boot,
        site=os.path.relpath(change.homes.purelib, change.homes.root),
        seed=change.seed,
        distributions=tuple(sorted((*change.stay, *_owned(change, sources)), key=lambda each: each.name)),
        stamps=stamps,
        conflicts=_conflicts(change, placement.conflicts),
    )
    preparation = Preparation(
        openings=placement.openings, building=placement.building, records=records, stamp=change.window[0]
    )
    return Script(steps=steps, state=encode(state), stamp=change.window[0]), placement.conflicts, preparation


def _records(
    change: CommitRequest, openings: "Iterable[Opening]"
) -> "tuple[tuple[str, str, tuple[Opening, ...]], ...]":
    """Return the RECORDs that *openings* change, where they will be, and the openings."""
    found: dict[str, list[Opening]] = {}
    for each in openings:
        found.setdefault(each.staged, []).append(each)
    coming = frozenset([each.staged for each in change.additions])
    rows = []
    for staged, own in found.items():
        header = own[0].sealed.header
        inner = f"{header[DIST_INFO]}/RECORD"
        former = f"{staged if staged in coming else change.homes.site(header[PURELIB])}/{inner}"
        rows.append((former, former if staged in coming else f"{staged}+record", tuple(own)))
    return tuple(rows)


def _opened(path: str, made: "frozenset[str]", disk: "Disk") -> "list[str]":
    """Return what goes instead of *path*: all that is in it, where the new state has a directory there too."""
    if path not in made or not disk.is_directory(path):
        return [path]
    return [each for name in sorted(disk.names(path)) for each in _opened(f"{path}/{name}", made, disk)]


def _ordered(
    moves: "Sequence[tuple[str, str]]", made: "Sequence[str]", outs: "Sequence[str]", trash: "Callable[[], str]"
) -> "list[Step]":
    """Return the steps in the order in which every package can be imported, old or new, after each of them.

    What is new comes in, then what has another of its name is exchanged, then what is left goes; in each of these
    what tells of a distribution is last. Names that differ in case alone may be one name to the file system: then
    the old one has to go first, and so it has where it is not a directory but the new one is.
    """
    names = {path.casefold(): path for path in (*made, *[path for _, path in moves])}
    first = frozenset([path for path in outs if names.get(path.casefold(), path) != path or path in made])
    gone = frozenset(outs) - first
    swapped = frozenset([path for _, path in moves if path in gone])
    coming = sorted(moves, key=lambda move: (_tells(move[1]), move[1] in swapped))
    leaving = sorted(
        [path for path in outs if path not in swapped], key=lambda path: (path not in first, _tells(path))
    )
    early = sum(path in first for path in leaving)
    return [
        *[(OUT, path, trash()) for path in leaving[:early]],
        *[(MKDIR, path, "") for path in made],
        *[(SWAP if path in swapped else IN, staged, path) for staged, path in coming],
        *[(OUT, path, trash()) for path in leaving[early:]],
    ]


def _tells(path: str) -> bool:
    return path.endswith((".dist-info", ".egg-info"))


def _byte_code(replaced: "Sequence[str]", disk: "Disk") -> "list[str]":
    """Return the byte code of modules that others take the place of: with size and time alike, it would be run."""
    found = []
    for path in replaced:
        directory, _, name = path.rpartition("/")
        stem, dot, suffix = name.rpartition(".")
        if suffix == "py" and dot:
            cache = f"{directory}/__pycache__"
            found += [f"{cache}/{each}" for each in sorted(disk.names(cache)) if each.startswith(f"{stem}.")]
    return found


def _owner(change: CommitRequest, path: str) -> str:
    """Return who owns a file among the distributions that stay: of several, the one whose name sorts first."""
    return min([name for name, files in change.kept((path,)).items() if path in files], default="")


def _sources(change: CommitRequest, disk: "Disk") -> "list[StagedPart]":
    sources = []
    homes = change.homes
    for each in change.additions:
        site = homes.site(each.header[PURELIB])
        sources.append(
            StagedPart(
                name=each.name,
                staged=each.staged,
                home=site,
                tops=each.tops,
                manifest=each.manifest,
                bytecode=each.layer,
                sealed=each.sealed,
            )
        )
        for part in each.parts:
            staged = f"{each.staged}+{part}"
            flat = part == "scripts" and not directories_of(each.header[SCRIPTS])
            tops = tuple(
                [
                    (name, not flat and disk.is_directory(f"{staged}/{name}"))
                    for name in sorted(disk.names(staged))
                ]
            )
            sources.append(StagedPart(name=each.name, staged=staged, home=getattr(homes, part), tops=tops))
    return sources


def _owned(change: CommitRequest, sources: "Iterable[StagedPart]") -> "list[Owned]":
    """Return what the state says of the additions, which have *sources*."""
    tops: dict[str, list[str]] = {}
    ways: dict[str, str] = {change.homes.purelib: ""}
    above: set[str] = set()  # distributions whose data reach into site-packages, where files have other paths
    for part in sources:
        if part.home not in ways:
            ways[part.home] = f"{os.path.relpath(part.home, change.homes.purelib)}/"
        tops.setdefault(part.name, []).extend([f"{ways[part.home]}{name}" for name, _ in part.tops])
        if any(f"{change.homes.purelib}/".startswith(f"{part.home}/{name}/") for name, _ in part.tops):
            above.add(part.name)
    return [
        Owned(
            name=each.name,
            version=each.header[VERSION],
            dist_info=each.header[DIST_INFO],
            archive=each.archive,
            direct_url=each.direct_url,
            tops=tuple(tops[each.name]),
            source=each.source,
            bytecode=each.bytecode,
            checked=change.window[1],
            mode=each.mode,
            complete=each.name not in above,
        )
        for each in change.additions
    ]


def _stamps(
    change: CommitRequest, openings: "Sequence[Opening]", outs: "Sequence[str]", touched: "Iterable[str]"
) -> "tuple[tuple[Stamp, ...], list[str]]":
    """Return the stamps of the new state and the directories to stamp in the commit."""
    site = change.homes.purelib
    gone = tuple(f"{os.path.relpath(path, site)}/" for path in outs)
    inside = {os.path.relpath(path, site) for path in touched if path != change.homes.root}
    ways = _Relative(change.homes)
    fresh = [each for addition in change.additions for each in _directories(addition, ways)]
    fresh += [ways.inside(each.sealed.header, each.directory) for each in openings]
    infos = [ways.inside(each.header, each.header[DIST_INFO]) for each in change.additions]
    opened = [ways.inside(each.sealed.header, each.sealed.header[DIST_INFO]) for each in openings]
    own = [f"{each}/RECORD" for each in dict.fromkeys((*infos, *opened))]
    linked = [f"{each}/METADATA" for each in infos]  # the file is older, in the cache
    linked += _links(change, openings, ways)
    kept: list[Stamp] = []
    known: set[str] = {"."}
    former = change.former.stamps if change.former else ()
    tracked = frozenset(fresh if former else inside.intersection(fresh))
    renewed = tracked.union(own, linked, inside)
    tops = frozenset([each.partition("/")[0] for each in gone])
    for first, last, directories in former:
        known.update(directories)
        staying = [
            each
            for each in directories
            if each not in renewed and not (each.partition("/")[0] in tops and f"{each}/".startswith(gone))
        ]
        if staying:
            kept.append((first, last, tuple(staying)))
    restamped = sorted(each for each in inside if each in known or each in tracked)
    stamped = (*restamped, *[each for each in fresh if each not in inside])
    windows = (*change.window, (*stamped, *own)), (0, change.window[1], tuple(linked))
    return (*kept, *windows), [os.path.normpath(f"{site}/{each}") for each in restamped]


class _Relative:
    """The way from site-packages (purelib) to the other homes."""

    def __init__(self, homes: Homes) -> None:
        def way(home: str) -> str:
            return os.path.relpath(home, homes.purelib)

        self.platlib = "" if homes.platlib == homes.purelib else f"{way(homes.platlib)}/"
        self.scripts = way(homes.scripts)
        self.data = way(homes.data)
        self.headers = way(homes.headers)
        self.lib64 = homes.lib64

    def inside(self, header: "tuple[Any, ...]", path: str) -> str:
        """Return the way to *path* of what a distribution has for site-packages."""
        return path if header[PURELIB] else f"{self.platlib}{path}"


def _links(change: CommitRequest, openings: "Sequence[Opening]", ways: _Relative) -> "list[str]":
    """Return the ways through symlinks to directories of sealed trees, and to the manifests of these."""
    opened = frozenset([(each.sealed.root, each.directory) for each in openings])
    trees = [(each.sealed, each.sealed.links) for each in change.additions if each.sealed]
    trees += [(each.sealed, tuple([f"{each.directory}/{name}" for name in each.links])) for each in openings]
    found = []
    for sealed, directories in trees:
        links = [each for each in directories if (sealed.root, each) not in opened]
        found += [ways.inside(sealed.header, f"{each}/.") for each in links]
        for each in links[:1]:
            up = "../" * (each.count("/") + 2)
            found.append(ways.inside(sealed.header, f"{each}/./{up}{os.path.basename(sealed.root)}.manifest"))
    return found


def _directories(addition: Addition, ways: _Relative) -> "list[str]":
    """Return the directories that hold something of *addition*, relative to site-packages."""
    found = list(addition.directories)
    if ways.platlib and not addition.header[PURELIB]:
        found = [ways.inside(addition.header, directory) for directory in found]
    if addition.brings_scripts:
        inner = directories_of(addition.header[SCRIPTS])
        found += [ways.scripts, *[f"{ways.scripts}/{directory}" for directory in inner]]
    for key, directory, *_ in addition.header[OUTSIDE]:
        if key == "data" and directory:
            found.append(os.path.normpath(f"{ways.data}/{in_lib(directory) if ways.lib64 else directory}"))
        elif key == "headers":
            found.append(f"{ways.headers}/{addition.header[RAW_NAME]}/{directory}".rstrip("/"))
    return found


def _conflicts(
    change: CommitRequest, fresh: "Sequence[Conflict]"
) -> "tuple[tuple[str, str, tuple[str, ...]], ...]":
    site = change.homes.purelib
    names = {each.name for each in change.stay} | {each.name for each in change.additions}
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
