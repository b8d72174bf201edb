"""Universes over an index server, and what is uploaded there for them."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.network import Network
from puffin.stages.resolve.index.config import IndexConfig, Scope
from puffin.stages.resolve.index.errors import on_several
from puffin.stages.resolve.locate.locate import cannot_locate, locate
from puffin.stages.resolve.requirements.values import Pin
from puffin.stages.resolve.solve.universe import Metadata
from puffin.stages.resolve.universe.index import IndexUniverse
from tests.helpers.index_server import IndexServer
from tests.helpers.wheels import forge_wheel

TAGS = ("cp312-cp312-manylinux_2_17_x86_64", "cp312-abi3-manylinux_2_17_x86_64", "py3-none-any")
NOW = 1_800_000_000.0
STATIC = "Metadata-Version: 2.2\nName: {0}\nVersion: {1}\nRequires-Dist: idna>=2\nRequires-Python: >=3.8\n\n"

Make = Callable[..., IndexUniverse]


def scope_at(now: float, **fields: Any) -> Scope:
    """The scope of a run for Python 3.12.1."""
    return Scope(**{"config": IndexConfig(), "tags": TAGS, "python_version": "3.12.1", "now": now, **fields})


def located(pins: list[Pin], scope: Scope, **seams: Any) -> Any:
    """The ``artifacts`` of pins and all ``warnings``; raises what a command raises where there is none."""
    found, warnings, several = locate(pins, scope, **seams)
    failures = [each for each in found if isinstance(each, PuffinError)]
    if failures:
        raise cannot_locate(failures, len(pins))
    return SimpleNamespace(artifacts=tuple(found), warnings=(*warnings, *on_several(several)))


@contextmanager
def universes(cache: Path, index: IndexServer) -> Iterator[Make]:
    """Makes universes over one cache; all of them are closed, and no thread may be left."""
    made: list[IndexUniverse] = []
    clients: list[Client] = []

    def universe(
        *,
        build: Any = None,
        begin: Any = None,
        checkout: Any = None,
        config: IndexConfig | None = None,
        **scope: Any,
    ) -> IndexUniverse:
        client = Client(Network(offline=scope.get("offline", False), retries=0), sleep=lambda _: None)
        clients.append(client)
        asked = scope_at(**{"now": NOW, "config": config or IndexConfig(index_url=index.url), **scope})
        store = Cache(str(cache))
        made.append(
            IndexUniverse(asked, client=client, cache=store, build=build, begin=begin, checkout=checkout)
        )
        return made[-1]

    yield universe
    for each in made:
        each.close()
    for client in clients:
        client.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("puffin-resolve")]


def offer(index: IndexServer, name: str, version: str, *, metadata: Any = True, **options: Any) -> bytes:
    """Upload a wheel forged with *options* to *index*; return its bytes."""
    upload = {key: options.pop(key) for key in ("yanked", "hashes") if key in options}
    filename, data = forge_wheel(name, version, **options)
    index.add(filename, data, requires_python=options.get("requires_python"), metadata=metadata, **upload)
    return data


def sdist(name: str, version: str, files: dict[str, str]) -> tuple[str, bytes]:
    """Return the name and the bytes of a source distribution of *files*."""
    stem = f"{name}-{version}"
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{stem}/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return f"{stem}.tar.gz", target.getvalue()


def newest(universe: IndexUniverse, name: str) -> Metadata:
    """Return the metadata of the newest version of a package."""
    found = universe.versions(name)
    return universe.metadata(found.release(found.versions[0]).handle)
