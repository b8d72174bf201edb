"""Nothing of an archive runs, and nothing of it is believed, before it has the hash that is demanded; cached or not."""

import hashlib
import os

import pytest

from tests.helpers.sdists import forge_backend, forge_sdist, write_project
from tests.helpers.wheels import forge_wheel

ZERO = "0" * 64


@pytest.fixture
def shop(puffin, index, tmp_path):
    """A source distribution and a wheel, on an index and in the directory ``here``."""
    index.add(*forge_backend())
    for name, data in (forge_sdist("dyn", told=tmp_path / "told"), forge_wheel("whl", "1.0")):
        index.add(name, data, hashes=False, metadata=False)
        puffin.file(f"here/{name}", data)
    return index


LINES = {
    "a path": "./here/dyn-1.0.tar.gz --hash=sha256:{hash}",
    "a file URL": "dyn @ file://{here}/here/dyn-1.0.tar.gz#sha256={hash}",
    "find-links": "dyn==1.0 --hash=sha256:{hash}",
    "a URL": "dyn @ {index}/files/dyn-1.0.tar.gz --hash=sha256:{hash}",
    "a wheel in find-links": "whl==1.0 --hash=sha256:{hash}",
    "the path of a wheel": "./here/whl-1.0-py3-none-any.whl --hash=sha256:{hash}",
    "the URL of a wheel": "whl @ {index}/files/whl-1.0-py3-none-any.whl#sha256={hash}",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_with_another_hash_nothing_runs_and_nothing_is_written(puffin, env, shop, tmp_path, line):
    puffin.file("r.in", line.format(hash=ZERO, here=puffin.cwd, index=shop.root) + "\n")
    places = ("-f", "here", "--no-index") if "==" in line else ("-i", shop.url)
    commands = (
        ("pip", "compile", "r.in", "--generate-hashes"),
        ("pip", "install", "--require-hashes", "-r", "r.in"),
        ("pip", "sync", "--require-hashes", "r.in"),
    )
    warm = line.partition(" --hash")[0].partition("#")[0].format(here=puffin.cwd, index=shop.root)
    for _ in ("cold", "warm"):
        for command in commands:
            done = puffin(*command, *places)
            assert (done.code, done.out) == (1, ""), command
            assert "hash" in done.err.lower()
            assert env.installed() == {}
        assert not (tmp_path / "told").exists()
        if warm:  # the same again with what it is in the cache
            assert puffin("pip", "install", "-f", "here", "-i", shop.url, warm).code == 0
            assert puffin("pip", "uninstall", "dyn", "whl").code == 0
            (tmp_path / "told").unlink(missing_ok=True)


def test_what_the_cache_has_is_linked_under_its_own_name_only(puffin, env, index):
    name, data = forge_wheel("kiwi", "1.0")
    puffin.file(name, data)
    assert puffin("pip", "install", f"./{name}").code == 0
    for other in ("lime-1.0-py3-none-any.whl", "kiwi-2.0-py3-none-any.whl"):
        puffin.file(other, data)
        done = puffin("pip", "install", f"./{other}")
        assert done.code == 1, done.err
        assert env.installed() == {"kiwi": "1.0"}
        index.add(other, data)
        asked = "==".join(other.split("-")[:2])
        puffin.file("r.txt", f"{asked} --hash=sha256:{hashlib.sha256(data).hexdigest()}\n")
        done = puffin("pip", "sync", "r.txt", "-i", index.url)
        assert done.code == 1, done.err
        assert env.installed() == {"kiwi": "1.0"}


def test_a_local_wheel_is_known_by_what_it_holds(puffin, env):
    name, data = forge_wheel("kiwi", "1.0", {"kiwi.py": "A = 1\n"}, compress=False)
    path = puffin.file(name, data)
    assert puffin("pip", "install", f"./{name}").code == 0
    before = path.stat()
    _, other = forge_wheel("kiwi", "1.0", {"kiwi.py": "A = 2\n"}, compress=False)
    assert len(other) == len(data)
    puffin.file(name, other)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert puffin("pip", "install", f"./{name}").code == 0
    assert env.run("-c", "import kiwi; print(kiwi.A)") == "2"


@pytest.mark.parametrize("spec", ["kiwi==1.*", "kiwi>=1", "kiwi"])
def test_where_hashes_are_required_versions_are_too(puffin, env, index, spec):
    name, data = forge_wheel("kiwi", "1.0")
    index.add(name, data)
    puffin.file("r.txt", f"{spec} --hash=sha256:{hashlib.sha256(data).hexdigest()}\n")
    for command in (("pip", "install", "-r"), ("pip", "sync"), ("sync",)):
        done = puffin(*command, "r.txt", "--require-hashes", "-i", index.url)
        assert done.code != 0
        assert env.installed() == {}


def test_blake2b_is_a_hash(puffin, env, index):
    name, data = forge_wheel("kiwi", "1.0")
    index.add(name, data)
    puffin.file("r.txt", f"kiwi==1.0 --hash=blake2b:{hashlib.blake2b(data).hexdigest()}\n")
    assert puffin("pip", "sync", "r.txt", "--require-hashes", "-i", index.url).code == 0
    puffin.file("r.txt", f"kiwi==1.0 --hash=blake2b:{'0' * 128}\n")
    done = puffin("pip", "sync", "r.txt", "--require-hashes", "--reinstall", "-i", index.url)
    assert done.code == 1
    assert "Hash mismatch" in done.err


def test_a_directory_of_a_lock_has_no_hash(puffin, env):
    write_project(puffin.cwd / "here", "thing", static=True)
    puffin.file(
        "pylock.toml",
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "thing"\ndirectory = {path = "here"}\n',
    )
    done = puffin("pip", "sync", "pylock.toml", "--require-hashes", "--no-index")
    assert done.code == 1
    assert "a directory has no hash" in done.err
