"""Names and versions as text: the normal form of names, equality of versions, safe text for a terminal."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from packaging.version import Version


def normalise(name: str) -> str:
    """Return *name* in lower case, with each run of ``-``, ``_`` and ``.`` as one ``-`` (PEP 503)."""
    name = name.lower().replace("_", "-").replace(".", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name


def is_name(text: str) -> bool:
    """Tell whether *text* is a valid name of a project or an extra: letters, digits, and ``-``, ``_``, ``.`` inside."""
    plain = text.replace("-", "").replace("_", "").replace(".", "")
    return text.isascii() and plain.isalnum() and text[0].isalnum() and text[-1].isalnum()


def same_version(one: str, other: str) -> bool:
    """Tell whether two spellings are one version (PEP 440); ``_`` may stand for ``-``, as in file names.

    Two equal texts are one version even if they are not valid ones.
    """
    if one == other:
        return True
    version = parsed_version(one)
    return version is not None and version == parsed_version(other)


def parsed_version(text: str) -> "Version | None":
    """Return the version (PEP 440) in *text*, where ``_`` may stand for ``-``, as in file names, else None."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text.replace("_", "-"))
    except InvalidVersion:
        return None


def printable(text: str, limit: int = 0) -> str:
    """Return *text* on one line, without what could steer a terminal, and cut in the middle at *limit* (0 for none).

    A line break becomes a blank and every other unprintable character ``?``, so that columns stay where they were.
    """
    if not text.isprintable():
        text = "".join([c if c.isprintable() or c == "\t" else " " if c.isspace() else "?" for c in text])
    return f"{text[: limit - 40]}…{text[-39:]}" if 40 < limit < len(text) else text
