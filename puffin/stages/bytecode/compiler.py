"""The interpreter that compiles: one child for each process and interpreter, which serves many archives."""

import os
import subprocess

from puffin.errors import Cause, PuffinError, os_cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")
_CRASHES = 3  # of one archive's modules, after which something else must be wrong

_children: "dict[tuple[int, str], Compiler]" = {}


class CompileFailed(PuffinError):
    """The interpreter cannot compile anything at all."""

    stage = "compile"
    path: str
    hints: tuple[str, ...] = ("without `--compile-bytecode` Python compiles modules when they are imported",)

    def summary(self) -> str:
        """Return the first line."""
        return f"Failed to compile bytecode with the interpreter at `{self.path}`"


class Compiler:
    """A running interpreter that compiles what it is sent."""

    def __init__(self, executable: str) -> None:
        self._executable = executable
        self._process: subprocess.Popen[bytes] | None = None

    def compile(
        self, source: str, target: str, suffix: str, level: int, modules: "Sequence[str]", *, mode: str = ""
    ) -> "list[bool]":
        """Compile *modules*, paths beneath *source*, into ``__pycache__`` directories beneath *target*.

        *mode* is as for ``layer.kind_of``.
        Return for each whether there is bytecode now: none of a module that is not valid for this Python, or
        that takes the interpreter down. Raises :class:`CompileFailed` and ``OSError``.
        """
        try:
            return self._compile(
                [os.fsencode(source), os.fsencode(target), suffix.encode(), b"%d" % level, mode.encode()],
                modules,
            )
        except BaseException:
            if self._process is not None:
                self._process.kill()  # it would go on writing where the caller clears up
            self.close()
            raise

    def _compile(self, head: "list[bytes]", modules: "Sequence[str]") -> "list[bool]":
        done: list[bool] = []
        crashes = 0
        while len(done) < len(modules):
            left = modules[len(done) :]
            answers = self._ask(b"\0".join((*head, *map(os.fsencode, left))), len(left))
            done += answers
            if len(answers) < len(left):
                crashes += 1
                self._lost(crashes if done else _CRASHES)
                done.append(False)
        return done

    def _ask(self, request: bytes, count: int) -> "list[bool]":
        """Return as many answers as came."""
        process = self._running()
        answers = b""
        try:
            process.stdin.write(len(request).to_bytes(8, "little") + request)  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        except BrokenPipeError:
            return []
        while len(answers) < count:
            data = os.read(process.stdout.fileno(), count - len(answers))  # type: ignore[union-attr]
            if not data:
                break
            answers += data
        if b"e" in answers:
            raise CompileFailed(
                path=self._executable, causes=(Cause(text="it can read or write no files there"),)
            )
        return [each == ord("1") for each in answers]

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    [self._executable, "-I", "-S", "-W", "ignore", _SCRIPT],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except OSError as error:
                raise CompileFailed(path=self._executable, causes=(os_cause(error),)) from error
        return self._process

    def _lost(self, crashes: int) -> None:
        status = self.close()
        if crashes >= _CRASHES:
            how = f"exit status {status}" if status >= 0 else f"ended by signal {-status}"
            raise CompileFailed(path=self._executable, causes=(Cause(text=how),))

    def close(self) -> int:
        """Let the interpreter go; return its exit status (negative: a signal)."""
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            try:
                pipe.close()  # type: ignore[union-attr]
            except OSError:
                pass
        return process.wait()


def compiler_of(executable: str) -> Compiler:
    """Return this process's compiler for an interpreter."""
    key = (os.getpid(), executable)
    if key not in _children:
        _children[key] = Compiler(executable)
    return _children[key]


def close_all() -> None:
    """Let all interpreters of this process go."""
    for key in [key for key in _children if key[0] == os.getpid()]:
        _children.pop(key).close()
