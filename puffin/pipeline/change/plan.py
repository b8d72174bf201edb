"""The install plan of an environment, from its pins and its installed distributions."""

import os
import sys

from puffin import meter
from puffin.errors import USAGE, PuffinError
from puffin.names import in_sentence
from puffin.pipeline.tasks.bytecode import bytecode_kind, without_bytecode
from puffin.reasons import BYTECODE, CONFLICT, DAMAGED, LINK_MODE, REQUESTED, TOLD, Reason, reason_text
from puffin.stages.link.commit.installplan import Plan, WantedDistribution, make_plan
from puffin.stages.link.files import TREE
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Protocol

    from puffin.pipeline.change.direct import Directs
    from puffin.pipeline.inputs.inputs import Inputs
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Settings
    from puffin.stages.link.commit.installplan import Present
    from puffin.stages.link.commit.state import State
    from puffin.stages.link.environment.environment import Environment

    class PlannedPlace(Protocol):
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
    """Plans the change of *place*, again whenever more is known.

    With *exact* the environment is to hold nothing else.
    """

    def __init__(
        self, place: "PlannedPlace", settings: "Settings", session: "Session", *, exact: bool = True
    ) -> None:
        self._place = place
        self._settings = settings
        self._session = session
        self._exact = exact
        self._looked: Directs | None = None
        self._seeds: frozenset[str] | None = None
        self._outside: list[Present] | None = None
        self._noted: set[str] = set()  # a plan may be made again

    def plan_of(self, inputs: "Inputs", archives: "Mapping[str, str]") -> Plan:
        """Return the plan for pins; *archives* are the known archives of pins with URLs, by name."""
        return self.plan(self._wanted(inputs, archives))

    def plan(self, wanted: "Sequence[WantedDistribution]") -> Plan:
        stale = stale_names(self._place, self._settings)
        plan = self._planned(wanted, stale)
        if plan.remove and self._find_seeds():
            plan = self._planned(wanted, stale)
        losers = _losers(self._place, plan)
        plan = self._planned(wanted, dict.fromkeys(losers, _CONFLICT) | stale) if losers else plan
        if plan.remove:
            check_own(self._place.environment, plan.remove)
        if meter.notes(meter.DECISIONS):
            self._note(plan, wanted)
        return plan

    def _note(self, plan: Plan, wanted: "Sequence[WantedDistribution]") -> None:
        for line in _decisions(plan, self._place.present, wanted):
            if line not in self._noted:
                self._noted.add(line)
                meter.note(line)

    def _inherited(self) -> "Sequence[Present]":
        environment = self._place.environment
        if not environment.system_site_packages:
            return ()
        if self._outside is None:
            from puffin.stages.link.installed.inherited import inherited

            self._outside = [each for _, each in inherited(environment)]
        return self._outside

    def _find_seeds(self) -> bool:
        """Look for what the environment keeps, asked for or not: seeds that are there and what they require."""
        environment = self._place.environment
        if self._settings.remove_seeds or not environment.seed:
            return False
        if self._seeds is None:
            from puffin.stages.link.installed.demands import needed_by
            from puffin.stages.link.installed.requires import read_requires

            there = {each.name for each in self._place.present}.intersection(SEEDS)
            markers = dict(environment.interpreter.markers)
            self._seeds = needed_by(there, read_requires(environment), markers) if there else frozenset()
        return bool(self._seeds)

    def _planned(self, wanted: "Sequence[WantedDistribution]", stale: "Mapping[str, Reason]") -> Plan:
        plan = make_plan(
            self._place.present,
            wanted,
            archives=self._place.archives,
            sources=self._place.sources,
            stale=stale,
            everything_stale=self._settings.reinstall,
            protected=self._seeds or (),
            inherited=self._inherited(),
            exact=self._exact,
        )
        told = {name: each for name, each in plan.reasons.items() if each.kind == TOLD}
        if not told:
            return plan
        from puffin.pipeline.request.builds import told_difference

        named = {name: told_difference(self._session.cache, each) for name, each in told.items()}
        return replace(plan, reasons={**plan.reasons, **named})

    def _wanted(self, inputs: "Inputs", archives: "Mapping[str, str]") -> "list[WantedDistribution]":
        if inputs.plain:
            return [WantedDistribution(name=name, version=version) for name, version in inputs.pins]
        refreshed = self._settings.refresh_package
        return [
            self._directs().wanted(pin, archives, refresh=self._settings.refresh or pin.name in refreshed)
            if pin.url
            else WantedDistribution(name=pin.name, version=pin.version)
            for pin in inputs.pins
        ]

    def _directs(self) -> "Directs":
        if self._looked is None:
            from puffin.pipeline.change.direct import directs_of

            self._looked = directs_of(self._place.present, self._settings, self._session)
        return self._looked


def _decisions(
    plan: Plan, present: "Sequence[Present]", wanted: "Sequence[WantedDistribution]"
) -> "Iterator[str]":
    """Yield what ``-v`` says of each package: what happens to it, and why."""
    versions: dict[str, list[str]] = {}
    for each in present:
        versions.setdefault(each.name, []).append(each.version)
    there = {name: f"{name}=={', '.join(own)}" if any(own) else name for name, own in versions.items()}
    wishes = {
        each.name: f"{each.name}=={each.version}" if each.version else f"{each.name} @ {each.url}"
        for each in wanted
    }
    for name in plan.keep:
        why = "it is installed as required" if name in there else "the system has it as required"
        why = why if name in wishes else "it is not required, but other packages stay"
        yield f"Keep `{there.get(name, name)}`: {why}"
    for verb, names in (("Add", plan.add), ("Replace", plan.replace), ("Remove", plan.remove)):
        for name in names:
            what = " by ".join([f"`{each[name]}`" for each in (there, wishes) if name in each])
            yield f"{verb} {what}: {reason_text(plan.reasons[name])}"


_CONFLICT, _DAMAGED, _BYTECODE, _LINK_MODE = (
    Reason(kind=CONFLICT), Reason(kind=DAMAGED), Reason(kind=BYTECODE), Reason(kind=LINK_MODE)
)  # fmt: skip
_ASKED = Reason(kind=REQUESTED, subject="--reinstall-package")


def stale_names(place: "PlannedPlace", settings: "Settings") -> "dict[str, Reason]":
    """Return the names to reinstall and why: damaged ones, those of ``--reinstall-package``, those without bytecode.

    So are those that are taken from sealed trees and should not be, or the other way round.
    """
    bare = without_bytecode(place.state, bytecode_kind(place.environment.interpreter, settings))
    known = place.state.distributions if place.state and settings.link_mode else ()
    others = [each.name for each in known if each.archive and bool(each.mode) != (settings.link_mode == TREE)]
    return {
        **dict.fromkeys(bare, _BYTECODE),
        **dict.fromkeys(others, _LINK_MODE),
        **dict.fromkeys(place.damaged, _DAMAGED),
        **dict.fromkeys(settings.reinstall_package, _ASKED),
    }


def _losers(place: "PlannedPlace", plan: Plan) -> "set[str]":
    """Return the distributions whose copy of a file comes back because the winner goes or changes."""
    if place.state is None or not place.state.conflicts:
        return set()
    leaving = {*plan.remove, *plan.replace}
    return {name for _, winner, losers in place.state.conflicts if winner in leaving for name in losers}


_SELF = "puffin-installer"


class RemovesItself(PuffinError):
    """The running puffin, or what it needs, would be removed from its own environment."""

    exit_code = USAGE
    path: str
    names: tuple[str, ...]

    def summary(self) -> str:
        """Return the first line."""
        names = in_sentence([f"`{name}`" for name in self.names], most=5)
        return f"Refused to remove {names}: the puffin that is running needs that in `{self.path}`"


def check_own(environment: "Environment", names: "Iterable[str]") -> None:
    """Raise :class:`RemovesItself` if *names* (normalised) are of the running puffin; *environment* holds them."""
    if os.path.realpath(environment.root) != os.path.realpath(sys.prefix):
        return
    from puffin.stages.link.installed.demands import needed_by
    from puffin.stages.link.installed.requires import read_requires

    own = needed_by({_SELF}, read_requires(environment), dict(environment.interpreter.markers))
    lost = sorted(own.intersection(names), key=lambda name: (name != _SELF, name))
    if lost:
        beside = os.path.isfile(".venv/pyvenv.cfg")
        name = f"choose the environment, for example `--python {'.venv' if beside else 'DIRECTORY'}`"
        hints = (name,) if beside else (name, "make one with `puffin venv`")
        raise RemovesItself(path=environment.root, names=tuple(lost), hints=hints)
