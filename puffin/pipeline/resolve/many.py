"""Resolutions for many environments, in a few children at once, which share pages and metadata."""

import time

from puffin.errors import PuffinError
from puffin.pipeline.builds.session import BuildSession
from puffin.pipeline.builds.settings import BuildSeams, builds_of
from puffin.pipeline.inputs.inputs import Inputs
from puffin.pipeline.inputs.resolution import ResolutionSetup, resolved, setup_of
from puffin.pipeline.run.forked_call import ForkedCall
from puffin.stages.resolve.locate.platforms import target_for
from puffin.stages.resolve.output.earlier import read_preferences
from puffin.stages.resolve.requirements.errors import HashesMissing
from puffin.stages.resolve.requirements.values import Pin
from puffin.stages.resolve.universe.kept import KeptUniverse
from puffin.stages.resolve.universe.place import pin_of
from puffin.value import astuple, from_tuple, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from puffin.pipeline.builds.values import BuildSettings
    from puffin.pipeline.request.builds import Toolchain
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Settings
    from puffin.stages.resolve.output.earlier import Upgrades
    from puffin.stages.resolve.projects.sources import Sources


@frozen
class Question:
    """The resolution for one environment; ``builds`` and ``toolchain`` decide how metadata are built for it."""

    name: str
    setup: ResolutionSetup
    settings: "Settings"
    sources: "Sources"
    builds: "BuildSettings"
    toolchain: "Toolchain"


def resolve_all(
    questions: "Sequence[Question]", session: "Session", jobs: int
) -> "dict[str, Inputs | PuffinError]":
    """Return the answer or the error of each question, by name."""
    parts = [part for part in (list(questions[number::jobs]) for number in range(jobs)) if part]
    besides = [ForkedCall(lambda part=part: _answer(part, session)) for part in parts]  # type: ignore[misc]
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
    hashed = question.settings.require_hashes or requirements.require_hashes
    found = tuple([from_tuple(Pin, each) for each in pins])
    if hashed and (bare := tuple([each.name for each in found if not each.hashes])):
        return HashesMissing(names=bare)
    return Inputs(
        pins=found,
        config=question.setup.config,
        files=question.setup.files,
        trusted_hosts=requirements.trusted_hosts,
        warnings=(*requirements.warnings, *warnings),
    )


def _answer(part: "Sequence[Question]", session: "Session") -> "list[Any]":
    """In a child: answer questions one after the other; those about the same world share one universe."""
    answers: list[Any] = []
    with Universes(session) as universes:
        for question in part:
            try:
                resolution = resolved(question.setup, universes.of(question))
                answers.append(
                    ([astuple(pin_of(each)) for each in resolution.packages], list(resolution.warnings))
                )
            except PuffinError as error:
                import pickle

                answers.append(pickle.dumps(error))
    return answers


class Universes:
    """The universes of many set-ups: the same for those about the same world. A context manager, which closes all."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._known: dict[tuple[Any, ...], KeptUniverse] = {}

    def __enter__(self) -> "Universes":
        return self

    def __exit__(self, *error: object) -> None:
        for universe in self._known.values():
            universe.close()

    def of(self, question: Question) -> "KeptUniverse":
        setup, builds, toolchain = question.setup, question.builds, question.toolchain
        scope = setup.scope
        world = (
            scope.config,
            scope.tags,
            scope.python_version,
            scope.files,
            tuple(sorted(scope.hashes.items())),
        )
        builder = (toolchain.key, toolchain.prefix if builds.shared else "", builds.prereleases)
        key = (*world, scope.exclude_newer, setup.network, builder)
        if key not in self._known:
            seams = BuildSeams(builds, lambda: BuildSession(builds, self._session), lambda: toolchain)
            self._known[key] = seams.universe(setup, self._session.cache)
        return self._known[key]


def question_of(
    name: str,
    settings: "Settings",
    sources: "Sources",
    toolchain: "Toolchain",
    lock: str,
    session: "Session",
    upgrades: "Upgrades | None" = None,
    *,
    installs: bool,
) -> Question:
    """Return the question about an environment; the pins of its *lock*, if there is one, are preferred.

    *toolchain* is what it is for, and builds what has to be built to answer it; *installs* is as in
    ``ResolutionSetup``. Reads ``--build-constraint`` files.
    """
    setup = setup_of(
        settings,
        sources,
        session,
        now=time.time(),
        upgrades=upgrades,
        target=target_for(toolchain.interpreter),
        preferences=read_preferences(lock, read=session.read, environ=session.environ) if lock else (),
        installs=installs,
    )
    return Question(
        name=name,
        setup=setup,
        settings=settings,
        sources=sources,
        builds=builds_of(setup, settings, session),
        toolchain=toolchain,
    )
