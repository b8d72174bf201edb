"""Which bytecode an environment is to get, and which of it the cache has."""

from puffin.pipeline.plan_graph import Compiling
from puffin.stages.bytecode.layer import kind_of, layer_ready
from puffin.stages.unzip.ready import current_boot_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from puffin.cache.layout import Cache
    from puffin.pipeline.plan_graph import Supply
    from puffin.pipeline.plan_settings import Settings
    from puffin.stages.link.environment import Environment
    from puffin.stages.link.state import State

_LEVEL = 0  # of optimisation: what Python looks for when it is run without `-O`


def bytecode_kind(environment: "Environment", settings: "Settings") -> str:
    """Return the kind of bytecode that the environment is to have, ``""`` for none."""
    if not settings.compile_bytecode:
        return ""
    return kind_of(environment.interpreter.cache_tag, environment.interpreter.magic, _LEVEL)


def lacking(state: "State | None", kind: str) -> "set[str]":
    """Return what puffin installed without bytecode of this kind: it is put there again, with it."""
    if state is None or not kind:
        return set()
    return {each.name for each in state.distributions if each.archive and each.bytecode != kind}


def compiling(
    environment: "Environment", kind: str, supplies: "Iterable[Supply]", cache: "Cache"
) -> "Compiling | None":
    """Return what the tasks of *supplies* must know of bytecode; None where no *kind* is wanted."""
    if not kind:
        return None
    boot = current_boot_id()
    archives = [each.archive for each in supplies if each.archive]
    return Compiling(
        executable=environment.interpreter.base_executable,
        kind=kind,
        tag=environment.interpreter.cache_tag,
        level=_LEVEL,
        ready=frozenset([each for each in archives if layer_ready(cache, kind, each, boot)]),
    )
