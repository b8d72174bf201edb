"""What a machine is asked for, as values that travel: an environment, and all that it is to hold."""

import os

from puffin.artifact.urls import digest
from puffin.pipeline.change.values import EnvResult
from puffin.pipeline.inputs.inputs import Inputs
from puffin.pipeline.request.settings import NetworkOptions, Settings
from puffin.pipeline.tasks.supply import Supply
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.stages.link.commit.installplan import WantedDistribution, wanted_of
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.stages.resolve.requirements.file import absolute_path
from puffin.types import Callable, Sequence
from puffin.value import frozen, replace

Files = tuple[tuple[str, bytes], ...]

_NOWHERE = Settings(files=(), cache_dir="")
# the settings that concern this machine alone: all others hold on each machine
STAYS = (
    "files", "cache_dir", "where", "executor", "remote", "remote_cache", "jobs", "dashboard", "dashboard_linger",
    "uv_file", "constraint", "override",
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
    find what they need, ``files`` are the files of ``--build-constraint`` as pairs of a path and its bytes.
    ``target`` is the key of the interpreter that all of it is for (:func:`target_key`).
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
    files: "Files" = ()

    @property
    def archives(self) -> tuple[str, ...]:
        return tuple([each.archive for each in self.supplies if each.archive])


@frozen
class RequirementsAsked:
    """Requirements for which nothing is chosen yet. ``files`` are pairs of a path and its bytes, ``main`` is one path.

    Paths are those of another machine, whose files are read in place of those that are here.
    """

    place: PlaceWanted
    settings: Settings
    main: str
    files: "Files"


class RecordedFiles:
    """Reads files by *read* and remembers what they hold, so that it can travel."""

    def __init__(self, read: "Callable[[str], bytes]") -> None:
        self._read = read
        self._known: dict[str, bytes] = {}

    def read(self, path: str) -> bytes:
        """Return what a file holds. Raises what reading it raises."""
        found = self._known[path] = self._read(path)
        return found

    @property
    def files(self) -> "Files":
        """The files that were read, as pairs of a path and its bytes, by their paths."""
        return tuple(sorted(self._known.items()))


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


def travelling(settings: Settings, spec: EnvSpec) -> Settings:
    """Return the settings of *spec* as they hold on another machine: all but those in :data:`STAYS`.

    Of the network, certificates, proxies and the keyring are those of each machine. Paths of build constraints are
    absolute.
    """
    own = settings.network
    bytecode = settings.compile_bytecode if spec.compile_bytecode is None else spec.compile_bytecode
    return replace(
        settings,
        **{name: getattr(_NOWHERE, name) for name in STAYS},
        network=NetworkOptions(trusted_host=own.trusted_host, timeout=own.timeout, retries=own.retries),
        link_mode=spec.link_mode or settings.link_mode,
        compile_bytecode=bytecode,
        build_constraint=tuple(map(absolute_path, settings.build_constraint)),
    )


def machine_order(
    spec: EnvSpec, place: PlaceWanted, interpreter: Interpreter, settings: Settings, inputs: Inputs,
    supplies: Sequence[Supply], version: str, files: "Files" = (),
) -> MachineOrder:  # fmt: skip
    """Return the order for *spec* at *place*, of settings that are :func:`travelling`, with the *files* they name."""
    sent = [replace(each, toolchain=None, made=None, source=None) for each in supplies]
    pins = tuple([(each.artifact.name, each.artifact.version) for each in sent])
    return MachineOrder(
        place=place,
        target=target_key(interpreter),
        settings=settings,
        inputs=replace(inputs, pins=pins, plain=True, located=(), warnings=()),
        wanted=tuple([wanted_of(each.artifact, each.archive) for each in sent]),
        supplies=tuple(sent),
        version=version,
        files=files,
    )
