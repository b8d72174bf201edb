"""The builds of a run: their settings, their wheels, and the number of environments that they serve."""

from puffin.artifact.artifact import WHEEL
from puffin.pipeline.builds.session import BuildSession
from puffin.pipeline.builds.settings import build_settings
from puffin.pipeline.graph.task import DONE, FAILED
from puffin.pipeline.request.builds import toolchain_of
from puffin.pipeline.tasks.supply import BUILD, supplied
from puffin.stages.build.failures import BuildFailed, WrongWheel
from puffin.stages.build.job import KEPT
from puffin.stages.build.job import WHEEL as BUILT
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.pipeline.builds.builds import Builds
    from puffin.pipeline.change.environment import EnvironmentRun
    from puffin.pipeline.change.remote import RemoteRun
    from puffin.pipeline.graph.task import Key, Outcome, Task
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.tasks.supply import Supply


class BuildSessions:
    """The build sessions of a run: one, unless environments look for distributions in different places."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._known: dict[tuple[Any, ...], BuildSession] = {}

    def of(self, run: "EnvironmentRun") -> BuildSession:
        """Return what builds for *run*. Reads ``--build-constraint`` files, with the errors of that."""
        if run.builds is not None:
            return run.builds
        inputs = run.inputs
        key = (inputs.config, inputs.files, run.network)
        if key not in self._known:
            settings = build_settings(
                run.settings, self._session, config=inputs.config, network=run.network, files=inputs.files
            )
            self._known[key] = BuildSession(settings, self._session)
        return self._known[key]

    def settle(self, run: "EnvironmentRun", remote: "RemoteRun | None" = None) -> None:
        """Note the toolchain for each supply of *run* that needs a build, or the wheel that it gave before.

        A *remote* cache is asked for the wheels that it gave elsewhere.
        """
        sources = [number for number, each in enumerate(run.supplies) if each.artifact.kind != WHEEL]
        if not sources:
            return
        toolchain, session = toolchain_of(run.environment), self.of(run)
        for number in sources:
            run.supplies[number] = session.identified(replace(run.supplies[number], toolchain=toolchain))
        if remote is not None:
            remote.bring_builds(session.sought([run.supplies[number] for number in sources]))
        for number in sources:
            run.supplies[number] = session.settled(run.supplies[number])
        alone = session.settings.isolates
        run.postpone([number for number in sources if not alone(run.supplies[number].artifact.name)])


class ManyBuilds:
    """The builds of one ledger. ``tasks`` are those that make an archive, by the key whose result that is."""

    def __init__(self, sessions: BuildSessions) -> None:
        self._sessions = sessions
        self._builds: dict[BuildSession, Builds] = {}
        self.tasks: dict[Key, tuple[Task, ...]] = {}

    def supplied(self, run: "EnvironmentRun", supply: "Supply") -> "Supply":
        """Return *supply* as its links need it. Raises the errors of planning a build."""
        if supply.archive or supply.artifact.kind == WHEEL:
            return supply
        session = self._sessions.of(run)
        builds = self._builds.get(session)
        if builds is None:
            builds = self._builds[session] = session.builds()
        supply, tasks = supplied(supply, builds)
        if supply.made:
            self.tasks[supply.made] = (*self.tasks.get(supply.made, ()), *tasks)
        return supply

    def grow(self, task: "Task", outcome: "Outcome") -> "tuple[Task, ...]":
        """Return the growth of the ledger. Equal tasks of several builds have one key, so each is done once."""
        return tuple([each for builds in self._builds.values() for each in builds.grow(task, outcome)])


class Tally:
    """Counts the builds that were run, and the times that a wheel was built for another environment already."""

    def __init__(self) -> None:
        self._ended: dict[Key, Outcome] = {}
        self._uses: dict[Key, int] = {}

    def want(self, made: "Key", uses: int) -> None:
        """Note that so many environments want the archive that is the result of *made*."""
        self._uses[made] = self._uses.get(made, 0) + uses

    def take(self, task: "Task", outcome: "Outcome") -> None:
        if task.stage == BUILD and outcome.status in (DONE, FAILED):
            self._ended[task.key] = outcome

    @property
    def built(self) -> int:
        """How many builds ran, those of build requirements and those that failed among them."""
        return sum(1 for each in self._ended.values() if _ran(each))

    @property
    def shared(self) -> int:
        """How many times a wheel was used beyond the first, where it was built by this run or beside it."""
        paths = {each.result[1] for each in self._ended.values() if each.status == DONE and _ran(each)}
        return sum(self._shared(made, uses, paths) for made, uses in self._uses.items())

    def _shared(self, made: "Key", uses: int, paths: "set[str]") -> int:
        outcome = self._ended.get((BUILD, made[1]))
        if outcome is None or outcome.status != DONE:
            return 0
        if _ran(outcome):
            return uses - 1
        return uses if outcome.result[0] == KEPT or outcome.result[1] in paths else 0


def _ran(outcome: "Outcome") -> bool:
    if outcome.status == FAILED:
        return isinstance(outcome.error, (BuildFailed, WrongWheel))
    return bool(outcome.result[0] == BUILT)
