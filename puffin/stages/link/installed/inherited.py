"""What an environment sees of the installation it was made from (``include-system-site-packages``, PEP 405)."""

import os
import subprocess

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
    root = os.path.realpath(environment.root) + os.sep
    paths = done.stdout.decode("utf-8", "surrogateescape").split("\0") if done.returncode == 0 else []
    return tuple([path for path in paths if _is_site(path) and not os.path.realpath(path).startswith(root)])


def _is_site(path: str) -> bool:
    return os.path.basename(path) in ("site-packages", "dist-packages")


def inherited(environment: Environment) -> "tuple[tuple[str, Present], ...]":
    """Return ``(directory, distribution)`` of all that *environment* sees outside of itself, one for each name."""
    found: dict[str, tuple[str, Present]] = {}
    for site in inherited_sites(environment):
        for name, version, entry, kind in scan(site):
            found.setdefault(name, (site, Present(name=name, version=version, entry=entry, kind=kind)))
    return tuple(found.values())
