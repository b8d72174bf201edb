"""The change of a single environment as people see it: what is told of it, and how it fails as a whole."""

import os
import time

from puffin.errors import PuffinError
from puffin.pipeline.plan_lines import change_lines
from puffin.pipeline.plan_many_site import EnvironmentRun, SiteFailed
from puffin.pipeline.plan_many_work import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from puffin.pipeline.plan_change import ChangeRun
    from puffin.pipeline.plan_settings import Reporter
    from puffin.stages.link.placement import Conflict


class ApplyFailed(PuffinError):
    """Some distributions could not be prepared; the environment is as it was, or ``partly`` changed already."""

    environment: str
    action: str
    partly: bool = False

    def summary(self) -> str:
        """Say what failed, and what changed."""
        left = "all else is done, as these builds needed it there" if self.partly else "it was left as it was"
        return f"Failed to {self.action} the environment `{self.environment}`; {left}"

    @property
    def worst(self) -> int:
        """The exit code of the causes: the highest among them."""
        return max((cause.exit_code for cause in self.causes), default=1)


class _Told(Watch):
    """Tells a reporter of the one environment, a commit at a time."""

    def __init__(self, reporter: "Reporter") -> None:
        self._reporter = reporter
        self._began = time.perf_counter()
        self._conflicts = 0

    def prepared(self, site: EnvironmentRun, compiled: "tuple[int, float]") -> None:
        fetched = sum(1 for each in site.turn.values() if not each.archive)
        if fetched:
            self._reporter.phase("Prepared", fetched, time.perf_counter() - self._began)
        if compiled[0]:
            self._reporter.phase("Compiled", *compiled)

    def committed(self, site: EnvironmentRun, seconds: float) -> None:
        for conflict in site.conflicts[self._conflicts :]:
            self._reporter.warn(_conflict(conflict, site.workplace.site))
        self._conflicts = len(site.conflicts)
        plan, supplies = site.turn_plan, list(site.turn.values())
        gone = len(plan.remove) + len(plan.replace)
        if gone:
            self._reporter.phase("Uninstalled", gone, seconds)
        if supplies:
            self._reporter.phase("Installed", len(supplies), seconds)
        self._reporter.changes(change_lines(site.workplace.present, plan, supplies))
        self._began = time.perf_counter()


def tell_dry(site: EnvironmentRun, reporter: "Reporter") -> None:
    """Say what would be done."""
    plan, supplies = site.plan, site.supplies
    for verb, count in (
        ("Would download", sum(1 for each in supplies if not each.archive)),
        ("Would uninstall", len(plan.remove) + len(plan.replace)),
        ("Would install", len(supplies)),
    ):
        if count:
            reporter.phase(verb, count, -1)
    if plan.nothing_to_do:
        reporter.phase("Would make no changes", -1, 0)
    reporter.changes(change_lines(site.place.present, plan, supplies))


def bring_one(run: "ChangeRun", site: EnvironmentRun, reporter: "Reporter", *, action: str = "sync") -> None:
    """Supply, stage and commit what the plan of *site* says, and tell of it; *action* is the verb for messages.

    Raises :class:`ApplyFailed` and the errors of planning and doing the commit; then nothing changed, but for the
    first of two changes.
    """
    run.bring([site], _Told(reporter))
    if site.lacking:
        causes = [site.lacking[number] for number in sorted(site.lacking)]
        raise ApplyFailed(
            environment=site.environment.root, action=action, partly=site.partly, causes=_distinct(causes)
        )
    if isinstance(site.error, SiteFailed) and site.error.__cause__ is not None:
        raise site.error.__cause__
    if site.error is not None:
        raise site.error


def _distinct(errors: "Sequence[PuffinError]") -> "tuple[PuffinError, ...]":
    from puffin.pipeline.plan_many_values import identity_of

    return tuple({identity_of(error): error for error in errors}.values())


def _conflict(conflict: "Conflict", home: str) -> str:
    path = os.path.relpath(conflict.path, home)
    names = ", ".join(f"`{name}`" for name in (conflict.winner, *conflict.losers))
    return f"`{path}` differs between {names}; that of `{conflict.winner}` is used"
