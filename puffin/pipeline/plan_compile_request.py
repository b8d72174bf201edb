"""From sources and settings to the request that the resolver answers. Pure."""

from puffin.pipeline.plan_settings import CompileSettings
from puffin.stages.resolve.inputs import Sources
from puffin.stages.resolve.platforms import Target
from puffin.stages.resolve.preferences import Upgrades
from puffin.stages.resolve.reqconflicts import DisjointHashes
from puffin.stages.resolve.reqvalues import Entry, Requirements
from puffin.stages.resolve.solve.request import ALL, ALLOW, FilePolicy, Preference, ResolveRequest, Root
from puffin.value import field_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from puffin.pipeline.plan_install import InstallSettings

_SHARED = tuple([name for name in field_names(Root) if name != "origin"])


def request_of(
    settings: CompileSettings,
    sources: Sources,
    target: Target,
    upgrades: Upgrades,
    kept: tuple[Preference, ...],
) -> ResolveRequest:
    """Return the request; *kept* are the pins of the earlier output that no upgrade concerns."""
    requirements = sources.requirements
    return ResolveRequest(
        requirements=roots(requirements.entries),
        constraints=(*roots(requirements.constraints), *upgrades.limits),
        overrides=roots(sources.overrides),
        markers=dict(target.markers),
        python_version=target.python_version,
        real_python_version=target.real_python_version,
        preferences=kept,
        resolution=settings.resolution,
        prereleases=ALLOW if requirements.pre else settings.prerelease,
        exclude_newer=settings.exclude_newer,
        no_deps=settings.no_deps,
        files=file_policy(settings, requirements),
        offline=settings.run.offline,
        tag=target.tags[0] if target.tags else "",
    )


def roots(entries: "Sequence[Entry]") -> tuple[Root, ...]:
    """Return entries of requirements files as what the resolver takes."""
    return tuple(
        [Root(origin=entry.origin, **{name: getattr(entry, name) for name in _SHARED}) for entry in entries]
    )


def demanded_hashes(requirements: Requirements) -> dict[str, tuple[str, ...]]:
    """Return the hashes that requirements demand, by name; those of constraints narrow them.

    Raises :class:`DisjointHashes` where no file can have a hash of both.
    """
    found: dict[str, tuple[str, ...]] = {}
    for entry in requirements.entries:
        if entry.name and entry.hashes:
            found[entry.name] = tuple(dict.fromkeys((*found.get(entry.name, ()), *entry.hashes)))
    for entry in requirements.constraints:
        if entry.hashes:
            former = found.get(entry.name, entry.hashes)
            found[entry.name] = tuple([each for each in former if each in entry.hashes])
            if not found[entry.name]:
                places = [each for each in requirements.entries if each.name == entry.name and each.hashes]
                shown = tuple([(each.text, each.origin) for each in (*places, entry)])
                raise DisjointHashes(package=entry.name, requirements=shown)
    return found


def file_policy(settings: "CompileSettings | InstallSettings", requirements: Requirements) -> FilePolicy:
    """Return which kinds of files may be used: what options say, and what files say, adds up."""
    return FilePolicy(
        no_binary=frozenset((*settings.no_binary, *requirements.no_binary)),
        only_binary=frozenset((*settings.only_binary, *requirements.only_binary)),
        no_build=frozenset((ALL,)) if settings.no_build else frozenset(),
    )
