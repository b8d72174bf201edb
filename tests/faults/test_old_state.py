"""What another version of puffin left in the cache, or in an environment: it is read, or passed over and made anew."""

from __future__ import annotations

import marshal
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from puffin.cache.layout import Bucket
from tests.helpers.cli import Env, Puffin
from tests.helpers.forked_cli import ForkedCommands, ForkedPuffin
from tests.helpers.index_server import IndexServer
from tests.helpers.sdists import forge_backend, forge_sdist, write_project
from tests.helpers.wheels import forge_wheel

# what the files of each bucket are called that puffin reads back; all else there is content, or work in progress
ENTRIES = {
    Bucket.ARCHIVE: "*/*.manifest",
    Bucket.PYC: "*/*/*.manifest",
    Bucket.WHEELS: "*/*/*/*",
    Bucket.SIMPLE: "*/*",
    Bucket.PINS: "*/*",
    Bucket.METADATA: "*/*",
    Bucket.RESOLUTIONS: "*",
    Bucket.BUILT: "*/*/*.wheel/entry",
    Bucket.BUILD_ENVIRONMENTS: "*/.listing",
    Bucket.INTERPRETER: "*",
    Bucket.RUNS: "*",
    Bucket.USED: "*",
    Bucket.LOCKS: "*",
}
FORMS = {
    "nothing": lambda data: b"",
    "garbage": lambda data: b"\x00\xff\x13 neither \x00" * 9,
    "half of it": lambda data: data[: len(data) // 2],
    "another version": lambda data: data.replace(b"1", b"7").replace(b"0", b"7")[:64] + data[64:],
    "JSON": lambda data: b'{"version": 0, "files": []}\n',
    "values of another shape": lambda data: (
        data.partition(b"\n")[0] + b"\n" + marshal.dumps({"version": (9, None)})
    ),
    "a list in place of a mapping": lambda data: (
        data.partition(b"\n")[0] + b"\n" + marshal.dumps([1, "a", b"c"])
    ),
}


class Shop:
    """Environments of every kind, and the commands that make them, or look at them."""

    def __init__(self, puffin: Puffin, index: IndexServer) -> None:
        self.puffin = puffin
        self.index = index
        index.add(*forge_backend())
        index.add(*forge_wheel("alpha", "1.0", requires=["beta"]))
        index.add(*forge_wheel("beta", "1.0"))
        index.add(*forge_sdist("src"))
        puffin.file("pins.txt", "alpha==1.0\nbeta==1.0\nsrc==1.0\n")
        puffin.file("a.in", "alpha\nsrc\n")
        puffin.file("b.in", "alpha\n")
        puffin.file("puffin.toml", '[envs.x]\nrequirements = ["a.in"]\npath = "x"\n')
        write_project(puffin.cwd / "proj", "proj", static=True, requires=["beta"])
        for name in ("synced", "installed"):
            puffin.venv(name=name)
        self.round = 0

    def run(self) -> None:
        """Run every command that reads the cache or an environment, and hold what comes of it."""
        shutil.rmtree(self.puffin.cwd / f"fresh-{self.round}", ignore_errors=True)
        self.round += 1
        fresh = f"fresh-{self.round}"
        self._do("venv", fresh)
        everything = {"alpha": "1.0", "beta": "1.0", "src": "1.0"}
        for name in ("synced", fresh):
            self._do("pip", "sync", "pins.txt", "-p", name, "--compile-bytecode", "--executor", "inline")
            assert Env(self.puffin.cwd / name).installed() == everything
        self._do("pip", "install", "-e", "proj", "-r", "a.in", "-p", "installed", "--executor", "inline")
        assert Env(self.puffin.cwd / "installed").installed() == {**everything, "proj": "1.0"}
        self._do("lock")
        self._do("sync", "--executor", "inline")
        assert Env(self.puffin.cwd / "x").installed() == everything
        self._do("pip", "compile", "b.in", "-o", "b.txt")
        self._do("pip", "compile", "a.in", "-o", "out.txt")
        assert "alpha==1.0\n" in (self.puffin.cwd / "out.txt").read_text()
        for words in (("pip", "list"), ("pip", "freeze"), ("pip", "check"), ("verify",)):
            self._do(*words, "-p", "synced")
        self._do("envs")
        self._do("cache", "size")

    def _do(self, *words: str) -> None:
        asks = words[0] in ("sync", "lock") or words[1:2] in (("sync",), ("install",), ("compile",))
        done = self.puffin(*words, *(["-i", self.index.url] if asks else []))
        assert done.code == 0, (words, done.err)
        assert "bug" not in done.err


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, interpreters: Path, commands: ForkedCommands
) -> Iterator[Shop]:
    """What each test damages, and leaves as it was."""
    with IndexServer() as index:
        found = Shop(ForkedPuffin(tmp_path_factory.mktemp("shop"), interpreters, commands), index)
        found.run()
        yield found


def write(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.unlink()  # another link of it may be in an environment
    path.write_bytes(data)


@pytest.mark.parametrize("bucket", ENTRIES)
def test_entries_of_a_bucket(shop: Shop, bucket: str) -> None:
    seen = 0
    for form in FORMS.values():
        for path in shop.puffin.cache.joinpath(bucket).glob(ENTRIES[bucket]):
            if path.is_symlink():
                target = os.fsencode(os.readlink(path))
                path.unlink()
                path.symlink_to(os.fsdecode(form(target).replace(b"\0", b"") or b"nowhere"))
            elif path.is_file():
                write(path, form(path.read_bytes()))
            else:
                continue
            seen += 1
        shop.run()
    assert seen
    shop._do("cache", "prune")


@pytest.mark.parametrize("form", FORMS)
def test_the_state_of_an_environment(shop: Shop, form: str) -> None:
    for path in sorted(shop.puffin.cwd.glob("*/.puffin/state")):
        write(path, FORMS[form](path.read_bytes()))
    shop.run()


def test_buckets_and_files_that_nobody_knows(shop: Shop) -> None:
    for bucket in [name for name in vars(Bucket) if name.isupper()]:
        name = getattr(Bucket, bucket)
        later = shop.puffin.cache / name.replace("-v0", "-v9") / "ab"
        later.mkdir(parents=True)
        (later / "entry").write_bytes(b"of a later version")
        (shop.puffin.cache / name).mkdir(exist_ok=True)
        (shop.puffin.cache / name / "stray").write_bytes(b"of nobody")
    (shop.puffin.cache / "stray").write_bytes(b"of nobody")
    shop.run()
    shop._do("cache", "prune")
    shop.run()


def test_environments_without_a_state(shop: Shop) -> None:
    for path in sorted(shop.puffin.cwd.glob("*/.puffin/state")):
        path.unlink()
    shop.run()
