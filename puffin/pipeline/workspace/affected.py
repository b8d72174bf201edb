"""What a change affects, as values; and the memo of what the environments of a commit were read from.

An environment whose files do not differ from a commit has the same digest there. So the memo of a commit has, for each
environment, the paths that were looked at when its digest was made; what git does not know of them (outside of the
repository, ignored, absent) has a stamp, which must still hold.
"""

import os
import sys

import puffin
from puffin import depends
from puffin.cache import frame
from puffin.cache.atomic import publish_file
from puffin.cache.layout import Bucket, Cache
from puffin.cache.reading import read
from puffin.errors import UsageError
from puffin.pipeline.workspace.commits import CommitDifference, loose
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.types import Any, Collection, Iterable, Mapping
from puffin.value import frozen

_FORMAT = 3
_PREFIXES = ("PUFFIN_", "PIP_", "UV_", "XDG_", "CONDA_", "PYENV_")
_NOT_DECISIVE = frozenset(
    ("since", "changed_since", "format", "words", "given", "verbose", "quiet", "report", "check")
)
_VARIABLES = frozenset(("HOME", "PATH", "VIRTUAL_ENV", "APPDATA", "PROGRAMDATA", "USERPROFILE"))


@frozen
class AffectedReason:
    """Why an environment is affected: an input of the ``kind`` differs, which has a ``name``.

    ``chain`` leads from the file that changed to the environment. ``note`` says more, if there is more to say.
    """

    kind: str
    name: str
    chain: tuple[str, ...]
    note: str = ""


@frozen
class AffectedEnvironment:
    """An environment whose digest differs, with all reasons; ``former`` is empty for a new one."""

    spec: EnvSpec
    digest: str
    former: str
    reasons: tuple[AffectedReason, ...]


@frozen
class Affected:
    """The environments that a change affects, the number of all, and the names of those that are gone."""

    commit: str
    environments: tuple[AffectedEnvironment, ...]
    total: int
    removed: tuple[str, ...] = ()


@frozen
class CommitMemo:
    """What was looked at for the environments of a commit.

    ``listing`` are the paths by which the environments and their settings were found, ``environments`` those of each
    environment by its path, and whether the commit itself counts for it, ``values`` those of the values among them.
    """

    listing: frozenset[str]
    environments: "Mapping[str, tuple[bool, frozenset[str]]]"
    values: "Mapping[str, frozenset[str]]"

    def is_same(self, path: str, found: CommitDifference, touched: "Collection[str]") -> bool:
        """Tell whether an environment at *path* has the same digest at the commit, as nothing of it differs."""
        if path not in self.environments:
            return False
        moves, looked = self.environments[path]
        return not (moves and found.head != found.commit) and looked.isdisjoint(touched)

    def nothing_differs(self, found: CommitDifference) -> bool:
        """Tell whether no environment can be affected."""
        touched = found.touched
        return all(map(touched.isdisjoint, (self.listing, *self.values.values()))) and all(
            self.is_same(path, found, touched) for path in self.environments
        )


def memo_key(found: CommitDifference, written: "Mapping[str, Any]", environ: "Mapping[str, str]") -> str:
    """Return the name of the memo of a commit: all that may decide, besides files, what is looked at.

    *written* are the options of the command.
    """
    variables = sorted(
        (name, value) for name, value in environ.items() if name in _VARIABLES or name.startswith(_PREFIXES)
    )
    options = sorted((name, repr(value)) for name, value in written.items() if name not in _NOT_DECISIVE)
    own = (puffin.__version__, os.stat(puffin.__file__).st_mtime_ns, sys.version, sys.executable)
    asked = repr((_FORMAT, own, found.commit, found.top, os.getcwd(), options, variables))
    return depends.seal(asked.encode("utf-8", "surrogateescape")).hex()


def read_memo(cache: Cache, key: str, environ: "Mapping[str, str]") -> CommitMemo | None:
    """Return the memo with this name, None if there is none that still holds."""
    data = read(cache.find(_place(cache, key)))
    fields = frame.load(data) if data else None
    if not isinstance(fields, tuple) or len(fields) != 7 or fields[0] != key:
        return None
    _, paths, stamps, variables, listing, environments, values = fields
    if any(depends.stamp(paths[number]) != stamp for number, stamp in stamps):
        return None
    if any(depends.sealed(environ.get(name)) != value for name, value in variables):
        return None
    return CommitMemo(
        listing=frozenset([paths[number] for number in listing]),
        environments={
            path: (moves, frozenset([paths[number] for number in looked]))
            for path, moves, looked in environments
        },
        values={name: frozenset([paths[number] for number in looked]) for name, looked in values},
    )


def keep_memo(
    cache: Cache, key: str, looked: CommitMemo, found: CommitDifference, variables: "Mapping[str, str | None]"
) -> None:
    """Keep what was looked at. Where nothing can be kept, the next run reads it again."""
    of_environments = [paths for _, paths in looked.environments.values()]
    every = looked.listing.union(*of_environments, *looked.values.values())
    numbers = {path: number for number, path in enumerate(sorted(every))}

    def numbered(paths: "Iterable[str]") -> tuple[int, ...]:
        return tuple([numbers[path] for path in paths])

    try:
        outside = loose(every, found)
    except UsageError:  # git cannot tell any more; the answer stands
        return
    fields = (
        key,
        tuple(numbers),
        tuple([(numbers[path], depends.stamp(path)) for path in outside if not os.path.isdir(path)]),
        tuple([(name, depends.sealed(value)) for name, value in variables.items()]),
        numbered(looked.listing),
        tuple([(path, moves, numbered(own)) for path, (moves, own) in looked.environments.items()]),
        tuple([(name, numbered(own)) for name, own in looked.values.items()]),
    )
    try:
        cache.own.initialise()
        publish_file(cache.own, _place(cache, key), frame.dump(fields))
    except OSError:
        pass


def _place(cache: Cache, key: str) -> str:
    return cache.path(Bucket.INPUTS, f"looked-{key}")
