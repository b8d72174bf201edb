"""A whole site-packages in the place of single steps: built in the staging area, brought in by one call."""

import errno
import os

from puffin.cache.atomic import move
from puffin.stages.link.commit.steps import FILL, GONE, IN, MKDIR, OUT, STAMP, SWAP, WHOLE, Script, Step
from puffin.value import replace


def as_whole(script: Script, site: str, built: str, *, always: bool) -> Script:
    """Return *script* with one step for all that it does in *site*, which is done here at *built* (``OSError``).

    Without *always*, *site* is empty, and its steps stay as they are if the new directory would not be like it. Else
    all that is in *site* and stays is in the new directory too: files by hard links, so that they are the same.
    """
    inside: list[Step] = []
    outside: list[Step] = []
    for step in script.steps:
        (inside if f"{_place(step)}/".startswith(f"{site}/") else outside).append(step)
    if not inside or not _made_like(site, built, always):
        return script
    gone = [first if kind == OUT else second for kind, first, second in inside if kind in (OUT, SWAP)]
    if always:
        _link_tree(site, built, frozenset(gone))
    for kind, first, second in inside:
        if kind == MKDIR:
            os.makedirs(_within(first, site, built), exist_ok=True)
        elif kind in (IN, SWAP):
            move(first, _within(second, site, built))
        elif kind == STAMP:
            os.utime(_within(first, site, built), ns=(script.stamp, script.stamp))
    one = (WHOLE if always else FILL, built, site)
    return replace(script, steps=(one, *outside, *[(GONE, path, "") for path in gone]))


def _place(step: "Step") -> str:
    kind, first, second = step
    return second if kind in (IN, SWAP) else first


def _within(path: str, site: str, built: str) -> str:
    return f"{built}{path[len(site) :]}"


def _made_like(site: str, built: str, always: bool) -> bool:
    """Make the directory *built* with mode, owner and attributes of *site*; False if that takes more than its due."""
    facts = os.stat(site)
    os.mkdir(built)
    made = os.stat(built)
    alike = (facts.st_mode, facts.st_uid, facts.st_gid) == (made.st_mode, made.st_uid, made.st_gid)
    names = os.listxattr(site) if hasattr(os, "listxattr") else ()
    if always:
        _copy_facts(site, built)
    elif not alike or any(not name.startswith("security.") for name in names):
        os.rmdir(built)
        return False
    return True


def _link_tree(source: str, target: str, gone: "frozenset[str]") -> None:
    for entry in list(os.scandir(source)):
        there = f"{target}/{entry.name}"
        path = f"{source}/{entry.name}"
        if path in gone:
            continue
        if entry.is_dir(follow_symlinks=False):
            os.mkdir(there)
            _link_tree(path, there, gone)
            _copy_facts(path, there)
        elif entry.is_symlink():
            os.symlink(os.readlink(path), there)
        else:
            _link(path, there)


def _link(path: str, there: str) -> None:
    try:
        os.link(path, there, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.EXDEV:  # a mount point, which would go with the old directory
            raise
        import shutil

        shutil.copy2(path, there, follow_symlinks=False)


def _copy_facts(source: str, target: str) -> None:
    import shutil

    facts = os.stat(source)
    if hasattr(os, "chown") and (facts.st_uid, facts.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(target, facts.st_uid, facts.st_gid)
    shutil.copystat(source, target)
