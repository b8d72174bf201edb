"""The connection to a scheduler: whose loss an error is."""

from __future__ import annotations

import pytest

from puffin.pipeline.farm.errors import SchedulerLost
from puffin.pipeline.farm.link import Link
from puffin.pipeline.request.scheduler import Remote

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
