"""Resolving build requirements, with the options of the command, for the interpreter that builds."""

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from puffin.errors import PuffinError
from puffin.pipeline.builds.values import BuildRequirementsFailed, BuildSettings
from puffin.pipeline.inputs.resolution import ResolutionSetup, artifact_for, open_universe, resolved
from puffin.pipeline.request.builds import Toolchain
from puffin.stages.resolve.locate.file_choice import FileTarget
from puffin.stages.resolve.locate.platforms import target_for
from puffin.stages.resolve.requirements.values import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.artifact.artifact import Artifact
    from puffin.pipeline.request.session import Session
    from puffin.stages.resolve.universe.values import Builder, Checkout


class BuildResolver:
    """Resolves each distinct set of build requirements once in a run, for each interpreter that builds."""

    def __init__(self, settings: BuildSettings, session: "Session") -> None:
        self._settings = settings
        self._session = session
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
        """Return the distributions that *requires* resolves to; *package* needs them and is named in errors.

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
        with open_universe(setup, self._session.cache, build=build, checkout=checkout) as universe:
            resolution = resolved(setup, universe)
        settings, interpreter = self._settings, toolchain.interpreter
        target = FileTarget(interpreter.tags, interpreter.version_text)
        commits = self._session.commits
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
            installs=True,
        )


def root_of(text: str) -> Entry:
    """Return a build requirement (PEP 508) as the resolver takes it; ``InvalidRequirement`` if it is none."""
    parsed = Requirement(text)
    return Entry(
        name=canonicalize_name(parsed.name),
        text=text,
        specifier=str(parsed.specifier),
        extras=tuple(sorted(canonicalize_name(each) for each in parsed.extras)),
        marker=str(parsed.marker or ""),
        url=parsed.url or "",
        file="build-system.requires",
    )
