"""The universe's seam to version control, filled in with git."""

from puffin.stages.resolve.universe_place import shown
from puffin.stages.resolve.universe_values import CheckedOut
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.cache.layout import Cache
    from puffin.stages.resolve.solve.universe import Place
    from puffin.stages.resolve.universe_values import Checkout


def checkout_place(
    place: "Place", *, cache: "Cache", offline: bool, environ: "Mapping[str, str]"
) -> CheckedOut:
    """Check the repository that *place* names out; its URL then has the full commit.

    Raises the errors of :func:`puffin.stages.fetch.git.checkout`, which name *place* in the user's words.
    """
    from puffin.stages.fetch.git import checkout

    checked = checkout(place.url, cache=cache, offline=offline, environ=environ, package=shown(place))
    return CheckedOut(path=checked.path, place=replace(place, url=checked.url))


def git_checkout(*, cache: "Cache", offline: bool, environ: "Mapping[str, str]") -> "Checkout":
    """Return the :class:`~puffin.stages.resolve.universe_values.Checkout` of a run."""

    def checked(place: "Place") -> CheckedOut:
        return checkout_place(place, cache=cache, offline=offline, environ=environ)

    return checked
