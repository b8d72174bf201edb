"""``puffin completion``: the script that makes a shell complete puffin's commands and options."""

import sys

from puffin.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cli.console import Console

SHELLS = ("bash", "zsh", "fish")


def completion(options: "dict[str, Any]", _console: "Console", _started: float) -> int:
    """Print the script for a shell."""
    from click.shell_completion import get_completion_class

    from puffin.cli.app import puffin

    (shell,) = options["arguments"]
    found = get_completion_class(shell)
    if found is None:
        known = ", ".join(f"`{each}`" for each in SHELLS)
        raise UsageError(text=f"There is no completion for `{shell}`", hints=(f"use one of {known}",))
    maker = found(puffin, {}, "puffin", "_PUFFIN_COMPLETE")
    sys.stdout.write(f"{(maker.source_template % maker.source_vars()).strip()}\n")
    return 0
