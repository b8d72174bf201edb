"""The rows. One more input is one more row."""

from __future__ import annotations

from tests.equalities.rows import (
    COMPILE,
    DIRECT,
    LOCK,
    LOCKED,
    OPEN,
    OWN,
    PIP_INSTALL,
    PLACES,
    PYLOCK,
    SEED,
    SYNC,
    Row,
)

A = "a-1.0-py3-none-any.whl"
BARE = "bare-1.0-py3-none-any.whl"
WRONG = "0" * 64
WRONG_512 = "0" * 128


def _archive(url: str, file: str) -> dict[str, object]:
    digest = f"$sha256({file})"
    return {"url": url, "archive_info": {"hash": f"sha256={digest}", "hashes": {"sha256": digest}}}


PINS = (
    Row(name="pins", text="a==1.0\nb==1.0\n", installs=("a==1.0", "b==1.0"), stages=True),
    Row(
        name="pins in other spellings",
        text="A == 1\nb==1.0.0 ; python_version > '3'\n",
        installs=("a==1.0", "b==1.0"),
    ),
    Row(name="a pin twice", text="a==1.0\na==1.0\n", installs=("a==1.0",)),
    Row(name="two pins of a package", text="a==1.0\na==0.5\n", refused=(1, "a==0.5")),
    Row(name="a version that is not there", text="a==7.0\n", refused=(1, "7.0")),
    Row(name="a package that is not there", text="nobody==1.0\n", refused=(1, "nobody")),
    Row(name="no wheel for this machine", text="foreign==1.0\n", refused=(1, "foreign")),
    Row(name="not for this Python", text="old==2.0\n", refused=(1, "old")),
    Row(name="a pre-release", text="pre==2.0rc1\n", installs=("pre==2.0rc1",)),
    Row(name="a marker that is false", text="a==1.0\nb==1.0; python_version < '3'\n", installs=("a==1.0",)),
    Row(name="a pin of an extra", text="x[more]==1.0\na==1.0\n", installs=("a==1.0", "x==1.0")),
    Row(
        name="a source distribution",
        text="src==1.0\n",
        installs=("src==1.0",),
        marks={"src": "built"},
        stages=True,
    ),
    Row(name="a wheel without metadata beside it", text="lying==1.0\n", installs=("lying==1.0",)),
)

RANGES = (
    Row(name="ranges", text="b\n", installs=("a==0.5", "b==2.0"), ways=OPEN),
    Row(name="a range with a bound", text="b<2\na\n", installs=("a==1.0", "b==1.0"), ways=OPEN),
    Row(
        name="what is needed is built",
        text="deep\n",
        installs=("a==1.0", "b==1.0", "deep==1.0", "src==1.0"),
        marks={"src": "built"},
        ways=OPEN,
        stages=True,
    ),
    Row(name="a range of an extra", text="x[more]\n", installs=("a==1.0", "x==1.0"), ways=OPEN),
    Row(name="the newest for this Python", text="old\n", installs=("old==1.0",), ways=OPEN),
    Row(name="a stable version before a pre-release", text="pre\n", installs=("pre==1.0",), ways=OPEN),
    Row(name="a pre-release that is asked for", text="pre>=2.0rc1\n", installs=("pre==2.0rc1",), ways=OPEN),
    Row(name="no version fits", text="a>7\n", refused=(1, "a>7"), ways=OPEN),
    Row(name="what is needed does not fit together", text="b>=2\na>=1\n", refused=(1, "a>=1"), ways=OPEN),
)

HASHES = (
    Row(name="a right hash", text=f"a==1.0 --hash=sha256:$sha256({A})\n", installs=("a==1.0",), stages=True),
    Row(
        name="a right hash of another kind",
        text=f"a==1.0 --hash=sha512:$sha512({A})\n",
        installs=("a==1.0",),
        ways=DIRECT,
    ),
    Row(
        name="one of two hashes is right",
        text=f"a==1.0 --hash=sha256:{WRONG} --hash=sha256:$sha256({A})\n",
        installs=("a==1.0",),
        ways=DIRECT,
    ),
    Row(
        name="a wrong hash",
        text=f"a==1.0 --hash=sha256:{WRONG}\n",
        refused=(1, "hash"),
        primed="a==1.0",
        ways=DIRECT,
        stages=True,
    ),
    Row(
        name="a wrong hash of another kind",
        text=f"a==1.0 --hash=sha512:{WRONG_512}\n",
        refused=(1, "hash"),
        primed="a==1.0",
        ways=DIRECT,
    ),
    Row(
        name="two wrong hashes",
        text=f"a==1.0 --hash=sha256:{WRONG} --hash=sha256:{'1' * 64}\n",
        refused=(1, "hash"),
        primed="a==1.0",
        ways=DIRECT,
    ),
    Row(
        name="a wrong hash, and an index without hashes",
        text=f"bare==1.0 --hash=sha256:{WRONG}\n",
        refused=(1, "hash"),
        primed="bare==1.0",
        ways=DIRECT,
        settings={"require-hashes": ""},
    ),
    Row(
        name="a wrong sha512, and an index without hashes",
        text=f"bare==1.0 --hash=sha512:{WRONG_512}\n",
        refused=(1, "hash"),
        primed="bare==1.0",
        ways=DIRECT,
        settings={"require-hashes": ""},
    ),
    Row(
        name="two wrong hashes, and an index without hashes",
        text=f"bare==1.0 --hash=sha256:{WRONG} --hash=sha256:{'1' * 64}\n",
        refused=(1, "hash"),
        primed="bare==1.0",
        ways=DIRECT,
        settings={"require-hashes": ""},
    ),
    Row(
        name="a right hash, and an index without hashes",
        text=f"bare==1.0 --hash=sha256:$sha256({BARE})\n",
        installs=("bare==1.0",),
        primed="bare==1.0",
        ways=DIRECT,
        settings={"require-hashes": ""},
    ),
    Row(
        name="hashes that are asked for and missing",
        text="a==1.0\n",
        refused=(1, "hash"),
        ways=DIRECT,
        settings={"require-hashes": ""},
        places=PLACES,
    ),
    Row(
        name="a hash of one pin only",
        text="a==1.0\nb==1.0 --hash=sha256:$sha256(b-1.0-py3-none-any.whl)\n",
        installs=("a==1.0", "b==1.0"),
        ways=DIRECT,
    ),
    Row(
        name="a wrong hash that is not looked at",
        text=f"a==1.0 --hash=sha256:{WRONG}\n",
        installs=("a==1.0",),
        ways=DIRECT,
        settings={"no-verify-hashes": ""},
        places=OWN,
    ),
    Row(
        name="a wrong hash of a source distribution",
        text=f"src==1.0 --hash=sha256:{WRONG}\n",
        refused=(1, "hash"),
        ways=DIRECT,
        primed="src==1.0",
        stages=True,
    ),
    Row(
        name="a right hash of a source distribution",
        text="src==1.0 --hash=sha256:$sha256(src-1.0.tar.gz)\n",
        installs=("src==1.0",),
        marks={"src": "built"},
        ways=DIRECT,
        primed="src==1.0",
    ),
)

SOURCES = (
    Row(
        name="a URL",
        text=f"a @ $FILES/{A}\n",
        installs=(f"a @ $FILES/{A}#sha256=$sha256({A})",),
        stages=True,
        direct={"a": _archive(f"$FILES/{A}", A)},
    ),
    Row(
        name="a URL without a name",
        text=f"$FILES/{A}\n",
        installs=(f"a @ $FILES/{A}#sha256=$sha256({A})",),
        direct={"a": _archive(f"$FILES/{A}", A)},
    ),
    Row(
        name="a URL with a hash",
        text=f"a @ $FILES/{A}#sha256=$sha256({A})\n",
        installs=(f"a @ $FILES/{A}#sha256=$sha256({A})",),
        direct={"a": _archive(f"$FILES/{A}", A)},
    ),
    Row(
        name="a URL with a wrong hash",
        text=f"a @ $FILES/{A}#sha256={WRONG}\n",
        refused=(1, "hash"),
        primed="a==1.0",
        ways=DIRECT,
    ),
    Row(
        name="a URL of a source distribution",
        text="src @ $FILES/src-1.0.tar.gz\n",
        installs=("src @ $FILES/src-1.0.tar.gz#sha256=$sha256(src-1.0.tar.gz)",),
        marks={"src": "built"},
        direct={"src": _archive("$FILES/src-1.0.tar.gz", "src-1.0.tar.gz")},
    ),
    Row(name="a URL of another package", text=f"b @ $FILES/{A}\n", refused=(2, "requirements.txt")),
    Row(
        name="a wheel on disk",
        text="$WORLD/local-1.0-py3-none-any.whl\n",
        installs=(
            "local @ file://$WORLD/local-1.0-py3-none-any.whl#sha256=$sha256(local-1.0-py3-none-any.whl)",
        ),
        direct={"local": _archive("file://$WORLD/local-1.0-py3-none-any.whl", "local-1.0-py3-none-any.whl")},
    ),
    Row(
        name="an archive on disk",
        text="packed @ file://$WORLD/packed-1.0.tar.gz\n",
        marks={"packed": "built"},
        installs=("packed @ file://$WORLD/packed-1.0.tar.gz#sha256=$sha256(packed-1.0.tar.gz)",),
        direct={"packed": _archive("file://$WORLD/packed-1.0.tar.gz", "packed-1.0.tar.gz")},
    ),
    Row(
        name="a directory",
        text="proj @ file://$WORLD/proj\n",
        installs=("proj @ file://$WORLD/proj",),
        marks={"proj": "built"},
        direct={"proj": {"url": "file://$WORLD/proj", "dir_info": {}}},
    ),
    Row(
        name="a directory by its path",
        text="$WORLD/proj\n",
        installs=("proj @ file://$WORLD/proj",),
        marks={"proj": "built"},
        direct={"proj": {"url": "file://$WORLD/proj", "dir_info": {}}},
    ),
    Row(
        name="a directory that needs something",
        text="$WORLD/needy\na==0.5\n",
        installs=("a==0.5", "needy @ file://$WORLD/needy"),
        marks={"needy": "built"},
        direct={"needy": {"url": "file://$WORLD/needy", "dir_info": {}}},
    ),
    Row(
        name="an editable project",
        text="-e $WORLD/proj\n",
        installs=("-e file://$WORLD/proj",),
        marks={"proj": "built"},
        stages=True,
        direct={"proj": {"url": "file://$WORLD/proj", "dir_info": {"editable": True}}},
    ),
    Row(
        name="a commit",
        text="gitted @ git+file://$WORLD/repo@$COMMIT\n",
        marks={"gitted": "built"},
        installs=("gitted @ git+file://$WORLD/repo@$COMMIT",),
        direct={
            "gitted": {
                "url": "file://$WORLD/repo",
                "vcs_info": {"vcs": "git", "commit_id": "$COMMIT", "requested_revision": "$COMMIT"},
            }
        },
    ),
    Row(
        name="a directory of a repository",
        text="below @ git+file://$WORLD/repo#subdirectory=below\n",
        marks={"below": "built"},
        installs=("below @ git+file://$WORLD/repo@$HEAD#subdirectory=below",),
        ways=DIRECT,
        direct={
            "below": {
                "url": "file://$WORLD/repo",
                "subdirectory": "below",
                "vcs_info": {"vcs": "git", "commit_id": "$HEAD"},
            }
        },
    ),
)

YANKED = (
    Row(name="a pin of a yanked version", text="gone==2.0\n", installs=("gone==2.0",)),
    Row(name="a range passes over a yanked version", text="gone\n", installs=("gone==1.0",), ways=OPEN),
    Row(name="a range of nothing but yanked versions", text="never\n", refused=(1, "never"), ways=OPEN),
    Row(name="a pin with a yanked wheel", text="half==1.0\n", installs=("half==1.0",), marks={"half": "built"}),
    Row(
        name="a range with a yanked wheel",
        text="half\n",
        installs=("half==1.0",),
        marks={"half": "built"},
        ways=OPEN,
    ),
)

CONSTRAINTS = (
    Row(
        name="a constraint against a pin",
        text="a==1.0\n",
        refused=(1, "a"),
        files={"c.txt": "a<1\n"},
        settings={"constraint": "c.txt"},
    ),
    Row(
        name="a constraint that holds for a pin",
        text="a==0.5\n",
        installs=("a==0.5",),
        files={"c.txt": "a<1\n"},
        settings={"constraint": "c.txt"},
        places=PLACES,
    ),
    Row(
        name="a constraint of a range",
        text="b\n",
        installs=("a==1.0", "b==1.0"),
        files={"c.txt": "b<2\n"},
        settings={"constraint": "c.txt"},
        places=PLACES,
        ways=OPEN,
    ),
    Row(
        name="a constraint of what is needed",
        text="b<2\n",
        installs=("a==0.5", "b==1.0"),
        files={"c.txt": "a<1\n"},
        settings={"constraint": "c.txt"},
        ways=OPEN,
    ),
    Row(
        name="a constraint in the file",
        text="-c c.txt\nb\n",
        installs=("a==1.0", "b==1.0"),
        files={"c.txt": "b<2\n"},
        ways=OPEN,
    ),
    Row(
        name="a constraint that nothing can hold",
        text="a\n",
        refused=(1, "a<0.4"),
        files={"c.txt": "a<0.4\n"},
        settings={"constraint": "c.txt"},
        ways=OPEN,
    ),
    Row(
        name="a constraint beside another conflict",
        text="a\nb>=2\nx\n",
        refused=(1, "a"),
        files={"c.txt": "a>=1\n"},
        settings={"constraint": "c.txt"},
        ways=OPEN,
    ),
    Row(name="a constraint by a URL", text="-c $WEB/limits.txt\na\n", installs=("a==0.5",), ways=OPEN),
    Row(
        name="constraints of environments",
        text="b\n",
        installs=("a==1.0", "b==1.0"),
        files={"c.txt": "b<2\n"},
        envs='requirements = ["requirements.in"]\nconstraints = "c.txt"',
        words=("-c", "c.txt"),
        ways=(PIP_INSTALL, SYNC, COMPILE, LOCK),
    ),
)

PLACED = (
    Row(
        name="find-links",
        text="linked==1.0\n",
        installs=("linked==1.0",),
        marks={"linked": "links"},
        settings={"find-links": "$WORLD/links"},
        places=PLACES,
    ),
    Row(
        name="find-links and a range",
        text="a\n",
        installs=("a==3.0",),
        marks={"a": "links"},
        settings={"find-links": "$WORLD/links"},
        ways=OPEN,
    ),
    Row(
        name="find-links without an index",
        text="a==1.0\n",
        installs=("a==1.0",),
        marks={"a": "links"},
        settings={"find-links": "$WORLD/links", "no-index": ""},
        places=PLACES,
    ),
    Row(
        name="an index", text="a==1.0\n", installs=("a==1.0",), settings={"index-url": "$INDEX"}, places=PLACES
    ),
    Row(
        name="a further index",
        text="only==1.0\na==1.0\n",
        installs=("a==1.0", "only==1.0"),
        marks={"only": "other"},
        settings={"extra-index-url": "$OTHER"},
        places=PLACES,
    ),
    Row(
        name="the first index counts",
        text="two==1.0\n",
        installs=("two==1.0",),
        marks={"two": "other"},
        settings={"extra-index-url": "$OTHER"},
    ),
    Row(
        name="the first index counts for a range",
        text="two\n",
        installs=("two==2.0",),
        marks={"two": "other"},
        settings={"extra-index-url": "$OTHER"},
        ways=OPEN,
    ),
    Row(
        name="the best of both indexes",
        text="two\n",
        installs=("two==2.0",),
        marks={"two": "other"},
        settings={"extra-index-url": "$OTHER", "index-strategy": "unsafe-best-match"},
        places=OWN,
        ways=OPEN,
    ),
    Row(
        name="exclude-newer and a pin",
        text="new==2.0\n",
        refused=(1, "new"),
        settings={"exclude-newer": "2021-01-01"},
        places=OWN,
    ),
    Row(
        name="exclude-newer and a range",
        text="new\n",
        installs=("new==1.0",),
        settings={"exclude-newer": "2021-01-01"},
        places=OWN,
        ways=OPEN,
    ),
    Row(
        name="exclude-newer takes the older file",
        text="late==1.0\n",
        installs=("late==1.0",),
        marks={"late": "built"},
        settings={"exclude-newer": "2021-01-01T00:00:00Z"},
    ),
    Row(
        name="no-binary",
        text="both==1.0\n",
        installs=("both==1.0",),
        marks={"both": "built"},
        settings={"no-binary": "both"},
        places=PLACES,
    ),
    Row(name="a wheel where both are there", text="both==1.0\n", installs=("both==1.0",)),
    Row(
        name="only-binary",
        text="src==1.0\n",
        refused=(1, "src"),
        settings={"only-binary": ":all:"},
        places=PLACES,
    ),
    Row(name="no-build", text="src==1.0\n", refused=(1, "src"), settings={"no-build": ""}, places=OWN),
)

INCLUDES = (
    Row(
        name="an include",
        text="-r more.txt\nb==1.0\n",
        files={"more.txt": "a==1.0\n"},
        installs=("a==1.0", "b==1.0"),
    ),
    Row(
        name="an include in a directory",
        text="-r d/more.txt\n",
        installs=("a==1.0", "b==1.0"),
        files={"d/more.txt": "-r pins.txt\nb==1.0\n", "d/pins.txt": "a==1.0\n"},
    ),
    Row(name="an include that is not there", text="-r more.txt\n", refused=(2, "more.txt")),
    Row(name="an include by a URL", text="-r $WEB/nested.txt\n", installs=("a==1.0", "b==1.0")),
    Row(name="an include of ranges by a URL", text="-r $WEB/ranges.txt\n", installs=("a==0.5",), ways=OPEN),
    Row(name="an include by a URL that is not there", text="-r $WEB/nothing.txt\n", refused=(2, "nothing.txt")),
    Row(name="nonsense", text="a == == 1\n", refused=(2, "1:3")),
)

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
        direct={"a": _archive(f"$FILES/{A}", A)},
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
        installs=("a==1.0", "x==1.0"),
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

TABLE = (
    *PINS, *RANGES, *HASHES, *SOURCES, *YANKED, *CONSTRAINTS, *PLACED, *INCLUDES, *PROJECTS, *PYLOCKS, *SEEDS,
)  # fmt: skip
