"""What builds are told besides their sources: config settings, and variables that backends read."""

import os
from collections.abc import Iterable, Mapping

from puffin.artifact.artifact import WHEEL, Artifact
from puffin.artifact.urls import digest
from puffin.cache import frame
from puffin.cache.atomic import publish_file
from puffin.cache.layout import Bucket, Cache
from puffin.cache.reading import read
from puffin.depends import backend_variables
from puffin.errors import UsageError
from puffin.names import is_name, normalise
from puffin.pipeline.request.settings import Settings
from puffin.reasons import SETTING, TOLD, VARIABLE, Reason, first_difference
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.interpreter.interpreter import Interpreter, interpreter_key
from puffin.stages.resolve.locate.tags import priorities  # only what builds makes such a value
from puffin.value import replace


def config_setting(text: str) -> tuple[str, str]:
    """Return the key and the value of ``KEY=VALUE``; :class:`UsageError` for anything else."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(
            text=f"`{text}` is not a setting for a build backend",
            hints=("write a key and a value, for example `--config-setting key=value`",),
        )
    return key.strip(), value


def package_setting(text: str) -> tuple[str, tuple[str, str]]:
    """Return the normalised name and the setting of ``NAME:KEY=VALUE``; :class:`UsageError` for anything else."""
    name, colon, rest = text.partition(":")
    if not colon or not is_name(name.strip()):
        raise UsageError(
            text=f"`{text}` is not a setting for the build backend of a package",
            hints=("write a name, a key and a value, for example `--config-setting-package name:key=value`",),
        )
    return normalise(name.strip()), config_setting(rest)


def settings_for(name: str, settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the config settings that options give for the build of a package."""
    every = [config_setting(each) for each in settings.config_setting]
    own = [package_setting(each) for each in settings.config_setting_package]
    return (*every, *[setting for package, setting in own if package == name])


def as_built(artifact: Artifact, settings: Settings, environ: "Mapping[str, str]", cache: Cache) -> Artifact:
    """Return an artifact that has to be built with a ``source`` that also changes with what the build is told.

    That stands behind a ``+``. The *cache* keeps the names of what was told, for :func:`told_difference`.
    """
    told = (*artifact.config_settings, *settings_for(artifact.name, settings))
    outside = backend_variables(environ)
    if artifact.kind == WHEEL or not (told or outside):
        return artifact
    name = digest(repr((told, outside)))
    _keep_told(cache, name, inputs_told(told, outside))
    return replace(artifact, source=f"{artifact.source}+{name}")


def inputs_told(
    settings: "Iterable[tuple[str, str]]", variables: "Iterable[tuple[str, str]]"
) -> "dict[str, str]":
    """Return what a build is told as inputs by name; digests stand for values, which may be secret."""
    return {
        **{f"setting:{key}": digest(value) for key, value in settings},
        **{f"variable:{key}": digest(value) for key, value in variables},
    }


KINDS_TOLD = {"variable": VARIABLE, "setting": SETTING}


def told_difference(cache: Cache, reason: Reason) -> Reason:
    """Return the reason that names what a build is told otherwise; *reason* has the digests of both."""
    before, now = _read_told(cache, reason.before), _read_told(cache, reason.now)
    found = first_difference(before, now, KINDS_TOLD) if before is not None and now is not None else None
    return found or Reason(kind=TOLD)


def _told_path(cache: Cache, name: str) -> str:
    return cache.path(Bucket.INPUTS, f"told-{name}")


def _keep_told(cache: Cache, name: str, inputs: "dict[str, str]") -> None:
    path = _told_path(cache, name)
    if not os.path.exists(path):
        try:
            cache.own.initialise()
            publish_file(cache.own, path, frame.dump(inputs))
        except OSError:
            pass  # then the reason is not as exact


def _read_told(cache: Cache, name: str) -> "dict[str, str] | None":
    if not name:
        return {}
    data = read(cache.find(_told_path(cache, name)))
    found = frame.load(data) if data else None
    return found if isinstance(found, dict) else None


class Toolchain:
    """An interpreter that builds. ``python`` is that of the environment to build in without isolation."""

    def __init__(
        self, interpreter: Interpreter, *, python: str = "", scripts: str = "", prefix: str = ""
    ) -> None:
        self.interpreter = interpreter
        self.python = python
        self.scripts = scripts
        self.prefix = prefix
        self.key = interpreter_key(interpreter)
        self.priorities: Mapping[str, int] = priorities(interpreter.tags)


def toolchain_of(environment: "Environment") -> Toolchain:
    """Return the toolchain of an environment: its interpreter, and itself for builds without isolation."""
    return Toolchain(
        environment.interpreter,
        python=environment.executable,
        scripts=environment.scripts,
        prefix=environment.root,
    )


def toolchain_with(interpreter: "Interpreter") -> Toolchain:
    """Return the toolchain of an interpreter; builds without isolation use its packages."""
    return Toolchain(
        interpreter,
        python=interpreter.executable,
        scripts=interpreter.scheme.scripts,
        prefix=interpreter.prefix,
    )
