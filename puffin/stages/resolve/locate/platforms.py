"""The target of a resolution: an interpreter, or another Python version or platform in its place.

Platforms are named as uv names them: ``linux``, ``macos``, ``windows``, and ``ARCH-SYSTEM`` such as
``x86_64-manylinux_2_28``, ``aarch64-apple-darwin`` or ``x86_64-pc-windows-msvc``; or as ``linux-aarch64``.
"""

from collections.abc import Iterator, Mapping

from puffin import patterns
from puffin.errors import UsageError
from puffin.stages.link.interpreter.interpreter import Interpreter, supported_tags
from puffin.stages.resolve.requirements.texts import version_of
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from packaging.version import Version

_ALIASES = {
    "linux": "x86_64-unknown-linux-gnu",
    "macos": "aarch64-apple-darwin",
    "windows": "x86_64-pc-windows-msvc",
}
_ARCHITECTURES = {"arm64": "aarch64", "amd64": "x86_64"}
_DEFAULT_GLIBC = 28  # that of the oldest distributions in wide use
_OLDEST_GLIBC = {"x86_64": 5, "i686": 5}  # others have had wheels from 2.17 on
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_NEWEST_MUSL = 2
_MACOS = (13, 0)
_MANYLINUX = r"manylinux(?:_2_(\d{1,2})|(2014|2010|1))"
_LEGACY_GLIBC = {"2014": 17, "2010": 12, "1": 5}
_LINUX_MACHINES = ("x86_64", "aarch64", "i686", "armv7l", "ppc64le", "s390x", "riscv64")
_WINDOWS = {"x86_64": ("AMD64", "win_amd64"), "aarch64": ("ARM64", "win_arm64"), "i686": ("x86", "win32")}
_MACHINES_MAC = {"aarch64": "arm64", "x86_64": "x86_64"}
_SYSTEMS = {
    "linux": {"os_name": "posix", "platform_system": "Linux", "sys_platform": "linux"},
    "darwin": {"os_name": "posix", "platform_system": "Darwin", "sys_platform": "darwin"},
    "win32": {"os_name": "nt", "platform_system": "Windows", "sys_platform": "win32"},
}
_EXAMPLES = (
    "use `linux`, `macos`, `windows`, or ARCH-SYSTEM, such as `x86_64-manylinux_2_28`, `aarch64-apple-darwin`,"
    " `aarch64-unknown-linux-gnu`, `x86_64-unknown-linux-musl` or `x86_64-pc-windows-msvc`"
)


@frozen
class Platform:
    """A platform: its markers (PEP 508) and the platform tags it takes, best first."""

    markers: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]


@frozen
class ResolutionTarget:
    """What a resolution is made for.

    ``markers`` are the pairs of PEP 508's environment, ``python_version`` is full (``3.12.1``), ``tags`` are
    the wheel tags, best first; ``real_python_version`` is that of the interpreter that would build. ``region`` is the
    marker of all environments that the resolution is for, where it is for several, and ``pythons`` then the specifier
    of their Pythons; ``environments`` are the markers that it is limited to, which exclude each other. ``name`` is that
    of a declared target.
    """

    markers: tuple[tuple[str, str], ...]
    python_version: str
    tags: tuple[str, ...]
    real_python_version: str
    region: str = ""
    pythons: str = ""
    environments: tuple[str, ...] = ()
    name: str = ""

    @property
    def regions(self) -> tuple[str, ...]:
        """The markers of the parts of the region that are resolved by themselves."""
        return tuple([f"({self.region}) and ({each})" for each in self.environments]) or (self.region,)

    @property
    def requires_python(self) -> str:
        """The specifier of the Pythons that the resolution is for."""
        return self.pythons or f">={self.python_version}"


def target_for(
    interpreter: "Interpreter", *, python_version: str = "", python_platform: str = ""
) -> ResolutionTarget:
    """Return the target: *interpreter*, with version and platform replaced by what is given.

    A version without a patch number is its first, as ``3.8`` is ``3.8.0``. Raises :class:`UsageError` for
    a version or platform that is none.
    """
    version = parse_python(python_version) if python_version else None
    platform = platform_named(python_platform) if python_platform else None
    markers = dict(interpreter.markers)
    if version is not None:
        markers |= _version_markers(version)
    if platform is not None:
        markers |= dict(platform.markers)
    unchanged = platform is None and (version is None or version.release[:2] == interpreter.version[:2])
    return ResolutionTarget(
        markers=tuple(sorted(markers.items())),
        python_version=markers["python_full_version"],
        tags=interpreter.tags if unchanged else _tags(interpreter, version, platform),
        real_python_version=interpreter.version_text,
    )


def parse_python(text: str) -> "Version":
    """Return the version in ``3.8``, ``3.8.1`` or ``3.14.0rc1``, with three numbers; or :class:`UsageError`."""
    try:
        version = version_of(text)
    except ValueError:
        raise _no_python(text) from None
    if not 2 <= len(version.release) <= 3 or version.major != 3 or version.is_devrelease or version.local:
        raise _no_python(text)
    patched = ".".join(map(str, (*version.release, 0)[:3]))
    return version_of(patched + "".join(map(str, version.pre or ())))


def platform_named(name: str) -> Platform:
    """Return the platform with this name. Raises :class:`UsageError`."""
    arch, _, system = _ALIASES.get(name, name).partition("-")
    if arch in _ALIASES:  # such as `linux-x86_64`
        arch, system = _ARCHITECTURES.get(system, system), _ALIASES[arch].partition("-")[2]
    platform = _linux(arch, system) or _other(arch, system)
    if platform is None:
        raise UsageError(text=f"`{name}` is not a platform that `--python-platform` knows", hints=(_EXAMPLES,))
    return platform


def _linux(arch: str, system: str) -> Platform | None:
    if arch not in _LINUX_MACHINES:
        return None
    found = patterns.fullmatch(_MANYLINUX, system)
    glibc = int(found[1]) if found and found[1] else _LEGACY_GLIBC[found[2]] if found else 0
    if system in ("unknown-linux-gnu", "unknown-linux"):
        glibc = _DEFAULT_GLIBC
    if glibc >= _OLDEST_GLIBC.get(arch, 17):
        tags = tuple(_manylinux(arch, glibc))
    elif system == "unknown-linux-musl":
        tags = tuple([f"musllinux_1_{minor}_{arch}" for minor in range(_NEWEST_MUSL, -1, -1)])
    else:
        return None
    return Platform(markers=_markers("linux", arch), tags=(*tags, f"linux_{arch}"))


def _manylinux(arch: str, glibc: int) -> Iterator[str]:
    for minor in range(glibc, _OLDEST_GLIBC.get(arch, 17) - 1, -1):
        yield f"manylinux_2_{minor}_{arch}"
        if minor in _LEGACY:
            yield f"{_LEGACY[minor]}_{arch}"


def _other(arch: str, system: str) -> Platform | None:
    if system == "apple-darwin" and arch in _MACHINES_MAC:
        from packaging.tags import mac_platforms  # takes logging, platform and more with it

        machine = _MACHINES_MAC[arch]
        return Platform(markers=_markers("darwin", machine), tags=tuple(mac_platforms(_MACOS, machine)))
    if system == "pc-windows-msvc" and arch in _WINDOWS:
        machine, tag = _WINDOWS[arch]
        return Platform(markers=_markers("win32", machine), tags=(tag,))
    return None


def _markers(system: str, machine: str) -> tuple[tuple[str, str], ...]:
    """Return the markers of a platform; its release and version are unknown, and empty as in uv."""
    known = {**_SYSTEMS[system], "platform_machine": machine, "platform_release": "", "platform_version": ""}
    return tuple(known.items())


def _version_markers(version: "Version") -> Mapping[str, str]:
    short = f"{version.major}.{version.minor}"
    full = str(version)
    return {"python_version": short, "python_full_version": full, "implementation_version": full}


def _tags(interpreter: "Interpreter", version: "Version | None", platform: Platform | None) -> tuple[str, ...]:
    major, minor = (version.major, version.minor) if version else interpreter.version[:2]
    short = {"cpython": "cp", "pypy": "pp"}.get(interpreter.implementation, interpreter.implementation)
    same = (major, minor) == interpreter.version[:2]
    threaded = "t" if interpreter.abis[:1] and interpreter.abis[0].endswith("t") else ""
    flags = "m" if (major, minor) < (3, 8) else threaded  # until then, the ABI named the allocator (PEP 3149)
    abis = interpreter.abis if same else (f"cp{major}{minor}{flags}",) if short == "cp" else ()
    platforms = platform.tags if platform else interpreter.platforms
    return supported_tags(short, (major, minor), abis, platforms)


def _no_python(text: str) -> UsageError:
    digits = text.replace(".", "")
    plain = digits.isascii() and digits.isdigit()
    meant = f"3.{digits[1:]}" if plain and "." not in text and digits[:1] == "3" and len(digits) > 1 else ""
    hint = f"did you mean `{meant}`?" if meant else "write `3.8` or `3.8.1`"
    return UsageError(text=f"`{text}` is not a Python version to resolve for", hints=(hint,))
