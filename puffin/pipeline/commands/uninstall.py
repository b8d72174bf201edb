"""Uninstall and detach: changes of an environment that need no index.

Packages are removed, and files that they had displaced come back; or what is taken from sealed trees gets files.
"""

import os
import time
from collections.abc import Callable, Collection, Sequence

from puffin.artifact.tree import pyproject_of
from puffin.artifact.urls import file_url
from puffin.cache.atomic import degraded
from puffin.cache.lock import lock_timeout
from puffin.cache.usage import shared
from puffin.names import normalise
from puffin.pipeline.change.plan import check_own
from puffin.pipeline.change.workplace import Workplace, target_of, tell_recovery
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import Line
from puffin.stages.link.commit.commitplan import CommitRequest
from puffin.stages.link.commit.installplan import Present
from puffin.stages.link.commit.state import Owned
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.files import CLONE, TREE
from puffin.stages.link.installed.installed import read_installed, thaw
from puffin.stages.link.linker import ArchiveGone, link
from puffin.value import astuple


def uninstall(
    environment: Environment,
    names: "Sequence[str]",
    session: "Session",
    *,
    dry_run: bool = False,
    atomic: str = "",
) -> None:
    """Remove the distributions with these normalised names. Raises :class:`PuffinError`; then nothing changed."""
    started, reporter = time.perf_counter(), session.reporter
    with Workplace(environment, timeout=lock_timeout(session.environ), atomic=atomic) as workplace:
        found = [each for each in workplace.present if each.name in names]
        for name in names:
            if not any(each.name == name for each in found):
                reporter.warn(f"Skipped `{name}`: it is not installed")
        workplace.check_removable([each.name for each in found], session.cache)
        check_own(environment, [each.name for each in found])
        lines = tuple(Line(sign="-", name=each.name, version=each.version) for each in found)
        if not found or dry_run:
            reporter.phase("Would uninstall" if found else "Nothing to uninstall", len(found) or -1, -1)
            reporter.changes(lines)
            return
        _remove(workplace, found, session)
        for text in degraded():
            reporter.warn(text)
        reporter.phase("Uninstalled", len(found), time.perf_counter() - started)
        reporter.changes(lines)


def detach(environment: Environment, session: "Session", *, dry_run: bool = False, atomic: str = "") -> None:
    """Give an environment files in place of its links to sealed trees (:class:`PuffinError`: nothing changed)."""
    started, reporter = time.perf_counter(), session.reporter
    with (
        Workplace(environment, timeout=lock_timeout(session.environ), atomic=atomic) as workplace,
        shared(session.cache),
    ):
        tell_recovery(workplace, reporter)
        owned = [each for each in workplace.state.distributions if each.mode] if workplace.state else []
        if not owned or dry_run:
            reporter.phase("Would detach" if owned else "Nothing to detach", len(owned) or -1, -1)
            return
        workplace.commit(_staged_again(workplace, owned, session), session.cache)
        for text in degraded():
            reporter.warn(text)
        reporter.phase("Detached", len(owned), time.perf_counter() - started)


def names_from(environment: Environment, place: str) -> "list[str]":
    """Return the normalised names of what was installed from *place*, a URL or a path.

    A wheel's file name tells its name too, and so does the ``pyproject.toml`` of a directory.
    """
    url = place.partition("#")[0] if "://" in place else file_url(os.path.abspath(os.path.expanduser(place)))
    installed = read_installed(environment)
    urls = [(each.name, thaw(each.direct_url)["url"]) for each in installed if each.direct_url]
    found = [name for name, own in urls if own.rstrip("/") == url]
    told = _name_in(place)
    return found or [name for name in (told,) if any(each.name == name for each in installed)]


def _name_in(place: str) -> str:
    """Return the normalised name that a file's name or a project's own file tells, ``""`` for none."""
    name = os.path.basename(place.partition("#")[0])
    if name.endswith(".whl"):
        return normalise(name.partition("-")[0])
    project = pyproject_of(os.path.expanduser(place)).get("project")
    own = project.get("name") if isinstance(project, dict) else None
    return normalise(own) if isinstance(own, str) else ""


def _remove(workplace: Workplace, found: "Sequence[Present]", session: "Session") -> None:
    def lost(name: str) -> None:
        session.reporter.warn(f"`{name}` loses files that it shared; run `puffin pip sync` to bring them back")

    gone = {each.name for each in found}
    displaced = _displaced(workplace, gone)
    mode = TREE if any(each.mode for each in displaced) else ""
    workplace.commit(_staged_again(workplace, displaced, session, gone, mode=mode, lost=lost), session.cache)


def _staged_again(
    workplace: Workplace,
    owned: "Sequence[Owned]",
    session: "Session",
    gone: "Collection[str]" = (),
    *,
    mode: str = "",
    lost: "Callable[[str], None] | None" = None,
) -> "CommitRequest":
    """Return the change that installs *owned* distributions again, from the cache, and takes the names *gone* out.

    *mode* is ``tree`` or empty. One that the cache has *lost* is left as it is, or raises :class:`ArchiveGone`.
    """
    transaction, staged = workplace.begin(), {}
    kind = next((each.bytecode for each in owned if each.bytecode), "")
    for number, each in enumerate(owned):
        try:
            link(
                archive=each.archive,
                cache_root=session.cache.root,
                stage=transaction.stage(number),
                target=astuple(target_of(workplace.environment)),
                requested=os.path.exists(f"{workplace.site}/{each.dist_info}/REQUESTED"),
                direct_url=each.direct_url,
                mode=mode or CLONE,
                bytecode=kind,
            )
            staged[number] = (each.archive, each.direct_url)
        except ArchiveGone:
            if lost is None:
                raise
            lost(each.name)
    return workplace.change(session.cache, staged, gone, bytecode=kind, mode=mode)


def _displaced(workplace: Workplace, gone: "set[str]") -> "list[Owned]":
    """Return the distributions whose copy of a file had lost against one that goes."""
    state = workplace.state
    if state is None:
        return []
    losers = {name for _, winner, names in state.conflicts if winner in gone for name in names} - gone
    return [each for each in state.distributions if each.name in losers]
