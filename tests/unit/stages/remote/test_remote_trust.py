"""What an attacker who may write everything to a remote cache can put into an environment: nothing."""

import base64
import dataclasses
import hashlib
import hmac
import json

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from puffin.cache.layout import Cache
from puffin.errors import UsageError
from puffin.stages.build.kept import SoughtBuild, place, usable_on
from puffin.stages.bytecode import pack
from puffin.stages.bytecode.layer import interpreter_kind, layer_ready
from puffin.stages.remote import builds as remote_builds
from puffin.stages.remote.backend import CONTENT, ENTRY, MemoryBackend, unwrapped, wrapped
from puffin.stages.remote.builds import build_key, with_wheel
from puffin.stages.remote.signature import VARIABLE, entry_name, signer_of
from puffin.stages.remote.store import RemoteStore
from puffin.stages.remote.values import BUILDS, BYTECODE, RemoteCache, await_answer, note_answer
from puffin.stages.unzip.unzip import unzip
from tests.helpers.wheels import forge_wheel

KEY, OTHER = "k" * 32, "o" * 32
RIGHT = b"the bytes that were asked for"
SHA256 = hashlib.sha256(RIGHT).hexdigest()
TAGS = ("cp312-cp312-manylinux_2_39_x86_64", "py3-none-any")


def signer(key=KEY):
    return signer_of({VARIABLE: key})


@pytest.fixture
def backend():
    return MemoryBackend()


@pytest.fixture
def store(backend, tmp_path):
    return RemoteStore(RemoteCache(url="http://cache", room=str(tmp_path)), backend, signer())


@dataclasses.dataclass
class World:
    """A cache that the attacker may write to, and what an honest writer has put there."""

    backend: MemoryBackend
    store: RemoteStore

    def put(self, kind, name, data):
        self.backend.objects[kind, name] = data

    def entry(self, kind, key, scope="main"):
        return self.backend.objects[ENTRY, entry_name(scope, kind, key)]

    def forge(self, kind, key, data, scope="main"):
        self.put(ENTRY, entry_name(scope, kind, key), data)


@pytest.fixture
def world(backend, store):
    made = World(backend, store)
    made.put(CONTENT, SHA256, RIGHT)
    store.put_entry(BYTECODE, "right", {"sha256": SHA256, "size": len(RIGHT)})
    assert bytes(store.signed_content(BYTECODE, "right")[0]) == RIGHT
    return made


def other_bytes(world):
    world.put(CONTENT, SHA256, b"X" * len(RIGHT))


def cut_off(world):
    world.put(CONTENT, SHA256, RIGHT[:-1])


def longer(world):
    world.put(CONTENT, SHA256, RIGHT + b"!")


def nothing(world):
    world.put(CONTENT, SHA256, b"")


@pytest.mark.parametrize("poison", [other_bytes, cut_off, longer, nothing])
@pytest.mark.parametrize("size", [0, len(RIGHT)])
def test_content_with_another_hash_is_not_taken(world, store, poison, size):
    poison(world)
    assert store.content(SHA256, size)[0] is None
    assert store.broken, "a cache that lies once is left alone"
    assert store.content(SHA256, size)[0] is None


def unsigned(world):
    line = unwrapped(world.entry(BYTECODE, "right")).split(b"\n")[0]
    world.forge(BYTECODE, "right", wrapped(line + b"\n"))


def cut_off_signature(world):
    line, signature = unwrapped(world.entry(BYTECODE, "right")).split(b"\n")
    for length in range(32):
        world.forge(
            BYTECODE, "right", wrapped(line + b"\n" + base64.b64encode(base64.b64decode(signature)[:length]))
        )
        assert world.store.signed_content(BYTECODE, "right")[0] is None


def bomb(world):
    world.forge(BYTECODE, "right", wrapped(b"0" * (1 << 19)))


def signed_by_another(world):
    world.forge(
        BYTECODE,
        "right",
        wrapped(signer(OTHER).signed("main", BYTECODE, "right", {"sha256": SHA256, "size": 29})),
    )


def changed(world):
    data = unwrapped(world.entry(BYTECODE, "right"))
    evil = hashlib.sha256(b"evil").hexdigest().encode()
    world.put(CONTENT, evil.decode(), b"evil")
    world.forge(BYTECODE, "right", wrapped(data.replace(SHA256.encode(), evil)))


def of_another_key(world):
    world.store.put_entry(BYTECODE, "other", {"sha256": SHA256, "size": 29})
    world.forge(BYTECODE, "right", world.entry(BYTECODE, "other"))


def of_another_kind(world):
    world.store.put_entry(BUILDS, "right", {"sha256": SHA256, "size": 29})
    world.forge(BYTECODE, "right", world.entry(BUILDS, "right"))


def of_another_scope(world):
    data = wrapped(signer().signed("pr-1", BYTECODE, "right", {"sha256": SHA256, "size": 29}))
    world.forge(BYTECODE, "right", data)


def a_web_page(world):
    world.forge(BYTECODE, "right", b"<html></html>")


def no_wrapping(world):
    world.forge(BYTECODE, "right", unwrapped(world.entry(BYTECODE, "right")))


def behind_the_signature(world):
    data = unwrapped(world.entry(BYTECODE, "right"))
    world.forge(BYTECODE, "right", wrapped(data + b'\n{"sha256":"0"}'))


@pytest.mark.parametrize(
    "poison",
    [
        unsigned, cut_off_signature, bomb, signed_by_another, changed, of_another_key, of_another_kind,
        of_another_scope, a_web_page, no_wrapping, behind_the_signature,
    ],
)  # fmt: skip
def test_an_entry_without_a_valid_signature_is_not_taken(world, store, poison):
    poison(world)
    assert store.signed_content(BYTECODE, "right")[0] is None
    assert not store.broken, "other entries may be right"


@pytest.mark.parametrize(
    "value", [{}, {"sha256": SHA256}, {"sha256": 1, "size": 29}, {"sha256": SHA256, "size": "29"}]
)
def test_a_signed_value_that_names_no_content_is_a_miss(world, store, value):
    store.put_entry(BYTECODE, "right", value)
    assert store.signed_content(BYTECODE, "right")[0] is None


def test_without_a_key_no_entry_is_even_asked_for(world, backend):
    keyless = RemoteStore(RemoteCache(url="http://cache", room="/nowhere"), backend, None)
    backend.down = "nobody may ask"
    assert keyless.entry(BYTECODE, "right", "main") == (None, "unsigned")
    assert not keyless.broken


def test_nothing_is_asked_for_until_the_first_answer(world, store, backend):
    await_answer(store.settings)
    backend.down = "nobody may ask"
    assert store.content(SHA256) == (None, "silent")
    assert store.entry(BYTECODE, "right", "main") == (None, "silent")
    assert not store.broken
    backend.down = ""
    note_answer(store.settings)
    assert bytes(store.content(SHA256)[0]) == RIGHT


def test_key_pairs_and_no_confusion_with_secrets(backend, tmp_path):
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    private = ed25519.Ed25519PrivateKey.generate()
    encoded = base64.b64encode(private.private_bytes_raw()).decode()
    public = f"ed25519-public:{base64.b64encode(private.public_key().public_bytes_raw()).decode()}"
    writer, reader = signer(f"ed25519-private:{encoded}"), signer(public)
    assert (writer.can_sign, reader.can_sign) == (True, False)
    entry = writer.signed("main", BUILDS, "k", {"a": 1})
    assert reader.verified(entry, "main", BUILDS, "k") == {"a": 1}
    assert signer(KEY).verified(entry, "main", BUILDS, "k") is None
    line = entry.split(b"\n")[0]
    for secret in (
        public.encode(),
        private.public_key().public_bytes_raw(),
    ):  # what a reader knows signs nothing
        forged = line + b"\n" + base64.b64encode(hmac.digest(secret, line, "sha256"))
        assert reader.verified(forged, "main", BUILDS, "k") is None


@pytest.mark.parametrize("text", ["short", "ed25519-public:no", "ed25519-private:AAAA", "ed25519-public:"])
def test_keys_that_cannot_be_used_are_errors(text):
    if text.startswith("ed25519"):
        pytest.importorskip("cryptography")
    with pytest.raises(UsageError) as caught:
        signer(text)
    assert "AAAA" not in str(caught.value)


@given(st.binary(max_size=70000))
def test_an_entry_comes_back_as_it_went(data):
    assert unwrapped(wrapped(data)) == data


@given(st.binary(max_size=300))
def test_no_bytes_make_an_entry(data):
    assert signer().verified(unwrapped(data), "main", BUILDS, "key") is None
    assert signer().verified(data, "main", BUILDS, "key") is None


NAMES = (
    "../../evil-1.0-py3-none-any.whl",
    "evil-1.0-py3-none-any.whl/x",
    "/evil-1.0-py3-none-any.whl",
    "evil.whl",
    "",
)


@pytest.mark.parametrize("filename", NAMES)
def test_a_built_wheel_has_the_name_of_a_wheel(backend, store, tmp_path, monkeypatch, filename):
    sought = SoughtBuild(revision="r" * 32, settings="s" * 16, tags=TAGS)
    _, data = forge_wheel("evil", "1.0", {"evil.py": ""})
    sha256 = hashlib.sha256(data).hexdigest()
    backend.objects[CONTENT, sha256] = data
    value = {"wheels": [{"filename": filename, "sha256": sha256, "size": len(data)}]}
    store.put_entry(BUILDS, build_key(sought.revision, sought.settings, usable_on(TAGS)), value)
    assert _brought(store, tmp_path, monkeypatch, sought)[0][1] == "miss"
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]


def test_a_built_wheel_is_kept(backend, store, tmp_path, monkeypatch):
    sought = SoughtBuild(revision="r" * 32, settings="s" * 16, tags=TAGS)
    filename, data = forge_wheel("good", "1.0", {"good.py": ""})
    sha256 = hashlib.sha256(data).hexdigest()
    backend.objects[CONTENT, sha256] = data
    store.put_entry(BUILDS, build_key("r" * 32, "s" * 16, "any"), with_wheel(None, filename, sha256, len(data)))
    assert _brought(store, tmp_path, monkeypatch, sought)[0][1:4] == ("hit", "", len(data))
    home = place(Cache(str(tmp_path / "cache"), lower=()), "r" * 32, "s" * 16)
    assert [path.name for path in (tmp_path / "cache").rglob("*.whl")] == [filename]
    assert next((tmp_path / "cache").rglob("*.whl")).is_relative_to(home)


def test_an_entry_of_the_own_scope_hides_no_wheel_of_another(backend, tmp_path, monkeypatch):
    store = RemoteStore(
        RemoteCache(url="http://cache", scopes=("pr-1", "main"), room="/nowhere"), backend, signer()
    )
    key = build_key("r" * 32, "s" * 16, "any")
    sought = SoughtBuild(revision="r" * 32, settings="s" * 16, tags=TAGS)
    filename, data = forge_wheel("good", "1.0", {"good.py": ""})
    sha256 = hashlib.sha256(data).hexdigest()
    backend.objects[CONTENT, sha256] = data
    main = with_wheel(None, filename, sha256, len(data))
    backend.objects[ENTRY, entry_name("main", BUILDS, key)] = wrapped(
        signer().signed("main", BUILDS, key, main)
    )
    unfit = with_wheel(None, "good-1.0-cp27-none-any.whl", "0" * 64, 1)
    evicted = with_wheel(None, filename, "1" * 64, 1)
    for value in (unfit, evicted, {"wheels": []}):
        store.put_entry(BUILDS, key, value)
        assert _brought(store, tmp_path, monkeypatch, sought)[0][1:4] == ("hit", "", len(data))


def test_the_reason_of_a_miss_is_the_worst_of_both_platforms(backend, store, tmp_path, monkeypatch):
    sought = SoughtBuild(revision="r" * 32, settings="s" * 16, tags=TAGS)
    name = entry_name("main", BUILDS, build_key("r" * 32, "s" * 16, usable_on(TAGS)))
    backend.objects[ENTRY, name] = wrapped(b"not signed")
    assert _brought(store, tmp_path, monkeypatch, sought)[0][1:3] == ("miss", "unsigned")


def test_bytecode_of_another_scope_serves_where_that_of_the_own_was_evicted(backend):
    store = RemoteStore(
        RemoteCache(url="http://cache", scopes=("pr-1", "main"), room="/nowhere"), backend, signer()
    )
    said = {"sha256": SHA256, "size": len(RIGHT)}
    backend.objects[CONTENT, SHA256] = RIGHT
    entry = wrapped(signer().signed("main", BYTECODE, "right", said))
    backend.objects[ENTRY, entry_name("main", BYTECODE, "right")] = entry
    store.put_entry(BYTECODE, "right", {"sha256": "0" * 64, "size": 3})
    assert bytes(store.signed_content(BYTECODE, "right")[0]) == RIGHT


def _brought(store, tmp_path, monkeypatch, *sought):
    monkeypatch.setattr(remote_builds, "store_of", lambda *_: store)
    return remote_builds.bring_builds(
        remote=(), network=(), cache_root=str(tmp_path / "cache"), sought=list(sought)
    )


KIND = interpreter_kind("cpython-312", "0a0d0a0d")
SUFFIX = ".cpython-312.pyc"


@pytest.fixture
def archive(tmp_path):
    filename, data = forge_wheel("alpha", "1.0", {"alpha/__init__.py": "A = 1\n", "alpha/x.py": "X = 1\n"})
    root = str(tmp_path / "cache")
    sha256 = hashlib.sha256(data).hexdigest()
    unzip(data=data, filename=filename, sha256=sha256, cache_root=root)
    return Cache(root, lower=()), sha256


def pyc(size, *, flags=0):
    return b"MAGC" + flags.to_bytes(4, "little") + b"\1\2\3\4" + size.to_bytes(4, "little") + b"code"


def packed(files, *, magic=b"puffin-layer-1\n", tail=b""):
    head = json.dumps([[path, len(body)] for path, body in files]).encode()
    data = magic + len(head).to_bytes(4, "little") + head + b"".join(body for _, body in files) + tail
    return zstandard.ZstdCompressor().compress(data)


INIT = f"alpha/__pycache__/__init__{SUFFIX}"


@pytest.mark.parametrize(
    "data",
    [
        packed([("../evil.pyc", pyc(6))]),
        packed([("/etc/evil.pyc", pyc(6))]),
        packed([(f"alpha/__pycache__/../x{SUFFIX}", pyc(6))]),
        packed([(f"alpha/__pycache__/unknown{SUFFIX}", pyc(6))]),
        packed([("alpha/__init__.py", b"import evil\n")]),
        packed([(INIT, pyc(7))]),
        packed([(INIT, b"short")]),
        packed([(INIT, pyc(6)), (INIT, pyc(6))]),
        packed([(INIT, pyc(6))], tail=b"more"),
        packed([(INIT, pyc(6))], magic=b"something else\n"),
        packed([(INIT, pyc(6))])[:-3],
        zstandard.ZstdCompressor().compress(b"\0" * (300 << 20)),
        zstandard.ZstdCompressor(write_content_size=False).compress(b"unknown size"),
        b"",
        b"<html>",
    ],
)
def test_a_pack_holds_nothing_but_bytecode_of_its_archive(archive, tmp_path, data):
    cache, sha256 = archive
    with pytest.raises(pack.BadPack):
        pack.unpack_layer(cache, KIND, sha256, SUFFIX, data)
    assert not layer_ready(cache, KIND, sha256, "")
    assert list((tmp_path / "cache" / "tmp-v0").iterdir()) == []
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("flags", [0, 1, 3])
def test_a_layer_is_packed_to_the_same_bytes_on_every_machine(archive, flags):
    cache, sha256 = archive
    data = packed([(INIT, pyc(6, flags=flags)), (f"alpha/__pycache__/x{SUFFIX}", pyc(6, flags=flags))])
    pack.unpack_layer(cache, KIND, sha256, SUFFIX, data)
    from puffin.cache.layout import current_boot

    assert layer_ready(cache, KIND, sha256, current_boot())
    first = pack.pack_layer(cache, KIND, sha256)
    pack.unpack_layer(cache, KIND, sha256, SUFFIX, first)
    assert pack.pack_layer(cache, KIND, sha256) == first
