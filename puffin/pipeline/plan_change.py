"""Bringing environments from what they are to hold to their commits: one search, one graph, however many they are."""

from puffin.cache.room import make_room
from puffin.pipeline.executors import FEW
from puffin.pipeline.plan_execute import Engine
from puffin.pipeline.plan_many_locate import Search
from puffin.pipeline.plan_many_work import GraphRun, Watch
from puffin.pipeline.record import phase
from puffin.stages.artifact import WHEEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from puffin.cache.layout import Cache
    from puffin.pipeline.plan_graph import Supply
    from puffin.pipeline.plan_many_builds import Workshops
    from puffin.pipeline.plan_many_site import EnvironmentRun
    from puffin.pipeline.plan_settings import Reporter, Settings


class ChangeRun:
    """The part of a command in which environments change. ``command`` is its name in the run record."""

    def __init__(
        self,
        settings: "Settings",
        cache: "Cache",
        environ: "Mapping[str, str]",
        reporter: "Reporter",
        *,
        command: str,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._environ = environ
        self._reporter = reporter
        self._engine = Engine(settings, cache, reporter, command=command)
        self._search: Search | None = None
        self._workshops: Workshops | None = None
        self.graph: GraphRun | None = None

    def search(self, sites: "Sequence[EnvironmentRun]") -> Search:
        """Begin to look for all that the plans of *sites* install."""
        make_room(self._cache)
        self._search = Search(
            [site.request() for site in sites],
            settings=self._settings,
            cache=self._cache,
            environ=self._environ,
        )
        return self._search

    def warm_up(self, missing: int) -> None:
        """While an index is asked for so many pins, import what the work will need and start its processes."""
        from puffin.cache.leftovers import collect

        if not missing:
            return
        collect(self._cache)
        name = self._engine.chosen_for(missing, 0)
        if name != "inline" or missing > FEW:
            from puffin.pipeline.plan_import import import_supplying

            import_supplying()
        self._engine.start(name)

    def settle(self, site: "EnvironmentRun") -> None:
        """Note who builds what has to be built for *site*, or which wheel was built of it before."""
        if any(each.artifact.kind != WHEEL for each in site.supplies):
            if self._workshops is None:
                from puffin.pipeline.plan_many_builds import Workshops

                self._workshops = Workshops(self._cache, self._environ)
            self._workshops.settle(site)

    def bring(self, sites: "Sequence[EnvironmentRun]", watch: Watch, *, fail_fast: bool = False) -> None:
        """Supply, stage and commit what the plans of *sites* say; how each ended is in it."""
        self._heal(sites)
        self.graph = GraphRun(
            sites,
            self._engine,
            cache=self._cache,
            reporter=self._reporter,
            watch=watch,
            fail_fast=fail_fast,
            workshops=self._workshops,
        )
        self.graph.run()
        if self._search is not None:
            with phase("remember"):
                self._search.remember(self.graph.archives)

    def _heal(self, sites: "Sequence[EnvironmentRun]") -> None:
        """Look at archives that are linked once more; one that is not whole is fetched anew for all."""
        gone: set[str] = set()
        for site in sites:
            again = {name for name in site.plan.replace if name in site.workplace.archives}
            if again:
                from puffin.pipeline.plan_heal import damaged_archives

                gone |= damaged_archives(
                    site.supplies, again, site.workplace.damaged, self._cache, self._reporter
                )
        for site in sites if gone else ():
            site.supplies = [_without(each, gone) for each in site.supplies]

    def close(self) -> None:
        """End the search and let the executor's processes go."""
        if self._search is not None:
            self._search.stop()
        self._engine.close()


def _without(supply: "Supply", archives: "Collection[str]") -> "Supply":
    from puffin.value import replace

    return replace(supply, archive="") if supply.archive in archives else supply
