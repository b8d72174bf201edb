"""``puffin affected``: the environments that a change affects."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.commands.run import with_configuration
from puffin.cli.config.settings import read_settings
from puffin.cli.options.workspace import EnvsOptions
from puffin.cli.screen.console import Console
from puffin.cli.screen.quantities import counted
from puffin.errors import PuffinError, UsageError
from puffin.pipeline.graph.task import resolve_function
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import DigestSettings, Side
from puffin.pipeline.workspace.affected import (
    Affected,
    AffectedEnvironment,
    AffectedReason,
    keep_memo,
    memo_key,
    read_memo,
)
from puffin.pipeline.workspace.commits import difference
from puffin.pipeline.workspace.config import chosen
from puffin.pipeline.workspace.specs import EnvSpec
from puffin.value import replace

# options that decide what is installed, besides files that have kinds of inputs of their own
_DECISIVE = (
    "index_url", "default_index", "extra_index_url", "find_links", "no_index", "index", "index_strategy", "only_binary",
    "no_binary", "no_build", "no_sources", "no_sources_package", "require_hashes", "no_verify_hashes", "no_editable",
    "no_build_isolation", "no_build_isolation_package", "config_setting", "config_setting_package", "link_mode",
    "compile_bytecode", "path_conflict", "exclude_newer", "exclude_newer_package", "resolution", "prerelease",
)  # fmt: skip


def affected_command(call: Call) -> int:
    """List the environments whose digest differs between a commit and the work tree."""
    options = call.options(EnvsOptions)
    if not options.since:
        hints = ("for example: `puffin affected --since origin/main`",)
        raise UsageError(text="`puffin affected` needs `--since`", hints=hints)
    with CacheDirectory(call) as cache_dir:
        session = call.session(call.settings(cache_dir))
        found = _found(options.since, "--since", call, cache_dir, session)
    call.console.write(_FORMATS[options.format or "text"](found))
    if options.format in ("", "text"):
        count, total = len(found.environments), counted(found.total, "environment")
        verb = "is" if 1 in (count, found.total) else "are"
        call.console.say(f"{count} of {total} {verb} affected since `{options.since}`")
    return 0


def changed_specs(
    call: Call, cache_dir: str, reference: str, session: Session, specs: "Sequence[EnvSpec]"
) -> "list[EnvSpec]":
    """Return those of *specs* that the change since *reference* affects. Raises what :func:`_found` raises."""
    found = _found(reference, "--changed-since", call, cache_dir, session)
    paths = {each.spec.path for each in found.environments}
    return [spec for spec in specs if spec.path in paths]


def _found(reference: str, option: str, call: Call, cache_dir: str, session: Session) -> Affected:
    """Return what the change since *reference* affects: nothing if no file differs that was looked at for that commit.

    Raises what ``difference`` raises, and the errors of the configuration.
    """
    found = difference(reference, os.getcwd(), option)
    key = memo_key(found, {"command": call.command, **call.written}, session.environ)
    known = read_memo(session.cache, key, session.environ)
    if known is not None and known.nothing_differs(found):
        return Affected(commit=found.commit, environments=(), total=len(known.environments))
    compared = resolve_function("puffin.pipeline.commands.affected:compared")
    affected, looked, variables = compared(found, side_of(call, cache_dir), session, known)
    if looked is not None:
        keep_memo(session.cache, key, looked, found, variables)
    told: Affected = affected
    return told


def side_of(call: Call, cache_dir: str) -> "Callable[[bool], Side]":
    """Return what reads the environments of a command and their settings from the files that are looked at."""
    quiet = Console(quiet=2)
    options = call.options(EnvsOptions)
    named = options.arguments

    def side(former: bool) -> Side:
        """Read one state; a *former* one need not have all that is named."""
        values = with_configuration(call.command, call.written, quiet)
        run = read_settings(values, cache_dir)
        specs: dict[str, EnvSpec] = {}
        for names in [[name] for name in named] or [[]]:
            try:
                found, _ = chosen(names, run.where.python, call.command, file=options.environments)
            except PuffinError:
                if former and len(named) > 1:
                    continue
                raise
            specs |= {spec.path: spec for spec in found}
        return Side(specs=tuple(specs.values()), settings=DigestSettings(run=run, given=_given(values)))

    return side


def _given(values: "Mapping[str, Any]") -> tuple[tuple[str, str], ...]:
    told = {name: values[name] for name in _DECISIVE if values.get(name)}
    if "configured" in values:
        configured = values["configured"]
        for name in ("index_url", "extra_index_url", "find_links", "no_index"):
            value = (told.get(name), getattr(configured, name))
            told |= {name: value} if any(value) else {}
    tables = [replace(each, place="") for each in values.get("index_tables", ())]
    told |= {"index": (told.get("index"), tables)} if tables else {}
    return tuple(sorted((name.replace("_", "-"), repr(value)) for name, value in told.items()))


def _text(found: Affected) -> str:
    lines = []
    for each in found.environments:
        lines.append(each.spec.name)
        lines += [f"  {_sentence(reason)}" for reason in each.reasons]
    lines += [f"{name}\n  removed" for name in found.removed]
    return "".join(f"{line}\n" for line in lines)


def _sentence(reason: AffectedReason) -> str:
    chain = " → ".join(reason.chain)
    if reason.kind == "added":
        return f"{reason.name}{f' ({reason.note})' if reason.note else ''}"
    told = [f"{reason.kind} {reason.name}"] if reason.kind not in ("project", "unknown", "file", "lock") else []
    told += [reason.note] if reason.note else []
    return f"{chain} ({'; '.join(told)})" if told else chain


def _json(found: Affected) -> str:
    value = {
        "commit": found.commit,
        "environments": [_row(each) for each in found.environments],
        "removed": list(found.removed),
        "total": found.total,
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _row(each: AffectedEnvironment) -> "dict[str, Any]":
    return {
        "name": each.spec.name,
        "path": os.path.relpath(each.spec.path),
        "python": each.spec.python,
        "digest": each.digest,
        "former": each.former or None,
        "reasons": [
            {"kind": reason.kind, "name": reason.name, "chain": list(reason.chain), "note": reason.note or None}
            for reason in each.reasons
        ],
    }


def _matrix(found: Affected) -> str:
    """Return a matrix of GitHub Actions: one job for each environment."""
    rows = [
        {
            "environment": each.spec.name,
            "path": os.path.relpath(each.spec.path),
            "directory": os.path.relpath(os.path.dirname(each.spec.files[0])),
            "python": each.spec.python,
        }
        for each in found.environments
    ]
    return json.dumps({"include": rows}) + "\n"


_FORMATS: "Mapping[str, Callable[[Affected], str]]" = {"text": _text, "json": _json, "github-matrix": _matrix}
