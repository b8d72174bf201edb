"""Dependency groups (PEP 735): which requirements a group of a ``pyproject.toml`` stands for. Pure."""

from collections.abc import Iterator, Mapping

from puffin.names import normalise
from puffin.stages.resolve.inputs_errors import GroupCycle, GroupNotFound, InvalidProject


def group_requirements(table: object, group: str, file: str) -> tuple[str, ...]:
    """Return the requirement texts of *group* (normalised) and of all groups that it includes.

    *table* is ``[dependency-groups]`` as it was read from *file*. Raises :class:`GroupNotFound`,
    :class:`GroupCycle` and :class:`InvalidProject`. A requirement that comes twice is returned once.
    """
    groups = _normalised(table, file)
    return tuple(dict.fromkeys(_walk(groups, group, (), file)))


def _normalised(table: object, file: str) -> dict[str, tuple[str, object]]:
    if not isinstance(table, Mapping):
        raise InvalidProject(file=file, problem="`dependency-groups` is not a table")
    groups: dict[str, tuple[str, object]] = {}
    for name, members in table.items():
        former = groups.setdefault(normalise(name), (name, members))
        if former[0] != name:
            problem = f"the dependency groups `{former[0]}` and `{name}` are the same name"
            raise InvalidProject(file=file, problem=problem)
    return groups


def _walk(
    groups: Mapping[str, tuple[str, object]], group: str, path: tuple[str, ...], file: str
) -> Iterator[str]:
    if group in path:
        raise GroupCycle(cycle=(*path[path.index(group) :], group), file=file)
    if group not in groups:
        raise GroupNotFound(
            group=group, file=file, known=tuple(sorted(groups)), included_by=path[-1] if path else ""
        )
    for member in _members(groups[group], file):
        if isinstance(member, str):
            yield member
        else:
            yield from _walk(groups, normalise(_included(member, group, file)), (*path, group), file)


def _members(group: tuple[str, object], file: str) -> list[object]:
    name, members = group
    if not isinstance(members, list):
        raise InvalidProject(file=file, problem=f"the dependency group `{name}` is not a list")
    return members


def _included(member: object, group: str, file: str) -> str:
    if isinstance(member, Mapping) and list(member) == ["include-group"]:
        included = member["include-group"]
        if isinstance(included, str):
            return included
    problem = f"the dependency group `{group}` has a member that is neither a requirement nor an include"
    hint = 'a member is written `"name>=1"` or `{ include-group = "name" }`'
    raise InvalidProject(file=file, problem=problem, hints=(hint,))
