"""The subdirectory of a repository or an archive in which the project is."""

import os

from puffin.errors import PuffinError


class NoSubdirectory(PuffinError):
    """What a requirement names has no such subdirectory, or none that lies inside."""

    stage = "fetch"
    subdirectory: str

    def summary(self) -> str:
        """Name the requirement and the subdirectory."""
        return f"`{self.package}` has no subdirectory `{self.subdirectory}`"


def inner_directory(root: str, subdirectory: str, *, package: str) -> str:
    """Return the path of *subdirectory* (which may be empty) below *root*. Raises :class:`NoSubdirectory`."""
    if not subdirectory:
        return root
    path = os.path.join(root, subdirectory)
    inside = os.path.realpath(path).startswith(os.path.realpath(root) + os.sep)
    if not os.path.isdir(path) or not (inside or os.path.normpath(subdirectory) == "."):
        raise NoSubdirectory(package=package, subdirectory=subdirectory)
    return path
