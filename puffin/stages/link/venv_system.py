"""How the interpreter gets into a virtual environment: what differs between systems."""

import os

from puffin.stages.link.interpreter import Interpreter


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
