"""Lock files as constraints, and ``pip sync --check``."""

import hashlib

import pytest

from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    for version in ("1.0", "2.0"):
        index.add(*forge_wheel("alpha", version, requires=["beta"]))
        index.add(*forge_wheel("beta", version))
        index.add(*forge_wheel("gamma", version))
    return index


@pytest.fixture
def lock(puffin, shop):
    puffin.file("a.in", "alpha==1.0\nbeta==1.0\n")
    done = puffin("pip", "compile", "a.in", "-o", "pylock.old.toml", "-i", shop.url)
    assert done.code == 0, done.err


def test_a_lock_file_limits_versions_and_adds_no_package(puffin, env, shop, lock):
    done = puffin("pip", "install", "alpha", "gamma", "-c", "pylock.old.toml", "-i", shop.url)
    assert (done.code, env.installed()) == (0, {"alpha": "1.0", "beta": "1.0", "gamma": "2.0"}), done.err
    puffin.file("b.in", "-c pylock.old.toml\ngamma\nbeta\n")
    done = puffin("pip", "compile", "b.in", "--no-header", "--no-annotate", "-i", shop.url)
    assert [line.split(" ")[0] for line in done.out.splitlines() if line[0] != " "] == [
        "beta==1.0",
        "gamma==2.0",
    ]
    done = puffin("pip", "install", "beta==2.0", "-c", "pylock.old.toml", "-i", shop.url)
    assert (done.code, "`beta==1.0` (pylock.old.toml)" in done.err) == (1, True), done.err
    puffin.file("c.txt", "beta==2.0\n")
    done = puffin("pip", "sync", "c.txt", "-c", "pylock.old.toml", "-i", shop.url)
    assert (done.code, "pylock.old.toml" in done.err) == (1, True), done.err


def test_a_lock_file_limits_to_its_own_files(puffin, env, shop, lock):
    name, data = forge_wheel("beta", "1.0", {"beta.py": "other = 1\n"})
    shop.remove(name)
    shop.add(name, data)
    done = puffin("pip", "install", "beta", "-c", "pylock.old.toml", "-i", shop.url, "--refresh")
    assert (done.code, env.installed()) == (1, {}), done.err
    assert "hash" in done.err


def test_a_lock_file_limits_no_resolution_for_several_environments(puffin, shop, lock):
    puffin.file("b.in", "beta\n")
    for words in (("--universal",), ("--targets", "linux-x86_64-cp311")):
        done = puffin("pip", "compile", "b.in", "-c", "pylock.old.toml", *words, "-i", shop.url)
        assert (done.code, "`pylock.old.toml` is a lock file, which cannot constrain" in done.err) == (
            2,
            True,
        ), done.err


def test_only_what_holds_for_the_target_is_a_constraint(puffin, shop):
    package = '[[packages]]\nname = "beta"\nversion = "{}"\nmarker = "{}"\nwheels = [{}]\n'
    files = '{{name = "beta-{0}-py3-none-any.whl", url = "https://x.invalid/beta-{0}-py3-none-any.whl", hashes = {1}}}'
    text = 'lock-version = "1.0"\ncreated-by = "x"\nextras = ["e"]\ndependency-groups = ["g"]\n'
    hashes = {version: _hash(version) for version in ("1.0", "2.0")}
    for version, marker in (
        ("1.0", "sys_platform == 'win32'"),
        ("2.0", "sys_platform != 'win32' and 'g' in dependency_groups"),
    ):
        text += package.format(version, marker, files.format(version, f'{{sha256 = "{hashes[version]}"}}'))
    puffin.file("pylock.toml", text)
    for platform, expected in (("windows", "beta==1.0"), ("linux", "beta==2.0")):
        words = (
            *("--python-platform", platform, "-c", "pylock.toml", "-i", shop.url),
            *("--no-header", "--no-annotate"),
        )
        puffin.file("b.in", "beta\n")
        done = puffin("pip", "compile", "b.in", *words)
        assert done.out.strip() == expected, done.err


def _hash(version):
    return hashlib.sha256(forge_wheel("beta", version)[1]).hexdigest()


def test_a_lock_file_that_cannot_be_read_is_named(puffin, env, shop):
    puffin.file("pylock.toml", 'lock-version = "1.0"\ncreated-by = "x"\n')
    done = puffin("pip", "install", "beta", "-c", "pylock.toml", "-i", shop.url)
    assert (done.code, env.installed()) == (2, {})
    assert done.err.startswith("error: Failed to use the lock file `pylock.toml`: ")


def test_check_tells_by_its_exit_code_whether_a_sync_would_change_something(puffin, env, shop, lock):
    puffin.file("r.txt", "gamma==1.0\n")
    for words, before in ((("r.txt", "-i", shop.url), {}), (("pylock.old.toml",), {"gamma": "1.0"})):
        done = puffin("pip", "sync", *words, "--check")
        assert (done.code, env.installed()) == (4, before)
        assert "Would install" in done.err
        assert puffin("pip", "sync", *words).code == 0
        for _ in range(2):  # the second answer is a kept one
            assert puffin("pip", "sync", *words, "--check").code == 0
    puffin.file("puffin.toml", "check = true\n")
    assert "the setting `check` is unknown" in puffin("pip", "sync", "r.txt").err


UV_LOCK = """version = 1
requires-python = ">=3.8"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "alpha" }, { name = "beta" }]

[[package]]
name = "alpha"
version = "1.0"
source = { registry = "REGISTRY" }
wheels = [{ PLACE/alpha-1.0-py3-none-any.whl" }]

[[package]]
name = "beta"
version = "1.0"
source = { registry = "REGISTRY" }
wheels = [{ PLACE/beta-1.0-py3-none-any.whl"HASH }]
"""


@pytest.mark.parametrize("kind", ["index", "links"])
def test_files_without_hashes_in_the_lock_of_uv(puffin, env, shop, kind):
    """uv writes no hashes of what lies in a directory, and of indexes that tell none."""
    registry, place = shop.url, f'url = "{shop.file_url("")}'.rstrip("/")
    if kind == "links":
        registry, place = "../links", 'path = "wheels'
        for name in ("alpha", "beta"):
            path = puffin.root / f"links/wheels/{name}-1.0-py3-none-any.whl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(forge_wheel(name, "1.0")[1])
    lock = UV_LOCK.replace("REGISTRY", registry).replace("PLACE", place)
    good = f', hash = "sha256:{_hash("1.0")}"'
    puffin.file("uv.lock", lock.replace("HASH", good))
    done = puffin("pip", "sync", "uv.lock", "--require-hashes")
    assert (done.code, env.installed()) == (1, {}), done.err
    assert "alpha==1.0" in done.err
    assert "beta" not in done.err
    puffin.file("uv.lock", lock.replace("HASH", good.replace(":", f":{'0' * 8}", 1)[:-9] + '"'))
    done = puffin("pip", "sync", "uv.lock")
    assert (done.code, env.installed()) == (1, {}), done.err
    puffin.file("uv.lock", lock.replace("HASH", ""))
    puffin.file("c.txt", f"alpha==1.0 --hash=sha256:{'0' * 64}\n")
    done = puffin("pip", "sync", "uv.lock", "-c", "c.txt")
    assert (done.code, env.installed()) == (1, {}), done.err
    assert "hash" in done.err
    done = puffin("pip", "sync", "uv.lock")
    assert (done.code, env.installed()) == (0, {"alpha": "1.0", "beta": "1.0"}), done.err
    assert done.err.count("warning: `uv.lock` has no hash of `alpha` and `beta`: not verified\n") == 1


def test_a_lock_of_the_standard_needs_hashes(puffin, env, shop):
    puffin.file("pylock.toml", PYLOCK)
    for table in ("{}", '{none = "-"}'):
        puffin.file("pylock.toml", PYLOCK.replace("HASHES", table).replace("URL", shop.file_url("")))
        assert puffin("pip", "sync", "pylock.toml").code in (1, 2)
        assert env.installed() == {}


PYLOCK = """lock-version = "1.0"
created-by = "x"
[[packages]]
name = "alpha"
version = "1.0"
wheels = [{ name = "alpha-1.0-py3-none-any.whl", url = "URLalpha-1.0-py3-none-any.whl", hashes = HASHES }]
"""


HEAD = """version = 1
requires-python = ">=3.8"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
"""
LIB = '\n[[package]]\nname = "far-lib"\nversion = "1"\nsource = { editable = "far/lib" }\n'


@pytest.mark.parametrize(
    ("lock", "problem"),
    [
        (
            HEAD + 'dependencies = [{ name = "alpha" }]\n',
            ":8`: it has no entry for `alpha`, which another entry",
        ),
        (HEAD.replace("3.8", "99"), ":2`: it is for Python `>=99`, and this is Python "),
        (HEAD.replace("app", "other"), "`: it has no entry for the project `app`"),
        (
            HEAD + 'dependencies = [{ name = "far-lib" }]\n' + LIB,
            ":13`: `far-lib` is at `far/lib`, which does not exist",
        ),
    ],
)
def test_a_lock_that_does_not_fit_is_an_error_with_its_line(puffin, env, lock, problem):
    """Nothing is changed, neither with the lock itself nor with the lock of a project."""
    puffin.file("pyproject.toml", '[project]\nname = "app"\nversion = "1"\n')
    puffin.file("uv.lock", lock)
    words = (
        (("sync", "--frozen"),) if "project" in problem else (("sync", "--frozen"), ("pip", "sync", "uv.lock"))
    )
    for each in words:
        done = puffin(*each, "-i", "http://127.0.0.1:9/simple/")
        assert done.code in (1, 2), done.err
        assert f"Failed to use the lock file `uv.lock{problem}" in done.err, done.err
        assert env.installed() == {}
