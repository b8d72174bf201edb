"""From the files of an environment to pins and their indexes, or to sources that have to be resolved.

Plain files are read without packaging.
"""

import os

from puffin import depends
from puffin.artifact.urls import digest, inherit_credentials, is_http, mask
from puffin.errors import UsageError
from puffin.names import normalise
from puffin.pipeline.request.settings import Settings
from puffin.stages.resolve.index.config import ALL, FIRST_INDEX, FilePolicy, IndexConfig
from puffin.stages.resolve.projects.values import SourcePolicy, relative
from puffin.stages.resolve.requirements.plain import is_lock, is_pylock, is_script, simple_pins
from puffin.stages.resolve.requirements.values import Entry, Pin, Requirements, SourceRequest
from puffin.value import common, frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from puffin.artifact.artifact import Artifact
    from puffin.pipeline.request.session import Session
    from puffin.stages.link.interpreter.interpreter import Interpreter
    from puffin.stages.resolve.index.config import FilePolicy, IndexConfig
    from puffin.stages.resolve.projects.members import LocalProjects
    from puffin.stages.resolve.projects.sources import Sources
    from puffin.stages.resolve.projects.values import Build
    from puffin.stages.resolve.requirements.region import RegionConditions

    Naming = Callable[[Requirements, FilePolicy], Requirements]

_PROJECTS = (".toml", ".py", ".pyw", "setup.cfg")
DEFAULT_INDEX = "https://pypi.org/simple/"


@frozen
class Inputs:
    """The pins of a run (``Pin`` values, or plain ``(name, version)``), their indexes, allowed files, and warnings.

    ``located`` are the wheels of those pins for which no index need be asked: those of lock files.
    """

    pins: "tuple[Any, ...]"
    config: "IndexConfig"
    files: "FilePolicy"
    plain: bool = False
    trusted_hosts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    located: "tuple[Artifact, ...]" = ()


def requested(settings: Settings) -> SourceRequest:
    """Return the request that the options of a command on one environment make."""
    return SourceRequest(
        files=settings.files,
        constraints=settings.constraint,
        overrides=settings.override,
        extras=settings.extra,
        all_extras=settings.all_extras,
        groups=settings.group,
    )


class Reading:
    """A request, and the ways in which it can be read. Every command makes such a request.

    It names requirements files, projects and scripts, or one lock file (``pylock.toml``), which is complete and can
    have nothing beside it. *naming* finds the names that only builds tell, *build* the metadata of projects;
    ``--no-build`` forbids both. *markers* returns those of the target where no interpreter is given. *projects* are
    those that were read for other requests. With
    ``--no-verify-hashes``, no hash of a requirements file counts.
    """

    def __init__(
        self,
        request: SourceRequest,
        settings: Settings,
        session: "Session",
        *,
        naming: "Naming | None" = None,
        build: "Build | None" = None,
        markers: "Callable[[], Mapping[str, str]] | None" = None,
        projects: "LocalProjects | None" = None,
    ) -> None:
        self._projects = projects
        self._markers = markers
        self._request = request
        self._settings = settings
        self._session = session
        self._naming = naming
        self._build = build

    def inputs(self, interpreter: "Interpreter") -> Inputs:
        """Return the pins for *interpreter*.

        Raises ``UnpinnedRequirement`` for what is left open, and the other errors of reading and selecting pins.
        """
        self._markers = lambda: dict(interpreter.markers)
        return self._quick(interpreter) or self._pinned(self._requirements(), interpreter)

    def inputs_or_sources(self, interpreter: "Interpreter") -> "Inputs | Sources":
        """Return the pins as :meth:`inputs` does, or the sources where they leave something open."""
        self._markers = lambda: dict(interpreter.markers)
        quick = self._quick(interpreter)
        if quick is not None:
            return quick
        from puffin.stages.resolve.requirements.errors import UnpinnedRequirement

        sources = self.sources()
        if sources.virtual:
            return sources
        try:
            return self._pinned(sources.requirements, interpreter)
        except UnpinnedRequirement:
            if self._settings.require_hashes or sources.requirements.require_hashes:
                raise
            return sources

    def sources(self, read: "Callable[[str], bytes] | None" = None, *, several: bool = False) -> "Sources":
        """Return the sources of a resolution, by the same rules as :meth:`inputs`, pinned or not.

        *read* stands for :meth:`Session.read` where some files are no files. *several* tells that the resolution is for
        several environments.
        """
        from puffin.stages.resolve.projects.sources import read_sources

        settings, session = self._settings, self._session
        sources = read_sources(
            self._request,
            read=read or session.read,
            environ=session.environ,
            build=None if settings.no_build else self._build,
            policy=SourcePolicy(
                markers=self._markers,
                skipped=settings.no_sources or frozenset(settings.no_sources_package),
                indexes=settings.indexes,
                environ=session.environ,
                projects=self._projects,
                locked=_no_lock if several else self._constraints,
                uv_file=settings.uv_file,
                several=all_environments() if several else None,
            ),
        )
        reached = (
            tuple([_copied(each) for each in sources.reached]) if settings.no_editable else sources.reached
        )
        return replace(sources, requirements=_believed(sources.requirements, settings), reached=reached)

    def _quick(self, interpreter: "Interpreter") -> Inputs | None:
        """Return the pins of a plain requirements file or of a lock file, None for anything else."""
        plain = None if self._session.files else _plain(self._request, self._settings)
        if plain is not None:
            return self._inputs(plain, plain=True)
        if not any(map(is_lock, self._request.files)):
            return None
        return self._locked(interpreter)

    def _requirements(self) -> "Requirements":
        """Return what the files say; those that are requirements files alone need no more than their reader."""
        request = self._request
        if request.extras or request.all_extras or request.groups or any(map(_is_project, request.files)):
            sources = self.sources()
            kept = [each for each in sources.requirements.entries if each.name not in sources.virtual]
            return replace(sources.requirements, entries=tuple(kept))
        return self._written(*request.files)

    def _written(self, *files: str) -> "Requirements":
        """Return what requirements *files* and the constraints say."""
        from puffin.stages.resolve.requirements.file import read_requirements

        requirements = read_requirements(
            files,
            read=self._session.read,
            environ=self._session.environ,
            constraints=self._request.constraints,
            locked=self._constraints,
        )
        return _believed(requirements, self._settings)

    def _pinned(self, requirements: "Requirements", interpreter: "Interpreter") -> Inputs:
        from puffin.stages.resolve.locate.name import check_names, name_requirements
        from puffin.stages.resolve.requirements.pins import select_pins

        requirements = _with_names(name_requirements(requirements), self._settings, self._naming)
        hashes = self._settings.require_hashes or requirements.require_hashes
        request = self._request
        given = (request.files, request.constraints, request.groups)
        files, constraints, groups = [tuple(map(relative, each)) for each in given]
        selection = select_pins(
            requirements,
            markers=dict(interpreter.markers),
            require_hashes=hashes,
            asked=replace(request, files=files, constraints=constraints, groups=groups),
        )
        check_names(selection.pins)
        warnings = (*requirements.warnings, *selection.warnings)
        return self._inputs(selection.pins, requirements, warnings=warnings)

    def _inputs(
        self, pins: "tuple[Any, ...]", requirements: "Requirements | None" = None, **more: "Any"
    ) -> Inputs:
        return Inputs(
            pins=pins,
            config=index_config(self._settings, requirements),
            files=kinds_of_files(self._settings, requirements),
            trusted_hosts=requirements.trusted_hosts if requirements else (),
            **more,
        )

    def _locked(self, interpreter: "Interpreter") -> Inputs | None:
        """Return what the lock file of the request has for *interpreter*; None where there is none among the files.

        Raises :class:`UsageError` for another file beside it, and the errors of reading it. Constraints must admit what
        it has.
        """
        from puffin.stages.resolve.projects.pylock import LockTarget, read_lock
        from puffin.stages.resolve.projects.reader import read_source
        from puffin.stages.resolve.requirements.pins import check_verifiable, select_pins

        request, settings = self._request, self._settings
        shown = next((mask(relative(path)) for path in request.files if is_lock(path)), "")
        if not shown:
            return None
        if len(request.files) > 1:
            text = f"`{shown}` is a lock file, which is complete: no other file can be given with it"
            raise UsageError(text=text, hints=("leave out the other files",))
        target = LockTarget(
            markers=dict(interpreter.markers),
            tags=interpreter.tags,
            extras=tuple(map(normalise, request.extras)),
            all_extras=request.all_extras,
            groups=tuple(map(normalise, request.groups)),
            files=kinds_of_files(settings, None),
            default_groups=() if request.packages else self._default_groups(request.files[0]),
            packages=request.packages,
            known_only=request.selectable,
        )
        locked = read_lock(read_source(request.files[0], shown, self._session.read), target=target)
        if settings.no_editable:
            locked = replace(locked, pins=tuple([replace(pin, editable=False) for pin in locked.pins]))
        hashes = {each.name: each.hashes for each in locked.artifacts}
        hashed = [replace(pin, hashes=hashes.get(pin.name, pin.hashes)) for pin in locked.pins]
        if settings.require_hashes:
            check_verifiable(hashed)
        if request.constraints:
            written = self._written()
            entries = tuple([_as_entry(pin) for pin in hashed])
            chosen = select_pins(
                replace(written, entries=entries), markers=target.markers, require_hashes=False
            )
            limits = {pin.name: pin.hashes for pin in chosen.pins}
            locked = replace(
                locked,
                pins=tuple([replace(each, hashes=limits.get(each.name, each.hashes)) for each in locked.pins]),
                artifacts=tuple(
                    [
                        each if each.hashes else replace(each, hashes=limits.get(each.name, ()))
                        for each in locked.artifacts
                    ]
                ),
            )
        config = index_config(settings, None)
        artifacts = [replace(each, url=_with_credentials(each.url, config)) for each in locked.artifacts]
        return self._inputs(locked.pins, warnings=locked.warnings, located=tuple(artifacts))

    def _constraints(self, path: str, shown: str, data: bytes) -> tuple[Entry, ...]:
        """Return the constraints that a lock file stands for, with the markers of the target."""
        from puffin.stages.resolve.projects.pylock import lock_constraints

        entries = lock_constraints(path, shown, data, self._markers() if self._markers else {})
        config = index_config(self._settings, None)
        return tuple([replace(each, url=_with_credentials(each.url, config)) for each in entries])

    def _default_groups(self, path: str) -> tuple[str, ...]:
        """Return the groups that uv installs by default: those of the project beside its lock."""
        from puffin.stages.resolve.projects.members import LocalProjects

        if is_pylock(path) or is_http(path):
            return ("dev",)
        tables = LocalProjects(self._session.read).tables(os.path.dirname(os.path.abspath(path)))
        return tables.default_groups if tables else ("dev",)


def check_files(files: "tuple[str, ...]", groups: "tuple[str, ...]" = (), command: str = "pip sync") -> None:
    """Raise the error for requirements files that are not given or not there, before *command* does anything."""
    if not files and not groups:
        raise UsageError(
            text="No requirements file was given", hints=(f"for example: `puffin {command} requirements.txt`",)
        )
    for path in files:
        if path != "-" and "://" not in path and not depends.lexists(path):
            from puffin.stages.resolve.requirements.errors import RequirementsFileNotFound

            raise RequirementsFileNotFound(path=path)


def _plain(request: SourceRequest, settings: Settings) -> "tuple[tuple[str, str], ...] | None":
    """Return the pins of a file with nothing but plain pins, which need no parser; else None.

    A property test holds this equal to what the full reader says.
    """
    more = request.constraints or request.extras or request.all_extras or request.groups
    if len(request.files) != 1 or more or settings.require_hashes:
        return None
    path = request.files[0]
    if os.path.basename(path).endswith(_PROJECTS):
        return None
    depends.text(path)
    if not os.path.isfile(path):  # a pipe can be read only once
        return None
    try:
        with open(path, "rb", buffering=0) as file:
            return simple_pins(file.read())
    except OSError:
        return None


def _with_credentials(url: str, config: "IndexConfig") -> str:
    """Return the URL of a file with the credentials of an index on the same host: lock files hold none."""
    for index in config.every_index():
        url = inherit_credentials(url, index)
    return url


def _with_names(requirements: "Requirements", settings: Settings, naming: "Naming | None") -> "Requirements":
    """Return *requirements* with the names that *naming* finds, where some have none. Raises what that raises."""
    if naming is None or settings.no_build or all(each.name for each in requirements.entries):
        return requirements
    return naming(requirements, kinds_of_files(settings, requirements))


def _believed(requirements: "Requirements", settings: Settings) -> "Requirements":
    """Return *requirements*, with ``--no-verify-hashes`` as if no file gave or demanded any hash.

    With ``--no-editable`` nothing in them is editable.
    """
    if settings.no_editable:
        entries = tuple(map(_copied, requirements.entries))
        requirements = replace(requirements, entries=entries)
    if not settings.no_verify_hashes:
        return requirements
    return replace(
        requirements,
        entries=tuple([replace(each, hashes=()) for each in requirements.entries]),
        constraints=tuple([replace(each, hashes=()) for each in requirements.constraints]),
        require_hashes=False,
    )


def all_environments() -> "RegionConditions":
    """Return the conditions of all environments, for the sources of a resolution for several of them."""
    from puffin.stages.resolve.requirements.region import RegionConditions

    return RegionConditions("")


def _no_lock(_path: str, shown: str, _data: bytes) -> tuple[Entry, ...]:
    """Refuse a lock file as a constraint: what it has for this machine would count for all environments."""
    text = f"`{shown}` is a lock file, which cannot constrain a resolution for several environments"
    hints = ("write the versions into a constraints file, or resolve for one environment (`--no-universal`)",)
    raise UsageError(text=text, hints=hints)


def _as_entry(pin: Pin) -> Entry:
    specifier = f"=={pin.version}" if pin.version else ""
    return Entry(specifier=specifier, file=pin.origin, **common(Entry, pin))


def _copied(entry: Entry) -> Entry:
    return replace(entry, editable=False)


def _is_project(path: str) -> bool:
    if os.path.basename(path).endswith(_PROJECTS) or depends.is_directory(path):
        return True
    return is_script(path)


def index_config(settings: Settings, requirements: "Requirements | None") -> "IndexConfig":
    """Return the places to look: the command line's, then files', then configuration's; the default comes last."""
    written = requirements or Requirements()
    configured = settings.configured
    index_url = settings.index_url or written.index_url or configured.index_url or DEFAULT_INDEX
    no_index = settings.no_index or written.no_index or (configured.no_index and not written.index_url)
    extra = (*settings.extra_index_url, *written.extra_index_urls, *configured.extra_index_url)
    return IndexConfig(
        index_url="" if no_index else absolute(index_url),
        extra_index_urls=() if no_index else tuple(map(absolute, extra)),
        find_links=tuple(map(absolute, (*settings.find_links, *written.find_links, *configured.find_links))),
        strategy=settings.index_strategy or FIRST_INDEX,
        named=() if no_index else tuple([replace(each, url=absolute(each.url)) for each in settings.indexes]),
        pinned=() if no_index else tuple([(name, url) for name, url, marker in written.pinned if not marker]),
    )


def kinds_of_files(settings: Settings, requirements: "Requirements | None") -> "FilePolicy":
    """Return the allowed kinds of files: those of options and of files together."""
    written = requirements or Requirements()
    return FilePolicy(
        no_binary=frozenset((*settings.no_binary, *written.no_binary)),
        only_binary=frozenset((*settings.only_binary, *written.only_binary)),
        no_build=frozenset((ALL,)) if settings.no_build else frozenset(),
    )


def absolute(place: str) -> str:
    """Return a place as an absolute path, unless it is a URL."""
    return (
        place if "://" in place or place[:5].lower() == "file:" else os.path.abspath(os.path.expanduser(place))
    )


def places_digest(config: "IndexConfig", tags: tuple[str, ...], python: str) -> str:
    """Return the name under which choices for these places, tags and full version of Python are kept."""
    return f"{config.digest()}-{digest(' '.join((python, *tags)))}"
