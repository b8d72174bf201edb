"""The packages of a seeded environment: the newest version of each that fits, installed as by a sync."""

import time

from puffin.pipeline.commands.pip_sync import sync_pins
from puffin.pipeline.inputs.inputs import Inputs, index_config, kinds_of_files
from puffin.pipeline.request.settings import Settings
from puffin.stages.link.environment.environment import Environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.pipeline.request.session import Session


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
    """Return the newest stable version of each package that has a wheel for *environment*."""
    from packaging.version import InvalidVersion, Version

    from puffin.stages.fetch.fetch import client_for
    from puffin.stages.resolve.index.pages import Pages

    config = index_config(settings, None)
    http = client_for(session.network.wire())
    pages = Pages(
        http=http,
        cache=session.cache,
        refresh=settings.refresh,
        offline=settings.offline,
        now=time.time(),
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
        versions = sorted(((stable(text), text) for text in texts if stable(text)), reverse=True)
        pins.append(
            (
                name,
                _first_that_fits(
                    environment, name, [text for _, text in versions], config, http, session, settings
                ),
            )
        )
    return pins


def _of(link: "Any", name: str) -> "list[str]":
    from puffin.stages.resolve.index.page import splits

    return [version for found, version in splits(link.filename) if found == name]


def _first_that_fits(
    environment: Environment,
    name: str,
    versions: "list[str]",
    config: "Any",
    http: "Any",
    session: "Session",
    settings: Settings,
) -> str:
    from puffin.stages.resolve.locate.errors import LocateFailed
    from puffin.stages.resolve.locate.locate import locate
    from puffin.stages.resolve.requirements.pins import Pin

    failure: Exception | None = None
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
            return version
    raise failure or ValueError(name)
