"""Configuration: what a command was not told by its options, from puffin's own files, then from pip's.

The command line and ``PUFFIN_`` variables go first, then requirements files, then ``puffin.toml`` or
``[tool.puffin]``, ``[tool.uv]``, the user's ``puffin.toml``, pip's variables, and pip's files. Lists add up in that
order.
"""

import os

from puffin import depends
from puffin.artifact.urls import mask_text
from puffin.cli.config.files import UV, puffin_files
from puffin.cli.config.pip import pip_settings
from puffin.cli.config.settings import check_setting
from puffin.cli.options.values import IndexTable
from puffin.cli.screen.console import Console
from puffin.names import normalise
from puffin.pipeline.request.settings import Configured
from puffin.pipeline.workspace.document import SettingValue
from puffin.stages.link.environment.environment import BrokenVenv, nearest_venv
from puffin.types import Any, Iterable, Mapping, Sequence

Layer = Sequence[SettingValue]
Options = Mapping[str, Any]

# Options of requirements files go before these settings of configuration files, so they stay apart from options.
_LOCATIONS = ("index_url", "default_index", "extra_index_url", "find_links", "no_index")
_FORMATS = ("only_binary", "no_binary")
_RESOLVING = ("sync", "install", "compile")  # sections of pip's configuration


def configured(
    command: str, options: "Options", console: "Console", environ: "Mapping[str, str]", *, many: bool = False
) -> "Options":
    """Return *options* of a command, those not given included, with what configuration adds to them.

    Under ``configured`` is the :class:`~puffin.pipeline.request.settings.Configured` that holds beneath what
    requirements files say, under ``index_tables`` the ``[[index]]`` tables, and under ``uv_file`` the path of the file
    whose ``[tool.uv]`` counts. A command on *many* environments reads
    the pip.conf of none of them. Raises ``ConfigurationInvalid``.
    """
    layers: list[Layer] = []
    indexes: list[IndexTable] = []
    of_uv = ""
    if not options["no_config"]:
        for path, data, tool in puffin_files(environ, os.getcwd(), options.get("config_file", "")):
            if tool == UV:
                from puffin.cli.config.uv import uv_settings

                told, ignored = uv_settings(path, data)
                layers.append(told)
                for warning in ignored if command in _RESOLVING else ():
                    console.warn(warning)
                of_uv = path
                continue
            from puffin.cli.config.toml import puffin_settings

            setting, tables = puffin_settings(path, data)
            layers.append((*setting, *_default(setting, tables)))
            indexes += [each for each in tables if each.name not in {other.name for other in indexes}]
    if not options["isolated"]:
        root = "" if many or command == "venv" else _site_root(layers, options, environ)
        install = () if command in ("uninstall", "list") else ("install",)
        layers.append(pip_settings(environ, root, ("global", *install, command)))
    layers = [[setting for setting in layer if setting.name in options] for layer in layers]
    _tell(layers, options, console)
    return {
        **options,
        **_scalars(layers, options),
        **_lists(layers, options),
        **_formats(layers, options),
        "configured": _locations(layers, options),
        "index_tables": tuple(indexes),
        "uv_file": of_uv,
    }


def _default(setting: "Sequence[SettingValue]", tables: "Sequence[IndexTable]") -> "list[SettingValue]":
    """Return the index that a file makes the default by its table, unless it names one by a setting."""
    if any(each.name in ("index_url", "default_index") for each in setting):
        return []
    return [
        SettingValue(name="default_index", value=each.url, place=each.place) for each in tables if each.default
    ][:1]


def _first(layers: "Sequence[Layer]", name: str, options: "Options") -> str:
    return str(options[name] or next((setting.value for setting in _all(layers) if setting.name == name), ""))


def _site_root(layers: "Sequence[Layer]", options: "Options", environ: "Mapping[str, str]") -> str:
    """Return where the interpreter of a command is from, as for pip: a target or prefix has no pip.conf of its own."""
    python = _first(layers, "python", options)
    return "" if options.get("system") and not python else site_root(python, environ)


def site_root(python: str, environ: "Mapping[str, str]") -> str:
    """Return the directory of a command's environment, empty if it takes a search to find it."""
    if python:
        place = os.path.abspath(os.path.expanduser(python))
        if depends.is_directory(place):
            return place
        if os.sep not in python or not depends.is_file(place):
            return ""
        return os.path.dirname(os.path.dirname(place))
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if environ.get(variable):
            return os.path.abspath(environ[variable])
    try:
        return nearest_venv(os.getcwd())
    except BrokenVenv:
        return ""  # who needs the environment will say so


def _scalars(layers: "Sequence[Layer]", options: "Options") -> "Options":
    """Return the single values that neither an option nor a variable gives: those of the first layer."""
    found: dict[str, Any] = {}
    elsewhere = {*options["given"], *_LOCATIONS, *_FORMATS}
    for setting in _all(layers):
        if not (setting.name in elsewhere or setting.name in found or isinstance(setting.value, tuple)):
            check_setting(setting)
            found[setting.name] = setting.value
    return found


def _lists(layers: "Sequence[Layer]", options: "Options") -> "Options":
    found: dict[str, tuple[str, ...]] = {}
    for setting in _all(layers):
        if isinstance(setting.value, tuple) and setting.name not in (*_LOCATIONS, *_FORMATS):
            higher = found.get(setting.name) or tuple(options[setting.name])
            found[setting.name] = (*higher, *setting.value)
    return dict(found)


def _formats(layers: "Sequence[Layer]", options: "Options") -> "Options":
    """Return ``only_binary`` and ``no_binary``: a higher layer's word on a package goes before a lower one's."""
    found = {name: options[name] for name in _FORMATS if name in options}
    for layer in layers:
        lower = {setting.name: setting.value for setting in layer if setting.name in found}
        spoken = {word for words in found.values() for word in _words(words)}
        if not lower or ":all:" in spoken:
            continue
        for name, words in lower.items():
            kept = [word for word in _words(words) if word not in spoken]
            found[name] = (*kept, *found[name])
    return found


def _words(values: "Iterable[str]") -> "list[str]":
    words = [word.strip() for value in values for word in value.split(",") if word.strip()]
    return [word if word[0] == ":" else normalise(word) for word in words]


def _locations(layers: "Sequence[Layer]", options: "Options") -> Configured:
    """Return where to look; a layer's ``no-index`` counts unless a higher one names an index."""
    index_url = ""
    no_index = False if options["given"] & {"no_index", "index_url", "default_index"} else None
    lists: dict[str, list[str]] = {"extra_index_url": [], "find_links": []}
    for layer in layers:
        values = {setting.name: setting.value for setting in layer if setting.name in _LOCATIONS}
        if no_index is None and not index_url:
            no_index = values.get("no_index")
        index_url = index_url or values.get("default_index", "") or values.get("index_url", "")
        for name, found in lists.items():
            found += values.get(name, ())
    return Configured(
        index_url=index_url,
        extra_index_url=tuple(lists["extra_index_url"]),
        find_links=tuple(lists["find_links"]),
        no_index=bool(no_index),
    )


def _tell(layers: "Sequence[Layer]", options: "Options", console: "Console") -> None:
    """Say with ``-v`` where each value is from; what goes unused, because a higher place says it, is left out."""
    seen = set(options["given"])
    for setting in _all(layers):
        if isinstance(setting.value, tuple) or setting.name not in seen:
            console.detail(f"{setting.name.replace('_', '-')} = {_shown(setting.value)} ({setting.place})")
        seen.add(setting.name)


def _shown(value: "Any") -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return mask_text(" ".join(value) if isinstance(value, tuple) else str(value))


def _all(layers: "Sequence[Layer]") -> "list[SettingValue]":
    return [setting for layer in layers for setting in layer]
