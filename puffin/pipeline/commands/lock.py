"""Locking many environments: the sources of each are resolved and its lock is written. Universes are shared."""

import os
import time
from collections.abc import Callable, Sequence
from difflib import unified_diff
from itertools import combinations
from typing import Any

from puffin import meter
from puffin.cache.atomic import read
from puffin.cache.usage import make_room, shared
from puffin.errors import PuffinError
from puffin.names import printable
from puffin.pipeline.builds.first_answer import say_silent
from puffin.pipeline.builds.projects import Projects
from puffin.pipeline.change.values import EnvResult
from puffin.pipeline.graph.record import phase
from puffin.pipeline.inputs.inputs import Reading
from puffin.pipeline.inputs.resolution import resolved, setup_of
from puffin.pipeline.request.builds import Toolchain, toolchain_with
from puffin.pipeline.request.scheduler import warn_if_silent
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import FAILED, UNCHANGED, UPDATED, CompileSettings, Line
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.resolve.compilation import answer_for, warnings_of
from puffin.pipeline.resolve.many import Question, Universes, question_of
from puffin.pipeline.resolve.output import listed, output_text
from puffin.pipeline.workspace.specs import EnvSpec, groups_of, known_lock, lock_of, shared_lock, sources_of
from puffin.stages.resolve.output.earlier import read_preferences, read_upgrades
from puffin.stages.resolve.output.target import write_output
from puffin.stages.resolve.output.values import Listed
from puffin.stages.resolve.projects.values import Build
from puffin.stages.resolve.requirements.errors import RequirementsConflict
from puffin.stages.resolve.requirements.values import Entry, SourceRequest
from puffin.stages.resolve.solve.errors import NoSolution, UserDemand
from puffin.stages.resolve.solve.request import Preference, Resolution
from puffin.value import frozen, replace

_SHOWN = 10  # differing lines of a lock


@frozen
class LockSettings:
    """What a run was asked for: ``compile`` as a compilation, for each environment of *specs*, which have a lock.

    ``known`` are all environments of the configuration: some of them may share a lock with those of *specs*.
    """

    specs: "tuple[EnvSpec, ...]"
    known: "tuple[EnvSpec, ...]" = ()
    compile: "CompileSettings"
    consistent: bool = False
    check: bool = False


class SharedLockContradiction(PuffinError):
    """The constraints of two environments that share a lock exclude each other.

    ``limits`` are the constraints, one of each environment of ``names``, with their places.
    """

    sentence = "Failed to lock `{first}` and `{second}` together: their constraints exclude each other"
    lock: str
    first: str
    second: str
    limits: tuple[str, ...]
    hints: tuple[str, ...] = ("change one of the constraints",)

    def details(self) -> tuple[str, ...]:
        return (f"Both environments have the lock `{self.lock}`.", *self.limits)


@frozen
class Written:
    """What came of a lock: the number of its packages, whether it changed or would, and what of it."""

    packages: int
    changed: bool
    lines: "tuple[Line, ...]" = ()


def lock(settings: LockSettings, session: "Session") -> "tuple[EnvResult, ...]":
    """Lock all environments; return the results in their order. Errors of single environments are among them."""
    return _LockRun(settings, session).run()


class _LockRun:
    """One run over environments that have a lock."""

    def __init__(self, settings: LockSettings, session: "Session") -> None:
        self._specs = settings.specs
        self._settings = settings
        self._session = session
        self._interpreters = Interpreters(session)
        self._upgrades = read_upgrades(settings.compile.upgrade, settings.compile.upgrade_package)
        self._projects = Projects(session)
        self._questions: dict[str, Question] = {}
        self._failed: dict[str, PuffinError] = {}
        self._universes = Universes(session)
        self._agreed: dict[tuple[Any, ...], tuple[Entry, ...]] = {}
        self._results: dict[str, EnvResult] = {}
        self._written: dict[str, Written] = {}
        self._sharers: dict[tuple[str, tuple[str, ...]], list[EnvSpec]] = {}
        for each in {each.name: each for each in (*settings.known, *settings.specs)}.values():
            self._sharers.setdefault((self._lock_of(each), each.requirements), []).append(each)

    def run(self) -> "tuple[EnvResult, ...]":
        make_room(self._session.cache)
        meter.share()
        with shared(self._session.cache), self._universes:
            with phase("read requirements"):
                for spec in self._specs:
                    self._guarded(spec, self._read)
            with phase("resolve"):
                if self._settings.consistent:
                    self._agree()
                meter.expect("lock", len(self._specs) if len(self._specs) > 1 else 0)
                for spec in self._specs:
                    with meter.at("lock", spec.name):
                        self._guarded(spec, self._lock)
        if not self._failed:
            warn_if_silent(self._settings.compile.run.remote, self._session.reporter.warn)
        say_silent(self._settings.compile.run.remote_cache, self._session)
        return tuple([self._results[spec.name] for spec in self._specs])

    def _guarded(self, spec: "EnvSpec", step: "Callable[[EnvSpec], None]") -> None:
        if spec.name in self._results:
            return
        lock = self._lock_of(spec)
        try:
            if lock not in self._failed:
                step(spec)
        except PuffinError as error:
            self._failed[lock] = self._explained(spec, error)
        if lock in self._failed:
            self._note(spec, FAILED, error=self._failed[lock])

    def _explained(self, spec: "EnvSpec", error: PuffinError) -> PuffinError:
        """Return an error that names two environments if their constraints are the reason of *error*, else that."""
        sharing = self._sharing(spec)
        if len(sharing) < 2 or not isinstance(error, (NoSolution, RequirementsConflict)):
            return error
        shown = (
            error.demands
            if isinstance(error, NoSolution)
            else [UserDemand(text=text, origin=origin) for text, origin in error.requirements]
        )
        involved = {(each.text, each.origin): each for each in shown}
        limits = [(each, involved.keys() & self._limits_of(each)) for each in sharing]
        for (first, own), (second, other) in combinations(limits, 2):
            if own - other and other - own:
                pairs = ((first, min(own - other)), (second, min(other - own)))
                return SharedLockContradiction(
                    lock=os.path.relpath(self._lock_of(spec)),
                    first=first.name,
                    second=second.name,
                    limits=tuple(
                        [
                            f"`{each.name}` ({each.origin}) has {involved[limit].worded()}."
                            for each, limit in pairs
                        ]
                    ),
                    causes=(error,),
                )
        return error

    def _limits_of(self, spec: "EnvSpec") -> "set[tuple[str, str]]":
        """Return the constraints of one environment, with their places."""
        reading = Reading(
            self._request([spec]), self._settings.compile.run, self._session, build=self._builder(spec)
        )
        constraints = reading.sources(several=self._settings.compile.is_for_several).requirements.constraints
        return {(each.text, each.origin) for each in constraints}

    def _note(
        self,
        spec: "EnvSpec",
        status: str,
        *,
        packages: int = 0,
        error: "PuffinError | None" = None,
        lines: tuple[Line, ...] = (),
    ) -> None:
        question = self._questions.get(spec.name)
        self._results[spec.name] = EnvResult(
            name=spec.name,
            path=self._lock_of(spec),
            python=_python(question) if question else "",
            status=status,
            packages=packages,
            error=error,
            lines=lambda: lines,
            seconds=time.perf_counter() - self._session.started,
        )

    def _read(self, spec: "EnvSpec") -> None:
        first, *others = self._sharing(spec)
        if spec.name != first.name and first.name in self._questions:
            self._questions[spec.name] = self._questions[first.name]
            return
        run, several = self._settings.compile.run, self._settings.compile.is_for_several
        request = self._request((first, *others))
        build, markers = self._builder(first), self._markers(first)
        sources = Reading(request, run, self._session, build=build, markers=markers).sources(several=several)
        question = question_of(
            spec.name,
            run,
            sources,
            self._oldest((first, *others)) if several and not sources.pythons else self._toolchain(first),
            self._lock_of(spec) if self._is_selectable(spec) else known_lock(spec),
            self._session,
            self._upgrades,
            installs=False,
        )
        question = replace(question, builds=replace(question.builds, several=several))
        self._questions[spec.name] = self._questions[first.name] = question
        for warning in warnings_of(self._settings.compile, sources, _python(question)):
            self._session.reporter.warn(f"{warning} (`{spec.name}`)")

    def _sharing(self, spec: "EnvSpec") -> "list[EnvSpec]":
        """Return the environments that share the lock of one, in the order of the configuration."""
        return self._sharers[self._lock_of(spec), spec.requirements]

    def _request(self, specs: "Sequence[EnvSpec]") -> SourceRequest:
        """Return the request for all that environments which share a lock are made from."""
        requests = [sources_of(each, self._settings.compile.run.constraint) for each in specs]
        united = {
            key: tuple(dict.fromkeys(each for own in requests for each in getattr(own, key)))
            for key in ("files", "constraints", "tree")
        }
        request = replace(requests[0], **united)
        return (
            replace(request, extras=(), groups=(), selectable=True)
            if self._is_selectable(specs[0])
            else request
        )

    def _oldest(self, specs: "Sequence[EnvSpec]") -> "Toolchain":
        """Return the toolchain of the oldest Python, from which on a lock has to hold for all of *specs*."""
        return min(map(self._toolchain, specs), key=lambda each: each.interpreter.version)

    def _is_selectable(self, spec: "EnvSpec") -> bool:
        """Tell whether a lock is to have all extras and groups of its project, for selection."""
        return bool(self._settings.compile.is_for_several and spec.project)

    def _lock_of(self, spec: "EnvSpec") -> str:
        return shared_lock(spec) if self._is_selectable(spec) else lock_of(spec)

    def _toolchain(self, spec: "EnvSpec") -> "Toolchain":
        return toolchain_with(self._interpreters.of(spec))

    def _markers(self, spec: "EnvSpec") -> "Callable[[], dict[str, str]]":
        return lambda: dict(self._toolchain(spec).interpreter.markers)

    def _builder(self, spec: "EnvSpec") -> "Build":
        """Return what tells the metadata of a project where only a build does."""
        return self._projects.builder(self._settings.compile.run, lambda: self._toolchain(spec))

    def _agree(self) -> None:
        """Resolve all that is wanted for one target together, so that a package has one version everywhere.

        What was agreed on for one target is preferred for the next.
        """
        agreed: tuple[Preference, ...] = ()
        for key, names in self._targets().items():
            questions = [self._questions[name] for name in names]
            try:
                union = self._union(questions, agreed)
                resolution = resolved(union.setup, self._universes.of(union))
            except PuffinError as error:
                for spec in self._specs:
                    if spec.name in names:
                        self._note(spec, FAILED, error=error)
                continue
            self._agreed[key] = _limits(resolution)
            known = {each.name for each in agreed}
            fresh = [each for each in resolution.packages if not each.url and each.name not in known]
            agreed += tuple([Preference(name=each.name, version=each.version) for each in fresh])

    def _targets(self) -> "dict[tuple[Any, ...], list[str]]":
        targets: dict[tuple[Any, ...], list[str]] = {}
        for name, question in self._questions.items():
            if name not in self._results:
                targets.setdefault(_target_key(question), []).append(name)
        return targets

    def _union(self, questions: "Sequence[Question]", agreed: "tuple[Preference, ...]") -> Question:
        """Return the question about all that any of *questions* wants. What their locks agree on is preferred."""
        first = questions[0]
        entries = tuple([entry for each in questions for entry in each.sources.requirements.entries])
        limits = tuple([entry for each in questions for entry in each.sources.requirements.constraints])
        requirements = replace(first.sources.requirements, entries=entries, constraints=limits)
        shared = {
            key: tuple(dict.fromkeys(each for question in questions for each in getattr(question.sources, key)))
            for key in ("overrides", "reached", "virtual")
        }
        kept: dict[str, Preference] = {each.name: each for each in agreed}
        for question in questions:
            for each in question.setup.preferences:
                kept.setdefault(each.name, each)
        setup = setup_of(
            self._settings.compile.run,
            replace(first.sources, requirements=requirements, **shared),
            self._session,
            now=first.setup.now,
            upgrades=self._upgrades,
            target=first.setup.target,
            preferences=tuple(kept.values()),
        )
        return replace(first, name="", setup=setup)

    def _lock(self, spec: "EnvSpec") -> None:
        lock = self._lock_of(spec)
        if lock not in self._written:  # by another environment, which shares it
            self._written[lock] = self._locked(self._sharing(spec), lock)
        own = self._written[lock]
        self._note(spec, UPDATED if own.changed else UNCHANGED, packages=own.packages, lines=own.lines)

    def _locked(self, specs: "Sequence[EnvSpec]", lock: str) -> "Written":
        """Write or check the lock of environments."""
        spec = specs[0]
        question = self._questions[spec.name]
        limits = self._agreed.get(_target_key(question), ())
        setup = replace(question.setup, constraints=(*question.setup.constraints, *limits))
        answer = answer_for(
            self._settings.compile,
            setup,
            question.sources,
            question.toolchain.interpreter,
            lambda own: self._universes.of(replace(question, setup=own)),
        )
        for warning in answer.resolution.warnings:
            self._session.reporter.warn(f"{warning} (`{spec.name}`)")
        locked = lock.endswith(".toml")
        settings = replace(
            self._settings.compile,
            output_file=lock,
            header=f"puffin lock {spec.name}",
            default_groups=_default_groups(specs, question.sources.groups),
            shared=self._is_selectable(spec),
        )
        packages = listed(answer, question.sources, settings, locked=locked)
        text = output_text(packages, settings, question.sources, answer, locked=locked).encode()
        count = len({each.name for each in packages})
        if not self._settings.check:
            return Written(packages=count, changed=write_output(lock, text))
        former = read(lock)
        if former == text:
            return Written(packages=count, changed=False)
        pins = read_preferences(lock, read=self._session.read, environ=self._session.environ)
        lines = pin_changes(pins, packages) or text_difference((former or b""), text)
        return Written(packages=count, changed=True, lines=lines)


def _default_groups(specs: "Sequence[EnvSpec]", known: "Sequence[str]") -> tuple[str, ...]:
    """Return those groups of a lock with selection that all its environments have."""
    sharing = [set(groups_of(spec)) for spec in specs]
    return tuple([each for each in known if all(each in own for own in sharing)])


def pin_changes(former: "Sequence[Preference]", packages: "Sequence[Listed]") -> tuple[Line, ...]:
    """Return a line for each pin that would go (``-``) or come (``+``), sorted by name."""
    before = {(each.name, each.version) for each in former}
    after = {(each.name, each.version) for each in packages if each.direct is None}
    gone = [Line(sign="-", name=name, version=version) for name, version in before - after]
    come = [Line(sign="+", name=name, version=version) for name, version in after - before]
    return tuple(sorted([*gone, *come], key=lambda line: (line.name, line.sign != "-", line.version)))


def text_difference(former: bytes, text: bytes) -> tuple[Line, ...]:
    """Return the first lines of two texts that differ."""
    before, after = (each.decode("utf-8", "replace").splitlines() for each in (former, text))
    found = [line for line in [*unified_diff(before, after, n=0, lineterm="")][2:] if line[:2] != "@@"]
    lines = [Line(sign=line[0], name=printable(line[1:]), version="") for line in found[:_SHOWN]]
    more = [Line(sign="~", name=f"and {len(found) - _SHOWN} more lines", version="")] if found[_SHOWN:] else []
    return (*lines, *more)


def _python(question: Question) -> str:
    return question.setup.target.python_version


def _target_key(question: Question) -> "tuple[Any, ...]":
    scope = question.setup.scope
    return scope.tags, scope.python_version, scope.config


def _limits(resolution: "Resolution") -> "tuple[Entry, ...]":
    return tuple(
        [
            Entry(
                name=each.name,
                text=f"{each.name}=={each.version}",
                specifier=f"=={each.version}",
                file="--consistent",
            )
            for each in resolution.packages
            if not each.url
        ]
    )
