"""From requirements files to pins and the places they come from. Plain files are read without packaging."""

import os

from puffin import depends
from puffin.errors import UsageError
from puffin.pipeline.plan_settings import Settings
from puffin.stages.resolve.simple import simple_pins
from puffin.stages.urls import digest
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from puffin.stages.artifact import Artifact
    from puffin.stages.resolve.index_config import IndexConfig
    from puffin.stages.resolve.inputs import Build
    from puffin.stages.resolve.reqvalues import Requirements
    from puffin.stages.resolve.solve.request import FilePolicy

    Naming = Callable[[Requirements, IndexConfig, FilePolicy], Requirements]

_PROJECTS = (".toml", ".py", ".pyw", "setup.cfg")
DEFAULT_INDEX = "https://pypi.org/simple/"


@frozen
class Inputs:
    """The pins of a run (``Pin`` values, or plain ``(name, version)``), where to look and for what, and warnings.

    ``located`` are the wheels of those pins for which no index need be asked: those of lock files.
    """

    pins: "tuple[Any, ...]"
    plain: bool
    config: "IndexConfig"
    files: "FilePolicy"
    require_hashes: bool
    trusted_hosts: tuple[str, ...]
    warnings: tuple[str, ...]
    located: "tuple[Artifact, ...]" = ()


def read_inputs(
    settings: Settings,
    markers: "Mapping[str, str]",
    environ: "Mapping[str, str]",
    naming: "Naming | None" = None,
    tags: tuple[str, ...] = (),
    build: "Build | None" = None,
) -> Inputs:
    """Return what the files of *settings* ask for, in an environment with these *markers* and *tags* (best first).

    *naming* finds the names that only builds tell, *build* the metadata of projects. Raises the errors of
    reading and selecting pins, and those of the two.
    """
    plain = _plain(settings)
    if plain is not None:
        return Inputs(
            pins=plain,
            plain=True,
            config=index_config(settings, None),
            files=kinds_of_files(settings, None),
            require_hashes=False,
            trusted_hosts=(),
            warnings=(),
        )
    if any(path.endswith(".toml") for path in settings.files):
        from puffin.pipeline.plan_lock import locked_inputs

        locked = locked_inputs(settings, markers, environ, tags)
        if locked is not None:
            return locked
    return _read_all(settings, markers, environ, naming, build)


def check_files(files: "tuple[str, ...]", groups: "tuple[str, ...]" = (), command: str = "pip sync") -> None:
    """Raise the error for requirements files that are not given or not there, before *command* does anything."""
    if not files and not groups:
        raise UsageError(
            text="No requirements file was given",
            hints=(f"name one, as in `puffin {command} requirements.txt`",),
        )
    for path in files:
        if path != "-" and "://" not in path and not depends.lexists(path):
            from puffin.stages.resolve.reqerrors import RequirementsFileNotFound

            raise RequirementsFileNotFound(path=path)


def _plain(settings: Settings) -> "tuple[tuple[str, str], ...] | None":
    more = (
        settings.require_hashes
        or settings.constraint
        or settings.extra
        or settings.all_extras
        or settings.group
    )
    if len(settings.files) != 1 or more or os.path.basename(settings.files[0]).endswith(_PROJECTS):
        return None
    depends.file(settings.files[0])
    if not os.path.isfile(settings.files[0]):  # a pipe can be read only once
        return None
    try:
        with open(settings.files[0], "rb") as file:
            return simple_pins(file.read())
    except OSError:
        return None


def _read_all(
    settings: Settings,
    markers: "Mapping[str, str]",
    environ: "Mapping[str, str]",
    naming: "Naming | None",
    build: "Build | None",
) -> Inputs:
    from puffin.stages.resolve.locate_name import check_names, named
    from puffin.stages.resolve.pins import select_pins

    requirements = named(_requirements(settings, environ, None if settings.no_build else build))
    if settings.no_verify_hashes:
        requirements = without_hashes(requirements)
    requirements = with_names(requirements, settings, naming)
    hashes = settings.require_hashes or requirements.require_hashes
    selection = select_pins(requirements, markers=markers, require_hashes=hashes)
    check_names(selection.pins)
    return Inputs(
        pins=selection.pins,
        plain=False,
        config=index_config(settings, requirements),
        files=kinds_of_files(settings, requirements),
        require_hashes=hashes,
        trusted_hosts=requirements.trusted_hosts,
        warnings=(*requirements.warnings, *selection.warnings),
    )


def with_names(requirements: "Requirements", settings: Settings, naming: "Naming | None") -> "Requirements":
    """Return *requirements* with the names that *naming* finds, where some have none. Raises what that raises."""
    if naming is None or settings.no_build or all(each.name for each in requirements.entries):
        return requirements
    return naming(requirements, index_config(settings, requirements), kinds_of_files(settings, requirements))


def without_hashes(requirements: "Requirements") -> "Requirements":
    """Return *requirements* as if no file gave or demanded any hash (``--no-verify-hashes``)."""
    return replace(
        requirements,
        entries=tuple([replace(each, hashes=()) for each in requirements.entries]),
        constraints=tuple([replace(each, hashes=()) for each in requirements.constraints]),
        require_hashes=False,
    )


def _requirements(settings: Settings, environ: "Mapping[str, str]", build: "Build | None") -> "Requirements":
    from puffin.pipeline.plan_read import reader

    read = reader(settings, environ)
    asked = settings.extra or settings.all_extras or settings.group
    if asked or any(_is_project(path) for path in settings.files):
        from puffin.stages.resolve.inputs import read_sources
        from puffin.stages.resolve.inputs_request import SourceRequest

        request = SourceRequest(
            files=settings.files,
            constraints=settings.constraint,
            extras=settings.extra,
            all_extras=settings.all_extras,
            groups=settings.group,
        )
        return read_sources(request, read=read, environ=environ, build=build).requirements
    from puffin.stages.resolve.reqfile import read_requirements

    return read_requirements(settings.files, read=read, environ=environ, constraints=settings.constraint)


def _is_project(path: str) -> bool:
    return os.path.basename(path).endswith(_PROJECTS) or depends.is_directory(path)


def index_config(settings: Settings, requirements: "Any | None") -> "IndexConfig":
    """Return the places to look: the command line's, then files', then configuration's; the default comes last."""
    from puffin.stages.resolve.index_config import FIRST_INDEX, IndexConfig

    written = requirements or _NOTHING
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
    )


def kinds_of_files(settings: Settings, requirements: "Any | None") -> "FilePolicy":
    """Return which kinds of files may be used: what options say, and what files say, adds up."""
    from puffin.stages.resolve.solve.request import ALL, FilePolicy

    written = requirements
    return FilePolicy(
        no_binary=frozenset((*settings.no_binary, *(written.no_binary if written else ()))),
        only_binary=frozenset((*settings.only_binary, *(written.only_binary if written else ()))),
        no_build=frozenset((ALL,)) if settings.no_build else frozenset(),
    )


def absolute(place: str) -> str:
    """Return a place as an absolute path, unless it is a URL."""
    return (
        place if "://" in place or place[:5].lower() == "file:" else os.path.abspath(os.path.expanduser(place))
    )


@frozen
class _Nothing:
    """Stands for the settings of requirements files where there are none."""

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False


_NOTHING = _Nothing()


def places_digest(config: "IndexConfig", tags: tuple[str, ...]) -> str:
    """Return the shelf's name for these places and tags."""
    return f"{config.digest()}-{digest(' '.join(tags))}"


@frozen
class PlainPin:
    """A pin that is a name and a version: what locating needs of a ``Pin``, without the import of packaging."""

    name: str
    version: str
    text: str
    url: str = ""
    hashes: tuple[str, ...] = ()
    editable: bool = False
    exact: bool = False


def as_pins(inputs: Inputs) -> "tuple[Any, ...]":
    """Return the pins of *inputs* in the form in which they are located."""
    if not inputs.plain:
        return inputs.pins
    return tuple(
        PlainPin(name=name, version=version, text=f"{name}=={version}") for name, version in inputs.pins
    )
