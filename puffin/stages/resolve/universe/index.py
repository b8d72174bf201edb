"""The universe of a resolution: versions and metadata from indexes, find-links, URLs, directories, and the cache.

Threads or children fetch pages and metadata ahead of need; the resolver asks from one thread. An error of something
that was fetched ahead is raised when the resolver asks for it, or never.
"""

from collections.abc import Iterable
from functools import partial
from threading import Event
from types import TracebackType

from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.turns import turns_of
from puffin.stages.resolve.index.config import Scope
from puffin.stages.resolve.index.page import IndexFile
from puffin.stages.resolve.index.pages import THREADS
from puffin.stages.resolve.locate.file_choice import FileChooser, FileTarget
from puffin.stages.resolve.metadata.obtain import Obtainer
from puffin.stages.resolve.metadata.wanted import BuildSource, Unbuilt
from puffin.stages.resolve.solve.universe import Metadata, Offer, Place, Unusable
from puffin.stages.resolve.universe.children import Asked, Children, obtain, pages_of
from puffin.stages.resolve.universe.offer import OfferedPackage
from puffin.stages.resolve.universe.pages import Finder, Pool, PoolJob
from puffin.stages.resolve.universe.place import PlaceReader, built_metadata, installed_metadata, is_remote
from puffin.stages.resolve.universe.values import (
    BeginBuild,
    BegunBuild,
    Builder,
    Built,
    Checkout,
    Chosen,
    InstalledDistribution,
    LookedAt,
)
from puffin.value import replace

_PATIENCE = 5.0  # seconds for requests that are under way when all is known
_LOOK = 0.02  # seconds between two looks at what is under way, while builds are


class IndexUniverse:
    """A :class:`~puffin.stages.resolve.solve.universe.Universe`, and a context manager that ends its threads.

    *client* is the fetch stage's. *build* and *checkout* are the seams to builds and to version control; *begin* begins
    builds ahead of need. *children*, made for the same scope, ask indexes instead of threads.
    """

    def __init__(
        self,
        scope: Scope,
        *,
        client: "Client",
        cache: Cache,
        build: "Builder | None" = None,
        begin: "BeginBuild | None" = None,
        checkout: "Checkout | None" = None,
        threads: int = THREADS,
        children: "Children | None" = None,
    ) -> None:
        self._scope = scope
        self._pool = Pool(threads, turns_of(client))
        self._children = children
        self._pages = pages = children.pages if children else pages_of(scope, client, cache)
        self._finder = Finder(pages, scope.config, self._pool, children)
        target = FileTarget(scope.tags, scope.python_version)
        self._chooser = FileChooser(target, scope.files, scope.exclude_newer)
        self._obtainer = children.obtainer if children else Obtainer(client, cache, scope)
        self._places = PlaceReader(self._obtainer, self._chooser, checkout)
        self._build = build
        self._begin = begin
        self._begun: dict[BuildSource, BegunBuild | None] = {}
        self._pause = Event()  # that nobody sets
        self._packages: dict[str, OfferedPackage] = {}
        self._known: dict[tuple[str, str], Metadata] = {}
        self._confirmed: set[tuple[str, str]] = set()
        self._jobs: dict[tuple[str, str], PoolJob[Metadata | Unbuilt] | Asked[Metadata | Unbuilt]] = {}
        self._place_jobs: dict[Place, PoolJob[Metadata | Unbuilt]] = {}

    def __enter__(self) -> "IndexUniverse":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        interrupted = error is not None and not isinstance(error, Exception)
        self._close(0.0 if interrupted else _PATIENCE)

    def close(self) -> None:
        """Drop what was fetched ahead and not asked for, and end the threads."""
        self._close(_PATIENCE)

    def _close(self, patience: float) -> None:
        for begun in self._begun.values():
            if begun is not None:
                begun.drop()
        if self._children is not None:
            self._children.close()
        self._pool.close(patience)

    def versions(self, name: str) -> Offer:
        """Return all versions of a package by its normalised name."""
        return self._package(name).offer()

    def looked_at(self, name: str) -> LookedAt | None:
        """Return what was read of a package on indexes, None if nothing was."""
        package = self._packages.get(name)
        if package is None:
            return None
        known = {version: found for (own, version), found in self._known.items() if own == name}
        return LookedAt(pages=self._pages.validity(name), releases=package.releases, metadata=known)

    def others(self, names: "Iterable[str]") -> "dict[str, tuple[str, ...]]":
        """Return the projects that indexes have which were not used for them, with all indexes that have them."""
        return self._finder.others(names)

    def files(self, handle: Chosen) -> tuple[IndexFile, ...]:
        """Return every file of a version, fitting or not, as ``--generate-hashes`` lists them."""
        offered = self._package(handle.name).files(handle.version)
        return tuple([each.file() for each in offered])

    def metadata(self, handle: object) -> Metadata:
        """Return the metadata of a :class:`Chosen`, a ``Place`` or an :class:`InstalledDistribution`.

        Raises ``Unusable``, :class:`MetadataNeedsBuild` if there is no builder, and the errors of the network.
        """
        if isinstance(handle, Chosen):
            return self._chosen(handle)
        if isinstance(handle, Place):
            return self._placed(handle)
        if isinstance(handle, InstalledDistribution):
            return installed_metadata(handle)
        raise TypeError(f"{type(handle).__name__} is not a handle of this universe")

    def needs_build(self, handle: object) -> bool:
        """Tell whether only a build tells the metadata of a distribution on an index; without it, nothing is built."""
        if not isinstance(handle, Chosen):
            return False
        found = self._read(handle)
        return found.built if isinstance(found, Metadata) else True

    def confirm(self, handles: "Iterable[object]", *, build: bool) -> bool:
        """Read the metadata of each source distribution to install from itself, where they came from a wheel so far.

        With *build* it is built for that if need be. Tells whether any of them says something else than its wheel.
        """
        chosen = [handle for handle in handles if isinstance(handle, Chosen)]
        if build and self._begin is not None:
            for handle in chosen:
                self._expect_own(handle)
        found = [self._confirm(handle, build) for handle in chosen]
        return any(found)

    def _expect_own(self, handle: Chosen) -> None:
        """Begin the build of the file to install whose metadata :meth:`_confirm` will ask for."""
        if handle.metadata == handle.install or (handle.name, handle.version) in self._confirmed:
            return
        try:
            found = self._own_file(handle)
        except PuffinError:
            return  # it is raised again for whoever asks
        if isinstance(found, Unbuilt):
            self._ahead(found.source)

    def _confirm(self, handle: Chosen, build: bool) -> bool:
        key = (handle.name, handle.version)
        if handle.metadata == handle.install or key in self._confirmed:
            return False
        self._confirmed.add(key)
        try:
            own = self._own_metadata(handle, build)
        except Unusable:
            return False  # so is what is to be installed: whoever does it says why
        former = self._known.get(key)
        if own is None or (former is not None and _says_the_same(own, former)):
            return False
        self._known[key] = own
        return True

    def _own_metadata(self, handle: Chosen, build: bool) -> Metadata | None:
        """Return the metadata of the file to install, None where only a build tells it and there is to be none."""
        found = self._own_file(handle)
        if isinstance(found, Metadata):
            return found
        return self._built(found) if build and self._build is not None else None

    def _own_file(self, handle: Chosen) -> Metadata | Unbuilt:
        request = handle.request(self._hashes(handle), handle.install)
        kept = self._obtainer.kept(request)
        return self._obtainer.obtain(request) if kept is None else kept

    @property
    def asks(self) -> bool:
        return True

    def expect(self, names: "Iterable[str]") -> None:
        self._finder.expect(names)

    def knows(self, name: str) -> bool | None:
        """Tell whether the page of a package has come; None if it is being fetched."""
        return self._finder.knows(name)

    def knows_metadata(self, handle: object) -> bool | None:
        """Tell whether the metadata of a distribution on an index has come; None if it is being fetched."""
        if not isinstance(handle, Chosen):
            return False
        key = (handle.name, handle.version)
        if key in self._jobs and key not in self._known:
            return self._taken_in(key) if self._jobs[key].done else None
        return key in self._known

    def news(self, *, wait: bool) -> bool:
        """Take in answers of the children, or *wait* for one; False if threads fetch too, or none is to come.

        Where builds begin ahead of need, what they wait for is taken in too, and waited for.
        """
        if self._begin is not None:
            return self._news_of_builds(wait=wait)
        return (
            self._children is not None and not (wait and self._pool.busy) and self._children.listen(wait=wait)
        )

    def _news_of_builds(self, *, wait: bool) -> bool:
        """Begin the builds whose sources have come; tell whether anything is under way, which may be waited for."""
        asked = self._children is not None and self._children.listen(wait=False)
        for job in (*self._jobs.values(), *self._place_jobs.values()):
            if job.done and (unbuilt := _unbuilt(job)) is not None:
                self._ahead(unbuilt.source)
        building = any(begun is not None and not begun.done for begun in self._begun.values())
        busy = asked or building or self._pool.busy
        if wait and busy:
            self._pause.wait(_LOOK)
        return busy

    def _ahead(self, source: BuildSource) -> "BegunBuild | None":
        """Return the build of *source*, begun now if it was not; None where it does not begin ahead of need."""
        if source not in self._begun:
            self._begun[source] = self._begin(source) if self._begin is not None else None
        return self._begun[source]

    def came(self) -> list[str]:
        """Return the packages of which a page, metadata or a build has come; those that were built are told again."""
        built = [source.name for source, begun in self._begun.items() if begun is not None and begun.done]
        return built + self._pool.came() + (self._children.came() if self._children is not None else [])

    def expect_metadata(self, handles: "Iterable[object]") -> None:
        """Fetch the metadata of these handles ahead of need, if that takes a request."""
        chosen: list[Chosen] = []
        for handle in handles:
            if isinstance(handle, Chosen):
                chosen.append(handle)
            elif isinstance(handle, Place) and self._is_asked_ahead(handle) and handle not in self._place_jobs:
                self._place_jobs[handle] = self._pool.submit(partial(self._places.metadata, handle), aside=True)
        self._expect(chosen)

    def _is_asked_ahead(self, place: Place) -> bool:
        return is_remote(place) or (self._begin is not None and not place.editable)

    def _package(self, name: str) -> OfferedPackage:
        package = self._packages.get(name)
        if package is None:
            hashes = self._scope.hashes.get(name, ())
            package = self._packages[name] = OfferedPackage(name, self._finder, self._chooser, hashes)
        return package

    def _placed(self, place: Place) -> Metadata:
        job = self._place_jobs.pop(place, None)
        found = self._places.metadata(place) if job is None else job.result()
        return found if isinstance(found, Metadata) else self._built(found)

    def _expect(self, handles: "Iterable[Chosen]") -> None:
        """Have metadata that is not in the cache read: by children if there are any, or if enough is asked at once."""
        missing = [handle for handle in handles if not self._is_expected(handle)]
        children = self._children if missing and self._finder.asks_children(len(missing)) else None
        for handle in missing:
            work = partial(self._obtain, handle)
            self._jobs[handle.name, handle.version] = (
                self._pool.submit(work, name=handle.name)
                if children is None
                else children.ask_metadata(handle, self._hashes(handle), work)
            )
        if children is not None:
            children.send()

    def _is_expected(self, handle: Chosen) -> bool:
        """Tell whether metadata is known, or asked for already; what the cache has is known from now on."""
        key = (handle.name, handle.version)
        if key in self._known or key in self._jobs:
            return True
        kept = self._obtainer.kept(handle.request(self._hashes(handle)))
        if kept is not None:
            self._known[key] = kept
        return kept is not None

    def _chosen(self, handle: Chosen) -> Metadata:
        found = self._read(handle)
        known = found if isinstance(found, Metadata) else self._built(found)
        self._known[handle.name, handle.version] = known
        return known

    def _read(self, handle: Chosen) -> Metadata | Unbuilt:
        self._expect((handle,))
        key = (handle.name, handle.version)
        return self._known[key] if key in self._known else self._jobs[key].result()

    def _taken_in(self, key: tuple[str, str]) -> bool | None:
        try:
            found = self._jobs[key].result()
        except PuffinError:
            return False  # it is raised for whoever asks
        if isinstance(found, Unbuilt) and (begun := self._ahead(found.source)) is not None:
            return self._build_taken_in(key, found) if begun.done else None
        if isinstance(found, Metadata):
            self._known[key] = found
        return key in self._known

    def _build_taken_in(self, key: tuple[str, str], unbuilt: Unbuilt) -> bool:
        try:
            self._known[key] = self._built(unbuilt)
        except PuffinError:
            return False  # as above
        return True

    def _obtain(self, handle: Chosen) -> Metadata | Unbuilt:
        return obtain(self._obtainer, handle, self._hashes(handle))

    def _hashes(self, handle: Chosen) -> tuple[str, ...]:
        return self._scope.hashes.get(handle.name, ())

    def _built(self, unbuilt: Unbuilt) -> Metadata:
        if self._build is None:
            raise unbuilt.error()
        begun = self._ahead(unbuilt.source)
        while begun is not None and not begun.done:
            self.news(wait=True)
        built = self._build(unbuilt.source) if begun is None else begun.result()
        found = built_metadata(built, unbuilt) if isinstance(built, Built) else built
        return replace(found, built=True, source=unbuilt.place if found.source is None else found.source)


def _unbuilt(job: "PoolJob[Metadata | Unbuilt] | Asked[Metadata | Unbuilt]") -> Unbuilt | None:
    """Return what a job that is done found to need a build, None for anything else."""
    try:
        found = job.result()
    except PuffinError:
        return None  # it is raised for whoever asks
    return found if isinstance(found, Unbuilt) else None


def _says_the_same(one: Metadata, other: Metadata) -> bool:
    """Tell whether two of one version come to the same in a resolution."""
    return (
        set(one.requires_dist) == set(other.requires_dist)
        and one.requires_python == other.requires_python
        and set(one.provides_extras) == set(other.provides_extras)
    )
