"""The text of a requirements file as logical lines, with the place of every character in the file.

The format is pip's (its page "Requirements File Format"): encoding by byte order mark, then by a PEP 263
comment, then UTF-8; lines joined by a trailing backslash; comments removed; ``${NAME}`` expanded.
"""

import codecs
import os
from collections.abc import Iterator, Mapping

from puffin import depends, patterns
from puffin.stages.resolve.requirements.errors import InvalidRequirementLine, invalid_line
from puffin.value import frozen

# UTF-32 before UTF-16: the little-endian mark of one begins with that of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SHORTEST_SECRET = 6  # characters; replacing what is shorter would garble the sentences
_CODING = rb"coding[:=][ \t]*([-\w.]+)"
_VARIABLE = r"\$\{([A-Z0-9_]+)\}"
_QUOTES = """'"\\"""
_PLAIN_WORD = r"\S+"
_WORD = r"""(?s)(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+"""
_PIECE = r"""(?s)([^'"\\]+)|\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)\""""
_ESCAPED = r"""\\(["\\])"""


@frozen
class Word:
    """A blank-separated piece of a line: its ``value`` without quotes, and its place in the line's text."""

    value: str
    start: int
    end: int


@frozen
class LogicalLine:
    """One logical line: continuations joined, comment removed, variables expanded, blanks stripped.

    ``raw`` is the joined text before expansion. ``joints`` are (offset in raw, index of the physical line,
    offset in it); ``expanded`` are (start, end in text, start, end in raw) of the replaced variables.
    ``source`` holds the physical lines of the whole file. ``swallowed`` is the number of a physical line
    that became part of a comment because that ends in a backslash, else 0.
    """

    file: str
    text: str
    raw: str
    joints: tuple[tuple[int, int, int], ...]
    expanded: tuple[tuple[int, int, int, int], ...]
    source: tuple[str, ...]
    swallowed: int = 0

    @property
    def number(self) -> int:
        """The number, from 1, of the first physical line that has text of this one."""
        return self.place(0)[0]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 1, in the file of the character at *offset* of the text."""
        at = self._raw_offset(offset, end=False)
        joint = next((each for each in reversed(self.joints) if each[0] <= at), self.joints[0])
        return joint[1] + 1, joint[2] + at - joint[0] + 1

    def written(self, start: int, end: int) -> str:
        """Return the user's text from *start* to *end*, with variables unexpanded."""
        return self.raw[self._raw_offset(start, end=False) : self._raw_offset(end, end=True)]

    def error(self, offset: int, problem: str, *hints: str) -> InvalidRequirementLine:
        line, column = self.place(max(0, min(offset, len(self.text))))
        said = [self._unexpanded(sentence) for sentence in (problem, *hints)]
        return invalid_line(self.file, line, column, self.source[line - 1], *said)

    def words(self, start: int = 0) -> Iterator[Word]:
        """Split the text from *start* on as a POSIX shell does; an open quote is an error."""
        if _is_unquoted(self.text[start:]):
            for plain in patterns.compile(_PLAIN_WORD).finditer(self.text, start):
                yield Word(value=plain[0], start=plain.start(), end=plain.end())
            return
        while True:
            while start < len(self.text) and self.text[start].isspace():
                start += 1
            if start >= len(self.text):
                return
            found = patterns.compile(_WORD).match(self.text, start)
            end = found.end() if found else start
            if end < len(self.text) and not self.text[end].isspace():
                raise self.error(end, "A quotation or a backslash is not finished here.")
            yield Word(value=_unquoted(self.text[start:end]), start=start, end=end)
            start = end

    def _unexpanded(self, sentence: str) -> str:
        """Return *sentence* with the values of variables, which may be secrets, as their names."""
        for start, end, raw_start, raw_end in self.expanded:
            if end - start >= _SHORTEST_SECRET:
                sentence = sentence.replace(self.text[start:end], self.raw[raw_start:raw_end])
        return sentence

    def _raw_offset(self, offset: int, *, end: bool) -> int:
        shift = 0
        for start, stop, raw_start, raw_stop in self.expanded:
            if offset < start or (end and offset == start):
                break
            if offset < stop:
                return raw_stop if end else raw_start
            shift = raw_stop - stop
        return offset + shift


def decode_source(data: bytes, file: str) -> str:
    """Return the text of a requirements file, or raise :class:`InvalidRequirementLine` naming the encoding."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding, file)
    for line in data.split(b"\n", 2)[:2]:
        named = patterns.search(_CODING, line) if line.startswith(b"#") and b"coding" in line else None
        if named:
            return _decoded(data, named[1].decode("latin-1"), file)
    return _decoded(data, "utf-8", file)


def logical_lines(text: str, file: str, environ: Mapping[str, str]) -> tuple[LogicalLine, ...]:
    """Return the lines of *text* that are not empty, in order. *environ* has the variables to expand."""
    source = tuple(text.splitlines())
    lines = []
    for joined, joints in _joined(source):
        comment = _comment_in(joined)
        kept = joined[:comment].rstrip()
        raw = kept.lstrip()
        if raw:
            lead = len(kept) - len(raw)
            shifted = tuple([(offset - lead, number, column) for offset, number, column in joints])
            expanded, spans = _expand(raw, environ)
            lines.append(
                LogicalLine(
                    file=file,
                    text=expanded,
                    raw=raw,
                    joints=shifted,
                    expanded=spans,
                    source=source,
                    swallowed=_swallowed(source, joints, comment),
                )
            )
    return tuple(lines)


def _swallowed(source: tuple[str, ...], joints: list[tuple[int, int, int]], comment: int) -> int:
    for offset, number, _ in joints:
        if offset > comment + 1 and source[number].strip() and not _is_comment(source[number]):
            return number + 1
    return 0


def _decoded(data: bytes, encoding: str, file: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        number = before.count(b"\n") + 1
        problem = f"Byte {error.start} of the file is not valid {encoding}."
    except (LookupError, ValueError):
        number = 1
        problem = f"The file declares the encoding `{encoding}`, which does not exist or cannot be used."
    hint = "save the file as UTF-8, or declare its encoding in the first line, for example `# -*- coding: latin-1 -*-`"
    raise invalid_line(file, number, 1, "", problem, hint)


def _joined(source: tuple[str, ...]) -> Iterator[tuple[str, list[tuple[int, int, int]]]]:
    """Yield lines joined at trailing backslashes, with where each part starts.

    A comment never continues; one that stands between continued lines ends them.
    """
    joined = ""
    joints: list[tuple[int, int, int]] = []
    for number, line in enumerate(source):
        comment = _is_comment(line)
        goes_on = line.endswith("\\") and not comment
        part = line.rstrip("\\") if goes_on else line
        column = 0
        if comment and joints:
            joined += " "
        joints.append((len(joined), number, column))
        joined += part
        if not goes_on:
            yield joined, joints
            joined, joints = "", []
    if joints:
        yield joined, joints


def _expand(raw: str, environ: Mapping[str, str]) -> tuple[str, tuple[tuple[int, int, int, int], ...]]:
    """Return *raw* with each ``${NAME}`` that is set and not empty replaced, and where that happened."""
    if "${" not in raw:
        return raw, ()
    spans = []
    text = ""
    done = 0
    for found in patterns.finditer(_VARIABLE, raw):
        value = environ.get(found[1], "")
        depends.variable(found[1], environ.get(found[1]))
        if not value and found[1] == "PROJECT_ROOT":  # as uv has it
            value = os.getcwd()
        if value:
            text += raw[done : found.start()]
            spans.append((len(text), len(text) + len(value), found.start(), found.end()))
            text += value
            done = found.end()
    return text + raw[done:], tuple(spans)


def _comment_in(line: str) -> int:
    """Return where a comment begins in *line*, at its end for none."""
    at = line.find("#")
    while at > 0 and not line[at - 1].isspace():
        at = line.find("#", at + 1)
    return at if at >= 0 else len(line)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _is_unquoted(text: str) -> bool:
    return not any(mark in text for mark in _QUOTES)


def _unquoted(word: str) -> str:
    if _is_unquoted(word):
        return word
    parts = []
    for plain, escaped, single, double in patterns.findall(_PIECE, word):
        parts.append(plain or escaped or single or patterns.sub(_ESCAPED, r"\1", double))
    return "".join(parts)
