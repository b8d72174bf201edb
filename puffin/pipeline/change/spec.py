"""One environment of a workspace in a run: found, or made if it is missing."""

import os

from puffin import depends
from puffin.cache.lock import LockFailed
from puffin.pipeline.change.environment import EnvironmentRun
from puffin.pipeline.change.values import WrongPython
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.stages.link.commit.installplan import Present
from puffin.stages.link.commit.state import State
from puffin.stages.link.environment.environment import (
    Environment,
    check_target,
    environment_at,
    environment_for,
)
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.types import Callable
from puffin.value import replace


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


class SpecRun(EnvironmentRun):
    """The run of the environment that *spec* configures. ``missing`` tells that it does not exist."""

    def __init__(self, spec: "EnvSpec", settings: "Settings", session: "Session") -> None:
        bytecode = spec.compile_bytecode
        own = replace(
            settings,
            files=spec.requirements,
            link_mode=spec.link_mode or settings.link_mode,
            compile_bytecode=settings.compile_bytecode if bytecode is None else bytecode,
        )
        super().__init__(spec.name, spec.path, own, session)
        self.spec = spec
        self.missing = False

    def find(self, interpreter: "Callable[[str], Interpreter]") -> None:
        """Find the environment, or the interpreter that will make it; *interpreter* finds one for a request."""
        root, before = self.path, depends.mark()
        self.missing = not depends.is_file(f"{root}/pyvenv.cfg")
        if self.missing:
            self.environment = environment_for(interpreter(self.spec.python), root)
            if before is not None:
                depends.back(before)
            return
        self.environment = environment_at(root, self._session.cache, origin=self.spec.origin)
        if self.spec.python and not _fits(self.spec.python, self.environment, interpreter):
            raise WrongPython(
                path=root,
                version=self.environment.interpreter.version_text,
                request=self.spec.python,
                hints=(f"remove `{root}`, and puffin will make it again",),
            )
        check_target(self.environment)

    def is_settled_for(self, interpreter: "Callable[[str], Interpreter]") -> bool:
        """Tell the same as :meth:`is_settled`; one that was made is looked for as the next run will do it."""

        def find_again() -> None:
            if self.created:
                environment, missing = self.environment, self.missing
                self.find(interpreter)
                self.environment, self.missing = environment, missing

        return self.is_settled(find_again)

    def foresee(self) -> None:
        """Plan for an environment that is not there before it is made, so that indexes can be asked meanwhile."""
        self.use(NotThereYet(self.environment))
        self.make_plan()

    def enter(self, *, make: bool) -> None:
        """Make the environment if it is not there (unless it is a dry run), lock it and take stock."""
        if self.missing and not make:
            self.use(NotThereYet(self.environment))
            return
        if self.missing:
            self._create()
        try:
            self.open()
        except LockFailed:
            if os.path.lexists(self.path):
                raise
            self.missing = True  # another run made it, failed, and removed it
            self.enter(make=make)

    def _create(self) -> None:
        from puffin.stages.link.environment.venv import VenvExists, create_venv

        try:
            create_venv(self.path, interpreter=self.environment.interpreter)
            self.created = True
        except VenvExists:  # another run made it meanwhile
            self.environment = environment_at(self.path, self._session.cache, origin=self.spec.origin)


def _fits(request: str, environment: "Environment", interpreter: "Callable[[str], Interpreter]") -> bool:
    from puffin.stages.link.interpreter.find import is_path, python_satisfies

    if not is_path(request):
        return python_satisfies(request, environment.interpreter)
    wanted = interpreter(request)
    return os.path.realpath(wanted.base_executable) == os.path.realpath(environment.interpreter.base_executable)
