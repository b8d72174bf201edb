"""Kills while environments on a cluster change: ``python -m tests.faults.cluster_kills --kills 24``.

Two machines, each with a home and a cache of its own, go from one version of all packages to the next by
``puffin sync --on``. At a moment that a seed decides, a worker, the scheduler or the driver is killed. Then every
environment must be the old or the new one, a rerun must make all of them the new one, and no source may have been built
more than twice. A run that does not end is a failure.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.helpers.dask_farm import Farm
from tests.helpers.forked_cli import ForkedCommands, ForkedPuffin
from tests.helpers.index_server import IndexServer
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel

START, FILES, CHANGE = "start", "first file", "change"  # the run, the first file on a machine, its transaction
VICTIMS = ("worker", "scheduler", "driver")
LIBS, MACHINES, HANG = 6, 2, 180.0


class World:
    """An index, a driver and machines, whose scheduler and workers come and go."""

    def __init__(self, root: Path, index: IndexServer, commands: ForkedCommands) -> None:
        self.root, self.index = root, index
        self.puffin = ForkedPuffin(root / "driver", None, commands)
        self.told = root / "told"
        self.homes = [root / f"machine{number}" for number in range(MACHINES)]
        for home in self.homes:
            home.mkdir()
        index.add(*forge_backend())
        self._farms = 0
        self.farm = self.started()

    def started(self) -> Farm:
        self._farms += 1
        self.farm = Farm(self.root / f"farm{self._farms}")
        for home in self.homes:
            self.farm.worker(env=self.machine(home))
        return self.farm.ready()

    @staticmethod
    def machine(home: Path) -> dict[str, str]:
        return {"HOME": str(home), "PUFFIN_CACHE_DIR": str(home / "cache")}

    def publish(self, version: int) -> None:
        """Put a version of all packages on the index, and write the requirements for it."""
        pins = []
        for number in range(LIBS):
            files = {f"lib{number}/m{part}.py": f"V = {version}\n" * 50 for part in range(40)}
            self.index.add(
                *forge_wheel(f"lib{number}", f"{version}.0", {f"lib{number}/__init__.py": "", **files})
            )
            pins.append(f"lib{number}=={version}.0")
        name = f"made{version}"
        self.index.add(*forge_sdist(name, told=self.told))
        self.puffin.file(f"{version}.txt", "\n".join((*pins, f"{name}==1.0", "")))

    def sync(self, version: int) -> "subprocess.Popen[str]":
        words = ("sync", f"{version}.txt", "-i", self.index.url, "--on", self.farm.address, "--path", "~/env")
        return subprocess.Popen(
            [sys.executable, "-m", "puffin", *words], cwd=self.puffin.cwd, stderr=subprocess.PIPE, text=True,
            env=self.puffin.environ(PUFFIN_SCHEDULER_TIMEOUT="8"), start_new_session=True,
        )  # fmt: skip

    def look(self, event: str) -> list[str]:
        """Return the names that change when *event* happens on the machine whose worker is killed."""
        home = self.homes[-1]
        places = {FILES: home / "cache" / "tmp-v0", CHANGE: home / "env" / ".puffin", START: home / "nowhere"}
        try:
            return sorted(os.listdir(places[event]))
        except OSError:
            return []

    def state(self, home: Path, version: int) -> str:
        """Return whether the environment of a machine is the ``old`` or the ``new`` one, after its repair.

        A machine whose driver was killed goes on; so it may become the new one between two looks.
        """
        for which, number in (("new", version), ("old", version - 1), ("new", version)):
            words = (
                "pip",
                "sync",
                f"{number}.txt",
                "-i",
                self.index.url,
                "-p",
                home / "env",
                "--check",
                "--verify",
            )
            done = self.puffin(*words, "--cache-dir", home / "cache")
            if done.code == 0:
                return which
        return f"neither: {done.err}"

    def builds(self, version: int) -> int:
        lines = self.told.read_text().splitlines() if self.told.exists() else []
        return sum(line.split()[:2] == ["wheel", f"made{version}"] for line in lines)


def one(world: World, version: int, victim: str, event: str, moment: float) -> tuple[str, list[str]]:
    """Do one kill *moment* seconds after *event*; return what it came to in a line, and what went wrong."""
    before = world.look(event)
    run = world.sync(version)
    while run.poll() is None and event != START and world.look(event) == before:
        time.sleep(0.002)
    ended = False
    try:
        run.wait(moment)
        ended = True
    except subprocess.TimeoutExpired:
        kill(world, run, victim)
    wrong = []
    try:
        _, told = run.communicate(timeout=HANG)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        _, told = run.communicate()
        wrong.append("the driver hangs")
    if "Traceback" in told:
        wrong.append(told)
    states = [world.state(home, version) for home in world.homes]
    wrong += [state for state in states if state not in ("old", "new")]
    if victim != "driver":
        world.farm.__exit__()
        world.started()
    again = world.sync(version)
    _, told = again.communicate(timeout=HANG)
    after = [world.state(home, version) for home in world.homes]
    if again.returncode or set(after) != {"new"}:
        wrong.append(f"the rerun ended with {again.returncode} and {after}: {told}")
    if world.builds(version) > 2:
        wrong.append(f"built {world.builds(version)} times")
    if ended and run.returncode:
        wrong.append(f"the driver failed by itself: {told}")
    how = "over already" if ended else f"exit {run.returncode}"
    said = next((line for line in told.splitlines() if line.startswith("error: ")), "")
    came = f"{how:13} {' '.join(states):8} built {world.builds(version)}  {said}"
    return f"{victim:9} {moment:5.2f} s after {event:10}  {came}", wrong


def kill(world: World, run: "subprocess.Popen[str]", victim: str) -> None:
    if victim == "driver":
        os.killpg(run.pid, signal.SIGKILL)
    elif victim == "scheduler":
        world.farm.scheduler.kill()
    else:
        world.farm.workers[-1].kill()


def kills(root: Path, count: int, seed: int, victims: "tuple[str, ...]" = VICTIMS) -> list[str]:
    """Do *count* kills in turn; return what went wrong."""
    chance, wrong = random.Random(seed), []
    with IndexServer() as index, ForkedCommands() as commands:
        world = World(root, index, commands)
        try:
            for version in range(1, count + 3):
                world.publish(version)
            for version in (1, 2):  # the second is as the others, undisturbed
                began = time.monotonic()
                run = world.sync(version)
                _, told = run.communicate(timeout=HANG)
                assert run.returncode == 0, told
            usual = time.monotonic() - began
            for number in range(count):
                victim = victims[number % len(victims)]
                event = (START, FILES, CHANGE)[number // len(victims) % 3]
                moment = chance.uniform(0.3, 0.9) * usual if event == START else chance.uniform(0, 0.4)
                line, bad = one(world, number + 3, victim, event, moment)
                print(f"{number + 1:3} {line}", *bad, flush=True)
                wrong += bad
        finally:
            world.farm.__exit__()
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        wrong = kills(Path(root), options.kills, options.seed)
    print(f"{options.kills} kills, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
