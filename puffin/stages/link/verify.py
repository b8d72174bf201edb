"""Whether an environment is as puffin left it: every file there, in its size, and of its content where asked."""

import os

from puffin.stages.link.damage import lost_paths
from puffin.stages.unzip.record import digest_of, read
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from puffin.stages.link.state import Owned, State

MISSING = "is missing"
SIZE = "has another size"
CONTENT = "has another content"
UNREADABLE = "cannot be read"
CUT = "is cut short"


@frozen
class Finding:
    """A file that is not as installed. ``path`` is absolute, ``what`` says what is wrong with it."""

    name: str
    version: str
    path: str
    what: str


def verify(
    site: str, state: "State", *, deep: bool, sizes: "Callable[[str], Mapping[str, int]]"
) -> tuple[Finding, ...]:
    """Return what differs of the distributions that puffin installed, by name and path.

    The content of a file is looked at where its time is later than the last commit, and of all with *deep*.
    *sizes* returns for an archive the sizes of its files by path, as far as that is still known: what RECORD
    was made from.
    """
    stamp = max((last for _, last, _ in state.stamps), default=0)
    found: list[Finding] = []
    for owned in state.distributions:
        if owned.archive:
            found += _differences(
                site, owned, sizes(owned.archive), lost_paths(state, owned.name), -1 if deep else stamp
            )
    return tuple(sorted(found, key=lambda each: (each.name, each.path)))


def _differences(
    site: str, owned: "Owned", sizes: "Mapping[str, int]", lost: "frozenset[str]", stamp: int
) -> "Iterable[Finding]":
    record = f"{owned.dist_info}/RECORD"
    rows: dict[str, tuple[str, str]] = {}
    try:
        rows.update({path: (digest, size) for path, digest, size in read(f"{site}/{record}")})
        wrong = {} if record in rows else {record: CUT}
    except FileNotFoundError:
        wrong = {record: MISSING}
    except (OSError, ValueError):
        wrong = {record: UNREADABLE}
    for path, count in sizes.items():
        if path != record:
            rows.setdefault(path, ("", str(count)))
    for path, (digest, size) in rows.items():
        if path not in lost and path not in wrong and (digest or not path.endswith(".pyc")):
            what = _difference(f"{site}/{path}", digest, size, stamp)
            wrong |= {path: what} if what else {}
    for path, what in wrong.items():
        yield Finding(
            name=owned.name, version=owned.version, path=os.path.normpath(f"{site}/{path}"), what=what
        )


def _difference(path: str, digest: str, size: str, stamp: int) -> str:
    try:
        facts = os.stat(path)
        if size and facts.st_size != int(size):
            return SIZE
        if digest and facts.st_mtime_ns > stamp and digest_of(path, digest.partition("=")[0]) != digest:
            return CONTENT
    except FileNotFoundError:
        return MISSING
    except (OSError, ValueError):
        return UNREADABLE
    return ""
