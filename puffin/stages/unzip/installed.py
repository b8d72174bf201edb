"""The installed form of a wheel: the place of each file in the archive, planned before a byte is written."""

from collections.abc import Callable
from typing import NamedTuple

from puffin.stages.unzip import record, wheelfile
from puffin.stages.unzip.errors import Refused
from puffin.stages.unzip.names import ancestors, check_collisions, fold, shadows
from puffin.stages.unzip.record import HASH_LENGTH
from puffin.stages.unzip.zipdir import Member
from puffin.value import frozen

Item = tuple[str, Member, str]

OUTSIDE = ".data"  # the room in an archive for what does not go to site-packages
OUTSIDE_KEYS = ("scripts", "data", "headers")
_KEYS = ("purelib", "platlib", *OUTSIDE_KEYS)
_OURS = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")  # an installer's statements, never a wheel's
_SCRIPT_DIRECTORIES = ("bin", "scripts")


@frozen
class Layout:
    """A wheel in installed form.

    ``tree`` maps every directory of the archive, parents first, to its ``(file name, member, hash)``;
    the hash is what RECORD rightly said, or empty where it must be computed. ``healed`` counts the
    rows of RECORD that are missing, wrong or about no file.
    """

    name: str
    raw_name: str
    version: str
    filename: str
    dist_info: str
    root_is_purelib: bool
    entry_points: "tuple[tuple[str, str, str, bool], ...]"
    tree: "dict[str, list[Item]]"
    healed: int


def plan(
    filename: str, members: "list[Member]", directories: "set[str]", read: "Callable[[Member], bytes]"
) -> Layout:
    """Return the installed form of the wheel *filename*; raise Refused where it breaks a rule of wheels.

    *members* and *directories* are those of its zip file, and *read* returns the content of one member.
    """
    name, version = wheelfile.parse_filename(filename)
    tops = {path.partition("/")[0] for path in {*directories, *[m.name.rpartition("/")[0] for m in members]}}
    dist_info = wheelfile.find_own(tops, ".dist-info", name, version)
    if not dist_info:
        raise Refused("it has no `.dist-info` directory")
    data = wheelfile.find_own(tops, ".data", name, version)
    texts = _read_own(dist_info, {member.name: member for member in members}, read)
    own = own_description(name, version, dist_info, texts)
    rows = _record(texts["RECORD"], f"{dist_info}/RECORD")
    ours = {f"{dist_info}/{own}" for own in _OURS}
    paths = [_place(member.name, ours, data) for member in members] if data else _in_place(members, ours)
    named = {_place_directory(path, data) for path in directories}
    groups, right = _grouped(members, paths, rows)
    whole = right == len(members) - 1 == len(rows) - 1  # all but RECORD itself
    return Layout(
        name=name,
        raw_name=own.raw_name,
        version=own.version,
        filename=filename,
        dist_info=dist_info,
        root_is_purelib=own.purelib,
        entry_points=own.entry_points,
        tree=_tree(groups, paths, named, ours),
        healed=0 if whole else _count_healed(members, rows, dist_info),
    )


class Description(NamedTuple):
    """What a wheel says of itself, under the names of the manifest's fields."""

    raw_name: str
    version: str
    purelib: bool
    entry_points: "tuple[tuple[str, str, str, bool], ...]"


def own_description(name: str, version: str, dist_info: str, texts: "dict[str, bytes]") -> Description:
    """Return what METADATA, WHEEL and ``entry_points.txt`` of the wheel *name* *version* say; raise Refused."""
    raw_name, raw_version = wheelfile.check_metadata(texts["METADATA"], f"{dist_info}/METADATA", name, version)
    return Description(
        raw_name=raw_name,
        version=raw_version,
        purelib=wheelfile.check_wheel(texts["WHEEL"], f"{dist_info}/WHEEL"),
        entry_points=_entry_points(texts["entry_points.txt"], f"{dist_info}/entry_points.txt"),
    )


def _read_own(
    dist_info: str, by_name: "dict[str, Member]", read: "Callable[[Member], bytes]"
) -> "dict[str, bytes]":
    texts = {"entry_points.txt": b""}
    for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt"):
        member = by_name.get(f"{dist_info}/{name}")
        if member is not None:
            texts[name] = read(member)
        elif name not in texts:
            raise Refused(f"it has no `{dist_info}/{name}`")
    return texts


def _record(text: bytes, member: str) -> "dict[str, str]":
    try:
        return record.parse_record(text)
    except ValueError as error:
        raise Refused(f"it cannot be parsed: {error}", member) from None


def _entry_points(text: bytes, member: str) -> "tuple[tuple[str, str, str, bool], ...]":
    try:
        return wheelfile.entry_points(text.decode("utf-8"), member)
    except UnicodeDecodeError:
        raise Refused("it is not UTF-8", member) from None


def _place(name: str, ours: "set[str]", data: str) -> str:
    """Return where the member *name* lies in the archive; empty for a file that the installer writes itself."""
    if data and name.startswith(data) and name[len(data) : len(data) + 1] == "/":
        return _relocate(name, name[len(data) + 1 :])
    return "" if name in ours else name


def _in_place(members: "list[Member]", ours: "set[str]") -> "list[str]":
    return ["" if member.name in ours else member.name for member in members]


def _relocate(name: str, inside: str) -> str:
    key, slash, rest = inside.partition("/")
    if key not in _KEYS or not slash:
        raise Refused("only purelib, platlib, scripts, data and headers have a place beneath `.data`", name)
    if key in ("purelib", "platlib"):
        if rest.partition("/")[0].lower().endswith((".dist-info", ".data")):
            raise Refused("it would write into installation metadata from `.data`", name)
        return rest
    if reason := fault_outside(key, rest):
        raise Refused(reason, name)
    return f"{OUTSIDE}/{key}/{rest}"


def fault_outside(key: str, path: str) -> str:
    """Return why a file may not be at *path* beneath ``.data/<key>``, as text that follows it, empty if it may."""
    parts = fold(path).split("/")
    if key == "data" and parts[0] in ("pyvenv.cfg", ".puffin"):
        return "it would overwrite a file that the environment needs"
    if key == "data" and parts[0] in _SCRIPT_DIRECTORIES:
        parts = parts[1:]
    elif key != "scripts":
        return ""
    if parts and shadows(parts[0]):
        return "it would take the place of the interpreter or an activation script"
    return ""


def _place_directory(path: str, data: str) -> str:
    """Return where a directory that the wheel names lies in the archive; empty for the root."""
    if not data or not f"{path}/".startswith(f"{data}/"):
        return path
    inside = path[len(data) + 1 :]
    if inside in OUTSIDE_KEYS:
        return f"{OUTSIDE}/{inside}"
    return "" if inside in ("", "purelib", "platlib") else _relocate(path, inside)


def _grouped(
    members: "list[Member]", paths: "list[str]", rows: "dict[str, str]"
) -> "tuple[dict[str, list[Item]], int]":
    """Return the files by directory, and how many of all members RECORD tells the size of."""
    groups: dict[str, list[Item]] = {}
    right = 0
    for path, member in zip(paths, members, strict=True):
        row = rows.get(member.name, "")
        known = row[HASH_LENGTH + 1 :] == str(member.size)
        right += known
        if path:
            directory, _, name = path.rpartition("/")
            item = (name, member, row[:HASH_LENGTH] if known else "")
            group = groups.get(directory)
            if group is None:
                groups[directory] = [item]
            else:
                group.append(item)
    return groups, right


def _tree(
    groups: "dict[str, list[Item]]", paths: "list[str]", named: "set[str]", ours: "set[str]"
) -> "dict[str, list[Item]]":
    """Return the directories of the archive with their files; raise Refused where two would be one."""
    directories = ancestors(named | groups.keys())
    check_collisions([*sorted(ours), *[path for path in paths if path]], directories)
    return {directory: groups.get(directory, []) for directory in sorted(directories)}


def _count_healed(members: "list[Member]", rows: "dict[str, str]", dist_info: str) -> int:
    signatures = {f"{dist_info}/RECORD{suffix}" for suffix in ("", ".jws", ".p7s")}
    sizes = {member.name: str(member.size) for member in members}
    for name in signatures:
        sizes.pop(name, None)
    found = {name: record.split_row(row)[1] for name, row in rows.items() if name not in signatures}
    right = sum([found.get(name, "") == size for name, size in sizes.items()])
    return len(sizes) - right + len(found.keys() - sizes.keys())
