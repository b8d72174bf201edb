"""The state of an environment: ``<environment>/.puffin/state``, written with each commit.

The stamps say in which window of time each directory that holds files of puffin's was last changed:
one ``lstat`` per directory then finds every file that was deleted, added or replaced since. RECORD and METADATA have
stamps of their own.
"""

import os

from puffin.cache import frame
from puffin.stages.link.commit.stamps import FORMAT, read_raw
from puffin.stages.link.staging import DIRECTORY
from puffin.value import astuple, field_names, from_tuple, frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.link.commit.stamps import Stamp


@frozen
class Owned:
    """A distribution in the environment. ``archive`` is empty for one that puffin did not install, or does not know of.

    ``tops`` are the names it has in site-packages, ``direct_url`` the text of its direct_url.json, ``source`` the
    ``Artifact.source`` it is from, by which a changed directory or another commit is seen,
    ``bytecode`` the kind of bytecode that was installed with it, if any. Without ``tops`` its files were never looked
    at. ``checked`` is when they were last known to be whole, in ns by the clock of the file system. ``mode`` is
    ``tree`` where that was the link mode, else empty. If it is ``complete``, all files in RECORD are at or beneath
    ``tops``, which also has its files in other places, by paths relative to site-packages. It is not if data of its
    wheel reach into site-packages: these have two such paths.
    """

    name: str
    version: str
    dist_info: str
    archive: str
    direct_url: str
    tops: tuple[str, ...]
    source: str = ""
    bytecode: str = ""
    checked: int = 0
    mode: str = ""
    complete: bool = False


_LATER = (0, "", False)  # fields that former versions do not write
_LENGTH = len(field_names(Owned))


@frozen
class State:
    """The whole record. ``site`` is the site-packages directory, relative to the environment's root.

    ``stamps`` is ``((first mtime in ns, last mtime, paths relative to site), …)``; ``conflicts`` is
    ``((path relative to site, winner, losers), …)``; ``boot`` identifies the boot it was written in.
    """

    boot: str
    site: str
    seed: bool
    distributions: tuple[Owned, ...]
    stamps: "tuple[Stamp, ...]"
    conflicts: tuple[tuple[str, str, tuple[str, ...]], ...]


def encode(state: State) -> bytes:
    """Return the state as the bytes of its file."""
    distributions = tuple(astuple(each) for each in state.distributions)
    return frame.dump(
        (FORMAT, state.boot, state.site, state.seed, distributions, state.stamps, state.conflicts)
    )


def read_state(root: str) -> "State | None":
    """Return the state of the environment at *root*, or None where there is none that can be read."""
    fields = read_raw(root)
    if fields is None:
        return None
    _, boot, site, seed, distributions, stamps, conflicts = fields
    owned = tuple(
        from_tuple(Owned, (*each, *_LATER[len(each) - _LENGTH + len(_LATER) :])) for each in distributions
    )
    return State(boot=boot, site=site, seed=seed, distributions=owned, stamps=stamps, conflicts=conflicts)


def disturbed(site: str, state: State) -> "list[str]":
    """Return the stamped paths, relative to *site*, that changed or went since the commit."""
    changed = []
    stat = os.stat
    here = os.open(site, DIRECTORY)  # looking paths up from there takes a third less time
    try:
        for first, last, paths in state.stamps:
            for path in paths:
                try:
                    if first <= stat(path, dir_fd=here, follow_symlinks=False).st_mtime_ns <= last:
                        continue
                except OSError:
                    pass
                changed.append(path)
    finally:
        os.close(here)
    return changed


def doubted(state: State, changed: "list[str]") -> State:
    """Return *state* with no distribution ``complete`` whose RECORD is among the *changed* paths."""
    moved = frozenset(changed)
    told = [
        replace(each, complete=False) if each.complete and f"{each.dist_info}/RECORD" in moved else each
        for each in state.distributions
    ]
    return replace(state, distributions=tuple(told))


def restamped(site: str, state: State, changed: "list[str]") -> State:
    """Return *state* with the paths that changed, but hold nothing wrong, stamped as they are now."""
    moved = frozenset(changed)
    stamps: dict[tuple[int, int], list[str]] = {
        (first, last): [each for each in paths if each not in moved] for first, last, paths in state.stamps
    }
    for each in changed:
        try:
            now = os.lstat(f"{site}/{each}").st_mtime_ns
        except OSError:
            continue
        stamps.setdefault((now, now), []).append(each)
    return replace(state, stamps=tuple((*window, tuple(each)) for window, each in stamps.items() if each))
