"""A wheel's description of itself: file name, METADATA, WHEEL and ``entry_points.txt``, checked for agreement.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from collections.abc import Iterable

from puffin.artifact.metadata_head import field_values
from puffin.names import normalise, same_version
from puffin.stages.unzip.errors import Refused
from puffin.stages.unzip.names import shadows

_GROUPS = (("console_scripts", False), ("gui_scripts", True))


def parse_filename(filename: str) -> "tuple[str, str]":
    """Return the name (normalised) and the version (as spelt) in a wheel's file name."""
    parts = filename.removesuffix(".whl").split("-")
    if not filename.endswith(".whl") or len(parts) not in (5, 6) or not all(parts):
        raise Refused("the file name is not that of a wheel (`name-version-python-abi-platform.whl`)")
    return normalise(parts[0]), parts[1]


def is_for(stem: str, name: str, version: str) -> bool:
    """Tell whether *stem*, for example ``<stem>.dist-info``, is ``name-version`` in some spelling."""
    its_name, _, its_version = stem.rpartition("-")
    return normalise(its_name) == name and same_version(its_version, version)


def find_own(tops: "Iterable[str]", ending: str, name: str, version: str) -> str:
    """Return the wheel's own directory with an *ending* among the top-level ones *tops*; empty where it has none."""
    found = sorted(top for top in tops if top.lower().endswith(ending))
    if len(found) > 1:
        raise Refused(f"it has more than one `{ending}` directory: `{'`, `'.join(found)}`")
    for top in found:
        if not top.endswith(ending) or not is_for(top.removesuffix(ending), name, version):
            raise Refused(
                f"the directory does not belong to {name} {version}, which the file name promises", top
            )
    return found[0] if found else ""


def _single(text: bytes, wanted: "tuple[str, ...]", member: str) -> "dict[str, str]":
    """Return the *wanted* fields (lower case) of a METADATA or WHEEL file; Refused if one is repeated."""
    found = field_values(text, wanted)
    for key, values in found.items():
        if len(values) > 1:
            raise Refused(f"it has the field {key.title()} twice", member)
    return {key: values[0] for key, values in found.items()}


def check_metadata(text: bytes, member: str, name: str, version: str) -> "tuple[str, str]":
    """Return Name and Version of METADATA as spelt; raise Refused unless they are *name* and *version*."""
    found = _single(text, ("name", "version"), member)
    its_name, its_version = found.get("name", ""), found.get("version", "")
    if normalise(its_name) != name:
        raise Refused(f"the name there is `{its_name}`, but the file name has `{name}`", member)
    if not same_version(its_version, version):
        raise Refused(f"the version there is `{its_version}`, but the file name has `{version}`", member)
    return its_name, its_version


def check_wheel(text: bytes, member: str) -> bool:
    """Return Root-Is-Purelib of WHEEL; raise Refused for a version of the format that puffin cannot know."""
    found = _single(text, ("wheel-version", "root-is-purelib"), member)
    version = found.get("wheel-version", "")
    major = version.partition(".")[0]
    if not major.isdecimal() or not major.isascii():
        raise Refused(f"the Wheel-Version there is `{version}`, which is not a version", member)
    if int(major[:9]) > 1:
        raise Refused(f"version {version} of the wheel format is not supported", member)
    return found.get("root-is-purelib", "").lower() == "true"


def entry_points(text: str, member: str) -> "tuple[tuple[str, str, str, bool], ...]":
    """Return ``(name, module, attribute, gui)`` of every launcher in the text of the file *member*.

    Raises Refused for a malformed file or object reference, and for names that would leave the
    directory of scripts or pass for the interpreter or an activation script there.
    """
    if "_scripts" not in text:
        return ()  # plugins only: nothing here that an installer acts upon
    from configparser import ConfigParser, Error

    parser = ConfigParser(delimiters=("=",), interpolation=None, strict=False, default_section="\0")
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(text)
    except Error as error:
        raise Refused(f"it cannot be parsed: {str(error).splitlines()[0]}", member) from None
    found = {}
    for group, gui in _GROUPS:
        for name, value in parser.items(group) if parser.has_section(group) else ():
            found[name] = (name, *_reference(name, value, member), gui)
    return tuple(found.values())


def _reference(name: str, value: str, member: str) -> "tuple[str, str]":
    if reason := _fault(name):
        raise Refused(f"the entry point `{name}` {reason}", member)
    target = value.partition("[")[0] if value.rstrip().endswith("]") else value  # extras: tolerated, not used
    module, colon, attribute = (part.strip() for part in target.partition(":"))
    if not colon or not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise Refused(f"the entry point `{name}` refers to `{value}`, which is not `module:attribute`", member)
    return module, attribute


def _fault(name: str) -> str:
    if "/" in name or "\\" in name or name.startswith(".") or name[1:2] == ":":
        return "would leave the directory of scripts"
    if not name.isprintable() or len(name.encode()) > 200:  # room for `-script.py` and the like
        return "is not a file name"
    if shadows(name):
        return "would take the place of the interpreter or an activation script"
    return ""
