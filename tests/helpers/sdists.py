"""A forge of source distributions, and of a build backend that tells what it does: ``toy``, in one wheel.

A project of this backend has a ``toy.json``: its name, version and requirements (``requires``), what
``get_requires`` answers (``asks``), modules to import while building (``imports``), whether and how to ``fail``,
seconds to ``wait``, a file to write a line to for each build (``told``), and the wheel's ``tag``, in which ``{0}``
and ``{1}`` are those of the version of Python. The built module tells the config
settings and what was imported.
"""

import gzip
import io
import json
import tarfile
from pathlib import Path

from tests.helpers.wheels import forge_wheel

BACKEND = """
import json, os, sys, time, zipfile

def _read():
    with open("toy.json") as file:
        return json.load(file)

def _tell(project, what):
    if project["told"]:
        with open(project["told"], "a") as file:
            file.write(f"{what} {project['name']} {os.getpid()}\\n")

def _metadata(project):
    lines = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    lines += [f"Requires-Dist: {each}" for each in project["requires"]]
    return "\\n".join(lines) + "\\n"

def get_requires_for_build_wheel(config_settings=None):
    return _read()["asks"]

get_requires_for_build_editable = get_requires_for_build_wheel

def _write(directory, settings, files):
    project = _read()
    _tell(project, "wheel")
    print("building", project["name"])
    time.sleep(project["wait"])
    if project["fail"]:
        print("something is", project["fail"], file=sys.stderr)
        raise SystemExit(project["fail"])
    found = [__import__(each).__name__ for each in project["imports"]]
    escaped = project["name"].replace("-", "_")
    stem = f"{escaped}-{project['version']}"
    told = {"settings": settings, "imported": found, "python": list(sys.version_info[:2])}
    files = files or project["files"]
    files = {f"{escaped}.py": f"TOLD = {told!r}\\n"} if files is None else files
    tag = project["tag"].format(*sys.version_info)
    wheel = f"Wheel-Version: 1.0\\nGenerator: toy\\nRoot-Is-Purelib: true\\nTag: {tag}\\n"
    files = {**files, f"{stem}.dist-info/METADATA": _metadata(project), f"{stem}.dist-info/WHEEL": wheel}
    files[f"{stem}.dist-info/RECORD"] = "".join(f"{each},,\\n" for each in [*files, f"{stem}.dist-info/RECORD"])
    name = f"{stem}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return name

def build_wheel(directory, config_settings=None, metadata_directory=None):
    return _write(directory, config_settings, {})

def build_editable(directory, config_settings=None, metadata_directory=None):
    return _write(directory, config_settings, {f"_{_read()['name']}.pth": os.getcwd() + "\\n"})
"""

PREPARES = """
def prepare_metadata_for_build_wheel(directory, config_settings=None):
    project = _read()
    _tell(project, "metadata")
    stem = f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    os.mkdir(os.path.join(directory, stem))
    with open(os.path.join(directory, stem, "METADATA"), "w") as file:
        file.write(_metadata(project))
    return stem

prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel
"""


def forge_backend(version="1.0", *, requires=()):
    """Return ``(filename, bytes)`` of the backend: ``toy``, and ``toy_plain``, which has no metadata hook."""
    files = {"toy.py": BACKEND + PREPARES, "toy_plain.py": BACKEND}
    return forge_wheel("toy", version, files, requires=requires)


def project_files(
    name,
    version="1.0",
    *,
    requires=(),
    needs=("toy",),
    asks=(),
    imports=(),
    fail="",
    wait=0,
    told="",
    backend="toy",
    tag="py3-none-any",
    static=False,
    files=None,
    more=None,
):
    """Return ``{path: text}`` of a project; *needs* are its build requirements. With *static*, PEP 621 tells it all.

    *files* go into the wheel in place of the module; *more* are in the source alone.
    """
    project = {
        "name": name, "version": version, "requires": list(requires), "asks": list(asks), "imports": list(imports),
        "fail": fail, "wait": wait, "told": str(told), "tag": tag,
        "files": files,
    }  # fmt: skip
    system = f"[build-system]\nrequires = {json.dumps(list(needs))}\nbuild-backend = {json.dumps(backend)}\n"
    if static:
        wanted = json.dumps(list(requires))
        system += (
            f"[project]\nname = {json.dumps(name)}\nversion = {json.dumps(version)}\ndependencies = {wanted}\n"
        )
    return {"pyproject.toml": system, "toy.json": json.dumps(project, indent=1), **(more or {})}


def tar_bytes(files):
    """Return a ``.tar.gz`` of *files*, the same on every run."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def forge_sdist(name, version="1.0", **options):
    """Return ``(filename, bytes)`` of a source distribution; the *options* are those of :func:`project_files`."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {"PKG-INFO": info, **project_files(name, version, **options)}
    return f"{stem}.tar.gz", tar_bytes({f"{stem}/{path}": text for path, text in files.items()})


def write_project(directory, name, version="1.0", **options):
    """Write a project into *directory* and return that."""
    directory.mkdir(parents=True, exist_ok=True)
    for path, text in project_files(name, version, **options).items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return directory


def hooks_run(log: Path) -> list[str]:
    """Return the hooks that ran, sorted: lines of the file that distributions were forged with as ``told``."""
    return sorted(line.rsplit(" ", 1)[0] for line in log.read_text().splitlines()) if log.exists() else []
