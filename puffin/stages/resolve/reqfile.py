"""Requirements files as pip reads them, with everything they include, as one value.

The format is pip's (its page "Requirements File Format"). Two things differ on purpose: whatever a
constraints file includes is a constraint too, so that constraints alone never add a package; and a file
that is included again, by itself or by another, is read once.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from puffin import depends
from puffin.errors import os_cause
from puffin.stages.resolve.reqentry import Piece, parse_editable, parse_entry
from puffin.stages.resolve.reqerrors import (
    InvalidRequirementLine,
    RequirementsFileNotFound,
    RequirementsFileUnreadable,
    invalid_line,
)
from puffin.stages.resolve.reqinclude import STDIN, IncludedFile, absolute, find_included
from puffin.stages.resolve.reqlines import Line, decode, logical_lines
from puffin.stages.resolve.reqmistakes import content_mistake, file_mistake
from puffin.stages.resolve.reqoptions import (
    PER_REQUIREMENT,
    Option,
    check_config_setting,
    check_hash,
    split_options,
)
from puffin.stages.resolve.reqsettings import Settings
from puffin.stages.resolve.reqvalues import Entry, Requirements
from puffin.stages.urls import mask
from puffin.value import replace

__all__ = [
    "Entry",
    "InvalidRequirementLine",
    "Requirements",
    "RequirementsFileNotFound",
    "RequirementsFileUnreadable",
    "read_file",
    "read_requirements",
]

_DEEPEST = 100


def read_requirements(
    paths: Sequence[str],
    *,
    read: Callable[[str], bytes],
    environ: Mapping[str, str],
    constraints: Sequence[str] = (),
    exists: Callable[[str], bool] = depends.exists,
) -> Requirements:
    """Read requirements files, then *constraints* files, and all that they include.

    *read* returns the bytes of an absolute path, a URL, or of ``-``, standard input. *environ* are the
    variables to expand. Raises :class:`RequirementsFileNotFound`, :class:`RequirementsFileUnreadable`,
    :class:`InvalidRequirementLine`, and whatever *read* raises.
    """
    reader = _Reader(read, environ, os.getcwd(), exists)
    for path in paths:
        reader.file(IncludedFile(path=absolute(path), shown=mask(path), constraint=False))
    for path in constraints:
        reader.file(IncludedFile(path=absolute(path), shown=mask(path), constraint=True))
    return reader.settings.requirements(tuple(reader.entries), tuple(reader.constraints))


def read_file(path: str) -> bytes:
    """Return the bytes of a local file, or of standard input for ``-``.

    Raises :class:`RequirementsFileNotFound` or :class:`RequirementsFileUnreadable`.
    """
    if path == STDIN:
        depends.unsure("standard input is read")
        return sys.stdin.buffer.read()
    depends.file(path)
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise RequirementsFileNotFound(path=path) from None
    except OSError as error:
        raise RequirementsFileUnreadable(path=path, causes=(os_cause(error),)) from None
    except ValueError:  # what no path can hold, such as NUL
        raise RequirementsFileNotFound(path=path) from None


class _Reader:
    """Reads file by file and collects what they say, in the order of their lines."""

    def __init__(
        self,
        read: Callable[[str], bytes],
        environ: Mapping[str, str],
        cwd: str,
        exists: Callable[[str], bool],
    ) -> None:
        self.read = read
        self.environ = environ
        self.cwd = cwd
        self.exists = exists
        self.settings = Settings()
        self.entries: list[Entry] = []
        self.constraints: list[Entry] = []
        self._seen: set[tuple[str, bool]] = set()

    def file(self, file: IncludedFile) -> None:
        """Read a file, unless it was read before for the same purpose."""
        key = (file.path, file.constraint)
        if key in self._seen:
            return
        self._seen.add(key)
        data = self._bytes(file)
        mistake = file_mistake(file.shown)
        if mistake:
            raise invalid_line(file.shown, 1, 1, "", mistake[0], *mistake[1])
        text = decode(data, file.shown)
        try:
            for line in logical_lines(text, file.shown, self.environ):
                self._line(file, line)
        except InvalidRequirementLine as error:
            content = content_mistake(text.splitlines()) if error.file == file.shown else None
            if content is None:
                raise
            raise _explained(error, *content) from None

    def _bytes(self, file: IncludedFile) -> bytes:
        try:
            return self.read(file.path)
        except (RequirementsFileNotFound, RequirementsFileUnreadable) as error:
            raise type(error)(
                path=file.shown, included=file.included, causes=error.causes, hints=error.hints
            ) from None

    def _line(self, file: IncludedFile, line: Line) -> None:
        end, options = split_options(line)
        self._warn_of_swallowed(line)
        editable = [option for option in options if option.name == "--editable"]
        requirement = line.text[:end].rstrip()
        if requirement:
            self._add(file, Piece(line=line, text=requirement, start=0), options, editable=False)
        elif editable:
            self._add(file, _editable_piece(line, editable[0]), options, editable=True)
        else:
            for option in options:
                self._option(file, line, option)

    def _add(self, file: IncludedFile, piece: Piece, options: tuple[Option, ...], *, editable: bool) -> None:
        parse = parse_editable if editable else parse_entry
        entry = parse(piece, cwd=self.cwd, base=file.directory or self.cwd, exists=self.exists)
        line = piece.line
        hashes, settings = _requirement_options(line, options, editable=editable)
        entry = replace(
            entry,
            text=f"-e {entry.text}" if editable else entry.text,
            hashes=tuple(dict.fromkeys((*entry.hashes, *hashes))),
            editable=editable,
            config_settings=settings,
            file=file.shown,
            line=line.number,
            constraint=file.constraint,
        )
        if file.constraint:
            self.constraints.append(self._checked_constraint(line, entry))
        else:
            self.entries.append(entry)

    def _checked_constraint(self, line: Line, entry: Entry) -> Entry:
        if entry.editable:
            raise line.error(0, "Constraints cannot be editable.", "move the line to a requirements file")
        if not entry.name:
            raise line.error(0, "A constraint needs the name of its package.", f"write `name @ {entry.text}`")
        if entry.extras:
            self.settings.warn(f"The extras of the constraint `{entry.text}` at {entry.origin} are ignored.")
        return entry

    def _option(self, file: IncludedFile, line: Line, option: Option) -> None:
        if option.name in PER_REQUIREMENT:
            problem = f"`{option.name}` belongs to a requirement, but there is none in front of it."
            hint = "end the line above with ` \\`, without a comment between"
            raise line.error(option.start, problem, hint)
        if option.name in ("--requirement", "--constraint"):
            self._include(file, line, option)
        elif option.name == "--find-links":
            self.settings.find_links.append(self._find_links(file, option.value))
        else:
            self.settings.apply(line, option)

    def _include(self, file: IncludedFile, line: Line, option: Option) -> None:
        if file.depth >= _DEEPEST:
            raise line.error(option.start, f"More than {_DEEPEST} files include one another.")
        path, shown = find_included(file, option.value)
        constraint = file.constraint or option.name == "--constraint"
        self.file(
            IncludedFile(
                path=path,
                shown=mask(shown),
                constraint=constraint,
                included=f"{file.shown}:{line.number}",
                depth=file.depth + 1,
            )
        )

    def _find_links(self, file: IncludedFile, value: str) -> str:
        beside = os.path.join(file.directory, value) if file.directory else value
        return beside if "://" not in value and self.exists(beside) else value

    def _warn_of_swallowed(self, line: Line) -> None:
        if line.swallowed:
            place = f"line {line.swallowed} of `{line.file}`"
            self.settings.warn(f"The comment above {place} ends in a backslash, so that line is a comment too.")


def _requirement_options(
    line: Line, options: tuple[Option, ...], *, editable: bool
) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    hashes = []
    settings = []
    first = next((option for option in options if option.name == "--editable"), None) if editable else None
    for option in options:
        if option.name == "--hash" and not editable:
            hashes.append(check_hash(line, option))
        elif option.name == "--hash":
            raise line.error(option.start, "An editable has no file that a hash could be of.")
        elif option.name == "--config-settings":
            settings.append(check_config_setting(line, option))
        elif option is not first:
            problem = f"`{option.name}` cannot follow a requirement."
            raise line.error(option.start, problem, "put it on a line of its own")
    return hashes, tuple(settings)


def _editable_piece(line: Line, option: Option) -> Piece:
    written = line.text[option.value_start : option.end]
    verbatim = not any(quote in written for quote in "'\"") or written == option.value
    text = written if verbatim else option.value
    return Piece(line=line, text=text, start=option.value_start, verbatim=verbatim)


def _explained(error: InvalidRequirementLine, problem: str, hints: tuple[str, ...]) -> InvalidRequirementLine:
    return InvalidRequirementLine(
        file=error.file,
        line=error.line,
        column=error.column,
        excerpt=error.excerpt,
        problem=problem,
        hints=hints,
    )
