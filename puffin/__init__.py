"""puffin: a Python package installer that runs a graph of fetch, build, unzip and link tasks."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Return a name of the public library, which is imported with the first of them (PEP 562)."""
    if name in _LIBRARY:
        return getattr(__import__("puffin.library", fromlist=[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_LIBRARY = frozenset(
    (
        "CommandFailed", "EnvironmentRequest", "PackageChange", "SyncResult", "SyncedEnvironment", "plan", "resolve",
        "sync",
    )
)  # fmt: skip


def __dir__() -> "list[str]":
    return sorted({*globals(), *_LIBRARY})
