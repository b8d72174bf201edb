"""Finding the files of pins, for one environment or many: once for each different pin, interpreter and place.

What was chosen before is taken from the cache; the indexes are asked for the rest, from forked children.
"""

import time

from puffin.artifact.artifact import Artifact
from puffin.errors import PuffinError
from puffin.pipeline.find.chosen import ChosenFiles, supply_of
from puffin.pipeline.inputs.inputs import Inputs, places_digest, plain_pin
from puffin.pipeline.request.imports import import_fetching
from puffin.pipeline.run.forked_call import ForkedCall
from puffin.pipeline.tasks.supply import Supply, identity
from puffin.value import astuple, from_tuple, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Settings
    from puffin.stages.resolve.index.config import IndexConfig
    from puffin.stages.resolve.solve.request import FilePolicy

    Name = tuple[str, str, str, tuple[str, ...], bool, bool, tuple[tuple[str, str], ...], Artifact | None]

_PLAIN: "tuple[str, tuple[str, ...], bool, bool, tuple[tuple[str, str], ...], Artifact | None]" = (
    "",
    (),
    False,
    False,
    (),
    None,
)
_MANY = 48  # pins, from which on a second process pays for asking the index


@frozen
class SearchRequest:
    """What one environment needs: those pins of *inputs* that *names* has, for an interpreter.

    ``tags`` are the interpreter's, best first, ``python`` is its full version; ``network`` is in its wire form.
    """

    inputs: Inputs
    names: frozenset[str]
    tags: tuple[str, ...]
    python: str
    network: "tuple[Any, ...]"


class _Group:
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
        self.chosen = ChosenFiles(cache, places_digest(config, tags))
        self.pins: dict[Name, Any] = {}  # None for one that is no more than a name and a version
        self.found: dict[Name, Supply | PuffinError] = {}
        self.asked: set[Name] = set()


class Search:
    """The search for the files of pins. An index is asked at once for what is not known; :meth:`finish` waits for it.

    ``missing`` counts the pins that an index is asked for; ``warnings`` are complete after :meth:`finish`.
    """

    def __init__(
        self,
        requests: "Sequence[SearchRequest]",
        *,
        settings: "Settings",
        session: "Session",
    ) -> None:
        self._settings = settings
        self._session = session
        self._refresh = settings.refresh or frozenset(settings.refresh_package)
        self._groups: list[_Group] = []
        self.warnings: list[str] = []
        self._wanted = self._grouped(requests)
        work = []
        for number, group in enumerate(self._groups):
            for name in group.pins:
                if not self._known(group, name):
                    group.asked.add(name)
                    work.append((number, name))
        self.missing = len(work)
        self._parts = _parts(work)
        self._besides = [self._beside(part) for part in self._parts]

    def _grouped(self, requests: "Sequence[SearchRequest]") -> "list[list[tuple[_Group, Name]]]":
        """Return what each of *requests* wants, and put it to the groups."""
        groups: dict[tuple[Any, ...], _Group] = {}
        wanted: list[list[tuple[_Group, Name]]] = []
        for each in requests:
            pins = _named(each)
            wanted.append([])
            if not pins:
                continue
            inputs = each.inputs
            key = (inputs.config, each.tags, each.python, each.network, inputs.files)
            group = groups.get(key) or groups.setdefault(key, _Group(*key, self._session.cache))
            for name, pin in pins:
                group.pins.setdefault(name, pin)
                wanted[-1].append((group, name))
        self._groups = list(groups.values())
        return wanted

    def _beside(self, part: "list[tuple[int, Name]]") -> ForkedCall:
        return ForkedCall(lambda: _locate(part, self._groups, self._settings, self._session))

    def _is_anew(self, name: str) -> bool:
        return self._refresh is True or name in (self._refresh or ())

    def _known(self, group: _Group, pin: "Name") -> bool:
        """Tell whether a pin's file is known without asking an index; if so, take it."""
        name, version, url, hashes, editable, *_, located = pin
        if located is not None:
            group.found[pin] = self._supply(located)
            return True
        # what was chosen before does not tell when it was uploaded, nor what a directory holds now
        if self._settings.exclude_newer or group.config.find_links or self._is_anew(name):
            return False
        if url or editable or not group.files.wheels(name):
            return False
        supply = group.chosen.find(name, version, hashes)
        if supply is None:
            return False
        group.found[pin] = supply
        yanked = supply.artifact.yanked
        if yanked is not None:
            reason = f" (reason: {yanked})" if yanked else ""
            self.warnings.append(f"`{name}=={version}` is yanked{reason}")
        return True

    def finish(self) -> None:
        """Wait for the answers. Raises only what stands in the way of all of them."""
        ambiguous: list[tuple[str, tuple[str, ...]]] = []
        for part, beside in zip(self._parts, self._besides, strict=True):
            for number, answers, warnings, several in beside.result():
                self._take(self._groups[number], [name for group, name in part if group == number], answers)
                self.warnings += warnings
                ambiguous += several
        self.warnings = list(dict.fromkeys(self.warnings))
        if ambiguous:
            from puffin.stages.resolve.index.errors import on_several

            self.warnings += on_several(sorted(ambiguous))

    def _take(self, group: _Group, names: "list[Name]", answers: "list[Any]") -> None:
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, bytes):
                import pickle

                group.found[name] = pickle.loads(answer)
            else:
                group.found[name] = self._supply(from_tuple(Artifact, answer))

    def _supply(self, artifact: Artifact) -> Supply:
        return supply_of(self._session.cache, artifact, anew=self._is_anew(artifact.name))

    def answers(self, number: int) -> "list[Supply | PuffinError]":
        """Return what was found for the request with this number, in the order of its pins, or why there is nothing."""
        return [group.found[name] for group, name in self._wanted[number]]

    def remember(self, archives: "Mapping[str, str]") -> None:
        """Remember what an index answered, for the next time.

        *archives* are those that came in since, by the identity of their artifacts (see ``plan_graph.identity``).
        """
        if self._settings.exclude_newer:
            return
        for group in self._groups:
            if group.asked:
                found = [group.found[name] for name in group.asked if name in group.found]
                group.chosen.put(
                    [
                        Supply(
                            artifact=each.artifact, archive=archives.get(identity(each.artifact), each.archive)
                        )
                        for each in found
                        if isinstance(each, Supply)
                    ]
                )

    def stop(self) -> None:
        """End the search."""
        for beside in self._besides:
            beside.stop()


def _named(request: SearchRequest) -> "list[tuple[Name, Any]]":
    """Return the pins of a request by what makes each another one; last is its file, where a lock names it."""
    inputs, names = request.inputs, request.names
    if inputs.plain:
        return [((name, version, *_PLAIN), None) for name, version in inputs.pins if name in names]
    located = {artifact.name: artifact for artifact in inputs.located}
    return [
        (
            (
                pin.name,
                pin.version,
                pin.url,
                pin.hashes,
                pin.editable,
                pin.exact,
                getattr(pin, "config_settings", ()),
                located.get(pin.name),
            ),
            pin,
        )
        for pin in inputs.pins
        if pin.name in names
    ]


def _parts(work: "list[tuple[int, Name]]") -> "list[list[tuple[int, Name]]]":
    """Cut the work for the children so that a project's page is read by one of them only."""
    if len(work) < _MANY:
        return [work] if work else []
    import_fetching()
    projects = {name: place for place, name in enumerate(sorted({name[0] for _, name in work}))}
    parts = [[each for each in work if projects[each[1][0]] % 2 == half] for half in (0, 1)]
    return [part for part in parts if part]


def _locate(
    part: "list[tuple[int, Name]]",
    groups: "list[_Group]",
    settings: "Settings",
    session: "Session",
) -> "list[tuple[int, list[Any], list[str], list[Any]]]":
    return [
        (
            number,
            *_locate_group(
                [name for group, name in part if group == number], groups[number], settings, session
            ),
        )
        for number in dict.fromkeys(number for number, _ in part)
    ]


def _locate_group(
    names: "list[Name]", group: _Group, settings: "Settings", session: "Session"
) -> "tuple[list[Any], list[str], list[Any]]":
    from puffin.stages.fetch.fetch import client_for
    from puffin.stages.resolve.locate.locate import locate_each

    try:
        found, warnings, several = locate_each(
            [group.pins[name] or plain_pin(name[0], name[1]) for name in names],
            config=group.config,
            tags=group.tags,
            python_version=group.python,
            http=client_for(group.network),
            cache=session.cache,
            refresh=settings.refresh or frozenset(settings.refresh_package),
            offline=settings.offline,
            exclude_newer=settings.exclude_newer,
            now=time.time(),
            files=group.files,
            commits=session.commits,
        )
    except PuffinError as error:  # a place that cannot be used: nothing that is looked for there can be had
        return [_wire(error)] * len(names), [], []
    return [_wire(each) for each in found], list(warnings), list(several)


def _wire(found: "Artifact | PuffinError") -> "Any":
    if isinstance(found, PuffinError):
        import pickle

        return pickle.dumps(found)
    return astuple(found)
