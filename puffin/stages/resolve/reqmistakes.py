"""What people put into requirements files by mistake, recognised and explained."""

import os
import re
from collections.abc import Sequence

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
    "uv.lock": ("the lock file of uv", "`uv export -o requirements.txt` makes one of it"),
}
_CONDA_HINT = "list what its `pip:` section holds in a requirements file, and install the rest with conda"
_CONDA_NAMES = ("environment.yml", "environment.yaml", "conda.yml", "conda.yaml")
_DISTRIBUTIONS = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
_CONDA = r"(?:dependencies|channels):\s*(?:#.*)?$"
_TABLE = r"\[\[?(?:project|build-system|tool|dependency-groups|packages)\b[^\]]*\]\]?\s*(?:#.*)?$"
_HTML = r"(?i)\s*<(?:!doctype|html|head|\?xml)\b"
_REQUIREMENTS_NAME = r"(?i)[^\s;=<>~!,]+\.(?:txt|in)$"
_SINGLE = r"(?P<name>[\w.\-]+\s*(?:\[[^\]]*\])?)\s*(?P<operator>=[<>!]|<>|><|[=^~])(?![=~<>])\s*"
_MEANT = {"=": "==", "=>": ">=", "=<": "<=", "^": "~=", "~": "~=", "<>": "!=", "><": "!=", "=!": "!="}
_DANGLING = r"(===|==|~=|!=|<=|>=|<|>)\s*(?=$|,|;)"


def file_mistake(shown: str) -> tuple[str, tuple[str, ...]] | None:
    """Return problem and hints if the name of a file tells that it holds no requirements."""
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
    """Return problem and hints if the lines of a file that cannot be read are of another format."""
    if any(re.match(_CONDA, line) for line in source):
        return "The file is a conda environment, not a requirements file.", (_CONDA_HINT,)
    if any(re.match(_TABLE, line) for line in source):
        hint = "of a `pyproject.toml`, make one with `puffin pip compile pyproject.toml -o requirements.txt`"
        return "The file is TOML, not a requirements file.", (hint,)
    if source and re.match(_HTML, source[0]):
        return "The file is a web page, not a requirements file.", ("use the address of the raw file",)
    return None


def is_requirements_name(text: str) -> bool:
    """Tell whether a whole requirement looks like the name of a file that holds requirements."""
    return re.match(_REQUIREMENTS_NAME, text) is not None or text.lower() in (*_PROJECT_FILES, "pylock.toml")


def operator_mistake(text: str) -> tuple[int, str, tuple[str, ...]] | None:
    """Return offset, problem and hints if a requirement has an operator that does not exist, or no version."""
    found = re.match(_SINGLE, text)
    if found:
        operator = found["operator"]
        meant = _MEANT[operator]
        fixed = f"{found['name'].rstrip()}{meant}{text[found.end() :].strip()}"
        return found.start("operator"), f"`{operator}` is no comparison of versions.", (f"write `{fixed}`",)
    found = re.search(_DANGLING, text)
    if found:
        return found.end(1), f"A version is expected after `{found[1]}`.", ()
    return None
