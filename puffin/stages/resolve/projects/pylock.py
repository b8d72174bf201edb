"""Lock files, ``pylock.toml``, as input: what PEP 751 says to install in an environment. The format is packaging's.

Every command reads them by this module. Where the PEP leaves a choice: the default groups are taken, and those that are
asked for besides; a file's ``size`` and its strongest hash must hold, with ``--no-verify-hashes`` too; ``--no-binary``
takes the source distribution, ``--only-binary`` and ``--no-build`` refuse one. An ``archive``, a ``directory`` and a
``vcs`` entry come with a ``direct_url.json``, as a requirement with a URL does; a wheel and an sdist without, wherever
their files are.
"""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from packaging.pylock import (
    Package,
    PackageSdist,
    PackageWheel,
    Pylock,
    PylockSelectError,
    PylockUnsupportedVersionError,
    PylockValidationError,
)
from packaging.tags import Tag

from puffin.artifact.artifact import SDIST, WHEEL, Artifact
from puffin.artifact.urls import digest, file_url, with_subdirectory
from puffin.errors import USAGE, PuffinError, UsageError
from puffin.stages.resolve.index.config import FilePolicy, canonical
from puffin.stages.resolve.index.errors import few_names
from puffin.stages.resolve.locate.choose import sdists_option
from puffin.stages.resolve.locate.errors import BuildForbidden
from puffin.stages.resolve.locate.url import place_of
from puffin.stages.resolve.metadata.toml import decode_text, parse_toml
from puffin.stages.resolve.projects.project import SourceFile
from puffin.stages.resolve.projects.uvlock import UNHASHED, UV_LOCK, UvLock, UvLockProblem
from puffin.stages.resolve.requirements.markers import Conditions
from puffin.stages.resolve.requirements.values import Entry, Pin
from puffin.value import common, frozen, replace

_KNOWN_MINOR = (1, 0)
_STRONG = ("sha256", "sha512", "sha384", "blake2b")


class LockUnusable(PuffinError):
    """A lock file breaks the rules of its format, or does not hold for the environment."""

    exit_code = USAGE
    sentence = "Failed to use the lock file `{file}`: {problem}"
    file: str
    problem: str


@frozen
class LockTarget:
    """What a lock file is read for: ``tags`` are the interpreter's, best first.

    ``extras`` and ``groups`` are normalised; the default groups of the file come with the groups. ``default_groups``
    are those of a ``uv.lock``, which does not tell them, and ``packages`` the projects in it that are installed.
    With ``every``, all packages in it are meant. With ``known_only``, extras and groups that the file does not have are
    passed over: it was written with them.
    """

    markers: "Mapping[str, str]"
    tags: tuple[str, ...]
    extras: tuple[str, ...] = ()
    all_extras: bool = False
    groups: tuple[str, ...] = ()
    default_groups: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    every: bool = False
    known_only: bool = False
    files: FilePolicy = FilePolicy()


@frozen
class Locked:
    """The pins of a lock file; ``artifacts`` are the files it names of them, with URL, size and hashes."""

    pins: tuple[Pin, ...]
    artifacts: tuple[Artifact, ...]
    warnings: tuple[str, ...] = ()


def read_lock(file: SourceFile, *, target: LockTarget) -> Locked:
    """Return the packages of a lock file for *target*; its paths are relative to it.

    Raises :class:`LockUnusable`, :class:`UsageError` for extras and groups it does not have, and ``InvalidProject``
    for what is not TOML, and ``BuildForbidden``.
    """
    shown = file.shown
    lock = _parsed(_document_of(file, target), shown)
    _check_python(lock, target, file)
    _check_environment(lock, target, file)
    if os.path.basename(file.path) == UV_LOCK:  # which has been reduced to them
        target = replace(target, extras=(), groups=(), all_extras=False)
    tags = [Tag(*text.split("-", 2)) for text in target.tags]
    try:
        chosen = list(
            lock.select(
                environment=dict(target.markers),  # type: ignore[arg-type]
                tags=tags,
                extras=_extras(lock, target, shown),
                dependency_groups=_groups(lock, target, shown),
                prefer_sdist_predicate=lambda name: not target.files.wheels(name),
            )
        )
    except PylockSelectError as error:
        raise LockUnusable(file=shown, problem=_worded(str(error))) from None
    reader = _Reader(file, target.files)
    for package, source in sorted(chosen, key=lambda pair: pair[0].name):
        reader.take(package, source)
    return Locked(
        pins=tuple(reader.pins),
        artifacts=tuple(reader.artifacts),
        warnings=(*_warnings(lock, shown), *reader.unverified()),
    )


def lock_constraints(path: str, shown: str, data: bytes, markers: "Mapping[str, str]") -> tuple[Entry, ...]:
    """Return the packages of a lock file that hold for a target, whatever their extras and groups, as constraints.

    *data* is the content of the file at *path*. A package is limited to its version and to the files that the lock
    names of it, or to its place. Raises what :func:`read_lock` does.
    """
    file = SourceFile(path=path, shown=shown, text=decode_text(data, shown))
    target = LockTarget(markers=markers, tags=(), every=True)
    lock = _parsed(_document_of(file, target), file.shown)
    extras = frozenset(lock.extras or ())
    groups = frozenset((*(lock.dependency_groups or ()), *(lock.default_groups or ())))
    environment: dict[str, Any] = {**markers, "extras": extras, "dependency_groups": groups}
    reader = _Reader(file, target.files)
    return tuple(
        [
            reader.constraint(package)
            for package in lock.packages
            if not package.marker or package.marker.evaluate(environment, context="lock_file")
        ]
    )


def _document_of(file: SourceFile, target: LockTarget) -> "Mapping[str, Any]":
    """Return the document of PEP 751 in a lock file, of a ``uv.lock`` what it has for *target*."""
    document = parse_toml(file.text, file.shown).values
    is_uv = os.path.basename(file.path) == UV_LOCK
    return _of_uv(document, target, file) if is_uv else document


def _of_uv(document: "Mapping[str, Any]", target: LockTarget, file: SourceFile) -> "dict[str, Any]":
    """Return what a ``uv.lock`` has for *target* as a document of PEP 751."""
    shown = file.shown
    conditions = Conditions(target.markers)
    try:
        lock = UvLock(document, lambda marker: conditions.hold_at(marker, shown), target.packages)
        if target.every:
            return lock.everything()
        known, kinds = lock.names("optional-dependencies"), lock.names("dev-dependencies")
        extras = known if target.all_extras else _had(target.extras, known, "extra", shown)
        defaults = [each for each in target.default_groups if each in kinds]
        return lock.pylock(extras, [*defaults, *_had(target.groups, kinds, "group", shown)])
    except UvLockProblem as error:
        raise LockUnusable(file=_place(file, error.name), problem=error.problem) from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise LockUnusable(file=shown, problem=f"it is not in the format of uv ({error})") from None


def _parsed(document: "Mapping[str, Any]", shown: str) -> "Pylock":
    logging.getLogger("packaging.pylock").addHandler(logging.NullHandler())
    try:
        return Pylock.from_dict(document)
    except PylockUnsupportedVersionError as error:
        raise LockUnusable(
            file=shown,
            problem=_worded(str(error)),
            hints=("a newer puffin may know this version of the format",),
        ) from None
    except PylockValidationError as error:
        raise LockUnusable(file=shown, problem=_worded(str(error))) from None


def _check_python(lock: "Pylock", target: LockTarget, file: SourceFile) -> None:
    """Raise :class:`LockUnusable` if a lock is for other versions of Python."""
    version = target.markers["python_full_version"]
    if lock.requires_python and not lock.requires_python.contains(version, prereleases=True):
        problem = f"it is for Python `{lock.requires_python}`, and this is Python {version}"
        raise LockUnusable(file=_place(file, "requires-python"), problem=problem)


def _check_environment(lock: "Pylock", target: LockTarget, file: SourceFile) -> None:
    """Raise :class:`LockUnusable` if a lock is for other environments."""
    known = [each for each in lock.environments or () if not each.evaluate(dict(target.markers))]
    if known and len(known) == len(lock.environments or ()):
        system, machine = target.markers["sys_platform"], target.markers["platform_machine"]
        this = f"`{system}` on `{machine}` with Python {target.markers['python_full_version']}"
        problem = f"it is for other environments than this one, which is {this}"
        raise LockUnusable(file=_place(file, "environments"), problem=problem)


def _place(file: SourceFile, word: str) -> str:
    """Return the first line of a file in which *word* stands alone, as ``file:line``; the file if there is none."""
    alone = re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])").search if word else None
    lines = file.text.splitlines() if alone else []
    found = next((number for number, line in enumerate(lines, 1) if alone and alone(line)), 0)
    return f"{file.shown}:{found}" if found else file.shown


def _warnings(lock: "Pylock", shown: str) -> tuple[str, ...]:
    version = (lock.lock_version.major, lock.lock_version.minor)
    if version <= _KNOWN_MINOR:
        return ()
    return (
        f"`{shown}` is of version {lock.lock_version} of the format; puffin knows 1.0, and ignores newer fields",
    )


def _extras(lock: "Pylock", target: LockTarget, shown: str) -> "list[str]":
    known = [str(each) for each in lock.extras or ()]
    if target.known_only:
        return [each for each in target.extras if each in known]
    return known if target.all_extras else _had(target.extras, known, "extra", shown)


def _groups(lock: "Pylock", target: LockTarget, shown: str) -> "list[str]":
    known = [str(each) for each in (*(lock.dependency_groups or ()), *(lock.default_groups or ()))]
    defaults = [str(each) for each in lock.default_groups or ()]
    if target.known_only:  # an environment has no groups but its own
        return [each for each in target.groups if each in known]
    return [*defaults, *_had(target.groups, known, "group", shown)]


def _had(asked: "Sequence[str]", known: "Sequence[str]", kind: str, shown: str) -> "list[str]":
    for name in asked:
        if name not in known:
            there = ", ".join(f"`{each}`" for each in dict.fromkeys(known))
            hint = f"it has {there}" if known else f"it has no {kind}s"
            raise UsageError(text=f"The lock file `{shown}` has no {kind} `{name}`", hints=(hint,))
    return list(asked)


class _Reader:
    """Collects pins and wheels of a lock *file*."""

    def __init__(self, file: SourceFile, files: FilePolicy) -> None:
        self._files = files
        self._file = file
        self._base = file.directory
        self._shown = file.shown
        self.pins: list[Pin] = []
        self.artifacts: list[Artifact] = []

    def take(self, package: "Package", source: "Any") -> None:
        version = str(package.version or "")
        text = f"{package.name}=={version}" if version else str(package.name)
        pin = Pin(name=package.name, version=version, text=text, origin=self._shown)
        if isinstance(source, (PackageWheel, PackageSdist)):
            self.artifacts.append(self._artifact(pin, package, source))
            self.pins.append(pin)
        else:
            self.pins.append(self._direct(pin, package))

    def unverified(self) -> tuple[str, ...]:
        """Return a warning about files that the lock has no hash of."""
        bare = [each.name for each in self.artifacts if not each.hashes]
        return (f"`{self._shown}` has no hash of {few_names(bare)}: not verified",) if bare else ()

    def constraint(self, package: "Package") -> Entry:
        """Return a package as a constraint."""
        version = str(package.version or "")
        text = f"{package.name}=={version}"
        files = [*(package.wheels or ()), *([package.sdist] if package.sdist else ())]
        if files:
            hashes = tuple([each for file in files for each in _hashes(file.hashes)])
            specifier = f"=={version}" if version else ""
            return Entry(
                name=package.name,
                text=text,
                specifier=specifier,
                hashes=hashes,
                file=self._shown,
                constraint=True,
            )
        pin = self._direct(Pin(name=package.name, origin=self._shown), package)
        return Entry(file=self._shown, constraint=True, **common(Entry, pin))

    def _artifact(self, pin: Pin, package: "Package", file: "PackageWheel | PackageSdist") -> Artifact:
        wheel = file.filename.endswith(".whl")
        if wheel and not self._files.wheels(pin.name):
            problem = f"`{pin.text}` has no source distribution there, and `--no-binary` forbids its wheels"
            raise LockUnusable(file=self._shown, problem=problem)
        if not wheel and (option := sdists_option(self._files, pin.name)):
            raise BuildForbidden(package=pin.text, kind="a source distribution", option=option)
        url = self._url(file.url, file.path)
        place = package.index or url.rpartition("/")[0]
        source, size = place_of(url, f"index/{digest(canonical(place))}", pin)
        if file.size is not None and size and file.size != size:
            problem = f"`{file.filename}` has {size} bytes, but {file.size} are locked"
            raise LockUnusable(file=self._shown, problem=problem)
        return Artifact(
            name=pin.name,
            version=file.filename.split("-")[1] if wheel else pin.version,
            filename=file.filename,
            url=url,
            source=source,
            hashes=_hashes(file.hashes),
            size=file.size or size,
            kind=WHEEL if wheel else SDIST,
        )

    def _direct(self, pin: Pin, package: "Package") -> Pin:
        archive, directory, vcs = package.archive, package.directory, package.vcs
        path = directory.path if directory else archive.path if archive else None
        if path and not self._file.exists(os.path.join(self._base, path)):
            problem = f"`{pin.name}` is at `{path}`, which does not exist"
            raise LockUnusable(file=_place(self._file, path), problem=problem)
        if archive is not None:
            url, hashes, below = (
                self._url(archive.url, archive.path),
                _hashes(archive.hashes),
                archive.subdirectory,
            )
            return _pin(pin, url, below, hashes=hashes)
        if directory is not None:
            url = self._url(None, directory.path)
            return _pin(pin, url, directory.subdirectory, editable=bool(directory.editable))
        if vcs is None:
            raise LockUnusable(file=self._shown, problem=f"`{pin.name}` has no source")
        return _pin(pin, f"{vcs.type}+{self._url(vcs.url, vcs.path)}@{vcs.commit_id}", vcs.subdirectory)

    def _url(self, url: str | None, path: str | None) -> str:
        return file_url(os.path.normpath(os.path.join(self._base, path))) if path else url or ""


def _pin(pin: Pin, url: str, subdirectory: str | None, **more: "Any") -> Pin:
    whole = with_subdirectory(url, subdirectory)
    return Pin(name=pin.name, url=whole, text=f"{pin.name} @ {whole}", origin=pin.origin, **more)


def _hashes(table: "Mapping[str, str]") -> tuple[str, ...]:
    """Return the strongest hash alone: of a pin's hashes one must hold, of an entry's all."""
    hashes = {algorithm.lower(): value.lower() for algorithm, value in sorted(table.items())}
    if UNHASHED in hashes:
        return ()
    kind = next((each for each in _STRONG if each in hashes), next(iter(hashes)))
    return (f"{kind}:{hashes[kind]}",)


def _worded(text: str) -> str:
    """Return a sentence of packaging's in the form of the others: names in backticks, no capital, no full stop."""
    plain = re.sub(r"'([^' ]*)'", r"`\1`", " ".join(text.split()))
    return (plain[:1].lower() + plain[1:]).rstrip(".")
