"""Scripts of an environment: launchers for entry points, and shebangs of a wheel's scripts.

On POSIX a launcher is a few lines of text, written here so that a warm sync imports nothing for it; on
Windows it is an executable, which comes from the ``installer`` library.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    EntryPoint = tuple[str, str, str, bool]

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
    """Return a wheel's script with ``#!python`` or ``#!pythonw`` made to run the environment's interpreter."""
    if not data.startswith(b"#!python"):
        return data
    line, newline, rest = data.partition(b"\n")
    words = line[2:].split()
    if words[0] not in (b"python", b"pythonw"):
        return data
    first = first_lines.encode("utf-8", "surrogateescape")
    if len(words) > 1 and first.startswith(b"#!/") and not first.startswith(b"#!/bin/sh\n'''"):
        first = first.rstrip(b"\n") + b" " + b" ".join(words[1:]) + b"\n"
    return first + (rest if newline else b"")


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
