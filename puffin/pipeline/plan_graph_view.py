"""The task graph of a sync into an empty environment: planned as a sync would, and not run."""

import os

from puffin.cache.layout import Cache
from puffin.cache.usage import shared
from puffin.pipeline.plan_bytecode import bytecode_kind, compiling
from puffin.pipeline.plan_graph import Linking, sync_tasks
from puffin.pipeline.plan_inputs import check_files, read_inputs, requested
from puffin.pipeline.plan_locate import Search
from puffin.pipeline.plan_network import network_of
from puffin.pipeline.plan_settings import Settings
from puffin.pipeline.plan_target import target_interpreter
from puffin.stages.artifact import WHEEL
from puffin.stages.link.files import HARDLINK
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from puffin.pipeline.plan_settings import Reporter
    from puffin.pipeline.task import Task
    from puffin.stages.link.interpreter import Interpreter

DEFAULT_FILE = "requirements.txt"


@frozen
class Target:
    """What stands for an environment that is not there: the interpreter that it would have."""

    interpreter: "Interpreter"


def planned_tasks(settings: Settings, reporter: "Reporter", environ: "Mapping[str, str]") -> "list[Task]":
    """Return the tasks of a sync of *settings* into an empty environment, given what the cache has.

    Builds are there as far as they are known before they run: what a source needs to be built is read after its fetch.

    No environment is needed, and none is looked at. Raises the errors of reading requirements and of locating.
    """
    if not settings.files and os.path.isfile(DEFAULT_FILE):
        settings = replace(settings, files=(DEFAULT_FILE,))
    check_files(settings.files, command="graph")
    cache = Cache(settings.cache_dir)
    interpreter = target_interpreter(settings.python, environ, cache)
    inputs = read_inputs(requested(settings), settings, interpreter, environ)
    for warning in inputs.warnings:
        reporter.warn(warning)
    target: Any = Target(interpreter=interpreter)
    names = [pin[0] if inputs.plain else pin.name for pin in inputs.pins]
    network = network_of(settings, environ, inputs.trusted_hosts)
    with shared(cache):
        search = Search(
            inputs,
            names,
            settings=settings,
            cache=cache,
            environment=target,
            network=network,
            environ=environ,
        )
        try:
            found = search.found()
        finally:
            search.stop()
    for warning in found.warnings:
        reporter.warn(warning)
    supplies = sorted(found.supplies, key=lambda each: each.artifact.name)
    builds = None
    if any(each.artifact.kind != WHEEL for each in supplies):
        from puffin.pipeline.plan_build_settings import build_settings
        from puffin.pipeline.plan_build_values import Toolchain
        from puffin.pipeline.plan_build_workshop import Workshop

        told = build_settings(settings, environ, config=inputs.config, network=network, files=inputs.files)
        workshop, toolchain = Workshop(told, cache), Toolchain(interpreter)
        supplies = [workshop.settled(replace(each, toolchain=toolchain)) for each in supplies]
        builds = workshop.builds()
    linking = Linking(
        transaction="plan",
        directory="",
        target=(),
        mode=settings.link_mode or HARDLINK,
        compiling=compiling(target, bytecode_kind(target, settings), supplies, cache),
    )
    return sync_tasks(enumerate(supplies), linking, cache_root=cache.root, network=network, builds=builds)
