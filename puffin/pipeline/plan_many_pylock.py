"""A lock file, ``pylock.toml`` (PEP 751), as pins for one interpreter; its files need no index to be asked."""

import os
import tomllib

from puffin.errors import USAGE, Cause, PuffinError, os_cause
from puffin.names import normalise
from puffin.stages.artifact import Artifact
from puffin.stages.resolve.index_config import canonical
from puffin.stages.resolve.pins import Pin
from puffin.stages.urls import digest, file_url
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from packaging.pylock import Package

    from puffin.stages.link.interpreter import Interpreter


class InvalidLock(PuffinError):
    """A lock file cannot be read, or holds nothing for this environment; the reason is in ``causes``."""

    exit_code = USAGE
    stage = "resolve"
    path: str

    def summary(self) -> str:
        """Return the first line."""
        return f"Failed to take what the lock file `{self.path}` holds"


@frozen
class LockedPin:
    """A pin whose file the lock names: what locating needs of a pin, and what it would find."""

    name: str
    version: str
    text: str
    artifact: Artifact
    url: str = ""
    hashes: tuple[str, ...] = ()
    editable: bool = False
    exact: bool = False


def pins_of_lock(
    path: str, interpreter: "Interpreter", *, extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()
) -> "tuple[tuple[Any, ...], tuple[str, ...]]":
    """Return the pins that the lock at *path* has for *interpreter*, by name, and warnings.

    Without *groups* the lock's default groups are taken. Raises :class:`InvalidLock`.
    """
    from packaging.pylock import Pylock, PylockSelectError, PylockValidationError
    from packaging.tags import Tag

    shown = os.path.relpath(path)
    try:
        with open(path, "rb") as file:
            lock = Pylock.from_dict(tomllib.load(file))
        selected = lock.select(
            environment=dict(interpreter.markers),  # type: ignore[arg-type]
            tags=[Tag(*tag.split("-")) for tag in interpreter.tags],
            extras=extras or None,
            dependency_groups=groups or None,
        )
        pins = [_pin(package, chosen, os.path.dirname(path)) for package, chosen in selected]
    except OSError as error:
        raise InvalidLock(path=shown, causes=(os_cause(error),)) from error
    except (PylockValidationError, PylockSelectError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidLock(path=shown, causes=(Cause(text=str(error)),)) from error
    return tuple(sorted(pins, key=lambda pin: pin.name)), ()


def _pin(package: "Package", chosen: "Any", base: str) -> "Any":
    kind = type(chosen).__name__
    name, version = normalise(package.name), str(package.version or "")
    if kind == "PackageWheel":
        return _locked(package, chosen, name, version, base)
    if kind == "PackageVcs":
        url = f"{chosen.type}+{chosen.url or file_url(_joined(base, chosen.path))}@{chosen.commit_id}"
        return Pin(name=name, url=_with(url, chosen.subdirectory), text=f"{name} @ {url}")
    if kind == "PackageDirectory":
        url = file_url(_joined(base, chosen.path))
        return Pin(
            name=name,
            url=_with(url, chosen.subdirectory),
            editable=bool(chosen.editable),
            text=f"{name} @ {url}",
        )
    url = chosen.url or file_url(_joined(base, chosen.path))
    hashes = _hashes(chosen.hashes)
    return Pin(name=name, version=version, url=url, hashes=hashes, text=f"{name} @ {url}")


def _locked(package: "Package", wheel: "Any", name: str, version: str, base: str) -> LockedPin:
    hashes = _hashes(wheel.hashes)
    url = wheel.url or file_url(_joined(base, wheel.path))
    place = f"index/{digest(canonical(package.index))}" if package.index else f"url/{digest(canonical(url))}"
    artifact = Artifact(
        name=name,
        version=version,
        filename=wheel.name or url.rpartition("/")[2],
        url=url,
        source=place,
        hashes=hashes,
        size=wheel.size or 0,
    )
    return LockedPin(name=name, version=version, text=f"{name}=={version}", artifact=artifact, hashes=hashes)


def _hashes(hashes: "Mapping[str, str]") -> tuple[str, ...]:
    """Return the strongest hash alone: all must hold, and one that is checked says enough."""
    for kind in ("sha256", "sha512", "sha384"):
        if kind in hashes:
            return (f"{kind}:{hashes[kind].lower()}",)
    return tuple([f"{kind}:{value.lower()}" for kind, value in sorted(hashes.items())][:1])


def _joined(base: str, path: "str | None") -> str:
    return os.path.normpath(os.path.join(base, path or "."))


def _with(url: str, subdirectory: "str | None") -> str:
    return f"{url}#subdirectory={subdirectory}" if subdirectory else url
