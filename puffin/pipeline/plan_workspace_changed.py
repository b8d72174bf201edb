"""Which environments are made from files that changed since a commit."""

import os
import subprocess

from puffin.errors import Cause, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from puffin.pipeline.plan_network import Read
    from puffin.pipeline.plan_workspace_specs import EnvSpec, Workspace


def changed_specs(
    specs: "Sequence[EnvSpec]",
    workspace: "Workspace | None",
    reference: str,
    cwd: str,
    environ: "Mapping[str, str]",
    read: "Read",
) -> "list[EnvSpec]":
    """Return those of *specs* whose files differ from the commit *reference*, or are new.

    Files that these include, as *read* reads them, count too; a changed configuration concerns all. Raises
    :class:`UsageError` where git cannot tell.
    """
    changed = changed_files(reference, cwd)
    if workspace is not None and os.path.realpath(os.path.join(cwd, workspace.file)) in changed:
        return list(specs)
    return [spec for spec in specs if not changed.isdisjoint(files_of(spec, environ, read))]


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


def files_of(spec: "EnvSpec", environ: "Mapping[str, str]", read: "Read") -> "frozenset[str]":
    """Return the real paths of all files that an environment is made from, included ones and its lock among them."""
    from puffin.errors import PuffinError
    from puffin.pipeline.plan_workspace_specs import lock_of, sources_of
    from puffin.stages.resolve.inputs import read_sources

    files: set[str] = {*spec.files, *filter(None, (lock_of(spec),))}

    def reading(path: str) -> bytes:
        files.add(path)
        return read(path)

    if not spec.pylock:
        try:
            read_sources(sources_of(spec), read=reading, environ=environ)
        except PuffinError:
            pass  # the sync will tell; what was read so far counts
    return frozenset([os.path.realpath(path) for path in files])
