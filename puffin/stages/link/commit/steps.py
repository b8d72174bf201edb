"""The steps of a commit: each can be done, or undone, whatever was done of it before.

A step tells by itself, from what is on disk, how far it is. An *out* is done when its place in the trash is taken, an
*in* when its staged source is gone, a *swap* when what was in its place is set aside. Recovery therefore needs no
progress marks, and may itself be broken off at any point. Only between the exchange of a *swap* and the next call do
its two states look alike; the inode of what was staged tells them apart.
"""

import errno
import os

from puffin.cache.atomic import NOT_EXCHANGED, copy_file, exchange, move, remove_tree, take_back, unfinished
from puffin.types import Sequence
from puffin.value import frozen

Step = tuple[str, str, str]

OUT, MKDIR, IN, SWAP, FILL, WHOLE, GONE, STAMP = "out", "mkdir", "in", "swap", "fill", "whole", "gone", "stamp"
OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR)


@frozen
class Script:
    """What a commit will do, in order. Paths are absolute; ``state`` is the new state file, ``stamp`` in ns.

    ``inodes`` are those of what is staged for swaps, as ``(staged, inode)``. The steps:

    - ``("out", path, place in the trash)``
    - ``("mkdir", path, "")``
    - ``("in", staged, path)``, where nothing is
    - ``("swap", staged, path)``, where something is
    - ``("fill", staged, directory)``, which is empty
    - ``("whole", staged, directory)``, which holds all that was there and stays, but for each ``("gone", path, "")``
    - ``("stamp", directory, "")``
    """

    steps: "tuple[Step, ...]"
    state: bytes
    stamp: int
    inodes: "tuple[tuple[str, int], ...]" = ()


def do_steps(script: Script, *, again: bool = False) -> None:
    """Do all steps (``OSError``); *again* leaves out what is done already."""
    inodes = dict(script.inodes)
    swap = _swap_again if again else _swap
    for kind, first, second in script.steps:
        if kind == IN:
            _bring_in(first, second)
        elif kind == SWAP:
            swap(first, second, inodes.get(first, 0))
        elif kind == OUT:
            if not (again and is_out(second)):
                _take_out(first, second)
        elif kind == MKDIR:
            _make(first)
        elif kind == FILL:
            _fill(first, second)
        elif kind == WHOLE:
            swap(first, second, inodes.get(first, 0), atomic=True)
            gone = frozenset([path for other, path, _ in script.steps if other == GONE])
            _keep_newcomers(aside_of(first), second, gone)
        elif kind == STAMP:
            _stamp(first, script.stamp)


def undo_steps(script: Script) -> None:
    """Undo, last first, all steps that were done (``OSError``)."""
    inodes = dict(script.inodes)
    for kind, first, second in reversed(script.steps):
        if kind == IN:
            _bring_back(first, second)
        elif kind in (SWAP, WHOLE):
            _swap_back(first, second, inodes.get(first, 0))
        elif kind == OUT:
            if os.path.lexists(second) or os.path.lexists(_way_back(first)):
                _put_back(second, first)
            else:
                take_back(first, unfinished(second))
        elif kind == FILL:
            _empty(first, second)
        elif kind == MKDIR:
            try:
                os.rmdir(first)
            except OSError:
                pass  # it was there before, or holds something that is not ours


def lacking(steps: "Sequence[Step]") -> bool:
    """Tell whether something that should come in is not in its place."""
    coming = [(first, second) for kind, first, second in steps if kind in (IN, SWAP, FILL, WHOLE)]
    return any(
        os.path.lexists(first) or os.path.lexists(unfinished(second)) or not os.path.lexists(second)
        for first, second in coming
    )


def is_out(trash: str) -> bool:
    """Tell whether what was to go to this place has gone."""
    return os.path.lexists(trash) or os.path.lexists(f"{trash}-")


def aside_of(staged: str) -> str:
    """Return where a swap puts what was in the place of *staged*."""
    return f"{staged}~old"


def inode_of(path: str) -> int:
    """Return the inode of the entry *path*, 0 where there is none."""
    try:
        return os.lstat(path).st_ino
    except FileNotFoundError:
        return 0


def discard(path: str) -> None:
    """Remove a tree; what cannot go stays."""
    try:
        remove_tree(path)
    except OSError:
        pass


def _bring_in(staged: str, path: str) -> None:
    try:
        move(staged, path)
    except FileNotFoundError:
        if os.path.lexists(staged) or not os.path.lexists(path):
            raise
    except OSError as error:
        if error.errno not in OCCUPIED:
            raise
        _put_aside(path, f"{staged}~")
        move(staged, path)


def _bring_back(staged: str, path: str) -> None:
    take_back(staged, unfinished(path))
    if not os.path.lexists(staged) and (os.path.lexists(path) or os.path.lexists(unfinished(staged))):
        move(path, staged)


def _swap(staged: str, path: str, inode: int, *, atomic: bool = False) -> None:
    """Bring *staged* to *path*, and what is there aside: by an exchange, or unless *atomic* one after the other."""
    aside = aside_of(staged)
    try:
        if not inode:  # by which an exchange that was done would be known again
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), path)
        exchange(staged, path)
    except FileNotFoundError:
        _bring_in(staged, path)
    except OSError as error:
        if atomic or error.errno not in NOT_EXCHANGED:
            raise
        if os.path.lexists(path):
            _set_aside(path, aside)
        _bring_in(staged, path)
    else:
        move(staged, aside)


def _swap_again(staged: str, path: str, inode: int, *, atomic: bool = False) -> None:
    aside = aside_of(staged)
    if inode and inode == inode_of(path):
        if os.path.lexists(staged) or os.path.lexists(unfinished(aside)):
            move(staged, aside)
    elif os.path.lexists(aside) or not os.path.lexists(staged):
        _bring_in(staged, path)
    elif os.path.lexists(unfinished(aside)):
        move(path, aside)
        _bring_in(staged, path)
    else:
        _swap(staged, path, inode, atomic=atomic)


def _swap_back(staged: str, path: str, inode: int) -> None:
    aside = aside_of(staged)
    came = bool(inode) and inode == inode_of(path)
    take_back(staged, unfinished(path))
    take_back(staged if came else path, unfinished(aside))
    if not (os.path.lexists(aside) or os.path.lexists(_way_back(path))):
        if came and os.path.lexists(staged):
            exchange(staged, path)
        elif came or not os.path.lexists(staged):
            _bring_back(staged, path)  # there was nothing in its place
    elif os.path.lexists(staged):
        _put_back(aside, path)
    else:
        _exchange_back(staged, path, aside)


def _exchange_back(staged: str, path: str, aside: str) -> None:
    """Put what is *aside* back to its *path*, and what is there back to where it was *staged*."""
    if not os.path.lexists(unfinished(staged)):
        try:
            os.rename(aside, staged)
            try:
                exchange(staged, path)
                return
            except OSError:
                os.rename(staged, aside)
        except OSError:
            pass  # a directory of a lower layer
    _bring_back(staged, path)
    _put_back(aside, path)


def _set_aside(path: str, aside: str) -> None:
    """Keep what is at *path* aside. A file stays where it is, too, so that the next rename replaces it atomically."""
    if os.path.isdir(path) and not os.path.islink(path):
        move(path, aside)
        return
    try:
        os.link(path, aside, follow_symlinks=False)
    except (OSError, NotImplementedError):  # another file system, or one without hard links
        copy_file(path, aside)


def _fill(staged: str, directory: str) -> None:
    """Bring what is in *staged* into the empty *directory*: as a whole, or else entry by entry."""
    try:
        os.rename(staged, directory)
        return
    except FileNotFoundError:
        if not os.path.lexists(staged) and os.path.lexists(directory):
            return
        raise
    except OSError:
        names = os.listdir(staged)  # a mount point, or something has come there
    for name in names:
        _bring_in(f"{staged}/{name}", f"{directory}/{name}")
    remove_tree(staged)


def _empty(staged: str, directory: str) -> None:
    _make(staged)
    for name in os.listdir(directory):
        if not os.path.lexists(f"{staged}/{name}"):
            move(f"{directory}/{name}", f"{staged}/{name}")


def _keep_newcomers(former: str, directory: str, gone: "frozenset[str]") -> None:
    """Move what came into the *former* tree since it was copied to *directory*, but for the paths *gone*."""
    try:
        entries = list(os.scandir(former))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        path = f"{directory}/{entry.name}"
        if path in gone:
            continue
        if not os.path.lexists(path):
            move(entry.path, path)
        elif entry.is_dir(follow_symlinks=False):
            _keep_newcomers(entry.path, path, gone)


def _take_out(path: str, trash: str) -> None:
    try:
        move(path, trash)
    except FileNotFoundError:
        if os.path.lexists(path):
            raise
        _make(f"{trash}-")  # somebody else removed it; lest what comes in its place be taken for it


def _make(directory: str) -> None:
    try:
        os.mkdir(directory)
    except FileExistsError:
        pass


def _stamp(directory: str, stamp: int) -> None:
    try:
        os.utime(directory, ns=(stamp, stamp))
    except OSError:
        pass  # a directory of another user: the next run will look closer, that is all


def _put_aside(path: str, place: str) -> None:
    """Move away what came to *path* since the plan was made, such as byte code that a running Python wrote."""
    discard(place)
    move(path, place)


def _put_back(trash: str, path: str) -> None:
    try:
        move(trash, path, way=_way_back(path))
    except OSError as error:
        if error.errno not in OCCUPIED:
            raise
        _put_aside(path, f"{trash}~")
        move(trash, path, way=_way_back(path))


def _way_back(path: str) -> str:
    """Return where is collected what goes back to *path*: not where something else comes to it."""
    return f"{path}~"
