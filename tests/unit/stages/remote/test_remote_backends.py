"""Backends of a remote cache: large objects through a proxy, and drivers that never answer."""

import hashlib
from threading import Event

import pytest

from puffin.stages.fetch.network import Network, to_wire
from puffin.stages.remote import filesystem
from puffin.stages.remote.backend import CONTENT, Unavailable
from puffin.stages.remote.filesystem import FileSystemBackend
from puffin.stages.remote.http import HttpBackend
from puffin.stages.remote.values import RemoteCache
from tests.helpers.remote_cache import RemoteCacheServer

LARGE = bytes(range(256)) * (3 << 12)
SHA256 = hashlib.sha256(LARGE).hexdigest()


@pytest.fixture
def proxy(monkeypatch):
    """A proxy that answers itself: it is asked for absolute URLs, and these are what its objects are named by."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with RemoteCacheServer() as server:
        yield server


def behind(proxy):
    settings = RemoteCache(url="http://cache.test", patience=60.0)
    return HttpBackend(settings, to_wire(Network(proxy=proxy.url)))


def test_an_object_larger_than_a_page_may_be_comes_through_a_proxy(proxy, monkeypatch):
    monkeypatch.setenv("PUFFIN_MAX_PAGE_BYTES", str(1 << 20))
    proxy.objects[f"http://cache.test/cas/{SHA256}"] = LARGE
    found = behind(proxy).get(CONTENT, SHA256, len(LARGE))
    assert (found.sha256, bytes(found.data)) == (SHA256, LARGE)


def test_what_a_proxy_cuts_off_is_not_taken(proxy):
    proxy.objects[f"http://cache.test/cas/{SHA256}"] = LARGE
    proxy.mode = "truncating"
    with pytest.raises(Unavailable):
        behind(proxy).get(CONTENT, SHA256, len(LARGE))
    proxy.mode = ""
    with pytest.raises(Unavailable, match="more than it can have"):
        behind(proxy).get(CONTENT, SHA256, len(LARGE) - 1)


class Silent:
    """A driver that never answers, as one does whose server takes connections and says nothing."""

    def __init__(self):
        self.end = Event()

    def _wait(self, *_, **__):
        self.end.wait()

    size = du = cat_file = info = pipe_file = makedirs = _wait


@pytest.mark.parametrize("call", ["get", "has", "put", "size"])
def test_a_driver_that_never_answers_is_not_waited_for(tmp_path, call, monkeypatch):
    monkeypatch.setattr(filesystem, "_TO_LIST", 0.01)
    backend = FileSystemBackend(RemoteCache(url=f"file://{tmp_path}", patience=0.01))
    backend._files = silent = Silent()
    name = (CONTENT, SHA256)
    arguments = {"get": (*name, 1 << 10), "has": name, "put": (*name, b"data"), "size": ()}[call]
    try:
        with pytest.raises(Unavailable, match="it does not answer in time"):
            getattr(backend, call)(*arguments)
    finally:
        silent.end.set()


def test_an_object_of_a_directory_comes_back(tmp_path):
    backend = FileSystemBackend(RemoteCache(url=f"file://{tmp_path}", patience=60.0))
    assert backend.get(CONTENT, SHA256, len(LARGE)) is None
    assert not backend.has(CONTENT, SHA256)
    backend.put(CONTENT, SHA256, LARGE)
    assert backend.has(CONTENT, SHA256)
    assert backend.get(CONTENT, SHA256, len(LARGE)).sha256 == SHA256
