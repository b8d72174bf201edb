"""What builds are told besides their sources: config settings, and variables that backends read."""

from puffin.artifact.artifact import WHEEL, Artifact
from puffin.artifact.urls import digest
from puffin.errors import UsageError
from puffin.pipeline.request.settings import Settings
from puffin.stages.build.environ import backend_variables
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def config_setting(text: str) -> tuple[str, str]:
    """Return the key and the value of ``KEY=VALUE``; :class:`UsageError` for anything else."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(
            text=f"`{text}` is no setting for a build backend",
            hints=("give `--config-setting` a key and a value, as in `--config-setting key=value`",),
        )
    return key.strip(), value


def as_built(artifact: Artifact, settings: Settings, environ: "Mapping[str, str]") -> Artifact:
    """Return an artifact that has to be built with a ``source`` that also changes with what the build is told.

    That stands behind a ``+``.
    """
    told = (*artifact.config_settings, *[config_setting(each) for each in settings.config_setting])
    outside = backend_variables(environ)
    if artifact.kind == WHEEL or not (told or outside):
        return artifact
    return replace(artifact, source=f"{artifact.source}+{digest(repr((told, outside)))}")
