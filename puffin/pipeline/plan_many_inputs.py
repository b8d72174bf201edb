"""What an environment of a workspace is made from: pins, a lock, or sources that have to be resolved first."""

import os

from puffin import depends
from puffin.errors import USAGE, PuffinError
from puffin.pipeline.plan_inputs import Inputs, index_config, kinds_of_files, read_inputs, with_names
from puffin.pipeline.plan_workspace_locks import is_source, lock_of, needs_lock
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.pipeline.plan_inputs import Naming
    from puffin.pipeline.plan_settings import Settings
    from puffin.pipeline.plan_workspace_specs import EnvSpec
    from puffin.stages.link.interpreter import Interpreter
    from puffin.stages.resolve.inputs import Build, Sources


class NotLocked(PuffinError):
    """``--frozen`` was given, and what an environment is made from has no lock."""

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
    environ: "Mapping[str, str]",
    *,
    frozen: bool,
    naming: "Naming | None" = None,
    build: "Build | None" = None,
) -> "Inputs | Sources":
    """Return the pins of an environment, or the sources that they have to be resolved from.

    *naming* finds the names that only builds tell, and *build* the metadata of projects.
    """
    markers = dict(interpreter.markers)
    if spec.pylock:
        return read_lock(spec.pylock, spec, settings, interpreter)
    if frozen and needs_lock(spec):
        return _frozen(spec, settings, interpreter, environ, naming)
    if spec.plain_file and not needs_lock(spec):
        found = _plain(settings, markers, environ)
        if found is not None:
            return found
    return _read(spec, settings, markers, frozen=frozen, environ=environ, naming=naming, build=build)


def _plain(settings: "Settings", markers: "Mapping[str, str]", environ: "Mapping[str, str]") -> Inputs | None:
    from puffin.stages.resolve.simple import simple_pins

    depends.file(settings.files[0])
    try:
        with open(settings.files[0], "rb", buffering=0) as file:
            if simple_pins(file.read()) is None:
                return None
    except OSError:
        return None
    return read_inputs(settings, markers, environ)


def _frozen(
    spec: "EnvSpec",
    settings: "Settings",
    interpreter: "Interpreter",
    environ: "Mapping[str, str]",
    naming: "Naming | None",
) -> Inputs:
    lock = lock_of(spec)
    if not depends.is_file(lock):
        source = os.path.relpath(spec.files[0])
        hints = (f"write it with `puffin lock {spec.name}`",)
        raise NotLocked(source=source, lock=os.path.relpath(lock), hints=hints)
    if lock.endswith(".toml"):
        return read_lock(lock, spec, settings, interpreter)
    return read_inputs(replace(settings, files=(lock,)), dict(interpreter.markers), environ, naming)


def _read(
    spec: "EnvSpec",
    settings: "Settings",
    markers: "Mapping[str, str]",
    *,
    frozen: bool,
    environ: "Mapping[str, str]",
    naming: "Naming | None",
    build: "Build | None",
) -> "Inputs | Sources":
    from puffin.stages.resolve.inputs import read_sources
    from puffin.stages.resolve.locate_name import check_names, named
    from puffin.stages.resolve.pins import select_pins
    from puffin.stages.resolve.reqconflicts import UnpinnedRequirement
    from puffin.stages.resolve.reqfile import read_file

    sources = read_sources(sources_of(spec), read=read_file, environ=environ, build=build)
    if spec.project or any(is_source(path) for path in spec.requirements):
        return sources
    requirements = with_names(named(sources.requirements), settings, naming)
    hashes = settings.require_hashes or requirements.require_hashes
    try:
        selection = select_pins(requirements, markers=markers, require_hashes=hashes)
    except UnpinnedRequirement:
        if frozen:
            hints = ("pin it with `puffin pip compile`, or leave out `--frozen`",)
            raise NotLocked(source=os.path.relpath(spec.files[0]), lock="", hints=hints) from None
        return sources
    check_names(selection.pins)
    return Inputs(
        pins=selection.pins,
        plain=False,
        config=index_config(settings, requirements),
        files=kinds_of_files(settings, requirements),
        require_hashes=hashes,
        trusted_hosts=requirements.trusted_hosts,
        warnings=(*requirements.warnings, *selection.warnings),
    )


def sources_of(spec: "EnvSpec") -> "SourceRequest":
    """Return what is to be read for an environment that is not made from a lock."""
    from puffin.stages.resolve.inputs_request import SourceRequest

    groups = [group if ":" in group else f"{spec.project}:{group}" for group in spec.groups]
    return SourceRequest(
        files=spec.requirements or (spec.project,),
        constraints=spec.constraints,
        extras=spec.extras,
        groups=tuple(groups),
    )


def read_lock(path: str, spec: "EnvSpec", settings: "Settings", interpreter: "Interpreter") -> Inputs:
    """Return what a ``pylock.toml`` (PEP 751) locks for an interpreter, as pins."""
    from puffin.pipeline.plan_many_pylock import pins_of_lock

    config = index_config(settings, None)
    pins, warnings = pins_of_lock(path, interpreter, extras=spec.extras, groups=spec.groups)
    return Inputs(
        pins=pins,
        plain=False,
        config=config,
        files=kinds_of_files(settings, None),
        require_hashes=False,
        trusted_hosts=(),
        warnings=warnings,
    )


if TYPE_CHECKING:
    from puffin.stages.resolve.inputs_request import SourceRequest
