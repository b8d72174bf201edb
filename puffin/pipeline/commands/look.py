"""The state of environments, found without changing anything and without the network."""

from collections.abc import Sequence

from puffin.cache.layout import current_boot
from puffin.errors import PuffinError
from puffin.pipeline.change.environment import guarded
from puffin.pipeline.change.spec import NotThereYet, SpecRun
from puffin.pipeline.change.workplace import look_around, with_real_paths
from puffin.pipeline.inputs.environment import NotLocked, read_spec
from puffin.pipeline.inputs.inputs import Inputs
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import DRIFTED, FAILED, UNCHANGED, Settings
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.stages.link.commit.damage import find_damage, lost_state
from puffin.stages.link.commit.recovery import broken_off
from puffin.stages.link.commit.state import read_state
from puffin.stages.link.environment.environment import Environment
from puffin.value import frozen

MISSING, INTERRUPTED, NOT_LOCKED = "missing", "interrupted", "not locked"


@frozen
class Look:
    """What one environment is like: ``state`` in a word, and how many packages it is to hold and would change.

    If it is not locked, ``packages`` are those that it holds.
    """

    name: str
    path: str
    python: str
    state: str
    packages: int = 0
    changes: int = 0
    files: tuple[str, ...] = ()
    error: "PuffinError | None" = None


def look_at(specs: "Sequence[EnvSpec]", settings: "Settings", session: "Session") -> "list[Look]":
    """Return what each environment is like; what is not pinned is judged by its lock."""
    interpreters = Interpreters(session)
    return [_look(SpecRun(spec, settings, session), session, interpreters) for spec in specs]


def _look(run: SpecRun, session: "Session", interpreters: Interpreters) -> Look:
    def take(run: SpecRun) -> None:
        run.find(interpreters)
        found = read_spec(run.spec, run.settings, run.environment.interpreter, session, frozen=True)
        assert isinstance(found, Inputs)
        run.inputs = found
        run.use(NotThereYet(run.environment) if run.missing else seen(run.environment))
        run.make_plan()

    guarded(run, take)
    known = run.error is None
    return Look(
        name=run.name,
        path=run.path,
        python=run.environment.interpreter.version_text if hasattr(run, "environment") else "",
        state=_state(run),
        packages=len(run.inputs.pins) if known else _installed(run),
        changes=len(run.plan.install) + len(run.plan.remove) if known else 0,
        files=run.spec.files,
        error=run.error,
    )


def _installed(run: SpecRun) -> int:
    """Return how many packages an environment has that is not locked."""
    there = isinstance(run.error, NotLocked) and hasattr(run, "environment") and not run.missing
    return len(seen(run.environment).present) if there else 0


def seen(environment: "Environment") -> NotThereYet:
    """Return the contents of an environment, read without locking it."""
    place = NotThereYet(with_real_paths(environment))
    state = read_state(environment.root)
    place.present, _ = look_around(place.environment, state)
    place.state = state or lost_state(place.environment, place.present)
    if place.state is not None:
        rebooted = state is None or state.boot != current_boot()
        place.damaged, _ = find_damage(place.environment.purelib, place.state, everywhere=rebooted)
        place.archives = {each.name: each.archive for each in place.state.distributions}
        place.sources = {each.name: each.source for each in place.state.distributions}
    return place


def _state(run: SpecRun) -> str:
    if isinstance(run.error, NotLocked):
        return NOT_LOCKED
    if run.error is not None:
        return FAILED
    if run.missing:
        return MISSING
    if broken_off(run.path):
        return INTERRUPTED
    return UNCHANGED if run.plan.nothing_to_do else DRIFTED
