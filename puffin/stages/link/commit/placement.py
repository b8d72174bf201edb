"""Placement of staged trees: whole directories where one package owns them, single entries where several share."""

from puffin.errors import PuffinError
from puffin.stages.bytecode.layer import CACHE
from puffin.stages.link.commit.removal import SymlinkedDirectory
from puffin.stages.unzip.manifest import read_manifest
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from puffin.stages.link.commit.removal import Disk
    from puffin.stages.unzip.manifest import Row

    Claim = tuple["StagedPart", str, bool]
    Owners = Callable[[str], str]


@frozen
class StagedPart:
    """One staged part of a distribution: the directory *staged* is to be found at *home* afterwards.

    ``tops`` are ``(name, is a directory)`` of its entries. ``manifest`` is the path of the archive's
    manifest, read where packages share a directory; without one (scripts, data, headers) the staged tree is looked at.
    ``bytecode`` is the layer of bytecode that was staged with the archive, as ``(directory, names)``.
    """

    name: str
    staged: str
    home: str
    tops: "tuple[tuple[str, bool], ...]"
    manifest: str = ""
    bytecode: "tuple[tuple[str, tuple[str, ...]], ...]" = ()


@frozen
class Conflict:
    """Two or more distributions that bring different files of one path."""

    path: str
    winner: str
    losers: tuple[str, ...]


@frozen
class Placement:
    """The moves that bring staged trees into place, in order, and the directories whose entries they change."""

    replaced: "tuple[str, ...]"
    made: "tuple[str, ...]"
    moves: "tuple[tuple[str, str], ...]"
    touched: "tuple[str, ...]"
    conflicts: "tuple[Conflict, ...]"


class PathClash(PuffinError):
    """One distribution has a file where another has a directory."""

    path: str
    names: tuple[str, ...]

    def summary(self) -> str:
        who = " and ".join(f"`{name}`" for name in self.names)
        return f"Failed to install {who} together: `{self.path}` is a file in one and a directory in the other"


class ManifestGone(PuffinError):
    """The manifest of an archive that was just linked is not in the cache any more."""

    sentence = "The cache lost `{path}` while it was in use"
    path: str
    hints: tuple[str, ...] = ("run the command again: what is missing will be fetched again",)


def plan_placement(
    sources: "Sequence[StagedPart]", *, going: "frozenset[str]", owner_of: "Owners", disk: "Disk"
) -> Placement:
    """Plan how *sources* come into place once the paths *going* are out.

    ``owner_of`` names the distribution that stays and owns a file on disk, ``""`` for nobody. Where
    different files meet, the distribution whose normalised name sorts first wins; equal files are shared.
    Raises :class:`PathClash` and :class:`SymlinkedDirectory`.
    """
    planner = _Planner(going, owner_of, disk)
    homes: dict[str, list[StagedPart]] = {}
    for source in sources:
        homes.setdefault(source.home, []).append(source)
    for home, contributors in homes.items():
        planner.home(home)
        planner.directory(home, [(source, "", True) for source in contributors])
    return Placement(
        replaced=tuple(planner.replaced),
        made=tuple(planner.made),
        moves=tuple(planner.moves),
        touched=tuple(planner.touched),
        conflicts=tuple(planner.conflicts),
    )


class Listing:
    """The tree of a manifest, by directory."""

    def __init__(self, tree: "Sequence[Row]", bytecode: "Sequence[tuple[str, tuple[str, ...]]]" = ()) -> None:
        self._rows = {row[0]: row for row in tree}
        for directory, names in bytecode:
            known = self._rows.get(directory, (directory, (), (), ()))
            self._rows[directory] = (directory, (*known[1], *names), *known[2:])
        self._inner: dict[str, list[str]] = {}
        for directory in self._rows:
            if directory:
                parent, _, name = directory.rpartition("/")
                self._inner.setdefault(parent, []).append(name)

    def entries(self, directory: str) -> "list[tuple[str, bool]]":
        """Return ``(name, is a directory)`` of what is in *directory*."""
        files = [(name, False) for name in self._rows[directory][1]]
        return files + [(name, True) for name in self._inner.get(directory, ())]

    def fingerprint(self, path: str) -> "tuple[int, int]":
        """Return ``(size, crc32)`` of a file."""
        directory, _, name = path.rpartition("/")
        _, names, sizes, checksums = self._rows[directory]
        index = names.index(name)
        return sizes[index], checksums[index]


class _Planner:
    def __init__(self, going: frozenset[str], owner_of: "Owners", disk: "Disk") -> None:
        self._going = going
        self._owner_of = owner_of
        self._disk = disk
        self._listings: dict[str, Listing] = {}
        self._lost: set[tuple[str, str, str]] = set()
        self.replaced: list[str] = []
        self.made: list[str] = []
        self.moves: list[tuple[str, str]] = []
        self.touched: list[str] = []
        self.conflicts: list[Conflict] = []

    def home(self, path: str) -> None:
        """Plan the directories that lead to a home and are not there, such as that of headers."""
        missing = []
        while not (self._disk.is_directory(path) or self._disk.is_symlink(path)):
            missing.append(path)
            path = path.rpartition("/")[0]
        self.made.extend(reversed(missing))

    def directory(self, path: str, claims: "Sequence[Claim]", *, made: bool = False) -> None:
        """Plan the entries of a directory that exists (or is *made* anew) and that *claims* contribute to."""
        self.touched.append(path)
        present = (
            frozenset() if made else self._disk.names(path)
        )  # what a directory that goes held goes with it
        entries: dict[str, list[Claim]] = {}
        for source, inner, _ in claims:
            for name, is_directory in self._entries(source, inner):
                entry = (source, f"{inner}/{name}" if inner else name, is_directory)
                entries.setdefault(name, []).append(entry)
        cached = entries.pop(CACHE, [])
        for name, contributors in entries.items():
            there = name in present and f"{path}/{name}" not in self._going
            self._entry(f"{path}/{name}", contributors, there)
        if cached:
            there = CACHE in present and f"{path}/{CACHE}" not in self._going
            self._bytecode(f"{path}/{CACHE}", cached, there)

    def _bytecode(self, path: str, claims: "list[Claim]", there: bool) -> None:
        """Plan a ``__pycache__``: what is in it goes with its module, whoever brings that in the end."""
        parent = path.rpartition("/")[0]
        names = {source.name for source, _, _ in claims}
        lost = {key for key in self._lost if key[0] == parent and key[2] in names}
        if len(claims) == 1 and not there and not lost:
            self._entry(path, claims, there)
            return
        kinds = {is_directory for _, _, is_directory in claims}
        if kinds != {True} or (there and not self._kind_on_disk(path)):
            self._clash(path, claims, there)
        if not there:
            self.made.append(path)
        self.touched.append(path)
        present = self._disk.names(path) if there else frozenset()
        taken: set[str] = set()
        for source, inner, _ in sorted(claims, key=lambda claim: claim[0].name):
            for name, _ in self._entries(source, inner):
                if name in taken or (parent, name.partition(".")[0], source.name) in lost:
                    continue
                taken.add(name)
                if name in present and f"{path}/{name}" not in self._going:
                    self.replaced.append(f"{path}/{name}")
                self.moves.append((f"{source.staged}/{inner}/{name}", f"{path}/{name}"))

    def _entries(self, source: StagedPart, inner: str) -> "Sequence[tuple[str, bool]]":
        if not inner:
            return source.tops
        if source.manifest:
            return self._listing(source).entries(inner)
        staged = f"{source.staged}/{inner}"
        return [
            (name, self._disk.is_directory(f"{staged}/{name}")) for name in sorted(self._disk.names(staged))
        ]

    def _fingerprint(self, source: StagedPart, inner: str) -> "tuple[int, int]":
        if not source.manifest:
            return self._disk.fingerprint(f"{source.staged}/{inner}")
        return self._listing(source).fingerprint(inner)

    def _listing(self, source: StagedPart) -> "Listing":
        path = source.manifest
        known = self._listings.get(path)
        if known is None:
            manifest = read_manifest(path)
            if manifest is None:
                raise ManifestGone(path=path)
            known = self._listings[path] = Listing(manifest.tree, source.bytecode)
        return known

    def _entry(self, path: str, claims: "list[Claim]", there: bool) -> None:
        if len(claims) == 1 and not there:
            source, inner, _ = claims[0]
            self.moves.append((f"{source.staged}/{inner}", path))
            return
        kinds = {is_directory for _, _, is_directory in claims}
        if there:
            kinds.add(self._kind_on_disk(path))
        if len(kinds) > 1:
            self._clash(path, claims, there)
        elif kinds == {True}:
            if not there:
                self.made.append(path)
            self.directory(path, claims, made=not there)
        else:
            self._file(path, claims, there)

    def _lose(self, path: str, names: "Mapping[str, str]", winner: str) -> None:
        """Note whose module does not come into place: bytecode of it must not stand beside another's."""
        directory, _, name = path.rpartition("/")
        stem, dot, suffix = name.rpartition(".")
        if dot and suffix == "py":
            self._lost.update((directory, stem, each) for each in names if each != winner)

    def _kind_on_disk(self, path: str) -> bool:
        if self._disk.is_symlink(path) and self._disk.names(path):
            raise SymlinkedDirectory(path=path)
        return self._disk.is_directory(path)

    def _clash(self, path: str, claims: "list[Claim]", there: bool) -> None:
        names = {source.name for source, _, _ in claims}
        if there:
            names.add(self._owner_of(path) or "what is there already")
        raise PathClash(path=path, names=tuple(sorted(names)))

    def _file(self, path: str, claims: "list[Claim]", there: bool) -> None:
        prints = {source.name: self._fingerprint(source, inner) for source, inner, _ in claims}
        staged = {source.name: f"{source.staged}/{inner}" for source, inner, _ in claims}
        owner = self._owner_of(path) if there else ""
        if owner and owner not in prints:
            prints[owner] = self._disk.fingerprint(path)
        winner, *others = sorted(prints)
        losers = tuple(name for name in others if prints[name] != prints[winner])
        if losers:
            self.conflicts.append(Conflict(path=path, winner=winner, losers=losers))
        if winner not in staged or (there and owner and not losers):
            self._lose(path, staged, "")
            return  # another's file, or one of the same bytes, is in place already
        self._lose(path, staged, winner)
        if there:
            self.replaced.append(path)
        self.moves.append((staged[winner], path))
