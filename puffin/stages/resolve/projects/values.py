"""The kinds of sources, what projects declare, and how their tables are applied."""

import os

from puffin.errors import UsageError
from puffin.stages.resolve.index.config import NamedIndex
from puffin.stages.resolve.requirements.plain import is_lock, is_script
from puffin.stages.resolve.requirements.values import Entry
from puffin.types import Any, Callable, Mapping
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.resolve.projects.members import LocalProjects
    from puffin.stages.resolve.requirements.region import RegionConditions

Read = Callable[[str], bytes]
Exists = Callable[[str], bool]
Build = Callable[..., bytes]  # of directory, shown name, settings; name and whether it is to be editable
PYPROJECT, SETUP_CFG, SETUP_PY, SCRIPT, PLAIN = (
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "script",
    "requirements",
)

SHARED_LOCK = "shared"  # in `tool.puffin` of a lock: it is for all environments of its project
UV_SETTINGS = (  # that options of puffin have equivalents of; the command line reads them
    "index-url", "extra-index-url", "find-links", "no-index", "index-strategy", "keyring-provider",
    "allow-insecure-host", "resolution", "prerelease", "exclude-newer", "exclude-newer-package", "no-build",
    "no-build-package", "no-binary", "no-binary-package", "no-build-isolation", "no-build-isolation-package",
    "config-settings", "config-settings-package", "no-sources", "no-sources-package", "link-mode", "compile-bytecode",
)  # fmt: skip
UV_DEPENDENCIES = (  # that are read with the project, at the root of its workspace
    "override-dependencies", "constraint-dependencies", "exclude-dependencies", "environments",
    "required-environments",
)  # fmt: skip
UV_OTHERS = (  # that decide what is installed, and have no effect
    "build-constraint-dependencies", "conflicts", "dependency-metadata", "extra-build-dependencies",
    "extra-build-variables", "fork-strategy", "pip", "torch-backend",
)  # fmt: skip


@frozen
class SourcePolicy:
    """How the tables of projects are applied.

    ``markers`` returns the markers of the target; without it, every marker holds. ``skipped`` are the packages whose
    sources are ignored, True for all. ``environ`` may have credentials for indexes. ``indexes`` are the named ones of
    options and configuration. ``locked`` is as for ``read_requirements``. ``projects`` are those that were read for
    other requests, if any. ``uv_file`` is the file whose ``[tool.uv]`` is among the settings. ``several`` are the
    conditions of all environments where the requirements are for several: a requirement is then divided by the markers
    of its sources.
    """

    markers: Callable[[], Mapping[str, str]] | None = None
    skipped: "bool | frozenset[str]" = False
    environ: Mapping[str, str] = {}
    indexes: tuple[NamedIndex, ...] = ()
    projects: "LocalProjects | None" = None
    locked: Callable[[str, str, bytes], tuple[Entry, ...]] | None = None
    uv_file: str = ""
    several: "RegionConditions | None" = None

    def skips(self, name: str) -> bool:
        return self.skipped if isinstance(self.skipped, bool) else name in self.skipped


DEFAULT_POLICY = SourcePolicy()


@frozen
class Declared:
    """What projects say, or nothing; the fields are those of ``Sources``, ``Requirements`` and ``Lowering``."""

    entries: tuple[Entry, ...] = ()
    labels: "dict[tuple[str, str], dict[str, None]]" = {}
    pythons: tuple[tuple[str, str], ...] = ()
    indexes: tuple[NamedIndex, ...] = ()
    warnings: tuple[str, ...] = ()
    pinned: tuple[tuple[str, str, str], ...] = ()
    reached: tuple[Entry, ...] = ()
    needs: "tuple[Any, ...]" = ()
    virtual: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    constraints: tuple[Entry, ...] = ()
    overrides: tuple[Entry, ...] = ()
    environments: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    required: tuple[tuple[str, str], ...] = ()


def kind_of(path: str) -> str:
    """Return which kind of source a path names. Raises :class:`UsageError` for what is none."""
    name = os.path.basename(path)
    if name in (PYPROJECT, SETUP_CFG, SETUP_PY):
        return name
    if name.endswith(".toml") or is_lock(name):
        what = (
            "is a lock file, the result of a compilation"
            if is_lock(name)
            else "is not a source of requirements"
        )
        raise UsageError(
            text=f"`{path}` {what}", hints=("compile a `pyproject.toml`, a `requirements.in` or a script",)
        )
    return SCRIPT if is_script(path) else PLAIN


def relative(path: str) -> str:
    """Return an absolute path beneath the working directory relative to it, so that outputs can be shared."""
    here = os.path.join(os.getcwd(), "")
    return path[len(here) :] if path.startswith(here) else path
