"""Where the requirements of repositories come from, and those of builds: the sources that their own projects name."""

import os
from collections.abc import Mapping
from typing import Any

from puffin import depends
from puffin.artifact.artifact import GIT, Artifact
from puffin.artifact.tree import pyproject_of, tree_state
from puffin.artifact.urls import file_path, is_file_url
from puffin.errors import PuffinError
from puffin.names import normalise
from puffin.pipeline.builds.values import BuildSettings
from puffin.pipeline.inputs.inputs import all_environments
from puffin.pipeline.request.session import Session
from puffin.stages.build.kept import hash_of
from puffin.stages.fetch.git.url import inner_directory, subdirectory
from puffin.stages.resolve.metadata.toml import InvalidProject
from puffin.stages.resolve.projects.trees import Tree, placed_texts
from puffin.stages.resolve.projects.values import SourcePolicy
from puffin.stages.resolve.requirements.texts import requirement_parts
from puffin.stages.resolve.universe.values import CheckedOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.resolve.requirements.region import RegionConditions

Placed = tuple[
    tuple[str, ...], tuple[tuple[str, str], ...]
]  # requirements, and the indexes of packages by name


class TreeSources:
    """Places the requirements of source trees. Threads may share it."""

    def __init__(self, settings: BuildSettings, session: Session) -> None:
        self._settings = settings
        self._session = session

    def of_checkout(self, checked: CheckedOut, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Return the dependencies of a repository. Raises ``InvalidProject``."""
        url = checked.place.url
        directory = inner_directory(
            checked.path, subdirectory(url.partition("#")[2]), package=checked.place.name or url
        )
        tree = Tree(directory=directory, top=checked.path, repository=url)
        several = all_environments() if self._settings.several else None
        found, pins = self._placed(texts, tree, dict(self._settings.markers), key="", several=several)
        for name, index in pins:
            if self._settings.config.for_package(name) != (index,):
                problem = f"the source of `{name}` is an index, which counts in local projects only"
                hint = f'name the index in your own configuration: `[[index]]` with `packages = ["{name}"]`'
                raise InvalidProject(
                    file=checked.place.text or checked.place.name, problem=problem, hints=(hint,)
                )
        return found

    def of_build(
        self, requires: tuple[str, ...], artifact: Artifact, path: str, markers: Mapping[str, str]
    ) -> Placed:
        """Return the build requirements of a directory or a repository at *path*. Raises ``InvalidProject``."""
        directory = inner_directory(path, artifact.subdirectory, package=artifact.label)
        repository = artifact.url if artifact.kind == GIT else ""
        tree = Tree(directory=directory, top=path, repository=repository)
        return self._placed(requires, tree, markers, key="build-system.requires")

    def local_needs(self, artifact: Artifact, markers: Mapping[str, str]) -> tuple[str, ...]:
        """Return URLs and states of the local build requirements of a directory, none if it is invalid."""
        path = file_path(artifact.url)
        directory = os.path.join(path, artifact.subdirectory).rstrip(os.sep)
        document = pyproject_of(directory)
        try:
            named = _sources_in(document) | _sources_above(directory)
            requires = document.get("build-system", {}).get("requires", ())
            wanted = [each for each in requires if "file:" in each or requirement_parts(each)[0] in named]
            placed = self.of_build(tuple(wanted), artifact, path, markers)[0] if wanted else ()
            urls = [requirement_parts(text)[4] for text in placed]
            return tuple([f"{url} {_state(url)}" for url in urls if is_file_url(url)])
        except (PuffinError, OSError, ValueError, AttributeError, TypeError):
            return ()  # whoever builds it says so

    def _placed(
        self,
        texts: tuple[str, ...],
        tree: Tree,
        markers: Mapping[str, str],
        key: str,
        several: "RegionConditions | None" = None,
    ) -> Placed:
        policy = SourcePolicy(
            markers=(lambda: markers) if markers else None,
            skipped=self._settings.skipped_sources,
            environ=self._session.environ,
            indexes=self._settings.config.named,
            several=several,
        )
        return placed_texts(texts, tree, read=self._session.read, policy=policy, key=key)


def _sources_in(document: "dict[str, Any]") -> set[str]:
    """Return the names for which a project has sources. Raises what an invalid one raises."""
    tables = [document.get("tool", {}).get(tool, {}).get("sources", {}) for tool in ("uv", "puffin")]
    return {normalise(name) for table in tables for name in table}


def _sources_above(directory: str) -> set[str]:
    """Return the names for which the nearest workspace root above a directory has sources; it may inherit them.

    Whether the project is a member is found when one of these names is wanted.
    """
    while (above := os.path.dirname(directory)) != directory:
        directory = above
        if depends.exists(os.path.join(directory, "pyproject.toml")):
            document = pyproject_of(directory)
            try:
                if any("workspace" in document.get("tool", {}).get(tool, {}) for tool in ("uv", "puffin")):
                    return _sources_in(document)
            except (ValueError, AttributeError, TypeError):
                pass  # an invalid file, which may have nothing to do with the project
    return set()


def _state(url: str) -> str:
    path = file_path(url.partition("#")[0])
    depends.file(path)
    return tree_state(path) if os.path.isdir(path) else hash_of(path)
