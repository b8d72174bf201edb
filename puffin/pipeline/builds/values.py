"""The settings of builds, and the errors of planning them."""

from puffin.errors import PuffinError
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.request.scheduler import Remote
    from puffin.stages.remote.values import RemoteCache
    from puffin.stages.resolve.index.config import FilePolicy, IndexConfig
    from puffin.stages.resolve.requirements.values import Entry

ALL = ":all:"


@frozen
class BuildSettings:
    """What decides how builds go, besides the sources: one value for a run, however many environments.

    ``network`` is in its wire form. ``shared`` are the normalised names (or :data:`ALL`) that are built without
    isolation. ``config_settings`` are for every build that this run was asked for, ``package_settings`` for those of
    one package. ``constraints`` limit build requirements. ``now`` and ``refresh`` are as in ``Scope``. What was built
    or fetched since the command ``began`` counts as new. ``again`` holds the normalised names of directories that are
    built again although their state did not change, or True for all. ``variables`` are those of the user that
    backends read. ``skipped_sources`` are the packages whose sources in projects are ignored, True for all, and
    ``markers`` those of the target that the dependencies of repositories are for. ``remote_cache`` is asked for
    wheels whose metadata are wanted. ``remote`` is where isolated builds are done, None for this machine.
    """

    config: "IndexConfig"
    network: "tuple[object, ...]"
    now: float
    began: float
    files: "FilePolicy"
    constraints: "tuple[Entry, ...]" = ()
    config_settings: tuple[tuple[str, str], ...] = ()
    package_settings: tuple[tuple[str, tuple[str, str]], ...] = ()
    shared: frozenset[str] = frozenset()
    prereleases: str = "if-necessary-or-explicit"
    exclude_newer: str = ""
    refresh: "bool | frozenset[str]" = False
    offline: bool = False
    again: "bool | frozenset[str]" = False
    variables: tuple[tuple[str, str], ...] = ()
    skipped_sources: "bool | frozenset[str]" = False
    markers: tuple[tuple[str, str], ...] = ()
    several: bool = False
    remote: "Remote | None" = None
    remote_cache: "RemoteCache | None" = None

    @property
    def outside(self) -> "tuple[object, ...]":
        """What a wheel depends on besides its source and its own settings, in a form whose ``repr`` is stable."""
        limits = tuple(
            sorted(
                (each.name, each.specifier, each.url, each.marker, *each.hashes) for each in self.constraints
            )
        )
        skipped = self.skipped_sources
        sources = sorted(skipped) if isinstance(skipped, frozenset) else "all" if skipped else ()
        return (
            *((limits,) if limits else ()),
            *((self.variables,) if self.variables else ()),
            *((("no sources", *sources),) if sources else ()),
        )

    def asks_again(self, name: str) -> bool:
        """Return whether a package is fetched or built again although nobody tells that it changed."""
        return self.again if isinstance(self.again, bool) else name in self.again

    def isolates(self, name: str) -> bool:
        """Return whether a package is built in an environment of its own."""
        return name not in self.shared and ALL not in self.shared


class BuildCycle(PuffinError):
    """Packages need each other to be built; ``names`` begins and ends with the same."""

    stage = "build"
    names: tuple[str, ...]
    hints: tuple[str, ...] = ("use a wheel of one of them, or give `--find-links` a place that has one",)

    def summary(self) -> str:
        """Return the first line."""
        first, *rest = [f"`{name}`" for name in self.names]
        return f"Failed to build {first}: it needs {', which needs '.join(rest)}, to be built"


class BuildRequirementsFailed(PuffinError):
    """What a build needs cannot be had."""

    stage = "build"
    requires: tuple[str, ...]

    def summary(self) -> str:
        """Return the first line."""
        wanted = ", ".join(f"`{each}`" for each in self.requires)
        return f"Failed to resolve the build requirements of `{self.package}` ({wanted})"
