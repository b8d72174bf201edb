"""Resolving what is not pinned, for many environments: in a few children at once, which share pages and metadata."""

import time

from puffin.errors import PuffinError
from puffin.pipeline.forked_call import ForkedCall
from puffin.pipeline.plan_inputs import Inputs, index_config, kinds_of_files
from puffin.stages.resolve.pins import Pin
from puffin.value import astuple, from_tuple, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.plan_build_values import BuildSettings, Toolchain
    from puffin.pipeline.plan_compile_settings import CompileSettings
    from puffin.pipeline.plan_settings import Settings
    from puffin.stages.resolve.inputs import Sources
    from puffin.stages.resolve.platforms import Target
    from puffin.stages.resolve.solve.request import Preference, ResolveRequest
    from puffin.stages.resolve.solve.resolution import Resolved
    from puffin.stages.resolve.universe_index import IndexUniverse, Scope


@frozen
class Question:
    """What is to be resolved for one environment. ``kept`` are pins to prefer, ``network`` in its wire form.

    ``builds`` and ``toolchain`` say how metadata are built where nothing else tells them.
    """

    name: str
    settings: "Settings"
    sources: "Sources"
    target: "Target"
    kept: "tuple[Preference, ...]"
    network: "tuple[Any, ...]"
    builds: "BuildSettings"
    toolchain: "Toolchain"


def resolve_all(
    questions: "Sequence[Question]", cache: "Cache", jobs: int
) -> "dict[str, Inputs | PuffinError]":
    """Return what each question resolved to, or why it could not be, by name."""
    parts = [part for part in (list(questions[number::jobs]) for number in range(jobs)) if part]
    if parts:
        import puffin.pipeline.plan_build_workshop
        import puffin.stages.resolve.solve.resolve
        import puffin.stages.resolve.universe_index  # noqa: F401
    besides = [ForkedCall(lambda part=part: _answer(part, cache)) for part in parts]  # type: ignore[misc]
    found: dict[str, Inputs | PuffinError] = {}
    try:
        for part, beside in zip(parts, besides, strict=True):
            for question, answer in zip(part, beside.result(), strict=True):
                found[question.name] = _inputs(question, answer)
    finally:
        for beside in besides:
            beside.stop()
    return found


def _inputs(question: Question, answer: "Any") -> "Inputs | PuffinError":
    if isinstance(answer, bytes):
        import pickle

        error: PuffinError = pickle.loads(answer)
        return error
    pins, warnings = answer
    requirements = question.sources.requirements
    return Inputs(
        pins=tuple([from_tuple(Pin, each) for each in pins]),
        plain=False,
        config=index_config(question.settings, requirements),
        files=kinds_of_files(question.settings, requirements),
        require_hashes=question.settings.require_hashes,
        trusted_hosts=requirements.trusted_hosts,
        warnings=(*requirements.warnings, *warnings),
    )


def _answer(part: "Sequence[Question]", cache: "Cache") -> "list[Any]":
    """In a child: answer questions one after the other; those about the same world share one universe."""
    universes: dict[tuple[Any, ...], IndexUniverse] = {}
    answers: list[Any] = []
    try:
        for question in part:
            try:
                answers.append(_resolve(question, universes, cache))
            except PuffinError as error:
                import pickle

                answers.append(pickle.dumps(error))
    finally:
        for universe in universes.values():
            universe.close()
    return answers


def _resolve(
    question: Question, universes: "dict[tuple[Any, ...], IndexUniverse]", cache: "Cache"
) -> "tuple[list[Any], list[str]]":
    from puffin.stages.resolve.solve.resolve import resolve

    compile_settings = settings_of(question.settings)
    scope = scope_of(question, compile_settings)
    universe = universe_for(question, scope, universes, cache)
    resolution = resolve(request_for(question, compile_settings), universe)
    return [astuple(_pin(each)) for each in resolution.packages], list(resolution.warnings)


def universe_for(
    question: Question,
    scope: "Scope",
    universes: "dict[tuple[Any, ...], IndexUniverse]",
    cache: "Cache",
) -> "IndexUniverse":
    """Return the universe of *scope* for *question*, the same for the same; the caller closes all of them."""
    from puffin.pipeline.plan_build_workshop import MetadataBuilder, Workshop
    from puffin.stages.fetch.fetch import client_for
    from puffin.stages.resolve.universe_index import IndexUniverse

    hashes = tuple(sorted(scope.hashes.items()))
    toolchain, network = question.toolchain, question.network
    builder = (toolchain.key, toolchain.prefix if question.builds.shared else "", question.builds.prereleases)
    key = (
        scope.config,
        scope.tags,
        scope.python_version,
        scope.files,
        hashes,
        scope.exclude_newer,
        network,
        builder,
    )
    if key not in universes:
        workshop = Workshop(question.builds, cache)
        universes[key] = IndexUniverse(
            scope,
            client=client_for(network),
            cache=cache,
            build=MetadataBuilder(workshop, toolchain),
            checkout=workshop.checkout,
        )
    return universes[key]


def settings_of(run: "Settings") -> "CompileSettings":
    """Return the settings of a compilation that answers a question of this run."""
    from puffin.pipeline.plan_compile_settings import CompileSettings
    from puffin.stages.resolve.inputs_request import SourceRequest

    return CompileSettings(
        run=run,
        sources=SourceRequest(files=()),
        no_binary=run.no_binary,
        only_binary=run.only_binary,
        no_build=run.no_build,
    )


def scope_of(question: Question, settings: "CompileSettings") -> "Scope":
    """Return which files count for *question*."""
    from puffin.pipeline.plan_compile_request import demanded_hashes, file_policy
    from puffin.stages.resolve.universe_index import Scope

    run, requirements = question.settings, question.sources.requirements
    return Scope(
        config=index_config(run, requirements),
        tags=question.target.tags,
        python_version=question.target.python_version,
        now=time.time(),
        files=file_policy(settings, requirements),
        hashes=demanded_hashes(requirements),
        exclude_newer=settings.exclude_newer,
        refresh=False if run.offline else (run.refresh or frozenset(run.refresh_package)),
        offline=run.offline,
    )


def request_for(question: Question, settings: "CompileSettings") -> "ResolveRequest":
    """Return the request that the resolver answers."""
    from puffin.pipeline.plan_compile_request import request_of
    from puffin.stages.resolve.preferences import Upgrades

    return request_of(settings, question.sources, question.target, Upgrades(), question.kept)


def _pin(package: "Resolved") -> Pin:
    version = "" if package.url else package.version
    text = f"{package.name} @ {package.url}" if package.url else f"{package.name}=={version}"
    return Pin(
        name=package.name,
        version=version,
        url=package.url,
        hashes=package.hashes,
        editable=package.editable,
        config_settings=getattr(package.handle, "config_settings", ()) if package.url else (),
        text=text,
    )


def question_of(
    name: str,
    settings: "Settings",
    sources: "Sources",
    toolchain: "Toolchain",
    lock: str,
    environ: "Mapping[str, str]",
    compile_settings: "CompileSettings | None" = None,
) -> Question:
    """Return the question about an environment; the pins of its *lock*, if there is one, are preferred.

    *toolchain* is what it is for, and builds what has to be built to answer it. Reads ``--build-constraint`` files.
    """
    from puffin.pipeline.plan_build_settings import build_settings
    from puffin.pipeline.plan_compile_request import file_policy
    from puffin.pipeline.plan_network import network_of
    from puffin.stages.resolve.platforms import target_of
    from puffin.stages.resolve.preferences import read_preferences
    from puffin.stages.resolve.reqfile import read_file

    asked = compile_settings or settings_of(settings)
    requirements = sources.requirements
    network = network_of(settings, environ, requirements.trusted_hosts)
    builds = build_settings(
        settings,
        environ,
        config=index_config(settings, requirements),
        network=network,
        files=file_policy(asked, requirements),
        prereleases="allow" if requirements.pre else asked.prerelease,
        exclude_newer=asked.exclude_newer,
    )
    return Question(
        name=name,
        settings=settings,
        sources=sources,
        target=target_of(toolchain.interpreter, python_version="", python_platform=""),
        kept=read_preferences(lock, read=read_file, environ=environ) if lock else (),
        network=network,
        builds=builds,
        toolchain=toolchain,
    )
