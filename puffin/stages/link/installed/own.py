"""The puffin that is running, and what it needs: no command of its own takes them away."""

import os
import sys

from puffin.errors import USAGE, PuffinError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from puffin.stages.link.environment.environment import Environment

_SELF = "puffin"


class RemovesItself(PuffinError):
    """The running puffin, or what it needs, would be removed from its own environment."""

    exit_code = USAGE
    stage = "link"
    path: str
    names: tuple[str, ...]

    def summary(self) -> str:
        """Return the first line."""
        shown = ", ".join(f"`{name}`" for name in self.names[:5])
        more = f" and {len(self.names) - 5} more" if len(self.names) > 5 else ""
        return f"Refused to remove {shown}{more}: the puffin that is running needs that in `{self.path}`"


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
        name = f"name the environment that is meant, as in `--python {'.venv' if beside else 'DIRECTORY'}`"
        hints = (name,) if beside else (name, "make one with `puffin venv`")
        raise RemovesItself(path=environment.root, names=tuple(lost), hints=hints)
