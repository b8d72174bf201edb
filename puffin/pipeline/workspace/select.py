"""The environments that a command means: configured ones, or one beside each file; and patterns of paths.

In a pattern, a name that begins with a dot is matched only by a part that does too, as in a shell.
"""

import os

from puffin.errors import USAGE, PuffinError, UsageError
from puffin.names import in_sentence
from puffin.pipeline.workspace.document import PROJECT_FILE
from puffin.pipeline.workspace.specs import EnvSpec, Workspace, known_lock, lock_of, needs_lock
from puffin.stages.resolve.projects.patterns import expand, is_pattern, matches
from puffin.stages.resolve.requirements.plain import is_lock
from puffin.types import Iterable, Sequence
from puffin.value import replace


class NothingMatches(PuffinError):
    """An argument is neither an environment nor a file."""

    exit_code = USAGE
    text: str
    known: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return the first line."""
        verb = "matches" if is_pattern(self.text) else "is"
        return f"`{self.text}` {verb} neither an environment nor a file"

    def details(self) -> tuple[str, ...]:
        if not self.known:
            return ()
        return (f"The environments are {in_sentence([f'`{name}`' for name in self.known], most=10)}",)


class SamePath(PuffinError):
    """Two environments would be at one place, or have one name."""

    exit_code = USAGE
    what: str
    origins: tuple[str, str]
    hints: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return the first line."""
        first, second = self.origins
        return f"Two environments {self.what}: that of `{first}` and that of `{second}`"


def all_specs(workspace: Workspace) -> "list[EnvSpec]":
    """Return all environments of a workspace; raises :class:`SamePath`.

    Where a pattern matches a source and its lock, the lock is not a source of its own.
    """
    specs = list(workspace.specs)
    matched: list[EnvSpec] = []
    for glob in workspace.globs:
        for file in expand(glob.match, workspace.root):
            for python in glob.pythons or ("",):
                matrix = len(glob.pythons) > 1
                name = environment_name(file)
                spec = replace(
                    glob.spec,
                    name=f"{name}-{python}" if matrix else name,
                    path=os.path.join(workspace.root, fill(glob.spec.path, file, name, python)),
                    base=name,
                    python=python,
                )
                matched.append(made_from(spec, os.path.join(workspace.root, file)))
    known = [spec for spec in (*specs, *matched) if needs_lock(spec)]
    locks = {os.path.normpath(lock) for spec in known for lock in (lock_of(spec), known_lock(spec))}
    specs += [spec for spec in matched if needs_lock(spec) or os.path.normpath(_file_of(spec)) not in locks]
    return checked(specs)


def _file_of(spec: EnvSpec) -> str:
    return spec.pylock or spec.requirements[0]


def made_from(spec: EnvSpec, file: str) -> EnvSpec:
    """Return *spec* with *file* as its source; the name of the file decides its kind."""
    name = os.path.basename(file)
    if name == PROJECT_FILE:
        return replace(spec, project=file)
    if is_lock(name):
        return replace(spec, pylock=file)
    return replace(spec, requirements=(file,))


def fill(template: str, file: str, name: str, python: str) -> str:
    """Return a path template filled: ``{dir}`` is the directory of *file*."""
    directory = os.path.dirname(file) or "."
    filled = template.replace("{dir}", directory).replace("{name}", name).replace("{python}", python)
    return os.path.normpath(filled)


def checked(specs: "Iterable[EnvSpec]") -> "list[EnvSpec]":
    """Return *specs* if no two have one path or one name; raises :class:`SamePath`."""
    paths: dict[str, EnvSpec] = {}
    names: dict[str, EnvSpec] = {}
    for spec in specs:
        former = paths.setdefault(os.path.realpath(spec.path), spec)
        if former is not spec:
            what = f"are at `{os.path.relpath(spec.path)}`"
            hints = (
                ("give them a `path` with `{python}` in it",)
                if former.base == spec.base and spec.python
                else ()
            )
            raise SamePath(what=what, origins=(former.origin, spec.origin), hints=hints)
        former = names.setdefault(spec.name, spec)
        if former is not spec:
            raise SamePath(what=f"are called `{spec.name}`", origins=(former.origin, spec.origin))
    return list(paths.values())


def choose(
    arguments: "Sequence[str]",
    cwd: str,
    workspace: "Workspace | None",
    *,
    everything: bool,
    python: str,
    command: str = "sync",
) -> "list[EnvSpec]":
    """Return the environments that *arguments* of a *command* mean, each once; *python* is for those that name none.

    An argument is a name, a path, a pattern of names, or a pattern of files (relative to *cwd*): then it means the
    environments made from these files, where none is configured the one beside each. Raises :class:`NothingMatches`,
    :class:`SamePath` or :class:`UsageError`.
    """
    known = all_specs(workspace) if workspace else []
    if everything or not arguments:
        if not known:
            raise _nothing_named(workspace, command)
        chosen = known
    else:
        found = [spec for argument in arguments for spec in _meant(argument, cwd, known)]
        chosen = checked(dict.fromkeys(found))
    return [replace(spec, python=spec.python or python) for spec in chosen] if python else list(chosen)


def _nothing_named(workspace: "Workspace | None", command: str) -> UsageError:
    file = "requirements.in" if command == "lock" else "requirements.txt"  # what is pinned needs no lock
    hint = f"for example: `puffin {command} 'services/*/{file}'`"
    if workspace is not None:
        return UsageError(text=f"`{workspace.file}` does not configure any environment", hints=(hint,))
    text = "No environments were given, and no `puffin.toml` or `pyproject.toml` here or above configures any"
    return UsageError(text=text, hints=(hint,))


def _meant(argument: str, cwd: str, known: "list[EnvSpec]") -> "list[EnvSpec]":
    path = os.path.normpath(os.path.join(cwd, argument))
    named = [spec for spec in known if argument in (spec.name, spec.base) or path == spec.path]
    if not named and is_pattern(argument):
        named = [spec for spec in known if matches(spec.name, argument)]
    if named:
        return named
    found = []
    for file in expand(argument, cwd):
        path = os.path.normpath(os.path.join(cwd, file))
        found += [spec for spec in known if path in spec.files] or [beside(file, cwd)]
    if not found:
        raise NothingMatches(text=argument, known=tuple([spec.name for spec in known]))
    return found


def beside(file: str, cwd: str) -> EnvSpec:
    """Return the environment beside a file where nothing is configured."""
    name = environment_name(file)
    path = os.path.normpath(os.path.join(cwd, environment_beside(file)))
    spec = EnvSpec(name=name, base=name, path=path, origin=file)
    return made_from(spec, os.path.normpath(os.path.join(cwd, file)))


def environment_beside(file: str) -> str:
    """Return the environment of a requirements file where nothing is configured: ``.venv`` in its directory."""
    directory = os.path.dirname(file)
    return f"{directory}/.venv" if directory not in ("", "/") else f"{directory}.venv"


def environment_name(file: str) -> str:
    """Return the name of the environment beside *file*: the directory, or ``.``."""
    return os.path.dirname(file) or "."
