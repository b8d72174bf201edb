"""The archives of environments that are made on other machines: fetched or built into the cache of this one."""

from puffin.artifact.artifact import WHEEL, expected_sha256
from puffin.errors import PuffinError
from puffin.pipeline.change.builds import ManyBuilds
from puffin.pipeline.change.run import ChangeRun
from puffin.pipeline.change.work import explained
from puffin.pipeline.graph.ledger import Grow, no_growth
from puffin.pipeline.graph.task import DONE
from puffin.pipeline.tasks.supply import UNZIP, Load, Supply, Use, identity, loads_of, root_failure, wheel_tasks
from puffin.stages.link.direct_url import with_source
from puffin.types import Collection, Sequence
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.change.environment import EnvironmentRun
    from puffin.pipeline.graph.ledger import Ledger
    from puffin.pipeline.graph.task import Key, Task


class GatherRun(ChangeRun):
    """The part of a command that prepares environments which other machines commit."""

    def gather(self, runs: "Sequence[EnvironmentRun]", held: "Collection[str]") -> None:
        """Give each supply of *runs* its archive, or the run its error. What others *held* is left to them."""
        builds = self._begun_builds()
        archives: dict[str, str] = {}
        turns = [self._lacking(run, held, builds) if run.alive else {} for run in runs]
        loads = loads_of(turns)
        tasks = [task for load in loads for task in self._tasks(load, runs, builds)]
        if not tasks:
            self._engine.idle()
            return
        missing = [load.supply for load in loads]
        grow: Grow = builds.grow if builds else no_growth
        remote = self._remote
        if remote is not None:
            remote.look([each.artifact for each in missing])
            tasks, grow = remote.planned(tasks, grow)
        took = remote.took if remote is not None else None
        ledger = self._engine.run(tasks, self._engine.chosen(missing), took, grow)
        if remote is not None:
            self._end_uploads = remote.begin_uploads()
        for load in loads:
            for use in load.uses:
                archives.update(self._take(runs[use.site], use, load.supply, ledger))
        if self._search is not None:
            self._search.remember(archives)

    def _begun_builds(self) -> "ManyBuilds | None":
        if self._builds is None:
            return None
        return ManyBuilds(self._builds)

    def _lacking(
        self, run: "EnvironmentRun", held: "Collection[str]", builds: "ManyBuilds | None"
    ) -> "dict[int, Supply]":
        """Return the supplies of *run* that have to be brought in, by number."""
        lacking: dict[int, Supply] = {}
        for number, supply in enumerate(run.supplies):
            known = expected_sha256(supply.artifact) if supply.artifact.kind == WHEEL else ""
            if supply.archive:
                continue
            if known in held:
                run.supplies[number] = replace(supply, archive=known)
                continue
            try:
                found = builds.supplied(run, supply) if builds else supply
            except PuffinError as error:
                run.lack(number, error)
                continue
            if found.archive:
                run.supplies[number] = found
            else:
                lacking[number] = found
        return lacking

    def _tasks(
        self, load: Load, runs: "Sequence[EnvironmentRun]", builds: "ManyBuilds | None"
    ) -> "tuple[Task, ...]":
        supply, run = load.supply, runs[load.uses[0].site]
        names = tuple([runs[use.site].name for use in load.uses])
        if supply.made and builds:
            return tuple([replace(task, environments=names) for task in builds.tasks.get(supply.made, ())])
        return wheel_tasks(supply, cache_root=self._session.cache.root, network=run.network, environments=names)

    def _take(self, run: "EnvironmentRun", use: Use, supply: Supply, ledger: "Ledger") -> "dict[str, str]":
        """Note what became of a supply; return its archive by the identity of its artifact."""
        outcome = ledger.outcomes.get(_last(supply))
        if outcome is None or outcome.status != DONE:
            error = root_failure(ledger, _last(supply))
            known = error if isinstance(error, PuffinError) else PuffinError(package=supply.artifact.label)
            run.lack(use.number, explained(known, supply, run.why(supply.artifact.name)))
            return {}
        artifact, archive = supply.artifact, outcome.result
        source = ledger.outcomes.get(supply.source) if supply.source else None
        if source is not None and source.status == DONE:
            artifact = replace(artifact, direct_url=with_source(artifact.direct_url, source.result))
        run.supplies[use.number] = replace(supply, artifact=artifact, archive=archive)
        return {identity(supply.artifact): archive}


def _last(supply: Supply) -> "Key":
    return supply.made or (UNZIP, identity(supply.artifact))
