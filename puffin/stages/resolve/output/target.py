"""The output file of a compilation: its format, and writing it atomically and only if it changes."""

import os
import stat

from puffin.cache.atomic import read, write
from puffin.errors import USAGE, PuffinError, UsageError, os_cause
from puffin.stages.resolve.requirements.plain import is_pylock

REQUIREMENTS, PYLOCK = "requirements.txt", "pylock.toml"
FORMATS = (REQUIREMENTS, PYLOCK)
_VALID = "PEP 751 requires `pylock.toml` or `pylock.NAME.toml`, with a NAME that is not empty and has no dots"


class OutputUnwritable(PuffinError):
    """The operating system refuses to write the output file; the reason is in ``causes``."""

    exit_code = USAGE
    sentence = "Failed to write `{path}`"
    path: str


def choose_format(path: str, asked: str, sources: "tuple[str, ...]") -> str:
    """Return the format: *asked*, or by the name of the output *path* (empty for standard output).

    Raises :class:`UsageError` if the name does not fit the format, or if the output is one of the sources.
    """
    name = os.path.basename(path)
    if path and os.path.abspath(path) in [os.path.abspath(source) for source in sources if source != "-"]:
        raise UsageError(text=f"`{path}` is a source, and would be overwritten by the output")
    if name in ("pyproject.toml", "setup.cfg", "setup.py"):
        raise UsageError(
            text=f"`{path}` cannot be the output: it is the configuration of a project",
            hints=("use a `requirements.txt`, or a lock file: " + _VALID,),
        )
    lock = asked == PYLOCK or (not asked and name.endswith(".toml"))
    if lock and path and not is_pylock(path):
        raise UsageError(text=f"`{path}` is not a valid name of a lock file", hints=(_VALID,))
    if asked == REQUIREMENTS and is_pylock(path):
        raise UsageError(
            text=f"`{path}` is the name of a lock file, but the format is `{REQUIREMENTS}`",
            hints=("leave out `--format`, or choose another name for the output",),
        )
    return PYLOCK if lock else REQUIREMENTS


def write_output(path: str, data: bytes) -> bool:
    """Write *data* to the file if it differs, and return whether it did; mode and symbolic links are kept.

    Raises :class:`OutputUnwritable`.
    """
    place = os.path.realpath(path)
    try:
        if os.path.lexists(place) and not os.path.isfile(place):  # such as /dev/null, or a pipe
            with open(place, "wb") as file:
                file.write(data)
            return True
        if read(place) == data:
            return False
        _replace(place, data)
    except OSError as error:
        raise OutputUnwritable(path=path, causes=(os_cause(error),)) from None
    return True


def _replace(place: str, data: bytes) -> None:
    """Replace a file by renaming a temporary file beside it, which gets its mode."""
    temporary = f"{place}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    try:
        write(temporary, data, durable=True)
        if os.path.exists(place):
            os.chmod(temporary, stat.S_IMODE(os.stat(place).st_mode))
        os.replace(temporary, place)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
