"""Measures clusters: ``python -m bench.cluster builds metadata machines``; without a name, all of them.

Each figure is that of a scheduler and workers that were just started: processes of this machine, each worker with a
home and a cache of its own, and with one thread. The driver has an empty cache too. The index runs in this process, on
the loopback interface. Of the rounds, the first one does not count; one worker and many take turns.

builds      60 source distributions, each of which sleeps for a second, by ``pip sync --executor``
metadata    the same by ``pip compile --executor``, which has to build all of them for their metadata
machines    40 wheels of 30 files, by ``sync --on``: each worker is a machine
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.helpers.cli import Puffin
from tests.helpers.dask_farm import Farm
from tests.helpers.index_server import IndexServer
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel

Command = Callable[[Puffin, Farm, IndexServer], tuple[object, ...]]


def sources(index: IndexServer, sleep: float) -> list[str]:
    """Put 60 source distributions on the index that sleep in their build; return their names."""
    index.add(*forge_backend())
    names = [f"made{number}" for number in range(60)]
    for name in names:
        index.add(*forge_sdist(name, wait=sleep, backend="toy_plain"))
    return names


def wheels(index: IndexServer, _sleep: float) -> list[str]:
    """Put 40 wheels on the index; return their names."""
    names = [f"lib{number}" for number in range(40)]
    for name in names:
        index.add(*forge_wheel(name, "1.0", {f"{name}/m{part}.py": f"V = {part}\n" * 99 for part in range(30)}))
    return names


def by_sync(puffin: Puffin, farm: Farm, index: IndexServer) -> tuple[object, ...]:
    return "pip", "sync", "pins.txt", "-i", index.url, "--executor", farm.address, "-p", "env"


def by_compile(puffin: Puffin, farm: Farm, index: IndexServer) -> tuple[object, ...]:
    return "pip", "compile", "names.in", "-i", index.url, "--executor", farm.address


def on_machines(puffin: Puffin, farm: Farm, index: IndexServer) -> tuple[object, ...]:
    return "sync", "pins.txt", "-i", index.url, "--on", farm.address, "--path", "~/env"


CASES: dict[str, tuple[Callable[[IndexServer, float], list[str]], Command, int, float]] = {
    "builds": (sources, by_sync, 4, 0.3),
    "metadata": (sources, by_compile, 4, 0.3),
    "machines": (wheels, on_machines, 8, 1.3),
}


def run(name: str, workers: int, sleep: float, keep: str) -> tuple[float, float, int]:
    """Return the wall time, the CPU time of the driver and the number of files that the index was asked for."""
    publish, command, _, _ = CASES[name]
    with tempfile.TemporaryDirectory() as place, IndexServer() as index:
        root, names = Path(place), publish(index, sleep)
        puffin = Puffin(root / "driver")
        puffin.executor = ""
        (puffin.cwd / "pins.txt").write_text("".join(f"{each}==1.0\n" for each in names))
        (puffin.cwd / "names.in").write_text("\n".join(names))
        if name == "builds":
            assert puffin("venv", "env").code == 0
        with Farm(root / "farm") as farm:
            for _ in range(workers):
                farm.worker()
            farm.ready()
            began, used = time.perf_counter(), _used()
            done = puffin(*command(puffin, farm, index))
            seconds, cpu = time.perf_counter() - began, _used() - used
            assert done.code == 0, done.err
        if keep:
            shutil.copytree(puffin.cache / "runs-v0", Path(keep) / f"{name}-{workers}", dirs_exist_ok=True)
        files = [each.path for each in index.requests if "/files/" in each.path]
        assert name != "machines" or len(files) == len(set(files)) == len(names), "each file comes once"
        return seconds, cpu, len(files)


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print a table with the medians of one worker and of many."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sleep", type=float, default=1.0, help="seconds of each build")
    parser.add_argument("--keep", default="", help="a directory that keeps the records of the last runs")
    options = parser.parse_args()
    print("| case | one worker | many | ratio | bound | files from the index |\n|---|---|---|---|---|---|")
    for name in options.cases or CASES:
        many, bound = CASES[name][2:]
        found: dict[int, list[tuple[float, float, int]]] = {1: [], many: []}
        for number in range(options.rounds + 1):
            for workers in (1, many) if number % 2 else (many, 1):
                measured = run(name, workers, options.sleep, options.keep)
                if number or not options.rounds:
                    found[workers].append(measured)
        one, several = (median([seconds for seconds, _, _ in found[count]]) for count in (1, many))
        ratio = median([b[0] / a[0] for a, b in zip(found[1], found[many], strict=True)])
        files = sorted({files for rows in found.values() for *_, files in rows})
        print(
            f"| {name} | {one:.1f} | {several:.1f} with {many} | {ratio:.2f} | {bound} | {files} |", flush=True
        )


if __name__ == "__main__":
    main()
