"""The files of the distributions of an environment, for changes that take some out."""

import os

from puffin.cache.atomic import write
from puffin.cache.layout import Cache
from puffin.stages.link.commit.installplan import Present
from puffin.stages.link.commit.state import Owned
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.installed.files import (
    EASY_INSTALL,
    StayingFiles,
    check_removable,
    distribution_files,
    safe_paths,
    without_lines,
)
from puffin.stages.link.sealed import sealed_at
from puffin.stages.link.staging import directories_of
from puffin.stages.unzip.manifest import read_names
from puffin.types import Collection, Mapping, Sequence


class FileLists:
    """The lists of the files of distributions of *environment*: their RECORDs, the state, and the cache.

    *owned* is what the state says of each, by its entry. For *damaged* ones the list in the cache is better. *links*
    are the paths of symlinks that lead to lost sealed trees.
    """

    def __init__(
        self,
        environment: Environment,
        owned: "Mapping[str, Owned]",
        damaged: "frozenset[str]",
        links: "Collection[str]",
        cache: Cache,
    ) -> None:
        self._environment = environment
        self._owned = owned
        self._damaged = damaged
        self._links = links
        self._cache = cache

    def going(self, present: Present) -> "list[str]":
        """Return the paths of a distribution that goes: a link in place of its directory, not what is behind that."""
        listed = self._of_archive(present)
        own = distribution_files(self._environment, present.entry, present.kind)
        files = list(dict.fromkeys((*listed, *own)))
        links = [link for link in self._links if any(path.startswith(f"{link}/") for path in files)]
        links += [each for each in directories_of(listed) if sealed_at(each)]
        behind = tuple([f"{link}/" for link in links])
        return [*links, *[path for path in files if not path.startswith(behind)]] if links else files

    def staying(self, staying: "Sequence[Present]") -> StayingFiles:
        """Return the files of the distributions that stay."""
        complete = {entry: each.tops for entry, each in self._owned.items() if each.complete}
        return StayingFiles(self._environment, staying, complete)

    def check_removable(self, going: "Sequence[Present]") -> None:
        """Raise ``CannotUninstall`` for a distribution that nothing lists the files of."""
        known = {each.name for each in going if self._of_archive(each)}
        check_removable(self._environment.purelib, [each for each in going if each.name not in known])

    def rewritten(self, leaving: "Sequence[Present]", room: str) -> "tuple[tuple[str, str], ...]":
        """Stage in *room* the files that lose lines; return ``(path, staged)``, ``""`` for one that goes."""
        if not any(each.kind.startswith("egg") for each in leaving):
            return ()
        site = self._environment.purelib
        left = without_lines(site, leaving)
        if left is None:
            return ()
        staged = f"{room}/{EASY_INSTALL}" if left.strip() else ""
        if staged:
            write(staged, left)
        return ((f"{site}/{EASY_INSTALL}", staged),)

    def _of_archive(self, present: Present) -> "list[str]":
        """Return the files that the cache lists of a distribution of puffin's, if its own list is lost or damaged."""
        owned, site = self._owned.get(present.entry), self._environment.purelib
        info = f"{site}/{present.entry}"
        whole = present.name not in self._damaged and os.path.isfile(f"{info}/RECORD")
        if owned is None or not owned.archive or whole:
            return []
        names = read_names(self._cache.manifest(owned.archive))
        tree = names[1] if names else ()
        rows = [f"{directory}/{name}".lstrip("/") for directory, files in tree for name in files]
        return [info, *safe_paths(rows, site, self._environment)] if rows else []
