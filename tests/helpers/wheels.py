"""A forge of wheels: right ones, wrong ones and hostile ones, byte for byte the same on every run."""

import struct
import zlib
from base64 import urlsafe_b64encode
from hashlib import sha256

REGULAR = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120777
FIFO = 0o010644
DIRECTORY = 0o040755
_DATE, _TIME = 0x21, 0  # 1 January 1980, midnight


class Raw:
    """A zip member, every field of which can be set against the truth.

    ``fields`` override what would be right: method, flags, mode, crc, packed, size, offset, extra and
    name in the central directory; the same with the prefix ``local_`` in the local header; ``body``
    (the packed bytes), ``descriptor`` (bytes behind them) and ``before`` (bytes in front of the header).
    """

    def __init__(self, name, data=b"", **fields):
        self.name = name.encode() if isinstance(name, str) else name
        self.data = data.encode() if isinstance(data, str) else data
        self.fields = fields


def _deflate(data):
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def zip_bytes(members, *, compress=True, before=b"", after=b"", comment=b"", hidden=b"", **end):
    """Return a zip file of *members*.

    ``end`` overrides disk, start_disk, here, count, size and start of its end record; ``hidden`` stands
    between the members and the directory; ``zip64=True`` uses zip64 records throughout.
    """
    zip64 = end.pop("zip64", False)
    out = bytearray(before)
    directory = bytearray()
    for member in members:
        out += member.fields.get("before", b"")
        _add(out, directory, member, compress, zip64)
    out += hidden
    start = end.pop("start", len(out))
    values = {"disk": 0, "start_disk": 0, "here": len(members), "count": len(members), "size": len(directory)}
    values |= end | {"start": start}
    out += directory
    if zip64:
        at = len(out)
        out += struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, *values.values())
        out += struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
        values = dict.fromkeys(values, 0xFFFFFFFF) | dict.fromkeys(
            ("disk", "start_disk", "here", "count"), 0xFFFF
        )
    out += struct.pack("<4s4H2LH", b"PK\5\6", *values.values(), len(comment)) + comment
    return bytes(out + after)


def _add(out, directory, member, compress, zip64):
    fields = member.fields
    method = fields.get("method", 8 if compress and member.data else 0)
    body = fields.get("body", _deflate(member.data) if method == 8 else member.data)
    right = {
        "flags": 0 if member.name.isascii() else 0x800, "method": method, "crc": zlib.crc32(member.data),
        "packed": len(body), "size": len(member.data), "name": member.name, "extra": b"",
    }  # fmt: skip
    central = right | {key: fields[key] for key in right if key in fields}
    local = central | {key: fields[f"local_{key}"] for key in right if f"local_{key}" in fields}
    offset = fields.get("offset", len(out))
    central_sizes, local_sizes, offset_32 = (), (), offset
    if zip64:
        central["extra"] += struct.pack("<2H3Q", 1, 24, central["size"], central["packed"], offset)
        local["extra"] += struct.pack("<2H2Q", 1, 16, local["size"], local["packed"])
        central_sizes = local_sizes = (0xFFFFFFFF, 0xFFFFFFFF)
        offset_32 = 0xFFFFFFFF
    out += struct.pack(
        "<4s5H3L2H", b"PK\3\4", 20, local["flags"], local["method"], _TIME, _DATE, local["crc"],
        *(local_sizes or (local["packed"], local["size"])), len(local["name"]), len(local["extra"]),
    )  # fmt: skip
    out += local["name"] + local["extra"] + body + fields.get("descriptor", b"")
    mode = fields.get("mode", DIRECTORY if member.name.endswith(b"/") else REGULAR)
    directory += struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 3 << 8 | 20, 20, central["flags"], central["method"], _TIME, _DATE,
        central["crc"], *(central_sizes or (central["packed"], central["size"])),
        len(central["name"]), len(central["extra"]), 0, 0, 0, mode << 16, offset_32,
    )  # fmt: skip
    directory += central["name"] + central["extra"]


def streamed(name, data, *, wide=False, signature=True):
    """Return a member as a writer that cannot seek makes it: sizes behind the data (flag bit 3)."""
    data = data.encode() if isinstance(data, str) else data
    body = _deflate(data)
    form = "<LQQ" if wide else "<LLL"
    descriptor = (b"PK\7\x08" if signature else b"") + struct.pack(form, zlib.crc32(data), len(body), len(data))
    return Raw(
        name,
        data,
        flags=8,
        method=8,
        body=body,
        local_crc=0,
        local_packed=0,
        local_size=0,
        descriptor=descriptor,
    )


def record_row(path, data):
    """Return a right row of RECORD."""
    digest = urlsafe_b64encode(sha256(data).digest()).decode().rstrip("=")
    quoted = '"' + path.replace('"', '""') + '"' if "," in path or '"' in path else path
    return f"{quoted},sha256={digest},{len(data)}\n"


def wheel_members(
    name,
    version,
    files=None,
    *,
    tag="py3-none-any",
    requires=(),
    requires_python=None,
    entry_points=None,
    scripts=None,
    data=None,
    metadata_extra="",
    record="right",
    raw_members=None,
    purelib=True,
    executable=(),
):
    """Return a wheel's members, RECORD last; the arguments are those of :func:`forge_wheel`."""
    escaped = name.replace("-", "_").replace(".", "_")
    stem = f"{escaped}-{version}"
    info = f"{stem}.dist-info"
    if files is None:
        files = {f"{escaped}/__init__.py": f'__version__ = "{version}"\n'}
    contents = dict(files)
    contents |= {f"{stem}.data/data/{path}": content for path, content in (data or {}).items()}
    contents |= {f"{stem}.data/scripts/{path}": content for path, content in (scripts or {}).items()}
    contents[f"{info}/METADATA"] = _metadata(name, version, requires, requires_python, metadata_extra)
    pure = "true" if purelib else "false"
    contents[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: forge\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
    if entry_points is not None:
        contents[f"{info}/entry_points.txt"] = _entry_points(entry_points)
    encoded = {path: text.encode() if isinstance(text, str) else text for path, text in contents.items()}
    marked = {f"{stem}.data/scripts/{path}" for path in scripts or {}} | set(executable)
    members = [Raw(p, content, mode=EXECUTABLE if p in marked else REGULAR) for p, content in encoded.items()]
    members += raw_members or []
    if record != "absent":
        members.append(Raw(f"{info}/RECORD", _record(info, encoded, record)))
    return members


def _metadata(name, version, requires, requires_python, extra):
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    return "\n".join(lines) + "\n" + extra + "\nA description.\n"


def _entry_points(wanted):
    if isinstance(wanted, (str, bytes)):
        return wanted
    return "[console_scripts]\n" + "".join(f"{name} = {target}\n" for name, target in wanted.items())


def _record(info, contents, kind):
    rows = [record_row(path, content) for path, content in contents.items()]
    if kind == "missing":
        rows = rows[1:]
    elif kind == "wrong":
        rows[0] = record_row(next(iter(contents)), b"something else entirely, and longer than any default file")
    return "".join(rows) + f"{info}/RECORD,,\n"


def wheel_filename(name, version, tag="py3-none-any"):
    """Return the file name of a wheel."""
    return f"{name.replace('-', '_').replace('.', '_')}-{version}-{tag}.whl"


def forge_wheel(name, version, files=None, *, tag="py3-none-any", compress=True, **options):
    """Return ``(filename, bytes)`` of a wheel.

    *files* maps paths to contents (one package by default); *requires*, *requires_python* and
    *metadata_extra* (whole lines) go to METADATA; *entry_points* is a dict of console scripts or the
    text of the file; *scripts* and *data* map paths beneath ``.data/scripts`` and ``.data/data`` to
    contents; *record* is right, missing (lacks its first row), wrong (its first row is about other
    bytes) or absent; *raw_members* are :class:`Raw` members to add, without rows; *executable* names paths.
    """
    members = wheel_members(name, version, files, tag=tag, **options)
    return wheel_filename(name, version, tag), zip_bytes(members, compress=compress)


def _evil(*raw, **options):
    return forge_wheel("evil", "1.0", raw_members=list(raw), **options)


def _around(*raw, **end):
    return wheel_filename("evil", "1.0"), zip_bytes(wheel_members("evil", "1.0", raw_members=list(raw)), **end)


def _tar(name, data):
    head = bytearray(512)
    head[: len(name)] = name.encode()
    head[100:108], head[124:136], head[156:157], head[257:265] = (
        b"0000644\0",
        b"%011o\0" % len(data),
        b"0",
        b"ustar\00000",
    )
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + data.ljust(-(-len(data) // 512) * 512, b"\0") + bytes(1024)


def hostile_wheels():
    """Return ``{label: (filename, bytes, a part of the reason it is refused for)}`` of hostile wheels."""
    found = {}
    for part in (_hostile_names, _hostile_structure, _hostile_members, _hostile_metadata, _hostile_scripts):
        for label, (filename, data), reason in part():
            assert label not in found
            found[label] = (filename, data, reason)
    return found


def wheels_by_case():
    """Return ``{label: (filename, bytes)}`` of wheels with names that are one where file systems ignore case."""
    pairs = {
        "case": ("evil/Mod.py", "evil/mod.py"),
        "case of a directory": ("evil/Sub/a.py", "evil/sub/b.py"),
        "normalisation": ("evil/caf\u00e9.py", "evil/cafe\u0301.py"),
        "casefold": ("evil/stra\u00dfe.py", "evil/STRASSE.py"),
        "merged": ("evil-1.0.data/platlib/Evil/x.py", "evil/y.py"),
    }
    return {label: _evil(Raw(first, b"1"), Raw(second, b"2")) for label, (first, second) in pairs.items()}


def _hostile_names():
    for label, name, reason in (
        ("parent", "../../x", "leaves the archive"),
        ("parent inside", "evil/../../x", "leaves the archive"),
        ("parent last", "evil/..", "leaves the archive"),
        ("absolute", "/etc/x", "absolute"),
        ("drive", "C:/x.py", "drive letter"),
        ("drive relative", "c:x.py", "drive letter"),
        ("backslash", "evil\\x.py", "backslash"),
        ("backslash parent", "..\\x.py", "backslash"),
        ("newline", "evil/a\nb.py", "control character"),
        ("escape", "evil/\x1b[31m.py", "control character"),
        ("delete", "evil/\x7f.py", "control character"),
        ("C1 control", "evil/\x9b31m.py", "control character"),
        ("NUL", "evil/x.py\0.txt", "NUL"),
        ("empty component", "evil//x.py", "empty component"),
        ("two slashes at the end", "evil/x//", "empty component"),
        ("empty name", "", "empty component"),
        ("dot component", "evil/./x.py", "`.` component"),
        ("long component", "evil/" + "x" * 253 + ".py", "255 bytes"),
        ("long component of two-byte letters", "evil/" + "é" * 130, "255 bytes"),
        ("long name", "evil/" + "x/" * 1200 + "x", "longer than"),
        ("not UTF-8", b"evil/\xff.py", "not UTF-8"),
        ("reserved .data", ".data/scripts/x", "does not belong to"),
    ):
        yield label, _evil(Raw(name, b"x")), reason
    for label, first, second, reason in (
        ("duplicate", "evil/a.py", "evil/a.py", "two members have this name"),
        ("file and directory", "evil/a", "evil/a/b.py", "a file and a directory"),
        ("file and empty directory", "evil/a", "evil/a/", "a file and a directory"),
        ("file in RECORD", "evil/x.py", "evil-1.0.dist-info/INSTALLER/x", "a file and a directory"),
    ):
        yield label, _evil(Raw(first, b"1"), Raw(second, b"" if second.endswith("/") else b"2")), reason


def _hostile_structure():
    x = Raw("evil/x.py", b"x" * 50)
    yield "not a zip", (wheel_filename("evil", "1.0"), b"<html>404</html>"), "not a zip file"
    yield "empty", (wheel_filename("evil", "1.0"), b""), "not a zip file"
    yield "no members", (wheel_filename("evil", "1.0"), zip_bytes([])), "no `.dist-info`"
    yield "trailing junk", _around(after=b"junk"), "after the end"
    yield "second zip behind", _around(after=_evil()[1]), "not where its end record points"
    yield "end record in a comment", _around(comment=b"PK\5\6" + bytes(18)), "not where its end record points"
    yield "leading junk", _around(before=b"#!/bin/sh\n"), "leading bytes"
    yield "leading junk, relative offsets", (_around()[0], b"#!/bin/sh\n" + _around()[1]), "leading"
    yield "tar and zip", _around(before=_tar("evil/__init__.py", b"import os")), "leading bytes"
    yield (
        "hidden bytes before the directory",
        _around(hidden=b"hidden"),
        "between its members and its directory",
    )
    yield "hidden member", _around(x, Raw("evil/y.py", b"y", before=zip_bytes([x])[:60])), "bytes between"
    yield "several disks", _around(disk=1), "several disks"
    yield "count too small", _around(count=2, here=2), "more entries"
    yield "count too big", _around(count=9, here=9), "cut off"
    yield "directory elsewhere", _around(start=3), "not where its end record points"
    yield "overlap", _around(x, Raw("evil/y.py", b"y", offset=0)), "overlaps"
    yield "same place twice", _around(Raw("evil/y.py", b"y", offset=0)), "overlaps"
    whole = _around(x)[1]
    for share in (0.1, 0.5, 0.9):
        yield f"truncated to {share}", (_around()[0], whole[: int(len(whole) * share)]), "not a zip file"
    yield "truncated by a byte", (_around()[0], whole[:-1]), ""
    wide = zip_bytes(wheel_members("evil", "1.0"), zip64=True)
    yield (
        "zip64 record moved",
        (_around()[0], wide.replace(b"PK\6\6", b"PK\6\0")),
        "zip64 end record is not valid",
    )
    narrow = wide[:-12] + b"\7\0" + wide[-10:]
    yield "two end records", (_around()[0], narrow), "two end records disagree"


def _hostile_members():
    data = b"print('x')\n" * 9
    for label, fields, reason in (
        ("symlink", {"mode": SYMLINK}, "symbolic link"),
        ("fifo", {"mode": FIFO}, "special file"),
        ("device", {"mode": 0o020644}, "special file"),
        ("encrypted", {"flags": 1}, "encrypted"),
        ("strongly encrypted", {"flags": 0x41}, "encrypted"),
        ("patch", {"flags": 0x20}, "patch"),
        ("bzip2", {"method": 12}, "bzip2"),
        ("LZMA", {"method": 14}, "LZMA"),
        ("deflate64", {"method": 9}, "deflate64"),
        ("unknown method", {"method": 77}, "77"),
        ("local name", {"local_name": b"evil/y.py"}, "another name"),
        ("local method", {"local_method": 0}, "how it is packed"),
        ("local encrypted", {"local_flags": 1}, "how it is packed"),
        ("local size", {"local_size": 5}, "size or checksum"),
        ("local packed size", {"local_packed": 5}, "size or checksum"),
        ("local checksum", {"local_crc": 5}, "size or checksum"),
        ("checksum", {"crc": 5}, "checksum"),
        ("size too small", {"size": 98}, "damaged"),
        ("size too big", {"size": 100}, "checksum"),
        ("size absurd", {"size": 0x7FFFFFFF}, "archive bomb"),
        ("size nil", {"size": 0, "crc": 0}, "damaged"),
        ("packed beyond", {"packed": 0x7FFFFFFF}, "beyond its place"),
        ("not deflate", {"body": b"\xff" * 30}, "damaged"),
        ("stored of two sizes", {"method": 0, "size": 5}, "size cannot be"),
        ("late sizes wrong", {"flags": 8, "descriptor": b"PK\7\x08" + bytes(12)}, "data descriptor"),
        ("late sizes missing", {"flags": 8, "local_crc": 0}, "data descriptor"),
        (
            "second name",
            {"extra": struct.pack("<2HBL", 0x7075, 14, 1, 0) + b"evil/z.py"},
            "two different names",
        ),
        ("extra cut off", {"extra": struct.pack("<2H", 9, 40)}, "extra field"),
        ("zip64 too short", {"extra": struct.pack("<2H", 1, 0), "size": 0xFFFFFFFF}, "zip64 field"),
        ("directory that is a file", {"mode": DIRECTORY}, "directory that holds bytes"),
    ):
        yield label, _evil(Raw("evil/x.py", data, **fields)), reason
    yield "directory with bytes", _evil(Raw("evil/sub/", b"x")), "directory that holds bytes"
    yield (
        "symlink and write through",
        _evil(Raw("evil/s", b"/tmp", mode=SYMLINK), Raw("evil/s/x", b"x")),
        "symbolic",
    )


def _hostile_metadata():
    yield "no dist-info", (wheel_filename("evil", "1.0"), zip_bytes([Raw("evil.py", b"")])), "no `.dist-info`"
    yield "no RECORD", _evil(record="absent"), "no `evil-1.0.dist-info/RECORD`"
    for name in ("METADATA", "WHEEL"):
        members = [m for m in wheel_members("evil", "1.0") if not m.name.endswith(name.encode())]
        yield (
            f"no {name}",
            (wheel_filename("evil", "1.0"), zip_bytes(members)),
            f"no `evil-1.0.dist-info/{name}`",
        )
    second = "more than one `.dist-info`"
    yield "second dist-info", _evil(Raw("good-2.0.dist-info/METADATA", b"")), second
    yield "second dist-info in capitals", _evil(Raw("GOOD-2.0.DIST-INFO/METADATA", b"")), second
    yield (
        "dist-info in .data",
        _evil(Raw("evil-1.0.data/purelib/good-2.dist-info/RECORD")),
        "installation metadata",
    )
    yield "another name", ("good-1.0-py3-none-any.whl", _evil()[1]), "does not belong to good 1.0"
    yield "another version", ("evil-2.0-py3-none-any.whl", _evil()[1]), "does not belong to evil 2.0"
    yield "not a wheel's name", ("evil-1.0.whl", _evil()[1]), "file name"
    for label, old, new, reason in (
        ("METADATA name", b"Name: evil", b"Name: good", "name there is `good`"),
        ("METADATA version", b"Version: 1.0\n\n", b"Version: 1.1\n\n", "version there is `1.1`"),
        ("METADATA version nonsense", b"Version: 1.0\n\n", b"Version: one\n\n", "version there is `one`"),
        ("METADATA name twice", b"Name: evil", b"Name: evil\nName: good", "twice"),
        ("METADATA without name", b"Name: evil\n", b"", "name there is ``"),
        ("Wheel-Version", b"Wheel-Version: 1.0", b"Wheel-Version: 2.0", "not supported"),
        ("Wheel-Version nonsense", b"Wheel-Version: 1.0", b"Wheel-Version: x", "not a version"),
        ("no Wheel-Version", b"Wheel-Version: 1.0\n", b"", "not a version"),
        ("RECORD not CSV", b"evil/__init__.py,", b'"evil,', "cannot be parsed"),
        ("RECORD not UTF-8", b"evil/__init__.py,", b"\xff,", "cannot be parsed"),
    ):
        members = wheel_members("evil", "1.0")
        for member in members:
            member.data = member.data.replace(old, new)
        yield label, (wheel_filename("evil", "1.0"), zip_bytes(members)), reason


def _hostile_scripts():
    place = "take the place"
    for label, path, reason in (
        ("script python", "scripts/python", place),
        ("script Python3.12", "scripts/Python3.12", place),
        ("script python.exe", "scripts/python.exe", place),
        ("script pythonw", "scripts/pythonw.exe", place),
        ("script activate", "scripts/activate", place),
        ("script Activate.ps1", "scripts/Activate.ps1", place),
        ("script activate_this.py", "scripts/activate_this.py", place),
        ("data python", "data/bin/python3", place),
        ("data activate on Windows", "data/Scripts/activate.bat", place),
        ("pyvenv.cfg", "data/pyvenv.cfg", "that the environment needs"),
        ("PyVenv.cfg", "data/PyVenv.CFG", "that the environment needs"),
        ("journal", "data/.puffin/1/journal", "that the environment needs"),
        ("unknown key", "stdlib/os.py", "have a place beneath"),
        ("file in .data", "readme", "have a place beneath"),
    ):
        yield label, _evil(Raw(f"evil-1.0.data/{path}", b"#!/bin/sh\n")), reason
    yield "another .data", _evil(Raw("good-1.0.data/purelib/x.py")), "does not belong to"
    yield "two .data", _evil(Raw("evil-1.0.data/data/x"), Raw("Evil-1.0.data/data/y")), "more than one `.data`"
    yield "merged collision", _evil(Raw("evil-1.0.data/purelib/evil/__init__.py", b"other")), "two files"
    for label, line, reason in (
        ("entry point parent", "../x = evil:main", "leave the directory"),
        ("entry point absolute", "/tmp/x = evil:main", "leave the directory"),
        ("entry point backslash", "..\\x = evil:main", "leave the directory"),
        ("entry point hidden", ".x = evil:main", "leave the directory"),
        ("entry point python", "python3 = evil:main", place),
        ("entry point activate", "activate = evil:main", place),
        ("entry point without attribute", "x = evil", "not `module:attribute`"),
        ("entry point injection", "x = evil:main; import os", "not `module:attribute`"),
        ("entry point with a call", "x = evil:main()", "not `module:attribute`"),
        ("entry point empty attribute", "x = evil:", "not `module:attribute`"),
        ("entry point two lines", "x = evil:main\n    import os", "not `module:attribute`"),
        ("entry points malformed", "just words", "cannot be parsed"),
    ):
        yield label, _evil(entry_points=f"[console_scripts]\n{line}\n"), reason
    gui = "[gui_scripts]\npythonw = evil:main\n"
    yield "gui entry point pythonw", _evil(entry_points=gui), place
    yield "entry points not UTF-8", _evil(entry_points=b"[console_scripts]\n\xff = a:b\n"), "not UTF-8"
