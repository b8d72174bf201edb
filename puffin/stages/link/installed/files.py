"""The files of installed distributions, as their own lists name them. Without a list, a distribution cannot go.

A list is another program's text: paths that leave the environment, or that name what makes it one, are left out.
"""

import os

from puffin.cache.reading import names_in, read_text
from puffin.errors import PuffinError
from puffin.stages.link.commit.installplan import Present
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.installed import scan as site_scan
from puffin.stages.unzip import record
from puffin.stages.unzip.names import shadows
from puffin.types import Collection, Iterable, Mapping, Sequence

_DISTUTILS = "was installed by distutils, without a list of its files"
_UNLISTED = "has no list of its files"
EASY_INSTALL = "easy-install.pth"
_OWN = ("pyvenv.cfg", ".puffin", ".gitignore", "CACHEDIR.TAG")


class CannotUninstall(PuffinError):
    """A distribution that has no list of its files; ``installer`` is who put it there, as far as that is noted."""

    entry: str
    reason: str
    installer: str = ""

    def summary(self) -> str:
        """Return the first line."""
        who = f" (installed by {self.installer})" if self.installer else ""
        return f"Cannot uninstall `{self.package}`: `{self.entry}`{who} {self.reason}"


def distribution_files(environment: Environment, entry: str, kind: str) -> "tuple[str, ...]":
    """Return the files of one distribution that are safe to remove, absolute.

    Where nothing lists them any more, those of its metadata directory alone. What is broken goes as a whole, with
    what is left of its files.
    """
    site = environment.purelib
    path = f"{site}/{entry}"
    if kind == site_scan.BROKEN:
        return (path, *safe_paths(_record(path) or (), site, environment))
    rows = listed_files(site, path, kind)
    if rows is None or (kind == site_scan.DIST_INFO and not any(row.startswith(f"{entry}/") for row in rows)):
        rows = [*(rows or ()), *_walk(site, entry)]  # without a list, or a copy of another's under a new name
    rows = [*rows, *script_rows(environment, path, kind)]
    return safe_paths(rows, site, environment)


class StayingFiles:
    """The files of the distributions that stay, when others go or come.

    Files are read only of distributions that can share one. *complete* gives, by entry in site-packages, the paths
    relative to it at or beneath which all files of a distribution lie. For the others, the paths in RECORD decide.
    They are read once, in a fifth of the time that all files take.
    """

    def __init__(
        self, environment: Environment, staying: "Sequence[Present]", complete: "Mapping[str, Collection[str]]"
    ) -> None:
        self._environment = environment
        self._staying = staying
        self._complete = complete
        self._listed: dict[str, Collection[str] | None] = {}
        self._files: dict[str, tuple[str, ...]] = {}

    def sharing(self, paths: "Collection[str]") -> "dict[str, tuple[str, ...]]":
        """Return by name the files of all that have one of *paths*, which are absolute and normalised.

        Raises ``OSError`` for a list that cannot be read.
        """
        site = os.path.normpath(self._environment.purelib)
        below = site + os.sep
        ways = [path[len(below) :] if path.startswith(below) else os.path.relpath(path, site) for path in paths]
        above = frozenset([way[:end] for way in ways for end in _ends(way)])
        wanted = frozenset(ways)
        found: dict[str, tuple[str, ...]] = {}
        for each in self._staying:
            if not above.isdisjoint(self._complete.get(each.entry, above)) and self._has(each, wanted):
                found[each.name] = (*found.get(each.name, ()), *self._files_of(each))
        return found

    def _has(self, present: Present, wanted: "frozenset[str]") -> bool:
        known: Collection[str] | None
        if present.entry not in self._listed:
            known = self._rows(present)
        else:
            known = self._listed[present.entry]
            if isinstance(known, list):
                known = frozenset(known)  # later calls ask for one path each
        self._listed[present.entry] = known
        return known is None or not wanted.isdisjoint(known)

    def _rows(self, present: Present) -> "list[str] | None":
        """Return the paths in RECORD, relative to site-packages; None if there is more to its files."""
        site = self._environment.purelib
        rows = _record(f"{site}/{present.entry}") if present.kind == site_scan.DIST_INFO else None
        if rows is None or f"{present.entry}/RECORD" not in rows:
            return None
        down = [row for row in rows if row[0] != "."]  # the others lead to scripts and data
        normal = down if record.are_normal(down) else []
        others = [row for row in rows if row[0] == "."] if normal else rows
        return [*normal, *[os.path.relpath(f"{site}/{row}", site) for row in others]]

    def _files_of(self, present: Present) -> "tuple[str, ...]":
        if present.entry not in self._files:
            self._files[present.entry] = distribution_files(self._environment, present.entry, present.kind)
        return self._files[present.entry]


def script_rows(environment: Environment, path: str, kind: str) -> "list[str]":
    """Return the scripts that belong to an egg, relative to site-packages: no list has them (as pip finds them)."""
    if kind not in (site_scan.EGG_INFO, site_scan.EGG_LINK, site_scan.EGG):
        return []
    info = os.path.dirname(site_scan.metadata_path(path, kind))
    names = [*_entry_points(f"{info}/entry_points.txt"), *names_in(f"{info}/scripts")]
    way = os.path.relpath(environment.scripts, environment.purelib)
    files = [
        f"{name}{end}" for name in names for end in ("", ".exe", ".exe.manifest", "-script.py", "-script.pyw")
    ]
    return [f"{way}/{name}" for name in files if os.path.lexists(f"{environment.scripts}/{name}")]


def _entry_points(path: str) -> "list[str]":
    import configparser

    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(read_text(path, "surrogateescape"))
    except configparser.Error:
        return []
    sections = [each for each in ("console_scripts", "gui_scripts") if parser.has_section(each)]
    return [name.strip() for section in sections for name in parser[section] if "/" not in name]


def listed_files(site: str, path: str, kind: str) -> "list[str] | None":
    """Return the paths that a distribution says are its own, relative to *site*; None where it does not say.

    Raises ``OSError`` for a list that is there and cannot be read: what it would name must not be left behind.
    """
    if kind == site_scan.DIST_INFO:
        return _record(path)
    if kind == site_scan.EGG_INFO:
        listed = read_text(f"{path}/installed-files.txt", "surrogateescape")
        if listed:
            base = os.path.basename(path)
            return [os.path.normpath(f"{base}/{line}") for line in listed.splitlines() if line.strip()]
        return _by_top_level(site, path)
    if kind == site_scan.EGG_LINK:
        return [os.path.basename(path)]
    return sorted(_walk(site, os.path.basename(path))) if kind == site_scan.EGG else None


def _record(path: str) -> "list[str] | None":
    try:
        return record.listed_paths(f"{path}/RECORD") or None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return None


def _by_top_level(site: str, path: str) -> "list[str] | None":
    if not os.path.lexists(f"{path}/top_level.txt"):
        return None
    shared = set(read_text(f"{path}/namespace_packages.txt", "surrogateescape").split())
    rows = _walk(site, os.path.basename(path))
    for name in read_text(f"{path}/top_level.txt", "surrogateescape").split():
        if name.isidentifier() and name not in shared:
            rows += _walk(site, name)
            rows += [f"{name}{end}" for end in (".py", ".pyc") if os.path.lexists(f"{site}/{name}{end}")]
    return rows


def _walk(site: str, relative: str) -> list[str]:
    """Return the files at and beneath *relative*; links are not followed."""
    top = f"{site}/{relative}"
    if os.path.islink(top) or not os.path.isdir(top):
        return [relative] if os.path.lexists(top) else []
    rows = []
    for directory, names, files in os.walk(top):
        links = [name for name in names if os.path.islink(f"{directory}/{name}")]
        rows += [os.path.relpath(f"{directory}/{name}", site) for name in (*files, *links)]
    return rows


def safe_paths(rows: "Iterable[str]", site: str, environment: Environment) -> "tuple[str, ...]":
    """Return the absolute paths of *rows*, which are relative to *site*, without those that are unsafe.

    A path is unsafe if it is absolute, leaves the directories of the environment's scheme, or names the
    interpreter, an activation script, pyvenv.cfg, or a directory that is or holds one of the scheme's.
    """
    normpath, isabs, sep = os.path.normpath, os.path.isabs, os.sep
    homes = (site, environment.scripts, environment.headers, environment.data)
    roots = [normpath(root) for root in homes if root]
    inside = tuple([root + sep for root in roots])
    holders = {root[:end] for root in roots for end in _ends(root)}
    scripts, own = normpath(environment.scripts) + sep, normpath(environment.root) + sep
    files: dict[str, None] = {}
    for row in rows:
        path = normpath(f"{site}/{row}")
        if not path.startswith(inside) or path in holders or isabs(row) or "\0" in row:
            continue
        if path.startswith(scripts) and sep not in path[len(scripts) :] and shadows(path[len(scripts) :]):
            continue
        if not path.startswith(own) or path[len(own) :].partition(sep)[0] not in _OWN:
            files[path] = None
    return tuple(files)


def _ends(path: str) -> "list[int]":
    """Return where *path* and each directory above it end."""
    return [number for number, each in enumerate(path) if each == os.sep] + [len(path)]


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
