"""The connection to a scheduler: whose loss an error is."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from puffin.pipeline.farm.errors import SchedulerLost
from puffin.pipeline.farm.link import Link
from puffin.pipeline.request.scheduler import Remote
from puffin.value import replace

REMOTE = Remote(address="tcp://10.0.0.1:8786")


class Broken(Link):
    """A link that is connected to nobody; ``answers`` tells whether the scheduler is there."""

    def __init__(self, error: Exception, *, answers: bool) -> None:
        self._error, self._answers = error, answers
        self.remote = REMOTE

    def call(self, function, *arguments):
        raise self._error

    def wait_for_answer(self):
        if not self._answers:
            raise SchedulerLost(address=REMOTE.address)


@pytest.mark.parametrize(
    "error", [TimeoutError(), OSError("Timed out trying to connect"), RuntimeError("closed")]
)
def test_a_worker_that_is_lost_while_a_plugin_is_registered(error):
    assert Broken(error, answers=True).register("puffin", b"") is False


def test_a_scheduler_that_is_lost_while_a_plugin_is_registered():
    with pytest.raises(SchedulerLost):
        Broken(OSError("closed"), answers=False).register("puffin", b"")


class Asking(Link):
    """A link whose workers answer with their addresses; ``asked`` are those that were asked."""

    def __init__(self, remote: Remote) -> None:
        self.remote, self.unfit, self.asked = remote, dict(remote.unfit), []
        self.client = SimpleNamespace(
            run=self._run, sync=lambda function, callback_timeout: asyncio.run(function())
        )

    async def _run(self, function, workers, on_error):
        self.asked += workers
        return {worker: worker for worker in workers}

    def wait_for_answer(self):
        pass


def test_a_worker_that_another_process_found_unfit_is_not_asked_again():
    link = Asking(replace(REMOTE, unfit=(("tcp://h:2", "does not answer"),)))
    found = link.ask(["tcp://h:1", "tcp://h:2"], [(str,)])
    assert found["tcp://h:1"] == ["tcp://h:1"]
    assert isinstance(found["tcp://h:2"][0], TimeoutError)
    assert link.asked == ["tcp://h:1"]
