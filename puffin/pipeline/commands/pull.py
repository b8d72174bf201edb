"""``cache pull``: what environments need and the remote cache has comes into this machine's cache."""

from puffin.artifact.artifact import SDIST, WHEEL, Artifact, expected_sha256
from puffin.pipeline.change.gather import GatherRun
from puffin.pipeline.change.spec import SpecRun
from puffin.pipeline.change.values import failure_of
from puffin.pipeline.commands.push import remote_failure
from puffin.pipeline.commands.sync import ManyRun
from puffin.pipeline.find.search import Search
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import UNCHANGED, ManySettings
from puffin.pipeline.request.where import Interpreters
from puffin.stages.remote.signature import VARIABLE
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.change.values import ManyReporter


@frozen
class Pulled:
    """What came of it: objects and bytes that were taken, and packages that neither cache has.

    The remote cache was not asked for the ``unvouched`` ones, because nothing would prove its answer: the index has no
    SHA-256 of the file, or the package is a source whose built wheel needs a key, and none is set.
    """

    objects: int = 0
    bytes: int = 0
    lacking: int = 0
    unvouched: int = 0


class GatheringRun(ManyRun):
    """Plans environments as if they did not exist, so that the files they need can be gathered; none is made."""

    def __init__(
        self,
        settings: ManySettings,
        session: Session,
        reporter: "ManyReporter",
        interpreters: Interpreters,
        *,
        command: str,
    ) -> None:
        super().__init__(settings, session, reporter, interpreters)
        self._change = self._gathers = GatherRun(settings.run, session, command=command)

    def _open(self, run: SpecRun) -> None:
        run.foresee()

    def _make(self, search: Search, searched: list[SpecRun]) -> tuple[Search, list[SpecRun]]:
        return search, searched

    def _settle(self, run: SpecRun) -> None:
        run.settle()
        self._change.settle(run)


class PullRun(GatheringRun):
    """Takes what environments need from the remote cache alone."""

    def __init__(
        self, settings: ManySettings, session: Session, reporter: "ManyReporter", interpreters: Interpreters
    ) -> None:
        remote = settings.run.remote_cache
        if remote is not None:  # nothing else serves, so that its first answer is worth a wait
            settings = replace(
                settings, run=replace(settings.run, remote_cache=replace(remote, waits=remote.patience))
            )
        super().__init__(settings, session, reporter, interpreters, command="cache pull")
        self._pulled = Pulled()

    def pull(self) -> Pulled:
        """Return what was taken. Raises the failures of environments, and ``RemoteCacheFailed``."""
        failure = failure_of(self.sync().environments)
        if failure is not None:
            raise failure
        return self._pulled

    def _apply(self) -> None:
        runs = self._alive()
        self._gathers.gather(runs, served=True)
        self._gathers.bring_bytecode(runs)
        tallies, problem = self._gathers.taken()
        settings = self._settings.run.remote_cache
        if problem and settings is not None:
            raise remote_failure("read", settings, problem)
        signed = bool(self._session.environ.get(VARIABLE))
        lacking = {each.artifact for run in runs for each in run.supplies if not each.archive}
        unvouched = {each for each in lacking if not _is_vouched_for(each, signed=signed)}
        self._pulled = Pulled(
            objects=sum(each.hits for each in tallies),
            bytes=sum(each.bytes for each in tallies),
            lacking=len(lacking - unvouched),
            unvouched=len(unvouched),
        )
        for run in runs:
            if run.alive:
                run.end(UNCHANGED)


def _is_vouched_for(artifact: Artifact, *, signed: bool) -> bool:
    """Tell whether a hash or a signature proves what a remote cache gives for an artifact."""
    known = artifact.kind not in (WHEEL, SDIST) or bool(expected_sha256(artifact))
    return known and (signed or artifact.kind == WHEEL)
