"""Making virtual environments (PEP 405): built beside their place, then renamed into it.

No interpreter is run: what one says of itself is in the cache, so an environment takes a few milliseconds.
"""

import errno
import os

from puffin import __version__
from puffin.cache.atomic import carry, move, remove_tree, unfinished, write
from puffin.cache.layout import home_directory
from puffin.cache.lock import Lock, LockFailed
from puffin.errors import USAGE, PuffinError, os_cause
from puffin.stages.link.environment.activators import activators
from puffin.stages.link.environment.environment import Environment, environment_for
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.types import Callable

_CACHEDIR_TAG = b"""Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by puffin (https://bford.info/cachedir/).
"""
CLEAR, FORCE, KEEP = "clear", "force", "keep"
_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_PARENT = (*_UNWRITABLE, errno.ENOENT)  # of the lock's file, whose directory was there a moment before


class VenvRefused(PuffinError):
    """The place of the new environment is occupied; it is not changed."""

    exit_code = USAGE
    sentence = "Failed to create a virtual environment at `{path}`: {reason}"
    path: str
    reason: str


class VenvExists(VenvRefused):
    """There is a virtual environment already, perhaps one that another process made just now."""


class VenvFailed(PuffinError):
    """The system refused a step; nothing is left behind."""

    sentence = "Failed to create a virtual environment at `{path}`"
    path: str


def seed_requirements(version: tuple[int, ...]) -> tuple[str, ...]:
    """Return the requirements of a seeded environment: before Python 3.12, pip alone could not build."""
    return ("pip",) if tuple(version[:2]) >= (3, 12) else ("pip", "setuptools", "wheel")


def create_venv(
    path: str,
    *,
    interpreter: Interpreter,
    seed: tuple[str, ...] = (),
    occupied: str = "",
    prompt: str | None = None,
    system_site_packages: bool = False,
    relocatable: bool = False,
) -> Environment:
    """Make a virtual environment at *path* and return it.

    *seed* is only recorded: the caller installs it. *occupied* says what to do where there is something: refuse
    (``""``), :data:`CLEAR` an environment, :data:`FORCE` the removal of any directory, or :data:`KEEP` what is there
    and lay the environment's files over it. *prompt* is shown while it is active; ``"."`` stands for the name of the
    working directory. Raises :class:`VenvExists`, :class:`VenvRefused` or :class:`VenvFailed`.
    """
    shown, place = path, os.path.realpath(path)
    title = os.path.basename(os.getcwd()) if prompt == "." else prompt
    config = _config(interpreter, bool(seed), title, system_site_packages, relocatable)
    _check(shown, place, occupied)
    try:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        _check_parent(os.path.dirname(place))
        lock = os.path.join(os.path.dirname(place), f".{os.path.basename(place)[:200]}.lock")
        with Lock(lock, what=f"the making of `{shown}`"):
            try:
                _check(shown, place, occupied)
                swap = _lay_over if occupied == KEEP else _swap
                _make(place, interpreter, config, title or os.path.basename(place), relocatable, swap)
            finally:
                _forget_lock(lock)
    except (OSError, LockFailed) as error:
        raise _failed(shown, error) from error
    return environment_for(interpreter, place)


def _failed(shown: str, error: "OSError | LockFailed") -> VenvFailed:
    """Return the error for what the system refused; where nothing can be made at all, of locks it says nothing."""
    refused, nowhere = (error.__cause__, _NO_PARENT) if isinstance(error, LockFailed) else (error, _UNWRITABLE)
    if isinstance(refused, OSError) and refused.errno in nowhere:
        hints = ("choose a place where this user can make directories",)
        return VenvFailed(path=shown, causes=(os_cause(refused),), hints=hints)
    return VenvFailed(path=shown, causes=(error if isinstance(error, LockFailed) else os_cause(error),))


def lay_venv(built: str, *, place: str, interpreter: Interpreter) -> None:
    """Write the files of a virtual environment into the new directory *built*, to be renamed to *place*.

    Raises OSError, and then leaves what it wrote to the caller.
    """
    config = _config(interpreter, False, None, False, False)
    _build(built, place, interpreter, config, os.path.basename(place), False)


def _check(shown: str, place: str, occupied: str) -> None:
    if not os.path.lexists(place):
        return
    if not os.path.isdir(place):
        raise VenvRefused(path=shown, reason="there is a file of that name")
    venv = os.path.isfile(os.path.join(place, "pyvenv.cfg"))
    if not occupied and venv:
        hints = ("pass `--clear` to replace it",)
        raise VenvExists(path=shown, reason="there is a virtual environment already", hints=hints)
    if occupied in ("", CLEAR) and not venv and os.listdir(place):
        hints = ("choose another place; `--clear --force` would remove all that is in this one",)
        raise VenvRefused(
            path=shown, reason="the directory is neither empty nor a virtual environment", hints=hints
        )
    if occupied in (CLEAR, FORCE) and not venv and _holds_ground(place):
        hints = ("choose another place",)
        raise VenvRefused(path=shown, reason="it holds the working or the home directory", hints=hints)


def _check_parent(parent: str) -> None:
    """Raise ``PermissionError`` where nothing can be made, before the lock would speak of locking."""
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), parent)


def _holds_ground(place: str) -> bool:
    """Tell whether clearing *place* would remove what the user stands on."""
    grounds = (os.path.realpath(os.getcwd()), os.path.realpath(home_directory()))
    return any(f"{ground}/".startswith(f"{place.rstrip('/')}/") for ground in grounds)


def _make(
    place: str,
    interpreter: Interpreter,
    config: bytes,
    prompt: str,
    relocatable: bool,
    swap: "Callable[[str, str, str], None]",
) -> None:
    mark = f"{os.getpid()}-{os.urandom(4).hex()}"
    beside = os.path.join(os.path.dirname(place), f".{os.path.basename(place)[:200]}")
    built, old = f"{beside}.{mark}.new", f"{beside}.{mark}.old"
    _collect(beside)
    try:
        _build(built, place, interpreter, config, prompt, relocatable)
        swap(built, place, old)
    finally:
        remove_tree(built)
        remove_tree(old)


def _collect(beside: str) -> None:
    """Remove what runs that were killed left beside the place. Its lock is held: nobody else makes something there."""
    parent, start = os.path.split(beside)
    for name in os.listdir(parent):
        if name.startswith(f"{start}.") and _is_mark(name[len(start) + 1 :]):
            try:
                remove_tree(os.path.join(parent, name))
            except OSError:
                continue


def _is_mark(text: str) -> bool:
    """Tell whether *text* is the end of a name that :func:`_make` gives: process, eight digits, and what it is."""
    number, _, rest = text.partition("-")
    return number.isdigit() and len(rest) == 12 and rest[8:] in (".new", ".old")


def _build(
    built: str, place: str, interpreter: Interpreter, config: bytes, prompt: str, relocatable: bool
) -> None:
    scheme = interpreter.venv_scheme
    scripts = os.path.join(built, scheme.scripts)
    os.mkdir(built)
    os.makedirs(os.path.join(built, scheme.purelib))
    os.mkdir(scripts)
    if wants_lib64(interpreter) and not os.path.lexists(f"{built}/lib64"):
        os.symlink("lib", f"{built}/lib64")
    os.makedirs(os.path.join(built, scheme.platlib), exist_ok=True)
    place_interpreter(scripts, interpreter)
    texts = activators(place, scheme.scripts, prompt, relocatable=relocatable)
    for name, text in texts.items():
        write(os.path.join(scripts, name), text)
    for name, data in ((".gitignore", b"*\n"), ("CACHEDIR.TAG", _CACHEDIR_TAG), ("pyvenv.cfg", config)):
        write(os.path.join(built, name), data)


def _swap(built: str, place: str, old: str) -> None:
    """Put *built* in its place, and what was there aside. A mount point stays, and is filled."""
    if os.path.isdir(place) and os.listdir(place):
        try:
            move(place, old)
        except OSError:
            if os.path.isdir(unfinished(old)):
                carry(unfinished(old), place)
            if not os.path.ismount(place):
                raise
            for name in os.listdir(place):
                remove_tree(os.path.join(place, name))
    try:
        if os.name == "nt" and os.path.isdir(place):
            os.rmdir(place)
        os.rename(built, place)
    except OSError:
        if os.path.isdir(old) and not os.path.lexists(place):
            os.rename(old, place)
        if not os.path.ismount(place):
            raise
        _fill(built, place)


def _lay_over(built: str, place: str, old: str) -> None:
    """Put the files of *built* into *place*, over what has their names; pyvenv.cfg comes last."""
    if not os.path.lexists(place):
        _swap(built, place, old)
        return
    for name in sorted(os.listdir(built), key=lambda name: name == "pyvenv.cfg"):
        source, target = os.path.join(built, name), os.path.join(place, name)
        if not (os.path.isdir(source) and os.path.isdir(target)):
            os.replace(source, target)
        elif not os.path.islink(source):  # unlike lib64, which then stays as it is there
            _lay_over(source, target, old)


def _fill(built: str, place: str) -> None:
    """Move the environment into an empty mount point; pyvenv.cfg, which makes it one, comes last."""
    import shutil

    for name in sorted(os.listdir(built), key=lambda name: name == "pyvenv.cfg"):
        shutil.move(os.path.join(built, name), os.path.join(place, name))


def _config(
    interpreter: Interpreter, seed: bool, prompt: str | None, system_site_packages: bool, relocatable: bool
) -> bytes:
    lines = [
        f"home = {os.path.dirname(interpreter.base_executable)}",
        f"implementation = {dict(interpreter.markers)['platform_python_implementation']}",
        f"puffin = {__version__}",
        f"version_info = {interpreter.version_text}",
        f"include-system-site-packages = {str(system_site_packages).lower()}",
    ]
    lines += ["relocatable = true"] if relocatable else []
    lines += ["seed = true"] if seed else []
    if prompt:  # Python reads the file as UTF-8 and a line at a time
        plain = " ".join(prompt.split()).encode("utf-8", "replace").decode()
        lines.append(f"prompt = {plain}")
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _forget_lock(lock: str) -> None:
    """Remove the lock's file while it is held. Who waits on it then finds the environment made."""
    try:
        os.unlink(lock)
    except OSError:
        pass


def place_interpreter(bin_directory: str, interpreter: Interpreter) -> None:
    """Make the interpreter runnable as ``python`` from *bin_directory* (raises ``OSError``)."""
    if os.name == "nt":
        _copy_launchers(bin_directory, interpreter)
    else:
        _symlink(bin_directory, interpreter)


def executable_name() -> str:
    """Return the file name of the interpreter of a virtual environment."""
    return "python.exe" if os.name == "nt" else "python"


def wants_lib64(interpreter: Interpreter) -> bool:
    """Tell whether ``lib64`` must lead to ``lib``, as in what the standard library's venv makes."""
    system = dict(interpreter.markers).get("sys_platform", "")
    return os.name == "posix" and interpreter.bits == 64 and system != "darwin"


def _symlink(bin_directory: str, interpreter: Interpreter) -> None:
    os.symlink(interpreter.base_executable, f"{bin_directory}/python")
    for name in _aliases(interpreter):
        os.symlink("python", f"{bin_directory}/{name}")


def _aliases(interpreter: Interpreter) -> list[str]:
    major, minor = interpreter.version[:2]
    names = ["python3", f"python{major}.{minor}"]
    if interpreter.gil_disabled:
        names.append(f"python{major}.{minor}t")
    if interpreter.implementation != "cpython":
        short = interpreter.implementation
        names += [short, f"{short}{major}", f"{short}{major}.{minor}"]
    return names


def _copy_launchers(bin_directory: str, interpreter: Interpreter) -> None:
    """Copy the redirectors that CPython ships for this; they read ``home`` of pyvenv.cfg when they run."""
    from shutil import copyfile

    source = os.path.join(interpreter.stdlib, "venv", "scripts", "nt")
    threading = "t" if interpreter.gil_disabled else ""
    for name, newer in (("python.exe", "venvlauncher"), ("pythonw.exe", "venvwlauncher")):
        candidates = (f"{newer}{threading}.exe", name)
        found = [path for path in (os.path.join(source, each) for each in candidates) if os.path.exists(path)]
        copyfile(found[0] if found else os.path.join(source, name), os.path.join(bin_directory, name))
