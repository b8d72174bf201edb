"""Configuration files in TOML: their places, puffin's table, and the line of each value (tomllib has none).

Settings and environments are found and read by this module, so that all errors have one form, with file and line.
"""

import os

from puffin import depends
from puffin.artifact.urls import mask_text
from puffin.errors import USAGE, PuffinError
from puffin.stages.resolve.projects.places import nearest, places_of
from puffin.types import Any, Iterator
from puffin.value import frozen

PUFFIN_FILE = "puffin.toml"
PROJECT_FILE = "pyproject.toml"


@frozen
class SettingValue:
    """One setting: ``name`` as in the option table; ``value`` a text, a switch or a tuple of texts.

    ``place`` is the variable, or ``file:line``.
    """

    name: str
    value: "Any"
    place: str


class ConfigurationInvalid(PuffinError):
    """A configuration file, or a variable of pip's, cannot be used.

    ``place`` is ``file:line``, or the variable; ``text`` is that line, empty where there is none to show.
    """

    exit_code = USAGE
    sentence = "Failed to read the configuration at `{place}`: {problem}"
    place: str
    problem: str
    text: str = ""

    def details(self) -> tuple[str, ...]:
        """Return the line, credentials masked."""
        return (mask_text(self.text.strip()),) if self.text.strip() else ()


def configurations(directory: str) -> "Iterator[tuple[str, bytes]]":
    """Yield path and content of the files in *directory* and above that configure puffin, the nearest first.

    In one directory ``puffin.toml`` goes before a ``pyproject.toml``, which counts if it has a table of puffin's.
    """
    while True:
        path = os.path.join(directory, PUFFIN_FILE)
        data = read_content(path)
        if data is not None:
            yield path, data
        path = os.path.join(directory, PROJECT_FILE)
        data = read_content(path)
        if data is not None and speaks_of_puffin(data):
            yield path, data
        above = os.path.dirname(directory)
        if above == directory:
            return
        directory = above


def read_content(path: str) -> "bytes | None":
    """Return the content of a file, None if it does not exist, b"" if it may not be read."""
    depends.text(path)
    try:
        return depends.data(path)
    except PermissionError:
        return b""
    except OSError:
        return None


def speaks_of_puffin(data: bytes, tool: bytes = b"puffin") -> bool:
    """Tell whether a ``pyproject.toml`` has a table of puffin's, or of another *tool*, written in any usual way."""
    if tool not in data:
        return False
    section = b""
    for raw in data.split(b"\n"):
        line = raw.translate(None, b" \t\r\"'")
        if line[:1] == b"[":
            section = line.strip(b"[]")
        if _names(section, b"tool." + tool) or _names(line, b"tool." + tool):
            return True
        if _names(line, tool) if section == b"tool" else line.startswith(b"tool={") and tool in line:
            return True
    return False


def _names(text: bytes, key: bytes) -> bool:
    """Tell whether *text* begins with this dotted key, and not with a longer word."""
    return text.startswith(key) and text[len(key) : len(key) + 1] in (b"", b".", b"=", b"#", b"]")


class Document:
    """A configuration file: all of a ``puffin.toml``, or ``[tool.puffin]`` of a ``pyproject.toml``, or that of *tool*.

    *path* is absolute, *shown* its name in messages (the path, if it is empty). Raises :class:`ConfigurationInvalid`
    for what is not UTF-8, not TOML, or no table.
    """

    def __init__(self, path: str, data: bytes, shown: str = "", tool: str = "puffin") -> None:
        self.directory = os.path.dirname(path)
        self.shown = shown or path
        self.is_project = os.path.basename(path) == PROJECT_FILE
        self._prefix = ("tool", tool) if self.is_project else ()
        self._places: list[tuple[int, tuple[str, ...]]] | None = None
        self._text = decoded(path, data, self.shown)
        self.table: dict[str, Any] = self._own()

    def line(self, *keys: str) -> int:
        """Return the line, from 1, of a key of puffin's table, or of the nearest table above it; 0 where unknown.

        An array of tables has the number of its element, as text, among the *keys*.
        """
        if self._places is None:
            self._places = places_of(self._text)
        return nearest(self._places, (*self._prefix, *keys))

    def place(self, *keys: str) -> str:
        line = self.line(*keys)
        return f"{self.shown}:{line}" if line else self.shown

    def wrong(self, keys: tuple[str, ...], problem: str, *hints: str) -> ConfigurationInvalid:
        return self._at(self.line(*keys), problem, *hints)

    def _at(self, line: int, problem: str, *hints: str) -> ConfigurationInvalid:
        lines = self._text.splitlines()
        return ConfigurationInvalid(
            place=f"{self.shown}:{line}" if line else self.shown,
            problem=problem,
            text=lines[line - 1] if 0 < line <= len(lines) else "",
            hints=hints,
        )

    def _own(self) -> "dict[str, Any]":
        import tomllib

        try:
            table: Any = tomllib.loads(self._text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            problem, _, where = str(error).partition(" (at line ")
            line = where.partition(",")[0]
            raise self._at(int(line) if line.isdigit() else 0, problem[:1].lower() + problem[1:]) from None
        for number, key in enumerate(self._prefix):
            table = table.get(key, {})
            if not isinstance(table, dict):
                raise ConfigurationInvalid(
                    place=self.shown, problem=f"`{'.'.join(self._prefix[: number + 1])}` is not a table"
                )
        found: dict[str, Any] = table
        return found


def decoded(path: str, data: bytes, shown: str) -> str:
    """Return the text of a configuration file. Raises :class:`ConfigurationInvalid`; *shown* is its name there."""
    if not data and os.path.exists(path) and not os.access(path, os.R_OK):
        raise ConfigurationInvalid(place=shown, problem="you may not read the file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationInvalid(place=f"{shown}:{line}", problem="the file is not UTF-8") from None
