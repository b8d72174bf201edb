"""What builds are told besides their sources: config settings, and variables that backends read."""

from collections.abc import Mapping

from puffin.artifact.artifact import WHEEL, Artifact
from puffin.artifact.urls import digest
from puffin.depends import BACKEND_PREFIXES, BACKEND_VARIABLES
from puffin.errors import UsageError
from puffin.names import is_name, normalise
from puffin.pipeline.request.settings import Settings
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


def as_built(artifact: Artifact, settings: Settings, environ: "Mapping[str, str]") -> Artifact:
    """Return an artifact that has to be built with a ``source`` that also changes with what the build is told.

    That stands behind a ``+``.
    """
    told = (*artifact.config_settings, *settings_for(artifact.name, settings))
    outside = backend_variables(environ)
    if artifact.kind == WHEEL or not (told or outside):
        return artifact
    return replace(artifact, source=f"{artifact.source}+{digest(repr((told, outside)))}")


def backend_variables(environ: "Mapping[str, str]") -> "tuple[tuple[str, str], ...]":
    """Return those of the user's variables that a wheel may depend on, sorted."""
    return tuple(
        sorted(
            (name, value)
            for name, value in environ.items()
            if name in BACKEND_VARIABLES or name.startswith(BACKEND_PREFIXES)
        )
    )


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
