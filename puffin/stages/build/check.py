"""Checking that a built wheel is the wanted one."""

import os

from puffin.names import normalise, printable, same_version
from puffin.stages.build.failures import WrongWheel
from puffin.stages.resolve.locate.tags import mismatch, priorities, rank
from puffin.stages.unzip.errors import BadArchive, Refused, bad_archive
from puffin.stages.unzip.unzip import read_metadata
from puffin.stages.unzip.wheelfile import check_metadata, parse_filename


def metadata_of(path: str) -> bytes:
    """Return METADATA of the wheel at *path*; BadArchive for one that could not be installed."""
    with open(path, "rb") as file:
        data = file.read()
    return read_metadata(data, os.path.basename(path))


def check_wheel(
    path: str, *, package: str, name: str, version: str, tags: "tuple[str, ...]"
) -> "tuple[str, str]":
    """Return the name (normalised) and the version (as METADATA spells it) of the built wheel at *path*.

    *package* is what errors call it; *name* and *version* are what is known of what was built, empty for what
    is not; *tags* are those that the environment takes. Raises WrongWheel unless all of them agree, and
    BadArchive for a wheel that could not be installed.
    """
    filename = os.path.basename(path)
    try:
        its_name, its_version = parse_filename(filename)
        metadata = metadata_of(path)
        _, its_version = check_metadata(metadata, "METADATA", its_name, its_version)
    except Refused as refused:
        raise bad_archive(filename, refused) from None
    reason = _reason(filename, its_name, its_version, normalise(name), version, tags)
    if reason:
        raise WrongWheel(package=package, filename=printable(filename), reason=reason)
    return its_name, its_version


def not_installable(package: str, error: BadArchive) -> WrongWheel:
    """Return the error for a build of *package* whose wheel could not be installed, because of *error*."""
    return WrongWheel(
        package=package, filename=error.filename, reason="could not be installed", causes=(error,)
    )


def _reason(
    filename: str, its_name: str, its_version: str, name: str, version: str, tags: "tuple[str, ...]"
) -> str:
    if name and its_name != name:
        return f"is of `{printable(its_name)}`"
    if version and not same_version(its_version, version):
        return f"has the version `{printable(its_version)}`, and not `{version}`"
    if rank(filename, priorities(tags)) is None:
        return f"does not fit the environment by its {mismatch(filename, tags)}"
    return ""
