"""What the documents for developers name must exist: rooms, modules, names in modules, tests, links."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve()
while not (ROOT / "pyproject.toml").exists():
    ROOT = ROOT.parent
PRODUCT = ROOT / "puffin"
DOCUMENTS = [
    ROOT / name
    for name in (
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/INTERNALS.md",
        "docs/DEPENDENCIES.md",
        "docs/RELIABILITY.md",
    )
]
# without the plugin for dask: there is a library of that name
TOP = {path.stem for path in PRODUCT.iterdir() if path.name[0] not in "_."} - {"dask"}


def _is_there(dotted):
    """Tell whether a module, or a name in one, exists; *dotted* is without ``puffin``."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        path = PRODUCT.joinpath(*parts[:count])
        own = path.with_suffix(".py")
        if own.exists():
            text = own.read_text()
            return all(re.search(rf"\b{re.escape(name)}\b", text) for name in parts[count:])
        if path.is_dir():
            return count == len(parts)
    return False


def _references(text):
    for found in re.findall(r"`(?:puffin\.)?([a-z]\w*(?:\.\w+)+)(?:\([^`]*\))?`", text):
        if found.partition(".")[0] in TOP and not found.endswith((".toml", ".py", ".md")):
            yield found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_modules_that_are_named_exist(path):
    text = path.read_text()
    assert [each for each in _references(text) if not _is_there(each)] == []
    tests = {each.stem for each in (ROOT / "tests").rglob("test_*.py")}
    functions = "\n".join(each.read_text() for each in (ROOT / "tests").rglob("*.py"))
    places = re.findall(r"`(tests/[\w/]+(?:\.py)?)`", text)
    assert [each for each in places if not (ROOT / each).exists()] == []
    named = set(re.findall(r"`(?:[\w/]+/)?(test_\w+)(?:\.py)?`", text))
    assert [each for each in sorted(named - tests) if f"def {each}(" not in functions] == []


@pytest.mark.parametrize(
    "path", [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")], ids=lambda path: path.name
)
def test_files_that_are_linked_exist(path):
    links = re.findall(r"\]\(([^)#\s]+)(#[\w-]+)?\)", path.read_text())
    for link, anchor in links:
        if "://" in link:
            continue
        there = path.parent / link
        assert there.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)
            assert anchor[1:] in [re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles], (
                anchor
            )


def test_the_tree_has_a_line_for_each_room():
    tree = (ROOT / "ARCHITECTURE.md").read_text().partition("    puffin/\n")[2].partition("    tests/")[0]
    shown, path = set(), []
    for line in tree.splitlines():
        found = re.match(r"( *)([a-z]+)/", line)
        if found:
            path = [*path[: len(found[1]) // 2 - 3], found[2]]
            shown.add("/".join(path))
    rooms = {str(each.parent.relative_to(PRODUCT)) for each in PRODUCT.rglob("__init__.py")} - {"."}
    assert shown == rooms
    modules = {each.stem for each in PRODUCT.glob("*.py")} - {"__init__", "__main__"}
    assert set(tree.strip().splitlines()[0].split()) == modules
