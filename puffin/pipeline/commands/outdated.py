"""Installed packages with newer versions on an index."""

import time
from collections.abc import Iterable, Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from puffin.pipeline.inputs.inputs import index_config
from puffin.pipeline.inputs.resolution import ResolutionSetup, open_universe
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import Settings
from puffin.stages.link.environment.environment import Environment
from puffin.stages.resolve.locate.platforms import target_for
from puffin.stages.resolve.solve.universe import Offer, Release
from puffin.stages.resolve.universe.values import Chosen
from puffin.value import frozen


@frozen
class Latest:
    """The newest version of a package that fits an environment; ``filetype`` is ``wheel`` or ``sdist``."""

    version: str
    filetype: str


def latest_versions(
    names: Iterable[str], settings: Settings, environment: Environment, session: Session, *, pre: bool = False
) -> dict[str, Latest]:
    """Return the newest version of each package that fits the environment and is not yanked.

    *pre* counts pre-releases too. Packages that no index has are left out; raises the errors of the network.
    """
    wanted = list(names)
    # who asks wants to know how it is, not how it was
    setup = setup_for(environment, settings, session, refresh=not settings.offline)
    with open_universe(setup, session.cache) as universe:
        universe.expect(wanted)
        found = {
            name: next(fitting_versions(universe.versions(name), environment, pre=pre), None) for name in wanted
        }
    return {name: latest for name, latest in found.items() if latest is not None}


def setup_for(
    environment: Environment, settings: Settings, session: Session, *, refresh: bool
) -> ResolutionSetup:
    """Return the set-up of a universe in which versions for *environment* are looked for, without requirements."""
    return ResolutionSetup(
        config=index_config(settings, None),
        network=session.network.wire(),
        now=time.time(),
        target=target_for(environment.interpreter),
        refresh=refresh,
        offline=settings.offline,
    )


def fitting_versions(offer: Offer, environment: Environment, *, pre: bool = False) -> Iterator[Latest]:
    """Yield the versions that fit and are not yanked, the newest first."""
    for text in offer.versions:
        if not pre and Version(text).is_prerelease:
            continue
        release = offer.release(text)
        python = environment.interpreter.version_text
        if isinstance(release.handle, Chosen) and release.yanked is None and _admits(release, python):
            filename = release.handle.install.link.filename
            yield Latest(version=text, filetype="wheel" if filename.endswith(".whl") else "sdist")


def _admits(release: Release, python: str) -> bool:
    try:
        return SpecifierSet(release.requires_python).contains(python.rstrip("+"), prereleases=True)
    except InvalidSpecifier:
        return True


def is_newer(latest: str, installed: str) -> bool:
    """Tell whether a version is newer than the installed one; a version that cannot be compared is."""
    try:
        return Version(latest) > Version(installed)
    except InvalidVersion:
        return True
