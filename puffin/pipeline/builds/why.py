"""Why a wheel is built: the input that differs from those of the last build of its source."""

from collections.abc import Container, Iterable, Mapping

from puffin.artifact.artifact import SDIST, Artifact, expected_sha256
from puffin.artifact.urls import digest, mask
from puffin.cache.layout import Cache
from puffin.cache.pruned import pruned
from puffin.pipeline.builds.values import BuildSettings
from puffin.pipeline.request.builds import KINDS_TOLD, Toolchain, inputs_told
from puffin.reasons import (
    BUILD_ENVIRONMENT,
    BUILD_REQUIREMENT,
    BUILD_REQUIREMENTS,
    CONSTRAINTS,
    INTERPRETER,
    NO_BINARY,
    NO_WHEEL,
    NOT_BUILT,
    NOT_CACHED,
    NOT_MADE,
    PRUNED,
    REQUESTED,
    SHARED,
    SOURCE,
    Reason,
    first_difference,
)
from puffin.stages.build import kept
from puffin.stages.build.environment import environment_key, environment_path
from puffin.value import replace

_REQUIREMENT = "requirement"  # the kind of those of a build
_KINDS = {
    "source": SOURCE,
    **KINDS_TOLD,
    "constraints": CONSTRAINTS,
    "interpreter": INTERPRETER,
    "shared": SHARED,
}


def build_inputs(artifact: Artifact, settings: BuildSettings, toolchain: Toolchain) -> "dict[str, str]":
    """Return what a build is made from, as digests by name; a name begins with its kind."""
    place = mask(artifact.url).removeprefix("file://")
    return {
        f"source:{place}": kept.revision_of(artifact) or repr(artifact.hashes),
        **inputs_told(artifact.config_settings, settings.variables),
        "constraints:": digest(repr(replace(settings, variables=()).outside)),
        "interpreter:": toolchain.key,
        "shared:": "" if settings.isolates(artifact.name) else toolchain.prefix,
    }


def why_built(
    artifact: Artifact, settings: BuildSettings, toolchain: Toolchain, cache: Cache, *, again: bool
) -> Reason:
    """Return why the cache has no wheel of *artifact*; with *again*, one that it has does not count."""
    former = kept.read_inputs(cache, artifact)
    if former is None:
        return _first_build(artifact, settings, toolchain)
    found = first_difference(former, build_inputs(artifact, settings, toolchain), _KINDS)
    if found is not None:
        return found
    if again:
        return Reason(kind=REQUESTED, subject="--refresh")
    return pruned(cache, kept.revision_of(artifact))


def requirement_inputs(found: "Iterable[Artifact]") -> "dict[str, str]":
    """Return the build requirements of a source, which :func:`why_equipped` compares with those of the next build."""
    return {f"{_REQUIREMENT}:{each.name}": each.version or each.label for each in found}


def why_equipped(
    artifact: Artifact,
    held: "Mapping[Artifact, str]",
    toolchain: Toolchain,
    cache: Cache,
    damaged: "Container[str]",
) -> Reason:
    """Return why the cache has no environment with the build requirements *held*, each with its archive or none.

    *damaged* are the paths of environments that lost something.
    """
    names = [
        name for each, archive in held.items() if not archive for name in (expected_sha256(each), each.filename)
    ]
    if not names:
        names = [environment_key(toolchain.interpreter, set(held.values()))]
        if environment_path(cache, names[0]) in damaged:
            return Reason(kind=BUILD_ENVIRONMENT)
    gone = pruned(cache, *names)
    if gone.kind == PRUNED:
        return gone
    former = kept.read_inputs(cache, artifact)
    if former is None:
        return Reason(kind=NOT_MADE)
    if former.get("interpreter:") not in (None, toolchain.key):
        return Reason(kind=INTERPRETER)
    now = requirement_inputs(held)
    before = {name: text for name, text in former.items() if name.startswith(f"{_REQUIREMENT}:")}
    name = min((name for name in {**before, **now} if before.get(name) != now.get(name)), default="")
    if not before or not name:
        return Reason(kind=NOT_MADE if not before else NOT_CACHED)
    subject = name.partition(":")[2]
    if name in before and name in now:
        return Reason(kind=BUILD_REQUIREMENT, subject=subject, before=before[name], now=now[name])
    told = "is new" if name in now else "is not needed any more"
    return Reason(kind=BUILD_REQUIREMENTS, subject=subject, now=told)


def why_fetched(artifact: Artifact, cache: Cache, *, again: bool) -> Reason:
    """Return why the cache lacks the wheel of a build requirement."""
    if again:
        return Reason(kind=REQUESTED, subject="--refresh")
    return pruned(cache, expected_sha256(artifact), artifact.filename)


def _first_build(artifact: Artifact, settings: BuildSettings, toolchain: Toolchain) -> Reason:
    """Return why a source is built that never was: what an index has to offer is built where no wheel can be used."""
    if artifact.kind != SDIST or not artifact.source.startswith("index/"):
        return Reason(kind=NOT_BUILT)
    if not settings.files.wheels(artifact.name):
        return Reason(kind=NO_BINARY, subject="--no-binary")
    version = ".".join([str(part) for part in toolchain.interpreter.version[:2]])
    platform = next(iter(toolchain.interpreter.platforms), "")
    return Reason(kind=NO_WHEEL, subject=f"Python {version}{' on ' if platform else ''}{platform}")
