"""Compiling modules on request: a stand-alone script, run in the target interpreter with ``-I -S``.

A request is a length (8 bytes, little endian) and as many bytes: the directory of the sources, the one for
what comes out, the suffix of bytecode files, the optimisation level, the mode and the paths of modules, between
NULs. For each module one byte is answered: ``1`` when its bytecode is written, ``0`` when it does not compile,
``e`` when the system refused to read or to write.

The bytecode is as ``py_compile`` writes it (PEP 552): the magic number, flags, the source's modification time and
size, or in the modes ``checked`` and ``unchecked`` its hash, and the marshalled code. It must run on Python 3.8.
"""

import importlib.util
import marshal
import os
import sys

_FULL = 0xFFFFFFFF
_FLAGS = {b"checked": 0b11, b"unchecked": 0b01}


def _compile(source: bytes, target: bytes, shown: str, level: int, mode: bytes) -> None:
    with open(source, "rb") as file:
        facts = os.fstat(file.fileno())
        data = file.read()
    code = compile(data, shown, "exec", dont_inherit=True, optimize=level)
    head = (_FLAGS.get(mode, 0), int(facts.st_mtime) & _FULL, len(data) & _FULL)
    body = b"".join([each.to_bytes(4, "little") for each in head])
    if mode:
        body = body[:4] + importlib.util.source_hash(data)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    with open(os.open(target, flags, 0o666), "wb") as file:
        file.write(importlib.util.MAGIC_NUMBER + body + marshal.dumps(code))


def _serve(request: bytes, answer: "int") -> None:
    source, target, suffix, level, mode, *modules = request.split(b"\0")
    for module in modules:
        directory, _, name = module.rpartition(b"/")
        home = os.path.join(target, directory, b"__pycache__")
        try:
            os.makedirs(home, exist_ok=True)
            place = os.path.join(home, name[: -len(b".py")] + suffix)
            _compile(os.path.join(source, module), place, os.fsdecode(module), int(level), mode)
            said = b"1"
        except OSError:
            said = b"e"
        except Exception:  # whatever is wrong with a source is no concern of the install
            said = b"0"
        os.write(answer, said)


def main() -> None:
    """Serve requests until standard input ends."""
    while True:
        size = int.from_bytes(sys.stdin.buffer.read(8), "little")
        if not size:
            return
        _serve(sys.stdin.buffer.read(size), 1)


if __name__ == "__main__":
    main()
