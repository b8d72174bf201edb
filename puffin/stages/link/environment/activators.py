"""Activation scripts of a virtual environment: templates filled with values quoted for each shell.

Templates are bytes, because paths may be anything the file system takes. Values stand between ``@@``, and
a filled value is never looked at again, so a path with ``@@`` in it stays what it is.
"""

import os

from puffin.types import Callable

Quote = Callable[[bytes], bytes]

_TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "venv_scripts")
_CURLY_QUOTES = tuple(chr(code).encode() for code in (0x2018, 0x2019, 0x201A, 0x201B))
_LINE_ENDS = bytes.maketrans(b"\r\n", b"  ")


def quote_sh(value: bytes) -> bytes:
    """Return *value* as a word of POSIX shells."""
    return b"'" + value.replace(b"'", b"'\"'\"'") + b"'"


def quote_csh(value: bytes) -> bytes:
    """Return *value* as a word of csh, whose history substitution and line ends pierce quotes."""
    return quote_sh(value).replace(b"!", b"\\!").replace(b"\n", b"\\\n")


def quote_fish(value: bytes) -> bytes:
    """Return *value* as a word of fish."""
    return b"'" + value.replace(b"\\", b"\\\\").replace(b"'", b"\\'") + b"'"


def quote_nu(value: bytes) -> bytes:
    """Return *value* as a string of Nushell."""
    return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'


def quote_ps1(value: bytes) -> bytes:
    """Return *value* as a string of PowerShell, to which curly quotes are quotes too."""
    for quote in (b"'", *_CURLY_QUOTES):
        value = value.replace(quote, quote * 2)
    return b"'" + value + b"'"


def quote_bat(value: bytes) -> bytes:
    """Return *value* for the inside of ``set "NAME=value"``, where a double quote is impossible."""
    return value.translate(_LINE_ENDS).replace(b"%", b"%%").replace(b'"', b"")


def quote_xonsh(value: bytes) -> bytes:
    """Return *value* as a string of xonsh, which is Python."""
    return ascii(os.fsdecode(value)).encode("ascii")


_SH_BESIDE = (
    b'"$(CDPATH= cd -- "$(dirname -- "${BASH_SOURCE:-'
    b'$(eval \'printf "%s" "${(%):-%x}"\' 2>/dev/null)}")/.." && pwd)"'
)
_BESIDE = {  # where a relocatable environment is: above the directory of the script that is being read
    "activate": _SH_BESIDE,
    "activate.fish": b"(cd (dirname (status filename))/..; and pwd)",
    "activate.ps1": b"(Split-Path -Parent $PSScriptRoot)",
    "activate.bat": b'for %%i in ("%~dp0..") do set "VIRTUAL_ENV=%%~fi"',
    "activate.xsh": b"os.path.dirname(os.path.dirname(os.path.abspath(__file__)))",
}
_CSH_FIXED = b"setenv VIRTUAL_ENV %s"
_CSH_BESIDE = (
    b'set _PUFFIN_ROOT="`ls -l /proc/$$/fd |& '
    b"sed -n 's|.* -> \\(/.*\\)/[^/]*/activate[.]csh.*|\\1|p' | tail -n 1`\"\n"
    b'if ("$_PUFFIN_ROOT:q" == "") set _PUFFIN_ROOT=%s\n'
    b'setenv VIRTUAL_ENV "$_PUFFIN_ROOT:q"\n'
    b"unset _PUFFIN_ROOT"
)
_HERE = {  # how a script gets VIRTUAL_ENV that no expression tells where it lies: of a fixed place, and of any
    "activate.csh": (_CSH_FIXED, _CSH_BESIDE),
    "activate.nu": (
        b"let virtual_env = (%s)",
        b"const virtual_env = (path self | path dirname | path dirname)",
    ),
}
_QUOTES: "dict[str, Quote]" = {
    "activate": quote_sh,
    "activate.csh": quote_csh,
    "activate.fish": quote_fish,
    "activate.nu": quote_nu,
    "activate.ps1": quote_ps1,
    "activate.bat": quote_bat,
    "activate.xsh": quote_xonsh,
    "deactivate.bat": quote_bat,
}


def activators(root: str, bin_name: str, prompt: str, *, relocatable: bool) -> dict[str, bytes]:
    """Return the content of each activation script by its name.

    csh tells no script where it lies. Where *relocatable*, the files that the shell has open tell; without them the
    script names *root*.
    """
    return {
        name: _filled(name, os.fsencode(root), os.fsencode(bin_name), os.fsencode(prompt), relocatable)
        for name in _QUOTES
    }


def _filled(name: str, root: bytes, bin_name: bytes, prompt: bytes, relocatable: bool) -> bytes:
    quote = _QUOTES[name]
    place = b'set "VIRTUAL_ENV=' + quote_bat(root) + b'"' if name == "activate.bat" else quote(root)
    fixed, beside = _HERE.get(name, (b"", b""))
    here = beside if relocatable else fixed
    values = {
        b"HERE": here.replace(b"%s", place),
        b"ROOT": _BESIDE.get(name, place) if relocatable else place,
        b"BIN": quote(bin_name),
        b"PROMPT": quote(prompt),
    }
    with open(os.path.join(_TEMPLATES, name), "rb") as file:
        parts = file.read().split(b"@@")
    text = b"".join(values[part] if index % 2 else part for index, part in enumerate(parts))
    if name.endswith(".bat"):
        return text.replace(b"\n", b"\r\n")
    # Windows PowerShell takes a file without the mark for one in the code page of the system
    return b"\xef\xbb\xbf" + text if name.endswith(".ps1") else text
