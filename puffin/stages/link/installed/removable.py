"""What can be taken out of an environment as a whole, and what cannot because nothing lists its files."""

import os

from puffin.cache.reading import read_text
from puffin.errors import PuffinError
from puffin.stages.link.commit.installplan import Present
from puffin.stages.link.installed import scan as site_scan
from puffin.stages.link.installed.files import listed_files
from puffin.types import Iterable

_DISTUTILS = "was installed by distutils, without a list of its files"
_UNLISTED = "has no list of its files"
EASY_INSTALL = "easy-install.pth"


class CannotUninstall(PuffinError):
    """A distribution that has no list of its files; ``installer`` is who put it there, as far as that is noted."""

    entry: str
    reason: str
    installer: str = ""

    def summary(self) -> str:
        """Return the first line."""
        who = f" (installed by {self.installer})" if self.installer else ""
        return f"Cannot uninstall `{self.package}`: `{self.entry}`{who} {self.reason}"


def check_removable(site: str, going: "Iterable[Present]") -> None:
    """Raise :class:`CannotUninstall` for the first distribution in *site* whose files nothing lists.

    Of several of one name, one that lists them is enough: another's metadata is all that is left of it.
    """
    going = list(going)
    listed = {each.name for each in going if listed_files(site, f"{site}/{each.entry}", each.kind) is not None}
    for each in going:
        path = f"{site}/{each.entry}"
        distutils = each.kind == site_scan.EGG_INFO_FILE
        if distutils or each.name not in listed:
            installer = read_text(f"{path}/INSTALLER", "surrogateescape").strip()
            hints = (f"put it there again with `{installer}`, which then lists its files",) if installer else ()
            raise CannotUninstall(
                package=each.name,
                entry=each.entry,
                reason=_DISTUTILS if distutils else _UNLISTED,
                installer=installer,
                hints=(*hints, f"{'or ' if hints else ''}remove its files by hand"),
            )


def without_lines(site: str, going: "Iterable[Present]") -> "bytes | None":
    """Return ``easy-install.pth`` of *site* without the lines of *going*; None where it has none of them.

    ``setup.py develop`` and ``easy_install`` wrote a line there for each egg and each linked project.
    """
    places = {os.path.normpath(f"{site}/{place}") for each in going for place in _places(site, each)}
    if not places:
        return None
    try:
        with open(f"{site}/{EASY_INSTALL}", "rb") as file:
            lines = file.read().splitlines(keepends=True)
    except OSError:
        return None
    kept = [
        line for line in lines if os.path.normpath(os.path.join(site, os.fsdecode(line.strip()))) not in places
    ]
    return b"".join(kept) if len(kept) < len(lines) else None


def _places(site: str, present: "Present") -> "list[str]":
    """Return what stands in ``easy-install.pth`` for a distribution, relative to *site*."""
    if present.kind == site_scan.EGG:
        return [present.entry]
    if present.kind != site_scan.EGG_LINK:
        return []
    target = site_scan.egg_link_target(f"{site}/{present.entry}")
    return [os.path.relpath(os.path.join(site, target), site)] if target else []
