"""From the pins of a sync and what is installed to the install plan."""

from puffin.pipeline.plan_bytecode import bytecode_kind, lacking
from puffin.stages.link.installplan import Plan, WantedDistribution, make_plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from puffin.cache.layout import Cache
    from puffin.pipeline.plan_direct import Directs
    from puffin.pipeline.plan_inputs import Inputs
    from puffin.pipeline.plan_settings import Settings
    from puffin.stages.link.environment import Environment
    from puffin.stages.link.installplan import Present
    from puffin.stages.link.state import State

    class Place(Protocol):
        """What a plan looks at in an environment, as ``Workplace`` has it."""

        environment: Environment
        state: State | None
        present: tuple[Present, ...]
        damaged: frozenset[str]

        @property
        def archives(self) -> dict[str, str]:
            """The archives that installed distributions came from, by name."""

        @property
        def sources(self) -> dict[str, str]:
            """Where they came from, by name (see ``Artifact.source``)."""


SEEDS = ("pip", "setuptools", "wheel")


class Planner:
    """Plans what makes *place* hold exactly the pins of *inputs*, several times where more becomes known."""

    def __init__(
        self,
        place: "Place",
        inputs: "Inputs",
        settings: "Settings",
        cache: "Cache",
        environ: "Mapping[str, str]",
    ) -> None:
        self._place = place
        self._inputs = inputs
        self._settings = settings
        self._cache = cache
        self._environ = environ
        self._looked: Directs | None = None

    def plan(self, archives: "Mapping[str, str] | None" = None) -> Plan:
        """Return the plan; *archives* are those of pins with URLs, by name, as far as they were found out by now."""
        bare = lacking(self._place.state, bytecode_kind(self._place.environment, self._settings))
        stale = {*self._settings.reinstall_package, *self._place.damaged, *bare}
        wanted = self._wanted(archives or {})
        plan = self._planned(wanted, stale)
        losers = _losers(self._place, plan)
        return self._planned(wanted, stale | losers) if losers else plan

    def _planned(self, wanted: "list[WantedDistribution]", stale: "set[str]") -> Plan:
        return make_plan(
            self._place.present,
            wanted,
            archives=self._place.archives,
            sources=self._place.sources,
            stale=stale,
            everything_stale=self._settings.reinstall,
            protected=SEEDS if self._place.environment.seed else (),
        )

    def _wanted(self, archives: "Mapping[str, str]") -> "list[WantedDistribution]":
        if self._inputs.plain:
            return [WantedDistribution(name=name, version=version) for name, version in self._inputs.pins]
        anew = self._settings.refresh_package
        return [
            self._directs().wanted(pin, archives, refresh=self._settings.refresh or pin.name in anew)
            if pin.url
            else WantedDistribution(name=pin.name, version=pin.version)
            for pin in self._inputs.pins
        ]

    def _directs(self) -> "Directs":
        if self._looked is None:
            from puffin.pipeline.plan_direct import Directs
            from puffin.stages.resolve.locate_source import pinner

            ask = pinner(self._cache, offline=self._settings.offline, environ=self._environ)
            self._looked = Directs(self._cache, self._place.present, ask)
        return self._looked


def _losers(place: "Place", plan: Plan) -> "set[str]":
    """Return the distributions whose copy of a file comes back because the winner goes or changes."""
    if place.state is None or not place.state.conflicts:
        return set()
    leaving = {*plan.remove, *plan.replace}
    return {name for _, winner, losers in place.state.conflicts if winner in leaving for name in losers}
