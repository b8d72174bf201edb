"""From a lock file (PEP 751) to the pins of a sync, and their wheels."""

from puffin.errors import UsageError
from puffin.names import normalise
from puffin.pipeline.plan_inputs import Inputs, index_config, kinds_of_files
from puffin.pipeline.plan_read import reader
from puffin.pipeline.plan_settings import Settings
from puffin.stages.resolve.pylock import LockTarget, is_lock, read_lock
from puffin.stages.resolve.reqfile import absolute
from puffin.stages.urls import inherit_credentials, mask
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.stages.resolve.index_config import IndexConfig


def locked_inputs(
    settings: Settings, markers: "Mapping[str, str]", environ: "Mapping[str, str]", tags: tuple[str, ...]
) -> Inputs | None:
    """Return what the lock file of *settings* has for an environment; None where there is none among the files.

    Raises :class:`UsageError` for whatever is given beside it, and the errors of reading it.
    """
    shown = next((mask(path) for path in settings.files if is_lock(path)), "")
    if not shown:
        return None
    if len(settings.files) > 1 or settings.constraint:
        text = f"`{shown}` is a lock file, which is complete: nothing can be given beside it"
        raise UsageError(text=text, hints=("leave out the other files, and the constraints",))
    target = LockTarget(
        markers=markers,
        tags=tags,
        extras=tuple(map(normalise, settings.extra)),
        all_extras=settings.all_extras,
        groups=tuple(map(normalise, settings.group)),
        files=kinds_of_files(settings, None),
    )
    path = absolute(settings.files[0])
    locked = read_lock(reader(settings, environ)(path), path=path, shown=shown, target=target)
    config = index_config(settings, None)
    return Inputs(
        pins=locked.pins,
        plain=False,
        config=config,
        files=kinds_of_files(settings, None),
        require_hashes=settings.require_hashes,
        trusted_hosts=(),
        warnings=locked.warnings,
        located=tuple([replace(each, url=_with_credentials(each.url, config)) for each in locked.artifacts]),
    )


def _with_credentials(url: str, config: "IndexConfig") -> str:
    """Return the URL of a file with the credentials of an index on the same host: lock files hold none."""
    for index in (*config.indexes(), *[each.url for each in config.named]):
        url = inherit_credentials(url, index)
    return url
