"""The state of an environment: ``<environment>/.puffin/state``, written with each commit.

The stamps say in which window of time each directory that holds files of puffin's was last changed:
one ``stat`` per directory then finds every file that was deleted, added or replaced since.
"""

import os

from puffin.cache import frame
from puffin.stages.link.commit.stamps import FORMAT, read_raw
from puffin.value import astuple, from_tuple, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.link.commit.stamps import Stamp


@frozen
class Owned:
    """A distribution in the environment. ``archive`` is empty for one that puffin did not install.

    ``tops`` are the names it has in site-packages, ``direct_url`` the text of its direct_url.json, ``source`` the
    ``Artifact.source`` it is from, by which a changed directory or another commit is seen,
    ``bytecode`` the kind of bytecode that was installed with it, if any.
    """

    name: str
    version: str
    dist_info: str
    archive: str
    direct_url: str
    tops: tuple[str, ...]
    source: str = ""
    bytecode: str = ""


@frozen
class State:
    """The whole record. ``site`` is the site-packages directory, relative to the environment's root.

    ``stamps`` is ``((first mtime in ns, last mtime, directories relative to site), …)``; ``conflicts`` is
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
    owned = tuple(from_tuple(Owned, each) for each in distributions)
    return State(boot=boot, site=site, seed=seed, distributions=owned, stamps=stamps, conflicts=conflicts)


def disturbed(site: str, state: State) -> "list[str]":
    """Return the directories, relative to *site*, that changed or went since the commit."""
    changed = []
    for first, last, directories in state.stamps:
        for directory in directories:
            try:
                if first <= os.stat(f"{site}/{directory}").st_mtime_ns <= last:
                    continue
            except OSError:
                pass
            changed.append(directory)
    return changed
