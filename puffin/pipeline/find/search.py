"""Finding the files of pins, for one environment or many: once for each distinct pin, interpreter and place.

What was chosen before is taken from the cache; the indexes are asked for the rest, from forked children.
"""

import time

from puffin import meter
from puffin.artifact.artifact import WHEEL, Artifact
from puffin.artifact.urls import mask
from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.pipeline.find.chosen import ChosenFiles, supply_of
from puffin.pipeline.inputs.inputs import Inputs, places_digest
from puffin.pipeline.request.imports import import_fetching
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.tasks.supply import Supply, identity
from puffin.stages.resolve.index.config import FilePolicy, IndexConfig, Scope
from puffin.stages.resolve.requirements.values import Pin
from puffin.types import Any, Mapping, Sequence
from puffin.value import astuple, from_tuple, frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.run.forked_call import ForkedCall

_Part = dict["_Group", list["_SoughtPin"]]
_Located = tuple[list[Any], list[str], list[Any]]

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


class _SoughtPin:
    """A pin that is looked for, and what is found for it.

    ``pin`` is None for one that is no more than a name and a version; ``located`` is its file, where a lock names that.
    """

    __slots__ = ("found", "located", "name", "pin", "version")

    def __init__(self, name: str, version: str, pin: "Any" = None, located: "Artifact | None" = None) -> None:
        self.name = name
        self.version = version
        self.pin = pin
        self.located = located
        self.found: Supply | PuffinError

    @property
    def key(self) -> "tuple[Any, ...]":
        """What is the same for pins that come to the same file where they are looked for in the same places."""
        pin = self.pin
        if pin is None:
            return self.name, self.version
        settings = getattr(pin, "config_settings", ())
        more = (pin.url, pin.hashes, pin.editable, pin.exact, settings, self.located)
        return (self.name, self.version, more) if any(more) else (self.name, self.version)


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
        self.chosen = ChosenFiles(cache, places_digest(config, tags, python))
        self.pins: dict[tuple[Any, ...], _SoughtPin] = {}
        self.asked: list[_SoughtPin] = []


class Search:
    """The search for the files of pins. Indexes are asked at once for unknown files; :meth:`finish` waits for them.

    ``missing`` counts the pins that an index is asked for; ``warnings`` are complete after :meth:`finish`.
    """

    def __init__(
        self, requests: "Sequence[SearchRequest]", *, settings: "Settings", session: "Session"
    ) -> None:
        self._settings = settings
        self._session = session
        self._groups: list[_Group] = []
        self._awaited: dict[str, list[tuple[ChosenFiles, Supply]]] | None = None
        self.warnings: list[str] = []
        self._wanted = self._grouped(requests)
        work = []
        for group in self._groups:
            for sought in group.pins.values():
                if not self._known(group, sought):
                    group.asked.append(sought)
                    work.append((group, sought))
        self.missing = len(work)
        self._parts = _parts(work)
        self._besides = [self._beside(part) for part in self._parts]

    def _grouped(self, requests: "Sequence[SearchRequest]") -> "list[list[_SoughtPin]]":
        """Return what each of *requests* wants, and put it to the groups."""
        groups: dict[tuple[Any, ...], _Group] = {}
        wanted: list[list[_SoughtPin]] = []
        for each in requests:
            pins = _sought(each)
            wanted.append([])
            if not pins:
                continue
            inputs = each.inputs
            key = (inputs.config, each.tags, each.python, each.network, inputs.files)
            group = groups.get(key) or groups.setdefault(key, _Group(*key, self._session.cache))
            wanted[-1] += [group.pins.setdefault(sought.key, sought) for sought in pins]
        self._groups = list(groups.values())
        return wanted

    def _beside(self, part: "_Part") -> "ForkedCall":
        from puffin.pipeline.run.forked_call import ForkedCall

        return ForkedCall(lambda: _locate(part, self._settings, self._session))

    def _is_refreshed(self, name: str) -> bool:
        return self._settings.refresh or name in self._settings.refresh_package

    def _known(self, group: _Group, sought: _SoughtPin) -> bool:
        """Tell whether a pin's file is known without asking an index; if so, take it."""
        name, version, pin = sought.name, sought.version, sought.pin
        if sought.located is not None:
            sought.found = self._supply(sought.located)
            if meter.notes(meter.DECISIONS):
                _note_chosen(sought.found, "the lock says so")
            return True
        # what was chosen before does not tell when it was uploaded, nor what a directory holds now
        if self._settings.exclude_newer or group.config.find_links or self._is_refreshed(name):
            return False
        if not group.files.wheels(name) or (pin is not None and (pin.url or pin.editable)):
            return False
        supply = group.chosen.find(name, version, pin.hashes if pin is not None else ())
        if supply is None or (not supply.artifact.hashes and self._settings.asks_again(name)):
            return False
        sought.found = supply
        if meter.notes(meter.DECISIONS):
            _note_chosen(supply, "chosen before, and in the cache")
        yanked = supply.artifact.yanked
        if yanked is not None:
            reason = f" (reason: {yanked})" if yanked else ""
            self.warnings.append(f"`{name}=={version}` is yanked{reason}")
        return True

    def finish(self) -> None:
        """Wait for the answers. Raises only errors that concern all of them."""
        ambiguous: list[tuple[str, tuple[str, ...]]] = []
        for part, beside in zip(self._parts, self._besides, strict=True):
            for sought, (answers, warnings, several) in zip(part.values(), beside.result(), strict=True):
                self._take(sought, answers)
                self.warnings += warnings
                ambiguous += several
        self.warnings = list(dict.fromkeys(self.warnings))
        if ambiguous:
            from puffin.stages.resolve.index.errors import on_several

            self.warnings += on_several(sorted(ambiguous))

    def _take(self, sought: "list[_SoughtPin]", answers: "list[Any]") -> None:
        for each, answer in zip(sought, answers, strict=True):
            if isinstance(answer, bytes):
                import pickle

                each.found = pickle.loads(answer)
            else:
                each.found = self._supply(from_tuple(Artifact, answer))
                if meter.notes(meter.DECISIONS):
                    _note_chosen(each.found, "chosen now")

    def _supply(self, artifact: Artifact) -> Supply:
        if artifact.kind != WHEEL:
            from puffin.pipeline.request.builds import as_built

            artifact = as_built(artifact, self._settings, self._session.environ, self._session.cache)
        return supply_of(self._session.cache, artifact, again=self._settings.asks_again(artifact.name))

    def answers(self, number: int) -> "list[Supply | PuffinError]":
        """Return the supplies or errors for the request with this number, in the order of its pins."""
        return [sought.found for sought in self._wanted[number]]

    def supplies(self) -> "list[Supply]":
        """Return the supplies for the only request; raises why some cannot be had."""
        answers = self.answers(0)
        failures = [each for each in answers if isinstance(each, PuffinError)]
        if failures:
            from puffin.stages.resolve.locate.locate import cannot_locate

            raise cannot_locate(failures, self.missing)
        return [each for each in answers if not isinstance(each, PuffinError)]

    def took(self, artifact: Artifact, archive: str) -> None:
        """Remember the answers that *archive* came in for. Another process goes on with its work meanwhile."""
        for chosen, supply in self._waiting().pop(identity(artifact), ()):
            chosen.put([replace(supply, archive=archive)])

    def remember(self, archives: "Mapping[str, str]") -> None:
        """Remember the other answers of indexes for the next run.

        *archives* are those that came in since, by the identity of their artifacts (see ``tasks.supply.identity``).
        """
        for name, waiting in self._waiting().items():
            for chosen, supply in waiting:
                chosen.put([replace(supply, archive=archives.get(name, supply.archive))])
        self._awaited = {}

    def _waiting(self) -> "dict[str, list[tuple[ChosenFiles, Supply]]]":
        """Return the answers that are not remembered yet, by the identity of their artifacts."""
        if self._awaited is None:
            self._awaited = {}
            for group in () if self._settings.exclude_newer else self._groups:
                for each in [sought.found for sought in group.asked if isinstance(sought.found, Supply)]:
                    self._awaited.setdefault(identity(each.artifact), []).append((group.chosen, each))
        return self._awaited

    def stop(self) -> None:
        for beside in self._besides:
            beside.stop()


def _note_chosen(supply: Supply, how: str) -> None:
    """Say which file a pin means, and why."""
    artifact = supply.artifact
    kind = (
        "the wheel that fits best" if artifact.kind == WHEEL else "no wheel fits or is allowed, so it is built"
    )
    where = "its archive is in the cache" if supply.archive else f"from `{mask(artifact.url)}`"
    meter.note(f"File of `{artifact.label}`: `{artifact.filename or artifact.label}` ({how}; {kind}; {where})")


def _sought(request: SearchRequest) -> "list[_SoughtPin]":
    inputs, names = request.inputs, request.names
    if inputs.plain:
        return [_SoughtPin(name, version) for name, version in inputs.pins if name in names]
    located = {artifact.name: artifact for artifact in inputs.located}
    return [
        _SoughtPin(pin.name, pin.version, pin, located.get(pin.name))
        for pin in inputs.pins
        if pin.name in names
    ]


def _parts(work: "list[tuple[_Group, _SoughtPin]]") -> "list[_Part]":
    """Cut the work for the children so that a project's page is read by one of them only."""
    if len(work) < _MANY:
        return [_by_group(work)] if work else []
    import_fetching()
    projects = {name: place for place, name in enumerate(sorted({sought.name for _, sought in work}))}
    parts = [[each for each in work if projects[each[1].name] % 2 == half] for half in (0, 1)]
    return [_by_group(part) for part in parts if part]


def _by_group(work: "list[tuple[_Group, _SoughtPin]]") -> "_Part":
    part: _Part = {}
    for group, sought in work:
        part.setdefault(group, []).append(sought)
    return part


def _locate(part: "_Part", settings: "Settings", session: "Session") -> "list[_Located]":
    return [_locate_group(group, sought, settings, session) for group, sought in part.items()]


def _locate_group(
    group: _Group, sought: "list[_SoughtPin]", settings: "Settings", session: "Session"
) -> "_Located":
    from puffin.stages.fetch.fetch import client_for
    from puffin.stages.resolve.locate.locate import locate

    try:
        found, warnings, several = locate(
            [each.pin or _plain(each) for each in sought],
            Scope(
                config=group.config,
                tags=group.tags,
                python_version=group.python,
                now=time.time(),
                files=group.files,
                exclude_newer=settings.exclude_newer,
                refresh=settings.again,
                offline=settings.offline,
            ),
            http=client_for(group.network),
            cache=session.cache,
            commits=session.commits,
        )
    except PuffinError as error:  # a place that cannot be used: nothing that is looked for there can be had
        return [_wire(error)] * len(sought), [], []
    return [_wire(each) for each in found], list(warnings), list(several)


def _plain(sought: "_SoughtPin") -> Pin:
    return Pin(name=sought.name, version=sought.version, text=f"{sought.name}=={sought.version}")


def _wire(found: "Artifact | PuffinError") -> "Any":
    if isinstance(found, PuffinError):
        import pickle

        return pickle.dumps(found)
    return astuple(found)
