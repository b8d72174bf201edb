"""Running a build backend's hooks for one source tree (PEP 517, PEP 660).

What is built, where and with what is decided by others; a ``HookJob`` says it. Both hooks that a goal
needs run in one process, under ``child.py``.
"""

import contextlib
import os
import sys

from puffin.cache.lock import Lock, lock_timeout
from puffin.errors import LimitReached, refused_by_system
from puffin.stages.build import failures
from puffin.stages.build.check import metadata_of, not_installable
from puffin.stages.build.environ import build_environ, without_nanny
from puffin.stages.build.failures import missing_requirements
from puffin.stages.build.job import EDITABLE, METADATA, HookAnswer, HookJob
from puffin.stages.build.supervisor import OutOfTime, Story, Supervisor, run_shared
from puffin.stages.unzip.errors import BadArchive
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any

_LOCK_SECONDS = 3600.0  # how long a build may keep another one of the same tree waiting


def run_hooks(job: HookJob) -> HookAnswer:
    """Run the hooks that the job's goal needs.

    Raises :class:`~puffin.stages.build.failures.BuildFailed` for a hook that fails, its kinds ``BuildTimedOut`` and
    ``BackendBroken``, and LockTimeout or LockFailed. However this ends, and however this process ends,
    no process of the build is left.
    """
    with _locked(job):
        try:
            os.makedirs(job.output, exist_ok=True)
            os.makedirs(os.path.dirname(job.log) or ".", exist_ok=True)
            return _Run(job).answer()
        except OutOfTime as late:
            raise failures.timed_out(job, late.entered) from None
        except OSError as error:
            limit = refused_by_system(error)
            raise (limit if isinstance(limit, LimitReached) else failures.not_started(job, error)) from error


def _locked(job: HookJob) -> "AbstractContextManager[object]":
    if not job.lock:
        return contextlib.nullcontext()
    seconds = lock_timeout(os.environ, job.timeout or _LOCK_SECONDS)
    return Lock(job.lock, what=f"the source tree `{job.tree}`", timeout=seconds)


class _Run:
    """One job on its way."""

    def __init__(self, job: HookJob) -> None:
        self._job = job
        self._environ = _environ(job)
        self._missing: tuple[str, ...] = ()

    def answer(self) -> HookAnswer:
        """Run the job and judge what it told."""
        story = self._shared()
        if story is None:
            self._missing = ()
            story = self._fresh()
        if story.status != 0:
            raise failures.failed(self._job, story)
        if self._missing:
            return HookAnswer(requires=self._missing)
        if "wheel" in story.message:
            return self._built(story)
        if "metadata" in story.message:
            path = self._result(story, "metadata", "METADATA")
            return HookAnswer(metadata=path)
        raise failures.failed(self._job, story)

    def _shared(self) -> "Story | None":
        job = self._job
        if not job.share or job.backend_path or not job.isolated:
            return None
        self._empty_log()
        return run_shared(
            key=(job.share, job.python, job.backend, tuple(sorted(self._environ.items()))),
            python=job.python,
            backend=job.backend,
            environ=self._environ,
            request=_request(job),
            answer=self._may_go_on,
            seconds=job.timeout,
        )

    def _fresh(self) -> Story:
        self._empty_log()
        log = os.open(self._job.log, os.O_WRONLY | os.O_APPEND)
        try:
            supervisor = Supervisor(self._job.python, "once", self._environ, errors=log)
        finally:
            os.close(log)
        try:
            supervisor.send(**_request(self._job))
            story = supervisor.follow(self._may_go_on, self._job.timeout)
        finally:
            status = supervisor.close()
        return replace(story, status=status or None) if story.status is None else story

    def _empty_log(self) -> None:
        os.close(os.open(self._job.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666))

    def _may_go_on(self, message: "dict[str, Any]") -> bool:
        installed = [(name, version) for name, version in message["installed"]]
        try:
            self._missing = missing_requirements(
                message["requires"], installed, message["markers"], self._job.requires
            )
        except ValueError as error:
            excerpt = str(error).splitlines()[1:2] or [""]
            text = f"`{message['hook']}` asks for `{excerpt[0].strip()}`, which is not a requirement (PEP 508)"
            raise failures.nonsense(self._job, message["hook"], text) from None
        return not self._missing

    def _built(self, story: Story) -> HookAnswer:
        wheel = self._result(story, "wheel")
        if not self._job.goal.endswith(METADATA):
            return HookAnswer(wheel=wheel)
        path = f"{wheel}.metadata"
        try:
            data = metadata_of(wheel)
        except BadArchive as error:
            raise not_installable(self._job.package, error) from None
        with open(path, "wb") as file:
            file.write(data)
        return HookAnswer(wheel=wheel, metadata=path)

    def _result(self, story: Story, kind: str, inner: str = "") -> str:
        """Return the path of what a hook says it has written."""
        name = story.message[kind]
        path = os.path.join(self._job.output, name, *filter(None, (inner,)))
        if not name or os.path.basename(name) != name or not os.path.isfile(path):
            text = f"`{story.entered}` returned `{name}`, and there is no such {kind} where it should be"
            raise failures.nonsense(self._job, story.entered, text)
        return path


def _environ(job: HookJob) -> "dict[str, str]":
    given = dict(job.environ) or os.environ
    if not job.environ and "distributed" in sys.modules:
        given = without_nanny(given)
    return build_environ(given, job.scripts, isolated=job.isolated)


def _request(job: HookJob) -> "dict[str, Any]":
    tree = os.path.abspath(job.tree)
    return {
        "tree": tree,
        "log": os.path.abspath(job.log),
        "output": os.path.abspath(job.output),
        "backend": job.backend,
        "backend_path": [os.path.normpath(os.path.join(tree, path)) for path in job.backend_path],
        "settings": settings_dict(job.config_settings),
        "editable": job.goal.startswith(EDITABLE),
        "metadata": job.goal.endswith(METADATA),
        "ask": job.isolated,
    }


def settings_dict(settings: "tuple[tuple[str, str], ...]") -> "dict[str, str | list[str]]":
    """Return config settings as hooks take them: a key that is given several times has a list."""
    found: dict[str, str | list[str]] = {}
    for key, value in settings:
        before = found.get(key)
        if before is None:
            found[key] = value
        else:
            found[key] = [*([before] if isinstance(before, str) else before), value]
    return found
