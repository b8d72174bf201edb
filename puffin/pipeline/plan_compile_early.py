"""What of a compilation needs no interpreter: it is done while one answers, if one has to be asked."""

import time

from puffin.pipeline.plan_compile_request import demanded_hashes, file_policy
from puffin.pipeline.plan_import import import_resolving
from puffin.pipeline.plan_inputs import index_config
from puffin.pipeline.plan_network import helping, network_of
from puffin.pipeline.plan_read import reader
from puffin.stages.fetch.fetch import client_for
from puffin.stages.resolve.inputs import read_sources
from puffin.stages.resolve.preferences import read_preferences
from puffin.stages.resolve.reqfile import read_file
from puffin.stages.resolve.universe_helpers import Children
from puffin.stages.resolve.universe_scope import Scope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.plan_compile_settings import CompileSettings
    from puffin.stages.fetch.client import Client
    from puffin.stages.resolve.index_config import IndexConfig
    from puffin.stages.resolve.inputs import Build, Sources
    from puffin.stages.resolve.preferences import Upgrades
    from puffin.stages.resolve.solve.request import Preference


class Early:
    """Requirements, configuration and the children that ask indexes, of one compilation."""

    def __init__(
        self,
        settings: "CompileSettings",
        upgrades: "Upgrades",
        cache: "Cache",
        environ: "Mapping[str, str]",
        build: "Build | None",
    ) -> None:
        self._settings = settings
        self._upgrades = upgrades
        self._cache = cache
        self._environ = environ
        self._build = build
        self._done = False
        self._error: Exception | None = None
        self.sources: Sources
        self.earlier: tuple[Preference, ...] = ()
        self.config: IndexConfig
        self.network: tuple[Any, ...] = ()
        self.client: Client
        self.scope: Scope
        self.children: Children | None = None

    def begin(self) -> None:
        """Do it all, and have the pages of what is required looked for; what is wrong waits for :meth:`finish`."""
        import_resolving()
        self._prepare()
        if self.children is not None:
            entries = self.sources.requirements.entries
            self.children.expect(each.name for each in entries if each.name and not (each.url or each.marker))

    def finish(self) -> None:
        """Do what was not done; raises what is wrong with the requirements."""
        self._prepare()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End the children."""
        if self.children is not None:
            self.children.close()

    def _prepare(self) -> None:
        if self._done:
            return
        self._done = True
        try:
            self._read()
            self._configure()
        except Exception as error:
            self._error = error

    def _read(self) -> None:
        settings, environ = self._settings, self._environ
        read = reader(settings.run, environ)
        if settings.output:
            self.earlier = read_preferences(settings.output, read=read_file, environ=environ)
        self.sources = read_sources(settings.sources, read=read, environ=environ, build=self._build)

    def _configure(self) -> None:
        run, requirements = self._settings.run, self.sources.requirements
        self.config = index_config(run, requirements)
        self.network = network_of(run, self._environ, requirements.trusted_hosts)
        self.client = client_for(self.network)
        again = frozenset((*run.refresh_package, *self._upgrades.names))
        self.scope = Scope(
            config=self.config,
            tags=(),
            python_version="",
            now=time.time(),
            files=file_policy(self._settings, requirements),
            hashes=demanded_hashes(requirements),
            exclude_newer=self._settings.exclude_newer,
            refresh=False if run.offline else (run.refresh or self._upgrades.everything or again),
            offline=run.offline,
        )
        self.children = Children(self.scope, client=self.client, cache=self._cache, helping=helping)
