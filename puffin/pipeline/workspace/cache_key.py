"""The key of a CI cache."""

import os
from collections.abc import Iterable, Sequence

from puffin.artifact.urls import digest
from puffin.pipeline.workspace.specs import EnvSpec, known_lock
from puffin.stages.link.interpreter.interpreter import Interpreter

FORMAT = "puffin-v0"


def cache_key(interpreters: "Sequence[Interpreter]", contents: "Iterable[bytes]") -> str:
    """Return the key: readable in front, so that a part of it finds older caches, and a digest of *contents* behind.

    Neither paths nor the order of the contents are in it. Tags say which wheels fit, so two runners with different C
    libraries have different keys.
    """
    first = dict(interpreters[0].markers)
    system = f"{first.get('sys_platform', '')}-{first.get('platform_machine', '')}".lower()
    pythons = "-".join(dict.fromkeys(sorted(each.cache_tag.replace("cpython-", "cp") for each in interpreters)))
    tags = digest("\n".join(dict.fromkeys(sorted(" ".join(each.tags) for each in interpreters))))[:8]
    locks = digest("\n".join(sorted(digest(each.decode("latin-1")) for each in contents)))
    return f"{FORMAT}-{system}-{pythons}-{tags}-{locks}"


def key_files(specs: "Sequence[EnvSpec]") -> "list[str]":
    """Return the files that decide what the environments hold: their locks, else their sources."""
    files: dict[str, None] = {}
    for spec in specs:
        lock = known_lock(spec)
        files |= dict.fromkeys((lock,) if lock and os.path.isfile(lock) else spec.files)
    return list(files)
