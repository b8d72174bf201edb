"""The settings in pip's configuration files and variables, read as pip reads them (its page "Configuration")."""

import os

from puffin.artifact.urls import mask_text
from puffin.cli.config.files import pip_files
from puffin.cli.options.table import FLAG, LIST, SYNC, picked, switched
from puffin.pipeline.workspace.document import ConfigurationInvalid, SettingValue, decoded, read_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from configparser import RawConfigParser
    from typing import Any

# pip's settings that hold here too, by pip's names; all others are pip's own business.
_KINDS = {
    row[1]: row[2]
    for row in picked(
        SYNC, "index_url", "extra_index_url", "find_links", "no_index", "trusted_host", "cert", "client_cert", "proxy",
        "timeout", "retries", "require_hashes", "only_binary", "no_binary", "constraint", "build_constraint",
        "keyring_provider", "exclude_newer",
    )
} | {"only_final": LIST, "all_releases": LIST}  # fmt: skip
_OTHER_NAMES = {"default_timeout": "timeout", "pypi_url": "index_url", "uploaded_prior_to": "exclude_newer"}
_NOT_PIP = ("exclude_newer",)  # a name that is puffin's alone
_MODES = {"only_final": "disallow", "all_releases": "allow"}  # of pre-releases
_PATHS = ("cert", "client_cert")


def pip_settings(
    environ: "Mapping[str, str]", root: str, sections: tuple[str, ...]
) -> tuple[SettingValue, ...]:
    """Return the settings of pip's files and variables, each once: variables take precedence over files.

    Of *sections* the last one goes first, whatever the file; of files the last one (see
    :func:`~puffin.cli.config.files.pip_files`). *root* is the environment's directory, empty where unknown.
    Raises :class:`ConfigurationInvalid`.
    """
    found: dict[str, dict[str, SettingValue]] = {section: {} for section in sections}
    for path in pip_files(environ, root):
        data = read_content(path)
        if data is not None:
            _take_file(found, path, data)
    merged: dict[str, SettingValue] = {}
    for section in sections:
        merged.update(found[section])
    merged.update({each.name: each for each in _variables(environ)})
    return tuple([each for setting in merged.values() for each in _translated(setting)])


def _translated(setting: SettingValue) -> "list[SettingValue]":
    """Return a setting of pip's in puffin's words."""
    mode = _MODES.get(setting.name)
    if mode is None:
        return [setting]
    names = [name for text in setting.value for name in text.split(",") if name]
    packages = tuple([f"{name}={mode}" for name in names if not name.startswith(":")])
    told: dict[str, Any] = {"prerelease_package": packages, "prerelease": mode if ":all:" in names else ""}
    return [SettingValue(name=name, value=value, place=setting.place) for name, value in told.items() if value]


def _variables(environ: "Mapping[str, str]") -> "list[SettingValue]":
    found = []
    for variable, text in environ.items():
        name = _known(variable[4:]) if variable.startswith("PIP_") else ""
        if name and text:
            found.append(SettingValue(name=name, value=_value(name, text, variable), place=variable))
    return found


def _known(word: str) -> str:
    """Return the name of a setting in the option table, empty for what is none of it."""
    name = word.lower().removeprefix("--").replace("-", "_")
    if name in _NOT_PIP:
        return ""
    name = _OTHER_NAMES.get(name, name)
    return name if name in _KINDS else ""


def _value(name: str, text: str, place: str) -> "Any":
    kind = _KINDS[name]
    if name == "exclude_newer":  # a date of pip's is its first moment
        return f"{text.strip()}T00:00:00Z" if len(text.strip()) == len("2026-01-31") else text.strip()
    if kind == FLAG:
        return _switch(text, place, name.replace("_", "-"))
    if kind == LIST:
        return tuple(text.split())
    return os.path.expanduser(text.strip()) if name in _PATHS else text.strip()


def _switch(text: str, place: str, name: str) -> bool:
    """Return the truth value of a text, in the words that pip takes. Raises :class:`ConfigurationInvalid`."""
    value = switched(FLAG, text)
    if value is not None:
        return bool(value)
    raise ConfigurationInvalid(
        place=place,
        problem=f"`{name}` is `{text}`, which is neither true nor false",
        hints=("use `true` or `false`",),
    )


def _take_file(found: "dict[str, dict[str, SettingValue]]", path: str, data: bytes) -> None:
    text = decoded(path, data, path)
    parser = _parsed(path, text)
    for section in parser.sections():
        if section not in found:
            continue
        for key, value in parser.items(section):
            name = _known(key)
            if name and not value:
                found[section].pop(name, None)  # a later file takes back what an earlier one says
            elif name:
                place = f"{path}:{line_of(text, section, key)}"
                found[section][name] = SettingValue(name=name, value=_value(name, value, place), place=place)


def _parsed(path: str, text: str) -> "RawConfigParser":
    from configparser import Error, RawConfigParser

    parser = RawConfigParser()
    try:
        parser.read_string(text, path)
    except Error as error:
        errors = getattr(error, "errors", None) or [(getattr(error, "lineno", 0), "")]
        line = errors[0][0]
        raise ConfigurationInvalid(
            place=f"{path}:{line}", problem=_problem(text, line), hints=_hints(error)
        ) from None
    return parser


def _problem(text: str, line: int) -> str:
    written = mask_text(text.splitlines()[line - 1].strip()) if 0 < line <= text.count("\n") + 1 else ""
    return f"`{written}` cannot stand there"


def _hints(error: Exception) -> tuple[str, ...]:
    hints = {
        "MissingSectionHeaderError": "settings stand beneath a section, such as `[global]`",
        "DuplicateSectionError": "the section is there already: join the two",
        "DuplicateOptionError": "the setting is there already: leave one of them",
    }
    return (hints.get(type(error).__name__, "a setting is written as `name = value`"),)


def line_of(text: str, section: str, key: str) -> int:
    """Return the line, from 1, on which a section of an INI file sets *key*."""
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("["):
            inside = line[1:].partition("]")[0]
        elif inside == section and not line[:1].isspace():
            name = line.replace(":", "=", 1).partition("=")[0]
            if name.strip().lower() == key:
                return number
    return 0
