"""Requirements files as they are found in the wild, and why puffin makes something else of one than pip or uv does."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from tests.helpers.wheels import forge_wheel


class Case(NamedTuple):
    """A directory of files, of which ``requirements.txt`` is installed.

    ``{sha:NAME-VERSION}`` stands for a wheel's sha256, ``{here}`` for the directory.
    """

    name: str
    files: dict[str, str | bytes]


WHEELS = {
    "alpha-1.0": {},
    "alpha-2.0": {},
    "alpha-3.0b1": {},
    "beta-1.0": {"requires": ["alpha"]},
    "gamma-1.0": {"requires": ["beta; extra == 'fast'"], "metadata_extra": "Provides-Extra: fast\n"},
}


def one(text: str | bytes) -> dict[str, str | bytes]:
    return {"requirements.txt": text}


CASES = (
    Case("pins and comments", one("# made by hand\n\nalpha==1.0  # why not 2\n  beta==1.0\n")),
    Case("hashes over lines", one("alpha==1.0 \\\n    --hash=sha256:{sha:alpha-1.0} \\\n    --hash=md5:" + "0" * 32)),
    Case("a hash that differs", one("alpha==1.0 --hash=sha256:" + "0" * 64 + "\n")),
    Case("some hashes", one("alpha==1.0 --hash=sha256:{sha:alpha-1.0}\ngamma==1.0\n")),
    Case("markers", one("alpha==1.0; python_version >= '3'\ngone==1; sys_platform == 'nowhere'\n")),
    Case("extras", one("gamma[fast]>=1\n")),
    Case(
        "includes and constraints",
        {
            "requirements.txt": "-r more/base.txt\n-c limits.txt\nbeta\n",
            "more/base.txt": "-r ../common.txt\n",
            "common.txt": "gamma\n",
            "limits.txt": "alpha<2\nnever==1\n",
        },
    ),
    Case(
        "a cycle of includes",
        {"requirements.txt": "-r other.txt\nalpha\n", "other.txt": "-r requirements.txt\nbeta\n"},
    ),
    Case("variables", one("alpha==${WILD_VERSION}\n")),
    Case("a variable that is not set", one("alpha==1.0\n-f ${WILD_UNSET}/x\n")),
    Case("a comment after a continuation", one("alpha==1.0 \\\n# note\nbeta==1.0\n")),
    Case("a comment that ends in a backslash", one("# old: \\\nalpha==1.0\nbeta==1.0\n")),
    Case("UTF-16", one("# café\nalpha==1.0\n".encode("utf-16"))),
    Case("a byte order mark and CRLF", one("alpha==1.0\r\nbeta==1.0\r\n".encode("utf-8-sig"))),
    Case("another encoding", one("# -*- coding: latin-1 -*-\n# café\nalpha==1.0\n".encode("latin-1"))),
    Case("pre-releases", one("--pre\nalpha\n")),
    Case("a pre-release that is asked for", one("alpha>=3.0b1\n")),
    Case("find-links in the file", one("--no-index\n--find-links wheels\nalpha\n")),
    Case("a wheel by its path", one("./wheels/alpha-1.0-py3-none-any.whl\n")),
    Case("a wheel by its URL", one("alpha @ file://{here}/wheels/alpha-1.0-py3-none-any.whl\n")),
    Case("a URL with an egg", one("file://{here}/wheels/alpha-1.0-py3-none-any.whl#egg=alpha\n")),
    Case("one equals sign", one("alpha=1.0\n")),
    Case("a file name as a requirement", {"requirements.txt": "base.txt\n", "base.txt": "alpha\n"}),
    Case("a conda environment", one("name: x\ndependencies:\n  - python=3.12\n  - pip:\n    - alpha==1.0\n")),
    Case("two pins of one package", one("alpha==1.0\nalpha==2.0\n")),
    Case("the same pin twice", one("alpha==1.0\nalpha==1.0\n")),
    Case("names in any spelling", one("ALPHA==1.0\nBeta == 1.0\n")),
    Case("parentheses and blanks", one("alpha (>=1.0, <2)\nbeta >= 1 , != 2\n")),
    Case("a comma too many", one("alpha==1.0,\n")),
    Case("wildcards", one("alpha==1.*\n")),
    Case("arbitrary equality", one("alpha===1.0\n")),
    Case("options of the index", one("--index-url https://x.invalid/simple\n--extra-index-url https://y.invalid/\n"
                                     "--trusted-host x.invalid\nalpha==1.0\n")),
    Case("options of one requirement", one('alpha==1.0 --config-settings "a=b"\n')),
    Case("an option that is gone", one("alpha==1.0 --install-option=--x\n")),
    Case("an option that nobody knows", one("--fast\nalpha==1.0\n")),
    Case("binary formats", one("--only-binary :all:\n--no-binary :none:\nalpha==1.0\n")),
    Case("a feature switch", one("--use-feature=fast-deps\nalpha==1.0\n")),
    Case("nothing at all", one("# nothing yet\n")),
)  # fmt: skip


# what puffin makes of each, and why pip or uv (as recorded) make something else of it
OUTCOMES: dict[str, tuple[str, str]] = {
    "pins and comments": ("alpha==1.0 beta==1.0", ""),
    "hashes over lines": (
        "alpha==1.0",
        "pip takes no md5 on a line; puffin and uv check the strongest that is there",
    ),
    "a hash that differs": (
        "refused",
        "uv checks when it installs; puffin, like pip, refuses in a dry run, before it believes what the file says",
    ),
    "some hashes": (
        "alpha==1.0 gamma==1.0",
        "pip demands hashes of all lines as soon as one has one; puffin does so with --require-hashes",
    ),
    "markers": ("alpha==1.0", ""),
    "extras": ("alpha==2.0 beta==1.0 gamma==1.0", ""),
    "includes and constraints": ("alpha==1.0 beta==1.0 gamma==1.0", ""),
    "a cycle of includes": (
        "alpha==2.0 beta==1.0",
        "pip refuses a file that includes itself; puffin reads it once",
    ),
    "variables": ("alpha==1.0", "uv expands variables in URLs and paths alone; puffin everywhere, as pip"),
    "a variable that is not set": (
        "refused",
        "pip warns of a find-links place that is not there and goes on; puffin stops",
    ),
    "a comment after a continuation": ("alpha==1.0 beta==1.0", ""),
    "a comment that ends in a backslash": ("alpha==1.0 beta==1.0", ""),
    "UTF-16": ("alpha==1.0", ""),
    "a byte order mark and CRLF": ("alpha==1.0 beta==1.0", ""),
    "another encoding": ("alpha==1.0", "uv reads UTF-8 and UTF-16 alone; puffin heeds PEP 263, as pip"),
    "pre-releases": ("alpha==3.0b1", "uv ignores --pre in a file; puffin heeds it, as pip"),
    "a pre-release that is asked for": ("alpha==3.0b1", ""),
    "find-links in the file": ("alpha==2.0", ""),
    "a wheel by its path": ("alpha==1.0", ""),
    "a wheel by its URL": ("alpha==1.0", ""),
    "a URL with an egg": (
        "alpha==1.0",
        "uv takes no fragment on a file URL without a name; puffin does, as pip",
    ),
    "one equals sign": ("refused", ""),
    "a file name as a requirement": ("refused", ""),
    "a conda environment": ("refused", ""),
    "two pins of one package": ("refused", ""),
    "the same pin twice": ("alpha==1.0", ""),
    "names in any spelling": ("alpha==1.0 beta==1.0", ""),
    "parentheses and blanks": ("alpha==1.0 beta==1.0", ""),
    "a comma too many": (
        "alpha==1.0",
        "newer pips, uv and puffin overlook the comma; the recorded pip refuses it",
    ),
    "wildcards": ("alpha==1.0", ""),
    "arbitrary equality": ("alpha==1.0", ""),
    "options of the index": ("alpha==1.0", ""),
    "options of one requirement": (
        "alpha==1.0",
        "uv knows no --config-settings on a line; puffin does, as pip",
    ),
    "an option that is gone": ("refused", ""),
    "an option that nobody knows": ("refused", ""),
    "binary formats": ("alpha==1.0", ""),
    "a feature switch": ("alpha==1.0", ""),
    "nothing at all": ("nothing", ""),
}


def build(case: Case, directory: Path) -> None:
    """Write the files of a case, and the wheels beside them."""
    digests = {}
    for wheel, options in WHEELS.items():
        filename, data = forge_wheel(*wheel.split("-"), **options)
        path = directory / "wheels" / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        digests[f"{{sha:{wheel}}}"] = hashlib.sha256(data).hexdigest()
    for name, content in case.files.items():
        if isinstance(content, str):
            for mark, text in {**digests, "{here}": str(directory)}.items():
                content = content.replace(mark, text)
            content = content.encode()
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
