"""Requirements files that exist only in a dictionary."""

import os
from collections.abc import Callable, Mapping

from puffin.stages.resolve.requirements.file import Requirements, RequirementsFileNotFound, read_requirements

LINUX = {
    "implementation_name": "cpython",
    "implementation_version": "3.12.4",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "6.1",
    "platform_system": "Linux",
    "platform_version": "#1",
    "python_full_version": "3.12.4",
    "python_version": "3.12",
    "sys_platform": "linux",
}


def fake_read(files: Mapping[str, str | bytes]) -> Callable[[str], bytes]:
    """Return a reader of *files*, whose names are URLs or relative to the working directory."""
    contents = {
        name if "://" in name or name == "-" else os.path.abspath(name): data for name, data in files.items()
    }

    def read(path: str) -> bytes:
        if path not in contents:
            raise RequirementsFileNotFound(path=path)
        data = contents[path]
        return data if isinstance(data, bytes) else data.encode()

    return read


def parse(
    text: str | bytes,
    environ: Mapping[str, str] | None = None,
    *,
    constraints: str | None = None,
    present: tuple[str, ...] = (),
    **files: str | bytes,
) -> Requirements:
    """Read *text* as ``reqs.txt``; ``present`` are paths that exist; ``files`` have ``_`` for the dot."""
    everything = {"reqs.txt": text, **{name.replace("_", "."): data for name, data in files.items()}}
    if constraints is not None:
        everything["cons.txt"] = constraints
    there = {os.path.abspath(path) for path in present}
    return read_requirements(
        ["reqs.txt"],
        read=fake_read(everything),
        environ=environ or {},
        constraints=[] if constraints is None else ["cons.txt"],
        exists=lambda path: os.path.abspath(path) in there,
    )
