"""The packages of a seeded environment: the newest version of each that fits, installed as by a sync."""

import time

from packaging.version import InvalidVersion, Version

from puffin.errors import PuffinError
from puffin.pipeline.commands.pip_sync import sync_pins
from puffin.pipeline.inputs.inputs import Inputs, index_config, kinds_of_files
from puffin.pipeline.inputs.resolution import ResolutionSetup, open_universe
from puffin.pipeline.request.settings import Settings
from puffin.stages.fetch.fetch import client_for
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.installed.demands import demands
from puffin.stages.link.installed.requires import Requires
from puffin.stages.resolve.index.page import splits
from puffin.stages.resolve.index.pages import Pages
from puffin.stages.resolve.locate.errors import LocateFailed
from puffin.stages.resolve.locate.locate import locate
from puffin.stages.resolve.locate.platforms import target_for
from puffin.stages.resolve.requirements.pins import Pin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from puffin.pipeline.request.session import Session
    from puffin.stages.resolve.universe.index import IndexUniverse


def seed(environment: Environment, names: tuple[str, ...], settings: Settings, session: "Session") -> None:
    """Install the newest fitting version of each of *names*. Raises the errors of locating and syncing."""
    inputs = Inputs(
        pins=tuple(newest_pins(environment, names, settings, session)),
        plain=True,
        config=index_config(settings, None),
        files=kinds_of_files(settings, None),
        require_hashes=False,
        trusted_hosts=(),
        warnings=(),
    )
    sync_pins(environment, inputs, settings, session)


def newest_pins(
    environment: Environment, names: tuple[str, ...], settings: Settings, session: "Session"
) -> "list[tuple[str, str]]":
    """Return the newest stable version of each package that has a wheel for *environment*.

    Of several packages, those versions count that need no other one: ``pip check`` is to find nothing missing.
    """

    config = index_config(settings, None)
    http = client_for(session.network.wire())
    pages = Pages(
        http=http, cache=session.cache, refresh=settings.refresh, offline=settings.offline, now=time.time()
    )

    def stable(text: str) -> "Version | None":
        try:
            version = Version(text)
        except InvalidVersion:
            return None
        return None if version.is_prerelease else version

    pins = []
    for name in names:
        texts = {text for index in config.indexes() for text in pages.page(index, name).versions}
        texts |= {
            version for place in config.find_links for link in pages.flat(place) for version in _of(link, name)
        }
        stables = sorted(((stable(text), text) for text in texts if stable(text)), reverse=True)
        fitting = _fitting(environment, name, [text for _, text in stables], config, http, session, settings)
        alone = len(names) == 1
        with open_universe(_setup(environment, settings, session), session.cache) as universe:
            found = next(
                (each for each in fitting if alone or _is_whole(universe, name, each, names, environment)), ""
            )
        if not found:
            raise NoSeed(package=name)
        pins.append((name, found))
    return pins


class NoSeed(PuffinError):
    """No version of a seed needs nothing but the other seeds."""

    sentence = "No version of `{package}` can be a seed: all need other packages"
    hints: tuple[str, ...] = ("leave out `--seed`, and install what is needed with `puffin pip install`",)


def _setup(environment: Environment, settings: Settings, session: "Session") -> ResolutionSetup:
    return ResolutionSetup(
        config=index_config(settings, None),
        network=session.network.wire(),
        now=time.time(),
        target=target_for(environment.interpreter),
        refresh=settings.refresh,
        offline=settings.offline,
    )


def _is_whole(
    universe: "IndexUniverse", name: str, version: str, names: tuple[str, ...], environment: Environment
) -> bool:
    """Tell whether a version requires none but *names*."""
    metadata = universe.metadata(universe.versions(name).release(version).handle)
    own = Requires(name=name, raw_name=name, version=version, requires_dist=metadata.requires_dist)
    wanted = demands((own,), dict(environment.interpreter.markers))
    return all(each.name in names for each in wanted)


def _of(link: "Any", name: str) -> "list[str]":

    return [version for found, version in splits(link.filename) if found == name]


def _fitting(
    environment: Environment,
    name: str,
    versions: "list[str]",
    config: "Any",
    http: "Any",
    session: "Session",
    settings: Settings,
) -> "Iterator[str]":
    """Yield the versions that have a wheel and are not yanked; raise the first failure where there is none."""

    failure: Exception | None = None
    found = False
    for version in versions[:20] or ["0"]:
        pin = Pin(name=name, version=version, text=f"{name}=={version}")
        try:
            located = locate(
                [pin],
                config=config,
                tags=environment.interpreter.tags,
                python_version=environment.interpreter.version_text,
                http=http,
                cache=session.cache,
                offline=settings.offline,
                now=time.time(),
            )
        except LocateFailed as error:
            failure = failure or error
            continue
        if located.artifacts[0].yanked is None:
            found = True
            yield version
    if not found:
        raise failure or ValueError(name)
