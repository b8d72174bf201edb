"""What environments are like, without changing anything or asking anybody."""

import os

from puffin.pipeline.change.environment import guarded
from puffin.pipeline.change.spec import NotThereYet, SpecRun
from puffin.pipeline.change.workplace import look_around, settled
from puffin.pipeline.inputs.environment import NotLocked, read_spec
from puffin.pipeline.inputs.inputs import Inputs
from puffin.pipeline.request.settings import DRIFTED, FAILED, UNCHANGED
from puffin.stages.link.commit.damage import find_damage
from puffin.stages.link.commit.stamps import JOURNAL, current_boot
from puffin.stages.link.commit.state import read_state
from puffin.stages.link.commit.transaction import home_of
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.errors import PuffinError
    from puffin.pipeline.request.settings import Settings
    from puffin.pipeline.workspace.specs import EnvSpec
    from puffin.stages.link.environment.environment import Environment

MISSING, INTERRUPTED, NOT_LOCKED = "missing", "interrupted", "not locked"


@frozen
class Look:
    """What one environment is like: ``state`` in a word, and how many packages it is to hold and would change."""

    name: str
    path: str
    python: str
    state: str
    packages: int = 0
    changes: int = 0
    files: tuple[str, ...] = ()
    error: "PuffinError | None" = None


def look_at(
    specs: "Sequence[EnvSpec]",
    settings: "Settings",
    cache: "Cache",
    environ: "Mapping[str, str]",
    interpreter: "Any",
) -> "list[Look]":
    """Return what each environment is like; what is not pinned is judged by its lock."""
    return [_look(SpecRun(spec, settings, cache, environ), environ, interpreter) for spec in specs]


def _look(site: SpecRun, environ: "Mapping[str, str]", interpreter: "Any") -> Look:
    def take(site: SpecRun) -> None:
        site.find(interpreter)
        found = read_spec(site.spec, site.settings, site.environment.interpreter, environ, frozen=True)
        assert isinstance(found, Inputs)
        site.inputs = found
        site.use(NotThereYet(site.environment) if site.missing else seen(site.environment))
        site.make_plan()

    guarded(site, take)
    known = site.error is None
    return Look(
        name=site.name,
        path=site.path,
        python=site.environment.interpreter.version_text if hasattr(site, "environment") else "",
        state=_state(site),
        packages=len(site.inputs.pins) if known else 0,
        changes=len(site.plan.install) + len(site.plan.remove) if known else 0,
        files=site.spec.files,
        error=site.error,
    )


def seen(environment: "Environment") -> NotThereYet:
    """Return what is in an environment, looked at without its lock."""
    place = NotThereYet(settled(environment))
    place.state = read_state(environment.root)
    place.present, _ = look_around(place.environment, place.state)
    if place.state is not None:
        rebooted = place.state.boot != current_boot()
        place.damaged, _ = find_damage(place.environment.purelib, place.state, everywhere=rebooted)
        place.archives = {each.name: each.archive for each in place.state.distributions}
        place.sources = {each.name: each.source for each in place.state.distributions}
    return place


def _state(site: SpecRun) -> str:
    if isinstance(site.error, NotLocked):
        return NOT_LOCKED
    if site.error is not None:
        return FAILED
    if site.missing:
        return MISSING
    if os.path.exists(f"{home_of(site.path)}/{JOURNAL}"):
        return INTERRUPTED
    return UNCHANGED if site.plan.nothing_to_do else DRIFTED
