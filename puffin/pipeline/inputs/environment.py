"""The inputs of an environment of a workspace: pins, a lock, or sources that have to be resolved first."""

import os

from puffin import depends
from puffin.artifact.urls import file_url
from puffin.errors import USAGE, PuffinError
from puffin.pipeline.inputs.inputs import Reading
from puffin.pipeline.workspace.specs import groups_of, known_lock, needs_lock, shared_lock, sources_of
from puffin.stages.resolve.requirements.plain import is_lock
from puffin.stages.resolve.requirements.values import SourceRequest
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.inputs.inputs import Inputs, Naming
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Settings
    from puffin.pipeline.workspace.specs import EnvSpec
    from puffin.stages.link.interpreter.interpreter import Interpreter
    from puffin.stages.resolve.projects.sources import Sources
    from puffin.stages.resolve.projects.values import Build


class NotLocked(PuffinError):
    """``--frozen`` was given, and the source of an environment has no lock."""

    exit_code = USAGE
    source: str
    lock: str

    def summary(self) -> str:
        """Return the first line."""
        if not self.lock:
            return f"With `--frozen`, `{self.source}` cannot be used: it is not pinned"
        return f"With `--frozen`, `{self.source}` needs its lock `{self.lock}`, which does not exist"


def read_spec(
    spec: "EnvSpec",
    settings: "Settings",
    interpreter: "Interpreter",
    session: "Session",
    *,
    frozen: bool,
    left_out: frozenset[str] = frozenset(),
    naming: "Naming | None" = None,
    build: "Build | None" = None,
) -> "Inputs | Sources":
    """Return the pins of an environment, or the sources that they have to be resolved from: its lock with *frozen*.

    Packages that are *left_out* are not to be installed. *naming* finds the names that only builds tell, and *build*
    the metadata of projects. Raises :class:`NotLocked`, and the errors of
    :class:`~puffin.pipeline.inputs.inputs.Reading`.
    """
    request = sources_of(spec, settings.constraint)
    reading = Reading(request, settings, session, naming=naming, build=build)
    if needs_lock(spec) and not frozen:
        sources = reading.sources()
        return replace(sources, virtual=(*sources.virtual, *left_out))
    if not frozen:
        return reading.inputs_or_sources(interpreter)
    if needs_lock(spec):
        lock = _lock_of(spec)
        constraints = () if is_lock(lock) else settings.constraint
        request = SourceRequest(files=(lock,), constraints=constraints)
        if lock == spec.uv_lock:  # which is for all members
            request = replace(request, extras=spec.extras, groups=groups_of(spec), packages=spec.packages)
        elif is_lock(lock):  # which has them for selection, or was written with them
            request = replace(request, extras=spec.extras, groups=groups_of(spec), selectable=True)
        found = Reading(request, settings, session, naming=naming).inputs(interpreter)
        pins = [pin for pin in found.pins if not left_out or pin.name not in left_out]
        if is_lock(lock):  # how the project itself is installed is not for a lock of all environments to say
            own = frozenset([file_url(os.path.dirname(path)) for path in (spec.project, *spec.members)])
            editable, shared = spec.editable and not settings.no_editable, lock == shared_lock(spec)
            pins = [
                replace(pin, editable=editable and (shared or pin.editable)) if pin.url in own else pin
                for pin in pins
            ]
        return replace(found, pins=tuple(pins))
    from puffin.stages.resolve.requirements.errors import UnpinnedRequirement

    try:
        return reading.inputs(interpreter)
    except UnpinnedRequirement:
        hints = ("pin it with `puffin pip compile`, or leave out `--frozen`",)
        raise NotLocked(source=os.path.relpath(request.files[0]), lock="", hints=hints) from None


def _lock_of(spec: "EnvSpec") -> str:
    """Return the lock of an environment, which was written for its extras and groups."""
    lock = known_lock(spec)
    if not depends.is_file(lock):
        source = os.path.relpath(spec.files[0])
        hints = (f"write it with `puffin lock {spec.name}`",)
        raise NotLocked(source=source, lock=os.path.relpath(lock), hints=hints)
    return lock
