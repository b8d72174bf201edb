"""Running the one graph: environments are committed as their last link is done, and failures stay local."""

import os

from puffin.errors import PuffinError
from puffin.pipeline.plan_graph import FETCH, LINK, supply_tasks
from puffin.pipeline.plan_many_graph import Use, loads_of, many_tasks
from puffin.pipeline.plan_many_site import guarded
from puffin.pipeline.plan_many_values import Stopped
from puffin.pipeline.plan_workspace_values import SKIPPED, UPDATED
from puffin.pipeline.task import DONE
from puffin.stages.link.files import COPY, HARDLINK
from puffin.stages.link.linker import ArchiveGone
from puffin.stages.unzip.manifest import read_names
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.plan_environment import Names
    from puffin.pipeline.plan_execute import Engine
    from puffin.pipeline.plan_many_graph import Load
    from puffin.pipeline.plan_many_site import Site
    from puffin.pipeline.plan_many_values import ManyReporter
    from puffin.pipeline.task import Key, Outcome, Task


class Work:
    """The supplying, linking and committing of sites that have something to do."""

    def __init__(
        self,
        sites: "list[Site]",
        engine: "Engine",
        *,
        cache: "Cache",
        reporter: "ManyReporter",
        network: "tuple[Any, ...]",
        fail_fast: bool,
        done: "Callable[[Site], None]",
    ) -> None:
        self._sites = sites
        self._engine = engine
        self._cache = cache
        self._reporter = reporter
        self._network = network
        self._fail_fast = fail_fast
        self._done = done
        self._run_id = os.urandom(6).hex()
        self._left = [len(site.supplies) for site in sites]
        self._links: dict[Key, Load] = {}
        self._errors: dict[Key, PuffinError] = {}
        self._damaged: list[Load] = []
        self._names: dict[str, Names | None] = {}
        self.archives: dict[int, str] = {}
        self.downloaded = 0
        self.repaired = 0
        self._told_copied = False

    def run(self) -> None:
        """Do it all; a second time what turned out to be damaged in the cache."""
        for site in self._sites:
            guarded(site, lambda site: site.begin())
        for number, left in enumerate(self._left):
            if not left:
                self._commit(number)
        try:
            self._wave(loads_of([site.supplies if site.alive else [] for site in self._sites]))
            if self._damaged:
                again, self._damaged = self._damaged, []
                self._run_id = os.urandom(6).hex()
                self._wave([replace(load, supply=self._anew(load)) for load in again], last=True)
        except Stopped:
            for site in self._sites:
                if site.alive:
                    site.end(SKIPPED)
                    self._done(site)

    def _anew(self, load: "Load") -> "Any":
        from puffin.pipeline.plan_heal import without_archive

        self.repaired += 1
        return without_archive(load.supply, self._cache, self._reporter)

    def _wave(self, loads: "list[Load]", *, last: bool = False) -> None:
        loads = [load for load in loads if self._can_be_had(load)]
        places = {use: self._sites[use.site].link_place(use.number) for load in loads for use in load.uses}
        tasks, self._links = many_tasks(
            loads, places, run=self._run_id, cache_root=self._cache.root, network=self._network
        )
        if not tasks:
            return
        missing = [load.supply for load in loads if not load.supply.archive]
        self._last = last
        self._engine.run(tasks, self._engine.chosen(missing), self._take)

    def _can_be_had(self, load: "Load") -> bool:
        """Tell whether there are tasks that supply a load; where there are none, its environments fail."""
        try:
            supply_tasks(load.supply, cache_root=self._cache.root, network=self._network)
        except PuffinError as error:
            for use in load.uses:
                self._fail(use.site, error)
            return False
        return True

    def _take(self, task: "Task", outcome: "Outcome") -> None:
        if outcome.status != DONE:
            self._note_failure(task, outcome)
        elif task.stage == FETCH and outcome.result:
            self.downloaded += outcome.result[1]
        elif task.stage == LINK:
            self._linked(self._links[task.key], outcome.result)

    def _note_failure(self, task: "Task", outcome: "Outcome") -> None:
        """Remember the root cause for what depends on this task; a link that cannot be made fails its environments."""
        inherited = [self._errors[key] for key in task.dependencies if key in self._errors]
        error = inherited[0] if inherited else outcome.error
        if not isinstance(error, PuffinError):
            error = PuffinError(package=task.label)
        self._errors[task.key] = error
        if task.stage != LINK:
            return
        load = self._links[task.key]
        if isinstance(error, ArchiveGone) and not self._last:
            self._damaged.append(load)
            return
        for use in load.uses:
            self._fail(use.site, error)

    def _fail(self, number: int, error: PuffinError) -> None:
        site = self._sites[number]
        first = site.alive
        site.fail(error)
        if first:
            self._done(site)
            if self._fail_fast:
                raise Stopped

    def _linked(self, load: "Load", result: "tuple[str, Any]") -> None:
        archive, results = result
        if archive not in self._names:
            self._names[archive] = read_names(self._cache.manifest(archive))
        self.archives[id(load.supply.artifact)] = archive
        for use, came in zip(load.uses, results, strict=True):
            self._staged(use, archive, came)

    def _staged(self, use: Use, archive: str, came: "Any") -> None:
        from puffin.stages.link.direct_url import with_hash

        site = self._sites[use.site]
        if not site.alive:
            return
        if isinstance(came, bytes):
            import pickle

            self._fail(use.site, pickle.loads(came))
            return
        self._tell_copied(site, came[0])
        site.staged[use.number] = (archive, with_hash(site.supplies[use.number].artifact.direct_url, archive))
        self._left[use.site] -= 1
        total = len(site.supplies)
        self._reporter.environment(site.spec.name, f"{total - self._left[use.site]} of {total} packages")
        if not self._left[use.site]:
            self._commit(use.site)

    def _commit(self, number: int) -> None:
        site = self._sites[number]
        if not site.alive:
            return
        self._reporter.environment(site.spec.name, "committing")
        guarded(site, lambda site: site.commit(self._names))
        if site.alive:
            site.end(UPDATED)
        self._done(site)
        if site.error is not None and self._fail_fast:
            raise Stopped

    def _tell_copied(self, site: "Site", mode: str) -> None:
        """Say, once, that the cache and the environments share no files although they should."""
        if self._told_copied or mode != COPY or (site.settings.link_mode or HARDLINK) == COPY:
            return
        self._told_copied = True
        self._reporter.warn(
            f"Files are copied, because none can be linked from the cache (`{self._cache.root}`) to the "
            "environments; put them on one file system, or pass `--link-mode copy` to silence this"
        )

    def header(self, archive: str) -> "tuple[Any, ...] | None":
        """Return the header of an archive that was linked."""
        found = self._names.get(archive)
        return found[0] if found else None
