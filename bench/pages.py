"""Index pages of the true shape, forged from the recorded table, and sets of packages that make a resolver go back.

Only pages, metadata and the newest wheels exist: these indexes are there to be resolved on. The server maps
``packages/../../NAME-VERSION-TAGS.whl.metadata`` to ``metadata/NAME-VERSION``, and a wheel to ``wheels/NAME-VERSION``.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path

from bench.shapes import Shape, metadata_of, shapes

_PYTHONS = ("cp312", "cp311", "cp313", "cp314", "cp310", "cp39")
_PLATFORMS = (
    "manylinux2014_x86_64.manylinux_2_17_x86_64",
    "macosx_11_0_arm64",
    "win_amd64",
    "manylinux2014_aarch64.manylinux_2_17_aarch64",
    "musllinux_1_2_x86_64",
    "macosx_10_13_x86_64",
    "win32",
    "musllinux_1_2_aarch64",
    "manylinux2014_ppc64le.manylinux_2_17_ppc64le",
    "manylinux2014_s390x.manylinux_2_17_s390x",
)
_TAGS = [f"{python}-{python}-{platform}" for platform, python in product(_PLATFORMS, _PYTHONS)]
_FIRST = datetime(2012, 1, 1, 10, 30, 1, 123456, UTC)  # when the oldest version of each package was uploaded
_WHEELS = 3  # versions of a package that get a wheel on an index without separate metadata
_FILLER = 65536  # bytes of a wheel that a range request need not read


@dataclass(frozen=True, kw_only=True)
class Project:
    """A package of an index: its shape, versions (newest first), and what a version requires by its position."""

    shape: Shape
    versions: list[str]
    requires: Callable[[int], tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class ForgedSet:
    """Packages that make a resolver go back, and what is asked of them."""

    projects: list[Project]
    requirements: str
    constraints: str = ""


def real_projects() -> list[Project]:
    """Return the recorded packages, each with as many versions and files as it has."""
    return [_project(shape) for shape in shapes().values()]


def _project(shape: Shape, requires: Callable[[int], tuple[str, ...]] | None = None) -> Project:
    return Project(shape=shape, versions=older(shape), requires=requires or (lambda number: shape.requires))


@cache
def older(shape: Shape) -> list[str]:
    """Return the versions of a package: the newest, and older ones counted down from it."""
    numbers = [int(part) for part in shape.version.split(".") if part.isdecimal()]
    carry = max(9, shape.versions // max(1, numbers[-2])) if len(numbers) > 1 else 9
    found = [shape.version]
    while len(found) < shape.versions:
        place = next((at for at in reversed(range(len(numbers))) if numbers[at]), None)
        if place is None:
            found.append(f"{'.'.join(map(str, numbers))}.dev{9999 - len(found)}")
            continue
        numbers = [*numbers[:place], numbers[place] - 1, *[carry] * (len(numbers) - place - 1)]
        found.append(".".join(map(str, numbers)))
    return found


def write_pages(projects: Iterable[Project], root: Path, *, json_pages: bool, separate: bool) -> None:
    """Write pages (HTML, and JSON if asked for) and metadata, which is in the newest wheels only unless *separate*."""
    for name in ("metadata", "wheels"):
        (root / name).mkdir(parents=True)
    for project in projects:
        files = list(_files(project, root, separate))
        page = root / "simple" / project.shape.name
        page.mkdir(parents=True)
        _put(page / "index.html", _html(files))
        if json_pages:
            _put(page / "index.json", _json(project, files))
    (root / "simple" / "index.html").write_text("<!DOCTYPE html><html><body></body></html>\n")


def _put(path: Path, text: str) -> None:
    path.write_text(text)
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(text.encode(), 1))


@dataclass(frozen=True)
class _File:
    name: str
    digest: str
    python: str
    core: str
    day: int

    @property
    def url(self) -> str:
        return f"../../packages/{self.digest[:2]}/{self.digest[2:4]}/{self.digest[4:]}/{self.name}"


def _files(project: Project, root: Path, separate: bool) -> Iterator[_File]:
    """Yield the files of a page, oldest first as on real ones; forged metadata and wheels are written."""
    shape, last = project.shape, len(project.versions) - 1
    for number in range(last, -1, -1):
        version, name = project.versions[number], shape.name.replace("-", "_")
        size = shape.metadata if number < 20 else 0
        metadata = metadata_of(shape, version, project.requires(number), size)
        core = hashlib.sha256(metadata).hexdigest() if separate else ""
        if separate:
            (root / "metadata" / f"{name}-{version}").write_bytes(metadata)
        elif number < _WHEELS:
            (root / "wheels" / f"{name}-{version}").write_bytes(_wheel(f"{name}-{version}", metadata))
        wheels = [f"{name}-{version}-{tags}.whl" for tags in _tags(shape, number)]
        for file in [*wheels, f"{name}-{version}.tar.gz"]:
            digest = hashlib.sha256(file.encode()).hexdigest()
            yield _File(file, digest, shape.python, core if file.endswith(".whl") else "", last - number)


def _tags(shape: Shape, number: int) -> list[str]:
    """Return the tags of a version's wheels: newer versions have more of them, and old pure ones have none."""
    wheels = shape.files - shape.versions
    if wheels <= shape.versions:
        return ["py3-none-any"] if number < max(wheels, _WHEELS) else []
    share = 2 * wheels / shape.versions * (1 - number / shape.versions)
    return _TAGS[: max(1, round(share))]


def _wheel(stem: str, metadata: bytes) -> bytes:
    info, buffer = f"{stem}.dist-info", io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("filler.dat", bytes(_FILLER))
        archive.writestr(f"{info}/METADATA", metadata, zipfile.ZIP_DEFLATED)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return buffer.getvalue()


def _html(files: list[_File]) -> str:
    lines = []
    for file in files:
        core = f' data-dist-info-metadata="sha256={file.core}" data-core-metadata="sha256={file.core}"'
        python = f' data-requires-python="{html.escape(file.python)}"' if file.python else ""
        href = f"{file.url}#sha256={file.digest}"
        lines.append(f'<a href="{href}"{python}{core if file.core else ""}>{file.name}</a><br />')
    head = '<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.4"></head><body>'
    return "\n".join([head, *lines, "</body></html>", ""])


def _json(project: Project, files: list[_File]) -> str:
    entries = [
        {
            "core-metadata": {"sha256": file.core} if file.core else False,
            "data-dist-info-metadata": {"sha256": file.core} if file.core else False,
            "filename": file.name,
            "hashes": {"sha256": file.digest},
            "requires-python": file.python or None,
            "size": 10_000 + len(file.name),
            "upload-time": (_FIRST + timedelta(days=file.day)).isoformat(),
            "url": file.url,
            "yanked": False,
        }
        for file in files
    ]
    meta = {"_last-serial": 1, "api-version": "1.4"}
    return json.dumps(
        {"files": entries, "meta": meta, "name": project.shape.name, "versions": project.versions[::-1]}
    )


def forged_sets() -> dict[str, Callable[[], ForgedSet]]:
    """Return the sets that make a resolver go back, by name."""
    return {"chain": _chain, "constrained": _constrained, "drift": _drift}


def _chain() -> ForgedSet:
    """As boto3, botocore and urllib3: a new version a day, and only those of years ago take an old urllib3."""
    known = {
        name: replace(shape, files=2 * shape.versions) for name, shape in shapes().items()
    }  # wheels for all
    core = older(known["botocore"])

    def client(number: int) -> tuple[str, ...]:
        major, minor, patch = core[number * len(core) // known["boto3"].versions].split(".")
        range_ = f"botocore<{major}.{int(minor) + 1}.0,>={major}.{minor}.{patch}"
        transfer = max(1, 19 - number // 120)
        return (range_, "jmespath<2.0.0,>=0.7.1", f"s3transfer<0.{transfer + 1}.0,>=0.{transfer}.0")

    def botocore(number: int) -> tuple[str, ...]:
        urllib3 = "urllib3!=2.2.0,<3,>=1.25.4" if number < 1600 else "urllib3<1.26,>=1.20"
        return ("jmespath<2.0.0,>=0.7.1", "python-dateutil<3.0.0,>=2.1", urllib3)

    def transfer(number: int) -> tuple[str, ...]:
        return (f"botocore<2.0a.0,>=1.{max(0, 36 - number // 2)}.0",)

    plain = [_project(known[name]) for name in ("jmespath", "python-dateutil", "six")]
    transfers = replace(known["s3transfer"], version="0.19.3", versions=190, files=380)
    minors = [*(f"2.{minor}" for minor in range(8, -1, -1)), *(f"1.{minor}" for minor in range(26, 19, -1))]
    texts = [f"{minor}.{patch}" for minor in minors for patch in range(9, -1, -1)]
    urllib3 = Project(
        shape=replace(known["urllib3"], versions=len(texts), files=2 * len(texts)),
        versions=texts,
        requires=lambda number: (),
    )
    own = [_project(known["boto3"], client), _project(known["botocore"], botocore)]
    projects = [*own, _project(transfers, transfer), urllib3, *plain]
    return ForgedSet(projects=projects, requirements="boto3\nurllib3<1.25.4\n")


def _constrained() -> ForgedSet:
    """As airflow: 90 providers by extras, 400 libraries, and constraints that pin every one to no newest version."""
    libraries = [_shape(f"library-{number:03}", versions=20 + number % 90) for number in range(400)]
    providers = [_shape(f"flow-provider-{number:02}", versions=30 + number) for number in range(90)]
    extras = tuple(f'{each.name}>=1.0; extra == "p{at}"' for at, each in enumerate(providers))
    base = tuple(f"{each.name}>=1.0" for each in libraries[:120])
    flow = _shape("flow", versions=60)

    def needs(at: int) -> Callable[[int], tuple[str, ...]]:
        own = tuple(f"{libraries[(at * 7 + step * 61) % 400].name}>=1.0" for step in range(6))
        return lambda number: ("flow>=2.0", *own)

    projects = [_project(each) for each in libraries]
    projects += [_project(each, needs(at)) for at, each in enumerate(providers)]
    projects.append(_project(flow, lambda number: base + extras))
    pins = "".join(f"{each.shape.name}=={each.versions[3]}\n" for each in projects)
    wanted = ",".join(f"p{at}" for at in range(90))
    return ForgedSet(projects=projects, requirements=f"flow[{wanted}]\n", constraints=pins)


def _drift() -> ForgedSet:
    """As a science stack: layers of packages whose ranges drift apart, and an old package that is asked for below."""
    layers = [[_shape(f"layer{layer}-{at}", versions=60 + 25 * at) for at in range(5)] for layer in range(5)]

    def needs(layer: int, at: int) -> Callable[[int], tuple[str, ...]]:
        if layer == 4:
            return lambda number: ()
        own, below = layers[layer][at], [layers[layer + 1][(at + step) % 5] for step in (0, 1)]

        def requires(number: int) -> tuple[str, ...]:
            age = number / own.versions
            return tuple(_window(each, age - 0.03, age + 0.08) for each in below)

        return requires

    projects = [
        _project(each, needs(layer, at)) for layer, row in enumerate(layers) for at, each in enumerate(row)
    ]
    old = older(layers[4][2])[round(layers[4][2].versions * 0.55)]
    requirements = "".join(f"{each.name}\n" for each in layers[0]) + f"{layers[4][2].name}<={old}\n"
    return ForgedSet(projects=projects, requirements=requirements)


def _window(shape: Shape, newest: float, oldest: float) -> str:
    versions = older(shape)
    low = versions[min(len(versions) - 1, round(oldest * len(versions)))]
    return f"{shape.name}>={low},<={versions[max(0, round(newest * len(versions)))]}"


def _shape(name: str, versions: int) -> Shape:
    return Shape(name=name, version="40.5.9", versions=versions, files=2 * versions, metadata=4000)
