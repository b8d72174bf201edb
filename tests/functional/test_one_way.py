"""One environment and many, pins and requirements: which file of the cache serves a pin is decided once."""

from hashlib import sha256, sha512

import pytest

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
