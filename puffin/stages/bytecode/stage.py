"""The compile stage: makes sure that the bytecode of an archive is in the cache."""

import os
import subprocess
from collections.abc import Callable, Sequence

from puffin.cache.atomic import move, publish_file, publish_tree, remove_tree
from puffin.cache.layout import Bucket, Cache, current_boot
from puffin.cache.lock import WorkLock
from puffin.errors import Cause, PuffinError, os_cause, room_hints
from puffin.forks import ChildSilent, hear
from puffin.stages.bytecode.layer import (
    CACHE,
    Layer,
    archive_time,
    encode_layer,
    layer_of,
    layer_path,
    layer_ready,
    manifest_path,
    mode_of,
)
from puffin.stages.unzip.manifest import read_names

_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")
_CRASHES = 3  # of one archive's modules, after which something else must be wrong

_children: "dict[tuple[int, str], Compiler]" = {}


class CompileFailed(PuffinError):
    """The interpreter cannot compile anything at all."""

    sentence = "Failed to compile bytecode with the interpreter at `{path}`"
    path: str
    hints: tuple[str, ...] = ("without `--compile-bytecode` Python compiles modules when they are imported",)


class Compiler:
    """A running interpreter that compiles what it is sent."""

    def __init__(self, executable: str) -> None:
        self._executable = executable
        self._process: subprocess.Popen[bytes] | None = None

    def compile(
        self, source: str, target: str, suffix: str, level: int, modules: "Sequence[str]", *, mode: str = ""
    ) -> "list[bool]":
        """Compile *modules*, paths beneath *source*, into ``__pycache__`` directories beneath *target*.

        *mode* is as for ``layer.interpreter_kind``.
        Return for each whether there is bytecode now: none of a module that is not valid for this Python, or
        that takes the interpreter down. Raises :class:`CompileFailed` and ``OSError``.
        """
        try:
            head = [os.fsencode(source), os.fsencode(target), suffix.encode(), b"%d" % level, mode.encode()]
            return self._compile(head, modules)
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
        try:
            while len(answers) < count:
                data = hear(process.stdout.fileno(), count - len(answers))  # type: ignore[union-attr]
                if not data:
                    break
                answers += data
        except ChildSilent as silent:
            raise CompileFailed(path=self._executable, causes=(Cause(text=f"it {silent}"),)) from None
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


Tree = tuple[tuple[str, tuple[str, ...]], ...]
Bring = Callable[[Cache, str, str, str], bool]  # cache, kind, archive, how the names of bytecode files end


class BytecodeNotKept(PuffinError):
    """Bytecode could not be put into the cache."""

    sentence = "Failed to put bytecode into the cache (`{path}`)"
    path: str


def compile_archive(
    *,
    archive: str,
    cache_root: str,
    executable: str,
    kind: str,
    tag: str,
    level: int,
    bring: "Bring | None" = None,
) -> str:
    """Make sure that the layer of *archive* for this kind of interpreter is in the cache; return *archive*.

    *tag* is the interpreter's cache tag (PEP 3147). *bring* may publish the layer itself, and then returns True.
    Modules that do not compile have no bytecode. Raises
    :class:`BytecodeNotKept` and ``CompileFailed``.
    """
    cache = Cache(cache_root)
    try:
        if not layer_ready(cache, kind, archive, current_boot()):
            cache.initialise()
            locks = cache.path(Bucket.LOCKS)
            os.makedirs(locks, exist_ok=True)
            with WorkLock(f"{locks}/pyc-{kind}-{archive}", what="the bytecode of an archive"):
                suffix = pyc_suffix(tag, level)
                if layer_ready(cache, kind, archive, current_boot()):
                    return archive
                if bring is None or not bring(cache, kind, archive, suffix):
                    _make(cache, archive, kind, executable, suffix, level)
    except OSError as error:
        hints = room_hints(error, "leave out `--compile-bytecode` and `--link-mode tree`")
        raise BytecodeNotKept(path=cache_root, causes=(os_cause(error),), hints=hints) from error
    return archive


def modules_of(tree: "Tree", suffix: str) -> "list[str]":
    """Return the modules in an archive's tree that have no bytecode there, by their paths."""
    known = {f"{directory}/{name}" for directory, names in tree if directory.endswith(CACHE) for name in names}
    found = []
    for directory, names in tree:
        prefix = f"{directory}/" if directory else ""
        found += [
            f"{prefix}{name}"
            for name in names
            if name.endswith(".py") and f"{prefix}{CACHE}/{name[:-3]}{suffix}" not in known
        ]
    return found


def pyc_suffix(tag: str, level: int) -> str:
    """Return how the names of bytecode files end (PEP 488)."""
    return f".{tag}.opt-{level}.pyc" if level else f".{tag}.pyc"


def _make(cache: Cache, archive: str, kind: str, executable: str, suffix: str, level: int) -> None:
    found = read_names(cache.manifest(archive))
    if found is None:
        return  # link will say so
    seconds = archive_time(cache, archive)
    modules = modules_of(found[1], suffix)
    temporary = cache.temporary()
    try:
        os.mkdir(temporary)
        try:
            compiler, mode = compiler_of(executable), mode_of(kind)
            made = compiler.compile(cache.archive(archive), temporary, suffix, level, modules, mode=mode)
        except CompileFailed:
            if all(os.path.exists(f"{cache.archive(archive)}/{module}") for module in modules):
                raise
            return  # the archive is damaged: link will say so
        layer = _layer(temporary, [each for each, good in zip(modules, made, strict=True) if good], suffix)
        publish_layer(cache, archive, kind, temporary, layer, seconds)
    finally:
        remove_tree(temporary)


def _layer(root: str, modules: "list[str]", suffix: str) -> Layer:
    files = []
    for module in modules:
        path = pyc_of(module, suffix)
        files.append((path, os.stat(f"{root}/{path}").st_size))
    return layer_of(files)


def pyc_of(module: str, suffix: str) -> str:
    """Return the path of the bytecode of a module (PEP 3147)."""
    directory, slash, name = module.rpartition("/")
    return f"{directory}{slash}{CACHE}/{name[:-3]}{suffix}"


def publish_layer(cache: Cache, archive: str, kind: str, temporary: str, layer: Layer, seconds: int) -> None:
    """Make the directory *temporary* the layer of an archive, in the place of an earlier one (``OSError``).

    *seconds* is the time of the archive that it was made from.
    """
    cache = cache.own
    path = layer_path(cache, kind, archive)
    if os.path.lexists(path):  # of the archive as it was before, or cut short
        remove_tree(manifest_path(cache, kind, archive))
        old = cache.temporary()
        move(path, old)
        remove_tree(old)
    publish_tree(temporary, path)
    manifest = encode_layer(layer, seconds=seconds, boot=current_boot())
    publish_file(cache, manifest_path(cache, kind, archive), manifest)
