"""Why a version is ruled out: values that the explanation groups by."""

from puffin.value import frozen

PRERELEASE = "prerelease"
YANKED = "yanked"
PYTHON = "python"
TAGS = "tags"
NO_BUILD = "no-build"
NO_BINARY = "no-binary"
NO_FILES = "no-files"
HASHES = "hashes"
UNUSABLE = "unusable"
NEEDS = "needs"
FOREIGN_URL = "foreign-url"


@frozen
class Rejection:
    """Why one version is ruled out for good.

    ``detail`` depends on ``kind``: the reason of the yank, the Requires-Python, the tags of the wheels there
    are, or a clause for :data:`UNUSABLE`. For :data:`NEEDS` it is the requirement on another version of itself,
    for :data:`FOREIGN_URL` the requirement with the URL, in both cases of the package ``other``.
    """

    kind: str
    detail: str = ""
    other: str = ""
    offline: bool = False
