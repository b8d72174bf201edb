"""Scripts of an environment: launchers for entry points, and shebangs of a wheel's scripts.

On POSIX a launcher is a few lines of text, written here so that a warm sync imports nothing for it; on
Windows it is an executable, which comes from the ``installer`` library.
"""

import os

from puffin.types import Iterable

EntryPoint = tuple[str, str, str, bool]

_CALL = b' "$0" "$@"\n'  # at the end of what /bin/sh is to run
_LONGEST_SHEBANG = 127  # Linux before 5.1 cuts longer lines; macOS allows 512


def shebang(executable: str, *, relocatable: bool = False) -> str:
    """Return the first lines of a script so that *executable* runs it.

    A path with a space, or one too long for the kernel, goes through ``/bin/sh``; so does a relocatable
    environment, whose interpreter is found beside the script.
    """
    if relocatable:
        name = os.path.basename(executable)
        return (
            f"#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'{name}' \"$0\" \"$@\"\n' '''\n"
        )
    if " " in executable or len(executable.encode("utf-8", "surrogateescape")) + 3 > _LONGEST_SHEBANG:
        quoted = "'\"'\"'".join(executable.split("'"))
        return f"#!/bin/sh\n'''exec' '{quoted}' \"$0\" \"$@\"\n' '''\n"
    return f"#!{executable}\n"


def runs_another(path: str, scripts: str) -> bool:
    """Tell whether a script in the directory *scripts* starts a Python that is not in that directory."""
    try:
        with open(path, "rb") as file:
            first, _, second = file.read(1024).partition(b"\n")
    except OSError:
        return False
    line = second if first == b"#!/bin/sh" and second.startswith(b"'''exec' '") else first
    place = os.fsdecode(line.removeprefix(b"#!").removeprefix(b"'''exec' '").partition(b"'")[0].strip())
    place = place if line is second else place.partition(" ")[0]
    name = os.path.basename(place)
    return (
        os.path.isabs(place)
        and name.startswith(("python", "pypy"))
        and os.path.realpath(os.path.dirname(place)) != os.path.realpath(scripts)
    )


def launcher(entry_point: "EntryPoint", first_lines: str) -> bytes:
    """Return the text of a POSIX launcher for ``(name, module, attribute, gui)``."""
    _, module, attribute, _ = entry_point
    imported = attribute.partition(".")[0]
    return (
        f"{first_lines}import sys\n\nfrom {module} import {imported}\n\n"
        f'if __name__ == "__main__":\n    sys.exit({attribute}())\n'
    ).encode("utf-8", "surrogateescape")


def windows_launcher(entry_point: "EntryPoint", executable: str) -> "tuple[str, bytes]":
    """Return the file name and the bytes of a Windows launcher."""
    from installer.scripts import Script

    name, module, attribute, gui = entry_point
    script = Script(name, module, attribute, "gui" if gui else "console")
    file_name, data = script.generate(executable, kind="win-amd64")
    return file_name, data


def rewrite_shebang(data: bytes, first_lines: str) -> bytes:
    """Return a wheel's script with the placeholder ``#!python`` made to run the environment's interpreter.

    ``#!pythonw``, ``#!python3`` and ``#!python3.12`` are placeholders too, as pip and uv have it. Arguments stay.
    """
    if not data.startswith(b"#!python"):
        return data
    line, newline, rest = data.partition(b"\n")
    name, *arguments = line[2:].split()
    if not _is_placeholder(name):
        return data
    first = first_lines.encode("utf-8", "surrogateescape")
    if arguments and _CALL in first:
        words = b"".join([b" '" + each.replace(b"'", b"'\"'\"'") + b"'" for each in arguments])
        first = first.replace(_CALL, words + _CALL, 1)
    elif arguments:
        first = first.rstrip(b"\n") + b" " + b" ".join(arguments) + b"\n"
    return first + (rest if newline else b"")


def _is_placeholder(name: bytes) -> bool:
    """Tell whether a wheel's script asks for any Python by *name*: ``python``, ``pythonw``, ``python3.12``."""
    version = name[len(b"python") :].removeprefix(b"w").removesuffix(b"t")
    return not version or version.replace(b".", b"").isdigit()


def versioned(
    name: str, entry_points: "Iterable[EntryPoint]", version: "tuple[int, int]"
) -> "list[EntryPoint]":
    """Return the entry points to make: pip's come as ``pip``, ``pip3`` and ``pip3.X`` of this very Python."""
    points = list(entry_points)
    if name != "pip":
        return points
    kept = [point for point in points if not point[0].startswith("pip") or point[0] == "pip"]
    plain = next((point for point in points if point[0] == "pip"), None)
    if plain is None:
        return points
    return [*kept, *[(alias, *plain[1:]) for alias in (f"pip{version[0]}", f"pip{version[0]}.{version[1]}")]]
