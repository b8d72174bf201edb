"""Worlds for the sweep: an environment, what changes it, and how it looks before, after and in between."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.helpers.cli import Env, Result
from tests.helpers.faults import of_packages
from tests.helpers.forked_cli import ForkedCommands, ForkedPuffin
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel

OLD = ("app==1", "lib==1", "ns-a==1", "ns-b==1", "gone==1", *(f"more{number}==1" for number in range(4)))
NEW = ("app==2", "lib==2", "ns-a==1", "ns-b==2", "fresh==1", *(f"more{number}==2" for number in range(4)))
FEW = ("app==1", "ns-b==1")
GONE = ("app", "ns-a", "lib", "more1")
ONE = ("pkg-a==1", "lib==1")
BOTH = ("pkg-a==1", "pkg-b==1", "lib==2")
BUILT = ("lib==1", "made==1", "other==1")
# what a package of OLD and NEW is imported by; each tells its version, or has none
MODULES = {
    "app": ("app", "app.deep.m"), "lib": ("lib",), "ns_a": ("ns.a",), "ns_b": ("ns.b",), "gone": ("gone",),
    "pkg_a": ("pkg.a",), "pkg_b": ("pkg.b", "pkg.deep.b"),
    "fresh": ("fresh",), **{f"more{number}": (f"more{number}", f"more{number}.m") for number in range(4)},
}  # fmt: skip
_IMPORTS = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        print(importlib.import_module(name).v)
    except Exception:
        print("-")
"""
Look = dict[str, bytes | str]


def text(pins: Sequence[str]) -> str:
    """Return the requirements file of *pins*."""
    return "".join(f"{pin}\n" for pin in pins)


def offer(directory: Path) -> None:
    """Fill a directory with the distributions of all requirements."""
    directory.mkdir(parents=True)
    wheels = [forge_backend()]
    for version in ("1", "2"):
        body = f"v = {version}\n"
        wheels += [
            forge_wheel(
                "app",
                version,
                {"app/__init__.py": body, "app/deep/m.py": body, f"app/only{version}.py": ""},
                entry_points={"app": "app:main"},
            ),
            forge_wheel("lib", version, {"lib.py": body}, data={"share/lib/x.txt": version}),
            *(forge_wheel(name, version, {f"{name}/__init__.py": body}) for name in ("gone", "fresh")),
            *(forge_wheel(f"ns-{x}", version, {f"ns/{x}.py": body, f"ns/{x}{version}.py": ""}) for x in "ab"),
        ]
        if version == "1":
            for x in "ab":
                files = {"pkg/__init__.py": "", f"pkg/{x}.py": body, f"pkg/deep/{x}.py": body}
                wheels.append(forge_wheel(f"pkg-{x}", version, files))
        for number in range(4):
            name = f"more{number}"
            wheels.append(forge_wheel(name, version, {f"{name}/__init__.py": body, f"{name}/m.py": body}))
    for name in ("made", "other"):
        wheels.append(forge_sdist(name, "1"))
    for filename, data in wheels:
        (directory / filename).write_bytes(data)


class Operation(NamedTuple):
    """A command: what it is run on, its words, and which requirements it leaves; ``()``: none of its business."""

    before: Sequence[str]
    words: Sequence[str]
    after: Sequence[str]
    environments: int = 1
    cold: bool = False
    mode: str = "hardlink"


OPERATIONS = {
    "upgrade": Operation(OLD, ("pip", "sync", "new.txt"), NEW),
    "shrink": Operation(OLD, ("pip", "sync", "few.txt"), FEW),
    "fresh": Operation((), ("pip", "sync", "new.txt"), NEW, cold=True),
    "many": Operation(OLD, ("sync", "env*/requirements.txt"), NEW, environments=3),
    "build": Operation(FEW, ("pip", "sync", "built.txt"), BUILT, cold=True),
    "uninstall": Operation(OLD, ("pip", "uninstall", *GONE), tuple(set(OLD) - {f"{name}==1" for name in GONE})),
    "tree": Operation(OLD, ("pip", "sync", "new.txt"), NEW, mode="tree"),
    "open": Operation(ONE, ("pip", "sync", "both.txt"), BOTH, mode="tree"),
    "prune": Operation(OLD, ("cache", "prune", "--unused-for", "0d"), OLD),
    "recovery": Operation(OLD, ("pip", "sync", "new.txt"), NEW),
}


class World:
    """An environment, or several, beneath *root*, and the commands of a tool on them."""

    def __init__(self, root: Path, name: str, commands: ForkedCommands, words: Sequence[str] = ()) -> None:
        self.name = name
        self.operation = OPERATIONS[name]
        self.root = root
        self.more = tuple(words)
        self.puffin = ForkedPuffin(root / "p", None, commands)
        self.links = root / "links"
        offer(self.links)
        for file, pins in (("old", OLD), ("new", NEW), ("few", FEW), ("both", BOTH), ("built", BUILT)):
            self.puffin.file(f"{file}.txt", text(pins))
        self.temporary = root / "tmp"
        self.temporary.mkdir()
        self.make()

    def make(self) -> None:
        """Make the environments, with what is in them before the operation."""
        count = self.operation.environments
        names = [".venv"] if count == 1 else [f"env{number}/.venv" for number in range(count)]
        self.envs = [self.puffin.venv(name=name) for name in names]
        for env in self.envs:
            (env.root.parent / "requirements.txt").write_text(text(self.operation.after))
            if not self.operation.cold:
                self.sync(env, NEW)
            if self.operation.before:
                self.sync(env, self.operation.before)

    def sync(self, env: Env, pins: Sequence[str]) -> None:
        self.puffin.file("some.txt", text(pins))
        done = self.puffin("pip", "sync", "some.txt", "-p", env.root, *self.place, env=self.environ)
        assert done.code == 0, done.err

    def repaired(self) -> list[Look]:
        """Return what the environments hold after a command that repairs them and changes nothing else."""
        for env in self.envs:
            self.run("pip", "uninstall", "nobody-has-this", "--dry-run", "-p", env.root)
        return self.state()

    @property
    def place(self) -> tuple[str, ...]:
        return ("--no-index", "--find-links", str(self.links))

    @property
    def environ(self) -> dict[str, str]:
        return self.puffin.environ(TMPDIR=str(self.temporary), PUFFIN_LINK_MODE=self.operation.mode)

    def command(self) -> list[str]:
        """Return the command line of the operation."""
        words = [sys.executable, "-m", "puffin", *self.operation.words]
        if self.name not in ("prune", "uninstall"):
            words += self.place
        return [*words, *self.more]

    def run(self, *words: object) -> Result:
        """Run a command of puffin that is not disturbed; the operation itself without words."""
        return self.puffin(*(words or self.command()[3:]), env=self.environ)

    def state(self) -> list[Look]:
        """Return what packages brought into each environment."""
        return [_plain(of_packages(env)) for env in self.envs]

    def look(self, old: list[Look], new: list[Look]) -> str:
        """Return what the environments are: ``old``, ``new``, ``mixed`` (each package imports), or ``broken``.

        Of several, one that is old makes them all old if the others are new. With ``--atomic`` site-packages counts:
        scripts follow one by one.
        """
        where = "site/" if "--atomic" in self.more else ""
        found = {
            _judge(env, *[_beneath(where, each) for each in sides])
            for env, *sides in zip(self.envs, self.state(), old, new, strict=True)
        }
        return next(each for each in ("broken", "mixed", "old", "new") if each in found)

    def complaints(self, new: list[Look]) -> list[str]:
        """Return what is not as it should be after a rerun."""
        found = [f"`{path}` differs" for path in _differences(self.state(), new)[:5]]
        for env in self.envs:
            found += self._of_environment(env)
        if self.name == "prune":
            served = self.run("pip", "sync", "new.txt", *self.place)
            found += [f"a sync after it: {served.code}: {served.err}"] * bool(served.code)
        if self._temporaries():
            self.puffin.file("nobody.txt", "nobody-has-this==1\n")
            self.run("pip", "sync", "nobody.txt", "--no-index")  # what looks for files collects them
        return found + [f"left: {name}" for name in self._temporaries()]

    def _temporaries(self) -> list[str]:
        room = self.puffin.cache / "tmp-v0"
        return [*os.listdir(self.temporary), *(os.listdir(room) if room.is_dir() else ())]

    def _of_environment(self, env: Env) -> list[str]:
        own = env.root / ".puffin"
        found = [
            f"left: .puffin/{name}"
            for name in (os.listdir(own) if own.is_dir() else ())
            if name not in ("lock", "state")
        ]
        verified = self.run("verify", "--deep", "-p", env.root)
        if verified.code:
            found.append(f"verify --deep: {verified.code}: {verified.out}{verified.err}")
        frozen = self.run("pip", "freeze", "-p", env.root)
        listed = sorted(line.partition(" @ ")[0] for line in frozen.out.splitlines())
        if listed != _names(listed, self.operation.after):
            found.append(f"freeze: {listed}")
        return found


def _names(listed: list[str], pins: Sequence[str]) -> list[str]:
    """Return what freeze lists for *pins*."""
    return sorted(pin if pin in listed else pin.partition("==")[0] for pin in pins)


def _plain(look: Mapping[str, bytes | str | None]) -> Look:
    return {path: content for path, content in look.items() if content is not None}


def _beneath(where: str, look: Look) -> Look:
    return {path: content for path, content in look.items() if path.startswith(where)}


def _judge(env: Env, now: Look, old: Look, new: Look) -> str:
    if now == old:
        return "old"
    if now == new:
        return "new"
    return "mixed" if _imports(env, old, new) else "broken"


def _imports(env: Env, old: Look, new: Look) -> bool:
    """Tell whether each package that is to be there imports, with one version in all of its modules."""
    sides = [
        {path.split("/")[1].partition("-")[0] for path in side if ".dist-info/" in path} for side in (old, new)
    ]
    asked = {name: MODULES.get(name, (name,)) for name in sorted(sides[0] | sides[1])}
    words = [module for modules in asked.values() for module in modules]
    try:
        done = subprocess.run([env.python, "-I", "-B", "-c", _IMPORTS, *words], capture_output=True, text=True)
    except OSError:
        return False
    told = iter(done.stdout.split())
    versions = {name: {next(told, "-") for _ in modules} for name, modules in asked.items()}
    must = sides[0] & sides[1]
    return all(len(each) == 1 and (name not in must or each != {"-"}) for name, each in versions.items())


def _differences(found: list[Look], wanted: list[Look]) -> list[str]:
    return [
        path
        for one, other in zip(found, wanted, strict=True)
        for path in sorted({*one, *other})
        if one.get(path) != other.get(path)
    ]


class Place:
    """Where a world is: it is restored from a copy that nothing disturbs; on ``overlay``, from a lower layer."""

    def __init__(self, on: str, make: Callable[[Path], World]) -> None:
        self._overlay = on == "overlay"
        base = Path("/dev/shm" if self._overlay else on)
        self._base = base / f"sweep-{os.getpid()}-{os.urandom(3).hex()}"
        self._base.mkdir(parents=True)
        self.root = self._base / "world"
        self._copy = self._base / "copy"
        self._mounted = False
        self.root.mkdir()
        self.world = make(self.root)
        if not self._overlay:
            subprocess.run(["cp", "-a", self.root, self._copy], check=True)

    def restore(self) -> None:
        """Bring back what was there at first."""
        if self._overlay:
            self._mount()
            return
        shutil.rmtree(self.root)
        subprocess.run(["cp", "-a", self._copy, self.root], check=True)

    def _mount(self) -> None:
        self._unmount()
        upper, work = self._base / "upper", self._base / "work"
        for path in (upper, work):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
        places = f"lowerdir={self.root},upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", places, self.root], check=True)
        self._mounted = True

    def _unmount(self) -> None:
        if self._mounted:
            subprocess.run(["umount", "-l", self.root], check=True)
            self._mounted = False

    def close(self) -> None:
        self._unmount()
        shutil.rmtree(self._base, ignore_errors=True)
