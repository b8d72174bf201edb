"""What an environment sees of the installation it was made from (``include-system-site-packages``, PEP 405).

Debian's own Python sees, in the same way, what Debian's package manager installs for it.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator

from puffin import depends
from puffin.stages.link.commit.installplan import Present
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.installed.scan import scan

_CODE = r"import sys; sys.stdout.buffer.write('\0'.join(sys.path).encode('utf-8', 'surrogateescape'))"
_TIMEOUT = 60.0  # s


def inherited_sites(environment: Environment) -> "tuple[str, ...]":
    """Return the directories of packages outside of *environment* that its interpreter sees, first first.

    It is asked each time, because ``.pth`` files and the distribution's patches decide. One that does not answer
    sees none.
    """
    if not environment.system_site_packages:
        return ()
    depends.unsure("packages outside of the environment count")
    try:
        command = [environment.executable, "-I", "-c", _CODE]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    own = [environment.root] if environment.is_venv else [environment.purelib, environment.platlib]
    inside = tuple([os.path.realpath(path) + os.sep for path in own])
    paths = done.stdout.decode("utf-8", "surrogateescape").split("\0") if done.returncode == 0 else []
    return tuple(
        [path for path in paths if _is_site(path) and not f"{os.path.realpath(path)}/".startswith(inside)]
    )


def _is_site(path: str) -> bool:
    return os.path.basename(path) in ("site-packages", "dist-packages")


def outside(
    environment: Environment, own: "Iterable[str]" = ()
) -> "Iterator[tuple[str, tuple[str, str, str, str]]]":
    """Yield ``(directory, row of scan)`` of what *environment* sees outside, one for each name not among its *own*."""
    known = set(own)
    for site in inherited_sites(environment):
        for row in scan(site):
            if row[0] not in known:
                known.add(row[0])
                yield site, row


def visible(environment: Environment) -> "Iterator[tuple[str, tuple[str, str, str, str], bool]]":
    """Yield ``(directory, row of scan, whether it is outside)`` of all that *environment* has and sees."""
    sites = {os.path.realpath(site): site for site in (environment.platlib, environment.purelib)}
    own = [(site, row) for site in sites.values() for row in scan(site)]
    for site, row in own:
        yield site, row, False
    for site, row in outside(environment, [row[0] for _, row in own]):
        yield site, row, True


def inherited(environment: Environment) -> "tuple[tuple[str, Present], ...]":
    """Return ``(directory, distribution)`` of all that *environment* sees outside of itself, one for each name."""
    found = []
    for site, (name, version, entry, kind) in outside(environment):
        found.append((site, Present(name=name, version=version, entry=entry, kind=kind)))
    return tuple(found)
