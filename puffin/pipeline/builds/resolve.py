"""Build requirements, resolved like all others, by the same options, for the interpreter that builds."""

import os

from puffin.errors import PuffinError
from puffin.pipeline.builds.values import BuildRequirementsFailed, BuildSettings
from puffin.pipeline.find.artifact import artifact_for
from puffin.pipeline.inputs.resolution import ResolutionSetup, open_universe, resolved
from puffin.pipeline.request.toolchain import Toolchain
from puffin.stages.resolve.locate.file_choice import FileTarget
from puffin.stages.resolve.locate.platforms import target_for
from puffin.stages.resolve.locate.source import pinner
from puffin.stages.resolve.solve.request import Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.artifact.artifact import Artifact
    from puffin.cache.layout import Cache
    from puffin.stages.resolve.universe.values import Builder, Checkout


class BuildResolver:
    """Resolves each distinct set of build requirements once in a run, for each interpreter that builds."""

    def __init__(self, settings: BuildSettings, cache: "Cache") -> None:
        self._settings = settings
        self._cache = cache
        self._known: dict[tuple[str, tuple[str, ...]], tuple[Artifact, ...]] = {}

    def resolve(
        self,
        requires: tuple[str, ...],
        toolchain: Toolchain,
        *,
        package: str,
        build: "Builder",
        checkout: "Checkout | None",
    ) -> "tuple[Artifact, ...]":
        """Return the distributions that *requires* comes to; *package* is what needs them, in the user's words.

        Raises :class:`BuildRequirementsFailed`.
        """
        wanted = tuple(sorted(set(requires)))
        key = (toolchain.key, wanted)
        if key not in self._known:
            try:
                self._known[key] = self._resolve(wanted, toolchain, build, checkout)
            except PuffinError as error:
                raise BuildRequirementsFailed(package=package, requires=wanted, causes=(error,)) from error
        return self._known[key]

    def _resolve(
        self, wanted: tuple[str, ...], toolchain: Toolchain, build: "Builder", checkout: "Checkout | None"
    ) -> "tuple[Artifact, ...]":
        setup = self._setup(wanted, toolchain)
        with open_universe(setup, self._cache, build=build, checkout=checkout) as universe:
            resolution = resolved(setup, universe)
        settings, interpreter = self._settings, toolchain.interpreter
        target = FileTarget(interpreter.tags, interpreter.version_text)
        commits = pinner(self._cache, offline=settings.offline, environ=os.environ)
        return tuple(
            [artifact_for(each, target, files=settings.files, commits=commits) for each in resolution.packages]
        )

    def _setup(self, wanted: tuple[str, ...], toolchain: Toolchain) -> ResolutionSetup:
        settings = self._settings
        return ResolutionSetup(
            config=settings.config,
            network=settings.network,
            now=settings.now,
            target=target_for(toolchain.interpreter),
            requirements=tuple([root_of(text) for text in wanted]),
            constraints=settings.constraints,
            files=settings.files,
            prereleases=settings.prereleases,
            exclude_newer=settings.exclude_newer,
            refresh=settings.refresh,
            offline=settings.offline,
        )


def root_of(text: str) -> Root:
    """Return a build requirement (PEP 508) as the resolver takes it; ``InvalidRequirement`` if it is none."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    parsed = Requirement(text)
    return Root(
        name=canonicalize_name(parsed.name),
        text=text,
        specifier=str(parsed.specifier),
        extras=tuple(sorted(canonicalize_name(each) for each in parsed.extras)),
        marker=str(parsed.marker or ""),
        url=parsed.url or "",
        origin="build-system.requires",
    )
