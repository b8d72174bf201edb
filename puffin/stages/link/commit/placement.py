"""Placement of staged trees: whole directories where one package owns them, single entries where several share."""

from puffin.errors import PuffinError
from puffin.stages.bytecode.layer import CACHE
from puffin.stages.link.commit.opening import Opening
from puffin.stages.link.commit.removal import SymlinkedDirectory
from puffin.stages.link.sealed import bytecode_in
from puffin.stages.unzip.manifest import read_manifest
from puffin.types import Callable, Mapping, Sequence
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.link.commit.removal import Disk
    from puffin.stages.link.sealed import Sealed
    from puffin.stages.unzip.manifest import Row

    Claim = tuple["StagedPart", str, bool]

Owners = Callable[[str], str]
Behind = Callable[[str], "tuple[StagedPart, str] | None"]


@frozen
class StagedPart:
    """One staged part of a distribution: the directory *staged* is to be found at *home* afterwards.

    ``tops`` are ``(name, is a directory)`` of its entries. ``manifest`` is the path of the archive's
    manifest, read where packages share a directory; without one (scripts, data, headers) the staged tree is looked at.
    ``bytecode`` is the layer of bytecode that was staged with the archive, as ``(directory, names)``. Of a ``sealed``
    tree, directories that no other part shares are staged as symlinks.
    """

    name: str
    staged: str
    home: str
    tops: "tuple[tuple[str, bool], ...]"
    manifest: str = ""
    bytecode: "tuple[tuple[str, tuple[str, ...]], ...]" = ()
    sealed: "Sealed | None" = None


@frozen
class Conflict:
    """Two or more distributions that bring different files of one path."""

    path: str
    winner: str
    losers: tuple[str, ...]


@frozen
class Placement:
    """The moves that bring staged trees into place, in order, and the directories whose entries they change.

    ``openings`` come first, then the ``building``, in order: ``("", path)`` for a new directory, and moves into
    these. All lie in a staging area.
    """

    replaced: "tuple[str, ...]"
    made: "tuple[str, ...]"
    moves: "tuple[tuple[str, str], ...]"
    touched: "tuple[str, ...]"
    conflicts: "tuple[Conflict, ...]"
    openings: "tuple[Opening, ...]" = ()
    building: "tuple[tuple[str, str], ...]" = ()


class PathClash(PuffinError):
    """One distribution has a file where another, or the environment, has a directory."""

    path: str
    names: tuple[str, ...]

    def summary(self) -> str:
        who = " and ".join(f"`{name}`" for name in self.names)
        if len(self.names) == 1:
            where = "is a file in the package and a directory in the environment, or the reverse"
            return f"Failed to install {who}: `{self.path}` {where}"
        return f"Failed to install {who} together: `{self.path}` is a file in one and a directory in the other"


class ManifestGone(PuffinError):
    """The manifest of an archive that was just linked is not in the cache any more."""

    sentence = "The cache lost `{path}` while it was in use"
    path: str
    hints: tuple[str, ...] = ("run the command again: missing archives will be fetched again",)


def plan_placement(
    sources: "Sequence[StagedPart]",
    *,
    going: "frozenset[str]",
    owner_of: "Owners",
    disk: "Disk",
    behind: "Behind" = lambda _path: None,
) -> Placement:
    """Plan how *sources* come into place once the paths *going* are out.

    ``owner_of`` names the distribution that stays and owns a file on disk, ``""`` for nobody. Where
    different files meet, the distribution whose normalised name sorts first wins; equal files are shared.
    ``behind`` returns the part and the directory in it that a symlink on disk takes from a sealed tree.
    Raises :class:`PathClash` and :class:`SymlinkedDirectory`.
    """
    homes: dict[str, list[Claim]] = {}
    for source in sources:
        homes.setdefault(source.home, []).append((source, "", True))
    planner = _Planner(going, owner_of, disk, behind, homes)
    for home in homes:
        planner.home(home)
    for home in sorted(homes, key=len):  # one that lies in another gets what that brings to it first
        planner.directory(home, homes[home])
    return planner.placement()


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
    """``homes`` are the claims to each home, which grow by those of parts whose own home lies above it."""

    def __init__(
        self,
        going: frozenset[str],
        owner_of: "Owners",
        disk: "Disk",
        behind: "Behind",
        homes: "dict[str, list[Claim]]",
    ) -> None:
        self._homes = homes
        self._leading: set[str] = set()  # the directories that lead to homes and are made
        self._going = going
        self._owner_of = owner_of
        self._disk = disk
        self._behind = behind
        self._openings: dict[tuple[str, str], Opening] = {}
        self._rebuilt: dict[str, str] = {}  # links on disk, and where the directories in their place are built
        self._listings: dict[str, Listing] = {}
        self._lost: set[tuple[str, str, str]] = set()
        self.replaced: list[str] = []
        self.made: list[str] = []
        self.moves: list[tuple[str, str]] = []
        self.touched: list[str] = []
        self.conflicts: list[Conflict] = []

    def placement(self) -> Placement:
        """Return what was planned."""
        made, moves, building = list(self.made), list(self.moves), []
        for path, built in self._rebuilt.items():
            inside = [each for each in made if f"{each}/".startswith(f"{path}/")]
            into = [move for move in moves if move[1].startswith(f"{path}/")]
            building += [("", f"{built}{each[len(path) :]}") for each in inside]
            building += [(staged, f"{built}{each[len(path) :]}") for staged, each in into]
            made = [each for each in made if each not in inside]
            moves = [move for move in moves if move not in into]
        return Placement(
            replaced=tuple(self.replaced),
            made=tuple(made),
            moves=(*moves, *[(built, path) for path, built in self._rebuilt.items()]),
            touched=tuple(self.touched),
            conflicts=tuple(self.conflicts),
            openings=tuple(self._openings.values()),
            building=tuple(building),
        )

    def home(self, path: str) -> None:
        """Plan the directories that lead to a home and are not there, such as that of headers."""
        missing = []
        while not (path in self._leading or self._disk.is_directory(path) or self._disk.is_symlink(path)):
            missing.append(path)
            path = path.rpartition("/")[0]
        self._leading.update(missing)
        self.made.extend(reversed(missing))

    def directory(self, path: str, claims: "Sequence[Claim]", *, made: bool = False) -> None:
        """Plan the entries of a directory that exists (or that is *made*) and that *claims* contribute to."""
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
            if source.sealed:
                self._open(source, source.sealed, inner)
            return self._listing(source).entries(inner)
        staged = f"{source.staged}/{inner}"
        return [
            (name, self._disk.is_directory(f"{staged}/{name}")) for name in sorted(self._disk.names(staged))
        ]

    def _open(self, source: StagedPart, sealed: "Sealed", inner: str, *, shared: bool = True) -> None:
        """Have a directory of a sealed tree staged as one that may be changed, unless it is.

        In a *shared* one, the directories beneath are opened too, down to files that are nobody else's: pip would
        remove links to them with the files of another package (see ``puffin.stages.link.sealed``).
        """
        real = any(inner == directory for directory, _ in (*sealed.tree, *sealed.layer))
        if real or (source.staged, inner) in self._openings:
            return
        entries = self._listing(source).entries(inner)
        files = [name for name, is_directory in entries if not is_directory]
        inside = [name for name, is_directory in entries if is_directory]
        opened = [name for name in inside if shared or name == CACHE or not files]
        self._openings[source.staged, inner] = Opening(
            name=source.name,
            staged=source.staged,
            sealed=sealed,
            directory=inner,
            files=tuple(files),
            links=tuple([name for name in inside if name not in opened]),
        )
        for name in opened:
            self._open(source, sealed, f"{inner}/{name}", shared=False)

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
            bytecode = bytecode_in(source.sealed.root) if source.sealed else source.bytecode
            known = self._listings[path] = Listing(manifest.tree, bytecode)
        return known

    def _entry(self, path: str, claims: "list[Claim]", there: bool) -> None:
        if path in self._homes and all(is_directory for _, _, is_directory in claims):
            self._homes[path] += claims
            return
        leads = path in self._leading
        found = self._behind(path) if there and self._disk.is_symlink(path) else None
        if found:
            part, inner = found
            claims, there = [*claims, (part, inner, True)], False
            self.replaced.append(path)
            self._rebuilt[path] = f"{part.staged}~{len(self._rebuilt)}"
        if len(claims) == 1 and not there and not leads:
            source, inner, _ = claims[0]
            self.moves.append((f"{source.staged}/{inner}", path))
            return
        kinds = {is_directory for _, _, is_directory in claims}
        if leads:
            kinds.add(True)
        if there:
            kinds.add(self._kind_on_disk(path))
        if len(kinds) > 1:
            self._clash(path, claims, there)
        elif kinds == {True}:
            if not (there or leads):
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
        names = {source.name for source, _, _ in claims} | {self._owner_of(path) if there else ""} - {""}
        hints = ("move it to another place, or remove it",) if len(names) == 1 else ()
        raise PathClash(path=path, names=tuple(sorted(names)), hints=hints)

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
