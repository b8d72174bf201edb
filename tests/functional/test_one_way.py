"""One environment and many, pins and requirements: which file of the cache serves a pin is decided once."""

from hashlib import sha256, sha512

import pytest

from tests.helpers.cli import Env
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel

_WRONG = ("0" * 64, "1" * 64)


def commands(file):
    """Return the commands that install what *file* pins."""
    return [("pip", "sync", file), ("pip", "install", "--require-hashes", "-r", file), ("sync", file)]


def _hashes(data, kind):
    return {
        "right": (f"sha256:{sha256(data).hexdigest()}",),
        "one of two": (f"sha256:{_WRONG[0]}", f"sha256:{sha256(data).hexdigest()}"),
        "sha512": (f"sha512:{sha512(data).hexdigest()}",),
        "wrong sha512": (f"sha512:{'0' * 128}",),
        "two wrong": tuple([f"sha256:{each}" for each in _WRONG]),
        "one wrong": (f"sha256:{_WRONG[0]}",),
        "wrong sha512 beside": (f"sha256:{sha256(data).hexdigest()}", f"sha512:{'0' * 128}"),
        "sha512 beside wrong": (f"sha256:{_WRONG[0]}", f"sha512:{sha512(data).hexdigest()}"),
        "wrong sha384 beside": (f"sha256:{sha256(data).hexdigest()}", f"sha384:{'0' * 96}"),
    }[kind]


@pytest.mark.parametrize("command", range(3), ids=("pip sync", "pip install", "sync"))
@pytest.mark.parametrize(
    ("kind", "installs"),
    [
        ("right", True),
        ("one of two", True),
        ("sha512", True),
        ("sha512 beside wrong", True),
        ("wrong sha512", False),
        ("two wrong", False),
        ("one wrong", False),
        ("wrong sha512 beside", False),
        ("wrong sha384 beside", False),
    ],
)
def test_a_file_of_the_cache_serves_only_whom_its_hash_suits(puffin, index, env, kind, installs, command):
    filename, data = forge_wheel("alpha", "1.0")
    index.add(filename, data, hashes=False)
    assert puffin("pip", "install", "alpha==1.0", "-i", index.url).code == 0
    puffin.venv("--clear")
    hashes = " ".join(f"--hash={each}" for each in _hashes(data, kind))
    puffin.file("pinned.txt", f"alpha==1.0 {hashes}\n")
    done = puffin(*commands("pinned.txt")[command], "-i", index.url)
    assert (done.code == 0) is installs, done.err
    assert env.installed() == ({"alpha": "1.0"} if installs else {})
    if not installs:
        assert "alpha" in done.err
        assert "hash" in done.err.lower()


def test_what_one_environment_fetches_serves_only_those_whose_hash_it_has(puffin, index):
    filename, data = forge_wheel("alpha", "1.0")
    index.add(filename, data, hashes=False)
    puffin.file("good/requirements.txt", f"alpha==1.0 --hash=sha512:{sha512(data).hexdigest()}\n")
    puffin.file("wrong/requirements.txt", f"alpha==1.0 --hash=sha512:{'0' * 128}\n")
    done = puffin("sync", "*/requirements.txt", "-i", index.url)
    assert done.code == 3, done.err
    assert Env(puffin.cwd / "good/.venv").installed() == {"alpha": "1.0"}
    assert not (puffin.cwd / "wrong/.venv").exists()


def test_a_sync_of_many_notes_which_archives_it_used(puffin, index):
    index.add(*forge_wheel("alpha", "1.0"))
    puffin.file("requirements.txt", "alpha==1.0\n")
    assert puffin("sync", "requirements.txt", "-i", index.url).code == 0
    assert len(list(puffin.cache.glob("used-v0/*"))) == 1


def test_an_upgrade_leaves_what_is_the_newest_already(puffin, env, index):
    index.add(*forge_wheel("alpha", "1.0"))
    assert puffin("pip", "install", "alpha", "-i", index.url).code == 0
    done = puffin("pip", "install", "alpha", "-U", "-i", index.url)
    assert (done.code, done.err) == (0, "Resolved 1 package in [TIME]\nChecked 1 package in [TIME]\n")
    assert " ~ alpha==1.0\n" in puffin("pip", "install", "alpha", "-U", "--reinstall", "-i", index.url).err


@pytest.mark.parametrize("words", [("pip", "sync"), ("sync",)], ids=" ".join)
def test_all_that_is_built_without_isolation_comes_after_what_it_may_need(puffin, env, index, words):
    index.add(*forge_backend())
    index.add(*forge_wheel("lib", "1.0"))
    index.add(*forge_sdist("thing", needs=["nobody-has-this"], imports=["lib"], static=True))
    puffin.file("requirements.txt", "lib==1.0\nthing==1.0\ntoy==1.0\n")
    done = puffin(*words, "requirements.txt", "--no-build-isolation", "-i", index.url)
    assert done.code == 0, done.err
    assert env.installed() == {"lib": "1.0", "thing": "1.0", "toy": "1.0"}


@pytest.mark.parametrize("command", range(3), ids=("pip sync", "pip install", "sync"))
def test_what_is_too_new_does_not_exist_for_any_command(puffin, env, index, command):
    index.add(*forge_wheel("alpha", "1.0"))  # uploaded on 2024-01-01
    puffin.file("pinned.txt", "alpha==1.0\n")
    words = commands("pinned.txt")[command]
    words = [each for each in words if each != "--require-hashes"]
    said = puffin.file("puffin.toml", 'exclude-newer = "2024-01-01"\n')
    assert puffin(*words, "-i", index.url).code == 1
    assert env.installed() == {}
    said.unlink()
    assert puffin(*words, "-i", index.url).code == 0
    puffin.venv("--clear")
    puffin.file("puffin.toml", 'exclude-newer = "2024-01-01"\n')
    assert puffin(*words, "-i", index.url).code == 1, "found before or not"


def test_what_was_chosen_for_another_patch_release_of_python_does_not_count(puffin, index):
    """Tags are the same for all releases of a minor version; Requires-Python may not admit all of them."""
    index.add(*forge_wheel("alpha", "1.0"), requires_python=">=3.8.5")
    at = ("pip", "sync", "r.txt", "-i", index.url, "--target")
    puffin.file("r.txt", "alpha==1.0\n")
    assert puffin(*at, "one", "--python-version", "3.8.5").code == 0
    done = puffin(*at, "two", "--python-version", "3.8.4")
    assert (done.code, "it requires Python >=3.8.5" in done.err) == (1, True), done.err
