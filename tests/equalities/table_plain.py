"""Rows of pins, ranges, hashes, and what is yanked or comes from elsewhere."""

from __future__ import annotations

from tests.equalities.rows import DIRECT, OPEN, OWN, PLACES, Row

A = "a-1.0-py3-none-any.whl"
BARE = "bare-1.0-py3-none-any.whl"
WRONG = "0" * 64
WRONG_512 = "0" * 128


def archive(url: str, file: str) -> dict[str, object]:
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
        direct={"a": archive(f"$FILES/{A}", A)},
    ),
    Row(
        name="a URL without a name",
        text=f"$FILES/{A}\n",
        installs=(f"a @ $FILES/{A}#sha256=$sha256({A})",),
        direct={"a": archive(f"$FILES/{A}", A)},
    ),
    Row(
        name="a URL with a hash",
        text=f"a @ $FILES/{A}#sha256=$sha256({A})\n",
        installs=(f"a @ $FILES/{A}#sha256=$sha256({A})",),
        direct={"a": archive(f"$FILES/{A}", A)},
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
        direct={"src": archive("$FILES/src-1.0.tar.gz", "src-1.0.tar.gz")},
    ),
    Row(name="a URL of another package", text=f"b @ $FILES/{A}\n", refused=(2, "requirements.txt")),
    Row(
        name="a wheel on disk",
        text="$WORLD/local-1.0-py3-none-any.whl\n",
        installs=(
            "local @ file://$WORLD/local-1.0-py3-none-any.whl#sha256=$sha256(local-1.0-py3-none-any.whl)",
        ),
        direct={"local": archive("file://$WORLD/local-1.0-py3-none-any.whl", "local-1.0-py3-none-any.whl")},
    ),
    Row(
        name="an archive on disk",
        text="packed @ file://$WORLD/packed-1.0.tar.gz\n",
        marks={"packed": "built"},
        installs=("packed @ file://$WORLD/packed-1.0.tar.gz#sha256=$sha256(packed-1.0.tar.gz)",),
        direct={"packed": archive("file://$WORLD/packed-1.0.tar.gz", "packed-1.0.tar.gz")},
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
