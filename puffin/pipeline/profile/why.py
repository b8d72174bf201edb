"""Why the packages of an environment were changed in a run, and why the cache did not serve the work for it."""

from collections.abc import Iterable

from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.pipeline.profile.read import Profile, load_profiles
from puffin.reasons import WORK, Reason
from puffin.value import frozen


class NothingRecorded(PuffinError):
    """No run that is recorded changed an environment, or a package in it."""

    sentence = "No recorded run changed {what}"
    what: str
    hints: tuple[str, ...] = ("the cache has the records of the last 10 runs that had something to do",)


@frozen
class Work:
    """A task for a package that the cache did not serve: its ``stage``, and why."""

    stage: str
    package: str
    reason: Reason


@frozen
class ChangedPackage:
    """What a run did to one package: ``action`` is ``add``, ``remove`` or ``replace``; ``work`` made it possible."""

    name: str
    action: str
    reason: Reason
    work: tuple[Work, ...] = ()


@frozen
class EnvironmentChange:
    """The last run that changed an environment; ``ended`` is in seconds since the epoch."""

    run: str
    ended: float
    environment: str
    path: str
    packages: tuple[ChangedPackage, ...]


def last_change(cache: Cache, path: str, shown: str, package: str = "") -> EnvironmentChange:
    """Return what the last run that changed the environment at *path*, or *package* in it (normalised), did there.

    Raises :class:`NothingRecorded`, which calls the environment *shown*.
    """
    for profile in reversed(load_profiles(cache)):
        found = list(_packages(profile, path))
        if package:
            found = [each for each in found if each.name == package]
        if found:
            name = next(each.environment for each in profile.changes if each.path == path)
            return EnvironmentChange(
                run=profile.run, ended=profile.ended, environment=name, path=path, packages=tuple(found)
            )
    what = f"`{package}` in `{shown}`" if package else f"`{shown}`"
    raise NothingRecorded(what=what)


def _packages(profile: Profile, path: str) -> "Iterable[ChangedPackage]":
    changes = [each for each in profile.changes if each.path == path]
    work: dict[str, dict[Work, None]] = {}
    for row in profile.tasks:
        if row.reason is not None and row.name in WORK and _is_for(row.environments, changes):
            name = row.package.partition(" ")[0]
            work.setdefault(name, {})[Work(stage=row.name, package=name, reason=row.reason)] = None
    for change in changes:
        for name in change.names:
            yield ChangedPackage(
                name=name, action=change.action, reason=change.reason, work=tuple(work.get(name, ()))
            )


def _is_for(environments: tuple[str, ...], changes: "Iterable[object]") -> bool:
    names = {getattr(each, "environment", "") for each in changes}
    return not environments or not names.isdisjoint(environments)
