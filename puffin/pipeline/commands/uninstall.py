"""Uninstall: packages are taken out of an environment, and what they had displaced comes back."""

import os
import time

from puffin.cache.layout import Cache
from puffin.cache.lock import LOCK_TIMEOUT
from puffin.errors import FAILED, PuffinError
from puffin.pipeline.change.workplace import Workplace, target_of
from puffin.pipeline.request.settings import Line
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.files import HARDLINK
from puffin.stages.link.linker import ArchiveGone, link
from puffin.value import astuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from puffin.pipeline.request.settings import Reporter
    from puffin.stages.link.commit.installplan import Present


class CannotUninstall(PuffinError):
    """A distribution that has no list of its files."""

    exit_code = FAILED
    stage = "link"
    entry: str

    def summary(self) -> str:
        return (
            f"Cannot uninstall `{self.package}`: `{self.entry}` is a distutils installed project, "
            "and nothing says which files belong to it"
        )


def uninstall(
    environment: Environment,
    names: "Sequence[str]",
    *,
    cache: Cache,
    reporter: "Reporter",
    dry_run: bool = False,
    timeout: float = LOCK_TIMEOUT,
) -> None:
    """Remove the distributions with these normalised names. Raises :class:`PuffinError`; then nothing changed."""
    started = time.perf_counter()
    with Workplace(environment, timeout=timeout) as workplace:
        found = [each for each in workplace.present if each.name in names]
        for name in names:
            if not any(each.name == name for each in found):
                reporter.warn(f"Skipped `{name}`: it is not installed")
        for each in found:
            if each.kind == "egg-info-file":
                raise CannotUninstall(package=each.name, entry=each.entry)
        lines = tuple(Line(sign="-", name=each.name, version=each.version) for each in found)
        if not found or dry_run:
            reporter.phase("Would uninstall" if found else "Nothing to uninstall", len(found) or -1, -1)
            reporter.changes(lines)
            return
        _remove(workplace, found, cache, reporter)
        reporter.phase("Uninstalled", len(found), time.perf_counter() - started)
        reporter.changes(lines)


def _remove(workplace: Workplace, found: "Sequence[Present]", cache: Cache, reporter: "Reporter") -> None:
    transaction = workplace.begin()
    gone = {each.name for each in found}
    staged = {}
    for number, (name, archive, direct_url) in enumerate(_displaced(workplace, gone)):
        try:
            link(
                archive=archive,
                cache_root=cache.root,
                stage=transaction.stage(number),
                target=astuple(target_of(workplace.environment)),
                requested=_was_requested(workplace, name),
                direct_url=direct_url,
                mode=HARDLINK,
            )
            staged[number] = (archive, direct_url)
        except ArchiveGone:
            reporter.warn(f"`{name}` loses files that it shared; run `puffin pip sync` to bring them back")
    workplace.commit(workplace.change(cache, staged, gone))


def _displaced(workplace: Workplace, gone: "set[str]") -> "list[tuple[str, str, str]]":
    """Return the distributions whose copy of a file had lost against one that goes."""
    state = workplace.state
    if state is None:
        return []
    losers = {name for _, winner, names in state.conflicts if winner in gone for name in names} - gone
    return [(each.name, each.archive, each.direct_url) for each in state.distributions if each.name in losers]


def _was_requested(workplace: Workplace, name: str) -> bool:
    entries = [each.entry for each in workplace.present if each.name == name]
    return any(os.path.exists(f"{workplace.site}/{entry}/REQUESTED") for entry in entries)
