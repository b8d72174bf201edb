"""TOML of projects and scripts: read by ``tomllib``, and its values checked for what they should be."""

from collections.abc import Mapping

from puffin.stages.resolve.inputs_errors import InvalidProject


def decode_text(data: bytes, file: str) -> str:
    """Return the text of a file in UTF-8, a byte order mark left out."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidProject(file=file, problem=f"byte {error.start} is not UTF-8") from None


def parse_toml(text: str, file: str) -> dict[str, object]:
    """Return the document; raises :class:`InvalidProject` with the place of the error."""
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problem = str(error)
        raise InvalidProject(file=file, problem=f"{problem[:1].lower()}{problem[1:]}") from None


def table_of(parent: Mapping[str, object], key: str, file: str, *, where: str = "") -> Mapping[str, object]:
    """Return a table, empty if it is absent."""
    value = parent.get(key, {})
    if not isinstance(value, Mapping):
        raise InvalidProject(file=file, problem=f"`{where}{key}` is not a table")
    return value


def text_of(parent: Mapping[str, object], key: str, file: str, *, where: str = "") -> str:
    """Return a text, empty if it is absent."""
    value = parent.get(key, "")
    if not isinstance(value, str):
        raise InvalidProject(file=file, problem=f"`{where}{key}` is not a string")
    return value


def texts_of(parent: Mapping[str, object], key: str, file: str, *, where: str = "") -> tuple[str, ...]:
    """Return a list of texts, empty if it is absent."""
    value = parent.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidProject(file=file, problem=f"`{where}{key}` is not a list of strings")
    return tuple(value)


def check_specifier(text: str, file: str, what: str) -> str:
    """Return *text* if it is a version specifier (PEP 440); raises :class:`InvalidProject` naming *what*."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise InvalidProject(
            file=file, problem=f"`{what}` is `{text}`, which is no version specifier"
        ) from None
    return text
