"""From a resolved package to the artifact that is fetched or built. Pure, except that it looks at local files."""

from puffin.stages.resolve.locate.url import artifact_of, locate_url
from puffin.stages.resolve.requirements.pins import Pin
from puffin.stages.resolve.universe.values import Chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.artifact.artifact import Artifact
    from puffin.stages.resolve.locate.file_choice import FileTarget
    from puffin.stages.resolve.locate.source import Commits
    from puffin.stages.resolve.solve.request import FilePolicy, Resolved


def artifact_for(
    package: "Resolved", target: "FileTarget", *, files: "FilePolicy", commits: "Commits"
) -> "Artifact":
    """Return the artifact to install for a resolved package. Raises the errors of locating a URL."""
    if isinstance(package.handle, Chosen):
        chosen = package.handle
        text = f"{chosen.name}=={chosen.version}"
        listed = Pin(name=chosen.name, version=chosen.version, hashes=package.hashes, text=text)
        return artifact_of(listed, chosen.install)
    pin = Pin(
        name=package.name,
        version=package.version,
        url=package.url,
        hashes=package.hashes,
        editable=package.editable,
        config_settings=getattr(package.handle, "config_settings", ()),
        text=f"{package.name} @ {package.url}",
    )
    return locate_url(pin, target, files=files, commits=commits)
