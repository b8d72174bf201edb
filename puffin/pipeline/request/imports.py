"""Imports that later work needs, made while this process waits for another one."""


def import_fetching() -> None:
    """Import the modules for asking an index and fetching, before there are children that would import them each."""
    import urllib.parse  # noqa: F401 - for the places of files

    import httptools  # noqa: F401
    import packaging.specifiers  # noqa: F401 - for Requires-Python, which real pages state of most files

    import puffin.stages.fetch.client
    import puffin.stages.fetch.fetch
    import puffin.stages.fetch.turns
    import puffin.stages.resolve.index.usual
    import puffin.stages.resolve.locate.locate  # noqa: F401


def import_supplying() -> None:
    """Import the modules for fetching, unzipping and linking, before there is a child that would import them again."""
    import concurrent.futures.thread  # noqa: F401 - for what runs ahead
    import configparser  # noqa: F401 - for entry points

    import httptools  # noqa: F401

    import puffin.stages.fetch.client
    import puffin.stages.fetch.download
    import puffin.stages.fetch.fetch
    import puffin.stages.link.linker
    import puffin.stages.unzip.store
    import puffin.stages.unzip.unzip  # noqa: F401


def import_asking() -> None:
    """Import the modules for reading requirements and asking an index for pages and metadata."""
    import httptools  # noqa: F401
    import packaging.requirements  # noqa: F401

    import puffin.stages.fetch.client
    import puffin.stages.fetch.digests
    import puffin.stages.resolve.index.usual
    import puffin.stages.resolve.metadata.wheel  # noqa: F401


def import_resolving() -> None:
    """Import the modules of a resolution."""
    import_asking()
