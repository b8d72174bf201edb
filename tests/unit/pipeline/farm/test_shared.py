"""Groups of units on workers that share the files: what dashboards show of them."""

from __future__ import annotations

import pytest

from puffin.pipeline.farm.farm import WorkerNeeds
from puffin.pipeline.farm.shared import SharedExecutor
from puffin.pipeline.graph.task import Task
from puffin.pipeline.request.scheduler import Remote


class Listening:
    """Stands in for the workers: it notes what they would be sent."""

    def run(self, name, label, reference, packed, needs, *, stage, attempts):
        self.shown = stage, name
        return "tcp://10.0.0.2:1", b""


def unit(stage, label):
    return (Task(key=(stage, label), function="m:f", label=label),), {}


@pytest.mark.parametrize(
    ("group", "shown"),
    [
        ([unit("build", "made==1.0")], ("build", "made==1.0")),
        ([unit("fetch", "six==1.17.0"), unit("fetch", "lib==1.0")], ("fetch", "six==1.17.0-and-1-more")),
    ],
)
def test_a_group_is_shown_by_its_stage_and_its_package(group, shown):
    executor, farm = SharedExecutor(Remote(address="tcp://10.0.0.1:1"), "/tmp/x/y", print), Listening()
    executor._needs = WorkerNeeds("m:f", (), "files")
    executor._sent(farm, group, attempts=1)
    assert farm.shown == shown
