"""A bucket by way of the process beside a run: what it has, lacks and says is what the others get."""

import hashlib
import os
import socket

import pytest

from puffin.stages.remote.backend import CONTENT, MemoryBackend, Unavailable
from puffin.stages.remote.neighbour import listen, neighbour_of
from puffin.stages.remote.values import DRIVER, RemoteCache, waiting_for_upload

LARGE = bytes(range(256)) * (1 << 14)
SHA256 = hashlib.sha256(LARGE).hexdigest()


@pytest.fixture
def settings(tmp_path):
    return RemoteCache(url="s3://bucket", room=str(tmp_path))


def test_what_the_process_beside_a_run_gets_the_others_get(settings):
    backend = MemoryBackend()
    backend.objects |= {(CONTENT, SHA256): LARGE, (CONTENT, "empty"): b""}
    assert neighbour_of(settings) is None
    listen(backend, settings)
    near = neighbour_of(settings)
    assert waiting_for_upload(settings.room) == []
    for _ in range(2):
        found = near.get(CONTENT, SHA256, len(LARGE))
        assert (bytes(found.data), found.sha256) == (LARGE, SHA256)
    assert bytes(near.get(CONTENT, "empty", 1).data) == b""
    assert near.get(CONTENT, "absent", 1) is None
    with pytest.raises(Unavailable, match="more than 9 bytes"):
        near.get(CONTENT, SHA256, 9)
    backend.down = "it is away"
    with pytest.raises(Unavailable, match="it is away"):
        near.get(CONTENT, SHA256, 9)


def test_a_process_that_ends_before_it_has_asked_harms_nobody(settings):
    backend = MemoryBackend()
    backend.objects |= {(CONTENT, SHA256): LARGE}
    listen(backend, settings)
    for asked in (b"", b"content\n", b"content name many\n"):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(os.path.join(settings.room, DRIVER))
            line.sendall(asked)
            line.shutdown(socket.SHUT_WR)
            assert line.recv(1) == b""
    assert neighbour_of(settings).get(CONTENT, SHA256, len(LARGE)) is not None


def test_a_process_that_was_lost_is_told(settings, tmp_path):
    (tmp_path / DRIVER).write_bytes(b"")
    with pytest.raises(Unavailable, match="was lost"):
        neighbour_of(settings).get(CONTENT, SHA256, 9)


def test_where_no_socket_can_be_the_others_load_the_driver(settings, tmp_path):
    deep = RemoteCache(url="s3://bucket", room=str(tmp_path / ("d" * 120)))
    listen(MemoryBackend(), deep)
    assert neighbour_of(deep) is None
