"""What a machine is asked for, as values that travel: an environment, and all that it is to hold."""

import os

from puffin.artifact.artifact import WHEEL, Artifact
from puffin.artifact.urls import digest
from puffin.pipeline.change.values import EnvResult
from puffin.pipeline.inputs.inputs import Inputs
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.tasks.supply import Supply
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.stages.link.commit.installplan import WantedDistribution
from puffin.stages.link.direct_url import direct_url_of
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.types import Sequence
from puffin.value import frozen, replace

_KEPT = (
    "link_mode", "path_conflict", "atomic", "compile_bytecode", "bytecode_mode", "reinstall", "reinstall_package",
    "verify", "allow_empty_requirements", "dry_run", "check", "offline", "no_build", "no_sources",
    "no_sources_package", "config_setting", "config_setting_package",
)  # fmt: skip


@frozen
class PlaceWanted:
    """Where an environment is to be on a machine: ``path`` as it was given, ``python`` as for ``--python``."""

    path: str
    python: str = ""

    @property
    def root(self) -> str:
        """The path on the machine that this is asked on: ``~`` and relative paths are its own."""
        return os.path.abspath(os.path.expanduser(self.path))


@frozen
class MachineOrder:
    """One environment on one machine. ``sources`` are pairs of an archive and the workers that have it.

    If it is ``driven``, somebody waits who brings what no worker gives.
    ``wanted`` is what the environment is to hold, ``supplies`` are where that comes from. ``inputs`` say where builds
    find what they need. ``target`` is the key of the interpreter that all of it is for (:func:`target_key`).
    """

    place: PlaceWanted
    target: str
    settings: Settings
    inputs: Inputs
    wanted: tuple[WantedDistribution, ...]
    supplies: tuple[Supply, ...]
    sources: tuple[tuple[str, tuple[str, ...]], ...] = ()
    version: str = ""
    driven: bool = False

    @property
    def archives(self) -> tuple[str, ...]:
        return tuple([each.archive for each in self.supplies if each.archive])


@frozen
class RequirementsAsked:
    """Requirements for which nothing is chosen yet. ``files`` are pairs of a path and its bytes, ``main`` is one path.

    Paths are those of another machine; what they mean here is beneath a directory of its own.
    """

    place: PlaceWanted
    settings: Settings
    main: str
    files: tuple[tuple[str, bytes], ...]

    def write(self, root: str) -> str:
        """Write the files beneath *root* and return the path of the main one."""
        for path, data in self.files:
            there = _beneath(root, path)
            os.makedirs(os.path.dirname(there), exist_ok=True)
            with open(there, "wb") as file:
                file.write(data)
        return _beneath(root, self.main)


def _beneath(root: str, path: str) -> str:
    return os.path.join(root, os.path.splitdrive(path)[1].lstrip("/\\"))


@frozen
class MachineAnswer:
    """How an environment came out on a machine; ``warnings`` are for the user.

    With archives in ``lacking`` nothing was done: no worker gave them.
    """

    result: EnvResult
    warnings: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


def target_key(interpreter: Interpreter) -> str:
    """Return a key that is equal for interpreters that all distributions are the same for."""
    return digest(repr((interpreter.tags, interpreter.markers, interpreter.abis)))


def machine_order(
    spec: EnvSpec, place: PlaceWanted, interpreter: Interpreter, settings: Settings, inputs: Inputs,
    supplies: Sequence[Supply], version: str,
) -> MachineOrder:  # fmt: skip
    """Return the order for *spec* at *place*, of settings that mean something on another machine."""
    sent = [replace(each, toolchain=None, made=None, source=None) for each in supplies]
    bytecode = settings.compile_bytecode if spec.compile_bytecode is None else spec.compile_bytecode
    own = {name: getattr(settings, name) for name in _KEPT}
    own |= {"link_mode": spec.link_mode or settings.link_mode, "compile_bytecode": bytecode}
    pins = tuple([(each.artifact.name, each.artifact.version) for each in sent])
    return MachineOrder(
        place=place,
        target=target_key(interpreter),
        settings=Settings(files=(), cache_dir="", **own),
        inputs=replace(inputs, pins=pins, plain=True, located=(), warnings=()),
        wanted=tuple([wanted_of(each.artifact, each.archive) for each in sent]),
        supplies=tuple(sent),
        version=version,
    )


def wanted_of(artifact: Artifact, archive: str) -> WantedDistribution:
    """Return what the plan compares of an artifact that was chosen; of one that a URL names, that URL."""
    if not artifact.direct_url:
        return WantedDistribution(name=artifact.name, version=artifact.version)
    if artifact.kind == WHEEL:
        url = direct_url_of(artifact.direct_url)
        return WantedDistribution(name=artifact.name, version="", url=url, archive=archive)
    return WantedDistribution(
        name=artifact.name, version="", url=artifact.url, direct_url=artifact.direct_url, source=artifact.source
    )
