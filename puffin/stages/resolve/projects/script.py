"""Scripts with inline metadata (PEP 723): the ``# /// script`` block of a Python file."""

import re

from puffin.stages.resolve.projects.entries import SourceFile, entries_of
from puffin.stages.resolve.projects.project import Project
from puffin.stages.resolve.projects.toml import InvalidProject, check_specifier, parse_toml, text_of, texts_of

# The regular expression that the specification gives, with "script" in the place of any type.
_BLOCK = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
_EXAMPLE = '# /// script\n# dependencies = ["name>=1"]\n# ///'


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
