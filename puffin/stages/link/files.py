"""Making one file from another: clone, hard link, copy or symlink. If one way fails, the next is used from then on."""

import errno
import os

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment, unused-ignore]

from puffin.cache.atomic import write_all
from puffin.types import Callable, Iterable

CLONE = "clone"
HARDLINK = "hardlink"
COPY = "copy"
SYMLINK = "symlink"
TREE = "tree"  # directories by symlinks into sealed trees, and single files by hard links
MODES = (CLONE, HARDLINK, COPY, SYMLINK, TREE)

_FICLONE = 0x40049409  # linux/fs.h: _IOW(0x94, 9, int)
_NEVER_HERE = (
    errno.EXDEV,
    errno.EPERM,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EINVAL,
    errno.ENOTTY,
)


def links_possible(directory: str) -> bool:
    """Tell whether the system makes symlinks in *directory*."""
    path = f"{directory}/link"
    try:
        os.symlink(directory, path, target_is_directory=True)
        os.unlink(path)
    except (OSError, NotImplementedError):
        return False
    return True


class Placer:
    """Places files of one directory into another, both given as open directories.

    ``mode`` starts as what was asked for and moves on (clone, hard link, copy) when the file systems
    turn out not to allow it; a file that has too many links already is copied by itself.
    """

    def __init__(self, mode: str) -> None:
        self.mode = HARDLINK if mode == TREE else mode

    def place_all(self, names: "Iterable[str]", source: int, target: int) -> None:
        """Make all *names* of the directory *source* appear in the directory *target*.

        Most of a warm sync is the loop over hard links, so it calls nothing but the system.
        """
        waiting = iter(names)
        if self.mode == CLONE and os.fstat(target).st_dev in _without_clones:
            self.mode = HARDLINK
        if self.mode == HARDLINK:
            link = os.link
            for name in waiting:
                try:
                    link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
                except OSError:
                    self.place(name, source, target)
                    break
        for name in waiting:
            self.place(name, source, target)

    def place(self, name: str, source: int, target: int) -> None:
        """Make *name* of the directory *source* appear in the directory *target*."""
        while True:
            try:
                _WAYS[self.mode](name, source, target)
                return
            except OSError as error:
                if error.errno == errno.EMLINK and self.mode == HARDLINK:
                    _copy(name, source, target)
                    return
                if error.errno not in _NEVER_HERE or self.mode not in _NEXT:
                    raise
                if self.mode == CLONE:
                    _without_clones.add(os.fstat(target).st_dev)
                self.mode = _NEXT[self.mode]


def _link(name: str, source: int, target: int) -> None:
    os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)


def _copy(name: str, source: int, target: int) -> None:
    _fill(name, source, target, _write)


def _clone(name: str, source: int, target: int) -> None:
    _fill(name, source, target, lambda reader, writer: fcntl.ioctl(writer, _FICLONE, reader))


def _write(reader: int, writer: int) -> None:
    while data := os.read(reader, 1 << 20):
        write_all(writer, data)


def _fill(name: str, source: int, target: int, way: "Callable[[int, int], object]") -> None:
    """Make a file with the content of another by a *way*; if that fails, it is not there."""
    reader = os.open(name, os.O_RDONLY, dir_fd=source)
    try:
        facts = os.fstat(reader)
        writer = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _mode(facts), dir_fd=target)
        try:
            way(reader, writer)
            _keep_time(writer, facts)
        except OSError:
            os.unlink(name, dir_fd=target)
            raise
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _mode(facts: os.stat_result) -> int:
    """Return the mode of a copy: the cache may have been filled under another umask than the environment's."""
    return 0o777 if facts.st_mode & 0o100 else 0o666


def _keep_time(descriptor: int, facts: os.stat_result) -> None:
    """Give a copy the modification time of what it is a copy of: bytecode is valid for that time alone."""
    try:
        os.utime(descriptor, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
    except (OSError, TypeError):
        pass


def _symlink(name: str, source: int, target: int) -> None:
    directory = os.readlink(f"/proc/self/fd/{source}") if os.path.exists("/proc/self/fd") else _path_of(source)
    os.symlink(f"{directory}/{name}", name, dir_fd=target)


def _path_of(descriptor: int) -> str:
    return fcntl.fcntl(descriptor, 50, bytes(1024)).rstrip(b"\0").decode()  # F_GETPATH on macOS


_WAYS: "dict[str, Callable[[str, int, int], None]]" = {
    CLONE: _clone,
    HARDLINK: _link,
    COPY: _copy,
    SYMLINK: _symlink,
}
_NEXT = {CLONE: HARDLINK, HARDLINK: COPY}
_without_clones: "set[int]" = set()  # file systems that refused one
