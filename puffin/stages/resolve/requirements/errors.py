"""Errors of requirements files with their places, and the recognition of common mistakes."""

import os
from collections.abc import Sequence

from puffin import patterns
from puffin.artifact.urls import mask_text
from puffin.errors import USAGE, PuffinError
from puffin.names import printable

_WIDTH = 100
_LEAD = 40


class RequirementsFileNotFound(PuffinError):
    """A requirements file is not there; ``included`` is the ``file:line`` that names it, if any."""

    exit_code = USAGE
    path: str
    included: str = ""

    def summary(self) -> str:
        return f"File not found: `{self.path}`" + (f" (included at {self.included})" if self.included else "")


class RequirementsFileUnreadable(PuffinError):
    """The operating system refuses to hand out a requirements file; the reason is in ``causes``."""

    exit_code = USAGE
    path: str
    included: str = ""

    def summary(self) -> str:
        return f"Failed to read `{self.path}`" + (f" (included at {self.included})" if self.included else "")


class InvalidRequirementLine(PuffinError):
    """A line of a requirements file cannot be understood.

    ``line`` and ``column`` count from 1 in the file as it is stored; ``excerpt`` is that source line,
    with credentials already masked (``column`` refers to the masked text then).
    """

    exit_code = USAGE
    sentence = "Couldn't parse requirement in `{file}` at {line}:{column}"
    file: str
    line: int
    column: int
    excerpt: str
    problem: str

    def details(self) -> tuple[str, ...]:
        shown, at = _window(self.excerpt, self.column - 1)
        indent = "".join(["\t" if character == "\t" else " " for character in shown[:at]])
        excerpt = (f"  {shown}", f"  {indent}^") if self.excerpt.strip() else ()
        return (self.problem, *excerpt)


class InvalidArgument(InvalidRequirementLine):
    """An argument of the command line cannot be understood; arguments are read as lines of a file."""

    sentence = "Couldn't parse requirement on the command line"


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


_PROJECT_FILES = {
    "pyproject.toml": "the configuration of a project",
    "setup.py": "the build script of a project",
    "setup.cfg": "the configuration of a project",
}
# what other tools write, and how its pins get into a requirements file
_FOREIGN = {
    "pipfile": ("a file of Pipenv", "`pipenv requirements > requirements.txt` makes one of it"),
    "pipfile.lock": ("the lock file of Pipenv", "`pipenv requirements > requirements.txt` makes one of it"),
    "poetry.lock": ("the lock file of Poetry", "`poetry export -o requirements.txt` makes one of it"),
    "pdm.lock": ("the lock file of PDM", "`pdm export -o requirements.txt` makes one of it"),
    "uv.lock": ("the lock file of uv", "`puffin pip sync uv.lock` installs its packages"),
}
_CONDA_HINT = "write its `pip:` section into a requirements file, and install the rest with conda"
_CONDA_NAMES = ("environment.yml", "environment.yaml", "conda.yml", "conda.yaml")
_DISTRIBUTIONS = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
_CONDA = r"(?:dependencies|channels):\s*(?:#.*)?$"
_TABLE = r"\[\[?(?:project|build-system|tool|dependency-groups|packages)\b[^\]]*\]\]?\s*(?:#.*)?$"
_HTML = r"(?i)\s*<(?:!doctype|html|head|\?xml)\b"
_SINGLE = r"(?P<name>[\w.\-]+\s*(?:\[[^\]]*\])?)\s*(?P<operator>=[<>!]|<>|><|[=^~])(?![=~<>])\s*"
_MEANT = {"=": "==", "=>": ">=", "=<": "<=", "^": "~=", "~": "~=", "<>": "!=", "><": "!=", "=!": "!="}
_DANGLING = r"(===|==|~=|!=|<=|>=|<|>)\s*(?=$|,|;)"


def file_mistake(shown: str) -> tuple[str, tuple[str, ...]] | None:
    """Return problem and hints if a file, by its name, is not a requirements file."""
    name = os.path.basename(shown).lower()
    if name in _PROJECT_FILES:
        problem = f"`{shown}` is {_PROJECT_FILES[name]}, not a requirements file."
        return problem, (f"make one of it: `puffin pip compile {shown} -o requirements.txt`",)
    if name in _FOREIGN:
        what, hint = _FOREIGN[name]
        return f"`{shown}` is {what}, not a requirements file.", (hint,)
    if name in _CONDA_NAMES:
        return f"`{shown}` is a conda environment, not a requirements file.", (_CONDA_HINT,)
    if name.endswith(_DISTRIBUTIONS):
        problem = f"`{shown}` is a distribution, not a requirements file."
        return problem, (f"to install it, write `puffin pip install {shown}`",)
    return None


def content_mistake(source: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return problem and hints if the lines of an unreadable file are in another format."""
    if any(patterns.match(_CONDA, line) for line in source):
        return "The file is a conda environment, not a requirements file.", (_CONDA_HINT,)
    if any(patterns.match(_TABLE, line) for line in source):
        hint = "of a `pyproject.toml`, make one with `puffin pip compile pyproject.toml -o requirements.txt`"
        return "The file is TOML, not a requirements file.", (hint,)
    if source and patterns.match(_HTML, source[0]):
        return "The file is a web page, not a requirements file.", ("use the address of the raw file",)
    return None


def is_requirements_name(text: str) -> bool:
    """Tell whether a whole requirement looks like the name of a file that holds requirements."""
    name = text.lower()
    stem, _, ending = name.rpartition(".")
    if stem and ending in ("txt", "in"):
        return not any(letter.isspace() or letter in ";=<>~!," for letter in stem)
    return name in (*_PROJECT_FILES, "pylock.toml")


def operator_mistake(text: str) -> tuple[int, str, tuple[str, ...]] | None:
    """Return offset, problem and hints if a requirement has an unknown operator, or no version after one."""
    found = patterns.match(_SINGLE, text)
    if found:
        operator = found["operator"]
        meant = _MEANT[operator]
        fixed = f"{found['name'].rstrip()}{meant}{text[found.end() :].strip()}"
        return found.start("operator"), f"`{operator}` is not a version operator.", (f"write `{fixed}`",)
    found = patterns.search(_DANGLING, text)
    if found:
        return found.end(1), f"A version is expected after `{found[1]}`.", ()
    return None


class RequirementsConflict(PuffinError):
    """Base of the errors for requirements that cannot hold together, as (text, ``file:line``)."""

    requirements: tuple[tuple[str, str], ...]

    def details(self) -> tuple[str, ...]:
        return _listed(self.requirements)


class ConflictingRequirements(RequirementsConflict):
    """No version of a package fits all that is required of it."""

    def summary(self) -> str:
        texts = " and ".join(text for text, _ in self.requirements)
        return f"No version of `{self.package}` can be installed: you require {texts}"


class ConflictingUrls(RequirementsConflict):
    """A package is required from different places."""

    sentence = "Requirements have different URLs for `{package}`"


class DisjointHashes(RequirementsConflict):
    """The hashes of a requirement and of its constraints have none in common."""

    sentence = "No file of `{package}` can match: requirement and constraint have no hash in common"


class UnpinnedRequirement(PuffinError):
    """Requirements leave the version open."""

    requirements: tuple[tuple[str, str], ...]

    def summary(self) -> str:
        text, origin = self.requirements[0]
        more = len(self.requirements) - 1
        others = f", nor {'is' if more == 1 else 'are'} {more} more" if more else ""
        return f"`{text}` at {origin} is not pinned to a version by `==`{others}"

    def details(self) -> tuple[str, ...]:
        return _listed(self.requirements) if len(self.requirements) > 1 else ()


class UnverifiableRequirements(PuffinError):
    """Hashes are required, but some requirements have none that counts.

    ``requirements`` are (text, ``file:line``, reason).
    """

    requirements: tuple[tuple[str, str, str], ...]

    def summary(self) -> str:
        more = len(self.requirements) - 1
        others = f" and {more} more" if more else ""
        return f"Hashes are required, but `{self.requirements[0][0]}`{others} cannot be verified"

    def details(self) -> tuple[str, ...]:
        return tuple([f"  {text} ({origin}): {reason}" for text, origin, reason in self.requirements])


class HashesMissing(PuffinError):
    """Hashes are required, and something that requirements need has none."""

    names: tuple[str, ...]
    hints: tuple[str, ...] = ("`puffin pip compile --generate-hashes` writes pins with their hashes",)

    def summary(self) -> str:
        names = ", ".join(f"`{name}`" for name in self.names)
        return f"With `--require-hashes`, everything needs a hash, and these have none: {names}"


class UnusableRequirements(PuffinError):
    """Several things are wrong with the requirements; they are the ``causes``."""

    def summary(self) -> str:
        return f"The requirements have {len(self.causes)} problems"


def _listed(requirements: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple([f"  {text} ({origin})" for text, origin in requirements])
