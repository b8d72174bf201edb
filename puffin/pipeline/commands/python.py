"""The interpreters of a run over many environments: each request is answered once."""

import sys

from puffin import depends
from puffin.stages.link.environment.environment import environment_at
from puffin.stages.link.interpreter.known import inspect_interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.workspace.specs import EnvSpec
    from puffin.stages.link.interpreter.interpreter import Interpreter


class Interpreters:
    """Finds the interpreter for a request; an empty one means the Python that runs puffin."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._known: dict[str, Interpreter] = {}

    def __call__(self, request: str) -> "Interpreter":
        """Return the interpreter; raises what finding and asking it raise."""
        if request not in self._known:
            if request:
                from puffin.stages.link.interpreter.find import find_interpreter

                path = find_interpreter(request, self._session.environ)
            else:
                path = sys.executable
            self._known[request] = inspect_interpreter(path, self._session.cache)
        return self._known[request]

    def of(self, spec: "EnvSpec") -> "Interpreter":
        """Return the interpreter of an environment: the one that it has, unless another is asked for."""
        if spec.python or not depends.is_file(f"{spec.path}/pyvenv.cfg"):
            return self(spec.python)
        return environment_at(spec.path, self._session.cache, origin=spec.origin).interpreter
