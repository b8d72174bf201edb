"""What environments on other machines are to hold: chosen here for their interpreters, as for one on this machine."""

from collections.abc import Callable, Collection, Sequence

from puffin import __version__
from puffin.artifact.artifact import WHEEL, expected_sha256
from puffin.errors import PuffinError
from puffin.pipeline.change.spec import NotThereYet, SpecRun
from puffin.pipeline.commands.pull import GatheringRun
from puffin.pipeline.provision.order import (
    Files,
    MachineOrder,
    PlaceWanted,
    RecordedFiles,
    machine_order,
    travelling,
)
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import SKIPPED, ManySettings, Settings
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.stages.link.environment.environment import environment_for
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.stages.resolve.requirements.file import read_requirements
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.request.settings import Reporter


@frozen
class Target:
    """An environment, and the interpreter of machines that want it. ``name`` is unique in a run."""

    name: str
    spec: EnvSpec
    place: PlaceWanted
    interpreter: Interpreter


class ForeignRun(SpecRun):
    """The run of an environment that is made on other machines: it is planned as one that does not exist."""

    def __init__(self, target: Target, settings: Settings, session: Session) -> None:
        super().__init__(replace(target.spec, name=target.name), settings, session)
        self.target = target

    def find(self, _interpreter: Callable[[str], Interpreter]) -> None:
        self.missing = True
        self.environment = environment_for(self.target.interpreter, self.path)

    def enter(self, *, make: bool) -> None:
        """Make nothing: what is there is for the machines to see."""
        self.use(NotThereYet(self.environment))


class QuietReporter:
    """Passes warnings on, each once. Environments are told of when machines have made them."""

    def __init__(self, reporter: "Reporter") -> None:
        self._warn = reporter.warn
        self._said: set[str] = set()
        self.phase, self.task, self.expect = reporter.phase, reporter.task, reporter.expect

    def warn(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._warn(text)

    def _ignore(self, *told: object, **more: object) -> None:
        pass

    changes = began = environment = ended = _ignore


class ForeignChoice(GatheringRun):
    """Resolves, locates and, unless it is a dry run, gathers what *targets* are to hold.

    *quiet* is the reporter of *session*. *held* tells which archives need not be gathered, because machines have them.
    After :meth:`sync`, ``orders`` and ``errors`` have the result for each target by its name.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        settings: ManySettings,
        session: Session,
        quiet: "QuietReporter",
        held: Callable[[list[str]], Collection[str]],
    ) -> None:
        self._files = _constraint_files(settings.run, session)
        session = replace(session, files=(*session.files, *self._files))
        super().__init__(replace(settings, specs=()), session, quiet, Interpreters(session), command="sync")
        self._foreign = [ForeignRun(each, settings.run, session) for each in targets]
        self._runs = [*self._foreign]
        self._held = held
        self.orders: dict[str, MachineOrder] = {}
        self.errors: dict[str, PuffinError] = {}

    def _apply(self) -> None:
        runs = self._alive()
        wanted = [each for run in runs for each in _hashes(run)]
        self._gathers.gather(runs, self._held(wanted) if wanted else ())

    def _run(self) -> None:
        super()._run()
        for run in self._foreign:
            if run.error is not None:
                self.errors[run.name] = run.error
            elif run.status != SKIPPED:
                self.orders[run.name] = self._order(run)

    def _order(self, run: ForeignRun) -> MachineOrder:
        target = run.target
        settings = travelling(self._settings.run, target.spec)
        return machine_order(
            target.spec, target.place, target.interpreter, settings, run.inputs, run.supplies, __version__,
            self._files,
        )  # fmt: skip


def _constraint_files(settings: Settings, session: Session) -> Files:
    """Return the files of ``--build-constraint``, and what these include. Each is read once, standard input too."""
    recorded = RecordedFiles(session.read)
    read_requirements((), read=recorded.read, environ=session.environ, constraints=settings.build_constraint)
    return recorded.files


def _hashes(run: SpecRun) -> list[str]:
    """Return the archives that the supplies of *run* are, as far as that is known and the cache here lacks them."""
    lacking = [each.artifact for each in run.supplies if not each.archive and each.artifact.kind == WHEEL]
    return [sha256 for artifact in lacking if (sha256 := expected_sha256(artifact))]
