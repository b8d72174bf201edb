"""Where the requirements of a source tree come from: of a repository, and what a tree needs to be built.

Example: a repository requires ``lib``, and says ``lib = { workspace = true }``. Its metadata then requires
``lib @ git+https://…@<commit>#subdirectory=lib``.
"""

import os
from collections.abc import Callable, Iterable

from puffin import depends
from puffin.artifact.urls import file_path, is_file_url, mask, with_subdirectory
from puffin.names import printable
from puffin.stages.fetch.git.url import subdirectory
from puffin.stages.resolve.metadata.toml import InvalidProject
from puffin.stages.resolve.projects.lowering import Lowering
from puffin.stages.resolve.projects.project import extras_of
from puffin.stages.resolve.projects.tables import ProjectTables
from puffin.stages.resolve.projects.values import SourcePolicy
from puffin.stages.resolve.requirements.markers import without_extra
from puffin.stages.resolve.requirements.texts import requirement_parts
from puffin.stages.resolve.requirements.values import Entry
from puffin.value import frozen


@frozen
class Tree:
    """A project in a directory. ``repository`` is the URL with the commit that ``top`` is a checkout of, or empty."""

    directory: str
    top: str = ""
    repository: str = ""


def placed_texts(
    texts: Iterable[str], tree: Tree, *, read: Callable[[str], bytes], policy: SourcePolicy, key: str = ""
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return requirements (PEP 508) of a tree with the places of their sources, and the indexes of packages by name.

    *key* is where the tree has them, for messages. Texts that cannot be read are left as they are. Raises
    :class:`InvalidProject`.
    """
    texts = tuple(texts)
    if policy.skipped is True:
        return texts, ()
    lowering = Lowering(read, depends.exists, policy)
    try:
        tables = lowering.projects.tables(tree.directory)
        if tables is None:
            return texts, ()
        placed = [each for text in texts for each in _placed(text, tables, tree, lowering, key)]
    except InvalidProject as error:
        raise _named(error, tree) from None
    return tuple(placed), tuple([(name, url) for (name, _), url in lowering.pins.items()])


def _placed(text: str, tables: ProjectTables, tree: Tree, lowering: Lowering, key: str) -> list[str]:
    """Return a requirement with its place: for several environments, its parts."""
    try:
        name, extras, specifier, marker, url = requirement_parts(text)
    except (ValueError, RecursionError):
        return [text]
    entry = Entry(
        name=name,
        text=text,
        specifier=specifier,
        extras=extras,
        marker=marker,
        url=url,
        file=key or tables.shown,
        constraint=True,  # so that the place is that of the source
    )
    condition = without_extra(marker) if marker else ""
    if url or (condition and not lowering.holds(condition)):
        return [text]
    found = lowering.placed((entry,), lowering.asker(tables, extras=extras_of(entry)))
    return [text if each == entry else _written(each, tree) for each in found]


def _written(entry: Entry, tree: Tree) -> str:
    """Return a requirement with a place, or a part of one, as text (PEP 508)."""
    where = f"[{','.join(entry.extras)}]" if entry.extras else ""
    if entry.url:
        location = _inside(entry, tree) if tree.repository and is_file_url(entry.url) else entry.url
        joint = "&" if "#" in location else "#"
        hashes = "&".join([each.replace(":", "=", 1) for each in entry.hashes])
        where += f" @ {location}" + (joint + hashes if hashes else "")
    return f"{entry.name}{where}{entry.specifier}" + (f" ; {entry.marker}" if entry.marker else "")


def _inside(entry: Entry, tree: Tree) -> str:
    """Return the URL, with the commit, of what has a place in the checkout. Raises :class:`InvalidProject`."""
    address, _, fragment = entry.url.partition("#")
    path = os.path.join(file_path(address), subdirectory(fragment)) if fragment else file_path(address)
    inner = os.path.relpath(path, tree.top)
    if inner.startswith(".."):
        problem = f"the source of `{entry.name}` is outside of the repository"
        raise InvalidProject(file=entry.file, problem=problem)
    if not depends.is_directory(path):
        problem = f"the source of `{entry.name}` is an archive in the repository, which is not supported"
        raise InvalidProject(file=entry.file, problem=problem)
    below = "" if inner == "." else inner.replace(os.sep, "/")
    return with_subdirectory(tree.repository.partition("#")[0], below)


def _named(error: InvalidProject, tree: Tree) -> InvalidProject:
    """Return an error that names the repository, not the directory of the cache that has it."""
    if not tree.repository:
        return error
    repository = mask(tree.repository.partition("#")[0])
    return InvalidProject(
        file=f"{printable(repository, 200)}/{error.file.removeprefix(f'{tree.top}{os.sep}')}",
        problem=error.problem.replace(tree.top, repository),
        hints=error.hints,
    )
