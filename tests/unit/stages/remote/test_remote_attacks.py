"""What whoever may write to a remote cache, or is in its place, tries besides wrong bytes and forged signatures."""

import gzip
import hashlib
import os
import time

import pytest

from puffin.cache.layout import Cache
from puffin.errors import UsageError
from puffin.stages.build.kept import SoughtBuild
from puffin.stages.fetch.network import Network, to_wire
from puffin.stages.remote import builds as remote_builds
from puffin.stages.remote.backend import CONTENT, ENTRY, MemoryBackend, Unavailable, wrapped
from puffin.stages.remote.builds import build_key
from puffin.stages.remote.filesystem import FileSystemBackend
from puffin.stages.remote.http import HttpBackend
from puffin.stages.remote.signature import VARIABLE, entry_name, signer_of
from puffin.stages.remote.store import RemoteStore
from puffin.stages.remote.upload import _is_free
from puffin.stages.remote.values import BUILDS, BYTECODE, RemoteCache
from tests.helpers.scripted_server import Answer, ScriptedServer
from tests.helpers.wheels import forge_wheel

RIGHT = b"the bytes that were asked for"
SHA256 = hashlib.sha256(RIGHT).hexdigest()
KEY = "k" * 32
SIGNER = signer_of({VARIABLE: KEY})


def store_with(backend, **more):
    return RemoteStore(RemoteCache(url="http://cache", room="/nowhere", **more), backend, SIGNER)


def http(url):
    return HttpBackend(RemoteCache(url=url, patience=60.0), to_wire(Network(keyring="disabled")))


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a" * 63, "a" * 65, "g" * 64, "\u0663" * 64, SHA256[:63] + "\0"]
)
def test_nothing_but_a_hash_is_the_name_of_content(name):
    """A writer of one scope must not have readers of another server or directory read what it chooses."""
    store = store_with(MemoryBackend())
    store.reached().down = "nobody may ask"
    store.reached().objects[ENTRY, entry_name("main", BYTECODE, "right")] = b""
    assert store.content(name) == (None, "wrong")
    assert store.content(SHA256, -1) == (None, "wrong")
    assert not store.broken


def test_a_hash_in_capitals_means_the_same_content():
    backend = MemoryBackend()
    backend.objects[CONTENT, SHA256] = RIGHT
    store = store_with(backend)
    assert bytes(store.content(SHA256.upper())[0]) == RIGHT
    assert not store.broken


@pytest.mark.parametrize("filename", ["a\0b-1.0-py3-none-any.whl", f"{'a' * 300}-1.0-py3-none-any.whl"])
def test_a_built_wheel_whose_name_no_file_can_have_is_a_miss(tmp_path, monkeypatch, filename):
    backend, (_, data) = MemoryBackend(), forge_wheel("evil", "1.0", {"evil.py": ""})
    store, sha256 = store_with(backend), hashlib.sha256(data).hexdigest()
    backend.objects[CONTENT, sha256] = data
    value = {"wheels": [{"filename": filename, "sha256": sha256, "size": len(data)}]}
    store.put_entry(BUILDS, build_key("r" * 32, "s" * 16, "any"), value)
    monkeypatch.setattr(remote_builds, "store_of", lambda *_: store)
    sought = [SoughtBuild(revision="r" * 32, settings="s" * 16, tags=("py3-none-any",))]
    root = str(tmp_path / "cache")
    (told,) = remote_builds.bring_builds(remote=(), network=(), cache_root=root, sought=sought)
    assert told[1:3] == ("miss", "wrong")
    assert os.listdir(f"{Cache(root).root}/tmp-v0") == []


@pytest.mark.parametrize("where", ["scope", "kind", "key", "puffin"])
def test_an_entry_says_of_what_it_is_and_nothing_is_joined(where):
    """``a`` + ``bc`` is not ``ab`` + ``c``, whatever the name of the object."""
    given = {"scope": "main", "kind": "builds", "key": "a/b"}
    entry = SIGNER.signed(**given, value={"x": 1})
    assert SIGNER.verified(entry, **given) == {"x": 1}
    if where == "puffin":
        assert SIGNER.verified(entry.replace(b'"puffin":1', b'"puffin":2'), **given) is None
        return
    for other in (given[where] + "/b", given[where].upper(), given[where][:-1], f"{given[where]}\n", ""):
        assert SIGNER.verified(entry, **{**given, where: other}) is None


@pytest.mark.parametrize("tail", [b"=", b"\n", b" ", b"AAAA", b"\0"])
def test_a_signature_has_its_length(tail):
    entry = SIGNER.signed("main", BUILDS, "key", {})
    assert SIGNER.verified(entry + tail, "main", BUILDS, "key") is None
    assert SIGNER.verified(entry[:-4], "main", BUILDS, "key") is None
    line, _, signature = entry.partition(b"\n")
    assert SIGNER.verified(line + b" \n" + signature, "main", BUILDS, "key") is None
    assert SIGNER.verified(line[:-1] + b"\n" + signature, "main", BUILDS, "key") is None


def test_an_entry_that_moved_between_the_scopes_of_one_reader_is_not_taken():
    """Who may write to `pr-1` only must not have it served as if `main` said so, nor `main` hidden behind it."""
    backend = MemoryBackend()
    store = store_with(backend, scopes=("pr-1", "main"))
    store.put_entry(BYTECODE, "right", {"sha256": SHA256, "size": len(RIGHT)})
    moved = backend.objects.pop((ENTRY, entry_name("pr-1", BYTECODE, "right")))
    backend.objects[ENTRY, entry_name("main", BYTECODE, "right")] = moved
    assert store.signed_content(BYTECODE, "right")[0] is None


@pytest.mark.parametrize(
    "text", ["ed25519-pub:AAAAAAAAAAAAAAAA", "ED25519-PUBLIC:AAAAAAAAAAAA", "ed25519_public:AAAAAAAAAA"]
)
def test_a_public_key_that_is_written_wrongly_is_no_secret(text):
    """What everybody knows would sign."""
    with pytest.raises(UsageError) as caught:
        signer_of({VARIABLE: text})
    assert "AAAA" not in str(caught.value)


NOTES = (b"", b"x", b"0f \xb2", b"0f " + b"9" * 5000, b"0f -1", b"\xff\xfe 1", b"0f 1e9", b"0f 99999999999999")


@pytest.mark.parametrize("note", NOTES)
def test_a_note_that_is_none_holds_nothing_up(note):
    assert _is_free(note, "0f0f")


def test_a_note_of_another_machine_holds_for_a_while():
    now = f"{time.time():.0f}".encode()
    assert not _is_free(b"0a " + now, "0f")
    assert _is_free(b"0f " + now, "0f")
    assert _is_free(b"0a 1000", "0f")


@pytest.mark.parametrize("where", ["/dev/zero", "/dev/urandom"])
def test_a_link_to_what_has_no_end_is_not_read_to_its_end(tmp_path, where):
    (tmp_path / "cas").mkdir()
    (tmp_path / "cas" / SHA256).symlink_to(where)
    backend = FileSystemBackend(RemoteCache(url=f"file://{tmp_path}", patience=60.0))
    assert bytes(backend.get(CONTENT, SHA256, 1 << 10).data) == b""


def test_a_file_that_grows_while_it_is_read_is_read_as_far_as_it_may_be(tmp_path):
    (tmp_path / "cas").mkdir()
    (tmp_path / "cas" / SHA256).write_bytes(RIGHT * 9)
    backend = FileSystemBackend(RemoteCache(url=f"file://{tmp_path}", patience=60.0))
    for told in (len(RIGHT), None):
        backend._files.size = lambda _, told=told: told
        if told is None:
            with pytest.raises(Unavailable):
                backend.get(CONTENT, SHA256, len(RIGHT))
        else:
            assert bytes(backend.get(CONTENT, SHA256, len(RIGHT)).data) == RIGHT


def test_a_redirect_takes_no_credentials_to_another_server():
    with (
        ScriptedServer(lambda _: Answer(RIGHT)) as other,
        ScriptedServer(lambda seen: Answer(status=302, headers={"Location": other.url(seen.path)})) as cache,
    ):
        found = http(cache.url("", userinfo="user:s3cret@")).get(CONTENT, SHA256, 100)
        assert bytes(found.data) == RIGHT, "its hash decides, not its server"
        assert [each.headers.get("authorization") for each in other.seen] == [None]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://127.0.0.1:1/", "//"])
def test_a_redirect_to_what_is_no_server_is_a_failure(location):
    with (
        ScriptedServer(lambda _: Answer(status=302, headers={"Location": location})) as cache,
        pytest.raises(Unavailable),
    ):
        http(cache.url("")).get(CONTENT, SHA256, 100)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(gzip.compress(b"\0" * (1 << 24)), headers={"Content-Encoding": "gzip"}),
        Answer(RIGHT, chunked=True),
        Answer(RIGHT, headers={"Content-Length": "-1"}),
        Answer(RIGHT, headers={"Content-Length": "9" * 30}),
    ],
    ids=["bomb", "untold", "negative", "huge"],
)
def test_an_answer_has_the_size_that_it_declares(answer):
    with ScriptedServer(lambda _: answer) as cache:
        try:
            found = http(cache.url("")).get(CONTENT, SHA256, 1 << 20)
        except Unavailable:
            return
        assert len(found.data) <= 1 << 20
        assert found.sha256 != SHA256


def test_an_old_entry_of_another_source_is_not_one_of_this():
    """A rollback needs the same revision: an entry of the former release has another key."""
    backend = MemoryBackend()
    store = store_with(backend)
    old, new = (build_key(digit * 32, "s" * 16, "any") for digit in "01")
    store.put_entry(BUILDS, old, {"wheels": []})
    backend.objects[ENTRY, entry_name("main", BUILDS, new)] = backend.objects[
        ENTRY, entry_name("main", BUILDS, old)
    ]
    assert store.entry(BUILDS, new, "main") == (None, "unsigned")
    backend.objects[ENTRY, entry_name("main", BUILDS, new)] = wrapped(b"{}\n")
    assert store.entry(BUILDS, new, "main") == (None, "unsigned")
