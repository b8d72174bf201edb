"""The packages of a seeded environment: the newest version of each that fits, installed as by a sync."""

from puffin.errors import PuffinError
from puffin.pipeline.commands.outdated import fitting_versions, setup_for
from puffin.pipeline.commands.pip_sync import sync_pins
from puffin.pipeline.inputs.inputs import Inputs, index_config, kinds_of_files
from puffin.pipeline.inputs.resolution import open_universe
from puffin.pipeline.request.settings import Settings
from puffin.stages.fetch.fetch import client_for
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.installed.demands import demands
from puffin.stages.link.installed.requires import Requires
from puffin.stages.resolve.locate.locate import cannot_locate, locate
from puffin.stages.resolve.requirements.values import Pin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.request.session import Session
    from puffin.stages.resolve.universe.kept import KeptUniverse


class NoSeed(PuffinError):
    """No version of a seed needs nothing but the other seeds."""

    sentence = "No version of `{package}` can be a seed: all need other packages"
    hints: tuple[str, ...] = ("leave out `--seed`, and install the packages with `puffin pip install`",)


def seed(environment: Environment, names: tuple[str, ...], settings: Settings, session: "Session") -> None:
    """Install the newest fitting wheel of each of *names*. Raises the errors of locating and syncing."""
    inputs = Inputs(
        pins=tuple(newest_pins(environment, names, settings, session)),
        plain=True,
        config=index_config(settings, None),
        files=kinds_of_files(settings, None),
    )
    sync_pins(environment, inputs, settings, session)


def newest_pins(
    environment: Environment, names: tuple[str, ...], settings: Settings, session: "Session"
) -> "list[tuple[str, str]]":
    """Return the newest stable version of each package that has a wheel for *environment*.

    Of several packages, those versions count that need no other one: ``pip check`` is to find nothing missing.
    """
    pins = []
    setup = setup_for(environment, settings, session, refresh=settings.refresh)
    with open_universe(setup, session.cache) as universe:
        for name in names:
            offer = universe.versions(name)
            wheels = [each.version for each in fitting_versions(offer, environment) if each.filetype == "wheel"]
            if not wheels:
                version = offer.versions[0] if offer.versions else "0"
                pin = Pin(name=name, version=version, text=f"{name}=={version}")
                found, *_ = locate([pin], setup.scope, http=client_for(setup.network), cache=session.cache)
                if failures := [each for each in found if isinstance(each, PuffinError)]:
                    raise cannot_locate(failures, 1)
            whole = (each for each in wheels if _is_whole(universe, name, each, names, environment))
            version = next(whole, "")
            if not version:
                raise NoSeed(package=name)
            pins.append((name, version))
    return pins


def _is_whole(
    universe: "KeptUniverse", name: str, version: str, names: tuple[str, ...], environment: Environment
) -> bool:
    """Tell whether a version requires none but *names*; that of a single seed may."""
    if len(names) == 1:
        return True
    metadata = universe.metadata(universe.versions(name).release(version).handle)
    own = Requires(name=name, raw_name=name, version=version, requires_dist=metadata.requires_dist)
    wanted = demands((own,), dict(environment.interpreter.markers))
    return all(each.name in names for each in wanted)
