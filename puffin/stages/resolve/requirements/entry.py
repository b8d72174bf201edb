"""One requirement of a requirements file: from an index, from a URL or from a path.

packaging reads names, extras, specifiers and markers (PEP 508, PEP 440). Bare URLs and paths follow pip (its page
"Requirement Specifiers").
"""

from collections.abc import Callable

from puffin import patterns
from puffin.artifact.urls import mask_text
from puffin.errors import PuffinError
from puffin.names import is_name, normalise
from puffin.stages.resolve.requirements.errors import (
    InvalidRequirementLine,
    is_requirements_name,
    operator_mistake,
)
from puffin.stages.resolve.requirements.lines import LogicalLine
from puffin.stages.resolve.requirements.place import (
    Location,
    PathBase,
    UnusableLocation,
    locate_reference,
    looks_like_archive,
    looks_like_path,
)
from puffin.stages.resolve.requirements.texts import Parts, requirement_parts, written_marker
from puffin.stages.resolve.requirements.values import Entry
from puffin.value import frozen, replace

# Texts, because most lines need none of them compiled.
_NAMED_PLACE = r"[A-Za-z0-9][\w.\-]*\s*(?:\[[^\]]*\]\s*)?@\s*(\S*)"
_SCP = r"(?:git\+)?[\w.\-]+@[\w.\-]+:(?!//)\S*\.git\b"
_URL = r"(?i)[A-Za-z][A-Za-z0-9+.\-]+://|file:"
_URL_MARKER = r"\s+;\s*|;\s+"
_PATH_MARKER = r"\s*;\s*"
_EXTRAS = r"\s*\[([\w.\-,\s]*)\]$"
_WORDING = {
    "Expected package name at the start of dependency specifier": "The name of a package is expected here.",
    "Expected URL after @": "A URL is expected after `@`.",
    "Expected a marker variable or quoted string": "A marker variable or a quoted string is expected here.",
    "Expected end of marker expression": "The marker should end here.",
    "Expected comma between extra names": "A comma is expected between the extras.",
    "Expected extra name after comma": "The name of an extra is expected after the comma.",
}


@frozen
class Piece:
    """The part of a line that holds a requirement: its ``text``, which stands at ``start``.

    If quotes were removed, the text differs from the line (``verbatim`` is false), and every error points at its
    start.
    """

    line: LogicalLine
    text: str
    start: int
    verbatim: bool = True

    def error(self, offset: int, problem: str, *hints: str) -> InvalidRequirementLine:
        """Make the error that points at *offset* of the text."""
        return self.line.error(self.start + (offset if self.verbatim else 0), problem, *hints)


def parse_entry(piece: Piece, *, cwd: str, base: str, exists: Callable[[str], bool]) -> Entry:
    """Read a requirement; raises :class:`InvalidRequirementLine`.

    Relative paths are relative to *cwd*, as in pip, or to *base* (the directory of the file) if they exist only
    there. The caller adds file, line, hashes and other options.
    """
    place = PathBase(cwd=cwd, base=base, exists=exists)
    text = piece.text
    if "@" in text and patterns.match(_SCP, text):
        _, _, path = text.partition(":")
        host = text[: text.index(":")].removeprefix("git+")
        raise piece.error(0, "A git repository is written as a URL.", f"write `git+ssh://{host}/{path}`")
    if is_requirements_name(text):
        problem = (
            f"`{piece.line.written(piece.start, piece.start + len(text))}` looks like a requirements file."
        )
        hint = f"to read the requirements in it, write `-r {text}`"
        if text.endswith("lock.toml"):
            hint = f"to install the locked packages, run `puffin pip sync {text}`"
        raise piece.error(0, problem, hint)
    named = patterns.match(_NAMED_PLACE, text) if "@" in text else None
    if named:
        return _named_place(piece, place, named.start(1))
    if ":" in text and patterns.match(_URL, text):
        return _bare_place(piece, place, _URL_MARKER)
    if looks_like_path(text.partition(";")[0]) or _is_file_name(piece, place):
        return _bare_place(piece, place, _PATH_MARKER)
    return _from_index(piece)


def parse_editable(piece: Piece, *, cwd: str, base: str, exists: Callable[[str], bool]) -> Entry:
    """Read what follows ``-e``: a directory, or a version-controlled URL; raises like :func:`parse_entry`."""
    location = patterns.split(_PATH_MARKER, piece.text, maxsplit=1)[0]
    bare = patterns.sub(_EXTRAS, "", location)
    place = PathBase(cwd=cwd, base=base, exists=exists)
    if not patterns.match(_URL, bare) and not patterns.match(_NAMED_PLACE, bare) and place.has(bare):
        entry = _bare_place(piece, place, _PATH_MARKER)
    elif (
        patterns.match(_URL, bare)
        or patterns.match(_NAMED_PLACE, bare)
        or looks_like_path(bare)
        or _is_requirement(piece)
    ):
        entry = parse_entry(piece, cwd=cwd, base=base, exists=exists)
    else:
        raise piece.error(0, f"`{bare}` is neither a directory that exists nor a URL.")
    if not entry.url:
        hint = "to install the project in a directory, write its path, for example `-e ./name`"
        raise piece.error(0, "`-e` needs a path or the URL of a repository.", hint)
    scheme = entry.url.partition(":")[0].lower()
    if scheme in ("http", "https"):
        raise piece.error(0, "Remote archives cannot be editable.", "remove the `-e`")
    if scheme == "file" and looks_like_archive(entry.url):
        raise piece.error(0, "Archives cannot be editable.", "remove the `-e`")
    return entry


def _from_index(piece: Piece) -> Entry:
    parts = _parse(piece)
    return replace(_entry(parts, piece), specifier=parts[2])


def _named_place(piece: Piece, place: PathBase, at: int) -> Entry:
    parts = _parse(piece)
    told = _located(piece, at, parts[4], place)
    entry = _entry(parts, piece)
    if told.name and told.name != entry.name:
        raise piece.error(at, f"The file is a distribution of `{told.name}`, not of `{entry.name}`.")
    return replace(entry, url=told.url, hashes=told.hashes, extras=_joined(entry.extras, told.extras))


def _bare_place(piece: Piece, place: PathBase, separator: str) -> Entry:
    split = patterns.search(separator, piece.text)
    location = piece.text[: split.start()] if split else piece.text
    marker = _marker(piece, split.end()) if split else ""
    found = patterns.search(_EXTRAS, location)
    extras = _extras(piece, found) if found else ()
    told = _located(piece, 0, location[: found.start()] if found else location, place)
    return Entry(
        name=told.name,
        text=_written(piece),
        extras=_joined(extras, told.extras),
        marker=marker,
        url=told.url,
        hashes=told.hashes,
    )


def _joined(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*one, *other})) if other else one


def _located(piece: Piece, at: int, location: str, place: PathBase) -> Location:
    try:
        return locate_reference(location, place)
    except UnusableLocation as error:
        raise piece.error(at, error.problem, *error.hints) from None


def _is_file_name(piece: Piece, place: PathBase) -> bool:
    """Tell whether a text without any slash is the name of an archive; one that is missing is an error."""
    location = piece.text.partition(";")[0].strip()
    if location.endswith("]") and looks_like_archive(location.rpartition("[")[0].rstrip()):
        location = patterns.sub(_EXTRAS, "", location)
    if not looks_like_archive(location) or any(mark in location for mark in "=<>~!"):
        return False
    if not place.has(location):
        raise piece.error(0, f"`{location}` looks like a distribution, but there is no such file.")
    return True


def _is_requirement(piece: Piece) -> bool:
    try:
        _parse(piece)
    except InvalidRequirementLine:
        return False
    return True


def _parse(piece: Piece) -> Parts:
    try:
        return requirement_parts(piece.text)
    except (ValueError, RecursionError) as error:
        mistake = operator_mistake(piece.text)
        if mistake:
            at, problem, hints = mistake
            raise piece.error(at, problem, *hints) from None
        raise _translated(piece, 0, error) from None


def _marker(piece: Piece, at: int) -> str:
    try:
        return written_marker(piece.text[at:])
    except (ValueError, RecursionError) as error:
        raise _translated(piece, at, error) from None


def _extras(piece: Piece, found: "patterns.Match[str]") -> tuple[str, ...]:
    names = [name.strip() for name in found[1].split(",")]
    if not all(names) and found[1].strip():
        raise piece.error(found.start(1), "The name of an extra is expected before and after each comma.")
    for name in names:
        if name and not is_name(name):
            raise piece.error(found.start(1) + found[1].index(name), f"`{name}` is not the name of an extra.")
    return tuple(sorted({normalise(name) for name in names if name}))


def _translated(piece: Piece, at: int, error: Exception) -> PuffinError:
    """Return the error of packaging as a sentence with a place; its own text has an excerpt and no full stop."""
    if isinstance(error, RecursionError):
        return piece.error(at, "The marker is nested too deeply.")
    span = getattr(error.__cause__, "span", (0, 0))
    text = piece.text[at:]
    message = str(error).split("\n", 1)[0]
    offset = span[1] if message.startswith(("Expected semicolon", "Expected comma")) else span[0]
    while offset < len(text) and text[offset].isspace():
        offset += 1
    return piece.error(at + offset, _WORDING.get(message) or _sentence(message, text, offset))


def _sentence(message: str, text: str, offset: int) -> str:
    for token, character in (
        ("RIGHT_BRACKET", "]"),
        ("RIGHT_PARENTHESIS", ")"),
        ("LEFT_BRACKET", "["),
        ("LEFT_PARENTHESIS", "("),
    ):
        message = message.replace(token, f"`{character}`")
    if "semicolon" in message:
        rest = mask_text(text[offset:].split(" ", 1)[0])
        expected = "a version specifier, `;` and a marker, or the end of the line"
        return f"`{rest}` cannot stand here; expected {expected}." if rest else f"Expected {expected}."
    return message.rstrip(".") + "."


def _entry(parts: Parts, piece: Piece) -> Entry:
    name, extras, _, marker, _ = parts
    return Entry(name=name, text=_written(piece), extras=extras, marker=marker)


def _written(piece: Piece) -> str:
    text = piece.line.written(piece.start, piece.start + len(piece.text)) if piece.verbatim else piece.text
    return mask_text(text)
