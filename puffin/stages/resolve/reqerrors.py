"""What can be wrong with a requirements file, with the place in it, worded for people."""

from puffin.errors import USAGE, PuffinError
from puffin.names import printable
from puffin.stages.urls import mask_text

_WIDTH = 100
_LEAD = 40


class RequirementsFileNotFound(PuffinError):
    """A requirements file is not there; ``included`` is the ``file:line`` that names it, if any."""

    exit_code = USAGE
    stage = "resolve"
    path: str
    included: str = ""

    def summary(self) -> str:
        """Name the file, and the line that includes it."""
        return f"File not found: `{self.path}`" + (f" (included at {self.included})" if self.included else "")


class RequirementsFileUnreadable(PuffinError):
    """The operating system refuses to hand out a requirements file; the reason is in ``causes``."""

    exit_code = USAGE
    stage = "resolve"
    path: str
    included: str = ""

    def summary(self) -> str:
        """Name the file, and the line that includes it."""
        return f"Failed to read `{self.path}`" + (f" (included at {self.included})" if self.included else "")


class InvalidRequirementLine(PuffinError):
    """A line of a requirements file cannot be understood.

    ``line`` and ``column`` count from 1 in the file as it is stored; ``excerpt`` is that source line,
    with credentials already masked (``column`` refers to the masked text then).
    """

    exit_code = USAGE
    stage = "resolve"
    file: str
    line: int
    column: int
    excerpt: str
    problem: str

    def summary(self) -> str:
        """Name the file and the place in it."""
        return f"Couldn't parse requirement in `{self.file}` at {self.line}:{self.column}"

    def details(self) -> tuple[str, ...]:
        """Return what is wrong, and the source line with a caret under the place."""
        shown, at = _window(self.excerpt, self.column - 1)
        indent = "".join(["\t" if character == "\t" else " " for character in shown[:at]])
        excerpt = (f"  {shown}", f"  {indent}^") if self.excerpt.strip() else ()
        return (self.problem, *excerpt)


class InvalidArgument(InvalidRequirementLine):
    """The same of a requirement on the command line, whose arguments are read as the lines of a file."""

    def summary(self) -> str:
        """Name the command line."""
        return "Couldn't parse requirement on the command line"


def invalid_line(
    file: str, line: int, column: int, source: str, problem: str, *hints: str
) -> InvalidRequirementLine:
    """Make the error for *column* (from 1) of the physical line *source*; all texts are masked here."""
    before = mask_text(source[: column - 1])
    excerpt = mask_text(source)
    # Where masking shortens what stands before the caret, the caret moves along.
    column = len(before) + 1 if excerpt.startswith(before) else _first_difference(excerpt, source) + 1
    return InvalidRequirementLine(
        file=file,
        line=line,
        column=column,
        excerpt=printable(excerpt),
        problem=printable(mask_text(problem)),
        hints=tuple([printable(mask_text(hint)) for hint in hints]),
    )


def _first_difference(one: str, other: str) -> int:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))


def _window(text: str, at: int) -> tuple[str, int]:
    """Return the part of a long line around position *at*, and that position in it."""
    if len(text) <= _WIDTH:
        return text, at
    start = min(max(0, at - _LEAD), len(text) - _WIDTH)
    start = 0 if start < 4 else start
    shown = text[start : start + _WIDTH]
    if start:
        shown = "..." + shown[3:]
    return shown, at - start
