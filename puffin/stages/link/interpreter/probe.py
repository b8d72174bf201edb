"""The properties of a Python interpreter, as one JSON object: a stand-alone script.

It is run by path in the target interpreter with ``-I -S``, so nothing of the target's site-packages is ever
imported. It must therefore parse on CPython 3.6 (older ones answer too, to be refused by version) and use the
standard library alone, and it finds out by itself whether it is in a virtual environment (PEP 405):
with ``-S``, Python before 3.14 does not say so. Tags are those of PEP 425, 600 and 656.

On Linux it does without ``re``, ``json``, ``platform`` and ``threading``: they take longer to import than all the rest.
"""

import os
import struct
import sys


class _Locks:
    """Stands for ``threading``, of which ``sysconfig`` takes a lock and no more."""

    from _thread import RLock


if sys.version_info[:2] in ((3, 12), (3, 13)) and "threading" not in sys.modules:
    sys.modules["threading"] = _Locks  # type: ignore[assignment]
    import sysconfig

    del sys.modules["threading"]
import sysconfig  # noqa: E402

try:
    from _frozen_importlib_external import MAGIC_NUMBER
except ImportError:
    from importlib.util import MAGIC_NUMBER

_LAST_GLIBC_2 = 50  # should there be a glibc 3, the 2.x to assume below it
_MANYLINUX = ("x86_64", "aarch64", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64", "i686", "armv7l")
_LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_BITS = struct.calcsize("P") * 8
_SCHEME_KEYS = ("purelib", "platlib", "scripts", "data")


def _virtual_root(executable: str) -> str:
    directory = os.path.dirname(executable)
    for root in (directory, os.path.dirname(directory)):
        if os.path.isfile(os.path.join(root, "pyvenv.cfg")):
            return root
    return ""


def _own_scheme() -> str:
    choose = getattr(sysconfig, "get_default_scheme", None) or getattr(sysconfig, "_get_default_scheme", None)
    return choose() if choose else ("nt" if os.name == "nt" else "posix_prefix")


def _virtual_scheme() -> str:
    if "venv" in sysconfig.get_scheme_names():
        return "venv"
    return "nt" if os.name == "nt" else "posix_prefix"


def _paths(scheme: str, root: str) -> "dict[str, str]":
    variables = {"base": root, "platbase": root} if root else {}
    found = sysconfig.get_paths(scheme, vars=variables)
    paths = {key: found[key] for key in _SCHEME_KEYS}
    paths["headers"] = os.path.join(root, "include", "site", _lib_name()) if root else found["include"]
    return paths


def _lib_name() -> str:
    name = "pypy" if sys.implementation.name == "pypy" else "python"
    threading = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return f"{name}{sys.version_info[0]}.{sys.version_info[1]}{threading}"


def _virtual_paths() -> "dict[str, str]":
    """Return the scheme of any virtual environment of this interpreter, relative to its root."""
    root = os.path.abspath(os.path.join(os.sep, "root"))
    return {key: os.path.relpath(path, root) for key, path in _paths(_virtual_scheme(), root).items()}


def _base_executable(virtual: str) -> str:
    """Return a path of the interpreter that stands in its own installation and not in an environment."""
    here = getattr(sys, "_base_executable", None) or sys.executable
    real = os.path.realpath(sys.executable)
    named = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    names = [os.path.basename(here), os.path.basename(real), named, "python3", "python"]
    for name in dict.fromkeys(names):
        path = os.path.join(sys.base_prefix, "" if os.name == "nt" else "bin", name)
        if os.path.exists(path) and os.path.realpath(path) == real:
            return path
    return real if virtual and here == sys.executable else here


def _debug() -> bool:
    declared = sysconfig.get_config_var("Py_DEBUG")
    return bool(declared) or (declared is None and hasattr(sys, "gettotalrefcount"))


def _abis() -> "list[str]":
    if sys.implementation.name != "cpython":
        return _foreign_abis()
    plain = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    threading = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    if _debug():  # a debug build loads ordinary extension modules too
        return [plain + threading + "d", plain + threading]
    return [plain + threading]


def _foreign_abis() -> "list[str]":
    parts = str(sysconfig.get_config_var("EXT_SUFFIX") or "").split(".")
    if len(parts) < 3 or not parts[1]:
        return []
    length = {"pypy": 2, "graalpy": 3}.get(sys.implementation.name)
    return [_plain("-".join(parts[1].split("-")[:length]))]


def _plain(text: str) -> str:
    return text.replace(".", "_").replace("-", "_").replace(" ", "_")


def _platforms() -> "list[str]":
    system = _system().get("platform_system")
    if system == "Darwin":
        return _mac_platforms()
    if system == "Linux":
        return _linux_platforms()
    return [_plain(sysconfig.get_platform())]


def _linux_platforms() -> "list[str]":
    own = _plain(sysconfig.get_platform())
    if not own.startswith("linux_"):
        return [own]
    if _BITS == 32:
        own = {"linux_x86_64": "linux_i686", "linux_aarch64": "linux_armv8l"}.get(own, own)
    architecture = own[len("linux_") :]
    architectures = ["armv8l", "armv7l"] if architecture == "armv8l" else [architecture]
    found = ["linux_" + each for each in architectures]
    if _fits_manylinux(architectures):
        for each in architectures:
            found += _manylinux(each, _glibc())
    musl = _musl()
    for each in architectures:
        found += [f"musllinux_{musl[0]}_{minor}_{each}" for minor in range(musl[1], -1, -1)]
    return found


def _fits_manylinux(architectures: "list[str]") -> bool:
    head = _elf_head()
    if "armv7l" in architectures:  # hard float and version 5 of the ABI, by the flags of the ELF header
        little = head[:6] == b"\x7fELF\x01\x01" and len(head) >= 40
        machine, flags = (
            (struct.unpack_from("<H", head, 18)[0], struct.unpack_from("<I", head, 36)[0]) if little else (0, 0)
        )
        return bool(machine == 40 and flags & 0xFF000000 == 0x05000000 and flags & 0x400)
    if "i686" in architectures:
        return head[:6] == b"\x7fELF\x01\x01" and struct.unpack_from("<H", head, 18)[0] == 3
    return any(each in _MANYLINUX for each in architectures)


def _elf_head() -> bytes:
    try:
        with open(sys.executable, "rb") as file:
            return file.read(64)
    except OSError:
        return b""


def _manylinux(architecture: str, glibc: "tuple[int, int]") -> "list[str]":
    """Return the tags from the libc of this system down to the oldest one that wheels name."""
    oldest = 5 if architecture in ("x86_64", "i686") else 17
    found = []
    for major in range(glibc[0], 1, -1):
        newest = glibc[1] if major == glibc[0] else _LAST_GLIBC_2
        for minor in range(newest, (oldest if major == 2 else 0) - 1, -1):
            found.append(f"manylinux_{major}_{minor}_{architecture}")
            if (major, minor) in _LEGACY:
                found.append(f"{_LEGACY[major, minor]}_{architecture}")
    return found


def _glibc() -> "tuple[int, int]":
    """Return the version of the GNU C library, ``(-1, -1)`` where there is none."""
    try:
        text = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()[-1]
    except (AttributeError, OSError, ValueError, IndexError):
        text = _glibc_by_symbol()
    return _major_minor(text)


def _glibc_by_symbol() -> str:
    try:
        import ctypes

        version = ctypes.CDLL(None).gnu_get_libc_version
        version.restype = ctypes.c_char_p
        return version().decode("ascii")  # type: ignore[no-any-return]
    except (ImportError, OSError, AttributeError, TypeError):
        return ""


def _major_minor(text: str) -> "tuple[int, int]":
    """Return the first two numbers of a version such as ``2.20-2014.11``."""
    major, _, rest = text.partition(".")
    minor = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return (int(major), int(minor)) if major.isdigit() and minor else (-1, -1)


def _musl() -> "tuple[int, int]":
    """Ask the loader that the executable names for its version; musl's says so on stderr."""
    loader = _elf_interpreter()
    if "musl" not in loader:
        return -1, -1
    import subprocess

    said = subprocess.run([loader], stderr=subprocess.PIPE, text=True).stderr
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if len(lines) < 2 or not lines[0].startswith("musl") or not lines[1].startswith("Version "):
        return -1, -1
    return _major_minor(lines[1][len("Version ") :])


def _elf_interpreter() -> str:
    """Return the program interpreter (PT_INTERP) of this executable's ELF header, or nothing."""
    try:
        with open(sys.executable, "rb") as file:
            head = file.read(64)
            if head[:4] != b"\x7fELF":
                return ""
            order = "<" if head[5] == 1 else ">"
            wide = head[4] == 2
            offset = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)[0]
            size, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
            for index in range(count):
                file.seek(offset + size * index)
                entry = struct.unpack(order + ("IIQQQQ" if wide else "IIIII"), file.read(40 if wide else 20))
                if entry[0] == 3:
                    at, length = (entry[2], entry[5]) if wide else (entry[1], entry[4])
                    file.seek(at)
                    return os.fsdecode(file.read(length)).strip("\0")
    except (OSError, struct.error, IndexError):
        pass
    return ""


def _mac_platforms() -> "list[str]":
    import platform

    version_text, _, architecture = platform.mac_ver()
    version = _major_minor(version_text + ".0")
    if version == (10, 16):  # built against an old SDK, Python hears this instead of the real version
        version = _real_mac_version()
    if _BITS == 32:
        architecture = "ppc" if architecture.startswith("ppc") else "i386"
    releases = []
    if version[0] == 10:
        releases = [(10, minor) for minor in range(version[1], -1, -1)]
    else:
        releases = [(major, 0) for major in range(version[0], 10, -1)]
        releases += [(10, minor) for minor in range(16, 3, -1)]
    found = []
    for release in releases:
        formats = _mac_formats(release, architecture)
        if version[0] > 10 and release[0] == 10 and architecture != "x86_64":
            formats = ["universal2"]
        found += [f"macosx_{release[0]}_{release[1]}_{each}" for each in formats]
    return found


def _real_mac_version() -> "tuple[int, int]":
    import subprocess

    script = "import platform; print(platform.mac_ver()[0])"
    command = [sys.executable, "-I", "-S", "-c", script]
    said = subprocess.run(command, env={"SYSTEM_VERSION_COMPAT": "0"}, stdout=subprocess.PIPE, text=True)
    return _major_minor(said.stdout.strip() + ".0")


def _mac_formats(version: "tuple[int, int]", architecture: str) -> "list[str]":
    """Return the binary formats that this processor runs on this release of macOS."""
    more = {
        "x86_64": ["intel", "fat64", "fat3", "universal2", "universal"],
        "i386": ["intel", "fat3", "fat", "universal"],
        "arm64": ["universal2"],
        "ppc64": ["fat64", "universal"],
        "ppc": ["fat3", "fat", "universal"],
    }
    too_old = architecture in ("x86_64", "i386", "ppc64") and version < (10, 4)
    too_new = version > {"ppc64": (10, 5), "ppc": (10, 6)}.get(architecture, version)
    return [] if too_old or too_new else [architecture, *more.get(architecture, [])]


def _markers() -> "dict[str, str]":
    """Return the environment of PEP 508's markers."""
    info = sys.implementation.version
    full = f"{info.major}.{info.minor}.{info.micro}"
    if info.releaselevel != "final":
        full += info.releaselevel[0] + str(info.serial)
    return dict(
        _system(),
        implementation_name=sys.implementation.name,
        implementation_version=full,
        os_name=os.name,
        sys_platform=sys.platform,
    )


def _system() -> "dict[str, str]":
    """Return the markers that :mod:`platform` knows."""
    version = sys.version.split()[0]
    if sys.platform != "linux" or sys.implementation.name != "cpython" or version.count(".") != 2:
        return _system_by_platform()
    system, _, release, of_system, machine = os.uname()
    return {
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": release,
        "platform_system": system,
        "platform_version": of_system,
        "python_full_version": version,
        "python_version": version[: version.rindex(".")],
    }


def _system_by_platform() -> "dict[str, str]":
    import platform

    return {
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
    }


def report() -> "dict[str, object]":
    """Return all facts. Paths are as the interpreter spells them."""
    virtual = _virtual_root(sys.executable)
    stdlib = sysconfig.get_path("stdlib")
    return {
        "executable": sys.executable,
        "base_executable": _base_executable(virtual),
        "implementation": sys.implementation.name,
        "cache_tag": sys.implementation.cache_tag or "",
        "magic": MAGIC_NUMBER.hex(),
        "version": list(sys.version_info[:3]),
        "prefix": virtual or sys.prefix,
        "base_prefix": sys.base_prefix,
        "is_venv": bool(virtual),
        "stdlib": stdlib,
        "managed_marker": os.path.join(stdlib, "EXTERNALLY-MANAGED"),
        "paths": _paths(_virtual_scheme(), virtual) if virtual else _paths(_own_scheme(), ""),
        "venv_paths": _virtual_paths(),
        "abis": _abis(),
        "platforms": _platforms(),
        "markers": _markers(),
        "gil_disabled": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "debug": _debug(),
        "bits": _BITS,
    }


def in_json(value: object) -> str:
    """Return *value* as JSON: dictionaries, lists, texts, integers and booleans."""
    if isinstance(value, dict):
        return "{" + ", ".join([in_json(key) + ": " + in_json(value[key]) for key in value]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([in_json(each) for each in value]) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else '"' + "".join(map(_escaped, str(value))) + '"'


def _escaped(character: str) -> str:
    if " " <= character <= "~" and character not in '"\\':
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(["\\u" + units[at : at + 4] for at in range(0, len(units), 4)])


if __name__ == "__main__":
    sys.stdout.write(in_json(report()))
    sys.stdout.flush()
    os._exit(0)  # nothing is left to be done, and an orderly end takes a tenth of the time
