"""``uv.lock`` as an input: what is installed for a target, and what cannot be."""

import pytest

from puffin.errors import PuffinError
from puffin.stages.resolve.projects.project import SourceFile
from puffin.stages.resolve.projects.pylock import LockTarget, LockUnusable, read_lock
from tests.helpers.requirements import LINUX

HEAD = 'version = 1\nrevision = 3\nrequires-python = ">=3.9"\n'
DIGEST = "0" * 64


def wheel(name, version="1.0"):
    return (
        f'name = "{name}"\nversion = "{version}"\nsource = {{ registry = "https://x.org/simple" }}\n'
        f'wheels = [{{ url = "https://x.org/f/{name}-{version}-py3-none-any.whl", hash = "sha256:{DIGEST}", '
        "size = 7 }]\n"
    )


def lock(*packages, head=HEAD):
    return head + "".join(f"[[package]]\n{each}" for each in packages)


def read(text, **target):
    file = SourceFile(path="/w/uv.lock", shown="uv.lock", text=text, exists=lambda _path: True)
    return read_lock(file, target=LockTarget(markers=LINUX, tags=("py3-none-any",), **target))


def names(text, **target):
    return [f"{pin.name}{'==' if pin.version else ''}{pin.version}" for pin in read(text, **target).pins]


APP = """\
name = "app"
version = "1"
source = { editable = "." }
dependencies = [
    { name = "lib", extra = ["fast"] },
    { name = "tool", version = "2.0", marker = "sys_platform == 'linux'" },
    { name = "tool", version = "1.0", source.registry = "https://x.org/simple", marker = "sys_platform == 'win32'" },
]
[package.optional-dependencies]
web = [{ name = "web" }]
[package.dev-dependencies]
dev = [{ name = "dev" }]
docs = [{ name = "docs" }]
"""
LIB = """\
name = "lib"
version = "1"
source = { directory = "pk/lib" }
[package.optional-dependencies]
fast = [{ name = "quick" }]
"""
VIRTUAL = """\
name = "v"
version = "1"
source = { virtual = "pk/v" }
dependencies = [{ name = "app" }, { name = "web" }]
"""
WHOLE = lock(
    APP, LIB, wheel("tool"), wheel("tool", "2.0"), wheel("web"), wheel("dev"), wheel("docs"), wheel("quick"),
    VIRTUAL,
)  # fmt: skip


def test_the_root_with_what_it_needs_for_the_target():
    assert names(WHOLE) == ["app", "lib", "quick==1.0", "tool==2.0"]
    groups = {"default_groups": ("dev", "gone"), "groups": ("docs",)}
    assert names(WHOLE, extras=("web",), **groups) == [
        "app", "dev==1.0", "docs==1.0", "lib", "quick==1.0", "tool==2.0", "web==1.0",
    ]  # fmt: skip
    assert "web==1.0" in names(WHOLE, all_extras=True)
    found = read(WHOLE)
    assert [(pin.url, pin.editable) for pin in found.pins[:2]] == [
        ("file:///w", True),
        ("file:///w/pk/lib", False),
    ]
    assert found.artifacts[1].url == "https://x.org/f/tool-2.0-py3-none-any.whl"
    assert (found.artifacts[1].hashes, found.artifacts[1].size) == ((f"sha256:{DIGEST}",), 7)


def test_all_members_of_a_workspace_without_a_project_at_its_root():
    head = HEAD + '[manifest]\nmembers = ["lib", "v"]\n'
    text = lock(
        APP.replace('"."', '"pk/app"'),
        LIB,
        wheel("tool", "2.0"),
        wheel("web"),
        wheel("quick"),
        VIRTUAL,
        head=head,
    )
    assert names(text) == ["app", "lib", "quick==1.0", "tool==2.0", "web==1.0"]


def test_repositories_and_archives():
    needs = '[{ name = "g" }, { name = "u" }, { name = "p" }]'
    app = f'name = "app"\nversion = "1"\nsource = {{ virtual = "." }}\ndependencies = {needs}\n'
    git = "https://x.org/g?subdirectory=in%2Fof+it&tag=v1#0123456789012345678901234567890123456789"
    text = lock(
        app,
        f'name = "g"\nversion = "1"\nsource = {{ git = "{git}" }}\n',
        'name = "u"\nversion = "1"\nsource = { url = "https://x.org/u-1.tar.gz" }\n'
        f'sdist = {{ hash = "sha256:{DIGEST}" }}\n',
        'name = "p"\nversion = "1"\nsource = { path = "p-1-py3-none-any.whl" }\n'
        f'wheels = [{{ filename = "p-1-py3-none-any.whl", hash = "sha256:{DIGEST}" }}]\n',
    )
    assert [(pin.name, pin.url) for pin in read(text).pins] == [
        ("g", "git+https://x.org/g@0123456789012345678901234567890123456789#subdirectory=in/of%20it"),
        ("p", "file:///w/p-1-py3-none-any.whl"),
        ("u", "https://x.org/u-1.tar.gz"),
    ]
    assert read(text).pins[2].hashes == (f"sha256:{DIGEST}",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (lock(APP, head="version = 2\n"), "version `2` of the format is unknown; puffin reads version 1"),
        (
            lock(APP, head=HEAD + "conflicts = [[{ package = 'a' }]]\n"),
            "it has `conflicts`, which are not supported",
        ),
        (lock(APP), "it has no entry for `lib`, which another entry requires"),
        (lock(APP.replace("source", "sauce", 1)), "it is not in the format of uv ('source')"),
        (WHOLE.replace(">=3.9", ">=3.99"), ":3`: it is for Python `>=3.99`, and this is Python 3.12.4"),
    ],
)
def test_what_cannot_be_used_is_said(text, problem):
    with pytest.raises(LockUnusable) as raised:
        read(text)
    assert raised.value.summary().startswith("Failed to use the lock file `uv.lock")
    assert problem in raised.value.summary()


@pytest.mark.parametrize("asked", [{"extras": ("no",)}, {"groups": ("no",)}])
def test_extras_and_groups_have_to_be_there(asked):
    with pytest.raises(PuffinError, match="The lock file `uv.lock` has no"):
        read(WHOLE, **asked)
