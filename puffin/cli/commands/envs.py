"""``puffin envs`` and ``puffin cache key``."""

import json
import os
from collections.abc import Iterable, Sequence

from puffin.artifact.urls import digest
from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.options.workspace import EnvsOptions
from puffin.cli.screen.quantities import aligned, counted
from puffin.pipeline.change.values import EnvResult, failure_of
from puffin.pipeline.commands.look import Look, look_at
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import FAILED, Settings
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.workspace.config import chosen
from puffin.pipeline.workspace.specs import EnvSpec, known_lock
from puffin.stages.link.interpreter.interpreter import Interpreter

_FORMAT = "puffin-v0"  # of the keys
_WORDS = {"unchanged": "up to date", "drifted": "differs"}


def envs(call: Call) -> int:
    """List environments and what they are like."""
    options = call.options(EnvsOptions)
    with CacheDirectory(call) as cache_dir:
        specs, _ = chosen(options.arguments, options.python, "envs", file=options.environments)
        settings = Settings(files=(), cache_dir=cache_dir)
        looks = look_at(specs, settings, call.session(settings))
    call.console.write(_json(looks) if options.format == "json" else _columns(looks))
    for look in looks:
        if look.former:
            call.console.warn(f"The last sync of `{look.name}` failed: {look.former}")
    failure = failure_of(tuple([_result(look) for look in looks]), "read")
    if failure is not None:
        raise failure
    return 0


def _result(look: Look) -> EnvResult:
    """Return what could not be read of an environment as a result."""
    error = look.error if look.state == FAILED else None
    return EnvResult(name=look.name, path=look.path, python=look.python, status=look.state, error=error)


def _columns(looks: list[Look]) -> str:
    heads = ("environment", "python", "packages", "state", "path")
    rows = [
        (each.name, each.python, str(each.packages), _state(each), os.path.relpath(each.path)) for each in looks
    ]
    return "".join(f"{line}\n" for line in aligned([heads, *rows], texts=len(heads)))


def _state(look: Look) -> str:
    if look.state == "drifted":
        return counted(look.changes, "change")
    return _WORDS.get(look.state, look.state)


def _json(looks: list[Look]) -> str:
    rows = [
        {
            "name": each.name,
            "path": each.path,
            "python": each.python,
            "state": _WORDS.get(each.state, each.state),
            "packages": each.packages,
            "changes": each.changes,
            "files": list(each.files),
            "error": str(each.error) if each.error is not None else None,
        }
        for each in looks
    ]
    return json.dumps(rows, indent=1) + "\n"


def key(call: Call) -> int:
    """Print a key for the cache of CI."""
    options = call.options(EnvsOptions)
    with CacheDirectory(call) as cache_dir:
        specs, _ = chosen(options.arguments, options.python, "cache key", file=options.environments)
        session = session_of(Settings(files=(), cache_dir=cache_dir), os.environ)
        find = Interpreters(session)
        interpreters = [find(request) for request in dict.fromkeys(spec.python for spec in specs)]
        contents = [session.read(path) for path in _key_files(specs)]
    call.console.write(f"{_cache_key(interpreters, contents)}\n")
    return 0


def _cache_key(interpreters: Sequence[Interpreter], contents: Iterable[bytes]) -> str:
    """Return the key: readable in front, so that a part of it finds older caches, and a digest of *contents* behind.

    Neither paths nor the order of the contents are in it. Tags say which wheels fit, so two runners with different C
    libraries have different keys.
    """
    first = dict(interpreters[0].markers)
    system = f"{first.get('sys_platform', '')}-{first.get('platform_machine', '')}".lower()
    pythons = "-".join(dict.fromkeys(sorted(each.cache_tag.replace("cpython-", "cp") for each in interpreters)))
    tags = digest("\n".join(dict.fromkeys(sorted(" ".join(each.tags) for each in interpreters))))[:8]
    locks = digest("\n".join(sorted(digest(each.decode("latin-1")) for each in contents)))
    return f"{_FORMAT}-{system}-{pythons}-{tags}-{locks}"


def _key_files(specs: Sequence[EnvSpec]) -> list[str]:
    """Return the files that decide what the environments hold: their locks, else their sources."""
    files: dict[str, None] = {}
    for spec in specs:
        lock = known_lock(spec)
        files |= dict.fromkeys((lock,) if lock and os.path.isfile(lock) else spec.files)
    return list(files)
