"""The state of environments, found without changing anything and without the network."""

import os
from collections.abc import Sequence

from puffin.cache.layout import current_boot
from puffin.errors import PuffinError
from puffin.pipeline.change.environment import guarded
from puffin.pipeline.change.spec import NotThereYet, SpecRun
from puffin.pipeline.change.workplace import look_around, with_real_paths
from puffin.pipeline.inputs.environment import NotLocked, read_spec
from puffin.pipeline.inputs.inputs import Inputs
from puffin.pipeline.profile.read import EnvironmentOutcome, last_outcomes
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import DRIFTED, FAILED, UNCHANGED, UPDATED, Settings
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.stages.link.commit.damage import find_damage, lost_state
from puffin.stages.link.commit.recovery import broken_off
from puffin.stages.link.commit.state import read_state
from puffin.stages.link.environment.environment import Environment
from puffin.value import frozen, replace

MISSING, INTERRUPTED, NOT_LOCKED = "missing", "interrupted", "not locked"
NOT_MADE = "failed before"  # the last run could not bring it to what is asked, and it is not that now


@frozen
class Look:
    """What one environment is like: ``state`` in a word, and how many packages it is to hold and would change.

    ``error`` is why it cannot be judged, ``former`` why the last run over it failed.
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
    former: str = ""


def look_at(specs: "Sequence[EnvSpec]", settings: "Settings", session: "Session") -> "list[Look]":
    """Return what each environment is like; what is not pinned is judged by its lock, or by the last run."""
    interpreters, outcomes = Interpreters(session), last_outcomes(session.cache)
    runs = [SpecRun(spec, settings, session) for spec in specs]
    return [_with_outcome(_look(run, session, interpreters), run, outcomes.get(run.path)) for run in runs]


def _with_outcome(look: Look, run: SpecRun, outcome: EnvironmentOutcome | None) -> Look:
    """Return *look* as it agrees with the *outcome* of the last run."""
    if outcome is None:
        return look
    if outcome.status == FAILED and look.state in (MISSING, DRIFTED, NOT_LOCKED):
        return replace(look, state=NOT_MADE, former=outcome.error)
    succeeded = outcome.status in (UPDATED, UNCHANGED)
    if succeeded and look.state == NOT_LOCKED and _is_untouched(run, outcome.at):
        return replace(look, state=UNCHANGED, error=None)
    return look


def _is_untouched(run: SpecRun, since: float) -> bool:
    """Tell whether an environment is as it was made, and no file that it is made from changed *since*."""
    files = [file for file in (*run.spec.files, run.spec.project) if file]
    try:
        if run.missing or any(os.stat(file).st_mtime > since for file in files):
            return False
        place = seen(run.environment)
    except (OSError, PuffinError):
        return False
    known = place.state is not None and len(place.state.distributions) == len(place.present)
    return known and not place.damaged


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
