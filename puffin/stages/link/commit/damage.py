"""Damage in an environment: files that are missing, changed or replaced since they were installed.

:func:`find_damage` looks at as little as tells which distributions are damaged, :func:`verified` at every file.
"""

import os
import stat

from puffin import meter
from puffin.cache.layout import Cache, current_boot
from puffin.cache.reading import read
from puffin.stages.bytecode.layer import manifest_path, read_layer
from puffin.stages.link.commit.installplan import Present
from puffin.stages.link.commit.state import Owned, State, disturbed
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.scripts import runs_another
from puffin.stages.link.sealed import rows_beneath, sealed_at
from puffin.stages.unzip.manifest import INSTALLER, read_manifest
from puffin.stages.unzip.record import digest_of, read_record, rows_in
from puffin.types import Iterable, Mapping, Sequence
from puffin.value import frozen, replace

MISSING = "is missing"
SIZE = "has another size"
CONTENT = "has another content"
UNREADABLE = "cannot be read"
CUT = "is cut short"
LINK = "is a symbolic link"
LOST = "is a broken link: its sealed tree is not in the cache"
EXECUTABLE = "is executable"
NOT_EXECUTABLE = "is not executable"
INTERPRETER = "runs another interpreter"
TWICE = "is a second installation"


def find_damage(site: str, state: State, *, everywhere: bool) -> "tuple[frozenset[str], list[str]]":
    """Return the damaged distributions and the paths (relative to *site*) that are not as stamped.

    Files in directories among these are held against RECORD: their size, and their hash where they are younger than
    the check before. Of a distribution whose RECORD was changed all files are. With *everywhere* (after a reboot) the
    size of every file is looked at.
    """
    changed = disturbed(site, state)
    where = None if everywhere else frozenset([_stamped(each) for each in changed])
    if where is not None and not where:
        return frozenset(), []
    known = frozenset([top for each in state.distributions for top in each.tops])
    if where is not None and any(each.partition("/")[0] not in known for each in where):
        known = frozenset()  # of the top level, of scripts or of data: anybody's
    damaged = [
        each.name
        for each in state.distributions
        if each.tops
        and (not known or _concerned(each, where))
        and not _whole(site, each, where, lost_paths(state, each.name))
    ]
    return frozenset(damaged), changed


def _stamped(path: str) -> str:
    """Return what a path among the stamps is of: that of a link leads through it, to a sealed tree."""
    return f"{path}/".partition("/./")[0].rstrip("/")


def _concerned(owned: "Owned", where: "frozenset[str] | None") -> bool:
    if where is None:
        return True
    tops = frozenset(owned.tops)
    return any(each.partition("/")[0] in tops for each in where)


def lost_paths(state: State, name: str) -> "frozenset[str]":
    """Return the paths, relative to site-packages, at which another distribution's file stands and not *name*'s."""
    return frozenset([path for path, _, losers in state.conflicts if name in losers])


def _whole(site: str, owned: "Owned", where: "frozenset[str] | None", lost: "frozenset[str]") -> bool:
    record = f"{owned.dist_info}/RECORD"
    try:
        rows = read_record(f"{site}/{record}")
    except (OSError, ValueError):
        return False
    if all(path != record for path, _, _ in rows):
        return False  # the last row that puffin writes: what comes before it may be missing too
    doubted = where is not None and record in where
    links = [path for path in links_in(site, rows) if where is None or doubted or path in where]
    rows += _rows_behind(site, links)
    behind = tuple([f"{path}/" for path in links])
    looked = {
        path: (digest, size)
        for path, digest, size in rows
        if path not in lost
        and _is_held(path, digest)
        and (
            where is None
            or doubted
            or path in where
            or (os.path.dirname(path) or ".") in where
            or path.startswith(behind)
        )
    }
    if any(_at_directory(site, directory, links) for directory in _directories(looked)):
        return False
    stamp = -1 if doubted else owned.checked
    return not any(_difference(site, owned, path, *facts, stamp, ctime=False) for path, facts in looked.items())


def links_in(site: str, rows: "Iterable[tuple[str, str, str]]") -> "list[str]":
    """Return the paths in RECORD that are symlinks to directories of sealed trees."""
    return [path for path, digest, _ in rows if not digest and sealed_at(f"{site}/{path}")]


def _rows_behind(site: str, links: "Iterable[str]") -> "list[tuple[str, str, str]]":
    """Return the rows of the files behind symlinks to sealed trees."""
    found: dict[tuple[str, str], list[str]] = {}
    for link in links:
        root, _, inner = sealed_at(f"{site}/{link}") or ("", "", "")
        found.setdefault((root, link[: len(link) - len(inner)]), []).append(inner)
    return [
        (f"{way}{path}", digest, size)
        for (root, way), directories in found.items()
        for path, digest, size in rows_beneath(root, directories)
    ]


def _is_held(path: str, digest: str) -> bool:
    """Tell whether a row of RECORD is about what has to stay; Python replaces bytecode without a hash as it likes."""
    return bool(digest) or not path.endswith(".pyc")


def adopted(site: str, present: "Iterable[Present]", state: State) -> State:
    """Return *state* with the distributions in it that are *present* and list their files, whoever installed them."""
    known = {each.dist_info for each in state.distributions if each.tops}
    owned = {each.dist_info: each for each in state.distributions}
    times: dict[str, int] = {}
    for each in present:
        if each.kind != "dist-info" or each.entry in known:
            continue
        try:
            paths = [path for path, _, _ in read_record(f"{site}/{each.entry}/RECORD")]
        except (OSError, ValueError):
            paths = []
        for directory in _directories(paths):
            times[directory] = _time_of(f"{site}/{directory}")
        tops = {path.partition("/")[0] for path in paths if not path.startswith(("/", "."))}
        owned[each.entry] = Owned(
            name=each.name,
            version=each.version,
            dist_info=each.entry,
            archive="",
            direct_url=each.direct_url,
            tops=tuple(sorted({*tops, each.entry})),
        )
    stamps = state.stamps
    if times:
        stamps = (*stamps, (min(times.values()), max(times.values()), tuple(times)))
    return replace(state, distributions=tuple(owned[key] for key in sorted(owned)), stamps=stamps)


def _time_of(path: str) -> int:
    try:
        return os.lstat(path).st_mtime_ns
    except OSError:
        return 0


@frozen
class Finding:
    """A file that is not as installed. ``path`` is absolute, ``what`` says what is wrong with it."""

    name: str
    version: str
    path: str
    what: str


def lost_state(environment: "Environment", present: "Sequence[Present]") -> "State | None":
    """Return the state of an environment that has none although puffin installed something there, from its RECORDs."""
    for each in present:
        if read(f"{environment.purelib}/{each.entry}/INSTALLER") == INSTALLER:
            return adopted(environment.purelib, present, _no_state(environment))
    return None


def _no_state(environment: "Environment") -> State:
    site = os.path.relpath(environment.purelib, environment.root)
    return State(
        boot=current_boot(), site=site, seed=environment.seed, distributions=(), stamps=(), conflicts=()
    )


def verified(
    environment: "Environment",
    state: "State | None",
    present: "Sequence[Present]",
    cache: "Cache",
    *,
    deep: bool = False,
) -> "tuple[State, tuple[Finding, ...]]":
    """Return *state* with all that is *present*, and what differs, by name and path.

    The content of a file is looked at if it was changed after the check before, and of all with *deep*. What the
    cache knows of an archive and its bytecode counts too.
    """
    site = environment.purelib
    state = adopted(site, present, state or _no_state(environment))
    names = {each.name: each.dist_info for each in state.distributions if each.archive}
    found = [
        Finding(name=each.name, version=each.version, path=f"{site}/{each.entry}", what=TWICE)
        for each in present
        if names.get(each.name, each.entry) != each.entry
    ]
    meter.expect("verify", len(state.distributions))
    for owned in state.distributions:
        if owned.tops:
            with meter.at("verify", owned.name):
                found += _Verified(environment, owned, lost_paths(state, owned.name), cache, deep).findings()
    return state, tuple(sorted(found, key=lambda each: (each.name, each.path)))


class _Verified:
    """One distribution under verification. What RECORD does not tell, the manifest of its archive does."""

    def __init__(
        self, environment: "Environment", owned: "Owned", lost: "frozenset[str]", cache: "Cache", deep: bool
    ) -> None:
        self._site = environment.purelib
        self._scripts = (
            environment.scripts if environment.is_venv else ""
        )  # elsewhere no interpreter lies beside them
        self._owned = owned
        self._lost = lost
        self._cache = cache
        self._manifest = read_manifest(cache.manifest(owned.archive)) if owned.archive else None
        self._way = os.path.relpath(environment.scripts, environment.purelib)
        self._record = f"{owned.dist_info}/RECORD"
        self._stamp = -1 if deep else owned.checked
        self._links: list[str] = []

    def findings(self) -> "Iterable[Finding]":
        owned = self._owned
        wrong, rows = self._read()
        for path, (digest, size) in rows.items():
            if path not in self._lost and path not in wrong and _is_held(path, digest):
                what = _difference(self._site, owned, path, digest, size, self._stamp, ctime=True)
                wrong |= {path: what} if what else {}
        for directory in _directories(rows):
            what = _at_directory(self._site, directory, self._links)
            wrong |= {directory: what} if what else {}
        more = (*self._of_modes(rows, wrong), *self._of_scripts(rows, wrong), *self._of_bytecode())
        for path, what in (*wrong.items(), *more):
            yield Finding(
                name=owned.name, version=owned.version, path=os.path.normpath(f"{self._site}/{path}"), what=what
            )

    def _read(self) -> "tuple[dict[str, str], dict[str, tuple[str, str]]]":
        """Return what is wrong with RECORD, and hash and size of each file by path."""
        rows: dict[str, tuple[str, str]] = {}
        what = ""
        try:
            facts = os.lstat(f"{self._site}/{self._record}")
            if max(facts.st_mtime_ns, facts.st_ctime_ns) > self._owned.checked:
                self._stamp = -1
            listed = self._rows()
            self._links = links_in(self._site, listed)
            listed += _rows_behind(self._site, self._links)
            rows.update({path: (digest, size) for path, digest, size in listed})
            what = "" if self._record in rows else CUT
        except FileNotFoundError:
            what = MISSING
        except (OSError, ValueError):
            what = UNREADABLE
        behind = tuple([f"{link}/" for link in self._links])
        for path, size in self._expected():
            if path.startswith(behind) and path not in rows:
                continue  # behind a link to what the cache has lost
            if path != self._record and path not in rows:
                rows[path] = "", size
                what = what or CUT
            elif size and rows[path][1] != size:
                rows[path] = rows[path][0], size
                what = what or CONTENT
        return {self._record: what} if what else {}, rows

    def _rows(self) -> "list[tuple[str, str, str]]":
        with open(f"{self._site}/{self._record}", "rb") as file:
            return rows_in(file.read().decode("utf-8", "surrogateescape"))

    def _expected(self) -> "Iterable[tuple[str, str]]":
        """Yield path and size of what the archive has, and of scripts that are made for it, whose size nobody knows."""
        if self._manifest is None:
            return
        for directory, names, sizes, _ in self._manifest.tree:
            for name, size in zip(names, sizes, strict=True):
                path = f"{directory}/{name}" if directory else name
                yield path, "" if path == self._record else str(size)
        if os.name != "nt":
            yield from [(f"{self._way}/{name}", "") for name in self._manifest.scripts]

    def _of_modes(
        self, rows: "Mapping[str, object]", wrong: "Mapping[str, str]"
    ) -> "Iterable[tuple[str, str]]":
        known = self._manifest.executables if self._manifest else None
        if os.name == "nt" or known is None or _mode(f"{self._site}/{self._record}") & 0o100:
            return  # the file system keeps no modes
        marked = frozenset(known)
        own = {path for path, _ in self._expected()}
        for path in rows:
            if path in wrong or path in self._lost:
                continue
            script = path.startswith(f"{self._way}/")
            runs = bool(_mode(f"{self._site}/{path}") & 0o100)
            if runs < (script or path in marked):
                yield path, NOT_EXECUTABLE
            elif runs and path in own and not script and path not in marked:
                yield path, EXECUTABLE

    def _of_scripts(self, rows: "Iterable[str]", wrong: "Mapping[str, str]") -> "Iterable[tuple[str, str]]":
        for path in rows:
            script = path.startswith(f"{self._way}/") and path not in wrong
            if script and self._scripts and runs_another(f"{self._site}/{path}", self._scripts):
                yield path, INTERPRETER

    def _of_bytecode(self) -> "Iterable[tuple[str, str]]":
        """Yield bytecode that Python would take for that of its source, although it is cut short."""
        owned = self._owned
        path = manifest_path(self._cache, owned.bytecode, owned.archive) if owned.bytecode else ""
        layer = read_layer(path) if path else None
        for (directory, names), sizes in zip(layer.tree, layer.sizes, strict=True) if layer else ():
            for name, size in zip(names, sizes, strict=True):
                source = f"{os.path.dirname(directory)}/{name.partition('.')[0]}.py".lstrip("/")
                cut = _is_cut(f"{self._site}/{directory}/{name}", size, f"{self._site}/{source}")
                if cut and source not in self._lost:
                    yield f"{directory}/{name}", CUT


def _is_cut(path: str, size: int, source: str) -> bool:
    try:
        with open(path, "rb") as file:
            head = file.read(16)
            if os.fstat(file.fileno()).st_size >= size:
                return False
        facts = os.stat(source)
    except OSError:
        return False
    stamp = [(number & 0xFFFFFFFF).to_bytes(4, "little") for number in (int(facts.st_mtime), facts.st_size)]
    return len(head) < 16 or head[4:8] != bytes(4) or head[8:] == b"".join(stamp)


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def _directories(paths: "Iterable[str]") -> "list[str]":
    """Return the directories inside of site-packages, itself included, that *paths* lead through."""
    found: dict[str, None] = {}
    for path in paths:
        while path and not path.startswith(("..", "/")):
            path = os.path.dirname(path)
            if (path or ".") in found:
                break
            found[path or "."] = None
    return list(found)


def _at_directory(site: str, directory: str, links: "Sequence[str]") -> str:
    """Return what is wrong with a directory itself, unless it is one of the *links*; a lost one shows by its files."""
    try:
        mode = os.lstat(f"{site}/{directory}").st_mode
    except OSError:
        return ""
    if stat.S_ISLNK(mode) and directory not in links:
        return LINK
    return UNREADABLE if stat.S_ISDIR(mode) and os.name != "nt" and mode & 0o500 != 0o500 else ""


def _difference(site: str, owned: Owned, path: str, digest: str, size: str, stamp: int, *, ctime: bool) -> str:
    """Return what is wrong with a file; a content is looked at if it was changed after *stamp*.

    With *ctime* every change counts, new links of the file and setting its times among them.
    """
    place = os.path.join(site, path)
    try:
        facts = os.lstat(place)
        sealed = sealed_at(place) if stat.S_ISLNK(facts.st_mode) else None
        if sealed:
            root, archive, inner = sealed
            if owned.archive not in ("", archive) or not path.endswith(inner):
                return LINK
            return "" if os.path.isdir(place) and os.path.isfile(f"{root}.manifest") else LOST
        if stat.S_ISLNK(facts.st_mode):
            if not (owned.archive and os.readlink(place).endswith(f"{owned.archive}/{path}")):
                return LINK
            facts = os.stat(place)  # of an environment that was linked by symlinks
        if not stat.S_ISREG(facts.st_mode) or (os.name != "nt" and not facts.st_mode & 0o400):
            return UNREADABLE
        if size and facts.st_size != int(size):
            return SIZE
        latest = max(facts.st_mtime_ns, facts.st_ctime_ns) if ctime else facts.st_mtime_ns
        if digest and latest > stamp and digest_of(place, digest.partition("=")[0]) != digest:
            return CONTENT
    except FileNotFoundError:
        return MISSING
    except (OSError, ValueError):
        return UNREADABLE
    return ""
