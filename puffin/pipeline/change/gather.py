"""The archives of environments that are made on other machines: fetched or built into the cache of this one."""

from puffin.artifact.artifact import WHEEL, expected_sha256
from puffin.cache.layout import current_boot
from puffin.errors import PuffinError
from puffin.pipeline.change.builds import ManyBuilds
from puffin.pipeline.change.run import ChangeRun
from puffin.pipeline.change.work import explained
from puffin.pipeline.graph.ledger import Grow, no_growth
from puffin.pipeline.graph.record import phase
from puffin.pipeline.graph.task import DONE
from puffin.pipeline.tasks.bytecode import LEVEL
from puffin.pipeline.tasks.supply import UNZIP, Load, Supply, Use, identity, loads_of, root_failure, wheel_tasks
from puffin.stages.bytecode.layer import layer_ready
from puffin.stages.bytecode.stage import pyc_suffix
from puffin.stages.link.direct_url import with_source
from puffin.stages.remote.values import NotServed
from puffin.types import Collection, Sequence
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.change.environment import EnvironmentRun
    from puffin.pipeline.change.values import RemoteTally
    from puffin.pipeline.graph.ledger import Ledger
    from puffin.pipeline.graph.task import Key, Task


class GatherRun(ChangeRun):
    """The part of a command that prepares environments which other machines commit."""

    def gather(
        self, runs: "Sequence[EnvironmentRun]", held: "Collection[str]" = (), *, served: bool = False
    ) -> None:
        """Give each supply of *runs* its archive, or the run its error. What others *held* is left to them.

        With *served*, only what the remote cache has is brought in; nothing is fetched or built.
        """
        builds = self._begun_builds()
        archives: dict[str, str] = {}
        turns = [self._lacking(run, held, builds) if run.alive else {} for run in runs]
        loads, remote = loads_of(turns), self._remote
        if remote is not None and served:
            with phase("ask the remote cache"):
                remote.look([load.supply.artifact for load in loads])
        loads = [load for load in loads if not served or self._is_served(load.supply, builds)]
        tasks = [task for load in loads for task in self._tasks(load, runs, builds)]
        missing = [load.supply for load in loads]
        grow: Grow = builds.grow if builds else no_growth
        if not tasks:
            self._engine.idle()
            return
        if remote is not None:
            tasks, grow = remote.planned(tasks, grow, only=served)
        took = remote.took if remote is not None else None
        ledger = self._engine.run(tasks, self._engine.chosen(missing), took, grow)
        if remote is not None:
            self._end_uploads = remote.begin_uploads()
        for load in loads:
            for use in load.uses:
                archives.update(self._take(runs[use.site], use, load.supply, ledger))
        if self._search is not None:
            self._search.remember(archives)

    def bring_bytecode(self, runs: "Sequence[EnvironmentRun]") -> None:
        """Bring in the bytecode that the remote cache has for the archives of *runs*, where these want some."""
        if self._remote is None:
            return
        wanted: dict[tuple[str, str, str], None] = {}
        for run in runs:
            suffix = pyc_suffix(run.environment.interpreter.cache_tag, LEVEL)
            known = [each.archive for each in run.supplies if each.archive] if run.bytecode else []
            wanted |= dict.fromkeys([(run.bytecode, archive, suffix) for archive in known])
        cache, boot = self._session.cache, current_boot()
        self._remote.bring_layers([each for each in wanted if not layer_ready(cache, each[0], each[1], boot)])

    def taken(self) -> "tuple[tuple[RemoteTally, ...], str]":
        """Return what the remote cache gave, by layers, and why it is not used any more."""
        return (self._remote.tallies(), self._remote.problem) if self._remote else ((), "")

    def _is_served(self, supply: Supply, builds: "ManyBuilds | None") -> bool:
        """Tell whether the remote cache has a wheel, or has given one that was built elsewhere."""
        if supply.made and builds:
            return all(task.stage == UNZIP for task in builds.tasks.get(supply.made, ()))
        return self._remote is not None and self._remote.has(supply.artifact)

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
            if isinstance(error, NotServed):
                return {}  # it stays without an archive
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
