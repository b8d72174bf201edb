"""Pins of sources: archives, directories and repositories that wheels are built from."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from puffin import depends
from puffin.artifact.artifact import DIRECTORY, GIT, SDIST, Artifact
from puffin.artifact.tree import tree_state
from puffin.artifact.urls import digest, file_url, strip_credentials
from puffin.cache.layout import Cache
from puffin.names import parsed_version
from puffin.stages.fetch.git.url import inner_directory, is_repository, parse_git_url, subdirectory
from puffin.stages.resolve.index.config import FilePolicy, is_local, local_path
from puffin.stages.resolve.index.page import file_name, file_version, is_archive, is_wheel
from puffin.stages.resolve.locate.choose import builds_option, shown_pin
from puffin.stages.resolve.locate.errors import BuildForbidden, FileMissing, NotEditable
from puffin.stages.resolve.requirements.values import Pin

_ARTICLES = {SDIST: "a source distribution", DIRECTORY: "a directory", GIT: "a git repository"}


class Commits(Protocol):
    """The seam to version control: which commit a repository's URL means."""

    def __call__(self, url: str, *, package: str) -> str:
        """Return *url* with the full commit in place of its ref; *package* is it in the user's words."""


def source_kind(pin: Pin) -> str:
    """Return the kind of the source in the URL of a pin, empty for a wheel and for unknown files."""
    address = pin.url.partition("#")[0]
    if is_repository(address):
        return GIT
    if is_local(address) and (pin.editable or depends.is_directory(local_path(address))):
        return DIRECTORY
    name = file_name(address)
    return SDIST if is_archive(name) and not is_wheel(name) else ""


def check_source(pin: Pin, kind: str, files: FilePolicy) -> None:
    """Raise :class:`BuildForbidden` or :class:`NotEditable` for what must not be built, or not so."""
    if pin.editable and kind != DIRECTORY:
        what = _ARTICLES.get(kind, "a file")
        raise NotEditable(package=shown_pin(pin), kind=what, hints=("remove the `-e`",))
    if option := builds_option(files, pin.name):
        raise BuildForbidden(package=shown_pin(pin), kind=_ARTICLES[kind], option=option)


def directory_artifact(pin: Pin) -> Artifact:
    """Return the artifact of a pin to a directory. Raises ``FileMissing`` and ``NoSubdirectory``."""
    address, _, fragment = pin.url.partition("#")
    path, inner = local_path(address), subdirectory(fragment)
    if not depends.is_directory(path):
        raise FileMissing(package=shown_pin(pin), path=path)
    url = file_url(path)
    inner_directory(path, inner, package=shown_pin(pin))
    return Artifact(
        name=pin.name,
        version="",
        filename="",
        url=url,
        source=directory_source(path, inner, editable=pin.editable),
        direct_url=_direct(url, inner, dir_info={"editable": True} if pin.editable else {}),
        kind=DIRECTORY,
        subdirectory=inner,
        editable=pin.editable,
        config_settings=pin.config_settings,
    )


def directory_source(path: str, inner: str, *, editable: bool) -> str:
    """Return the ``Artifact.source`` of a project's directory, which changes when what it is built from does."""
    state = tree_state(path, inner, editable=editable)
    return f"path/{digest(f'{file_url(path)} {inner} {state}')}"


def repository_artifact(pin: Pin, commits: Commits) -> Artifact:
    """Return the artifact of a pin to a git repository, at the commit that its ref is. Raises what *commits* raises."""
    url = commits(pin.url, package=shown_pin(pin))
    asked, found = parse_git_url(pin.url), parse_git_url(url)
    info = {"vcs": "git", "commit_id": found.commit}
    if asked.ref:
        info["requested_revision"] = asked.ref
    return Artifact(
        name=pin.name,
        version="",
        filename="",
        url=url.partition("#")[0],
        source=f"git/{found.key}/{found.commit}",
        direct_url=_direct(strip_credentials(found.repository), found.subdirectory, vcs_info=info),
        kind=GIT,
        subdirectory=found.subdirectory,
        config_settings=pin.config_settings,
    )


def file_named_version(filename: str, name: str) -> str:
    """Return the version in the file name of a source distribution, empty if it is not certain."""
    version = file_version(filename, name)
    return version if version and parsed_version(version) is not None else ""


def _direct(url: str, inner: str, **info: "Any") -> str:
    return json.dumps({"url": url, **info, **({"subdirectory": inner} if inner else {})}, sort_keys=True)


def pinner(cache: "Cache", *, offline: bool, environ: "Mapping[str, str]") -> "Callable[..., str]":
    """Return :func:`~puffin.stages.fetch.git.checkout.pin_commit` for a cache, as ``(url, package="")``."""

    def pin(url: str, package: str = "") -> str:
        from puffin.stages.fetch.git.checkout import (
            pin_commit,  # and with it what runs git: most inputs name none
        )

        return pin_commit(url, cache=cache, offline=offline, environ=environ, package=package)

    return pin
