"""What tells commits of repositories. What runs git is imported when one is asked for: most inputs name none."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from puffin.cache.layout import Cache


def pinner(cache: "Cache", *, offline: bool, environ: "Mapping[str, str]") -> "Callable[..., str]":
    """Return :func:`puffin.stages.fetch.git.pin_commit` for a cache and an environment, as ``(url, package="")``."""

    def pin(url: str, package: str = "") -> str:
        from puffin.stages.fetch.git import pin_commit

        return pin_commit(url, cache=cache, offline=offline, environ=environ, package=package)

    return pin
