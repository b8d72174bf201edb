"""The public library: environments that Python code syncs and plans, and requirements that it resolves.

Each call runs puffin in a process of its own. So the signals, the umask and the working directory of the caller stay as
they are, calls may come from several threads, and nothing is printed. The results are frozen values.

    import puffin

    made = puffin.sync([
        puffin.EnvironmentRequest(path=".tox/py312", requirements=("pytest>=8", "-e ."), python="3.12"),
        puffin.EnvironmentRequest(path=".tox/lint", requirements=("ruff",)),
    ])
    for each in made.environments:
        print(each.name, each.status, each.seconds)
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import tomlkit
from packaging.pylock import Pylock

from puffin.errors import PuffinError, UsageError
from puffin.value import frozen

Option = str | os.PathLike[str] | int | bool | Sequence[str] | None


@frozen
class EnvironmentRequest:
    """An environment and what it should hold.

    ``path`` is its directory, made if it is missing, and ``name`` its name in results (default: ``path``).
    ``requirements`` are lines as in a requirements file; ``files`` are requirements files. Instead of both, a
    ``project`` (a directory, or its ``pyproject.toml``) or a ``lock`` (``pylock.toml``, ``uv.lock``) may be given, with
    ``extras`` and ``groups``. An environment for which nothing is given becomes empty.
    ``python`` is a request as for ``--python``. Relative paths start at the working directory.
    """

    path: str
    name: str = ""
    requirements: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    project: str = ""
    lock: str = ""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    python: str = ""
    editable: bool = True


@frozen
class PackageChange:
    """A distribution that came, went or was replaced: ``action`` is ``add``, ``remove`` or ``replace``.

    ``former`` and ``version`` are empty where there is none; ``source`` is a URL without credentials.
    """

    action: str
    name: str
    former: str = ""
    version: str = ""
    source: str = ""
    sha256: str = ""


@frozen
class SyncedEnvironment:
    """How one environment ended: ``status`` is ``updated``, ``unchanged``, ``failed`` or ``skipped``.

    A plan has ``updated`` for an environment that would change. ``error`` is the message of what failed it.
    """

    name: str
    path: str
    python: str
    status: str
    changes: tuple[PackageChange, ...] = ()
    error: str = ""
    hint: str = ""


@frozen
class SyncResult:
    """How all environments ended, in the order of the request: ``seconds`` of wall time, ``downloaded`` bytes."""

    environments: tuple[SyncedEnvironment, ...]
    seconds: float
    downloaded: int = 0
    built: int = 0

    @property
    def changed(self) -> tuple[SyncedEnvironment, ...]:
        """Return the environments that changed, or would."""
        return tuple([each for each in self.environments if each.status == "updated"])


class CommandFailed(PuffinError):
    """A call failed: ``text`` is what the command would have told a user, ``code`` its exit code.

    ``result`` has the environments, where the failure is of some of them; ``code`` is 3 if others are done.
    """

    sentence = "{text}"
    text: str
    code: int
    result: SyncResult | None = None


def sync(
    environments: EnvironmentRequest | Iterable[EnvironmentRequest],
    *,
    progress: bool = False,
    **options: Option,
) -> SyncResult:
    """Make each environment hold exactly what it should, from one graph; return what changed.

    *options* are those of ``puffin sync`` by name: ``index_url="…"``, ``no_binary=["numpy"]``, ``offline=True``.
    Configuration files count as for the command. With *progress* its progress goes to standard error. Raises
    :class:`CommandFailed`; an environment that failed is as it was.
    """
    return _synced(environments, [], options, progress)


def plan(environments: EnvironmentRequest | Iterable[EnvironmentRequest], **options: Option) -> SyncResult:
    """Return what :func:`sync` would change, without changing anything. Raises :class:`CommandFailed`."""
    return _synced(environments, ["--dry-run"], options, False)


def resolve(
    requirements: Iterable[str] = (), *, files: Iterable[str] = (), progress: bool = False, **options: Option
) -> Pylock:
    """Resolve lines as of a requirements file, and sources (requirements files, projects); return the lock (PEP 751).

    *options* are those of ``puffin pip compile`` by name, such as ``python="3.12"`` or ``extra=["socks"]``. Raises
    :class:`CommandFailed`.
    """
    lines = list(requirements)
    with tempfile.TemporaryDirectory(prefix="puffin-") as scratch:
        named = [os.fspath(file) for file in files]
        if lines:
            named.append(_written(f"{scratch}/requirements.in", lines))
        elif not named:
            raise UsageError(text="No requirements were given to resolve")
        words = ["pip", "compile", *named, "--format", "pylock.toml", "--no-header", *option_words(options)]
        code, text = _run(words, f"{scratch}/output", progress)
        if code:
            raise CommandFailed(text=text.replace(f"{scratch}/", ""), code=code)
        with open(f"{scratch}/output", "rb") as output:
            return _lock(output)


def _lock(output: IO[bytes]) -> Pylock:
    return Pylock.from_dict(tomllib.load(output))


def _synced(
    environments: EnvironmentRequest | Iterable[EnvironmentRequest],
    more: list[str],
    options: Mapping[str, Option],
    progress: bool,
) -> SyncResult:
    wanted = [environments] if isinstance(environments, EnvironmentRequest) else list(environments)
    if not wanted:
        raise UsageError(text="No environment was given")
    with tempfile.TemporaryDirectory(prefix="puffin-") as scratch:
        configuration = f"{scratch}/environments.toml"
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(tomlkit.dumps({"envs": _tables(wanted, scratch)}))
        report = f"{scratch}/report.json"
        words = ["sync", "--all", "--environments", configuration, "--report", report, *more]
        if any(_is_empty(each) for each in wanted):  # said here, and no accident
            words.append("--allow-empty-requirements")
        code, text = _run([*words, *option_words(options)], os.devnull, progress)
        result = _result(report, wanted)
    if code:
        raise CommandFailed(text=text.replace(f"{scratch}/", ""), code=code, result=result)
    if result is None:
        raise CommandFailed(text="puffin wrote no report", code=1)
    return result


def option_words(options: Mapping[str, Option]) -> list[str]:
    """Return *options* as the words of a command line; those that are None or False are left out."""
    words: list[str] = []
    for name, value in options.items():
        spelling = f"--{name.replace('_', '-')}"
        if value is None or value is False:
            continue
        if value is True:
            words.append(spelling)
        elif isinstance(value, (str, int, os.PathLike)):
            words.append(f"{spelling}={value if isinstance(value, int) else os.fspath(value)}")
        else:
            words += [f"{spelling}={each}" for each in value]
    return words


def _tables(wanted: Sequence[EnvironmentRequest], scratch: str) -> dict[str, dict[str, Any]]:
    """Return the tables that configure environments; lines of requirements become files in *scratch*."""
    tables: dict[str, dict[str, Any]] = {}
    for number, each in enumerate(wanted):
        name = each.name or each.path
        if name in tables:
            raise UsageError(text=f"Two environments are called `{name}`")
        tables[name] = _table(each, f"{scratch}/{number}")
    return tables


def _is_empty(each: EnvironmentRequest) -> bool:
    return not (each.requirements or each.files or each.project or each.lock)


def _table(each: EnvironmentRequest, directory: str) -> dict[str, Any]:
    files = list(map(os.path.abspath, each.files))
    if each.requirements or _is_empty(each):
        os.mkdir(directory)
        files.append(_written(f"{directory}/requirements.txt", each.requirements))
    table: dict[str, Any] = {"path": os.path.abspath(each.path)}
    table |= {"requirements": files} if files else {}
    table |= {
        key: os.path.abspath(path) for key, path in (("project", each.project), ("lock", each.lock)) if path
    }
    table |= {key: list(own) for key, own in (("extras", each.extras), ("groups", each.groups)) if own}
    table |= {"constraints": list(map(os.path.abspath, each.constraints))} if each.constraints else {}
    table |= {"python": each.python} if each.python else {}
    return table | ({} if each.editable else {"editable": False})


def _written(path: str, lines: Iterable[str]) -> str:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"{line}\n" for line in lines)
    return path


def _run(words: Sequence[str], output: str, progress: bool) -> tuple[int, str]:
    """Run puffin; return its exit code and, unless it went to the terminal, what it said on standard error."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "puffin",
        *words,
        *(() if progress else ("--quiet", "--color=never")),
    ]
    with open(output, "wb") as file:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=None if progress else subprocess.PIPE
        )
    said = (done.stderr or b"").decode(errors="replace").strip()
    return done.returncode, said or f"puffin ended with the exit code {done.returncode}"


def _result(report: str, wanted: Sequence[EnvironmentRequest]) -> SyncResult | None:
    if not os.path.exists(report):
        return None
    with open(report, encoding="utf-8") as file:
        told = json.load(file)
    if not told["envs"]:
        return None  # it failed before it came to the environments
    found = {each["name"]: _environment(each) for each in told["envs"]}
    names = [each.name or each.path for each in wanted]
    return SyncResult(
        environments=tuple([found[name] for name in names if name in found]),
        seconds=told["wall_s"],
        downloaded=told["dedupe"]["bytes_downloaded"],
        built=told["dedupe"]["builds_run"],
    )


def _environment(told: Mapping[str, Any]) -> SyncedEnvironment:
    error = told["error"] or {}
    return SyncedEnvironment(
        name=told["name"],
        path=told["path"],
        python=told["python"],
        status=told["status"],
        changes=tuple([_change(each) for each in told["changes"]]),
        error=error.get("message") or "",
        hint=error.get("hint") or "",
    )


def _change(told: Mapping[str, Any]) -> PackageChange:
    return PackageChange(
        action=told["action"],
        name=told["name"],
        former=told["from"] or "",
        version=told["to"] or "",
        source=told["source"] or "",
        sha256=told["sha256"] or "",
    )
