"""A directory as a source: it stands for the file in it that describes its project."""

import os

from puffin import depends
from puffin.errors import UsageError
from puffin.stages.resolve.inputs_entries import SourceFile
from puffin.stages.resolve.inputs_pyproject import states_project
from puffin.stages.resolve.inputs_setup import describes_project
from puffin.stages.resolve.inputs_toml import decode_text
from puffin.stages.resolve.reqinclude import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[str], bytes]
    Exists = Callable[[str], bool]


def project_file(path: str, *, read: "Read", exists: "Exists") -> str:
    """Return the path of the file that describes the project in a directory, anything else as it is.

    What states the dependencies goes before what only a build can read. Raises :class:`UsageError` for a
    directory without a project, and the errors of reading its files.
    """
    if path == "-" or "://" in path or not depends.is_directory(path):
        return path
    pyproject, setup_cfg, setup_py = [
        os.path.normpath(os.path.join(path, name)) for name in ("pyproject.toml", "setup.cfg", "setup.py")
    ]
    there = {each for each in (pyproject, setup_cfg, setup_py) if exists(absolute(each))}
    if pyproject in there and states_project(_file(pyproject, read)):
        return pyproject
    if setup_cfg in there and describes_project(_file(setup_cfg, read)):
        return setup_cfg
    found = next((each for each in (setup_py, pyproject) if each in there), "")
    if not found:
        text = f"`{path}` is a directory without a `pyproject.toml`, `setup.cfg` or `setup.py` of a project"
        raise UsageError(text=text, hints=("name a file, such as a `requirements.in`",))
    return found


def _file(path: str, read: "Read") -> SourceFile:
    return SourceFile(path=absolute(path), shown=path, text=decode_text(read(absolute(path)), path))
