"""Which option stands in the way of a file."""

from puffin.stages.resolve.solve.request import ALL, FilePolicy

ANY_FILES = FilePolicy()


def builds_option(files: FilePolicy, name: str) -> str:
    """Return the option that forbids building *name*, wherever it is from; empty if none does."""
    return "`--no-build`" if ALL in files.no_build or name in files.no_build else ""


def sdists_option(files: FilePolicy, name: str) -> str:
    """Return the option that forbids source distributions of *name* from an index; empty if none does."""
    if files.sdists(name):
        return ""
    if option := builds_option(files, name):
        return option
    return f"`--only-binary {name if name in files.only_binary else ALL}`"


def wheels_option(files: FilePolicy, name: str) -> str:
    """Return the option that forbids wheels of *name* from an index; empty if none does."""
    if files.wheels(name):
        return ""
    return f"`--no-binary {name if name in files.no_binary else ALL}`"
