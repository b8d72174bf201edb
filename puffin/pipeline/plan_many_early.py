"""What of a run over many environments need not wait for its code: the interpreter is asked while that is imported."""

import os

from puffin.errors import PuffinError
from puffin.pipeline.record import phase
from puffin.stages.link.meanwhile import meanwhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from puffin.pipeline.plan_many_python import Interpreters
    from puffin.pipeline.plan_workspace_specs import EnvSpec


def ask_early(specs: "Iterable[EnvSpec]", interpreters: "Interpreters") -> None:
    """Have the interpreter for the first environment that is to be made answer; what is wrong is told later."""
    for spec in specs:
        if not os.path.isfile(f"{spec.path}/pyvenv.cfg"):
            with phase("find interpreter"), meanwhile(_import_run):
                try:
                    interpreters(spec.python)
                except (PuffinError, OSError):
                    pass  # it is raised again for each environment that asks for it
            return


def _import_run() -> None:
    import puffin.pipeline.plan_many
    import puffin.stages.link.venv  # noqa: F401
    from puffin.pipeline.plan_import import import_fetching

    import_fetching()
