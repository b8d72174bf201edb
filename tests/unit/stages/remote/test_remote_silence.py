"""A server that falls silent after its first answer: nothing more is asked of it until it answers, or is given up."""

import hashlib

import pytest

from puffin.stages.fetch.network import Network, to_wire
from puffin.stages.remote.store import RemoteStore
from puffin.stages.remote.values import RemoteCache, is_silent
from tests.helpers.remote_cache import RemoteCacheServer
from tests.helpers.waiting import until

DATA = b"what the cache has" * 100
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def cache():
    with RemoteCacheServer() as server:
        server.objects[f"/cas/{SHA256}"] = DATA
        yield server


@pytest.fixture
def store(cache, tmp_path):
    """Two stores, as two processes have them."""

    def made(**limits):
        settings = RemoteCache(url=cache.url, room=str(tmp_path), **limits)
        return RemoteStore(settings, None, None, to_wire(Network()))

    return made


@pytest.mark.parametrize("mode", ["hanging", "stalling"])
def test_a_server_that_falls_silent_is_asked_again_when_it_answers(cache, store, mode):
    one, other = store(silence=0.2, patience=60.0), store(silence=0.2, patience=60.0)
    assert bytes(store(patience=60.0).content(SHA256)[0]) == DATA
    cache.mode = mode
    assert one.content(SHA256) == (None, "silent")
    until(lambda: cache.requests["GET"] == 3)
    assert one.content(SHA256) == (None, "silent")
    assert other.content(SHA256) == (None, "silent")
    assert cache.requests["GET"] == 3, "one that is answered, one that is not, and the same again"
    assert not one.broken
    cache.resume()
    until(lambda: not is_silent(one.settings))
    assert not one.broken
    assert bytes(until(lambda: other.content(SHA256)[0])) == DATA


@pytest.mark.parametrize("mode", ["hanging", "stalling"])
def test_a_server_that_stays_silent_is_left_alone(cache, store, mode):
    one, other = store(silence=0.1, patience=0.2), store(silence=0.1, patience=0.2)
    cache.mode = mode
    assert one.content(SHA256) == (None, "silent")
    until(lambda: other.broken)
    assert "timed out" in one.broken or "timeout" in one.broken
    assert one.content(SHA256) == (None, "unavailable")


def test_where_processes_cannot_tell_each_other_a_silent_server_is_left_alone(cache, store, tmp_path):
    one = store(silence=0.1, patience=60.0)
    tmp_path.rmdir()
    cache.mode = "hanging"
    assert one.content(SHA256) == (None, "silent")
    assert one.broken == "it does not answer in time"


def test_without_a_limit_a_server_has_all_its_time(cache, store):
    cache.mode, one = "hanging", store(patience=0.2)
    assert one.content(SHA256) == (None, "unavailable")
    assert not is_silent(one.settings)
