"""The compile stage: makes sure that the bytecode of an archive is in the cache."""

import os

from puffin.cache.atomic import publish_file, publish_tree, remove_tree
from puffin.cache.layout import Bucket, Cache
from puffin.cache.lock import WorkLock
from puffin.errors import PuffinError, os_cause
from puffin.stages.bytecode.compiler import CompileFailed, compiler_of
from puffin.stages.bytecode.layer import (
    CACHE,
    Layer,
    archive_time,
    encode,
    layer_of,
    layer_path,
    layer_ready,
    manifest_path,
)
from puffin.stages.unzip.manifest import read_names
from puffin.stages.unzip.ready import current_boot_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    Tree = tuple[tuple[str, tuple[str, ...]], ...]


class BytecodeNotKept(PuffinError):
    """Bytecode could not be put into the cache."""

    stage = "compile"
    path: str
    hints: tuple[str, ...] = ("make room there, or leave out `--compile-bytecode`",)

    def summary(self) -> str:
        """Return the first line."""
        return f"Failed to put bytecode into the cache (`{self.path}`)"


def compile_archive(*, archive: str, cache_root: str, executable: str, kind: str, tag: str, level: int) -> str:
    """Make sure that the layer of *archive* for this kind of interpreter is in the cache; return *archive*.

    *tag* is the interpreter's cache tag (PEP 3147). Modules that do not compile have no bytecode. Raises
    :class:`BytecodeNotKept` and ``CompileFailed``.
    """
    cache = Cache(cache_root)
    try:
        if not layer_ready(cache, kind, archive, current_boot_id()):
            cache.initialise()
            locks = cache.path(Bucket.LOCKS)
            os.makedirs(locks, exist_ok=True)
            with WorkLock(f"{locks}/pyc-{kind}-{archive}", what="the bytecode of an archive"):
                if not layer_ready(cache, kind, archive, current_boot_id()):
                    _make(cache, archive, kind, executable, _suffix(tag, level), level)
    except OSError as error:
        raise BytecodeNotKept(path=cache_root, causes=(os_cause(error),)) from error
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


def _suffix(tag: str, level: int) -> str:
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
            made = compiler_of(executable).compile(cache.archive(archive), temporary, suffix, level, modules)
        except CompileFailed:
            if all(os.path.exists(f"{cache.archive(archive)}/{module}") for module in modules):
                raise
            return  # the archive is damaged: link will say so
        layer = _layer(temporary, [each for each, good in zip(modules, made, strict=True) if good], suffix)
        _publish(cache, archive, kind, temporary, encode(layer, seconds=seconds, boot=current_boot_id()))
    finally:
        remove_tree(temporary)


def _layer(root: str, modules: "list[str]", suffix: str) -> Layer:
    files = []
    for module in modules:
        directory, slash, name = module.rpartition("/")
        path = f"{directory}{slash}{CACHE}/{name[:-3]}{suffix}"
        files.append((path, os.stat(f"{root}/{path}").st_size))
    return layer_of(files)


def _publish(cache: Cache, archive: str, kind: str, temporary: str, manifest: bytes) -> None:
    cache = cache.own
    path = layer_path(cache, kind, archive)
    if os.path.lexists(path):  # of the archive as it was before, or cut short
        remove_tree(manifest_path(cache, kind, archive))
        old = cache.temporary()
        os.rename(path, old)
        remove_tree(old)
    publish_tree(temporary, path)
    publish_file(cache, manifest_path(cache, kind, archive), manifest)
