"""``puffin why``: why packages of an environment were installed, reinstalled or rebuilt."""

import json
import os
from time import time

from puffin.cache.layout import Cache
from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.options.workspace import EnvsOptions
from puffin.errors import PuffinError, UsageError
from puffin.names import normalise
from puffin.pipeline.profile.why import ChangedPackage, EnvironmentChange, last_change
from puffin.pipeline.workspace.config import chosen
from puffin.pipeline.workspace.select import environment_beside
from puffin.reasons import reason_fields, reason_text, work_text

_SIGNS = {"add": "+", "remove": "-", "replace": "~"}


def why_command(call: Call) -> int:
    """Say why the last run that changed an environment did so."""
    options = call.options(EnvsOptions)
    words = options.arguments
    if not words or len(words) > 2:
        hints = ("for example: `puffin why services/api requests`",)
        raise UsageError(text="`puffin why` needs an environment and accepts one package", hints=hints)
    package = normalise(words[1]) if len(words) > 1 else ""
    with CacheDirectory(call) as cache_dir:
        found = last_change(Cache(cache_dir), _path(words[0], options), words[0], package)
    call.console.write(_json(found) if options.format == "json" else _text(found))
    return 0


def _path(name: str, options: EnvsOptions) -> str:
    """Return the path of an environment that is named as for ``sync``, or is a directory. Raises ``NothingMatches``."""
    if os.path.isfile(os.path.join(name, "pyvenv.cfg")):
        return os.path.abspath(name)
    beside = os.path.abspath(environment_beside(os.path.join(name, "requirements.txt")))
    try:
        specs, _ = chosen((name,), "", "why", file=options.environments)
    except PuffinError as error:
        if os.path.isfile(f"{beside}/pyvenv.cfg"):
            return beside
        error.hints = (*error.hints, f"the environment comes first, for example `puffin why .venv {name}`")
        raise
    if len(specs) > 1:
        names = ", ".join(f"`{each.name}`" for each in specs[:10])
        raise UsageError(text=f"`{name}` means {len(specs)} environments", hints=(f"use one of {names}",))
    return specs[0].path


def _text(found: EnvironmentChange) -> str:
    now = time()
    lines = [f"{found.environment} (run {found.run})"]
    for each in found.packages:
        lines.append(f" {_SIGNS.get(each.action, '~')} {each.name}: {reason_text(each.reason, now)}")
        lines += [f"     {work_text(work.stage, work.reason, now)}" for work in each.work]
    return "".join(f"{line}\n" for line in lines)


def _json(found: EnvironmentChange) -> str:
    value = {
        "run": found.run,
        "environment": found.environment,
        "path": found.path,
        "packages": [_row(each) for each in found.packages],
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _row(each: ChangedPackage) -> "dict[str, object]":
    return {
        "name": each.name,
        "action": each.action,
        "reason": reason_fields(each.reason, time()),
        "work": [{"stage": work.stage, "reason": reason_fields(work.reason, time())} for work in each.work],
    }
