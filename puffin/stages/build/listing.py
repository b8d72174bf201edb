"""What a build environment held when it was made, by which damage is found before it is used.

``<environment>/.listing`` is a frame of the names and sizes of all files but bytecode, which Python writes as it likes.
Directories' times would tell nothing: they change with each ``__pycache__``. A look takes 3 µs for each file.
"""

import os

from puffin.cache import frame
from puffin.cache.atomic import read, write

FORMAT = 1
_NAME = ".listing"


def write_listing(root: str) -> None:
    """Write down what the environment at *root*, which is complete, holds. Raises OSError."""
    rows = []
    for directory, inner, files in os.walk(root):
        links = [name for name in inner if os.path.islink(f"{directory}/{name}")]
        names = tuple(sorted([name for name in (*files, *links) if not name.endswith(".pyc")]))
        sizes = tuple([os.lstat(f"{directory}/{name}").st_size for name in names])
        rows.append((os.path.relpath(directory, root), names, sizes))
    write(f"{root}/{_NAME}", frame.dump((FORMAT, tuple(rows))))


def has_listing(root: str) -> bool:
    """Tell whether the environment at *root* was made with a listing, whatever became of it since."""
    return os.path.exists(f"{root}/{_NAME}")


def is_whole(root: str) -> bool:
    """Tell whether every file of the listing of *root* is there in its size."""
    found = frame.load(read(f"{root}/{_NAME}") or b"")
    if not isinstance(found, tuple) or len(found) != 2 or found[0] != FORMAT:
        return False
    try:
        return all(
            os.lstat(f"{root}/{directory}/{name}").st_size == size
            for directory, names, sizes in found[1]
            for name, size in zip(names, sizes, strict=True)
        )
    except OSError:
        return False
