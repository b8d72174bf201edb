"""The schedulers that this process was connected to."""

from types import SimpleNamespace

from puffin.pipeline.farm import farm
from puffin.pipeline.request.scheduler import Remote, warn_if_silent


def test_a_scheduler_that_was_used_and_then_ended_is_no_reason_to_warn(monkeypatch):
    remote, said = Remote(address="tcp://127.0.0.1:9"), []
    monkeypatch.setattr(farm, "Farm", lambda _remote: SimpleNamespace(close=lambda: None))
    warn_if_silent(remote, said.append)
    assert "nothing had to be built there" in said.pop()
    farm.farm_for(remote)
    farm.close_farms()
    warn_if_silent(remote, said.append)
    farm.reached.discard(remote.address)
    assert said == []
