"""Which versions may be taken: pre-releases, Requires-Python, files, and a yanked one only under an exact pin.

Every search keeps these rules, and :mod:`puffin.stages.resolve.solve.check` holds every answer to them.
"""

from collections.abc import Iterable

from puffin.stages.resolve.solve.request import DISALLOW, EXPLICIT, ResolveRequest
from puffin.stages.resolve.solve.requirement import is_prerelease, pinned
from puffin.stages.resolve.solve.specifiers import PythonRange, admits
from puffin.stages.resolve.solve.universe import Release
from puffin.value import frozen

PRERELEASE = "prerelease"
YANKED = "yanked"
PYTHON = "python"
TAGS = "tags"
REQUIRED = "required"
NO_BUILD = "no-build"
NO_BINARY = "no-binary"
NO_FILES = "no-files"
HASHES = "hashes"
UNUSABLE = "unusable"
NEEDS = "needs"
FOREIGN_URL = "foreign-url"
BUILDS = "builds"
MOST_BUILDS = 10  # of versions of one package, to learn what they need: builds take seconds to minutes each


@frozen
class Rejection:
    """Why one version is ruled out for good.

    ``detail`` depends on ``kind``: the reason of the yank, the Requires-Python, the tags of the wheels there
    are, the marker of the environment for :data:`REQUIRED`, or a clause for :data:`UNUSABLE`. For :data:`NEEDS` it is
    the requirement on another version of itself, for :data:`FOREIGN_URL` the requirement with the URL, in both cases of
    the package ``other``.
    """

    kind: str
    detail: str = ""
    other: str = ""
    offline: bool = False


def may_prerelease(request: ResolveRequest, name: str, *, explicit: bool) -> bool:
    """Return whether pre-releases of a package may be taken at all; stable versions come first anyhow.

    *explicit* tells that the user asks for one by naming it.
    """
    mode = request.prereleases_of(name)
    return mode != DISALLOW and (mode != EXPLICIT or explicit)


class Eligibility:
    """Decides which releases may be candidates at all."""

    def __init__(self, request: ResolveRequest, python: PythonRange) -> None:
        self._request = request
        self._python = python

    def refusal(self, release: Release, may_yank: bool, may_prerelease: bool, name: str) -> Rejection | None:
        """Return why a release cannot be taken, None if it can."""
        if not may_prerelease and is_prerelease(release.version):
            return Rejection(kind=PRERELEASE)
        if release.yanked is not None and not may_yank:
            return Rejection(kind=YANKED, detail=release.yanked)
        if not self._python.admits(release.requires_python):
            return Rejection(kind=PYTHON, detail=release.requires_python)
        return self._no_file(release, name)

    def _no_file(self, release: Release, name: str) -> Rejection | None:
        files = self._request.files
        wheel, sdist = files.wheels(name), files.sdists(name)
        if release.hashes_differ:
            return Rejection(kind=HASHES)
        if (release.wheel and wheel) or (release.sdist and sdist):
            return None
        if release.sdist:
            return Rejection(kind=NO_BUILD, detail=", ".join(release.tags))
        if release.wheel:
            return Rejection(kind=NO_BINARY)
        if release.tags:
            return Rejection(kind=TAGS, detail=", ".join(release.tags))
        return Rejection(kind=NO_FILES)


def pins_exactly(specifiers: "Iterable[str]", version: str) -> bool:
    """Tell whether one of *specifiers* pins *version* by ``==`` or ``===``: only then a yanked version may be taken."""
    return any(pinned(text) and admits(text, version) for text in specifiers)
