"""The order of a build and its result, as values."""

import os
from typing import Any

from puffin.artifact.urls import digest
from puffin.depends import backend_variables
from puffin.value import frozen

METADATA = "metadata"
WHEEL = "wheel"
EDITABLE = "editable"
LACKS = "lacks"  # what a build answers that needs more in its environment
KEPT = "kept"  # what one answers whose wheel was there already


@frozen
class BuildOrder:
    """What to build, and how: builtins and values of builtins, so that it can be sent.

    ``artifact`` is the source in its wire form; ``goal`` is ``wheel``, ``editable``, ``metadata`` or
    ``editable-metadata``. ``interpreter`` is the key of the interpreter that builds, ``tags`` the wheel tags it takes,
    ``python`` its executable where the environment is not made for the build. ``settings`` names the settings
    (``kept.settings_of``). What was built before ``since``, in seconds since the epoch, does not count. ``seconds`` is
    how long it may take, 0 for ever. The wheel is for this machine ``alone`` if it depends on more than the names of
    its source and its settings tell. ``variables`` are those of who wants it (:func:`variables_here`).
    """

    package: str
    artifact: "tuple[Any, ...]"
    goal: str
    interpreter: str
    python: str
    scripts: str
    tags: tuple[str, ...]
    settings: str
    isolated: bool = True
    since: float = 0.0
    seconds: float = 0.0
    alone: bool = False
    variables: str = ""


def variables_here() -> str:
    """Return a digest of the variables of this process that compilers and backends go by."""
    return digest(repr(backend_variables(os.environ)))


@frozen
class HookJob:
    """What to build, and how.

    ``package`` is what errors call it. ``tree`` is the directory of the project, ``python`` the build
    environment's own interpreter, ``scripts`` its directory of scripts, ``requires`` the requirements that it
    was made for; ``backend`` and ``backend_path`` are those of :class:`~puffin.stages.build.task.BuildSystem`.
    ``goal`` is ``metadata``, ``wheel``, ``editable`` or ``editable-metadata``. Wheels and metadata go into the
    directory ``output``, all that is printed into the file ``log``; both are created.

    Jobs with the same ``share``, which must mean the same environment, may run in forks of one process that has
    the backend imported. ``isolated`` is False for ``--no-build-isolation``: further requirements are not asked
    for, and Python's variables are kept. ``timeout`` is in seconds, 0 for none. ``environ`` holds the user's
    environment variables as they were before anyone changed them; without it they are this process's.
    ``lock`` is a file that is locked meanwhile, for trees that others may build too. ``ceiling`` is a directory above
    trees in which, and above which, no repository is theirs.
    """

    package: str
    tree: str
    python: str
    backend: str
    backend_path: "tuple[str, ...]" = ()
    goal: str = WHEEL
    config_settings: "tuple[tuple[str, str], ...]" = ()
    output: str
    log: str
    requires: "tuple[str, ...]" = ()
    scripts: str = ""
    share: str = ""
    isolated: bool = True
    name: str = ""
    version: str = ""
    timeout: float = 0.0
    environ: "tuple[tuple[str, str], ...]" = ()
    lock: str = ""
    ceiling: str = ""


@frozen
class HookAnswer:
    """The result of a job.

    Either ``requires``: the requirements that the backend asks for and the environment lacks; nothing was built
    then. Or the path of the ``wheel``, or that of the file METADATA, or both.
    """

    requires: "tuple[str, ...]" = ()
    wheel: str = ""
    metadata: str = ""
