"""The table of commands typed from memory holds for puffin."""

import re
import shlex

import pytest

from tests.helpers.backends import EDITABLE, source_tree
from tests.helpers.cli import CHECKOUT
from tests.helpers.wheels import forge_wheel

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (CHECKOUT / "docs" / "HABITS.md").read_text().splitlines()
    if line.startswith("| `puffin ")
]


def test_there_are_seventy_habits_at_least():
    assert len({row[0] for row in ROWS}) == len(ROWS) >= 70


@pytest.mark.parametrize("typed", [row[0].strip("`") for row in ROWS])
def test_what_is_typed_from_memory_is_done_or_answered(puffin, env, index, typed):
    for version in ("1.16.0", "1.17.0"):
        index.add(*forge_wheel("six", version))
    index.add(*forge_wheel("pip", "30.0"))
    source_tree(puffin.cwd, EDITABLE)
    puffin.file("requirements.in", "six\n")
    puffin.file("requirements.txt", "six==1.17.0\n")
    answer = next(row[1] for row in ROWS if row[0].strip("`") == typed)
    done = puffin(*shlex.split(typed)[1:], env={"PUFFIN_INDEX_URL": index.url})
    said = re.sub(r"\s+", " ", (done.out + done.err).replace("`", ""))
    assert not (puffin.cwd / "-").exists()
    if answer == "does it":
        assert (done.code, "error: " in done.err) == (0, False), done.err
    else:
        assert answer in said
        assert done.code in ((0,) if "warning: " in done.err else (1, 2)), done.err
