"""Finding the wheels of many environments: once for each different pin, tags and places."""

import time

from puffin.errors import PuffinError
from puffin.pipeline.forked_call import ForkedCall
from puffin.pipeline.plan_graph import Supply
from puffin.pipeline.plan_import import import_fetching
from puffin.pipeline.plan_inputs import as_pins, places_digest
from puffin.pipeline.plan_shelf import Shelf
from puffin.stages.artifact import WHEEL, Artifact, expected_sha256
from puffin.stages.unzip.ready import archive_ready
from puffin.stages.unzip.store import known_archive
from puffin.value import astuple, from_tuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.plan_many_site import Site
    from puffin.pipeline.plan_settings import Settings
    from puffin.stages.resolve.index_config import IndexConfig
    from puffin.stages.resolve.solve.request import FilePolicy

    Name = tuple[str, str, str, tuple[str, ...], bool, bool, Artifact | None]

_MANY = 24  # pins, from which on a second process pays for asking the index


class Group:
    """The pins that are looked for in the same places, for interpreters with the same tags."""

    def __init__(
        self,
        config: "IndexConfig",
        tags: tuple[str, ...],
        python: str,
        network: "tuple[Any, ...]",
        files: "FilePolicy",
        cache: "Cache",
    ) -> None:
        self.config = config
        self.tags = tags
        self.python = python
        self.network = network
        self.files = files
        self.shelf = Shelf(cache, places_digest(config, tags))
        self.pins: dict[Name, Any] = {}
        self.sites: dict[Name, list[Site]] = {}
        self.located: dict[Name, Supply] = {}
        self.failed: dict[Name, PuffinError] = {}
        self.asked: set[Name] = set()

    def want(self, site: "Site", pin: "Any", locked: "Artifact | None") -> None:
        """Note that *site* wants *pin*, whose file is *locked* if a lock file names it."""
        name = _name(pin, locked)
        self.pins.setdefault(name, pin)
        self.sites.setdefault(name, []).append(site)


def _name(pin: "Any", locked: "Artifact | None") -> "Name":
    return pin.name, pin.version, pin.url, pin.hashes, pin.editable, pin.exact, locked


class UnionSearch:
    """The search for all that the plans of many sites install. What is not on a shelf is asked for at once."""

    def __init__(
        self,
        sites: "Iterable[Site]",
        *,
        settings: "Settings",
        cache: "Cache",
        networks: "dict[str, tuple[Any, ...]]",
        environ: "Mapping[str, str]",
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._environ = environ
        self._refresh = settings.refresh or frozenset(settings.refresh_package)
        self.groups: list[Group] = list(_grouped(sites, cache, networks).values())
        self.warnings: list[str] = []
        work = []
        for number, group in enumerate(self.groups):
            for name, pin in group.pins.items():
                if not self._shelve(group, name, pin):
                    group.asked.add(name)
                    work.append((number, name))
        self.missing = len(work)
        self._parts = _parts(work)
        self._besides = [self._beside(part) for part in self._parts]

    def _beside(self, part: "list[tuple[int, Name]]") -> ForkedCall:
        return ForkedCall(lambda: _locate(part, self.groups, self._settings, self._cache, self._environ))

    def _shelve(self, group: Group, name: "Name", pin: "Any") -> bool:
        locked = name[-1]
        if locked is not None:
            group.located[name] = self._supply(locked)
            return True
        if self._refresh is True or group.config.find_links or pin.name in (self._refresh or ()):
            return False
        if self._settings.exclude_newer:  # what is on a shelf does not tell when it was uploaded
            return False
        if pin.url or pin.editable or not group.files.wheels(pin.name):
            return False
        supply = group.shelf.find(pin.name, pin.version)
        if supply is None or (pin.hashes and f"sha256:{supply.archive}" not in pin.hashes):
            return False
        group.located[name] = supply
        yanked = supply.artifact.yanked
        if yanked is not None:
            reason = f" (reason: {yanked})" if yanked else ""
            self.warnings.append(f"`{pin.name}=={pin.version}` is yanked{reason}")
        return True

    def finish(self) -> None:
        """Wait for the answers and give each site its supplies, or its failure."""
        ambiguous: list[tuple[str, tuple[str, ...]]] = []
        for part, beside in zip(self._parts, self._besides, strict=True):
            for number, answers, warnings, several in beside.result():
                self._take(self.groups[number], [name for group, name in part if group == number], answers)
                self.warnings += warnings
                ambiguous += several
        self.warnings = list(dict.fromkeys(self.warnings))
        if ambiguous:
            from puffin.stages.resolve.index_errors import on_several

            self.warnings += on_several(sorted(ambiguous))
        alive = {
            id(site) for group in self.groups for sites in group.sites.values() for site in sites if site.alive
        }
        for group in self.groups:
            for name, sites in group.sites.items():
                _hand_out(group, name, [site for site in sites if id(site) in alive])

    def _take(self, group: Group, names: "list[Name]", answers: "list[Any]") -> None:
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, bytes):
                import pickle

                group.failed[name] = pickle.loads(answer)
            else:
                group.located[name] = self._supply(from_tuple(Artifact, answer))

    def _supply(self, artifact: Artifact) -> Supply:
        if artifact.kind != WHEEL:
            return Supply(artifact=artifact, archive="")
        archive = expected_sha256(artifact)
        fresh = self._refresh is True or artifact.name in (self._refresh or ())
        if not archive and not fresh:
            archive = known_archive(self._cache, artifact.source, artifact.name, artifact.filename)
            if artifact.hashes and f"sha256:{archive}" not in artifact.hashes:
                archive = ""  # whether it has one of these hashes only another download can tell
        ready = bool(archive) and archive_ready(self._cache, archive)
        return Supply(artifact=artifact, archive=archive if ready else "")

    def remember(self, archives: "dict[int, str]") -> None:
        """Put what was found on the shelves, for the next time; *archives* are by the identity of artifacts."""
        if self._settings.exclude_newer:  # without a date, another file may be chosen
            return
        for group in self.groups:
            found = [group.located[name] for name in group.asked if name in group.located]
            known = [(each, archives.get(id(each.artifact), each.archive)) for each in found]
            group.shelf.put([Supply(artifact=each.artifact, archive=archive) for each, archive in known])

    def stop(self) -> None:
        """End the search."""
        for beside in self._besides:
            beside.stop()


def _grouped(
    sites: "Iterable[Site]", cache: "Cache", networks: "dict[str, tuple[Any, ...]]"
) -> "dict[tuple[Any, ...], Group]":
    groups: dict[tuple[Any, ...], Group] = {}
    for site in sites:
        wanted = frozenset(site.plan.install)
        interpreter, config = site.environment.interpreter, site.inputs.config
        network = networks[site.spec.name]
        pins = [pin for pin in as_pins(site.inputs) if pin.name in wanted] if wanted else []
        if not pins:
            continue
        locked = {each.name: each for each in site.inputs.located}
        key = (config, interpreter.tags, interpreter.version_text, network, site.inputs.files)
        group = groups.get(key) or groups.setdefault(key, Group(*key, cache))
        for pin in pins:
            group.want(site, pin, locked.get(pin.name))
    return groups


def _parts(work: "list[tuple[int, Name]]") -> "list[list[tuple[int, Name]]]":
    """Cut the work for the children so that a project's page is read by one of them only."""
    if len(work) < _MANY:
        return [work] if work else []
    import_fetching()
    projects = {name: place for place, name in enumerate(sorted({name[0] for _, name in work}))}
    parts = [[each for each in work if projects[each[1][0]] % 2 == half] for half in (0, 1)]
    return [part for part in parts if part]


def _hand_out(group: Group, name: "Name", sites: "list[Site]") -> None:
    error = group.failed.get(name)
    for site in sites:
        if error is not None:
            site.fail(error)
        else:
            site.supplies.append(group.located[name])


def _locate(
    part: "list[tuple[int, Name]]",
    groups: "list[Group]",
    settings: "Settings",
    cache: "Cache",
    environ: "Mapping[str, str]",
) -> "list[tuple[int, list[Any], list[str], list[Any]]]":
    return [
        (
            number,
            *_locate_group(
                [name for group, name in part if group == number], groups[number], settings, cache, environ
            ),
        )
        for number in dict.fromkeys(number for number, _ in part)
    ]


def _locate_group(
    names: "list[Name]", group: Group, settings: "Settings", cache: "Cache", environ: "Mapping[str, str]"
) -> "tuple[list[Any], list[str], list[Any]]":
    from puffin.stages.fetch.fetch import client_for
    from puffin.stages.resolve.locate import locate_each
    from puffin.stages.resolve.locate_source import pinner

    try:
        found, warnings, several = locate_each(
            [group.pins[name] for name in names],
            config=group.config,
            tags=group.tags,
            python_version=group.python,
            http=client_for(group.network),
            cache=cache,
            refresh=settings.refresh or frozenset(settings.refresh_package),
            offline=settings.offline,
            now=time.time(),
            files=group.files,
            commits=pinner(cache, offline=settings.offline, environ=environ),
            exclude_newer=settings.exclude_newer,
        )
    except PuffinError as error:  # a place that cannot be used: nothing that is looked for there can be had
        return [_wire(error)] * len(names), [], []
    return [_wire(each) for each in found], list(warnings), list(several)


def _wire(found: "Artifact | PuffinError") -> "Any":
    if isinstance(found, PuffinError):
        import pickle

        return pickle.dumps(found)
    return astuple(found)
