"""Environments whose files changed since a commit, and the key of a CI cache."""

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence

from puffin.artifact.urls import digest
from puffin.errors import Cause, PuffinError, UsageError
from puffin.pipeline.workspace.specs import EnvSpec, Workspace, lock_of, sources_of
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.stages.resolve.projects.sources import read_sources

FORMAT = "puffin-v0"


def changed_specs(
    specs: "Sequence[EnvSpec]",
    workspace: "Workspace | None",
    reference: str,
    cwd: str,
    environ: "Mapping[str, str]",
    read: "Callable[[str], bytes]",
    constraints: tuple[str, ...] = (),
) -> "list[EnvSpec]":
    """Return those of *specs* whose files differ from the commit *reference*, or are new.

    Files that these include, as *read* reads them, and *constraints* of all environments count too; a changed
    configuration concerns all. Raises :class:`UsageError` where git cannot tell.
    """
    changed = changed_files(reference, cwd)
    if workspace is not None and os.path.realpath(os.path.join(cwd, workspace.file)) in changed:
        return list(specs)
    return [spec for spec in specs if not changed.isdisjoint(files_behind(spec, environ, read, constraints))]


def changed_files(reference: str, cwd: str) -> "frozenset[str]":
    """Return the real paths of all files that differ from *reference* in the work tree around *cwd*."""
    top = _git(cwd, "rev-parse", "--show-toplevel").rstrip("\n")
    # a reference that looks like an option must not become one
    commit = _git(
        cwd, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}", about=reference
    )
    names = _git(top, "diff", "--name-only", "-z", "--no-renames", commit.strip(), "--").split("\0")
    names += _git(top, "ls-files", "--others", "--exclude-standard", "-z").split("\0")
    return frozenset([os.path.realpath(os.path.join(top, name)) for name in names if name])


def _git(cwd: str, *words: str, about: str = "") -> str:
    try:
        done = subprocess.run(
            ["git", *words], cwd=cwd, capture_output=True, text=True, errors="surrogateescape"
        )
    except OSError as error:
        raise UsageError(
            text="`--changed-since` needs git, which cannot be run", causes=(Cause(text=str(error.strerror)),)
        ) from error
    if done.returncode:
        text = f"`{about}` is no commit" if about else "`--changed-since` needs a git repository"
        causes = tuple([Cause(text=line) for line in done.stderr.splitlines()[:1]])
        hints = ("fetch more of the history: a shallow clone may lack it",) if about else ()
        raise UsageError(text=text, causes=causes, hints=hints)
    return done.stdout


def files_behind(
    spec: "EnvSpec",
    environ: "Mapping[str, str]",
    read: "Callable[[str], bytes]",
    constraints: tuple[str, ...] = (),
) -> "frozenset[str]":
    """Return the real paths of all files that an environment is made from, included ones and its lock among them."""
    files: set[str] = {*spec.files, *filter(None, (lock_of(spec),))}

    def reading(path: str) -> bytes:
        files.add(path)
        return read(path)

    if not spec.pylock:
        try:
            read_sources(sources_of(spec, constraints), read=reading, environ=environ)
        except PuffinError:
            pass  # the sync will tell; what was read so far counts
    return frozenset([os.path.realpath(path) for path in files])


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
        lock = lock_of(spec)
        files |= dict.fromkeys((lock,) if lock and os.path.isfile(lock) else spec.files)
    return list(files)
