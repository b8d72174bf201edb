"""Compatibility tags (PEP 425, 600, 656): which wheels an interpreter supports, and in which order it prefers them."""

from collections.abc import Iterable, Mapping

from puffin import patterns

ANY_PLATFORM = "*"
"""The platform of tags that stand for those of every platform; among tags that have it, it is one of its own."""

_MACHINES = {"win_amd64": "AMD64", "win_arm64": "ARM64", "win32": "x86"}
_LINUX = r"(?:manylinux\d*|musllinux|linux)(?:_\d+_\d+)?_(\w+)"
_MAC = r"macosx_\d+_\d+_(\w+)"
_BOTH_MACHINES = ("universal2", "universal", "intel", "fat64", "fat3", "fat")


def priorities(tags: tuple[str, ...]) -> dict[str, int]:
    """Return the place of each tag in *tags*, for :func:`rank`."""
    return {tag: place for place, tag in enumerate(tags)}


def split_tags(filename: str) -> tuple[str, str, str, str]:
    """Return (build tag, python, abi, platform) of a wheel's file name; four empty texts if it is none."""
    parts = filename[:-4].split("-")
    build = parts[2] if len(parts) == 6 else ""
    if (
        filename[-4:].lower() != ".whl"
        or len(parts) not in (5, 6)
        or (len(parts) == 6 and not build[:1].isdigit())
    ):
        return "", "", "", ""
    python, abi, platform = (part.lower() for part in parts[-3:])
    return build, python, abi, platform


def shown_tags(filename: str) -> str:
    """Return the tags of a wheel as messages show them; the whole name of a file that is named like no wheel."""
    return "-".join(split_tags(filename)[1:]).strip("-") or filename


def rank(filename: str, priorities: "Mapping[str, int]") -> int | None:
    """Return the place of the best tag of the wheel *filename* (lower is better), None if none is supported."""
    _, pythons, abis, platforms = split_tags(filename)
    best: int | None = None
    if ANY_PLATFORM in priorities:
        platforms = ANY_PLATFORM
    for python in pythons.split("."):
        for abi in abis.split("."):
            for platform in platforms.split("."):
                place = priorities.get(f"{python}-{abi}-{platform}")
                if place is not None and (best is None or place < best):
                    best = place
    return best


def nearness(filename: str, tags: tuple[str, ...], python_version: str) -> "tuple[int, int] | None":
    """Return how near a wheel's tags are to a target that it may not fit, the greater the nearer.

    Python counts first (the same version, any of the major version, the next older one, the next newer one), then
    the operating system. It is None for a wheel of another major version of Python. *python_version* is full.
    """
    _, pythons, _, platforms = split_tags(filename)
    major, _, rest = python_version.partition(".")
    wanted = int(rest.partition(".")[0] or 0)
    versions = [each[2:] for each in pythons.split(".") if each[2:3] == major]
    if not versions:
        return None
    python = max(_python_nearness(int(each[1:]) if each[1:].isdigit() else -1, wanted) for each in versions)
    system = _system(tags[0].rpartition("-")[2]) if tags else ""
    return python, int(platforms == "any" or any(_system(each) == system for each in platforms.split(".")))


def _python_nearness(minor: int, wanted: int) -> int:
    if minor < 0:
        return -1
    return 0 if minor == wanted else minor - wanted - 1 if minor < wanted else -1000 - minor


def _system(platform: str) -> str:
    """Return the operating system of a platform tag."""
    return "linux" if "linux" in platform else platform.partition("_")[0].rstrip("0123456789")


def build_order(filename: str) -> tuple[int, str]:
    """Return the sort key of a wheel's build tag: its leading number, then its rest (higher is newer)."""
    build = split_tags(filename)[0]
    digits = 0
    while build[digits : digits + 1].isascii() and build[digits : digits + 1].isdigit():
        digits += 1
    return int(build[:digits] or "-1"), build[digits:]


def mismatch(filename: str, tags: tuple[str, ...]) -> str:
    """Return which part of the tags of an unsupported wheel does not fit, or ``tags`` for all together."""
    _, *wanted = split_tags(filename)
    known = [tag.split("-") for tag in tags]
    for place, part in enumerate(("Python tag", "ABI tag", "platform tag")):
        values = wanted[place].split(".")
        known = [tag for tag in known if tag[place] in values]
        if not known:
            return part
    return "tags"


def wheel_marker(filename: str) -> str:
    """Return the marker of the environments that the tags of a wheel name; empty if it tells nothing."""
    _, pythons, abis, _ = split_tags(filename)
    parts = [platform_marker(filename)]
    if "abi3" not in abis.split("."):
        parts.append(either_marker(map(_python_marker, pythons.split("."))))
    return " and ".join([f"({part})" for part in parts if part])


def platform_marker(filename: str) -> str:
    """Return the marker of the platforms that the tags of a wheel name; empty if they name none."""
    return either_marker(map(_platform_marker, split_tags(filename)[3].split(".")))


def either_marker(markers: "Iterable[str]") -> str:
    """Return the marker that holds where one of *markers* does, of which an empty one holds always."""
    found = list(dict.fromkeys(markers))
    return " or ".join([f"({each})" for each in found]) if all(found) else ""


def _platform_marker(platform: str) -> str:
    if platform in _MACHINES:
        return f"sys_platform == 'win32' and platform_machine == '{_MACHINES[platform]}'"
    if found := patterns.fullmatch(_LINUX, platform):
        return f"sys_platform == 'linux' and platform_machine == '{found[1]}'"
    if found := patterns.fullmatch(_MAC, platform):
        machine = "" if found[1] in _BOTH_MACHINES else f" and platform_machine == '{found[1]}'"
        return f"sys_platform == 'darwin'{machine}"
    return ""


def _python_marker(python: str) -> str:
    found = patterns.fullmatch(r"(cp|pp)3(\d+)", python)
    if found is None:
        return ""
    implementation = "cpython" if found[1] == "cp" else "pypy"
    return f"python_version == '3.{found[2]}' and implementation_name == '{implementation}'"
