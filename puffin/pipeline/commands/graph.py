"""The task graph of a sync into an empty environment: planned but not run."""

import os

from puffin.artifact.artifact import WHEEL
from puffin.cache.usage import shared
from puffin.pipeline.builds.session import BuildSession
from puffin.pipeline.builds.settings import build_settings
from puffin.pipeline.find.search import Search, SearchRequest
from puffin.pipeline.graph.task import Key, Task
from puffin.pipeline.inputs.inputs import Reading, check_files, requested
from puffin.pipeline.request.builds import Toolchain
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.request.where import target_interpreter
from puffin.pipeline.tasks.bytecode import bytecode_kind, compiling
from puffin.pipeline.tasks.supply import loads_of, many_tasks, supplied
from puffin.value import replace

DEFAULT_FILE = "requirements.txt"


def planned_tasks(settings: Settings, session: "Session") -> "list[Task]":
    """Return the tasks of a sync of *settings* into an empty environment with the present cache.

    Builds are there as far as they are known before they run: what a source needs to be built is read after its fetch.

    No environment is needed, and none is looked at. Raises the errors of reading requirements and of locating.
    """
    if not settings.files and os.path.isfile(DEFAULT_FILE):
        settings = replace(settings, files=(DEFAULT_FILE,))
    check_files(settings.files, command="graph")
    cache = session.cache
    interpreter = target_interpreter(settings.where.python, session)
    inputs = Reading(requested(settings), settings, session).inputs(interpreter)
    for warning in inputs.warnings:
        session.reporter.warn(warning)
    names = frozenset([pin[0] if inputs.plain else pin.name for pin in inputs.pins])
    network = session.network.wire(inputs.trusted_hosts)
    request = SearchRequest(
        inputs=inputs, names=names, tags=interpreter.tags, python=interpreter.version_text, network=network
    )
    with shared(cache):
        search = Search([request], settings=settings, session=session)
        try:
            search.finish()
        finally:
            search.stop()
    for warning in search.warnings:
        session.reporter.warn(warning)
    supplies = sorted(search.supplies(), key=lambda each: each.artifact.name)
    made: dict[Key, tuple[Task, ...]] = {}
    if any(each.artifact.kind != WHEEL for each in supplies):
        building = build_settings(settings, session, config=inputs.config, network=network, files=inputs.files)
        build_session, toolchain = BuildSession(building, session), Toolchain(interpreter)
        builds = build_session.builds()
        for number, each in enumerate(supplies):
            supply, tasks_of_it = supplied(build_session.settled(replace(each, toolchain=toolchain)), builds)
            supplies[number] = supply
            if supply.made:
                made[supply.made] = tasks_of_it
    compiling_ = compiling(interpreter, bytecode_kind(interpreter, settings), supplies, cache)
    tasks, _links = many_tasks(
        loads_of([dict(enumerate(supplies))]),
        lambda _use: (),
        run="plan",
        cache_root=cache.root,
        network=lambda _load: network,
        made=made,
        compilings={0: compiling_} if compiling_ else {},
    )
    return tasks
