"""The remote cache of a change: a process beside the run asks it, and uploads to it after the commits.

The process starts with the search for files. Until the cache has given a first answer, nothing asks it for anything and
the index serves. For files, a run waits for that answer a twentieth of the time that it takes without, so a cache that
is dead or slow costs less than it could save. For builds it waits as long as the answer may take. A server that falls
silent later has the same part of the run, or twice the seconds of its first answer; then the index serves again.
"""

import os
import time
from collections import Counter
from functools import partial
from threading import active_count

from puffin.artifact.artifact import WHEEL, Artifact, expected_sha256
from puffin.cache.atomic import remove_tree
from puffin.pipeline.builds.first_answer import say_unused, taken_over
from puffin.pipeline.change.values import RemoteTally
from puffin.pipeline.graph.record import current, phase
from puffin.pipeline.graph.task import DONE, resolve_function
from puffin.pipeline.run.forked_workers import ForkedWorkers, WorkerAnswer
from puffin.pipeline.tasks.remote import RemotePlan, asks_remote, growth_with_remote, with_remote
from puffin.pipeline.tasks.supply import BUILD, COMPILE, FETCH, UNZIP
from puffin.stages.build.job import LACKS, METADATA
from puffin.stages.remote.signature import signer_of
from puffin.stages.remote.values import (
    HIT,
    MISS,
    PACK,
    RemoteCache,
    Uploaded,
    Uploads,
    await_answer,
    grace,
    is_silent,
    leave_alone,
    left_alone,
    waiting_for_upload,
)
from puffin.value import astuple, from_tuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from puffin.pipeline.graph.ledger import Grow
    from puffin.pipeline.graph.task import Outcome, Task
    from puffin.pipeline.request.session import Session
    from puffin.stages.build.kept import SoughtBuild
    from puffin.stages.remote.values import Told

_ANSWERS = {
    "begin": "puffin.stages.remote.service:warm_up",
    "probe": "puffin.stages.remote.service:probe",
    "present": "puffin.stages.remote.service:present",
    "builds": "puffin.stages.remote.builds:builds",
    "layers": "puffin.stages.remote.bytecode:layers",
    "upload": "puffin.stages.remote.upload:upload",
}
_PROBE = 4  # what part of its patience the first answer has by HTTP
_LAST_CHANCE = 0.1  # seconds that it has in any case, where it is waited for as long as it may take
_TO_BEGIN = 10.0  # seconds, in which a driver has to be loaded
_FILE = 0.008  # seconds that each takes at least without the cache
_A_LOOK = 0.001  # seconds
_LONGER = 2  # times the first answer, that a later one may take in any case


class RemoteRun:
    """What a run does with its remote cache."""

    def __init__(self, settings: RemoteCache, session: "Session") -> None:
        self._session = session
        self._told: list[Told] = []
        self._has_answered = False
        self._took = 0.0  # seconds of the first answer
        self._deadline = 0.0  # of the first answer where the index serves meanwhile
        pending = taken_over(settings, session)  # a resolution asks already
        self._was_wanted = pending is not None  # something was to be asked
        self._was_awaited = False  # the first answer has had all the time that it may take
        self._known: frozenset[str] = frozenset()
        self._wheels: set[str] = set()
        self._layers: set[tuple[str, str]] = set()
        self._archives: set[str] = set()
        self._unhashed: set[str] = set()  # tasks that got a pack, or what another process stored
        self.uploaded = Uploaded()
        signer_of(session.environ)  # a key that cannot be used is an error of the user, and not a miss
        session.cache.initialise()
        os.makedirs(settings.room, exist_ok=True)  # a resolution may have left lists there
        self._settings = settings
        self._network = session.network.wire()
        self._problem = left_alone(settings)  # somebody else said so
        await_answer(settings)
        self._workers = self._started()
        self._asked_at = time.time()
        self._begun = self._workers.ask("begin", None, "") if self._workers else None
        self._probe = self._workers.ask("probe", None, "") if self._workers else pending
        if self._workers:
            self._workers.send()

    def _started(self) -> "ForkedWorkers | None":
        if not hasattr(os, "fork") or active_count() > 1 or self._problem:
            return None
        serve = {kind: partial(self._here, kind) for kind in _ANSWERS}
        try:
            return ForkedWorkers(serve, lambda: lambda work: work(), 1)
        except OSError:
            return None

    def _asked(self, kind: str, question: "Any", seconds: float) -> "Any":
        """Return what the process beside the run answers in time, None if it does not."""
        if self._workers is None:
            return self._here(kind, question)
        answer = self._workers.ask(kind, question, "")
        return self._waited(answer, seconds)

    def _here(self, kind: str, question: "Any") -> "Any":
        """Answer a question in this process; what that takes is imported now."""
        function, settings = resolve_function(_ANSWERS[kind]), self._settings
        if kind == "builds" and self._has_limit:
            settings = replace(settings, silence=settings.patience / _PROBE)
        return function(astuple(settings), self._network, self._session.cache.root, question)

    @property
    def _has_limit(self) -> bool:
        """Whether others serve if the cache falls silent; the driver of a bucket tells nothing of what has come."""
        return self._settings.is_http and not self._settings.waits

    def _waited(self, answer: "WorkerAnswer", seconds: float) -> "Any":
        if answer.within(seconds):
            return answer.result()
        self._give_up("it does not answer in time")
        return None

    def _give_up(self, problem: str) -> None:
        """Leave the cache alone from now on, and say so once."""
        if self._problem or not problem:
            return
        self._problem = problem
        leave_alone(self._settings, problem)
        say_unused(self._settings, problem, self._session)

    def _is_usable(self, seconds: float) -> bool:
        """Tell whether the cache has answered, for which this waits some *seconds* at most."""
        if not (self._has_answered or self._problem):
            if self._probe is None:
                self._hear(self._here("probe", None))
            elif self._probe.within(max(seconds, _A_LOOK)):
                self._hear(self._probe.result())
        return self._has_answered and not self._problem

    def _hear(self, said: "tuple[str, float] | None") -> None:
        """Take the first answer; it is None from a process that was lost."""
        self._has_answered = True
        problem, self._took = said or ("the process that asks it was lost", 0.0)
        self._give_up(problem)

    def _grace(self, seconds: float) -> float:
        """Return how long the first answer is waited for before work that takes so many *seconds* without it."""
        if self._settings.waits:
            return self._left()
        self._was_wanted = True
        now = time.time()
        self._deadline = self._deadline or now + grace(self._session.began, seconds)
        return self._deadline - now

    def _limited(self, seconds: float) -> RemoteCache:
        """Return the cache for tasks that take so many *seconds* without it, with a limit for silence."""
        if not self._has_limit:
            return self._settings
        took = self._took if self._has_answered else time.time() - self._asked_at
        return replace(self._settings, silence=max(grace(self._session.began, seconds), _LONGER * took))

    def _left(self) -> float:
        """Return how many seconds the first answer still has; what the process took to import does not count.

        Who waits for it does so once: the next one only looks.
        """
        self._was_wanted = True
        if self._was_awaited:
            return 0.0
        self._was_awaited = True
        begun = self._begun
        began = begun.result() if begun is not None and begun.within(_TO_BEGIN) else None
        patience = self._settings.waits or self._settings.patience / (_PROBE if self._settings.is_http else 1)
        return max(_LAST_CHANCE, patience - (time.time() - (began or time.time())))

    def look(self, artifacts: "Iterable[Artifact]") -> None:
        """Ask which of these wheels the cache has, all at once, for who takes them from nowhere else."""
        hashes = {expected_sha256(each) for each in artifacts if each.kind == WHEEL} - {""}
        if hashes and self._must_be_usable():
            said = self._asked("present", sorted(hashes), self._settings.patience * (2 + len(hashes) // 4))
            if said is None:
                return
            found, problem = said
            self._known = frozenset(found)
            self._give_up(problem)
            self._told += [("wheels", MISS, "absent", 0, 0.0, "") for each in hashes.difference(found)]

    def _must_be_usable(self) -> bool:
        """Tell the same where nothing else serves: a cache that does not answer in time is given up then."""
        if not self._is_usable(self._left()):
            self._give_up("it does not answer in time")
        return not self._problem

    def bring_builds(self, builds: "Sequence[tuple[SoughtBuild, bool]]") -> None:
        """Put the wheels that others built of these sources to the kept builds, except those that are *known* here."""
        sought = [each for each, known in builds if not known]
        if not sought:
            return
        with phase("ask the remote cache"):
            if not self._is_usable(self._left()):  # a build takes longer than any first answer
                return
            seconds = self._settings.patience * (2 + len(sought) // 4)
            said = self._asked("builds", [astuple(each) for each in sought], seconds)
        self._tell(said or ())

    def has(self, artifact: Artifact) -> bool:
        """Tell whether the cache said that it has this wheel."""
        return expected_sha256(artifact) in self._known

    def bring_layers(self, wanted: "Sequence[tuple[str, str, str]]") -> None:
        """Publish the layers of bytecode that the cache has of *wanted*: kinds, archives, endings of names."""
        if wanted and self._is_usable(self._left()):
            seconds = self._settings.patience * (2 + len(wanted) // 4)
            self._tell(self._asked("layers", list(wanted), seconds) or ())

    @property
    def problem(self) -> str:
        """Why the cache is not used any more, ``""`` while it is."""
        return self._problem

    def planned(
        self, tasks: "Sequence[Task]", grow: "Grow", *, only: bool = False
    ) -> "tuple[list[Task], Grow]":
        """Return tasks, and a growth, that ask the cache first; with *only*, wheels come from nowhere else."""
        seconds = _FILE * sum(1 for task in tasks if asks_remote(task))
        if seconds:
            with phase("ask the remote cache"):
                self._is_usable(self._grace(seconds))
        if self._problem and not only:
            return list(tasks), grow
        remote = self._settings if only else self._limited(seconds)
        plan = RemotePlan(remote=astuple(remote), network=self._network, only=only)
        return [with_remote(each, plan) for each in tasks], growth_with_remote(grow, plan)

    def took(self, task: "Task", outcome: "Outcome") -> None:
        """Take note of an outcome: what the cache told, and what is to be uploaded."""
        if outcome.remote:
            self._tell([outcome.remote])
        if outcome.status != DONE or not self._settings.write:
            return
        arguments = dict(task.arguments)
        if task.stage == BUILD and outcome.result[0] not in (LACKS, METADATA):
            self._wheels.add(outcome.result[1])
        elif task.stage == FETCH and (PACK in outcome.result or None in outcome.result):
            self._unhashed.add(task.key[1])
        elif task.stage == UNZIP and "built" in arguments:
            self._wheels.add(arguments["built"][1])
        elif task.stage == UNZIP and task.key[1] not in self._unhashed:
            self._archives.add(outcome.result)
        elif task.stage == COMPILE and outcome.remote[1:2] != (HIT,):
            self._layers.add((arguments["kind"], outcome.result))

    def _tell(self, told: "Iterable[Any]") -> None:
        for each in told:
            self._told.append(tuple(each))
            if each[5]:
                self._is_usable(0)  # the first answer tells more
                self._give_up(each[5])

    def begin_uploads(self) -> "Callable[[], None]":
        """Start the uploads beside the run; return what waits for them, which takes no longer than they may."""
        uploads = Uploads(
            builds=tuple(sorted(self._wheels)),
            layers=tuple(sorted(self._layers)),
            archives=tuple(sorted(self._archives)),
        )
        wanted = any(astuple(uploads)) or waiting_for_upload(self._settings.room)
        usable = self._is_usable(self._left() if wanted and not self._problem else 0)
        late = not usable and self._was_wanted and (self._begun is None or self._begun.done)
        if late or (self._has_answered and (is_silent(self._settings) or left_alone(self._settings))):
            self._give_up("it does not answer in time")
            usable = False
        if not (usable and wanted):
            return _nothing
        if self._workers is None:
            return lambda: self._end_uploads(self._here("upload", astuple(uploads)))
        answer = self._workers.ask("upload", astuple(uploads), "")
        self._workers.send()

        def end() -> None:
            with phase("upload"):
                self._end_uploads(answer.result() if answer.within(self._settings.upload_seconds + 1) else None)

        return end

    def _end_uploads(self, said: "tuple[Any, ...] | None") -> None:
        if said is None:
            self._give_up("the uploads did not end in time")
            return
        self.uploaded = from_tuple(Uploaded, said)
        if self.uploaded.problem:
            self._give_up(f"it takes no uploads ({self.uploaded.problem})")

    def tallies(self) -> "tuple[RemoteTally, ...]":
        """Return what the cache came to, by layers."""
        return tallies_of(self._told)

    def close(self) -> None:
        """Write what it came to into the record of the run, and let the process go."""
        record = current()
        if record is not None:
            for each in self.tallies():
                record.remote(each.layer, each.hits, dict(each.misses), each.bytes, each.seconds)
            if self.uploaded.objects:
                record.remote("uploads", self.uploaded.objects, {}, self.uploaded.bytes, self.uploaded.seconds)
        if self._workers is not None:
            self._workers.close()
        remove_tree(self._settings.room)


def _nothing() -> None:
    """Wait for nothing."""


def tallies_of(told: "Iterable[Told]") -> "tuple[RemoteTally, ...]":
    """Return what was told, by layers."""
    layers: dict[str, list[Told]] = {}
    for each in told:
        layers.setdefault(each[0], []).append(each)
    return tuple(
        [
            RemoteTally(
                layer=layer,
                hits=sum(1 for each in rows if each[1] == HIT),
                misses=tuple(sorted(Counter(each[2] for each in rows if each[1] != HIT).items())),
                bytes=sum(each[3] for each in rows),
                seconds=sum(each[4] for each in rows),
            )
            for layer, rows in sorted(layers.items())
        ]
    )
