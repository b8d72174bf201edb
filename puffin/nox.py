"""nox sessions whose environments come from one graph, at the first of them.

    import puffin.nox

    @puffin.nox.session(python=["3.11", "3.12"], requirements=["pytest", "-e ."])
    def tests(session):
        session.run("pytest")

The environments of all sessions that nox is going to run are made in one run of puffin, and are kept from run to run.
They hold exactly their ``requirements``. ``add`` adds to the environment of a session.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import nox
from nox.virtualenv import ALL_VENVS, VirtualEnv

from puffin.library import CommandFailed, EnvironmentRequest, sync

BACKEND = "puffin"
_REQUIREMENTS = "puffin_requirements"


class PuffinEnvironment(VirtualEnv):
    """The environment of a session: the first session that runs makes those of all, as nox does not know of a graph."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, venv_backend="venv")

    def create(self) -> bool:
        """Leave it to the session, which knows the others."""
        return False

    @property
    def venv_backend(self) -> str:
        """Return the name of the backend."""
        return BACKEND


def session(
    *, requirements: Sequence[str] = (), python: str | Sequence[str] | None = None, **options: Any
) -> Callable[[Callable[..., None]], Any]:
    """Declare a session with its requirements, lines as in a requirements file.

    *python* is as for ``nox.session``, and so are the *options*.
    """

    def declare(function: Callable[..., None]) -> Any:
        @functools.wraps(function)
        def run(session: nox.Session, *arguments: Any, **more: Any) -> None:
            _make(session)
            function(session, *arguments, **more)

        setattr(run, _REQUIREMENTS, tuple(requirements))
        return nox.session(python=python, venv_backend=BACKEND, **options)(run)

    return declare


def add(session: nox.Session, *words: str) -> None:
    """Install more into the environment of a session: *words* are those of ``puffin pip install``."""
    directory = session._runner.envdir
    session.run(
        sys.executable, "-P", "-m", "puffin", "pip", "install", "--python", directory, *words, external=True
    )


_made: set[str] = set()


def _make(session: nox.Session) -> None:
    """Make the environments of all sessions of this run at the first; raise nox's error if that of *session* fails."""
    runner = session._runner
    if runner.envdir in _made:
        return
    selected = [each for each, is_selected in runner.manifest.list_all_sessions() if is_selected]
    requests = [_request(each) for each in (runner, *selected) if hasattr(each.func, _REQUIREMENTS)]
    wanted = {each.path: each for each in requests}
    try:
        ended = sync(wanted.values(), progress=sys.stderr.isatty()).environments
    except CommandFailed as error:
        if error.result is None:
            session.error(error.text)
        ended = error.result.environments
    found = {each.name: each for each in ended}
    _made.update(path for path in wanted if not found[path].error)
    if runner.envdir not in _made:
        session.error("\n".join(filter(None, (found[runner.envdir].error, found[runner.envdir].hint))))


def _request(runner: Any) -> EnvironmentRequest:
    python = runner.func.python
    return EnvironmentRequest(
        path=runner.envdir,
        requirements=getattr(runner.func, _REQUIREMENTS),
        python=python if isinstance(python, str) else sys.executable,
    )


ALL_VENVS[BACKEND] = PuffinEnvironment
