"""The files of a commit beside those of the work tree: what differs, and a view of the commit's own state.

The tree of the user is never touched: a view shows the work tree, and for all paths that differ the objects that git
has of them. Files that git ignores are the same in both.
"""

import os
import stat
import subprocess
from collections.abc import Iterable, Iterator

from puffin.errors import Cause, PuffinError, UsageError
from puffin.value import frozen

_SUBMODULE = 0o160000
_ABSENT = "0" * 40


@frozen
class Former:
    """What is at a path in the commit: its mode as git has it, 0 for nothing, and the object that it is."""

    mode: int
    name: str


@frozen
class CommitDifference:
    """How the work tree differs from a commit. Paths are absolute and real.

    ``top`` is the directory of the work tree, ``commit`` the commit, and ``head`` the commit that is checked out.
    ``former`` has what the commit has at each path that differs; ``present`` are those of these paths that exist now.
    """

    top: str
    commit: str
    head: str
    former: "dict[str, Former]"
    present: frozenset[str]

    @property
    def touched(self) -> frozenset[str]:
        """The paths that differ, and the directories whose names do."""
        found = set(self.former)
        for path, former in self.former.items():
            if bool(former.mode) != (path in self.present):
                found.update(self.above(path))
        return frozenset(found)

    def above(self, path: str) -> "Iterator[str]":
        """Yield the directories above a path, up to the top of the work tree."""
        while path != self.top and path != os.path.dirname(path):
            path = os.path.dirname(path)
            yield path


class SubmoduleChanged(PuffinError):
    """A file is in a submodule that differs from the commit."""

    sentence = "The files of the submodule `{path}` at that commit are not known"
    path: str


def difference(reference: str, cwd: str, option: str) -> CommitDifference:
    """Return how the work tree around *cwd* differs from the commit *reference*, uncommitted changes included.

    Raises :class:`UsageError` where git cannot tell; *option* is named in it.
    """
    top = _git(cwd, "rev-parse", "--show-toplevel", option=option).rstrip("\n")
    commit = _commit(top, reference, option)
    head = _git(top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", option=option).strip()
    former, present = {}, set()
    words = (
        "diff",
        "--raw",
        "-z",
        "--no-renames",
        "--no-abbrev",
        "--no-ext-diff",
        "--no-relative",
        commit,
        "--",
    )
    fields = iter(_git(top, *words, option=option).split("\0"))
    for field in fields:
        if not field:
            break
        old, new, name, _, _ = field[1:].split(" ")
        path = os.path.join(top, next(fields))
        former[path] = Former(mode=int(old, 8), name=name)
        if int(new, 8):
            present.add(path)
    others = _git(top, "ls-files", "--others", "--exclude-standard", "-z", option=option).split("\0")
    for each in others:
        path = os.path.join(top, each.rstrip("/"))
        if each:
            former.setdefault(path, Former(mode=0, name=_ABSENT))
            present.add(path)
    return CommitDifference(top=top, commit=commit, head=head, former=former, present=frozenset(present))


def _commit(top: str, reference: str, option: str) -> str:
    # a reference that looks like an option must not become one
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
    try:
        return _git(top, *words, option=option).strip()
    except UsageError as error:
        shallow = _git(top, "rev-parse", "--is-shallow-repository", option=option).strip() == "true"
        name = reference.removeprefix("origin/")
        hint = f"fetch it: `git fetch origin {name}`"
        if shallow:
            hint = "this clone is shallow: run `git fetch --unshallow`, or set `fetch-depth: 0` in the workflow"
        raise UsageError(
            text=f"`{reference}` of `{option}` is not a known commit", causes=error.causes, hints=(hint,)
        ) from None


def _git(cwd: str, *words: str, option: str) -> str:
    command = ["git", "-c", "core.quotePath=false", *words]
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True)
    except OSError as error:
        text = f"`{option}` needs git, which cannot be run"
        raise UsageError(text=text, causes=(Cause(text=str(error.strerror)),)) from error
    if done.returncode:
        causes = tuple([Cause(text=line) for line in os.fsdecode(done.stderr).splitlines()[:1]])
        raise UsageError(text=f"`{option}` needs a git repository with a commit", causes=causes)
    return os.fsdecode(done.stdout)


class WorkTree:
    """The files of the work tree, as a view. ``looked`` are the real paths that were looked at."""

    def __init__(self, commit: str) -> None:
        self.commit = commit
        self.variables: dict[str, str | None] = {}
        self.looked: set[str] = set()
        self._real: dict[str, str] = {}
        self._contents: dict[str, bytes] = {}
        self._stats: dict[str, os.stat_result | OSError] = {}

    def mode(self, path: str) -> int:
        """Return the mode of what is there, behind links, 0 for nothing."""
        try:
            return self.stat(path).st_mode
        except (OSError, ValueError):
            return 0

    def stat(self, path: str) -> os.stat_result:
        """Return the facts of what is there, behind links. Raises OSError."""
        path = self._note(path)
        if path not in self._stats:
            try:
                self._stats[path] = self._stat(path)
            except OSError as error:
                self._stats[path] = error
        found = self._stats[path]
        if isinstance(found, OSError):
            raise found
        return found

    def link(self, path: str) -> str:
        """Return what a link leads to, empty for anything else."""
        return self._link(self._note(path))

    def names(self, path: str) -> list[str]:
        """Return the names in a directory. Raises OSError."""
        return self._names(self._note(path))

    def read(self, path: str) -> bytes:
        """Return what a file holds. Raises OSError."""
        path = self._note(path)
        if path not in self._contents:
            self._contents[path] = self._read(path)
        return self._contents[path]

    def _note(self, path: str) -> str:
        """Return *path* with the links above it resolved, and note it."""
        directory, name = os.path.split(os.path.abspath(path))
        real = self._real.get(directory)
        if real is None:
            real = self._real[directory] = os.path.realpath(directory)
        path = os.path.join(real, name) if name else real
        self.looked.add(path)
        return path

    def _stat(self, path: str) -> os.stat_result:
        target = self._link(path)
        if target:
            return self.stat(os.path.join(os.path.dirname(path), target))
        return os.stat(path)

    def _link(self, path: str) -> str:
        return os.readlink(path) if os.path.islink(path) else ""

    def _names(self, path: str) -> list[str]:
        return os.listdir(path)

    def _read(self, path: str) -> bytes:
        target = self._link(path)
        if target:
            return self.read(os.path.join(os.path.dirname(path), target))
        with open(path, "rb", buffering=0) as file:
            return file.read()


class CommitTree(WorkTree):
    """The files of a commit, as a view: those of the work tree, but where it differs."""

    def __init__(self, found: CommitDifference) -> None:
        super().__init__(found.commit)
        self._found = found
        self._objects = _Objects(found.top)
        self._directories: dict[str, dict[str, None]] = {}  # names of the commit in directories
        self._added: set[str] = set()  # directories with paths below that the commit has not
        for path, former in found.former.items():
            if not former.mode:
                self._added.update(found.above(path))
                continue
            for directory in found.above(path):
                self._directories.setdefault(directory, {})[os.path.basename(path)] = None
                path = directory
        self._submodules = [path for path, former in found.former.items() if former.mode == _SUBMODULE]

    def close(self) -> None:
        """End the process that reads objects."""
        self._objects.close()

    def _stat(self, path: str) -> os.stat_result:
        former = self._former(path)
        if former is None:
            if path in self._directories or (path in self._added and self._names(path)):
                return _facts(stat.S_IFDIR | 0o755)
            if path in self._added:
                raise FileNotFoundError(path)
            return super()._stat(path)
        if stat.S_ISLNK(former.mode):
            return self.stat(os.path.join(os.path.dirname(path), self._link(path)))
        return _facts(former.mode, len(self._objects.read(former.name)))

    def _former(self, path: str) -> Former | None:
        """Return what the commit has at a path, None if the work tree has the same. Raises OSError for nothing."""
        former = self._found.former.get(path)
        if former is not None and not former.mode:
            if path in self._directories:
                return None
            raise FileNotFoundError(path)
        for each in self._submodules:
            if path == each or path.startswith(f"{each}/"):
                raise SubmoduleChanged(path=os.path.relpath(each, self._found.top))
        if former is None and any(self._found.former.get(each) for each in self._replaced(path)):
            raise FileNotFoundError(path)  # there was a file in the place of a directory above it
        return former

    def _replaced(self, path: str) -> "Iterator[str]":
        for directory in self._found.above(path):
            former = self._found.former.get(directory)
            if former is not None and former.mode and former.mode != _SUBMODULE:
                yield directory

    def _link(self, path: str) -> str:
        former = self._former(path) if path in self._found.former else None
        if former is None:
            return "" if path in self._directories else super()._link(path)
        return os.fsdecode(self._objects.read(former.name)) if stat.S_ISLNK(former.mode) else ""

    def _names(self, path: str) -> list[str]:
        if self._former(path) is not None:
            raise NotADirectoryError(path)
        former = self._directories.get(path, {})
        try:
            present = os.listdir(path)
        except OSError:
            if not former:
                raise
            present = []
        kept = [name for name in present if name in former or self._is_kept(os.path.join(path, name))]
        return list(dict.fromkeys((*kept, *former)))

    def _is_kept(self, path: str) -> bool:
        """Tell whether something that is there now was there in the commit."""
        former = self._found.former.get(path)
        if former is not None:
            return bool(former.mode)
        return path not in self._added or bool(self._names(path))

    def _read(self, path: str) -> bytes:
        former = self._former(path)
        if former is None:
            return super()._read(path)
        if stat.S_ISLNK(former.mode):
            return self.read(os.path.join(os.path.dirname(path), self._link(path)))
        return self._objects.read(former.name)


def _facts(mode: int, size: int = 0) -> os.stat_result:
    return os.stat_result((mode, 0, 0, 1, 0, 0, size, 0, 0, 0))


class _Objects:
    """Reads objects of a repository with one process, started with the first of them."""

    def __init__(self, top: str) -> None:
        self._top = top
        self._process: subprocess.Popen[bytes] | None = None
        self._known: dict[str, bytes] = {}

    def read(self, name: str) -> bytes:
        """Return the content of an object. Raises OSError if the repository does not have it."""
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> bytes:
        if self._process is None:
            words = ("git", "cat-file", "--batch")
            self._process = subprocess.Popen(
                words, cwd=self._top, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        asked.write(f"{name}\n".encode())
        asked.flush()
        head = answers.readline().split()
        if len(head) != 3:
            raise OSError(f"git has no object {name}")
        data = answers.read(int(head[2]))
        answers.read(1)
        return data

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()


def loose(paths: "Iterable[str]", found: CommitDifference) -> list[str]:
    """Return those of *paths* of which git does not know the content, sorted: outside, ignored, or absent ones."""
    names = _git(found.top, "ls-files", "-z", option="--since").split("\0")
    known = {os.path.join(found.top, name) for name in names}
    return sorted(set(paths) - known - set(found.former))
