"""Damage in an environment: files that are missing, truncated or replaced since the commit.

:func:`find_damage` looks at as little as tells which distributions are damaged, :func:`verify` at every file.
"""

import os

from puffin.stages.link.commit.state import Owned, State, disturbed
from puffin.stages.unzip.record import digest_of, read_record
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


MISSING = "is missing"
SIZE = "has another size"
CONTENT = "has another content"
UNREADABLE = "cannot be read"
CUT = "is cut short"


def find_damage(site: str, state: State, *, everywhere: bool) -> "tuple[frozenset[str], list[str]]":
    """Return the damaged distributions and the directories (relative to *site*) that are not as stamped.

    Files in those directories are held against RECORD: their size, and their hash where they are younger
    than the stamp. With *everywhere* (after a reboot) the size of every file is looked at.
    """
    changed = disturbed(site, state)
    stamp = max((last for _, last, _ in state.stamps), default=0)
    where = None if everywhere else frozenset(changed)
    if where is not None and not where:
        return frozenset(), []
    known = frozenset([top for each in state.distributions for top in each.tops])
    if where is not None and any(each.partition("/")[0] not in known for each in where):
        known = frozenset()  # of the top level, of scripts or of data: anybody's
    damaged = [
        each.name
        for each in state.distributions
        if each.archive
        and (not known or _concerned(each, where))
        and not _whole(site, each, where, stamp, lost_paths(state, each.name))
    ]
    return frozenset(damaged), changed


def _concerned(owned: "Owned", where: "frozenset[str] | None") -> bool:
    if where is None:
        return True
    tops = frozenset(owned.tops)
    return any(each.partition("/")[0] in tops for each in where)


def lost_paths(state: State, name: str) -> "frozenset[str]":
    """Return the paths, relative to site-packages, at which another distribution's file stands and not *name*'s."""
    return frozenset([path for path, _, losers in state.conflicts if name in losers])


def _whole(
    site: str, owned: "Owned", where: "frozenset[str] | None", stamp: int, lost: "frozenset[str]"
) -> bool:
    try:
        rows = read_record(f"{site}/{owned.dist_info}/RECORD")
    except (OSError, ValueError):
        return False
    if all(path != f"{owned.dist_info}/RECORD" for path, _, _ in rows):
        return False  # the last row that puffin writes: what comes before it may be missing too
    for path, digest, size in rows:
        if path in lost or (not digest and path.endswith(".pyc")):
            continue  # another's file, or bytecode that was compiled here, which Python replaces as it likes
        directory = os.path.dirname(path) or "."
        if (where is None or directory in where) and _difference(f"{site}/{path}", digest, size, stamp):
            return False
    return True


def restamped(site: str, state: State, changed: "list[str]") -> State:
    """Return *state* with the directories that changed, but hold nothing wrong, stamped as they are now."""
    moved = frozenset(changed)
    stamps: dict[tuple[int, int], list[str]] = {
        (first, last): [each for each in directories if each not in moved]
        for first, last, directories in state.stamps
    }
    for each in changed:
        try:
            now = os.stat(f"{site}/{each}").st_mtime_ns
        except OSError:
            continue
        stamps.setdefault((now, now), []).append(each)
    return replace(state, stamps=tuple((*window, tuple(each)) for window, each in stamps.items() if each))


@frozen
class Finding:
    """A file that is not as installed. ``path`` is absolute, ``what`` says what is wrong with it."""

    name: str
    version: str
    path: str
    what: str


def verify(
    site: str, state: "State", *, deep: bool, sizes: "Callable[[str], Mapping[str, int]]"
) -> tuple[Finding, ...]:
    """Return the differences of the distributions that puffin installed, by name and path.

    The content of a file is looked at where its time is later than the last commit, and of all with *deep*.
    *sizes* returns for an archive the sizes of its files by path, as far as that is still known: what RECORD
    was made from.
    """
    stamp = max((last for _, last, _ in state.stamps), default=0)
    found: list[Finding] = []
    for owned in state.distributions:
        if owned.archive:
            found += _differences(
                site, owned, sizes(owned.archive), lost_paths(state, owned.name), -1 if deep else stamp
            )
    return tuple(sorted(found, key=lambda each: (each.name, each.path)))


def _differences(
    site: str, owned: "Owned", sizes: "Mapping[str, int]", lost: "frozenset[str]", stamp: int
) -> "Iterable[Finding]":
    record = f"{owned.dist_info}/RECORD"
    rows: dict[str, tuple[str, str]] = {}
    try:
        rows.update({path: (digest, size) for path, digest, size in read_record(f"{site}/{record}")})
        wrong = {} if record in rows else {record: CUT}
    except FileNotFoundError:
        wrong = {record: MISSING}
    except (OSError, ValueError):
        wrong = {record: UNREADABLE}
    for path, count in sizes.items():
        if path != record:
            rows.setdefault(path, ("", str(count)))
    for path, (digest, size) in rows.items():
        if path not in lost and path not in wrong and (digest or not path.endswith(".pyc")):
            what = _difference(f"{site}/{path}", digest, size, stamp)
            wrong |= {path: what} if what else {}
    for path, what in wrong.items():
        yield Finding(
            name=owned.name, version=owned.version, path=os.path.normpath(f"{site}/{path}"), what=what
        )


def _difference(path: str, digest: str, size: str, stamp: int) -> str:
    try:
        facts = os.stat(path)
        if size and facts.st_size != int(size):
            return SIZE
        if digest and facts.st_mtime_ns > stamp and digest_of(path, digest.partition("=")[0]) != digest:
            return CONTENT
    except FileNotFoundError:
        return MISSING
    except (OSError, ValueError):
        return UNREADABLE
    return ""
