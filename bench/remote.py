"""Measures a second, empty machine with a remote cache beside the same without: ``python -m bench.remote PUFFIN``.

A measurement is a pair of runs, one with the cache and one without, in alternating order. The result is the median of
the ratios of the pairs. Distributions are forged, or those of ``--wheels``. Each request to the index is delayed by
20 ms, which stands for the way to a public index. Requests to the cache are not delayed. ``--case`` selects what is
measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from bench.indexes import BIG, SDISTS, Indexes
from bench.many import ManyBench, ManyCase
from bench.rounds import Setting
from bench.server import CHECKOUT, IndexServer, free_port, wait_until_open
from bench.tools import Tool
from tests.helpers.remote_cache import RemoteCacheServer

KEY = "0123456789abcdef0123456789abcdef"
PACKS = "PUFFIN_REMOTE_CACHE_PACKS"
RATE = 2 << 20  # bytes a second of each connection to a narrow index
CASES = ("table", "big", "narrow", "bytecode", "many")
KINDS = ("wheels", "sdists", "bytecode")
BROKEN = ("dead", "slow", "hanging", "500", "truncating", "lying", "full")
SERVERS = ("nginx", "s3", "bazel", *BROKEN)  # s3 is moto's server, bazel one with the rules of bazel-remote
BY_WORDS = {"sdists": (), "wheels": (), "bytecode": ("--compile-bytecode",)}
_SOME = 40  # small wheels of the table
_BUILD = "1"  # seconds of a build, at the least that real ones take

_NGINX = """
daemon off; worker_processes 1; pid {root}/pid; error_log {root}/errors; {user}
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000; client_body_temp_path {root}/tmp;
  proxy_temp_path {root}/t1; fastcgi_temp_path {root}/t2; uwsgi_temp_path {root}/t3; scgi_temp_path {root}/t4;
  server {{
    listen 127.0.0.1:{port}; root {root}/objects; client_max_body_size 0;
    location ~ "^/(cas|ac)/[0-9a-f]{{64}}$" {{ dav_methods PUT; create_full_put_path on; }}
  }}
}}
"""


class Machines:
    """Machines with caches of their own, one for each run, beneath *scratch*."""

    def __init__(self, puffin: str, python: str, scratch: Path) -> None:
        self._puffin, self._python, self._scratch = puffin, python, scratch

    def run(self, pins: Path, index: str, words: tuple[str, ...], **environ: str) -> tuple[float, float]:
        """Return the wall and the CPU seconds of a synchronisation by a new machine."""
        room = Path(tempfile.mkdtemp(dir=self._scratch))
        plain = {
            name: value for name, value in os.environ.items() if not name.startswith(("PUFFIN", "PIP", "UV"))
        }
        plain |= {"PUFFIN_REMOTE_CACHE_KEY": KEY, PACKS: "1", "HOME": str(room), **environ}
        plain.pop("PYTHONDONTWRITEBYTECODE", None)
        try:
            where = ("--cache-dir", str(room / "cache"))
            subprocess.run(
                [self._puffin, "venv", "-q", "-p", self._python, str(room / "env"), *where],
                env=plain,
                check=True,
            )
            asked = [self._puffin, "pip", "sync", str(pins), "-p", str(room / "env"), *where, "-q", "-i", index]
            measured = [sys.executable, str(CHECKOUT / "bench" / "measure.py"), *asked, *words]
            done = subprocess.run(measured, env=plain, capture_output=True, text=True, check=True)
            *said, line = done.stdout.splitlines()
            told = json.loads(line)
            if told["code"]:
                raise SystemExit("\n".join((" ".join(asked), *said, done.stderr)))
            return told["wall"], told["user"] + told["system"]
        finally:
            shutil.rmtree(room, ignore_errors=True)


def pairs(
    machines: Machines, rounds: int, one: tuple[Path, str, tuple[str, ...]], other: tuple[Path, str, tuple[str, ...]],
    **environ: str,
) -> str:  # fmt: skip
    """Return the medians of wall and CPU seconds of *one* and *other*, and of the ratios of one to the other."""
    found: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for number in range(rounds):
        if number % 2:
            second = machines.run(*other, **environ)
            found.append((machines.run(*one, **environ), second))
        else:
            first = machines.run(*one, **environ)
            found.append((first, machines.run(*other, **environ)))
    return compared(found)


def compared(found: list[tuple[tuple[float, float], tuple[float, float]]]) -> str:
    """Return the medians of the wall and of the CPU seconds of pairs of runs, and of their ratios."""
    cells = []
    for each in (0, 1):
        ratio = statistics.median([ours[each] / theirs[each] for ours, theirs in found])
        ours, theirs = (statistics.median([pair[side][each] for pair in found]) for side in (0, 1))
        cells.append(f"{ours:.2f} / {theirs:.2f} s = {ratio:.2f}")
    return " | ".join(cells)


@contextmanager
def nginx(scratch: Path) -> Iterator[str]:
    """Serve a remote cache by nginx; yield its URL."""
    root, port = scratch / "nginx-cache", free_port()
    (root / "objects").mkdir(parents=True)
    (root / "tmp").mkdir()
    configuration = root / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(_NGINX.format(root=root, port=port, user=user))
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
    process = subprocess.Popen([program, "-e", f"{root}/errors", "-p", str(root), "-c", str(configuration)])
    wait_until_open(port, process)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def bucket(python: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve a bucket by moto's server; yield its URL, and the variables that lead there."""
    port = free_port()
    environ = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([shutil.which("moto_server") or "", "-H", "127.0.0.1", "-p", str(port)], **quiet)
    try:
        wait_until_open(port, process)
        made = "import s3fs; s3fs.S3FileSystem().mkdir('wheels')"
        subprocess.run([python, "-c", made], env={**os.environ, **environ}, check=True)
        yield "s3://wheels/linux", environ
    finally:
        process.terminate()
        process.wait()


def table(
    machines: Machines, indexes: Indexes, puffin: str, scratch: Path, rounds: int, servers: list[str]
) -> None:
    """Print a row for each server and kind: seconds with and without the cache."""
    some = scratch / "some.txt"
    indexes.url(f"small-{_SOME}", late=True)
    names = sorted(
        path.name for path in (scratch / "root" / f"small-{_SOME}" / "simple").iterdir() if path.is_dir()
    )
    some.write_text("".join(f"{name}==1.0\n" for name in names))
    print("\n| server | kind | wall: with / without = ratio | CPU |\n|---|---|---|---|")
    for server in servers:
        for kind in KINDS:
            pins = SDISTS if kind == "sdists" else some
            index = indexes.url("sdists" if kind == "sdists" else f"small-{_SOME}", late=True)
            with ExitStack() as stack:
                environ: dict[str, str] = {}
                fake = RemoteCacheServer("" if server in ("nginx", "s3", "dead") else "strict")
                if server == "nginx":
                    url = stack.enter_context(nginx(scratch))
                elif server == "s3":
                    url, environ = stack.enter_context(bucket(str(Path(puffin).parent / "python")))
                elif server == "dead":
                    url = f"http://127.0.0.1:{free_port()}"
                else:
                    url = stack.enter_context(fake).url
                if kind == "sdists":
                    environ = {**environ, "FORGED_BUILD_SECONDS": _BUILD}
                words = (*BY_WORDS[kind], "--remote-cache", url)
                machines.run(pins, index, (*words, "--remote-cache-write"), **environ)
                if server in BROKEN:
                    fake.mode = server
                    fake.misbehaves = {"full": ("PUT",), "hanging": ("GET",)}.get(server, fake.misbehaves)
                more = ("--remote-cache-write",) if server == "full" else ()
                one = pins, index, (*words, *more)
                told = pairs(machines, rounds, one, (pins, index, BY_WORDS[kind]), **environ)
                print(f"| {server} | {kind} | {told} |", flush=True)


def bounds(machines: Machines, indexes: Indexes, names: list[str], scratch: Path, rounds: int) -> None:
    """Print the cases of many wheels: the first machine has filled the cache."""
    print("\n| case | wall: with / without = ratio | CPU |\n|---|---|---|")
    with nginx(scratch) as url, IndexServer(scratch / "root", scratch / "narrow-server", rate=RATE) as narrow:
        late = indexes.url("wheels", late=True)
        with_cache, compiled = ("--remote-cache", url), ("--compile-bytecode",)
        filling = compiled if "bytecode" in names else ()
        machines.run(BIG, late, (*with_cache, *filling, "--remote-cache-write"))
        slow = f"http://127.0.0.1:{narrow.port}/wheels/simple/"
        if "big" in names:
            runs = (BIG, late, with_cache), (BIG, late, ())
            print(f"| 189 wheels, 20 ms | {pairs(machines, rounds, *runs)} |", flush=True)
            told = pairs(machines, rounds, *runs, **{PACKS: ""})
            print(f"| the same without packs | {told} |", flush=True)
        if "narrow" in names:
            one, other = (BIG, slow, with_cache), (BIG, slow, ())
            print(f"| 189 wheels, 2 MiB/s a connection | {pairs(machines, rounds, one, other)} |", flush=True)
        if "bytecode" in names:
            one, other = (BIG, late, (*with_cache, *compiled)), (BIG, late, with_cache)
            print(f"| with bytecode / without bytecode | {pairs(machines, rounds, one, other)} |", flush=True)


class SecondMachines(ManyBench):
    """Syncs 20 environments on new machines that have the key of the cache, and take packs."""

    def variables(self, virtual_env: Path) -> dict[str, str]:
        """Return the variables of a run."""
        return {**super().variables(virtual_env), "PUFFIN_REMOTE_CACHE_KEY": KEY, PACKS: "1"}


def many(setting: Setting, scratch: Path, rounds: int) -> None:
    """Print what 20 environments take on a second machine, beside uv and beside puffin without the cache."""
    puffin, uv = setting.tools
    with nginx(scratch) as url, SecondMachines(scratch, setting) as bench:
        words = ("--remote-cache", url)
        plain = ManyCase(name="cold", title="", fresh_cache=True, late=True)
        second = replace(plain, name="second", options={"puffin": words})
        filling = replace(plain, name="first", options={"puffin": (*words, "--remote-cache-write")})
        bench.prepared_run(puffin, filling)
        turns = [(puffin, second), (puffin, plain), (uv, plain)]
        found: dict[int, list[tuple[float, float]]] = {0: [], 1: [], 2: []}
        for number in range(rounds):
            for place in sorted(found, key=lambda each: (each + number) % len(turns)):
                figures = bench.prepared_run(*turns[place])
                found[place].append((figures["wall"], figures["user"] + figures["system"]))
    print("\n| 20 environments, 20 ms | wall: with / the other = ratio | CPU |\n|---|---|---|")
    for place, name in ((2, "uv"), (1, "puffin without")):
        print(f"| {name} | {compared(list(zip(found[0], found[place], strict=True)))} |", flush=True)


def main(argv: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.remote", description=__doc__)
    parser.add_argument("puffin")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--on", default=None)
    parser.add_argument("--kept", type=Path, default=None, help="where forged distributions are kept")
    fetched = "measure wheels that were fetched in the place of forged ones; where they are kept"
    parser.add_argument("--wheels", type=Path, default=None, help=fetched)
    parser.add_argument("--uv", default="uv", help="uv, for the case `many`")
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--server", nargs="+", choices=SERVERS, default=list(SERVERS))
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="puffin-bench-", dir=options.on) as made:
        scratch = Path(made)
        for name in ("root", "server", "narrow-server", "kept"):
            (scratch / name).mkdir()
        machines = Machines(options.puffin, options.python, scratch)
        with (
            IndexServer(scratch / "root", scratch / "server") as server,
            Indexes(
                scratch / "root",
                server,
                kept=options.wheels or options.kept or scratch / "kept",
                python=options.python,
                hermetic=options.wheels is None,
                real="",
            ) as indexes,
        ):
            if "table" in options.case:
                table(machines, indexes, options.puffin, scratch, options.rounds, options.server)
            if set(options.case) - {"table", "many"}:
                bounds(machines, indexes, options.case, scratch, options.rounds)
            if "many" in options.case:
                tools = [
                    Tool(name=kind, kind=kind, executable=executable, version="")
                    for kind, executable in (("puffin", options.puffin), ("uv", options.uv))
                ]
                setting = Setting(
                    options=argparse.Namespace(link_mode="hardlink"),
                    tools=tools,
                    server=server,
                    indexes=indexes,
                    python=options.python,
                )
                many(setting, scratch, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
