"""Environments on two file systems, such as one whose site-packages is a mount: what cannot be renamed is copied."""

import os
import shutil


def device(path: str) -> int:
    """Return the device that the entry *path* is, or will be, on: that of the nearest directory above it."""
    while True:
        path = os.path.dirname(path)
        try:
            return os.stat(path).st_dev
        except FileNotFoundError:
            continue


def copy(source: str, target: str) -> None:
    """Copy a file, a link or a tree, with modes and times (``OSError``)."""
    if os.path.isdir(source) and not os.path.islink(source):
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)
