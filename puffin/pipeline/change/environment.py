"""One environment in a run: opened under its lock, planned, staged and committed by itself."""

import time

from puffin.artifact.metadata_head import field_values
from puffin.cache.atomic import remove_tree
from puffin.errors import PuffinError, os_cause
from puffin.pipeline.change.additions import with_mode
from puffin.pipeline.change.asked import version_reason
from puffin.pipeline.change.plan import Planner
from puffin.pipeline.change.values import Several
from puffin.pipeline.change.workplace import Workplace, target_of, workplace_for
from puffin.pipeline.find.search import SearchRequest
from puffin.pipeline.request.settings import DRIFTED, FAILED, SKIPPED, UNCHANGED, UPDATED
from puffin.pipeline.tasks.bytecode import bytecode_kind
from puffin.reasons import ABSENT, NEW_ENVIRONMENT, Reason
from puffin.stages.link.commit.installplan import Plan, without
from puffin.stages.link.commit.state import read_state
from puffin.stages.link.direct_url import with_hash, with_source
from puffin.stages.link.files import CLONE, HARDLINK, TREE, links_possible
from puffin.stages.link.staging import LinkPlace
from puffin.stages.unzip.manifest import VERSION
from puffin.stages.unzip.ready import archived_metadata
from puffin.value import astuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from puffin.pipeline.builds.session import BuildSession
    from puffin.pipeline.change.plan import PlannedPlace
    from puffin.pipeline.inputs.inputs import Inputs
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Settings
    from puffin.pipeline.tasks.supply import Supply
    from puffin.stages.link.commit.installplan import Present, WantedDistribution
    from puffin.stages.link.commit.placement import Conflict
    from puffin.stages.link.environment.environment import Environment
    from puffin.stages.unzip.manifest import Outline


NEW = Reason(kind=NEW_ENVIRONMENT)


class EnvironmentRun:
    """The course of one environment through a run. ``error`` ends it; then the environment is left as it was.

    What is built in the environment itself comes with a second commit; an error then leaves the first (``partly``).
    ``inputs`` say what it is to hold, or ``wanted`` does, and where that is looked for. Of what cannot be supplied,
    ``lacking`` has the errors by the numbers of the supplies.

    ``requested`` names what somebody asked for by name (PEP 376); None stands for everything. ``why`` says of a name
    why it is wanted. ``asked`` is what it was resolved from, if it was. ``builds`` makes what has no wheel, where the
    command has one already.
    """

    def __init__(self, name: str, path: str, settings: "Settings", session: "Session") -> None:
        self.name = name
        self.path = path
        self.settings = settings
        self.status = ""
        self.error: PuffinError | None = None
        self.lacking: dict[int, PuffinError] = {}
        self.created = False
        self.ended = 0.0
        self.supplies: list[Supply] = []
        self.staged: dict[int, tuple[str, str]] = {}
        self.conflicts: tuple[Conflict, ...] = ()
        self.former: tuple[Present, ...] = ()
        self.requested: frozenset[str] | None = None
        self.wanted: Sequence[WantedDistribution] | None = None
        self.why: Callable[[str], str] = _nothing
        self.exact = True
        self.asked: dict[str, str] | None = None
        self.builds: BuildSession | None = None
        self.environment: Environment
        self.inputs: Inputs
        self.place: PlannedPlace
        self.plan: Plan
        self._session = session
        self._planner: Planner | None = None
        self._network: tuple[Any, ...] | None = None
        self._late: frozenset[int] = frozenset()
        self._is_late = False
        self._open = False
        self._places: dict[int, LinkPlace] = {}
        self.done_for: dict[
            str, dict[tuple[str, Reason], tuple[str, ...]]
        ] = {}  # stages, by name; and for whom
        self._versions: dict[str, Reason] = {}  # why there is another version, by name

    @property
    def alive(self) -> bool:
        """Whether there is still something to be done here."""
        return not self.status

    @property
    def partly(self) -> bool:
        """Whether it ended between two commits; an environment that the run made itself is not left like that."""
        return self._is_late and not self.created and self.status in (FAILED, SKIPPED)

    @property
    def done(self) -> "dict[int, Supply]":
        """The supplies that were brought in, or would be, by number."""
        if self.status in (UPDATED, DRIFTED):
            return dict(enumerate(self.supplies))
        if not self.partly:
            return {}
        return {number: each for number, each in enumerate(self.supplies) if number not in self._late}

    @property
    def network(self) -> "tuple[Any, ...]":
        """The network settings of the environment in their wire form."""
        if self._network is None:
            self._network = self._session.network.wire(self.inputs.trusted_hosts)
        return self._network

    @property
    def bytecode(self) -> str:
        """The kind of bytecode that the environment is to have, ``""`` for none."""
        return bytecode_kind(self.environment.interpreter, self.settings)

    @property
    def workplace(self) -> Workplace:
        """The locked environment of a run that changes something."""
        if not isinstance(self.place, Workplace):
            raise RuntimeError("a dry run changes nothing")
        return self.place

    def fail(self, error: PuffinError) -> None:
        """Note why the environment cannot be made; further reasons of one run add up."""
        if self.error is not None:
            parts = self.error.causes if isinstance(self.error, Several) else (self.error,)
            self.error = Several(causes=(*parts, error))
            return
        self.error = error
        self.end(FAILED)

    def lack(self, number: int, error: PuffinError) -> None:
        """Note why the supply with this number cannot be had."""
        self.lacking[number] = error
        self.fail(error)

    def end(self, status: str) -> None:
        self.status = status
        self.ended = time.perf_counter()

    def use(self, place: "PlannedPlace") -> None:
        """Take *place* as the state of the environment that is planned for."""
        self.place, self._planner = place, None
        self.settings = with_mode(self.settings, place.state)
        if (
            isinstance(place, Workplace)
            and place.state
            and any(each.mode for each in place.state.distributions)
        ):
            place.note_living(self._session.cache)  # it may have moved

    def make_plan(self, archives: "dict[str, str] | None" = None) -> None:
        """Plan the change; *archives* are the known archives of pins with URLs."""
        if self._planner is None:
            self._planner = Planner(self.place, self.settings, self._session, exact=self.exact)
            self.former = self.place.present
        if self.wanted is not None:
            self.plan = self._planner.plan(self.wanted)
        else:
            self.plan = self._planner.plan_of(self.inputs, archives or {})
        going = (*self.plan.remove, *self.plan.replace)
        if going and isinstance(self.place, Workplace):
            self.place.check_removable(going, self._session.cache)

    def reason_of(self, name: str) -> "Reason | None":
        """Return why a distribution changes, None for one that stays. What is said once stands."""
        reason = self.plan.reasons.get(name)
        if self.created and reason is not None and reason.kind == ABSENT:
            return NEW
        if reason is None or self.asked is None:
            return reason
        if name not in self._versions:
            self._versions[name] = version_reason(reason, self.asked, self._session.cache, self.path)
        return self._versions[name]

    def work_of(self, name: str) -> "tuple[tuple[str, Reason], ...]":
        """Return the stages that had work for a distribution, each with the reason why the cache did not serve."""
        found = self.done_for.get(name, {})
        return tuple([each for each, names in found.items() if not names or self.name in names])

    def request(self) -> SearchRequest:
        interpreter = self.environment.interpreter
        return SearchRequest(
            inputs=self.inputs,
            names=frozenset(self.plan.install),
            tags=interpreter.tags,
            python=interpreter.version_text,
            network=self.network,
        )

    def settle(self) -> None:
        """Plan again where the wheel behind a URL is known only now."""
        known = {s.artifact.name: s.archive for s in self.supplies if s.artifact.direct_url and s.archive}
        if known:
            self.make_plan(known)
            wanted = frozenset(self.plan.install)
            self.supplies = [each for each in self.supplies if each.artifact.name in wanted]

    def postpone(self, numbers: "list[int]") -> None:
        """Note the supplies that are built in the environment: everything else is committed before them."""
        late = frozenset([number for number in numbers if not self.supplies[number].archive])
        if len(late) < len(self.supplies) or self.plan.remove:
            self._late = late

    @property
    def turn(self) -> "dict[int, Supply]":
        """The supplies that are to be brought in now, by number."""
        return {
            number: each
            for number, each in enumerate(self.supplies)
            if not self._late or (number in self._late) is self._is_late
        }

    @property
    def turn_plan(self) -> Plan:
        """The part of the plan that is to be done now."""
        if not self._late:
            return self.plan
        names = frozenset([self.supplies[number].artifact.name for number in self._late])
        if not self._is_late:
            return without(self.plan, names)
        return without(replace(self.plan, remove=()), frozenset(self.plan.install) - names)

    def advance(self) -> bool:
        """Go on to the supplies that are built in the environment, after a commit; return whether there are any."""
        if not self._late or self._is_late:
            return False
        self._is_late = True
        self.workplace.end()
        self.workplace.look()
        return True

    def begin(self) -> None:
        """Start the transaction that the supplies are staged in."""
        transaction = self.workplace.begin()
        target = astuple(target_of(self.workplace.environment))
        mode = self._mode_in(transaction.directory)
        kind = self.bytecode
        doubted = self.workplace.damaged.union(self.settings.reinstall_package)
        all_doubted = self.settings.reinstall or self.settings.verify
        self._places = {
            number: LinkPlace(
                stage=transaction.stage(number),
                target=target,
                requested=self.requested is None or supply.artifact.name in self.requested,
                direct_url=supply.artifact.direct_url,
                mode=mode,
                bytecode=kind,
                checked=all_doubted or supply.artifact.name in doubted,
            )
            for number, supply in self.turn.items()
        }

    def _mode_in(self, directory: str) -> str:
        """Return the link mode; that of sealed trees needs symlinks, and warns if there are none in *directory*."""
        mode = self.settings.link_mode or CLONE
        if mode != TREE or links_possible(directory):
            return mode
        self._session.reporter.warn(
            f"Symlinks cannot be made in `{self.path}`, so it gets hard links; `--link-mode hardlink` silences this"
        )
        return HARDLINK

    def link_place(self, number: int) -> "tuple[Any, ...]":
        """Return where the supply with this number is staged, in the wire form of that."""
        return astuple(self._places[number])

    def take(
        self,
        number: int,
        archive: str,
        header: "Callable[[str], tuple[Any, ...] | None]",
        source: "tuple[Any, ...] | None" = None,
    ) -> None:
        """Note the archive of a supply and its *source*; its version may only be known now, of the *header*."""
        supply = self.supplies[number]
        told = with_source(supply.artifact.direct_url, source)
        self.staged[number] = (archive, with_hash(told, archive))
        told_by = None if supply.artifact.version else header(archive)
        if told_by:
            artifact = replace(supply.artifact, version=told_by[VERSION])
            self.supplies[number] = replace(supply, artifact=artifact)

    def commit(self, outlines: "dict[str, Outline | None]") -> None:
        """Commit the staged and the removed distributions as a whole."""
        place, turn = self.workplace, self.turn
        for number, supply in turn.items():
            if supply.artifact.direct_url and number in self.staged:  # no index said which Pythons it is for
                self._check_python(supply, self.staged[number][0])
        change = place.change(
            self._session.cache,
            {number: staged for number, staged in self.staged.items() if number in turn},
            () if self._is_late else self.plan.remove,
            outlines=outlines,
            sources={number: supply.artifact.source for number, supply in turn.items()},
            bytecode=self.bytecode,
            mode=TREE if self.settings.link_mode == TREE else "",
        )
        refuse = self.settings.path_conflict == "error"
        try:
            self.conflicts += place.commit(change, self._session.cache, refuse_conflicts=refuse)
        except Exception:
            raise
        except BaseException:  # a signal, which the commit has held back until its end
            if read_state(self.path) != place.state:
                self._committed()
            raise

    def is_settled(self, find_again: "Callable[[], None]" = lambda: None) -> bool:
        """Look and plan again after the commit, as the next run will; tell whether it will find nothing to do."""
        planner = Planner(self.place, self.settings, self._session, exact=self.exact)
        try:
            find_again()
            self.workplace.look(committed=True)
            plan = planner.plan_of(self.inputs, {}) if self.wanted is None else planner.plan(self.wanted)
        except (PuffinError, OSError):  # whatever it is, it is for the next run to say
            return False
        return plan.nothing_to_do

    def _check_python(self, supply: "Supply", archive: str) -> None:
        """Raise ``NoCompatibleWheel`` where the metadata of what a URL named does not admit the interpreter."""
        from puffin.stages.resolve.locate.errors import NoCompatibleWheel
        from puffin.stages.resolve.locate.file_choice import FileTarget

        cache, version = self._session.cache, self.environment.interpreter.version_text
        head = archived_metadata(cache, archive)
        wanted = next(iter(field_values(head, ("requires-python",)).get("requires-python", ())), "")
        if wanted and not FileTarget((), version).admits(wanted):
            reason = f"it requires Python {wanted}, but the interpreter is Python {version}"
            raise NoCompatibleWheel(package=supply.artifact.label, reason=reason)

    def _committed(self) -> None:
        """Note a commit after which nothing else is done."""
        if self._late and not self._is_late:
            self._is_late = True
        else:
            self.end(UPDATED)

    def open(self) -> None:
        """Lock the environment and read its state."""
        place = workplace_for(self.environment, self.settings, self._session)
        place.__enter__()
        self.use(place)
        self._open = True

    def close(self) -> None:
        """Let go of the environment; one that this run made and could not fill goes with it."""
        if not self._open:
            return
        self._open = False
        try:
            self.workplace.end()
            if self.created and self.status not in (UPDATED, UNCHANGED):
                remove_tree(self.path)
        finally:
            self.workplace.__exit__(None, None, None)


def _nothing(_name: str) -> str:
    """Know no reason."""
    return ""


def guarded(run: "Any", step: "Callable[[Any], None]") -> None:
    """Do *step* for an environment's run that is alive; an error ends this environment only."""
    if not run.alive:
        return
    try:
        step(run)
    except PuffinError as error:
        run.fail(error)
    except OSError as error:
        failure = SiteFailed(path=run.path, causes=(os_cause(error),))
        failure.__cause__ = error
        run.fail(failure)


class SiteFailed(PuffinError):
    """The operating system refused something about an environment."""

    sentence = "Failed to work on the environment `{path}`"
    path: str
