"""Uploads to a cache that others fill at the same time, or that takes none."""

import hashlib
import random
from threading import Thread

import pytest

from puffin.cache.layout import Cache
from puffin.stages.build.kept import place, publish_wheel
from puffin.stages.remote.backend import CONTENT, ENTRY, MemoryBackend, unwrapped
from puffin.stages.remote.builds import build_key, wheels_of, with_wheel
from puffin.stages.remote.signature import VARIABLE, signer_of
from puffin.stages.remote.store import RemoteStore
from puffin.stages.remote.upload import Uploader
from puffin.stages.remote.values import BUILDS, RemoteCache, Uploads
from puffin.stages.remote.wheels import keep_content

SIGNER = signer_of({VARIABLE: "k" * 32})


@pytest.fixture
def files():
    found = []
    for number in range(12):
        data = random.Random(number).randbytes(100_000 + number)
        found.append((hashlib.sha256(data).hexdigest(), data))
    return tuple(found)


def uploader(backend, tmp_path, files, name="one", *, sleep=lambda seconds: None, signer=SIGNER, **settings):
    room = tmp_path / name
    room.mkdir()
    for sha256, data in files:
        keep_content(str(room), sha256, data)
    store = RemoteStore(
        RemoteCache(url="http://cache", write=True, room=str(room), **settings), backend, signer
    )
    return Uploader(store, Cache(str(tmp_path / "cache")), sleep=sleep)


def test_what_is_there_is_not_uploaded_again(files, tmp_path):
    backend = MemoryBackend()
    done = uploader(backend, tmp_path, files).upload(Uploads())
    assert (done.objects, done.known, done.left, done.problem) == (12, 0, 0, "")
    assert {name for kind, name in backend.objects if kind == CONTENT} == {sha256 for sha256, _ in files}
    done = uploader(backend, tmp_path, files, "two").upload(Uploads())
    assert (done.objects, done.known, done.bytes) == (0, 12, 0)


def test_ten_machines_at_once_upload_each_object_once(files, tmp_path):
    backend = MemoryBackend()
    machines = [uploader(backend, tmp_path, files, f"m{number}", sleep=Barrier(files)) for number in range(10)]
    threads = [Thread(target=each.upload, args=(Uploads(),)) for each in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    puts = [name for kind, name in backend.puts if kind == CONTENT]
    assert sorted(puts) == sorted(sha256 for sha256, _ in files)


class Barrier:
    """Stands in for a pause: long enough for the notes of all machines to have met."""

    def __init__(self, files):
        self.files = files

    def __call__(self, seconds):
        import time

        time.sleep(0.5)


def test_a_note_of_another_machine_leaves_the_object_to_it(files, tmp_path):
    backend = MemoryBackend()

    def another(seconds):
        for key in [key for key in backend.objects if key[0] == ENTRY]:
            words = unwrapped(backend.objects[key]).split()
            backend.objects[key] = bytes([0x2A, len(b"another ") + len(words[1])]) + b"another " + words[1]

    done = uploader(backend, tmp_path, files[:1], sleep=another).upload(Uploads())
    assert (done.objects, done.left, done.problem) == (0, 1, "")
    done = uploader(backend, tmp_path, files[:1], "two").upload(Uploads())
    assert (done.objects, done.left) == (0, 1), "the note holds for a while"


def test_a_full_cache_ends_the_uploads(files, tmp_path):
    done = uploader(MemoryBackend(room=350_000), tmp_path, files).upload(Uploads())
    assert done.problem == "it is full"
    assert done.objects < 4
    assert done.left == 12 - done.objects


def test_uploads_are_bounded_in_bytes(files, tmp_path):
    backend = MemoryBackend()
    done = uploader(backend, tmp_path, files, upload_bytes=350_000).upload(Uploads())
    assert (done.objects, done.left) == (3, 9)
    assert done.bytes <= 350_000


def test_who_cannot_sign_uploads_content_alone(files, tmp_path):
    backend = MemoryBackend()
    uploads = Uploads(builds=("/a/b/c/d.whl",), layers=(("kind", "archive"),))
    done = uploader(backend, tmp_path, files[:1], signer=None).upload(uploads)
    assert (done.objects, done.left) == (1, 0)


def test_what_is_gone_is_left(tmp_path):
    uploads = Uploads(builds=("/a/b/c/d-1.0-py3-none-any.whl",), layers=(("kind", "0" * 64),))
    done = uploader(MemoryBackend(), tmp_path, ()).upload(uploads)
    assert (done.objects, done.left, done.problem) == (0, 1, "")


def test_what_was_not_built_here_or_depends_on_more_than_its_key_is_not_signed(tmp_path):
    cache, paths = Cache(str(tmp_path / "cache"), lower=()), []
    cache.initialise()
    for name, platform in (("remote-abc", ""), ("own", "any"), ("shared", "")):
        path = tmp_path / "thing-1.0-py3-none-any.whl"
        path.write_bytes(name.encode())
        entry = f"{place(cache, 'revision', 'settings')}/{name}.wheel"
        paths.append(publish_wheel(cache, entry, str(path), b"", platform=platform).path)
    backend = MemoryBackend()
    done = uploader(backend, tmp_path, ()).upload(Uploads(builds=tuple(paths)))
    assert (done.objects, done.problem) == (1, "")
    assert {name for kind, name in backend.objects if kind == CONTENT} == {hashlib.sha256(b"own").hexdigest()}


def test_a_built_wheel_that_was_damaged_is_not_signed(tmp_path):
    cache, path = Cache(str(tmp_path / "cache"), lower=()), tmp_path / "thing-1.0-py3-none-any.whl"
    cache.initialise()
    path.write_bytes(b"right")
    kept = publish_wheel(cache, f"{place(cache, 'r', 's')}/own.wheel", str(path), b"", platform="any")
    with open(kept.path, "r+b") as file:
        file.write(b"wrong")
    backend = MemoryBackend()
    assert uploader(backend, tmp_path, ()).upload(Uploads(builds=(kept.path,))).objects == 0
    assert backend.objects == {}


def test_a_wheel_that_another_machine_lists_meanwhile_stays_in_the_entry(tmp_path):
    cache, path = Cache(str(tmp_path / "cache"), lower=()), tmp_path / "thing-1.0-cp312-cp312-linux_x86_64.whl"
    cache.initialise()
    path.write_bytes(b"own")
    kept = publish_wheel(cache, f"{place(cache, 'r', 's')}/own.wheel", str(path), b"", platform="linux_x86_64")
    backend, key = MemoryBackend(), build_key("r", "s", "linux_x86_64")
    store = RemoteStore(RemoteCache(url="http://cache"), backend, SIGNER)
    theirs = with_wheel(None, "thing-1.0-cp311-cp311-linux_x86_64.whl", "1" * 64, 5)

    def another(seconds):
        store.put_entry(BUILDS, key, theirs)

    assert uploader(backend, tmp_path, (), sleep=another).upload(Uploads(builds=(kept.path,))).objects == 1
    names = [each["filename"] for each in wheels_of(store.entry(BUILDS, key, "main")[0])]
    assert names == ["thing-1.0-cp311-cp311-linux_x86_64.whl", path.name]
