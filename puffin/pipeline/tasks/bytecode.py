"""The bytecode that an environment should have, and the part of it that is in the cache."""

import os

from puffin import depends
from puffin.cache.layout import Bucket, Cache, current_boot
from puffin.cache.pruned import pruned, pruned_layer
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.tasks.supply import Compiling, Load, Supply
from puffin.reasons import NOT_COMPILED, OLDER_BYTECODE, OTHER_BYTECODE, Reason
from puffin.stages.bytecode.layer import interpreter_kind, layer_ready, manifest_path
from puffin.stages.link.commit.state import State
from puffin.stages.link.files import TREE
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.types import Callable, Iterable, Mapping, Sequence

LEVEL = 0  # of optimisation: what Python looks for when it is run without `-O`

_NOT_COMPILED = Reason(kind=NOT_COMPILED)


def bytecode_kind(interpreter: "Interpreter", settings: "Settings") -> str:
    """Return the kind of bytecode that an environment of *interpreter* is to have, ``""`` for none.

    A sealed tree has bytecode, because Python could not write any there.
    """
    if not settings.compile_bytecode and settings.link_mode != TREE:
        return ""
    return interpreter_kind(interpreter.cache_tag, interpreter.magic, LEVEL, settings.bytecode_mode)


def without_bytecode(state: "State | None", kind: str) -> "set[str]":
    """Return the distributions that were installed without bytecode of this kind; they are reinstalled with it."""
    if state is None or not kind:
        return set()
    return {each.name for each in state.distributions if each.archive and each.bytecode != kind}


def compiling(
    interpreter: "Interpreter", kind: str, supplies: "Iterable[Supply]", cache: "Cache"
) -> "Compiling | None":
    """Return how the tasks of *supplies* compile bytecode; None if no *kind* is wanted."""
    if not kind:
        return None
    boot = current_boot()
    archives = [each.archive for each in supplies if each.archive]
    return Compiling(
        executable=interpreter.base_executable,
        kind=kind,
        tag=interpreter.cache_tag,
        level=LEVEL,
        ready=frozenset([each for each in archives if layer_ready(cache, kind, each, boot)]),
    )


def why_uncompiled(cache: "Cache") -> "Callable[[str, str], Reason]":
    """Return what tells why the cache lacks the bytecode of an archive of a kind.

    The archive is empty if its hash is not known.
    """
    kinds = depends.names(cache.path(Bucket.PYC))

    def why(archive: str, kind: str) -> Reason:
        if not archive or not kinds:
            return pruned(cache, pruned_layer(kind, archive), otherwise=_NOT_COMPILED)
        if os.path.exists(manifest_path(cache, kind, archive)):
            return Reason(kind=OLDER_BYTECODE)
        for other in kinds:
            if other != kind and os.path.exists(manifest_path(cache, other, archive)):
                return Reason(kind=OTHER_BYTECODE, before=other, now=kind)
        return pruned(cache, pruned_layer(kind, archive), otherwise=_NOT_COMPILED)

    return why


def to_compile(loads: "Sequence[Load]", compilings: "Mapping[int, Compiling]") -> "list[Supply]":
    """Return the supplies that are to be compiled: work for every core, as fetching and unzipping is."""
    return [
        load.supply
        for load in loads
        if any(
            use.site in compilings and load.supply.archive not in compilings[use.site].ready
            for use in load.uses
        )
    ]
