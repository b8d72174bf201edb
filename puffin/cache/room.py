"""Making the cache directory, with the error that people see when that cannot be."""

from puffin.errors import PuffinError, os_cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.cache.layout import Cache


class CacheUnusable(PuffinError):
    """The cache directory can neither be made nor written to."""

    path: str
    hints: tuple[str, ...] = ("name another place with `--cache-dir` or `PUFFIN_CACHE_DIR`",)

    def summary(self) -> str:
        """Return the first line."""
        return f"Failed to initialize the cache at `{self.path}`"


def make_room(cache: "Cache") -> None:
    """Create what a cache needs before anything can be put into it. Raises :class:`CacheUnusable`."""
    try:
        cache.initialise()
    except OSError as error:
        raise CacheUnusable(path=cache.root, causes=(os_cause(error),)) from error
