"""Imports that later work needs, made while this process waits for another one or before it has children."""

_FETCHING = (
    "urllib.parse",  # for the places of files
    "httptools",
    "puffin.stages.fetch.client",
    "puffin.stages.fetch.fetch",
    "puffin.stages.fetch.turns",
    "puffin.stages.resolve.index.usual",
    "puffin.stages.resolve.locate.locate",
)
_SUPPLYING = (
    "concurrent.futures.thread",  # for what runs ahead
    "configparser",  # for entry points
    "httptools",
    "puffin.stages.fetch.client",
    "puffin.stages.fetch.download",
    "puffin.stages.fetch.fetch",
    "puffin.stages.link.linker",
    "puffin.stages.unzip.store",
    "puffin.stages.unzip.unzip",
)
_RESOLVING = (
    "hashlib",  # which each child would import for itself
    "httptools",
    "puffin.stages.fetch.client",
    "puffin.stages.fetch.digests",
    "puffin.stages.resolve.index.usual",
    "puffin.stages.resolve.metadata.wheel",
)


_MERGING = ("puffin.stages.resolve.locate.everywhere", "puffin.stages.resolve.output.merge")


def import_fetching() -> None:
    """Import the modules for asking an index and fetching."""
    _import(_FETCHING)


def import_supplying() -> None:
    """Import the modules for fetching, unzipping and linking."""
    _import(_SUPPLYING)


def import_resolving() -> None:
    """Import the modules for reading requirements and asking an index for pages and metadata."""
    _import(_RESOLVING)


def import_merging() -> None:
    """Import the modules for resolving for several environments."""
    _import(_MERGING)


def _import(modules: tuple[str, ...]) -> None:
    for module in modules:
        __import__(module)
