"""Damage to environments and caches that nobody reported: the next sync finds it and puts it right."""

import os

import pytest

from tests.helpers.faults import at_rest, of_packages
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def sync(puffin, env, index):
    for version in ("1", "2"):
        files = {
            "pkg/__init__.py": f"v = {version}\n",
            "pkg/sub/m.py": f"v = {version}\n",
            "alone.py": f"v = {version}\n",
        }
        index.add(*forge_wheel("pkg", version, files, entry_points={"run-pkg": "pkg:main"}))
    run = lambda text, *words, **environ: puffin.sync(text, "-i", index.url, *words, env=environ)  # noqa: E731
    assert run("pkg==1\n").code == 0
    return run


def remove(path):
    path.unlink()


def truncate(path):
    data = path.read_bytes()
    path.unlink()  # not the cache's copy too
    path.write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize("harm", [remove, truncate])
@pytest.mark.parametrize(
    "place",
    ["pkg/sub/m.py", "alone.py", "pkg-1.dist-info/RECORD", "pkg-1.dist-info/METADATA", "../../../bin/run-pkg"],
)
def test_a_file_of_the_environment(puffin, env, sync, harm, place):
    good = of_packages(env)
    harm(env.site / place)
    done = sync("pkg==1\n")
    assert done.code == 0, done.err
    assert " ~ pkg==1" in done.err
    assert of_packages(env) == good
    assert env.record("pkg")
    assert sync("pkg==1\n").err.endswith("Checked 1 package in [TIME]\n")


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_the_record_of_puffin_itself(puffin, env, sync, content):
    good = of_packages(env)
    (env.site / "pkg/sub/m.py").unlink()
    if content is None:
        (env.root / ".puffin/state").unlink()
        (env.root / ".puffin/state/x").mkdir(parents=True)
    else:
        (env.root / ".puffin/state").write_bytes(content)
    assert sync("pkg==1\n").code == 0
    assert of_packages(env) == good
    assert at_rest(env)


def test_a_cache_file_edited_through_the_environment(puffin, env, sync):
    with open(env.site / "pkg/sub/m.py", "w") as file:
        file.write("# edited in place, and in the cache by the hard link\n")
    assert sync("pkg==2\n").code == 0
    assert sync("pkg==1\n").code == 0
    assert (env.site / "pkg/sub/m.py").read_text() == "v = 1\n"


def cut(path):
    os.truncate(path, 0)


def edit(path):
    with open(path, "r+b") as file:
        file.write(b"?")


def edit_in_secret(path):
    facts = path.stat()
    edit(path)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize("mode", ["inline", "pool"])
@pytest.mark.parametrize("harm", [cut, edit])
def test_an_edit_does_not_spread_to_new_environments(puffin, env, sync, harm, mode):
    harm(env.site / "pkg/sub/m.py")
    other = puffin.venv(name="other")
    done = sync(None, "-p", other.root, "--executor", mode)
    assert done.code == 0
    assert "warning: The cached archive of `pkg` was damaged; fetching it again\n" in done.err
    assert (other.site / "pkg/sub/m.py").read_text() == "v = 1\n"


def test_with_verify_every_content_is_compared_before_it_spreads(puffin, env, sync):
    edit_in_secret(env.site / "pkg/sub/m.py")
    other = puffin.venv(name="other")
    assert sync(None, "-p", other.root, "--verify").code == 0
    assert (other.site / "pkg/sub/m.py").read_text() == "v = 1\n"


@pytest.mark.parametrize("harm", [cut, edit, edit_in_secret])
def test_a_reinstallation_repairs_the_environment_and_the_cache(puffin, env, sync, harm):
    harm(env.site / "pkg/sub/m.py")
    assert sync(None, "--reinstall").code == 0
    assert (env.site / "pkg/sub/m.py").read_text() == "v = 1\n"


def test_edited_metadata_do_not_decide_a_resolution(puffin, env, index, sync):
    index.add(*forge_wheel("more", "1"))
    path = env.site / "pkg-1.dist-info/METADATA"
    path.write_bytes(path.read_bytes().replace(b"\nName", b"\nRequires-Dist: more\nName"))
    puffin.file("pkg.in", "pkg==1\n")
    done = puffin("pip", "compile", "pkg.in", "-i", index.url)
    assert (done.code, "more" in done.out) == (0, False)


def test_a_truncated_manifest_is_a_miss(puffin, env, sync):
    assert sync("pkg==2\n").code == 0
    for manifest in puffin.cache.glob("archive-v0/*/*.manifest"):
        os.truncate(manifest, 40)
    assert sync("pkg==1\n").code == 0
    assert env.record("pkg")


def test_byte_code_of_the_former_version_is_not_run(puffin, env, sync):
    show = "import pkg, pkg.sub.m, alone; print(pkg.v, pkg.sub.m.v, alone.v)"
    for path in puffin.cache.glob("archive-v0/*/*/**/*.py"):
        os.utime(path, (10**9, 10**9))
    for version in ("2", "1", "2"):
        assert sync(f"pkg=={version}\n").code == 0
        for path in puffin.cache.glob("archive-v0/*/*/**/*.py"):
            os.utime(path, (10**9, 10**9))
        assert env.run("-c", show, bytecode=True) == " ".join([version] * 3)
        assert (env.site / "__pycache__").is_dir()
    assert puffin("pip", "uninstall", "pkg").code == 0
    assert not (env.site / "__pycache__").exists()


def test_leftovers_of_a_dead_transaction_are_cleared(puffin, env, sync):
    for name in ("tx-1-dead", "state.99-ab.tmp"):
        (env.root / ".puffin" / name).mkdir()
    (env.root / ".puffin/tx-1-dead/0").mkdir()
    assert sync("pkg==1\n").code == 0
    assert at_rest(env)
