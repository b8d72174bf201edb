"""An artifact: one file at some place that satisfies a requirement."""

from puffin.value import frozen


@frozen
class Artifact:
    """A wheel that was located for a pin, with all that later stages need to know of it.

    ``url`` is absolute (https, http or file), without fragment; credentials may stand in it and are
    masked wherever it is shown. ``hashes`` are ``"algorithm:hex"``, alternatives
    of which one must hold.
    ``source`` is the sub-bucket of the cache the file belongs to: ``index/<digest>``, ``url/<digest>``
    or ``path/<digest>``. ``direct_url`` is the text of ``direct_url.json`` (PEP 610), empty for files
    from an index. ``yanked`` is None, or the reason of the yank (which may be empty, PEP 592).
    ``size`` is in bytes, 0 where unknown.
    """

    name: str
    version: str
    filename: str
    url: str
    source: str
    hashes: tuple[str, ...] = ()
    size: int = 0
    direct_url: str = ""
    yanked: str | None = None
    requires_python: str = ""
