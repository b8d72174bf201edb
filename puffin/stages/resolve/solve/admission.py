"""What the index tells of a version, against what the request allows."""

from puffin.stages.resolve.solve import rejection
from puffin.stages.resolve.solve.rejection import Rejection
from puffin.stages.resolve.solve.request import ALLOW, DISALLOW, EXPLICIT, ResolveRequest
from puffin.stages.resolve.solve.requirement import is_prerelease
from puffin.stages.resolve.solve.specifiers import PythonRange
from puffin.stages.resolve.solve.universe import Release


class Admission:
    """Decides which releases may be candidates at all."""

    def __init__(self, request: ResolveRequest, python: PythonRange) -> None:
        self._request = request
        self._python = python

    def prereleases(self, name: str, *, explicit: bool) -> bool:
        """Return whether pre-releases of a package may be taken at all; stable versions come first anyhow."""
        mode = self._request.prereleases
        if name in self._request.prerelease_names or mode == ALLOW:
            return True
        return mode != DISALLOW and (mode != EXPLICIT or explicit)

    def refusal(self, release: Release, may_yank: bool, may_prerelease: bool, name: str) -> Rejection | None:
        """Return why a release cannot be taken, None if it can."""
        if not may_prerelease and is_prerelease(release.version):
            return Rejection(kind=rejection.PRERELEASE)
        if release.yanked is not None and not may_yank:
            return Rejection(kind=rejection.YANKED, detail=release.yanked)
        if not self._python.admits(release.requires_python):
            return Rejection(kind=rejection.PYTHON, detail=release.requires_python)
        return self._no_file(release, name)

    def _no_file(self, release: Release, name: str) -> Rejection | None:
        files = self._request.files
        wheel, sdist = files.wheels(name), files.sdists(name)
        if release.hashes_differ:
            return Rejection(kind=rejection.HASHES)
        if (release.wheel and wheel) or (release.sdist and sdist):
            return None
        if release.sdist:
            return Rejection(kind=rejection.NO_BUILD, detail=", ".join(release.tags))
        if release.wheel:
            return Rejection(kind=rejection.NO_BINARY)
        if release.tags:
            return Rejection(kind=rejection.TAGS, detail=", ".join(release.tags))
        return Rejection(kind=rejection.NO_FILES)
