"""The launchers a wheel asks for in ``entry_points.txt``.

https://packaging.python.org/en/latest/specifications/entry-points/
"""

from puffin.stages.unzip.errors import Refused
from puffin.stages.unzip.names import shadows

_GROUPS = (("console_scripts", False), ("gui_scripts", True))


def parse(text: str, member: str) -> "tuple[tuple[str, str, str, bool], ...]":
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
