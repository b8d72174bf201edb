"""The sources of a compilation, whatever their kind, as one set of requirements."""

from collections.abc import Iterable, Mapping, Sequence

from puffin import depends
from puffin.artifact.urls import mask
from puffin.stages.resolve.index.config import NamedIndex
from puffin.stages.resolve.projects.values import (
    DEFAULT_POLICY,
    PLAIN,
    Build,
    Declared,
    Exists,
    Read,
    SourcePolicy,
    kind_of,
    relative,
)
from puffin.stages.resolve.requirements.file import STDIN, read_requirements
from puffin.stages.resolve.requirements.texts import specifiers_of
from puffin.stages.resolve.requirements.values import Entry, Requirements, SourceRequest
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@frozen
class Sources:
    """All that the sources say.

    ``labels`` tell, for the origin and the name of an entry, how annotations call it (several if it stands
    for several), such as ``-r requirements.in`` or ``name (pyproject.toml)``; standard input and scripts
    have none.
    ``pythons`` are pairs of file and the Python specifier that it states. ``reached`` limit what local projects ask
    for to where these say that it comes from; of ``virtual`` packages only the dependencies are installed. ``extras``
    and ``groups`` are those that a lock file has for selection. ``needs`` are pairs of local projects (directory and
    extras), of which the first needs the second. ``required`` are as in ``ProjectTables``, and ``environments`` too,
    for each file that could state some.
    """

    requirements: Requirements
    overrides: tuple[Entry, ...] = ()
    labels: tuple[tuple[tuple[str, str], tuple[str, ...]], ...] = ()
    pythons: tuple[tuple[str, str], ...] = ()
    reached: tuple[Entry, ...] = ()
    needs: "tuple[Any, ...]" = ()
    virtual: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    environments: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    required: tuple[tuple[str, str], ...] = ()


def read_sources(
    request: SourceRequest,
    *,
    read: Read,
    environ: Mapping[str, str],
    exists: Exists = depends.exists,
    build: Build | None = None,
    policy: SourcePolicy = DEFAULT_POLICY,
) -> Sources:
    """Read everything that *request* names; a directory stands for the project in it.

    *read* and *environ* are as for :func:`~puffin.stages.resolve.requirements.file.read_requirements`, whose errors
    are raised, and those of ``inputs_errors``; :class:`UsageError` for extras without a project. *build*
    returns METADATA of a directory, which the user calls by the second argument, with the settings of the
    requirements files; without it, a project that only a build can tell of is an error. *policy* is about the sources
    that projects name.
    """
    request = replace(
        request, files=tuple([project_file(path, read=read, exists=exists) for path in request.files])
    )
    plain = [path for path in request.files if kind_of(path) == PLAIN]
    written = read_requirements(
        plain, read=read, environ=environ, constraints=request.constraints, exists=exists, locked=policy.locked
    )
    overrides = read_requirements(request.overrides, read=read, environ=environ, exists=exists)
    given = (*written.entries, *written.constraints, *overrides.entries)
    projects = Declared()
    limited = policy.several is not None and bool(policy.uv_file)
    if limited or _may_name_projects(request, given):
        from puffin.stages.resolve.projects.reader import read_projects

        projects = read_projects(request, written, given, read=read, exists=exists, build=build, policy=policy)
    labels = {key: dict(own) for key, own in projects.labels.items()}
    for entries, option in (
        (written.entries, "-r"), (written.constraints, "-c"), (overrides.entries, "--override")
    ):  # fmt: skip
        for entry in entries:
            if entry.file != STDIN:
                label = f"{option} {relative(entry.file)}"
                labels.setdefault((entry.origin, entry.name), {})[label] = None
    told = {each.name for each in overrides.entries}
    warnings = (
        *written.warnings,
        *projects.warnings,
        *overrides.warnings,
        *_ignored(overrides, request.overrides),
    )
    return Sources(
        requirements=replace(
            written,
            entries=(*projects.entries, *written.entries),
            constraints=(*written.constraints, *projects.constraints),
            warnings=warnings,
            pinned=projects.pinned,
            **_indexes(written, projects.indexes),
        ),
        reached=projects.reached,
        needs=projects.needs,
        virtual=projects.virtual,
        extras=projects.extras,
        groups=projects.groups,
        environments=projects.environments,
        required=projects.required,
        overrides=(*overrides.entries, *[each for each in projects.overrides if each.name not in told]),
        labels=tuple([(key, tuple(own)) for key, own in labels.items()]),
        pythons=projects.pythons,
    )


def project_file(path: str, *, read: Read, exists: Exists) -> str:
    """Return the file of the project in a directory, any other path unchanged; raises what ``file_in`` does."""
    if path == STDIN or "://" in path or not depends.is_directory(path):
        return path
    from puffin.stages.resolve.projects.reader import file_in

    return file_in(path, read=read, exists=exists)


def _may_name_projects(request: SourceRequest, given: Iterable[Entry]) -> bool:
    """Tell whether projects have a part: as sources, by an option, or because a URL may point to one."""
    asked = request.extras or request.all_extras or request.groups or request.tree or request.selectable
    return (
        bool(asked) or any(kind_of(path) != PLAIN for path in request.files) or any(each.url for each in given)
    )


def _indexes(written: Requirements, known: Iterable[NamedIndex]) -> "dict[str, Any]":
    """Return the indexes of requirements files, then those that projects declare for all packages."""
    free = [each for each in known if not (each.explicit or each.packages)]
    default = next((each.url for each in free if each.default), None)
    return {
        "index_url": written.index_url or default,
        "extra_index_urls": (*written.extra_index_urls, *[each.url for each in free if not each.default]),
    }


def _ignored(overrides: Requirements, files: Sequence[str]) -> tuple[str, ...]:
    if not (overrides.index_url or overrides.extra_index_urls or overrides.find_links or overrides.no_index):
        return ()
    names = ", ".join(f"`{mask(path)}`" for path in files)
    return (f"Options about indexes have no effect in {names}, which only overrides.",)


def check_python(sources: Sources, version: str) -> tuple[str, ...]:
    """Return warnings about sources whose Python specifier does not admit the target's *version*."""
    return tuple(
        f"`{file}` requires Python {specifier}, but the resolution is for Python {version}"
        for file, specifier in sources.pythons
        if not specifiers_of(specifier).contains(version, prereleases=True)
    )
