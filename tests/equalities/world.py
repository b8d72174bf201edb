"""What the rows of the table take from: two indexes, directories, a repository; and the words that name it.

In a row ``$INDEX`` and ``$OTHER`` are the indexes, ``$FILES`` where the first has its files, ``$WEB`` its root,
``$WORLD`` a directory, ``$COMMIT`` and ``$HEAD`` commits of the repository there, and ``$sha256(FILE)``,
``$sha512(FILE)`` and ``$size(FILE)`` facts of a file of an index.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.helpers.index_server import IndexServer
from tests.helpers.repositories import Repository
from tests.helpers.sdists import forge_backend, forge_sdist, project_files, write_project
from tests.helpers.wheels import forge_wheel

EARLY, LATE = "2020-01-02T03:04:05Z", "2024-01-02T03:04:05Z"
_PLACEHOLDER = re.compile(r"\$(sha256|sha512|size)\(([^)]+)\)|\$([A-Z]+)")


class World:
    """The indexes and the directory, read by all rows and changed by none."""

    def __init__(self, root: Path, index: IndexServer, other: IndexServer) -> None:
        self.root = root
        self.index = index
        self.other = other
        self._files: dict[str, bytes] = {}
        self._fill_index()
        self._fill_other()
        self._fill_directory()
        self._serve_pages()
        self.names = {
            "INDEX": index.url, "OTHER": other.url, "FILES": f"{index.root}/files", "WEB": index.root,
            "WORLD": str(root), "COMMIT": self._commit, "HEAD": self._head,
        }  # fmt: skip

    def expand(self, text: str, here: Path) -> str:
        """Return *text* with all placeholders replaced; ``$HERE`` is *here*."""

        def value(found: re.Match[str]) -> str:
            if found[3]:
                return {**self.names, "HERE": str(here)}[found[3]]
            data = self._files[found[2]]
            return str(len(data)) if found[1] == "size" else hashlib.new(found[1], data).hexdigest()

        return _PLACEHOLDER.sub(value, text)

    def _add(self, filename: str, data: bytes, **options: object) -> None:
        self._files[filename] = data
        self.index.add(filename, data, **options)  # type: ignore[arg-type]

    def _fill_index(self) -> None:
        add = self._add
        add(*forge_backend(), uploaded=EARLY)
        for version in ("0.5", "1.0"):
            add(*forge_wheel("a", version))
        add(*forge_wheel("b", "1.0", requires=["a"]))
        add(*forge_wheel("b", "2.0", requires=["a<1"]))
        add(*forge_wheel("bare", "1.0"), hashes=False)
        add(*forge_sdist("src"))
        add(*forge_wheel("both", "1.0"))
        add(*forge_sdist("both"))
        add(*forge_wheel("half", "1.0", metadata_extra="Summary: yanked\n"), yanked="broken")
        add(*forge_sdist("half"))
        add(*forge_wheel("gone", "1.0"))
        add(*forge_wheel("gone", "2.0"), yanked="broken")
        add(*forge_wheel("never", "1.0"), yanked="")
        more = "Provides-Extra: more\nRequires-Dist: a; extra == 'more'\n"
        add(*forge_wheel("x", "1.0", metadata_extra=more))
        add(*forge_wheel("new", "1.0"), uploaded=EARLY)
        add(*forge_wheel("new", "2.0"), uploaded=LATE)
        add(*forge_wheel("late", "1.0"), uploaded=LATE)
        add(*forge_sdist("late"), uploaded=EARLY)
        add(*forge_wheel("pre", "1.0"))
        add(*forge_wheel("pre", "2.0rc1"))
        add(*forge_wheel("old", "1.0"))
        add(*forge_wheel("old", "2.0", requires_python=">=4"), requires_python=">=4")
        add(*forge_wheel("two", "1.0"))
        add(*forge_wheel("foreign", "1.0", tag="cp39-cp39-win_amd64"))
        add(*forge_wheel("deep", "1.0", requires=["b<2", "src"]))
        add(*forge_wheel("lying", "1.0"), metadata=False)
        add(*forge_wheel("tool", "1.0", {"tool_old.py": ""}))
        add(*forge_wheel("tool", "2.0"))
        add(*forge_wheel("gear", "1.0", requires=["tool"]))
        add(*forge_sdist("picky", needs=["toy", "tool"], imports=["tool_old"]))
        add(*forge_sdist("pickier", needs=["toy", "gear"], imports=["tool_old"]))
        for name in ("pip", "setuptools", "wheel"):
            add(*forge_wheel(name, "1.0"), uploaded=EARLY)
            add(*forge_wheel(name, "2.0"), uploaded=LATE)

    def _fill_other(self) -> None:
        for version in ("1.0", "2.0"):
            self.other.add(*forge_wheel("two", version, metadata_extra="Summary: other\n"))
        self.other.add(*forge_wheel("only", "1.0", metadata_extra="Summary: other\n"))
        for name in ("pip", "setuptools", "wheel"):
            self.other.add(*forge_wheel(name, "1.5", metadata_extra="Summary: other\n"))

    def _fill_directory(self) -> None:
        links = self.root / "links"
        links.mkdir(parents=True)
        for name, version in (("linked", "1.0"), ("a", "1.0"), ("a", "3.0")):
            filename, data = forge_wheel(name, version, metadata_extra="Summary: links\n")
            (links / filename).write_bytes(data)
        filename, data = forge_sdist("packed")
        (self.root / filename).write_bytes(data)
        self._files[filename] = data
        filename, data = forge_wheel("local", "1.0")
        (self.root / filename).write_bytes(data)
        self._files[filename] = data
        write_project(self.root / "proj", "proj", static=True)
        write_project(self.root / "needy", "needy", requires=["a<1"], static=True)
        repository = Repository(self.root / "repo")
        self._commit = repository.commit(project_files("gitted", static=True))
        repository.commit(project_files("gitted", "2.0", static=True))
        self._head = repository.commit(
            {f"below/{path}": text for path, text in project_files("below", static=True).items()}
        )

    def _serve_pages(self) -> None:
        serve = self.index.serve
        serve("/pins.txt", b"a==1.0\n", "text/plain")
        serve("/ranges.txt", b"a<1\n", "text/plain")
        serve("/nested.txt", b"-r pins.txt\nb==1.0\n", "text/plain")
        serve("/limits.txt", b"a<1\n", "text/plain")


@contextmanager
def made_world(root: Path) -> Iterator[World]:
    """Serve a world whose directory is *root*."""
    with IndexServer() as index, IndexServer() as other:
        yield World(root, index, other)
