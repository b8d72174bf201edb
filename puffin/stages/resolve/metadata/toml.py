"""The TOML of projects, scripts and lock files: read by ``tomllib``, its values checked as they are asked for."""

from puffin.errors import USAGE, PuffinError
from puffin.types import Any


class InvalidProject(PuffinError):
    """A project's file, or a script's metadata, cannot be understood. ``problem`` is a clause."""

    exit_code = USAGE
    sentence = "Failed to read `{file}`: {problem}"
    file: str
    problem: str


class TomlTable:
    """A table of *file*, with the name that comes before its keys. A value of another type is an ``InvalidProject``."""

    def __init__(self, values: "dict[str, Any]", file: str, where: str = "") -> None:
        self.values = values
        self._file = file
        self._where = where

    def table(self, key: str) -> "TomlTable":
        """Return a table, empty if it is absent."""
        return TomlTable(self._value(key, dict, "a table"), self._file, f"{self._where}{key}.")

    def text(self, key: str) -> str:
        """Return a text, empty if it is absent."""
        return str(self._value(key, str, "a string"))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty if it is absent."""
        value = self._value(key, list, "a list of strings")
        if not all(isinstance(each, str) for each in value):
            raise self.invalid(f"`{self._where}{key}` is not a list of strings")
        return tuple(value)

    def invalid(self, problem: str) -> InvalidProject:
        """Return the error for a *problem* of this table."""
        return InvalidProject(file=self._file, problem=problem)

    def _value(self, key: str, kind: type, what: str) -> Any:
        value = self.values.get(key, kind())
        if not isinstance(value, kind):
            raise self.invalid(f"`{self._where}{key}` is not {what}")
        return value


def decode_text(data: bytes, file: str) -> str:
    """Return the text of a file in UTF-8, a byte order mark left out."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidProject(file=file, problem=f"byte {error.start} is not UTF-8") from None


_MOST = 1000
_known: "dict[str, dict[str, Any]]" = {}  # each environment of a workspace reads its projects several times


def _document(text: str) -> "dict[str, Any]":
    if text not in _known:
        import tomllib

        if len(_known) >= _MOST:
            _known.clear()
        _known[text] = tomllib.loads(text)
    return _known[text]


def parse_toml(text: str, file: str) -> TomlTable:
    """Return the document; raises :class:`InvalidProject` with the place of the error."""
    try:
        return TomlTable(_document(text), file)
    except (ValueError, RecursionError) as error:
        problem = str(error)
        raise InvalidProject(file=file, problem=f"{problem[:1].lower()}{problem[1:]}") from None
