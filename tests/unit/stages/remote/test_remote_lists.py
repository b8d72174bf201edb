"""Lists of build environments: taken as long as the index pages hold that they were made of, and only if right."""

import base64
import time

import pytest

from puffin.artifact.artifact import GIT, SDIST, WHEEL, Artifact
from puffin.cache.layout import Cache
from puffin.stages.remote import lists as remote_lists
from puffin.stages.remote.backend import ENTRY, MemoryBackend, unwrapped, wrapped
from puffin.stages.remote.lists import files_in_list, keep_list, kept_lists, take_list
from puffin.stages.remote.signature import VARIABLE, entry_name, signer_of
from puffin.stages.remote.store import RemoteStore
from puffin.stages.remote.upload import Uploader
from puffin.stages.remote.values import LISTS, RemoteCache, Uploads
from puffin.stages.resolve.index.config import FilePolicy, IndexConfig, Scope
from puffin.value import replace

SIGNER = signer_of({VARIABLE: "k" * 32})
TOY = Artifact(
    name="toy",
    version="1.0",
    filename="toy-1.0-py3-none-any.whl",
    url="https://example.org/toy-1.0-py3-none-any.whl",
    source="index/0123456789abcdef",
    hashes=(f"sha256:{'a' * 64}",),
    size=12,
)
SOURCE = replace(TOY, filename="toy-1.0.tar.gz", url="https://example.org/toy-1.0.tar.gz", kind=SDIST)
NAME, NOW = "scope/request", 1_700_000_000.0
PAGES = (("toy", NOW - 10, 600),)


def scope(now=NOW, **fields):
    return Scope(
        config=IndexConfig(index_url="https://example.org/simple"),
        tags=(),
        python_version="3.12",
        now=now,
        files=FilePolicy(),
        **fields,
    )


@pytest.fixture
def backend():
    return MemoryBackend()


@pytest.fixture
def room(tmp_path):
    return RemoteCache(url="http://cache", write=True, room=str(tmp_path / "room"))


@pytest.fixture
def taken(backend, room, monkeypatch):
    store = RemoteStore(room, backend, SIGNER)
    monkeypatch.setattr(remote_lists, "store_of", lambda *_: store)
    return lambda *, name=NAME, of=None: take_list((), (), name, of or scope())


@pytest.fixture
def uploaded(backend, room, tmp_path):
    def upload(found=(TOY, SOURCE), pages=PAGES, name=NAME):
        keep_list(room, name, found, pages)
        store = RemoteStore(room, backend, SIGNER)
        return Uploader(store, Cache(str(tmp_path / "cache"), lower=()), sleep=lambda _: None).upload(Uploads())

    return upload


def test_a_list_comes_back_as_it_went(uploaded, taken):
    assert uploaded().objects == 1
    found, told = taken()
    assert (found, told[:3]) == ((TOY, SOURCE), (LISTS, "hit", ""))


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (scope(NOW + 591), "stale"),
        (scope(NOW - 11), "stale"),
        (scope(refresh=True), "stale"),
        (scope(refresh=frozenset(("toy",))), "stale"),
        (scope(refresh=frozenset(("other",))), ""),
    ],
)
def test_a_list_holds_as_long_as_its_pages(uploaded, taken, of, reason):
    uploaded()
    found, told = taken(of=of)
    assert (bool(found), told[2]) == (not reason, reason)


def test_a_list_that_holds_is_left_and_a_stale_one_replaced(uploaded, taken, room):
    now = time.time()
    uploaded(pages=(("toy", now - 1000, 600),))
    assert uploaded(pages=(("toy", now, 600),)).objects == 1
    done = uploaded(pages=(("toy", now, 600),))
    assert (done.objects, done.known) == (0, 1)


@pytest.mark.parametrize(
    "found",
    [
        (),
        (replace(TOY, url="https://user:secret@example.org/toy-1.0-py3-none-any.whl"),),
        (replace(TOY, url="file:///toy-1.0-py3-none-any.whl"),),
        (replace(TOY, hashes=()),),
        (replace(TOY, hashes=("md5:0",)),),
        (TOY, replace(TOY, kind=GIT, url="git+https://example.org/toy")),
    ],
)
def test_what_other_machines_cannot_use_is_not_listed(room, found):
    keep_list(room, NAME, found, PAGES)
    assert kept_lists(room.room) == []


def value_of(**fields):
    kinds = {"name": "toy", "version": "1.0", "filename": TOY.filename, "url": TOY.url, "source": TOY.source}
    row = {**kinds, "hashes": list(TOY.hashes), "size": 12, "yanked": None, "requires_python": "", **fields}
    return {"files": [list(row.values())], "pages": [["toy", NOW - 10, 600]]}


@pytest.mark.parametrize(
    "value",
    [
        value_of(name="../toy"),
        value_of(name=""),
        value_of(name="Toy"),
        value_of(version="../1"),
        value_of(version=""),
        value_of(filename="../../toy-1.0-py3-none-any.whl"),
        value_of(filename=".."),
        value_of(filename="/etc/toy-1.0-py3-none-any.whl"),
        value_of(filename="toy-1.0-py3-none-any.whl\n"),
        value_of(source="../index/0123456789abcdef"),
        value_of(source="path/0123456789abcdef"),
        value_of(url="file:///etc/passwd"),
        value_of(url="git+https://example.org/toy"),
        value_of(hashes=[]),
        value_of(hashes=["sha256:00"]),
        value_of(hashes="sha256:" + "a" * 64),
        value_of(size=-1),
        value_of(size=True),
        value_of(size="12"),
        value_of(yanked=5),
        value_of(more="x"),
        {"files": [], "pages": [["toy", NOW, 600]]},
        {"files": [["toy"]], "pages": [["toy", NOW, 600]]},
        {"files": [[]] * 501, "pages": [["toy", NOW, 600]]},
        {**value_of(), "pages": []},
        {**value_of(), "pages": [["toy", "now", 600]]},
        {**value_of(), "pages": [["toy", NOW, float("inf")]]},
        {},
    ],
)
def test_a_list_with_anything_unusual_is_a_miss(backend, room, taken, value):
    assert files_in_list(value_of()) == (TOY,)
    assert files_in_list(value) == ()
    RemoteStore(room, backend, SIGNER).put_entry(LISTS, NAME, value)
    found, told = taken()
    assert (found, told[1:3]) == ((), ("miss", "unsigned"))


def _entry(backend, name=NAME):
    return (ENTRY, entry_name("main", LISTS, name))


def unsigned(backend):
    line = unwrapped(backend.objects[_entry(backend)]).split(b"\n")[0]
    return wrapped(line)


def signature_cut_off(backend):
    return wrapped(unwrapped(backend.objects[_entry(backend)])[:-8])


def signature_shortened(backend):
    line, signature = unwrapped(backend.objects[_entry(backend)]).split(b"\n")
    return wrapped(line + b"\n" + base64.b64encode(base64.b64decode(signature)[:16]))


def of_another_key(backend):
    other = signer_of({VARIABLE: "o" * 32})
    return wrapped(other.signed("main", LISTS, NAME, value_of()))


def of_another_request(backend):
    return wrapped(SIGNER.signed("main", LISTS, "scope/other", value_of()))


def of_another_scope(backend):
    return wrapped(SIGNER.signed("pr-1", LISTS, NAME, value_of()))


def of_another_kind(backend):
    return wrapped(SIGNER.signed("main", "builds", NAME, value_of()))


def changed(backend):
    return backend.objects[_entry(backend)].replace(b"example.org", b"example.com")


@pytest.mark.parametrize(
    "poison",
    [
        unsigned, signature_cut_off, signature_shortened, of_another_key, of_another_request, of_another_scope,
        of_another_kind, changed,
    ],
)  # fmt: skip
def test_a_list_without_a_valid_signature_is_not_taken(backend, uploaded, taken, poison):
    uploaded()
    backend.objects[_entry(backend)] = poison(backend)
    assert taken()[0] == ()


def test_a_list_is_taken_from_the_first_scope_where_one_holds(backend, room, monkeypatch):
    store = RemoteStore(replace(room, scopes=("pr-1", "main")), backend, SIGNER)
    monkeypatch.setattr(remote_lists, "store_of", lambda *_: store)
    store.put_entry(LISTS, NAME, {**value_of(), "pages": [["toy", NOW - 1000, 600]]})
    main = wrapped(SIGNER.signed("main", LISTS, NAME, value_of()))
    backend.objects[ENTRY, entry_name("main", LISTS, NAME)] = main
    assert take_list((), (), NAME, scope())[0] == (TOY,)


def test_the_kind_of_a_file_is_told_by_its_name():
    assert [each.kind for each in files_in_list(value_of(filename=SOURCE.filename, url=SOURCE.url))] == [SDIST]
    assert TOY.kind == WHEEL
