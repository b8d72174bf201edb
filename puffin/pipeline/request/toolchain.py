"""The interpreter that builds."""

from puffin.stages.link.interpreter.interpreter import Interpreter, interpreter_key
from puffin.stages.resolve.locate.tags import priorities  # only what builds makes such a value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.stages.link.environment.environment import Environment


class Toolchain:
    """An interpreter that builds. ``python`` is that of the environment to build in without isolation."""

    def __init__(
        self, interpreter: Interpreter, *, python: str = "", scripts: str = "", prefix: str = ""
    ) -> None:

        self.interpreter = interpreter
        self.python = python
        self.scripts = scripts
        self.prefix = prefix
        self.key = interpreter_key(interpreter)
        self.priorities: Mapping[str, int] = priorities(interpreter.tags)


def toolchain_of(environment: "Environment") -> Toolchain:
    """Return the toolchain of an environment: its interpreter, and itself for builds without isolation."""
    return Toolchain(
        environment.interpreter,
        python=environment.executable,
        scripts=environment.scripts,
        prefix=environment.root,
    )


def toolchain_with(interpreter: "Interpreter") -> Toolchain:
    """Return the toolchain of an interpreter; builds without isolation use its packages."""
    return Toolchain(
        interpreter,
        python=interpreter.executable,
        scripts=interpreter.scheme.scripts,
        prefix=interpreter.prefix,
    )
