"""Running a build backend's hooks for one source tree (PEP 517, PEP 660).

What is built, where and with what is decided by others; a ``HookJob`` says it. Both hooks that a goal
needs run in one process, under ``child.py``.
"""

import contextlib
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from puffin.cache.lock import Lock, lock_timeout
from puffin.errors import LimitReached, refused_by_system
from puffin.names import normalise, printable, same_version
from puffin.stages.build import failures
from puffin.stages.build.failures import WrongWheel, missing_requirements
from puffin.stages.build.job import EDITABLE, METADATA, HookAnswer, HookJob
from puffin.stages.build.supervisor import OutOfTime, Story, Supervisor, run_shared
from puffin.stages.resolve.locate.tags import mismatch, priorities, rank
from puffin.stages.unzip.errors import BadArchive, Refused, bad_archive
from puffin.stages.unzip.unzip import read_metadata
from puffin.stages.unzip.wheelfile import check_metadata, parse_filename
from puffin.value import replace

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
        """Run the job and judge its report."""
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
    return build_environ(given, job.scripts, isolated=job.isolated, ceiling=job.ceiling)


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


# For puffin and its kin alone; many hold credentials.
_PRIVATE = ("PUFFIN_", "PIP_", "UV_")

# What makes an interpreter find other modules, or behave otherwise, than the build environment says.
_INTERPRETER = frozenset(
    (
        "PYTHONBREAKPOINT",
        "PYTHONCASEOK",
        "PYTHONDEBUG",
        "PYTHONDEVMODE",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONEXECUTABLE",
        "PYTHONHOME",
        "PYTHONINSPECT",
        "PYTHONNOUSERSITE",
        "PYTHONOPTIMIZE",
        "PYTHONPATH",
        "PYTHONPLATLIBDIR",
        "PYTHONPROFILEIMPORTTIME",
        "PYTHONSAFEPATH",
        "PYTHONSTARTUP",
        "PYTHONTRACEMALLOC",
        "PYTHONUSERBASE",
        "PYTHONVERBOSE",
        "PYTHONWARNINGS",
        "VIRTUAL_ENV",
        "VIRTUAL_ENV_PROMPT",
        "__PYVENV_LAUNCHER__",
    )
)

# Set by git for its hooks: they would make a backend take its version from another repository.
_GIT = frozenset(("GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE"))

# What distributed's nanny writes into the environment of its workers (distributed.nanny.pre-spawn-environ).
_NANNY = (
    ("PYTHONHASHSEED", "6640"),
    ("MALLOC_TRIM_THRESHOLD_", "65536"),
    ("OMP_NUM_THREADS", "1"),
    ("MKL_NUM_THREADS", "1"),
    ("OPENBLAS_NUM_THREADS", "1"),
)


def build_environ(
    environ: "Mapping[str, str]", scripts: str = "", *, isolated: bool = True, ceiling: str = ""
) -> "dict[str, str]":
    """Return the environment for a build, from that of the user, *environ*.

    *scripts* is the directory of the build environment's scripts: it comes first on PATH. A build that is not
    *isolated* keeps the variables that Python goes by. Compilers, flags, proxies, certificates, HOME, TMPDIR,
    ``SOURCE_DATE_EPOCH`` and ``PYTHONHASHSEED`` are left as they are. Git looks for no repository in *ceiling*, nor
    above.
    """
    kept = {name: value for name, value in environ.items() if _is_kept(name, isolated)}
    if scripts:
        path = kept.get("PATH") or os.defpath
        kept["PATH"] = f"{scripts}{os.pathsep}{path}"
    if scripts and isolated:
        kept["VIRTUAL_ENV"] = os.path.dirname(scripts)
    if isolated:
        kept["PYTHONNOUSERSITE"] = "1"
    kept["PYTHONUNBUFFERED"] = "1"
    if ceiling:
        ceilings = kept.get("GIT_CEILING_DIRECTORIES")
        kept["GIT_CEILING_DIRECTORIES"] = f"{ceilings}{os.pathsep}{ceiling}" if ceilings else ceiling
    return kept


def _is_kept(name: str, isolated: bool) -> bool:
    if name.startswith(_PRIVATE) or name in _GIT:
        return False
    return not (isolated and name in _INTERPRETER)


def without_nanny(environ: "Mapping[str, str]") -> "dict[str, str]":
    """Return *environ*, that of a worker of distributed, without what its nanny has written there."""
    return {name: value for name, value in environ.items() if (name, value) not in _NANNY}


def metadata_of(path: str) -> bytes:
    """Return METADATA of the wheel at *path*; BadArchive for one that could not be installed."""
    with open(path, "rb") as file:
        data = file.read()
    return read_metadata(data, os.path.basename(path))


def check_built_wheel(
    path: str, *, package: str, name: str, version: str, tags: "tuple[str, ...]"
) -> "tuple[str, str]":
    """Return the name (normalised) and the version (as METADATA spells it) of the built wheel at *path*.

    *package* is what errors call it; *name* and *version* are what is known of what was built, empty for what
    is not; *tags* are those that the environment takes. Raises WrongWheel unless all of them agree, and
    BadArchive for a wheel that could not be installed.
    """
    filename = os.path.basename(path)
    try:
        its_name, its_version = parse_filename(filename)
        metadata = metadata_of(path)
        _, its_version = check_metadata(metadata, "METADATA", its_name, its_version)
    except Refused as refused:
        raise bad_archive(filename, refused) from None
    reason = _reason(filename, its_name, its_version, normalise(name), version, tags)
    if reason:
        raise WrongWheel(package=package, filename=printable(filename), reason=reason)
    return its_name, its_version


def not_installable(package: str, error: BadArchive) -> WrongWheel:
    """Return the error for a build of *package* whose wheel could not be installed, because of *error*."""
    return WrongWheel(
        package=package, filename=error.filename, reason="could not be installed", causes=(error,)
    )


def _reason(
    filename: str, its_name: str, its_version: str, name: str, version: str, tags: "tuple[str, ...]"
) -> str:
    if name and its_name != name:
        return f"is of `{printable(its_name)}`"
    if version and not same_version(its_version, version):
        return f"has the version `{printable(its_version)}`, and not `{version}`"
    if rank(filename, priorities(tags)) is None:
        return f"does not fit the environment by its {mismatch(filename, tags)}"
    return ""
