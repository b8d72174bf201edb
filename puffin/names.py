"""Names and versions as text: the normal form of names, equality of versions, safe text for a terminal or a shell."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from packaging.version import Version

_PLAIN_MARKS = dict.fromkeys(map(ord, "_@%+:,./-="), "x")


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


def release_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a final release such as ``1.2.0``; nothing for any other version, or for no version."""
    if not text.isascii() or not text.replace(".", "").isdigit() or len(text) > 100:
        return ()
    try:
        return tuple(map(int, text.split(".")))
    except ValueError:  # two dots, or one at an end
        return ()


def significant(release: tuple[int, ...]) -> tuple[int, ...]:
    """Return the numbers of a release without zeros at its end, at least one; so equal releases have equal numbers."""
    while len(release) > 1 and not release[-1]:
        release = release[:-1]
    return release


def final_release(text: str) -> tuple[int, ...]:
    """Return the significant numbers of a final release; nothing for any other text."""
    return significant(release_numbers(text))


def shell_quoted(word: str) -> str:
    """Return *word* as one word of a POSIX shell, like ``shlex.quote``, whose module imports ``re``."""
    plain = word.isascii() and word.translate(_PLAIN_MARKS).isalnum()
    return word if plain else "'" + word.replace("'", "'\"'\"'") + "'"


def printable(text: str, limit: int = 0) -> str:
    """Return *text* on one line, without what could steer a terminal, and cut in the middle at *limit* (0 for none).

    A line break becomes a blank and every other unprintable character ``?``, so that columns stay where they were.
    """
    if not text.isprintable():
        text = "".join([c if c.isprintable() or c == "\t" else " " if c.isspace() else "?" for c in text])
    return f"{text[: limit - 40]}…{text[-39:]}" if 40 < limit < len(text) else text
