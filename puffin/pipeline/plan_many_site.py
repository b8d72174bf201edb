"""One of the environments of a run: found or made, opened under its lock, planned, and committed by itself."""

import os
import time

from puffin import depends
from puffin.cache.atomic import remove_tree
from puffin.errors import PuffinError, os_cause
from puffin.pipeline.plan_bytecode import bytecode_kind
from puffin.pipeline.plan_environment import Workplace, target_of
from puffin.pipeline.plan_many_values import Several, WrongPython
from puffin.pipeline.plan_settings import DRIFTED, FAILED, SKIPPED, UNCHANGED, UPDATED
from puffin.pipeline.plan_wanted import Planner
from puffin.stages.link.environment import environment_at, environment_for
from puffin.stages.link.files import HARDLINK
from puffin.stages.link.state import read_state
from puffin.stages.unzip.manifest import VERSION
from puffin.value import astuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.plan_environment import Names
    from puffin.pipeline.plan_graph import Supply
    from puffin.pipeline.plan_inputs import Inputs
    from puffin.pipeline.plan_settings import Settings
    from puffin.pipeline.plan_workspace_specs import EnvSpec
    from puffin.stages.link.environment import Environment
    from puffin.stages.link.installplan import Plan, Present
    from puffin.stages.link.interpreter import Interpreter
    from puffin.stages.link.placement import Conflict
    from puffin.stages.link.state import State


class NotThereYet:
    """An environment that a dry run does not make: empty, and nothing can be done in it."""

    def __init__(self, environment: "Environment") -> None:
        self.environment = environment
        self.state: State | None = None
        self.present: tuple[Present, ...] = ()
        self.damaged: frozenset[str] = frozenset()
        self.archives: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self.recovered = ""


class Site:
    """The course of one environment through a run. ``error`` ends it; then the environment is left as it was.

    What is built in the environment itself comes with a second commit; an error then leaves the first (``partly``).
    """

    def __init__(
        self, spec: "EnvSpec", settings: "Settings", cache: "Cache", environ: "Mapping[str, str]"
    ) -> None:
        self.spec = spec
        self._environ = environ
        self._planner: Planner | None = None
        self.settings = replace(
            settings,
            files=spec.requirements,
            link_mode=spec.link_mode or settings.link_mode,
            compile_bytecode=settings.compile_bytecode
            if spec.compile_bytecode is None
            else spec.compile_bytecode,
            python=spec.python,
        )
        self.status = ""
        self.error: PuffinError | None = None
        self.created = False
        self.missing = False
        self.ended = 0.0
        self.supplies: list[Supply] = []
        self.staged: dict[int, tuple[str, str]] = {}
        self.conflicts: tuple[Conflict, ...] = ()
        self.former: tuple[Present, ...] = ()
        self._late: frozenset[int] = frozenset()
        self._is_late = False
        self.environment: Environment
        self.inputs: Inputs
        self.place: Workplace | NotThereYet
        self.plan: Plan
        self._cache = cache
        self._open = False
        self._places: dict[int, Any] = {}

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

    def fail(self, error: PuffinError) -> None:
        """Note why the environment cannot be made; further reasons of one run add up."""
        if self.error is not None:
            parts = self.error.causes if isinstance(self.error, Several) else (self.error,)
            self.error = Several(causes=(*parts, error))
            return
        self.error = error
        self.end(FAILED)

    def end(self, status: str) -> None:
        """Note how it ended."""
        self.status = status
        self.ended = time.perf_counter()

    def find(self, interpreter: "Any") -> None:
        """Find the environment, or what it will be made from; *interpreter* finds one for a request."""
        from puffin.stages.link.environment import check_target

        root = self.spec.path
        self.missing = not depends.is_file(f"{root}/pyvenv.cfg")
        if self.missing:
            self.environment = environment_for(interpreter(self.spec.python), root)
            return
        self.environment = environment_at(root, self._cache, origin=self.spec.origin)
        if self.spec.python and not _fits(self.spec.python, self.environment, interpreter):
            raise WrongPython(
                path=root,
                version=self.environment.interpreter.version_text,
                request=self.spec.python,
                hints=(f"remove `{root}`, and it will be made anew",),
            )
        check_target(self.environment)

    def open(self, *, timeout: float, make: bool) -> None:
        """Make the environment if it is not there (unless it is a dry run), lock it and take stock."""
        if self.missing and not make:
            self.place = NotThereYet(self.environment)
            return
        if self.missing:
            self._create()
        place = Workplace(self.environment, timeout=timeout)
        place.__enter__()
        self.place, self._open, self._planner = place, True, None

    def foresee(self) -> None:
        """Plan for an environment that is not there before it is made, so that indexes can be asked meanwhile."""
        self.place = NotThereYet(self.environment)
        self.make_plan()

    def _create(self) -> None:
        from puffin.stages.link.venv import VenvExists, create_venv

        try:
            create_venv(self.spec.path, interpreter=self.environment.interpreter)
            self.created = True
        except VenvExists:  # another run made it meanwhile
            self.environment = environment_at(self.spec.path, self._cache, origin=self.spec.origin)

    def make_plan(self, archives: "dict[str, str] | None" = None) -> None:
        """Plan what is to change; *archives* are those of pins with URLs that are known by now."""
        if self._planner is None:
            self._planner = Planner(self.place, self.inputs, self.settings, self._cache, self._environ)
            self.former = self.place.present
        self.plan = self._planner.plan(archives)

    @property
    def bytecode(self) -> str:
        """The kind of bytecode that the environment is to have, ``""`` for none."""
        return bytecode_kind(self.environment, self.settings)

    @property
    def workplace(self) -> Workplace:
        """The locked environment of a run that changes something."""
        if not isinstance(self.place, Workplace):
            raise RuntimeError("a dry run changes nothing")
        return self.place

    def postpone(self, numbers: "list[int]") -> None:
        """Note which supplies are built in the environment, as far as they are: what they need comes in before them."""
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

    def advance(self) -> bool:
        """Go on after a commit, to what is built in the environment; tell whether there is such a thing."""
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
        mode = self.settings.link_mode or HARDLINK
        kind = self.bytecode
        self._places = {
            number: (
                transaction.stage(number),
                target,
                True,
                supply.artifact.direct_url,
                mode,
                kind,
            )
            for number, supply in self.turn.items()
        }

    def link_place(self, number: int) -> "Any":
        """Return where the supply with this number is staged, as ``link_all`` takes it."""
        return self._places[number]

    def take(
        self, number: int, archive: str, names: "Names | None", source: "tuple[Any, ...] | None" = None
    ) -> None:
        """Note what a supply came to, and from which *source*; perhaps only now its version is known."""
        from puffin.stages.link.direct_url import with_hash, with_source

        supply = self.supplies[number]
        told = with_source(supply.artifact.direct_url, source)
        self.staged[number] = (archive, with_hash(told, archive))
        if names and not supply.artifact.version:
            artifact = replace(supply.artifact, version=names[0][VERSION])
            self.supplies[number] = replace(supply, artifact=artifact)

    def commit(self, names: "dict[str, Names | None]") -> None:
        """Bring in what was staged and take out what goes, as a whole."""
        place, turn = self.workplace, self.turn
        change = place.change(
            self._cache,
            {number: staged for number, staged in self.staged.items() if number in turn},
            () if self._is_late else self.plan.remove,
            names=names,
            sources={number: supply.artifact.source for number, supply in turn.items()},
            bytecode=self.bytecode,
        )
        refuse = self.settings.path_conflict == "error"
        try:
            self.conflicts += place.commit(change, refuse_conflicts=refuse)
        except Exception:
            raise
        except BaseException:  # a signal, which the commit has held back until its end
            if read_state(self.spec.path) != place.state:
                self._committed()
            raise

    def _committed(self) -> None:
        """Note a commit after which nothing else is done."""
        if self._late and not self._is_late:
            self._is_late = True
        else:
            self.end(UPDATED)

    def close(self) -> None:
        """Let go of the environment; one that this run made and could not fill goes with it."""
        if not self._open:
            return
        self._open = False
        try:
            self.workplace.end()
            if self.created and self.status not in (UPDATED, UNCHANGED):
                remove_tree(self.spec.path)
        finally:
            self.workplace.__exit__(None, None, None)


def _fits(request: str, environment: "Environment", interpreter: "Any") -> bool:
    from puffin.stages.link.interpreter_find import is_path, satisfies

    if not is_path(request):
        return satisfies(request, environment.interpreter)
    wanted: Interpreter = interpreter(request)
    return os.path.realpath(wanted.base_executable) == os.path.realpath(environment.interpreter.base_executable)


def guarded(site: Site, step: "Any") -> None:
    """Do *step* for a site that is alive; what is wrong there is its own affair."""
    if not site.alive:
        return
    try:
        step(site)
    except PuffinError as error:
        site.fail(error)
    except OSError as error:
        site.fail(SiteFailed(path=site.spec.path, causes=(os_cause(error),)))


class SiteFailed(PuffinError):
    """The operating system refused something about an environment."""

    path: str

    def summary(self) -> str:
        """Return the first line."""
        return f"Failed to work on the environment `{self.path}`"
