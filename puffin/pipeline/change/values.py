"""The results of the environments of a run, as values for tables and reports; and the errors of such a run."""

from puffin.errors import FAILED, SOME_ENVIRONMENTS_FAILED, TEMPORARY, PuffinError
from puffin.names import in_sentence
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    from puffin.pipeline.request.settings import Line, Reporter
    from puffin.pipeline.tasks.supply import Supply
    from puffin.reasons import Reason
    from puffin.stages.link.commit.placement import Conflict
    from puffin.stages.link.environment.environment import Environment
    from puffin.stages.resolve.solve.request import Resolution
    from puffin.stages.resolve.solve.universe import Metadata

    class ManyReporter(Reporter, Protocol):
        """Gets the progress of a run over many environments."""

        def began(self, names: "tuple[str, ...]") -> None:
            """These environments are being worked on."""

        def environment(self, name: str, text: str) -> None:
            """What is being done for an environment changed."""

        def ended(self, name: str, status: str) -> None:
            """An environment is as it will be."""


@frozen
class Change:
    """One change. ``action`` is ``add``, ``remove`` or ``replace``; a version is empty where there is none.

    ``source`` is the URL of the artifact, to be masked where it is shown, ``sha256`` its hash, and ``direct_url`` the
    text of direct_url.json; all are empty for a removal. ``reason`` says why it is made, ``work`` which
    stages had work for it because the cache did not serve, and why.
    """

    action: str
    name: str
    former: str = ""
    version: str = ""
    source: str = ""
    sha256: str = ""
    direct_url: str = ""
    reason: "Reason | None" = None
    work: "tuple[tuple[str, Reason], ...]" = ()


@frozen
class EnvResult:
    """The result of one environment. ``seconds`` is from the start of the run to its commit.

    ``lines`` returns the changes as lines: few want them.
    ``shared`` counts the artifacts that other environments of the run wanted too; ``linked`` the bytes placed.
    ``partly`` tells that it failed, or was skipped, when all but what is built in it was done; ``changes`` are that.
    """

    name: str
    path: str
    python: str
    status: str
    packages: int = 0
    lines: "Callable[[], tuple[Line, ...]]" = tuple
    changes: tuple[Change, ...] = ()
    conflicts: "tuple[Conflict, ...]" = ()
    error: PuffinError | None = None
    seconds: float = 0.0
    shared: int = 0
    linked: int = 0
    partly: bool = False

    def count(self, sign: str) -> int:
        """Return how many distributions came (``+``), went (``-``) or were replaced (``~``)."""
        action = {"+": "add", "-": "remove", "~": "replace"}[sign]
        return sum(1 for each in self.changes if each.action == action)


@frozen
class RemoteTally:
    """What one layer of a remote cache came to: ``misses`` by their reasons, sorted; ``seconds`` of waiting for it."""

    layer: str
    hits: int
    misses: "tuple[tuple[str, int], ...]"
    bytes: int
    seconds: float


@frozen
class Shared:
    """How much work the environments had in common; sizes are in bytes."""

    requested: int = 0
    unique: int = 0
    downloaded: int = 0
    linked: int = 0
    built: int = 0
    builds_shared: int = 0
    hits: int = 0
    misses: int = 0
    repaired: int = 0
    compiled: int = 0
    remote: tuple[RemoteTally, ...] = ()


@frozen
class ManyResult:
    """The result of a run; ``phases`` are ``(name, seconds)``. If *settled*, the next run will find nothing to do."""

    environments: tuple[EnvResult, ...]
    shared: Shared
    phases: "tuple[tuple[str, float], ...]" = ()
    seconds: float = 0.0
    exit_code: int = 0
    settled: bool = False

    def with_status(self, *statuses: str) -> "tuple[EnvResult, ...]":
        return tuple([each for each in self.environments if each.status in statuses])


@frozen
class Installed:
    """What an install did or would do: the resolution, the wheels that came in, and their metadata by name."""

    environment: "Environment"
    resolution: "Resolution"
    supplies: "tuple[Supply, ...]"
    metadata: "Mapping[str, Metadata]"


class EnvironmentsFailed(PuffinError):
    """Some environments failed; ``causes`` are the reasons, each once.

    Each of them is as it was, but for those named in ``partly``: there all is done but what is built in them.
    """

    failed: int
    total: int
    action: str = "sync"
    partly: tuple[str, ...] = ()

    def summary(self) -> str:
        """Return the first line."""
        which = f"all {self.total}" if self.failed == self.total else f"{self.failed} of {self.total}"
        what = "the environment" if self.total == 1 else f"{which} environments"
        return f"Failed to {self.action} {what}; {self._left()}"

    def _left(self) -> str:
        done = "all else is done, as these builds needed it there"
        if len(self.partly) == self.failed:
            return done
        left = "it was left as it was" if self.failed == 1 else "they were left as they were"
        return f"{left}, but for {_shown(self.partly)}: {done}" if self.partly else left

    @property
    def worst(self) -> int:
        """The exit code: where all failed, a failure is temporary if all reasons are."""
        if self.failed < self.total:
            return SOME_ENVIRONMENTS_FAILED
        reasons = [reason for each in self.causes for reason in each.causes]
        return TEMPORARY if {reason.exit_code for reason in reasons} == {TEMPORARY} else FAILED


class InEnvironments(PuffinError):
    """The environments that one reason or several, in ``causes``, hit all together."""

    names: tuple[str, ...]

    def summary(self) -> str:
        """Return the first line."""
        return f"In {_shown(self.names)}"


class WrongPython(PuffinError):
    """The existing environment has another Python than the requested one."""

    sentence = "The environment `{path}` has Python {version}, and `{request}` is asked for"
    path: str
    version: str
    request: str


def _shown(names: tuple[str, ...]) -> str:
    return in_sentence([f"`{name}`" for name in names], most=5)


def failure_of(results: "tuple[EnvResult, ...]", action: str = "sync") -> "EnvironmentsFailed | None":
    """Return the error that sums up the failures in *results*, each reason once; None if there are none."""
    failed = [each for each in results if each.error is not None]
    if not failed:
        return None
    grouped: dict[str, tuple[PuffinError, list[str]]] = {}
    for each in failed:
        for error in _reasons(each.error):
            grouped.setdefault(identity_of(error), (error, []))[1].append(each.name)
    alike: dict[tuple[str, ...], list[PuffinError]] = {}
    for error, names in grouped.values():
        alike.setdefault(tuple(dict.fromkeys(names)), []).append(error)
    causes = tuple([InEnvironments(names=names, causes=tuple(errors)) for names, errors in alike.items()])
    partly = tuple([each.name for each in failed if each.partly])
    return EnvironmentsFailed(
        failed=len(failed), total=len(results), action=action, partly=partly, causes=causes
    )


def _reasons(error: "PuffinError | None") -> "tuple[PuffinError, ...]":
    """Return what is to be told once: the parts of an error that only sums up others."""
    if isinstance(error, Several):
        return error.causes
    return (error,) if error is not None else ()


def identity_of(error: PuffinError) -> str:
    """Return a key that is equal for errors with the same message."""
    return "\n".join((type(error).__name__, str(error), *[identity_of(cause) for cause in error.causes]))


class Several(PuffinError):
    """One environment has several errors: its ``causes``."""

    def summary(self) -> str:
        """Return the first line."""
        return "; ".join(cause.summary() for cause in self.causes)


class ConflictsRefused(PuffinError):
    """Distributions bring different files of the same path, and the user wants that refused."""

    conflicts: "tuple[Conflict, ...]"
    hints: tuple[str, ...] = ("without `--path-conflict error` the first of them by name wins, with a warning",)

    def summary(self) -> str:
        count = len(self.conflicts)
        what = "1 path has" if count == 1 else f"{count} paths have"
        return f"Refused to install: {what} different contents in different packages"

    def details(self) -> tuple[str, ...]:
        shown = [f"`{each.path}`: {', '.join((each.winner, *each.losers))}" for each in self.conflicts[:10]]
        more = len(self.conflicts) - len(shown)
        return (*shown, *((f"and {more} more",) if more else ()))
