"""Finding the files of pins: on the shelf, else on indexes, asked from a forked child."""

import time

from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.pipeline.forked_call import ForkedCall
from puffin.pipeline.plan_graph import Supply
from puffin.pipeline.plan_import import import_fetching
from puffin.pipeline.plan_inputs import Inputs, as_pins, places_digest
from puffin.pipeline.plan_settings import Settings
from puffin.pipeline.plan_shelf import Shelf
from puffin.stages.artifact import WHEEL, Artifact, expected_sha256
from puffin.stages.unzip.ready import archive_ready
from puffin.stages.unzip.store import known_archive
from puffin.value import astuple, from_tuple, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from puffin.stages.link.environment import Environment


_MANY = 48  # pins, from which on a second process pays for asking the index


@frozen
class Found:
    """The wheels of all pins asked for, and warnings about them."""

    supplies: tuple[Supply, ...]
    warnings: tuple[str, ...]


class Search:
    """The search for the wheels of some pins. What is not on the shelf is asked for at once, beside this process."""

    def __init__(
        self,
        inputs: Inputs,
        names: "Iterable[str]",
        *,
        settings: Settings,
        cache: Cache,
        environment: "Environment",
        network: "tuple[Any, ...]",
        environ: "Mapping[str, str]",
    ) -> None:
        self._cache = cache
        self._refresh = settings.refresh or frozenset(settings.refresh_package)
        self._shelf = Shelf(cache, places_digest(inputs.config, environment.interpreter.tags))
        self._files = inputs.files
        self._use_shelf = not settings.refresh and not inputs.config.find_links and not settings.exclude_newer
        self._settled_by_date = bool(settings.exclude_newer)
        self._shelved: list[Supply] = []
        wanted = frozenset(names)
        self._located = [each for each in inputs.located if each.name in wanted]
        missing = self._take_from_shelf(inputs, wanted.difference([each.name for each in self._located]))
        self.missing = len(missing)
        self._context = (inputs, settings, cache, environment, network, environ)
        self._pins = missing
        self._besides = [self._beside(part) for part in _parts(missing)]

    def _beside(self, pins: "list[Any]") -> ForkedCall:
        return ForkedCall(lambda: _locate(pins, *self._context))

    def _take_from_shelf(self, inputs: Inputs, names: "frozenset[str]") -> "list[Any]":
        if not inputs.plain:
            pins = [pin for pin in inputs.pins if pin.name in names]
            return [pin for pin in pins if not self._shelve(pin.name, pin.version, pin)]
        rest = frozenset(
            name for name, version in inputs.pins if name in names and not self._shelve(name, version, None)
        )
        return [pin for pin in as_pins(inputs) if pin.name in rest] if rest else []

    def _shelve(self, name: str, version: str, pin: "Any | None") -> bool:
        if not self._use_shelf or (self._refresh is not True and name in (self._refresh or ())):
            return False
        if (pin is not None and (pin.url or pin.editable)) or not self._files.wheels(name):
            return False
        supply = self._shelf.find(name, version)
        if supply is None or not (pin is None or _hash_fits(supply, pin.hashes)):
            return False
        self._shelved.append(supply)
        return True

    def found(self) -> Found:
        """Wait for the answer. Raises what locating raises."""
        artifacts, warnings = self._answers()
        found = [*self._located, *[from_tuple(Artifact, each) for each in artifacts]]
        supplies = [self._supply(each) for each in found]
        return Found(supplies=(*self._shelved, *supplies), warnings=(*_yanks(self._shelved), *warnings))

    def _answers(self) -> "tuple[list[Any], list[str]]":
        artifacts: list[Any] = []
        warnings: list[str] = []
        several: list[tuple[str, tuple[str, ...]]] = []
        try:
            for beside in self._besides:
                located, said, ambiguous = beside.result()
                artifacts += located
                warnings += said
                several += ambiguous
        except PuffinError:
            if len(self._besides) == 1:
                raise
            _locate(
                self._pins, *self._context
            )  # one error about all of them; the pages that came are in the cache
            raise
        if several:
            from puffin.stages.resolve.index_errors import on_several

            warnings += on_several(sorted(several))
        return artifacts, list(dict.fromkeys(warnings))

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

    def remember(self, supplies: "Iterable[Supply]") -> None:
        """Put what was found on the shelf, for the next time."""
        if self._besides and not self._settled_by_date:
            locked = {each.name for each in self._located}
            self._shelf.put([each for each in supplies if each.artifact.name not in locked])

    def stop(self) -> None:
        """End the search."""
        for beside in self._besides:
            beside.stop()


def _parts(pins: "list[Any]") -> "list[list[Any]]":
    """Return the pins as the forked children take them: many are dealt to two, which then share the imports."""
    if len(pins) < _MANY:
        return [pins] if pins else []
    import_fetching()
    return [pins[::2], pins[1::2]]


def _hash_fits(supply: Supply, hashes: tuple[str, ...]) -> bool:
    return not hashes or f"sha256:{supply.archive}" in hashes


def _yanks(supplies: "Iterable[Supply]") -> tuple[str, ...]:
    return tuple(
        f"`{each.artifact.name}=={each.artifact.version}` is yanked"
        + (f" (reason: {each.artifact.yanked})" if each.artifact.yanked else "")
        for each in supplies
        if each.artifact.yanked is not None
    )


def _locate(
    pins: "list[Any]",
    inputs: Inputs,
    settings: Settings,
    cache: Cache,
    environment: "Environment",
    network: "tuple[Any, ...]",
    environ: "Mapping[str, str]",
) -> "tuple[Any, ...]":
    from puffin.stages.fetch.fetch import client_for
    from puffin.stages.resolve.locate import locate
    from puffin.stages.resolve.locate_source import pinner

    located = locate(
        pins,
        config=inputs.config,
        tags=environment.interpreter.tags,
        python_version=environment.interpreter.version_text,
        http=client_for(network),
        cache=cache,
        refresh=settings.refresh or frozenset(settings.refresh_package),
        offline=settings.offline,
        exclude_newer=settings.exclude_newer,
        now=time.time(),
        files=inputs.files,
        commits=pinner(cache, offline=settings.offline, environ=environ),
    )
    return tuple(astuple(each) for each in located.artifacts), located.said, located.several
