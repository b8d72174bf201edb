"""Requirements files and the files that they include, read into one value.

The format is pip's (its page "Requirements File Format"), with two differences:

- what a constraints file includes is a constraint too, so that constraints never add a package;
- a file that is included again, by itself or by another, is read once.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from puffin import depends
from puffin.artifact.urls import file_path, is_file_url, is_http, mask
from puffin.errors import os_cause
from puffin.stages.resolve.requirements.entry import Piece, parse_editable, parse_entry
from puffin.stages.resolve.requirements.errors import (
    InvalidRequirementLine,
    RequirementsFileNotFound,
    RequirementsFileUnreadable,
    content_mistake,
    file_mistake,
    invalid_line,
)
from puffin.stages.resolve.requirements.lines import LogicalLine, decode_source, logical_lines
from puffin.stages.resolve.requirements.options import (
    PER_REQUIREMENT,
    GlobalOptions,
    Option,
    check_config_setting,
    check_hash,
    split_options,
)
from puffin.stages.resolve.requirements.plain import is_lock
from puffin.stages.resolve.requirements.values import Entry, Requirements
from puffin.value import frozen, replace

_DEEPEST = 100
Locked = Callable[[str, str, bytes], tuple[Entry, ...]]  # of path, shown name and content of a lock file


@frozen
class IncludedFile:
    """A file to read: its absolute ``path`` or URL, and its name for messages.

    ``included`` is the ``file:line`` that includes it, or empty; ``depth`` is the number of files above it.
    """

    path: str
    shown: str
    constraint: bool
    included: str = ""
    depth: int = 0

    @property
    def directory(self) -> str:
        """The directory of a local file; empty for a URL and for standard input."""
        return "" if self.path == STDIN or is_http(self.path) else os.path.dirname(self.path)


def read_requirements(
    paths: Sequence[str],
    *,
    read: Callable[[str], bytes],
    environ: Mapping[str, str],
    constraints: Sequence[str] = (),
    exists: Callable[[str], bool] = depends.exists,
    locked: Locked | None = None,
) -> Requirements:
    """Read requirements files, then *constraints* files, and all that they include.

    *read* returns the bytes of an absolute path, a URL, or of ``-``, standard input. *environ* are the
    variables to expand. *locked* returns the constraints that a lock file stands for. Raises
    :class:`RequirementsFileNotFound`, :class:`RequirementsFileUnreadable`,
    :class:`InvalidRequirementLine`, and whatever *read* raises.
    """
    reader = _FileReader(read, environ, os.getcwd(), exists, locked)
    for path in paths:
        reader.file(IncludedFile(path=absolute_path(path), shown=mask(path), constraint=False))
    for path in constraints:
        reader.file(IncludedFile(path=absolute_path(path), shown=mask(path), constraint=True))
    return reader.settings.requirements(tuple(reader.entries), tuple(reader.constraints))


def read_file(path: str) -> bytes:
    """Return the bytes of a local file, or of standard input for ``-``.

    Raises :class:`RequirementsFileNotFound` or :class:`RequirementsFileUnreadable`.
    """
    if path == STDIN:
        depends.unsure("standard input is read")
        return sys.stdin.buffer.read()
    depends.text(path)
    try:
        return depends.data(path)
    except FileNotFoundError:
        raise RequirementsFileNotFound(path=path) from None
    except OSError as error:
        raise RequirementsFileUnreadable(path=path, causes=(os_cause(error),)) from None
    except ValueError:  # what no path can hold, such as NUL
        raise RequirementsFileNotFound(path=path) from None


class _FileReader:
    """Reads files and collects their entries in the order of the lines."""

    def __init__(
        self,
        read: Callable[[str], bytes],
        environ: Mapping[str, str],
        cwd: str,
        exists: Callable[[str], bool],
        locked: Locked | None,
    ) -> None:
        self.read = read
        self.environ = environ
        self.cwd = cwd
        self.exists = exists
        self.locked = locked
        self.settings = GlobalOptions()
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
        if file.constraint and self.locked and is_lock(file.path):
            self.constraints += self.locked(file.path, file.shown, data)
            return
        mistake = file_mistake(file.shown)
        if mistake:
            raise invalid_line(file.shown, 1, 1, "", mistake[0], *mistake[1])
        text = decode_source(data, file.shown)
        try:
            for line in logical_lines(text, file.shown, self.environ):
                self._line(file, line)
        except InvalidRequirementLine as error:
            content = content_mistake(text.splitlines()) if error.file == file.shown else None
            if content is None:
                raise
            error.problem, error.hints = content
            raise

    def _bytes(self, file: IncludedFile) -> bytes:
        try:
            return self.read(file.path)
        except (RequirementsFileNotFound, RequirementsFileUnreadable) as error:
            raise type(error)(
                path=file.shown, included=file.included, causes=error.causes, hints=error.hints
            ) from None

    def _line(self, file: IncludedFile, line: LogicalLine) -> None:
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

    def _checked_constraint(self, line: LogicalLine, entry: Entry) -> Entry:
        if entry.editable:
            raise line.error(0, "Constraints cannot be editable.", "move the line to a requirements file")
        if not entry.name:
            raise line.error(0, "A constraint needs the name of its package.", f"write `name @ {entry.text}`")
        if entry.extras:
            self.settings.warn(f"The extras of the constraint `{entry.text}` at {entry.origin} are ignored.")
        return entry

    def _option(self, file: IncludedFile, line: LogicalLine, option: Option) -> None:
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

    def _include(self, file: IncludedFile, line: LogicalLine, option: Option) -> None:
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
        """Return a place as it was written, one beside the file in another directory relative to the current one."""
        if not file.directory or os.path.isabs(value) or "://" in value or file.directory == self.cwd:
            return value
        beside = os.path.join(file.directory, value)
        return os.path.relpath(beside, self.cwd) if self.exists(beside) else value

    def _warn_of_swallowed(self, line: LogicalLine) -> None:
        if line.swallowed:
            place = f"line {line.swallowed} of `{line.file}`"
            self.settings.warn(f"The comment above {place} ends in a backslash, so that line is a comment too.")


def _requirement_options(
    line: LogicalLine, options: tuple[Option, ...], *, editable: bool
) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    hashes = []
    settings = []
    first = next((option for option in options if option.name == "--editable"), None) if editable else None
    for option in options:
        if option.name == "--hash" and not editable:
            hashes.append(check_hash(line, option))
        elif option.name == "--hash":
            raise line.error(option.start, "Editable requirements cannot have a hash.")
        elif option.name == "--config-settings":
            settings.append(check_config_setting(line, option))
        elif option is not first:
            problem = f"`{option.name}` cannot follow a requirement."
            raise line.error(option.start, problem, "put it on a line of its own")
    return hashes, tuple(settings)


def _editable_piece(line: LogicalLine, option: Option) -> Piece:
    written = line.text[option.value_start : option.end]
    verbatim = not any(quote in written for quote in "'\"") or written == option.value
    text = written if verbatim else option.value
    return Piece(line=line, text=text, start=option.value_start, verbatim=verbatim)


STDIN = "-"


def absolute_path(path: str) -> str:
    """Return the absolute path, or the URL, of a *path* from the command line."""
    if path == STDIN or is_http(path):
        return path
    return os.path.abspath(_local(path))


def find_included(file: IncludedFile, target: str) -> tuple[str, str]:
    """Return absolute path (or URL) and shown name of what *file* includes as *target*."""
    if is_http(target):
        return target, target
    if is_file_url(target) or os.path.isabs(target):
        return absolute_path(target), target
    if is_http(file.path):
        from urllib.parse import urljoin

        url = urljoin(file.path, target)
        return url, url
    shown = os.path.normpath(os.path.join(os.path.dirname(_local(file.shown)), target))
    return os.path.normpath(os.path.join(file.directory or os.getcwd(), target)), shown


def _local(path: str) -> str:
    """Return the path of a ``file:`` URL; one without a path is returned as it is, and not found."""
    try:
        return file_path(path) if is_file_url(path) else path
    except ValueError:
        return path
