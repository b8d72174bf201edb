"""Names and versions as text: the normal form of names, equality of versions, lists, text for terminals and shells."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packaging.version import Version

_PLAIN_MARKS = dict.fromkeys(map(ord, "_@%+:,./-="), "x")
Key = tuple[tuple[int, ...], int, int, int, int, int]
"""What versions without epoch and local part are compared by.

The release without zeros at its end; the phase and its number; the post-release, -1 for none; 1 and 0, or of a
development release 0 and its number.
"""

_DIGITS = "0123456789"
_PHASES = {"a": 0, "b": 1, "rc": 2}
_NO_PHASE = 3
_ONLY_DEV = -1  # a development release without a phase comes before all phases


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
    key, others = version_key(one), version_key(other)
    if key is not None and others is not None:
        return key == others
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


def version_key(text: str) -> "Key | None":
    """Return what a version is compared by; None for one that is not in a usual form, and for no version (PEP 440)."""
    release = release_numbers(text)
    if release:
        return _final_key(release)
    read = _suffixed(text)
    return read[1] if read else None


def usual_version(text: str) -> "tuple[str, Key] | None":
    """Return a version such as ``1.2``, ``2.0rc1`` or ``2.9.0.post0`` in normal form, and its key.

    None for any other text; it may still be a version.
    """
    release = release_numbers(text)
    return (".".join(map(str, release)), _final_key(release)) if release else _suffixed(text)


def _final_key(release: tuple[int, ...]) -> "Key":
    return significant(release), _NO_PHASE, 0, -1, 1, 0


def _suffixed(text: str) -> "tuple[str, Key] | None":
    rest = text.lstrip(f"{_DIGITS}.")
    release = release_numbers(text[: len(text) - len(rest)].removesuffix("."))
    phase, count, rest = _suffix(rest, _PHASES)
    _, post, rest = _suffix(rest, ("post",))
    _, dev, rest = _suffix(rest, ("dev",))
    if rest or not release or not (count or post or dev):
        return None
    name = ".".join(map(str, release))
    name += "".join(
        [f"{word}{number}" for word, number in ((phase, count), (".post", post), (".dev", dev)) if number]
    )
    early = _PHASES[phase] if phase else _ONLY_DEV if dev and not post else _NO_PHASE
    behind = (0, int(dev)) if dev else (1, 0)
    return name, (significant(release), early, int(count or 0), int(post or -1), *behind)


def _suffix(rest: str, words: "Iterable[str]") -> tuple[str, str, str]:
    """Return the one of *words* that *rest* begins with, its number in normal form, and what follows them."""
    found = rest.removeprefix(".")
    for word in words:
        behind = found.removeprefix(word).removeprefix(".")
        number = behind[: len(behind) - len(behind.lstrip(_DIGITS))]
        if found.startswith(word) and 0 < len(number) < 100:
            return word, str(int(number)), behind[len(number) :]
    return "", "", rest


def is_early(key: "Key") -> bool:
    """Tell whether a key is that of a pre-release or a development release."""
    return key[1] < _NO_PHASE or not key[4]


def is_post(key: "Key") -> bool:
    """Tell whether a key is that of a post-release."""
    return key[3] >= 0


def in_sentence(items: "Sequence[str]", word: str = "and", most: int = 0) -> str:
    """Return *items* as a list in a sentence, ``a, b and c``; with *most*, the number of the others in their place."""
    if most and len(items) > most + 1:
        items = [*items[:most], f"{len(items) - most} more"]
    return f"{', '.join(items[:-1])} {word} {items[-1]}" if len(items) > 1 else "".join(items)


def printable(text: str, limit: int = 0) -> str:
    """Return *text* on one line, without what could steer a terminal, and cut in the middle at *limit* (0 for none).

    A line break becomes a blank and every other unprintable character ``?``, so that columns stay where they were.
    """
    if not text.isprintable():
        text = "".join([c if c.isprintable() or c == "\t" else " " if c.isspace() else "?" for c in text])
    return f"{text[: limit - 40]}…{text[-39:]}" if 40 < limit < len(text) else text
