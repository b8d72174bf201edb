"""Forged distributions: wheels with the counts and sizes of real ones, and sources with a backend of their own."""

from __future__ import annotations

import hashlib
import io
import random
import tarfile
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path

from bench.shapes import Shape, metadata_of, pins_of, shapes

BACKEND = "forged-backend"
_TAG = "py3-none-any"
_BUILD = '''
"""A build backend that needs nothing: it zips the module that lies beside pyproject.toml, and may wait before."""
import os, pathlib, time, tomllib, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    time.sleep(float(os.environ.get("FORGED_BUILD_SECONDS", "0")))
    project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
    name, info = project["name"].replace("-", "_"), project["name"].replace("-", "_") + "-" + project["version"]
    file = f"{info}-py3-none-any.whl"
    files = {f"{name}.py": pathlib.Path(f"{name}.py").read_text(),
             f"{info}.dist-info/METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {project['version']}\\n",
             f"{info}.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
    files[f"{info}.dist-info/RECORD"] = "".join(f"{name},,\\n" for name in [*files, f"{info}.dist-info/RECORD"])
    with zipfile.ZipFile(pathlib.Path(directory, file), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file
'''


def forged_wheels(requirements: Path, directory: Path) -> list[Path]:
    """Return wheels for the pins of a file, of the recorded shapes; those that *directory* has are not made again."""
    directory.mkdir(parents=True, exist_ok=True)
    known = shapes()
    return [
        _wheel(directory, known.get(name) or Shape(name=name, version=version), version)
        for name, version in pins_of(requirements)
    ]


def small_wheels(directory: Path, count: int) -> list[Path]:
    """Return so many wheels of ten small files each."""
    directory.mkdir(parents=True, exist_ok=True)
    return [
        _wheel(directory, Shape(name=f"small-{number:04}", version="1.0"), "1.0") for number in range(count)
    ]


def forged_sdists(requirements: Path, directory: Path) -> tuple[list[Path], list[Path]]:
    """Return source distributions for the pins of a file, and the wheel of the backend that builds them."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {"forged_backend.py": _BUILD.encode()}
    backend = _archive(directory, Shape(name=BACKEND, version="1.0"), "1.0", files)
    return [_sdist(directory, name, version) for name, version in pins_of(requirements)], [backend]


def _wheel(directory: Path, shape: Shape, version: str) -> Path:
    place = directory / f"{_file_name(shape.name)}-{version}-{_TAG}.whl"
    return place if place.exists() else _archive(directory, shape, version, _members(shape))


def _members(shape: Shape) -> dict[str, bytes]:
    """Return the files of a package, of which over a half is noise: that compresses as wheels usually do."""
    generator = random.Random(shape.name)
    noise = generator.randbytes(1 << 17).hex()
    own = max(1, shape.members - 3)  # without METADATA, WHEEL and RECORD
    rest = max(0, shape.bytes - shape.largest) // max(1, own - 1)
    package, files = _file_name(shape.name), {}
    for number in range(own):
        name = f"part{number // 40}/m{number}" if number else "__init__"
        suffix = "py" if number < shape.modules else "dat"
        files[f"{package}/{name}.{suffix}"] = _text(generator, noise, rest if number else shape.largest)
    return files


def _text(generator: random.Random, noise: str, size: int) -> bytes:
    lines, length = [], 0
    while length < size:
        start = generator.randrange(len(noise) - 100)
        lines += [f"# {noise[start : start + 100]}\n", "value = [1, 2, 3]  # a line as any other\n" * 2]
        length += 185
    return "".join(lines)[:size].rpartition("\n")[0].encode() + b"\n"


def _archive(directory: Path, shape: Shape, version: str, files: dict[str, bytes]) -> Path:
    stem = f"{_file_name(shape.name)}-{version}"
    info = f"{stem}.dist-info"
    metadata = metadata_of(shape, version, shape.requires, shape.metadata)
    wheel = f"Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: {_TAG}\n".encode()
    files = {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel}
    record = [f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files.items()]
    files[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"]).encode()
    place = directory / f"{stem}-{_TAG}.whl"
    with zipfile.ZipFile(place.with_suffix(".part"), "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return place.with_suffix(".part").rename(place)


def _sdist(directory: Path, name: str, version: str) -> Path:
    build = f'[build-system]\nrequires = ["{BACKEND}"]\nbuild-backend = "forged_backend"\n'
    project = f'[project]\nname = "{name}"\nversion = "{version}"\n'
    info = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    texts = {"pyproject.toml": build + project, "PKG-INFO": info, f"{_file_name(name)}.py": "value = 1\n"}
    place = directory / f"{_file_name(name)}-{version}.tar.gz"
    with tarfile.open(place, "w:gz") as archive:
        for file, text in texts.items():
            member = tarfile.TarInfo(f"{_file_name(name)}-{version}/{file}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return place


def _file_name(name: str) -> str:
    return name.replace("-", "_")


def _digest(data: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def enlarged(names: Iterable[str], target: Path, environments: int, packages: int) -> Path:
    """Write a monorepo of so many environments of so many of the pins each, always the same."""
    generator, pins = random.Random(42), sorted(names)
    for number in range(environments):
        directory = target / "services" / f"service-{number:03}"
        directory.mkdir(parents=True)
        chosen = sorted(generator.sample(pins, packages))
        (directory / "requirements.txt").write_text("\n".join([*chosen, ""]))
    return target
