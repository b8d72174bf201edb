"""The files of a commit beside those of the work tree: what differs, and a view of the commit's own state.

The tree of the user is never touched: a view shows the work tree, and for all paths that differ the objects that git
has of them. Files that git ignores are the same in both.
"""

import errno
import os
import re
import stat
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from puffin.errors import Cause, PuffinError, UsageError
from puffin.value import frozen

_SUBMODULE = 0o160000
_ABSENT = "0" * 40
_MOST_LINKS = 40  # that lead to each other, as for the kernel


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
        return CommitTree(self).touched()

    def above(self, path: str) -> "Iterator[str]":
        """Yield the directories above a path, up to the top of the work tree."""
        while path != self.top and path != os.path.dirname(path):
            path = os.path.dirname(path)
            yield path


_DIRECTORY, _NOTHING = Former(mode=stat.S_IFDIR | 0o755, name=""), Former(mode=0, name="")


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
        remotes = _git(top, "remote", option=option).split()
        raise UsageError(
            text=f"`{reference}` of `{option}` is not a known commit",
            causes=error.causes,
            hints=fetch_hints(reference, remotes, shallow=shallow),
        ) from None


def fetch_hints(reference: str, remotes: "Sequence[str]", *, shallow: bool) -> tuple[str, ...]:
    """Return what to type for a commit that is not there; pure."""
    deepen = "this clone is shallow: run `git fetch --unshallow`, or set `fetch-depth: 0` in the workflow"
    depth = "--depth 1 " if shallow else ""  # of the commit itself nothing more is read
    if not re.fullmatch(r"[\w./+-]+", reference) or ".." in reference:
        plain = "name a commit, a branch or a tag, for example `origin/main`"
        return (deepen,) if shallow and ".." not in reference and ":" not in reference else (plain,)
    if reference == "HEAD":
        return ("commit something first",)
    if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", reference):
        return (f"fetch it: `git fetch {depth}{_first(remotes)} {reference}`",)
    remote, _, name = reference.partition("/")
    if not name or remote not in (*remotes, "origin"):
        remote, name = _first(remotes), reference
    place = f"{remote}/{name}"
    then = "" if place == reference else f", and compare with `{place}`"
    fetch = f"fetch it: `git fetch {depth}{remote} {name}:refs/remotes/{place}`{then}"
    return (fetch, deepen) if shallow else (fetch,)


def _first(remotes: "Sequence[str]") -> str:
    return remotes[0] if remotes and "origin" not in remotes else "origin"


def _git(cwd: str, *words: str, option: str) -> str:
    command = ["git", "-c", "core.quotePath=false", *words]
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True)
    except OSError as error:
        text = f"`{option}` needs git, which cannot be run"
        raise UsageError(text=text, causes=(Cause(text=str(error.strerror)),)) from error
    if done.returncode:
        lines = os.fsdecode(done.stderr).splitlines()
        causes = tuple([Cause(text=line) for line in lines[:1]])
        # git names what to type where the repository belongs to another user
        hints = tuple([f"`{each.strip()}`" for each in lines if each.strip().startswith("git config ")])
        raise UsageError(text=f"`{option}` needs a git repository with a commit", causes=causes, hints=hints)
    return os.fsdecode(done.stdout)


def is_value(path: str) -> bool:
    """Tell whether what was looked at is not a path but a value: no path contains a NUL."""
    return path.startswith("\0")


class WorkTree:
    """The files of the work tree, as a view. ``looked`` are the real paths that were looked at.

    Among them are names of values that were made from files: who looks at such a value is concerned by these files only
    if it differs. ``values`` has what was looked at for each of them.
    """

    def __init__(self, commit: str) -> None:
        self.commit = commit
        self.variables: dict[str, str | None] = {}
        self.looked: set[str] = set()
        self.values: dict[str, set[str]] = {}
        self._real: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._contents: dict[str, bytes] = {}
        self._stats: dict[str, os.stat_result | OSError] = {}

    @contextmanager
    def apart(self) -> "Iterator[set[str]]":
        """Collect in the set that is returned what is looked at in the ``with`` block; where that fails, for all."""
        before, own = self.looked, set[str]()
        self.looked = own
        try:
            yield own
        except BaseException:
            before |= own
            raise
        finally:
            self.looked = before

    def mode(self, path: str) -> int:
        """Return the mode of what is there, behind links, 0 for nothing."""
        try:
            return self.stat(path).st_mode
        except (OSError, ValueError):
            return 0

    def stat(self, path: str) -> os.stat_result:
        """Return the facts of what is there, behind links. Raises OSError."""
        path = self._behind(path)
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
        """Return what a link leads to, empty for anything else. Raises OSError."""
        above, name = os.path.split(os.path.abspath(path))
        path = os.path.join(self._behind(above), name)
        self.looked.add(path)
        return self._link(path)

    def names(self, path: str) -> list[str]:
        """Return the names in a directory. Raises OSError."""
        return self._names(self._behind(path))

    def real(self, path: str) -> str:
        """Return the path of what is there, all links resolved but circles of them."""
        try:
            return self._behind(path)
        except OSError:
            above, name = os.path.split(os.path.abspath(path))
            return os.path.join(self.real(above), name)

    def read(self, path: str) -> bytes:
        """Return what a file holds. Raises OSError."""
        path = self._behind(path)
        if path not in self._contents:
            self._contents[path] = self._read(path)
        return self._contents[path]

    def _behind(self, path: str) -> str:
        """Return a path with all links in it resolved, and note it and these links."""
        path = os.path.abspath(path)
        real, links = self._real.get(path) or self._resolved(path, 0)
        self.looked.add(real)
        self.looked.update(links)
        return real

    def _resolved(self, path: str, depth: int) -> tuple[str, tuple[str, ...]]:
        """Return a path with all links in it resolved, and these links. Raises OSError for a circle of links."""
        if path not in self._real:
            above, name = os.path.split(path)
            real, links = self._resolved(above, depth) if name else (above, ())
            real = os.path.join(real, name)
            target = self._target(real) if name else ""
            if target:
                links = (*links, real)
                self.looked.add(real)  # it may be one of a circle
                real, more = self._led(os.path.dirname(real), target, depth + 1)
                links += more
            self._real[path] = real, links
        return self._real[path]

    def _led(self, directory: str, target: str, depth: int) -> tuple[str, tuple[str, ...]]:
        """Return where a link in a *directory* leads to, and the links on the way."""
        if depth > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), target)
        real = "/" if target.startswith("/") else directory
        links: tuple[str, ...] = ()
        for part in target.split("/"):
            if part == "..":
                real = os.path.dirname(real)
            elif part not in ("", "."):
                real, more = self._resolved(os.path.join(real, part), depth)
                links += more
        return real, links

    def _target(self, path: str) -> str:
        try:
            return self._link(path)
        except (FileNotFoundError, SubmoduleChanged):
            return ""

    def _stat(self, path: str) -> os.stat_result:
        return os.stat(path)

    def _link(self, path: str) -> str:
        return os.readlink(path) if os.path.islink(path) else ""

    def _names(self, path: str) -> list[str]:
        return os.listdir(path)

    def _read(self, path: str) -> bytes:
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
        self._replaced: dict[str, bool] = {}
        self._lists: dict[str, list[str]] = {}  # each is looked at for all that is above it

    def close(self) -> None:
        """End the process that reads objects."""
        self._objects.close()

    def touched(self) -> frozenset[str]:
        """Return the paths that differ, and the directories whose names do."""
        found = set(self._found.former)
        for path, former in self._found.former.items():
            if bool(former.mode) != (path in self._found.present):
                for directory in self._found.above(path):
                    found.add(directory)
                    if self._is_kept_directory(directory):
                        break
        return frozenset(found)

    def _is_kept_directory(self, path: str) -> bool:
        """Tell whether there is a directory now, and was one before."""
        try:
            former = self._former(path)
        except SubmoduleChanged:
            return False
        there = path not in self._found.former and os.path.isdir(path)
        return there and (former is None or stat.S_ISDIR(former.mode))

    def _stat(self, path: str) -> os.stat_result:
        former = self._former(path)
        if former is None:
            return super()._stat(path)
        if not former.mode:
            raise FileNotFoundError(path)
        return _facts(former.mode, len(self._objects.read(former.name)) if former.name else 0)

    def _former(self, path: str) -> Former | None:
        """Return what the commit has at a path, None if the work tree has the same. Raises SubmoduleChanged."""
        former = self._found.former.get(path)
        if former is not None and former.mode == _SUBMODULE:
            raise SubmoduleChanged(path=os.path.relpath(path, self._found.top))
        if path in self._directories:
            return _DIRECTORY
        if former is not None:
            return former
        if self._is_replaced(os.path.dirname(path)) or (path in self._added and not self._listed(path)):
            return _NOTHING
        return None

    def _is_replaced(self, directory: str) -> bool:
        """Tell whether what the work tree has in a directory is not from the commit. Raises SubmoduleChanged."""
        if directory not in self._replaced:
            above = (directory, *self._found.above(directory))
            found = next((each for each in above if each in self._found.former), "")
            if found and self._found.former[found].mode == _SUBMODULE:
                raise SubmoduleChanged(path=os.path.relpath(found, self._found.top))
            self._replaced[directory] = bool(found)
        return self._replaced[directory]

    def _link(self, path: str) -> str:
        former = self._former(path)
        if former is None:
            return super()._link(path)
        return os.fsdecode(self._objects.read(former.name)) if stat.S_ISLNK(former.mode) else ""

    def _names(self, path: str) -> list[str]:
        former = self._former(path)
        if former is None or stat.S_ISDIR(former.mode):
            return list(self._listed(path))
        raise NotADirectoryError(path) if former.mode else FileNotFoundError(path)

    def _listed(self, path: str) -> list[str]:
        """Return the names in a directory: those that differ, and of the work tree's those that are kept."""
        if path not in self._lists:
            self._lists[path] = self._found_in(path)
        return self._lists[path]

    def _found_in(self, path: str) -> list[str]:
        former = self._directories.get(path, {})
        if former and (path in self._found.former or self._is_replaced(path) or not os.path.isdir(path)):
            return list(former)
        kept = [name for name in os.listdir(path) if self._is_kept(os.path.join(path, name))]
        return list(dict.fromkeys((*kept, *former)))

    def _is_kept(self, path: str) -> bool:
        """Tell whether something that is there now was there in the commit."""
        former = self._found.former.get(path)
        if former is not None:
            return bool(former.mode)
        return path not in self._added or bool(self._listed(path))

    def _read(self, path: str) -> bytes:
        former = self._former(path)
        if former is None:
            return super()._read(path)
        if not former.mode:
            raise FileNotFoundError(path)
        if not former.name:
            raise IsADirectoryError(path)
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
    return sorted([each for each in set(paths) - known - set(found.former) if not is_value(each)])
