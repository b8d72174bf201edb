"""What an install was asked for, as one value."""

from puffin.pipeline.plan_settings import Settings
from puffin.stages.resolve.inputs import Sources
from puffin.stages.resolve.preferences import Upgrades
from puffin.stages.resolve.solve.request import HIGHEST, IF_NECESSARY_OR_EXPLICIT
from puffin.value import frozen


@frozen
class InstallSettings:
    """What an install was asked for; ``run`` has what it shares with a sync. Empty texts mean "not given"."""

    run: Settings
    sources: Sources
    upgrades: Upgrades = Upgrades()
    resolution: str = HIGHEST
    prerelease: str = IF_NECESSARY_OR_EXPLICIT
    exclude_newer: str = ""
    no_deps: bool = False
    exact: bool = False
    strict: bool = False
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()
    no_build: bool = False
