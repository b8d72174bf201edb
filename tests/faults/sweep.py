"""The sweep: a command is killed at every system call that changes something, and looked at before and after a rerun.

    python -m tests.faults.sweep --operation upgrade --on /dev/shm --every 3 --json out.json
    python -m tests.faults.sweep --operation many --fault error=ENOSPC --on overlay
    python -m tests.faults.sweep --operation upgrade --second TERM

``--fault`` puts an error into the calls instead of a kill. ``--second`` sends SIGINT in the middle and another signal
at each call after it. ``--on overlay`` puts all into a lower layer of an overlay, in a mount namespace of its own.

A row says how often it was tried and what the environments were before the rerun: old, new, mixed (each package
imports, old or new) or broken. What is not as it should be is listed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.other_tools import WORLDS
from tests.faults.worlds import OPERATIONS, Place, World
from tests.helpers import syscalls
from tests.helpers.forked_cli import ForkedCommands
from tests.helpers.syscalls import CHANGING, Call, Ended

STATES = ("old", "new", "mixed", "broken")
ERRORS = (
    "ENOSPC", "EIO", "EDQUOT", "EACCES", "EPERM", "EROFS", "EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "EXDEV", "ENOLCK",
    "EINTR", "ELOOP",
)  # fmt: skip
# calls that fail with an error may, in what is about the world; opens that change nothing too
FAILING = (
    *CHANGING,
    "flock",
    "getdents64",
    "newfstatat",
    "statx",
    "read",
    "lseek",
    "clone",
    "clone3",
    "pipe2",
    "socket",
)
_SAFE = {0, 1, 2, 3, 75}  # how a command may end when a call fails: all but what says "a bug in puffin"


class Row(NamedTuple):
    """What a sweep found; *wrong* is what is not as it should be, by the call that it began with."""

    operation: str
    place: str
    fault: str
    tried: int
    states: dict[str, int]
    healed: int
    wrong: list[tuple[str, list[str]]]

    @property
    def usable(self) -> int:
        return self.tried - self.states.get("broken", 0)


class Sweep:
    """One operation at one place, disturbed again and again."""

    def __init__(self, operation: str, on: str, *, words: Sequence[str] = (), tool: str = "puffin") -> None:
        self.operation = operation
        self.on = on
        self._words = tuple(words)
        self._tool = tool
        self._commands = ForkedCommands().__enter__()
        self._place = Place(on, self._make)
        self.world = self._place.world
        self._place.restore()

    def __enter__(self) -> Sweep:
        return self

    def __exit__(self, *_: object) -> None:
        self._place.close()
        self._commands.__exit__()

    def _make(self, root: Path) -> World:
        world = WORLDS[self._tool](root, self.operation, self._commands, self._words)
        self.old = world.state()
        if self.operation == "recovery":
            names = ("rename", "renameat2")
            renames = [call for call in self._calls(world, names) if call.name in names]
            world.sync(world.envs[0], world.operation.before)
            self._run(world, [renames[len(renames) * 2 // 3].inject("signal=KILL")])
        return world

    def _run(self, world: World, inject: Sequence[str] = (), trace: str = "") -> Ended:
        # it writes no bytecode of puffin, or the calls would differ; others may be forked, which this would prevent
        environ = {**world.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        return syscalls.run(world.command(), inject=inject, trace=trace, env=environ, cwd=world.puffin.cwd)

    def _calls(
        self, world: World, names: Sequence[str], *, inject: Sequence[str] = (), after: str = ""
    ) -> list[Call]:
        ended = self._run(world, inject, ",".join(f"?{name}" for name in names))
        assert inject or ended.code == 0, ended.err
        return syscalls.calls(ended.trace, after=after)

    def points(self, names: Sequence[str] = CHANGING, *, about: str = "") -> list[Call]:
        """Return the calls that change something, or those of *names* whose arguments name *about*.

        What the environments are afterwards is the new state.
        """
        found = self._calls(self.world, names)
        self.new = self.world.state()
        self._place.restore()
        if about:
            return [
                call for call in found if about in call.arguments or call.name in ("clone", "clone3", "pipe2")
            ]
        return [call for call in found if syscalls.changing(call.name, call.arguments)]

    def after_a_signal(self, points: Sequence[Call]) -> tuple[str, list[Call]]:
        """Return a fault that sends SIGINT in the middle of *points*, and all calls that come after it."""
        middle = points[len(points) // 2].inject("signal=INT")
        found = self._calls(self.world, ("all",), inject=(middle,), after="--- SIGINT")
        self._place.restore()
        return middle, [call for call in found if call.name != middle.partition(":")[0]]

    def disturb(self, inject: Sequence[str], *, repair: bool = False) -> tuple[Ended, str, list[str]]:
        """Run the operation with a fault, then again; return how it ended, what it left, and what is wrong.

        With *repair* another command comes in between; what that repairs is the old or the new, and no mixture.
        """
        try:
            ended = self._run(self.world, inject)
        except subprocess.TimeoutExpired:
            self._place.restore()
            return Ended(-signal.SIGKILL, "", ["= ?"]), "old", ["hangs"]
        state = self.world.look(self.old, self.new)
        wrong = ["traceback"] if "Traceback" in ended.err else []
        if not _killed(ended):
            wrong += _judged(ended, state, inject[0])
        try:
            if (
                repair
                and self._tool == "puffin"
                and any(
                    now not in sides
                    for now, *sides in zip(self.world.repaired(), self.old, self.new, strict=True)
                )
            ):
                wrong.append("repaired to a mixture")
            rerun = self.world.run()
            if rerun.code:
                wrong.append(f"rerun: {rerun.code}: {rerun.err[-500:]}")
            wrong += self.world.complaints(self.new)
        except AssertionError as error:  # a traceback
            wrong.append(f"rerun: {error}")
        self._place.restore()
        return ended, state, wrong

    def over(self, faults: Sequence[Sequence[str]], fault: str) -> Row:
        """Return the row of a sweep with each of *faults*; every second time another command comes before the rerun."""
        states: Counter[str] = Counter()
        wrong = []
        for number, inject in enumerate(faults):
            ended, state, found = self.disturb(inject, repair=number % 2 == 1)
            if not ended.struck and "signal=" not in inject[-1]:
                continue  # this time the command made fewer calls
            states[state] += 1
            if found:
                wrong.append((" ".join(inject), [f"exit {ended.code}, {state}", *found]))
        tried = sum(states.values())
        return Row(self.operation, self.on, fault, tried, dict(states), tried - len(wrong), wrong)


def _killed(ended: Ended) -> bool:
    return ended.code in (-signal.SIGKILL, 128 + signal.SIGKILL)


def _judged(ended: Ended, state: str, inject: str) -> list[str]:
    """Return what is wrong about a command that ended of itself: it tells how, and leaves the old or the new.

    Where from one call on all of its kind fail, even the way back may be barred; then the error says so.
    """
    safe = _SAFE | {128 + signal.SIGINT, 128 + signal.SIGTERM} if "signal=" in inject else _SAFE
    wrong = [] if ended.code in safe else [f"exit {ended.code}: {ended.err[-500:]}"]
    barred = inject.endswith("+") and "Failed to repair" in ended.err
    if state not in ("old", "new") and not barred:
        wrong.append(f"left {state}")
    if ended.code == 0 and state != "new":
        wrong.append("exit 0, and not the new state")
    return wrong


def sweep(operation: str, on: str, *, every: int = 1, start: int = 0, fault: str = "", second: str = "",
          words: Sequence[str] = (), most: int = 0, tool: str = "puffin") -> Row:  # fmt: skip
    """Return the row of one sweep; at most *most* faults, 0 for any number."""
    with Sweep(operation, on, words=words, tool=tool) as work:
        points = work.points()
        if second:
            first, later = work.after_a_signal(points)
            faults: list[list[str]] = [[first, call.inject(f"signal={second}")] for call in later]
            name = f"SIGINT, SIG{second}"
        elif fault:
            failing = work.points(FAILING, about=str(work.world.root))
            faults = [[call.inject(fault)] for call in failing]
            if fault != "error=EINTR":  # which is tried again for ever
                faults += [[call.inject(fault, on=True)] for call in points]
            name = fault
        else:
            faults = [[call.inject("signal=KILL")] for call in points]
            name = "SIGKILL"
        chosen = faults[start % every :: every]
        if most and len(chosen) > most:
            chosen = chosen[:: -(-len(chosen) // most)]
        return work.over(chosen, name)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table of Markdown."""
    head = (
        "| operation | on | fault | tried | old | new | mixed | broken | healed by one rerun |\n"
        + "|---" * 9
        + "|\n"
    )
    return head + "".join(
        f"| {row.operation} | {row.place} | {row.fault} | {row.tried} | "
        + " | ".join(str(row.states.get(state, 0)) for state in STATES)
        + f" | {row.healed} |\n"
        for row in rows
    )


def _in_a_namespace(on: Sequence[str]) -> None:
    """Start again in a mount namespace of our own, where an overlay is to be mounted."""
    if "overlay" not in on or os.environ.get("SWEEP_NAMESPACE"):
        return
    os.environ["SWEEP_NAMESPACE"] = "1"
    user = [] if os.getuid() == 0 else ["--map-root-user"]
    os.execvp(
        "unshare", ["unshare", "--mount", *user, sys.executable, "-m", "tests.faults.sweep", *sys.argv[1:]]
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.sweep", description="Kill a command everywhere."
    )
    parser.add_argument("--operation", action="append", choices=OPERATIONS, help="default: all")
    parser.add_argument("--on", action="append", help="a directory, or `overlay`; default: /dev/shm")
    parser.add_argument("--every", type=int, default=1, help="take each EVERY-th call")
    parser.add_argument("--start", type=int, default=0, help="which of them to begin with")
    parser.add_argument("--most", type=int, default=0, help="at most so many faults a sweep")
    parser.add_argument(
        "--fault", action="append", default=[], help="such as `error=EIO`; `errors`: all of them"
    )
    parser.add_argument("--second", action="append", default=[], help="a second signal, such as TERM")
    parser.add_argument(
        "--tool", default="puffin", choices=WORLDS, help="pip and uv: `upgrade` and `fresh` alone"
    )
    parser.add_argument("--words", default="", help="more words for the command, such as `--executor pool`")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    return parser.parse_args()


def main() -> int:
    asked = _parse()
    places = asked.on or ["/dev/shm"]
    _in_a_namespace(places)
    faults = [f"error={name}" for name in ERRORS] if asked.fault == ["errors"] else asked.fault
    kinds: list[dict[str, Any]] = [{"fault": fault} for fault in faults]
    kinds += [{"second": second} for second in asked.second]
    rows = []
    for on in places:
        for operation in asked.operation or OPERATIONS:
            for kind in kinds or [{}]:
                began = time.monotonic()
                row = sweep(
                    operation,
                    on,
                    every=asked.every,
                    start=asked.start,
                    most=asked.most,
                    words=asked.words.split(),
                    **kind,
                )
                rows.append(row)
                print(f"{operation} on {on}, {row.fault}: {row.tried} tried, {row.usable} usable, {row.healed} healed, "
                      f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)  # fmt: skip
                for where, found in row.wrong:
                    print(f"  {where}: {'; '.join(found)}", file=sys.stderr, flush=True)
                if asked.json:
                    asked.json.write_text(json.dumps([each._asdict() for each in rows], indent=1) + "\n")
    print(table(rows), end="")
    return int(any(row.wrong for row in rows))


if __name__ == "__main__":
    sys.exit(main())
