"""Rows of projects, of lock files, and of seeds."""

from __future__ import annotations

from tests.equalities.rows import COMPILE, LOCK, LOCKED, OWN, PIP_INSTALL, PLACES, PYLOCK, SEED, SYNC, Row
from tests.equalities.table_plain import WRONG, archive
from tests.helpers.sdists import project_files

A = "a-1.0-py3-none-any.whl"
PYPROJECT = """[project]
name = "mine"
version = "1.0"
dependencies = ["a<1"]
[project.optional-dependencies]
more = ["src"]
[dependency-groups]
dev = ["pre", {include-group = "lint"}]
lint = ["gone"]
"""
_PROJECT_WAYS = (PIP_INSTALL, SYNC, COMPILE, PYLOCK)
PROJECTS = (
    Row(
        name="a project",
        text=PYPROJECT,
        source="pyproject.toml",
        installs=("a==0.5",),
        envs='project = "."',
        ways=_PROJECT_WAYS,
    ),
    Row(
        name="a project with an extra",
        text=PYPROJECT,
        source="pyproject.toml",
        installs=("a==0.5", "src==1.0"),
        marks={"src": "built"},
        envs='project = "."\nextras = ["more"]',
        words=("--extra", "more"),
        ways=_PROJECT_WAYS,
    ),
    Row(
        name="a project with a group",
        text=PYPROJECT,
        source="pyproject.toml",
        installs=("a==0.5", "gone==1.0", "pre==1.0"),
        envs='project = "."\ngroups = ["dev"]',
        words=("--group", "dev"),
        ways=(SYNC, COMPILE, PYLOCK),
    ),
    Row(
        name="an extra that is not there",
        text=PYPROJECT,
        source="pyproject.toml",
        refused=(2, "nope"),
        envs='project = "."\nextras = ["nope"]',
        words=("--extra", "nope"),
        ways=_PROJECT_WAYS,
    ),
)


def _sources(name: str, dependencies: str, tables: str, **fields: object) -> Row:
    head = f'[project]\nname = "mine"\nversion = "1.0"\ndependencies = [{dependencies}]\n'
    more = {"source": "pyproject.toml", "envs": 'project = "."', "ways": (*_PROJECT_WAYS, LOCK), **fields}
    return Row(name=name, text=head + tables, **more)  # type: ignore[arg-type]


def _member(name: str, *requires: str) -> dict[str, str]:
    files = project_files(name, requires=requires, static=True)
    return {f"{name}/{path}": text for path, text in files.items()}


_EDITABLE = {"dir_info": {"editable": True}}
WORKSPACES = (
    _sources(
        "sources of each kind",
        '"gitted", "packed", "a>=7"',
        """[tool.uv.sources]
gitted = { git = "file://$WORLD/repo", rev = "$COMMIT" }
packed = { path = "$WORLD/packed-1.0.tar.gz" }
a = [{ url = "$FILES/a-1.0-py3-none-any.whl", marker = "python_version > '3'" }]
""",
        marks={"gitted": "built", "packed": "built"},
        installs=(
            f"a @ $FILES/{A}#sha256=$sha256({A})",
            "gitted @ git+file://$WORLD/repo@$COMMIT",
            "packed @ file://$WORLD/packed-1.0.tar.gz#sha256=$sha256(packed-1.0.tar.gz)",
        ),
        direct={
            "a": archive(f"$FILES/{A}", A),
            "gitted": {
                "url": "file://$WORLD/repo",
                "vcs_info": {"vcs": "git", "commit_id": "$COMMIT", "requested_revision": "$COMMIT"},
            },
            "packed": archive("file://$WORLD/packed-1.0.tar.gz", "packed-1.0.tar.gz"),
        },
    ),
    _sources(
        "an index for one package",
        '"two"',
        '[tool.uv.sources]\ntwo.index = "it"\n[[tool.uv.index]]\nname = "it"\nurl = "$OTHER"\nexplicit = true\n',
        installs=("two==2.0",),
        marks={"two": "other"},
        ways=(PIP_INSTALL, SYNC, PYLOCK, LOCK),
    ),
    _sources(
        "members of a workspace",
        '"proj", "lib"',
        """[tool.puffin.workspace]
members = ["lib", "more"]
[tool.uv.sources]
proj = { path = "$WORLD/proj", editable = true }
""",
        files={**_member("lib", "more"), **_member("more", "lib", "a<1")},
        marks={"lib": "built", "more": "built", "proj": "built"},
        installs=("a==0.5", "-e file://$HERE/lib", "-e file://$HERE/more", "-e file://$WORLD/proj"),
        direct={
            "lib": {"url": "file://$HERE/lib", **_EDITABLE},
            "more": {"url": "file://$HERE/more", **_EDITABLE},
            "proj": {"url": "file://$WORLD/proj", **_EDITABLE},
        },
    ),
    _sources(
        "a source that points nowhere",
        '"a"',
        '[tool.uv.sources]\na = { path = "gone" }\n',
        refused=(2, "pyproject.toml:6"),
    ),
)


def _lock(*packages: str, head: str = "") -> str:
    return f'lock-version = "1.0"\ncreated-by = "x"\n{head}\n' + "".join(
        f"[[packages]]\n{each}\n" for each in packages
    )


def _wheel(name: str, *, place: str = "", digest: str = "", size: str = "", more: str = "") -> str:
    file = f"{name}-1.0-py3-none-any.whl"
    hashes = f'hashes = {{sha256 = "{digest or f"$sha256({file})"}"}}'
    sized = f", size = {size or f'$size({file})'}"
    at = place or f'url = "$FILES/{file}"'
    return f'name = "{name}"\nversion = "1.0"\nwheels = [{{{at}, {hashes}{sized}}}]\n{more}'


def _sdist(name: str) -> str:
    file = f"{name}-1.0.tar.gz"
    return f'sdist = {{url = "$FILES/{file}", hashes = {{sha256 = "$sha256({file})"}}}}\n'


_GROUPED = _lock(
    _wheel("a"),
    _wheel("b", more="marker = \"'dev' in dependency_groups\"\n"),
    _wheel("x", more="marker = \"'docs' in dependency_groups\"\n"),
    _wheel("pre", more="marker = \"'more' in extras\"\n"),
    head='dependency-groups = ["dev", "docs"]\ndefault-groups = ["dev"]\nextras = ["more"]',
)


def _pylock(name: str, text: str, *, words: tuple[str, ...] = (), envs: str = "", **fields: object) -> Row:
    keys = f'pylock = "pylock.toml"\n{envs}'
    return Row(name=name, text=text, source="pylock.toml", words=words, envs=keys, ways=LOCKED, **fields)  # type: ignore[arg-type]


PYLOCKS = (
    _pylock("a lock", _lock(_wheel("a"), _wheel("b")), installs=("a==1.0", "b==1.0"), stages=True),
    _pylock(
        "a lock of files beside it",
        _lock(_wheel("local", place='path = "$WORLD/local-1.0-py3-none-any.whl"')),
        installs=("local==1.0",),
    ),
    _pylock(
        "a lock of files on disk",
        _lock(_wheel("local", place='url = "file://$WORLD/local-1.0-py3-none-any.whl"')),
        installs=("local==1.0",),
    ),
    _pylock("a lock with a wrong hash", _lock(_wheel("a", digest=WRONG)), refused=(1, "hash"), primed="a==1.0"),
    _pylock("a lock with a wrong size", _lock(_wheel("a", size="7")), refused=(1, "7 bytes"), primed="a==1.0"),
    _pylock(
        "a lock of an archive",
        _lock(f'name = "a"\narchive = {{url = "$FILES/{A}", hashes = {{sha256 = "$sha256({A})"}}}}\n'),
        installs=(f"a @ $FILES/{A}#sha256=$sha256({A})",),
        direct={"a": archive(f"$FILES/{A}", A)},
    ),
    _pylock(
        "a lock of a directory",
        _lock('name = "proj"\ndirectory = {path = "$WORLD/proj"}\n'),
        installs=("proj @ file://$WORLD/proj",),
        marks={"proj": "built"},
        direct={"proj": {"url": "file://$WORLD/proj", "dir_info": {}}},
    ),
    _pylock(
        "a lock of a source distribution",
        _lock('name = "src"\nversion = "1.0"\n' + _sdist("src")),
        installs=("src==1.0",),
        marks={"src": "built"},
        stages=True,
    ),
    _pylock(
        "a lock and no-binary",
        _lock(_wheel("both", more=_sdist("both"))),
        installs=("both==1.0",),
        marks={"both": "built"},
        settings={"no-binary": "both"},
        places=PLACES[:5],
    ),
    _pylock(
        "a lock without a source distribution and no-binary",
        _lock(_wheel("a")),
        refused=(2, "no-binary"),
        settings={"no-binary": "a"},
    ),
    _pylock(
        "a lock and only-binary",
        _lock('name = "src"\nversion = "1.0"\n' + _sdist("src")),
        refused=(1, "src"),
        settings={"only-binary": ":all:"},
    ),
    _pylock("a lock with default groups", _GROUPED, installs=("a==1.0", "b==1.0")),
    _pylock(
        "a lock with a group",
        _GROUPED,
        installs=("a==1.0", "b==1.0", "x==1.0"),
        words=("--group", "docs"),
        envs='groups = ["docs"]',
    ),
    _pylock(
        "a lock with an extra",
        _GROUPED,
        installs=("a==1.0", "b==1.0", "pre==1.0"),
        words=("--extra", "more"),
        envs='extras = ["more"]',
    ),
    _pylock(
        "a lock without that group",
        _GROUPED,
        refused=(2, "nope"),
        words=("--group", "nope"),
        envs='groups = ["nope"]',
    ),
    _pylock(
        "a lock for another Python", _lock(_wheel("a"), head='requires-python = ">=4"'), refused=(2, "Python")
    ),
    _pylock("a lock of another version", _lock(_wheel("a")).replace('"1.0"', '"2.0"', 1), refused=(2, "2.0")),
    _pylock(
        "a lock whose hash is checked all the same",
        _lock(_wheel("a", digest=WRONG)),
        refused=(1, "Hash mismatch"),
        settings={"no-verify-hashes": ""},
        places=OWN,
    ),
)

_SEEDS = "pip\nsetuptools\nwheel\n"
SEEDS = (
    Row(name="seeds", text=_SEEDS, installs=("pip==2.0", "setuptools==2.0", "wheel==2.0"), ways=(SEED,)),
    Row(
        name="seeds of a further index",
        text=_SEEDS,
        installs=("pip==1.5", "setuptools==1.5", "wheel==1.5"),
        marks=dict.fromkeys(("pip", "setuptools", "wheel"), "other"),
        ways=(SEED,),
        settings={"extra-index-url": "$OTHER"},
        places=PLACES[:5],
    ),
)
