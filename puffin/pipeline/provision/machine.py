"""One environment, made on the machine that this runs on: the process that a worker starts for it.

It is a process of its own, because a change of an environment needs signals and a working directory, and a worker has
other threads. It reads the order from its standard input and writes the answer to its standard output.
"""

import os
import pickle
import sys
import time
from functools import partial

from puffin.cache.layout import Cache, default_root
from puffin.errors import PuffinError, refused_by_system
from puffin.pipeline.change.environment import guarded
from puffin.pipeline.change.spec import SpecRun
from puffin.pipeline.change.values import EnvResult
from puffin.pipeline.commands.sync import ManyRun
from puffin.pipeline.provision.choice import ForeignChoice, QuietReporter, Target
from puffin.pipeline.provision.order import MachineAnswer, MachineOrder, RequirementsAsked
from puffin.pipeline.request.session import Session, session_of
from puffin.pipeline.request.settings import FAILED, ManySettings, Settings
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.tasks.supply import Supply
from puffin.pipeline.workspace.select import made_from
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.stages.unzip.ready import archive_ready
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.change.values import ManyReporter


class _Listener:
    """Keeps the warnings of a run and ignores its progress."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def _ignore(self, *told: object, **more: object) -> None:
        pass

    phase = expect = task = changes = began = environment = ended = _ignore


class MachineRun(ManyRun):
    """The sync of one environment whose contents were chosen elsewhere."""

    def __init__(
        self, order: MachineOrder, settings: ManySettings, session: Session, reporter: "ManyReporter"
    ) -> None:
        super().__init__(settings, session, reporter, Interpreters(session))
        self._order = order

    def _read(self, run: SpecRun) -> None:
        run.find(self._interpreter)
        run.inputs, run.wanted = self._order.inputs, self._order.wanted

    def _locate(self) -> None:
        if self._ahead:
            for run in self._alive():
                guarded(run, self._open)
        for run in self._alive():
            self._take(
                run,
                [self._supply(each) for each in self._order.supplies if each.artifact.name in run.plan.install],
            )
            guarded(run, self._settle)
        self._end_failed()

    def _supply(self, supply: Supply) -> Supply:
        """Return *supply* as this machine has it: what did not come from a peer is fetched or built here."""
        known = supply.archive and archive_ready(self._session.cache, supply.archive)
        return supply if known else replace(supply, archive="")


def make(order: MachineOrder) -> MachineAnswer:
    """Bring the environment of *order* to what it says, and return how it came out."""
    root, listener = order.place.root, _Listener()
    settings, session = _settled(order, listener)
    spec = EnvSpec(name=root, path=root, python=order.place.python, origin=root)
    many = ManySettings(run=settings, specs=(spec,), check=settings.check)
    run = MachineRun(order, many, session, listener)
    try:
        result = run.sync().environments[0]
    except PuffinError as error:
        result = EnvResult(name=root, path=root, python="", status=FAILED, error=error)
    except Exception as error:
        told = refused_by_system(error)
        if told is None:
            raise
        result = EnvResult(name=root, path=root, python="", status=FAILED, error=told)
    return MachineAnswer(
        result=replace(result, lines=partial(tuple, result.lines())), warnings=tuple(listener.warnings)
    )


def _settled(question: MachineOrder | RequirementsAsked, listener: _Listener) -> tuple[Settings, Session]:
    """Return settings and session on this machine, which reads the files that came with *question*."""
    settings = replace(question.settings, cache_dir=default_root(os.environ))
    session = session_of(settings, os.environ, listener, time.perf_counter())
    return settings, replace(session, files=question.files)


def choose_here(asked: RequirementsAsked) -> "MachineOrder | PuffinError":
    """Return the order for what is *asked*, with the interpreter of this machine, or why there is none."""
    listener, root = _Listener(), asked.place.root
    quiet = QuietReporter(listener)
    settings, session = _settled(asked, listener)
    spec = made_from(EnvSpec(name=root, path=root, origin=asked.main), asked.main)
    try:
        interpreter = Interpreters(session).of(replace(spec, python=asked.place.python))
        target = Target(name=root, spec=spec, place=asked.place, interpreter=interpreter)
        many = ManySettings(run=replace(settings, dry_run=True))
        choice = ForeignChoice([target], many, replace(session, reporter=quiet), quiet, lambda _archives: ())
        choice.sync()
    except PuffinError as error:
        return error
    failure = choice.errors.get(root)
    return failure or replace(
        choice.orders[root], settings=replace(choice.orders[root].settings, dry_run=False)
    )


def main() -> None:
    """Choose or make what the question on standard input is about; write the answer, pickled, to standard output."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what anything prints is no answer
    question: MachineOrder | RequirementsAsked = pickle.loads(sys.stdin.buffer.read())
    Cache(default_root(os.environ)).initialise()
    answer = choose_here(question) if isinstance(question, RequirementsAsked) else make(question)
    with open(answers, "wb") as out:
        pickle.dump(answer, out)


if __name__ == "__main__":
    main()
