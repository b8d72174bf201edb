"""Scripts with inline metadata (PEP 723): the ``# /// script`` block of a Python file."""

import os
import re
import stat

from puffin import depends
from puffin.stages.resolve.projects.entries import SourceFile, entries_of
from puffin.stages.resolve.projects.project import Project
from puffin.stages.resolve.projects.toml import InvalidProject, check_specifier, parse_toml, text_of, texts_of

# The regular expression that the specification gives, with "script" in the place of any type.
_BLOCK = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
_LONGEST = 1 << 20  # bytes that are looked at
_NEVER = (".txt", ".in")  # the usual ends of the names of requirements files
_EXAMPLE = '# /// script\n# dependencies = ["name>=1"]\n# ///'


def is_script(path: str) -> bool:
    """Tell whether *path* is a script: by its name, or by the block in it, as a script needs no suffix."""
    name = os.path.basename(path)
    if name.endswith((".py", ".pyw")):
        return True
    if name.endswith(_NEVER) or path == "-" or "://" in path:
        return False
    depends.file(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe can be read only once
            return False
        with open(path, "rb") as file:
            return (
                _BLOCK.search(file.read(_LONGEST).decode("utf-8", "replace").replace("\r\n", "\n")) is not None
            )
    except (OSError, ValueError):
        return False


def read_script(file: SourceFile) -> Project:
    """Return what a script asks for, as a project without name.

    Raises :class:`InvalidProject` if there is no block, or more than one, and ``InvalidRequirementLine``.
    """
    text = file.text.replace("\r\n", "\n")
    blocks = [*_BLOCK.finditer(text)]
    if len(blocks) != 1:
        problem = f"it has {len(blocks)} `# /// script` blocks" if blocks else "it has no `# /// script` block"
        hint = f"state what it needs in a comment (PEP 723), such as:\n{_EXAMPLE}"
        raise InvalidProject(file=file.shown, problem=problem, hints=() if blocks else (hint,))
    lines = [line[2:] if line.startswith("# ") else line[1:] for line in blocks[0]["content"].splitlines()]
    above = text.count("\n", 0, blocks[0].start("content"))  # so that errors name the lines of the script
    table = parse_toml("\n" * above + "\n".join(lines), file.shown)
    specifier = text_of(table, "requires-python", file.shown)
    return Project(
        name="",
        file=file.shown,
        dependencies=entries_of(texts_of(table, "dependencies", file.shown), file),
        requires_python=check_specifier(specifier, file.shown, "requires-python"),
    )
