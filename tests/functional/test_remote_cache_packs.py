"""Packs of large wheels: taken only if a writer signed them for this wheel, and then the archive is the wheel's."""

import hashlib
import os

import pytest

from puffin.cache.layout import Cache
from puffin.stages.remote.backend import wrapped
from puffin.stages.remote.signature import VARIABLE, entry_name, signer_of
from puffin.stages.remote.values import PACKS
from puffin.stages.unzip.manifest import read_manifest
from tests.functional.test_remote_cache import KEY, Machine
from tests.helpers.wheels import forge_wheel

NOISE = "".join(hashlib.sha256(b"%d" % number).hexdigest() for number in range(9000))
WHEELS = {
    name: forge_wheel(
        name, "1.0", {f"{name}/__init__.py": f"NAME = {name!r}\n", f"{name}/noise.txt": name + NOISE}
    )
    for name in ("large", "other")
}
HASHES = {name: hashlib.sha256(data).hexdigest() for name, (_, data) in WHEELS.items()}
PINS = "large==1.0\n"
ON = {"PUFFIN_REMOTE_CACHE_PACKS": "1"}
WITH_PACKS = {VARIABLE: KEY, "PUFFIN_REMOTE_CACHE_TIMEOUT": "60", **ON}


class PackMachine(Machine):
    """A machine that takes and writes packs."""

    def sync(self, url, *words, **options):
        return super().sync(url, *words, **{**ON, **options})


@pytest.fixture
def shop(index):
    for wheel in WHEELS.values():
        index.add(*wheel)
    return index


@pytest.fixture
def machines(puffin, shop):
    return lambda name: PackMachine(puffin, name, shop)


@pytest.fixture
def filled(machines, cache):
    """What the first machine has put into the cache."""
    machines("first").sync(cache.url, "--remote-cache-write", pins="large==1.0\nother==1.0\n")
    assert len(cache.names("cas")) == 4, "two wheels and their packs"
    return cache


def entry(name, scope="main"):
    return f"/ac/{entry_name(scope, PACKS, HASHES[name])}"


def wheel(name):
    return f"/cas/{HASHES[name]}"


def same_archives(puffin, first, second):
    """Tell whether two machines have the same tree and the same manifest of the large wheel."""
    trees = []
    for name in (first, second):
        cache = Cache(str(puffin.root / f"cache-{name}"), lower=())
        root = cache.archive(HASHES["large"])
        files = {
            os.path.relpath(f"{at}/{each}", root): (
                os.stat(f"{at}/{each}").st_mode,
                (puffin.root / at / each).read_bytes(),
            )
            for at, _, names in os.walk(root)
            for each in names
        }
        trees.append((files, read_manifest(cache.manifest(HASHES["large"]))))
    return trees[0] == trees[1]


@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
def test_a_second_machine_takes_the_pack(machines, puffin, filled, executor):
    puffin.executor = executor
    del filled.objects[wheel("large")]
    second = machines("second")
    second.sync(filled.url, pins=PINS)
    assert second.files_asked == []
    assert same_archives(puffin, "first", "second")
    assert second.env.run("-c", "import large; print(large.NAME)") == "large"


def test_without_a_key_the_wheel_is_taken(machines, puffin, filled):
    filled.requests.clear()
    second = machines("second")
    second.sync(filled.url, pins=PINS, key="")
    assert (second.files_asked, filled.requests["GET"]) == ([], 1)
    assert same_archives(puffin, "first", "second")


def test_packs_are_off_unless_they_are_turned_on(machines, puffin, filled):
    filled.requests.clear()
    without = {"PUFFIN_REMOTE_CACHE_PACKS": ""}
    second = machines("second")
    second.sync(filled.url, pins=PINS, **without)
    assert (second.files_asked, filled.requests["GET"]) == ([], 1)
    filled.objects.clear()
    machines("third").sync(filled.url, "--remote-cache-write", pins=PINS, **without)
    assert filled.names("cas") == [HASHES["large"]]


def unsigned(cache):
    cache.objects[entry("large")] = wrapped(b'{"value":{}}\n')


def of_another_wheel(cache):
    cache.objects[entry("large")] = cache.objects[entry("other")]


def of_another_key(cache):
    del cache.objects[entry("large")]
    signed(cache, b"evil", key="o" * 32)


def signed(cache, data, key=KEY, sha256=""):
    """Let a writer say that *data* is the pack of the wheel, under another hash if that is given."""
    name = sha256 or hashlib.sha256(data).hexdigest()
    cache.objects[f"/cas/{name}"] = data
    value = {"sha256": name, "size": len(data)}
    cache.objects[entry("large")] = wrapped(
        signer_of({VARIABLE: key}).signed("main", PACKS, HASHES["large"], value)
    )


def pack_of(cache, name):
    signer = signer_of({VARIABLE: KEY})
    data = cache.objects[entry(name)]
    line = data[data.index(b"{") :]
    found = signer.verified(line, "main", PACKS, HASHES[name])
    return f"/cas/{found['sha256']}"


def signed_for_another_wheel(cache):
    signed(cache, cache.objects[pack_of(cache, "other")])


def signed_and_cut_off(cache):
    signed(cache, cache.objects[pack_of(cache, "large")][:-100])


def signed_and_no_pack(cache):
    signed(cache, WHEELS["large"][1])


def evicted(cache):
    del cache.objects[pack_of(cache, "large")]


@pytest.mark.parametrize("gone", [False, True], ids=["wheel-there", "wheel-gone"])
@pytest.mark.parametrize(
    "poison",
    [
        unsigned, of_another_wheel, of_another_key, signed_for_another_wheel, signed_and_cut_off,
        signed_and_no_pack, evicted,
    ],
)  # fmt: skip
def test_instead_of_a_pack_that_is_not_right_the_wheel_is_taken(machines, puffin, filled, poison, gone):
    poison(filled)
    if gone:
        del filled.objects[wheel("large")]
    second = machines("second")
    done = second.sync(filled.url, pins=PINS)
    assert len(second.files_asked) == gone
    assert same_archives(puffin, "first", "second")
    assert "warning" not in done.err


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"X" + data[1:]], ids=["cut", "other"])
def test_other_bytes_in_the_place_of_a_pack_end_the_use_of_the_cache(machines, puffin, filled, change):
    path = pack_of(filled, "large")
    filled.objects[path] = change(filled.objects[path])
    second = machines("second")
    done = second.sync(filled.url, pins=PINS)
    assert len(second.files_asked) == 1
    assert same_archives(puffin, "first", "second")
    assert done.err.count("is not used any more in this run") == 1


def test_what_came_as_a_pack_is_not_signed_again(machines, filled):
    filled.objects.pop(entry("other"))
    filled.requests.clear()
    machines("second").sync(
        filled.url, "--remote-cache-write", "--remote-cache-scope", "pr-1,main", pins="large==1.0\nother==1.0\n"
    )
    assert entry("large", "pr-1") not in filled.objects
    assert entry("other", "pr-1") in filled.objects, "its hash was checked here"


def test_packs_are_pushed_and_pulled(machines, puffin, cache):
    first = machines("first")
    first.sync("", pins=PINS)
    words = ("cache", "push", "--remote-cache", cache.url, "--cache-dir", puffin.root / "cache-first")
    done = puffin(*words, env=WITH_PACKS)
    assert "Uploaded 2 objects" in done.err, done.err
    done = puffin(*words, env=WITH_PACKS)
    assert "Uploaded 0 objects" in done.err, done.err
    table = f'index-url = "{first.shop.url}"\n[envs.web]\npath = "web"\nrequirements = ["web.txt"]\n'
    puffin.file("puffin.toml", table)
    puffin.file("web.txt", PINS)
    first.shop.requests.clear()
    words = ("cache", "pull", "--cache-dir", puffin.root / "cache-second", "--remote-cache", cache.url)
    done = puffin(*words, env=WITH_PACKS)
    assert "Took 1 object" in done.err, done.err
    assert first.files_asked == []
    assert same_archives(puffin, "first", "second")
    signed_and_cut_off(cache)
    words = ("cache", "pull", "--cache-dir", puffin.root / "cache-third", "--remote-cache", cache.url)
    done = puffin(*words, env=WITH_PACKS)
    assert "Took 2 objects" in done.err, "the pack, which was not right, and the wheel"
    assert first.files_asked == []
    assert same_archives(puffin, "first", "third")
