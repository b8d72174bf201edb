"""What fuzzing begins with: right and hostile inputs of each target."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from typing import Any

from tests.helpers.wheels import forge_wheel, hostile_wheels

_RECORD = b"evil/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"
_METADATA = b"Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n"
_SHA = b"a" * 64
_LOCK = (
    b"""lock-version = "1.0"
created-by = "x"
[[packages]]
name = "evil"
version = "1.0"
[[packages.wheels]]
name = "evil-1.0-py3-none-any.whl"
url = "https://host.example/evil-1.0-py3-none-any.whl"
hashes = {sha256 = "%s"}
"""
    % _SHA
)
_FILE = b'{"filename": "evil-1.0-py3-none-any.whl", "url": "evil-1.0-py3-none-any.whl", "hashes": {"sha256": "%s"}%s}'
_PAGE = b'{"meta": {"api-version": "%s"}, "name": "evil", "files": [%s]%s}'
_LINK = b'<a href="%s"%s>%s</a>'
_NAME = b"evil-1.0-py3-none-any.whl"

TEXTS: dict[str, list[bytes]] = {
    "record": [
        _RECORD, b"evil/__init__.py,,\nevil-1.0.dist-info/RECORD,,\n", b'"evil/a,b.py",sha256=x,1\n', b"a\n", b",,\n",
        b"../../x,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n", b"/etc/passwd,,\n", _RECORD * 2, b'"\n', b"\0",
        b"evil/x,md5=00,1\n", b"evil/x,sha1=,1\n", b"evil/x,sha256=" + b"=" * 99 + b",1\n", b"evil/x,,-1\n", b"\xff,,\n",
        b"evil/x,,1e9\n", b'"evil/""q"".py",,\r\n', b"evil/x,,1,2,3\n", b"\xef\xbb\xbfevil/x,,\n", b"RECORD,,\n\x1e ",
    ],
    "metadata": [
        _METADATA, _METADATA + b"Requires-Dist: x; python_version < '3'\n\nText", b"Name: evil\nName: evil\nVersion: 1.0\n",
        b"Metadata-Version: 99.0\nName: evil\nVersion: 1.0\n", b"Name: evil\nVersion: 1.0\nRequires-Dist: (((\n",
        b"Name: evil\nVersion: 1.0\nRequires-Python: >>>3\n", b"", b"\n\n", b"Name evil", b"Name: ev\xffil\nVersion: 1.0\n",
        b"Name: evil\n\tmore\nVersion: 1.0\n", b"Name: evil\nVersion: 1.0\nDynamic: Requires-Dist\n", b":\n", b"Name: other\n",
        b"Metadata-Version: 2.1\nName: evil\nVersion: 1.0\nRequires-Dist: x @ file:///etc/passwd\n", b"\0" * 99,
        b"Metadata-Version: 2.1\nName: evil\nVersion: 1.0\nProvides-Extra: \xc3\xa9\n", b"Name: evil\r\nVersion: 1.0\r\n",
        _METADATA + b"Requires-Dist: x" + b"[a]" * 500 + b"\n", _METADATA + b"Requires-Dist: x; " + b"(" * 900 + b"\n",
    ],
    "wheelfile": [
        b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n", b"Wheel-Version: 2.0\n", b"Wheel-Version: one\n", b"",
        b"Wheel-Version: 1.0\nWheel-Version: 1.0\n", b"Wheel-Version: \xd9\xa1.0\n", b"Wheel-Version: " + b"9" * 5000 + b"\n",
        b"Root-Is-Purelib: \0\n", b"Wheel-Version: -1.0\n", b"Wheel-Version:1\n\n\n",
    ],
    "entrypoints": [
        b"[console_scripts]\nrun = evil:main\n", b"[console_scripts]\n../run = evil:main\n", b"[gui_scripts]\nx = e:m [y]\n",
        b"[console_scripts]\npython = evil:main\n", b"[console_scripts]\nrun = evil\n", b"[console_scripts]\nrun = a b:c\n",
        b"[console_scripts]\nrun\n", b"[console_scripts\n", b"run = evil:main\n[console_scripts]\n", b"[console_scripts]\n=x:y",
        b"[console_scripts]\na/b = evil:main\n", b"[console_scripts]\na\\b = evil:main\n", b"[console_scripts]\n. = evil:m\n",
        b"[console_scripts]\nrun = evil:main;import os\n", b"[console_scripts]\nrun = evil:a.b.c\n", b"[\0_scripts]\na=b:c",
        b"[console_scripts]\nrun = %(x)s:main\n", b"[console_scripts]\n\x1b[31m = evil:main\n", b"[console_scripts]\nactivate=a:b",
        b"[console_scripts]\nrun = evil:main\nrun = evil:other\n", b"[console_scripts]\nrun =\n  evil:main\n",
    ],
    "html": [
        _LINK % (_NAME, b"", _NAME), _LINK % (b"../../" + _NAME + b"#sha256=" + _SHA, b" data-yanked", _NAME),
        _LINK % (b"javascript:alert(1)//" + _NAME, b"", _NAME), _LINK % (b"file:///etc/" + _NAME, b"", _NAME),
        _LINK % (_NAME + b"#sha256=zz&egg=evil", b' data-requires-python="&gt;&gt;"', _NAME), b"<a", b"", b"\0", b"<base href='//x'>",
        b"<base href='javascript:'>" + _LINK % (_NAME, b"", _NAME), _LINK % (b"evil%2e%2e%2f1.0.tar.gz", b"", b"x"),
        b"<meta name='pypi:repository-version' content='9.0'>", _LINK % (b"http://[::1", b"", _NAME), b"<div>" * 600,
        _LINK % (b"https://user:secret@host.example/" + _NAME, b"", _NAME), b"<!--" + b"-" * 999, b"<a " + b"x=1 " * 3000 + b">",
        _LINK % (_NAME, b' data-core-metadata="sha256=x" data-dist-info-metadata="true"', _NAME), b"\xff\xfe<\0a\0",
        _LINK % (b"ht\ntps://x/" + _NAME, b"", _NAME), b"<meta charset=utf-7>+ADw-a href=x+AD4-", b"<svg><a href=x>",
        _LINK % (b"//host.example:99999/" + _NAME, b"", _NAME), _LINK % (b"\x80" + _NAME, b"", b"\x80"), b"<plaintext>" + _NAME,
    ],
    "json": [
        _PAGE % (b"1.0", _FILE % (_SHA, b""), b""), _PAGE % (b"2.0", b"", b""), _PAGE % (b"1.1", b"1", b""), b"[]", b"{}", b"",
        _PAGE % (b"1.0", _FILE % (_SHA, b', "yanked": [1]'), b""), _PAGE % (b"1.0", _FILE % (_SHA, b', "size": -1'), b""),
        _PAGE % (b"1.0", _FILE % (_SHA, b', "upload-time": 5'), b""), _PAGE % (b"1.0", _FILE % (b"\\ud800", b""), b""),
        _PAGE % (b"1.0", _FILE % (_SHA, b', "core-metadata": {"sha256": 1}'), b""), b"[" * 5000, b'{"a":' * 2000, b"1e999", b"\0",
        _PAGE % (b"1.0", b'{"filename": "../x.whl", "url": "javascript:x"}', b""), _PAGE % (b"1.0", b'{"filename": null}', b""),
        _PAGE % (b"1.4", b"", b', "project-status": {"status": 1}'), _PAGE % (b"one", b"", b""), b'{"meta": 1, "files": {}}',
        _PAGE % (b"1.0", _FILE % (_SHA, b', "requires-python": {}'), b""), b"\xef\xbb\xbf{}", b"9" * 5000, b"NaN",
        _PAGE % (b"1.0", _FILE % (_SHA, b', "url": "http://[x/"'), b""), _PAGE % (b"1.0", _FILE % (_SHA, b', "size": 1e400'), b""),
    ],
    "requirements": [
        b"evil==1.0\n", b"evil==1.0 --hash=sha256:" + _SHA + b"\n", b"-r other.txt\n", b"-r first.txt\n", b"-e .\n", b"${A}==1\n",
        b"evil @ https://x/evil-1.0.tar.gz\n", b"--index-url\n", b"evil; python_version < '3\n", b"evil==1.0 \\\n", b"\xff\xfee\0",
        b"# -*- coding: nonsense -*-\nx\n", b"# coding: rot13\nx", b"-e git+ssh://x@y/z\n", b"evil[[[\n", b"--hash=x\n", b"\0\n",
        b"evil @ file:///etc/passwd\n", b"./..//x.whl\n", b"evil==1.0 --hash=md5:0\n", b"(" * 3000, b"evil" + b",==1" * 900,
        b"evil; " + b"(" * 500 + b"\n", b"--find-links=javascript:x\n", b"'\n", b'-c "\n', b"-i http://[\n", b"evil===\n", b"-\n",
        b"# coding: utf-16\n", b"http://[::1\n", b"evil==1.0;extra==\n", b"-r http://\n", b"evil @ git+https://\n",
    ],
    "pylock": [
        _LOCK, b'lock-version = "9.0"\n', b"", b"x", b"[[packages]]\n", _LOCK.replace(b"https:", b"javascript:"), b"a" * 5000,
        _LOCK.replace(b"evil-1.0-py3", b"../evil-1.0-py3"), _LOCK.replace(b'"1.0"\n[[', b'"x"\n[['), _LOCK.replace(b"sha256", b"md5"),
        _LOCK + b"size = -1\n", _LOCK + b'upload-time = 1\n', _LOCK + b"[packages.vcs]\ntype = 'git'\n", _LOCK.replace(b"evil", b"/"),
        _LOCK + b"[[packages]]\nname='evil'\n[packages.directory]\npath='../../x'\n", b"lock-version = 1\n", b"a = [" * 500,
        _LOCK + b"[packages.archive]\npath='/etc/passwd'\nhashes={}\n", _LOCK.replace(b'name = "evil"', b"name = 1"), b"\xff",
        _LOCK.replace(b'created-by', b'requires-python = ">>"\ncreated-by'), _LOCK.replace(b'created-by', b'environments = [1]\ncreated-by'),
        _LOCK.replace(b'version = "1.0"\n[[', b'marker = "("\n[['), _LOCK.replace(b'created-by', b'extras = [""]\ncreated-by'),
    ],
}  # fmt: skip


def _tar(*members: tuple[str, dict[str, Any]], **options: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **options) as archive:
        for name, fields in members:
            info = tarfile.TarInfo(name)
            body = fields.pop("body", b"")
            info.size = len(body)
            for key, value in fields.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


def _tars() -> list[bytes]:
    good = ("evil-1.0/setup.py", {"body": b"setup()"})
    link, hard = tarfile.SYMTYPE, tarfile.LNKTYPE
    others: list[tuple[str, dict[str, Any]]] = [
        ("../x", {}), ("/etc/x", {}), ("evil-1.0/../../x", {}), ("evil-1.0/a", {"type": link, "linkname": "../../x"}),
        ("evil-1.0/a", {"type": link, "linkname": "/etc/passwd"}), ("evil-1.0/a", {"type": hard, "linkname": "/etc/passwd"}),
        ("evil-1.0/a", {"type": tarfile.CHRTYPE}), ("evil-1.0/a", {"type": tarfile.FIFOTYPE}), ("evil-1.0/a", {"mode": 0o4755}),
        ("evil-1.0/setup.py", {"body": b"other"}), ("evil-1.0/setup.py/x", {}), ("evil-1.0/a", {"type": b"Z"}),
        ("evil-1.0/a", {"type": link, "linkname": "a"}), ("evil-1.0/a\\b", {}), ("C:/x", {}), ("evil-1.0/\x1b", {}),
        ("evil-1.0/" + "a" * 300, {}), ("evil-1.0/a", {"mtime": -1}), ("evil-1.0/a", {"mtime": 2**40}), ("", {}), (".", {}),
    ]  # fmt: skip
    made = [_tar((good[0], dict(good[1])), (name, dict(fields))) for name, fields in others]
    made += [_tar((good[0], dict(good[1])), format=kind) for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT)]
    whole = _tar(
        (good[0], dict(good[1])), format=tarfile.PAX_FORMAT, pax_headers={"comment": "x", "path": "../x"}
    )
    return [
        *made,
        whole,
        whole[:700],
        whole[:513],
        b"",
        whole + b"x" * 512,
        whole.replace(b"setup()", b"setup(\0"),
    ]


def _zips() -> list[bytes]:
    found = []
    for names in (
        ("evil-1.0/setup.py",),
        ("../x",),
        ("/x",),
        ("evil-1.0/a", "evil-1.0/a/b"),
        ("evil-1.0/a\\b",),
        (),
    ):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name), b"setup()")
        found.append(out.getvalue())
    newer = found[0].replace(b"PK\1\2\x14\3\x14", b"PK\1\2\x14\3\xf2").replace(b"PK\3\4\x14", b"PK\3\4\xf2")
    return [*found, found[0][:50], found[0] + b"x", b"x" + found[0], newer]


def seeds(name: str) -> list[bytes]:
    """Return the seeds of a target."""
    if name == "wheel":
        good = [forge_wheel("evil", "1.0")[1], forge_wheel("evil", "1.0", entry_points={"run": "evil:main"})[1]]
        return good + [data for filename, data, _ in hostile_wheels().values()]
    if name == "tar":
        return _tars()
    if name == "targz":
        return [gzip.compress(data, mtime=0) for data in _tars()]
    return _zips() if name == "zipsource" else TEXTS[name]
