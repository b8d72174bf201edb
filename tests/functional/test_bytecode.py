"""``--compile-bytecode``: compiled once, linked into every environment, and never run where it does not belong."""

import os
import shutil
import stat
import sys

import pytest

from puffin.stages.bytecode.stage import CompileFailed, Compiler
from tests.helpers.cli import checked, lines, resolved, told
from tests.helpers.pythons import real_python
from tests.helpers.wheels import forge_wheel

FILES = {
    "alpha/__init__.py": "A = 1\n",
    "alpha/sub/x.py": "X = 1\n",
    "alpha/template.py": "{% not python %}\n",
    "alpha/old.py": "print 'two'\n",
    "alone.py": "L = 1\n",
}
GOOD = ["alone", "alpha/__init__", "alpha/sub/x"]
SUFFIX = f".{sys.implementation.cache_tag}.pyc"
COMPILE = "--compile-bytecode"


@pytest.fixture
def shop(index):
    index.add(*forge_wheel("alpha", "1.0", FILES, entry_points={"alpha": "alpha:main"}))
    index.add(*forge_wheel("beta", "1.0", {"beta.py": "B = 1\n"}))
    return index


def _compiled(env):
    """Return the modules that have bytecode, by their paths."""
    found = [path.relative_to(env.site).as_posix() for path in env.site.rglob("*.pyc")]
    assert all(path.endswith(SUFFIX) for path in found)
    return sorted(path.replace("__pycache__/", "").removesuffix(SUFFIX) for path in found)


def _said(*changes, pins, prepared=0, compiled=0, uninstalled=0, installed=0):
    text = told(*changes, pins=pins, prepared=prepared, uninstalled=uninstalled, installed=installed)
    noun = f"{compiled} package{'s' if compiled != 1 else ''}"
    at = text.index("Uninstalled" if uninstalled else "Installed")
    return f"{text[:at]}Compiled {noun} in [TIME]\n{text[at:]}" if compiled else text


@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
def test_it_is_compiled_once_and_linked_into_every_environment(puffin, shop, executor):
    puffin.executor = executor
    first, second = puffin.venv(name=".venv"), puffin.venv(name="other")
    pins = "alpha==1.0\nbeta==1.0\n"
    done = puffin.sync(pins, COMPILE, "-i", shop.url)
    assert done.err == _said("+ alpha==1.0", "+ beta==1.0", pins=2, prepared=2, compiled=2, installed=2)
    assert _compiled(first) == [*GOOD[:2], GOOD[2], "beta"]
    done = puffin.sync(None, COMPILE, "-p", "other", "-i", shop.url)
    assert done.err == told("+ alpha==1.0", "+ beta==1.0", pins=2, installed=2)
    for name in ("alpha/__pycache__/__init__", "__pycache__/beta"):
        one, other = (os.stat(env.site / f"{name}{SUFFIX}") for env in (first, second))
        assert one.st_ino == other.st_ino
    assert puffin.sync(None, COMPILE, "-i", shop.url).err == checked(2)


def test_python_takes_the_bytecode_as_it_is(puffin, env, shop):
    puffin.sync("alpha==1.0\nbeta==1.0\n", COMPILE, "-i", shop.url)
    before = env.tree()
    said = env.run("-c", "import alpha, alpha.sub.x, beta, sys; print(alpha.__cached__, beta.B)", bytecode=True)
    assert said == f"{env.site}/alpha/__pycache__/__init__{SUFFIX} 1"
    assert env.tree() == before, "nothing was written anew"


@pytest.mark.parametrize("mode", ["hardlink", "copy", "symlink", "clone"])
def test_in_every_link_mode(puffin, env, shop, mode):
    puffin.sync("alpha==1.0\nbeta==1.0\n", COMPILE, "--link-mode", mode, "-i", shop.url)
    before = env.tree()
    env.run("-c", "import alpha, alpha.sub.x, beta", bytecode=True)
    assert env.tree() == before


def test_it_is_recorded_and_goes_with_its_package(puffin, env, shop):
    bare = env.tree()
    puffin.sync("alpha==1.0\nbeta==1.0\n", COMPILE, "-i", shop.url)
    rows = (env.info("alpha") / "RECORD").read_text().splitlines()
    assert sorted(row for row in rows if ".pyc" in row) == [
        f"__pycache__/alone{SUFFIX},,",
        f"alpha/__pycache__/__init__{SUFFIX},,",
        f"alpha/sub/__pycache__/x{SUFFIX},,",
    ]
    assert env.unlisted() == set()
    assert puffin("pip", "uninstall", "alpha").code == 0
    assert _compiled(env) == ["beta"]
    assert puffin("pip", "uninstall", "beta").code == 0
    assert env.tree().keys() == bare.keys()


def test_it_is_no_damage_when_it_goes_and_no_matter_to_a_run_without_it(puffin, env, shop):
    puffin.sync("alpha==1.0\nbeta==1.0\n", COMPILE, "-i", shop.url)
    assert puffin.sync(None, "-i", shop.url).err == checked(2)
    for directory in list(env.site.rglob("__pycache__")):
        shutil.rmtree(directory)
    assert puffin.sync(None, "-i", shop.url).err == checked(2)
    assert puffin.sync("alpha==1.0\n", "-i", shop.url).err == told("- beta==1.0", pins=1, uninstalled=1)


def test_what_was_installed_without_it_gets_it(puffin, env, shop):
    puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url)
    assert _compiled(env) == []
    done = puffin.sync(None, "-i", shop.url, env={"PUFFIN_COMPILE_BYTECODE": "1"})
    assert done.err == _said("~ alpha==1.0", "~ beta==1.0", pins=2, compiled=2, uninstalled=2, installed=2)
    assert _compiled(env) == [*GOOD, "beta"]


def test_install_compiles_too(puffin, env, shop):
    done = puffin("pip", "install", "beta", "--compile", "-i", shop.url)
    assert done.err == lines(
        resolved(1), "Prepared 1 package in [TIME]", "Compiled 1 package in [TIME]", "Installed 1 package in [TIME]",
        " + beta==1.0",
    )  # fmt: skip
    assert _compiled(env) == ["beta"]


def test_new_content_of_the_same_size_and_time_is_what_runs(puffin, env, shop):
    shop.add(*forge_wheel("beta", "2.0", {"beta.py": "B = 2\n"}))
    for version, words in (("1.0", (COMPILE,)), ("2.0", ()), ("1.0", (COMPILE,)), ("2.0", (COMPILE,))):
        puffin.sync(f"beta=={version}\n", *words, "-i", shop.url)
        for path in puffin.cache.rglob("beta.py"):
            os.utime(path, (1e9, 1e9))
        shutil.rmtree(puffin.cache / "pyc-v0", ignore_errors=True)
        done = puffin.sync(None, "--reinstall", *words, "-i", shop.url)
        assert done.code == 0, done.err
        assert env.run("-c", "import beta; print(beta.B)", bytecode=True) == version[0]


def test_an_archive_that_came_anew_is_compiled_anew(puffin, env, shop):
    puffin.sync("beta==1.0\n", COMPILE, "-i", shop.url)
    shutil.rmtree(puffin.cache / "archive-v0")
    done = puffin.sync(None, "--reinstall", COMPILE, "-i", shop.url)
    archive = next(puffin.cache.glob("archive-v0/*/*/beta.py"))
    os.utime(archive, (1e9, 1e9))
    os.utime(archive.parent, (1e9, 1e9))
    done = puffin.sync(None, "--reinstall", COMPILE, "-i", shop.url)
    assert done.err == _said("~ beta==1.0", pins=1, compiled=1, uninstalled=1, installed=1)
    before = env.tree()
    env.run("-c", "import beta", bytecode=True)
    assert env.tree() == before


def test_bytecode_cut_short_by_a_power_loss_is_compiled_again(puffin, env, shop):
    puffin.sync("beta==1.0\n", COMPILE, "-i", shop.url)
    code = next(puffin.cache.glob("pyc-v0/*/*/*/__pycache__/beta*.pyc"))
    manifest = next(puffin.cache.glob("pyc-v0/*/*/*.manifest"))
    from puffin.stages.bytecode.layer import encode_layer, read_layer

    seconds = int(next(puffin.cache.glob("archive-v0/*/*/beta.py")).parent.stat().st_mtime)
    manifest.write_bytes(encode_layer(read_layer(str(manifest)), seconds=seconds, boot="of another boot"))
    os.truncate(code, 20)
    done = puffin.sync(None, "--reinstall", COMPILE, "-i", shop.url)
    assert "Compiled 1 package" in done.err
    assert env.run("-c", "import beta; print(beta.B)") == "1"


@pytest.mark.parametrize("version", ["3.8", "3.13"])
def test_the_interpreter_of_the_environment_compiles(puffin, index, version):
    python = real_python(version)
    if not python:
        pytest.skip(f"there is no Python {version}")
    env = puffin.venv("-p", python)
    index.add(*forge_wheel("beta", "1.0", {"beta.py": "B = 1\n"}))
    assert puffin.sync("beta==1.0\n", COMPILE, "-i", index.url).code == 0
    before = env.tree()
    tag = "cpython-" + version.replace(".", "")
    assert env.run("-c", "import beta; print(beta.__cached__)", bytecode=True).endswith(f"beta.{tag}.pyc")
    assert env.tree() == before


def test_a_module_that_takes_the_interpreter_down_is_left_out(tmp_path):
    """An interpreter that ends at a certain module stands for CPython's own limits."""
    fake = tmp_path / "python"
    fake.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        "sys.argv[1:] = sys.argv[6:]\n"
        f"sys.path.insert(0, {str(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))!r})\n"
        "from puffin.stages.bytecode import child\n"
        "good = child._compile\n"
        "def compile_(source, *rest):\n"
        "    if b'bad' in source: os._exit(9)\n"
        "    good(source, *rest)\n"
        "child._compile = compile_\n"
        "child.main()\n"
    )
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    for name in ("a", "bad", "c"):
        (tmp_path / f"{name}.py").write_text("1\n")
    target = tmp_path / "out"
    compiler = Compiler(str(fake))
    names = ["a.py", "bad.py", "c.py"]
    assert compiler.compile(str(tmp_path), str(target), ".pyc", 0, names) == [True, False, True]
    assert sorted(path.name for path in target.rglob("*.pyc")) == ["a.pyc", "c.pyc"]
    compiler.close()
    with pytest.raises(CompileFailed):
        Compiler(str(tmp_path / "no-python")).compile(str(tmp_path), str(target), ".pyc", 0, names)


def test_an_interpreter_that_cannot_compile_is_named(puffin, env, shop):
    puffin.sync("alpha==1.0\n", "-i", shop.url)
    (puffin.cache / "pyc-v0").write_text("in the way")
    done = puffin.sync(None, COMPILE, "-i", shop.url)
    assert done.code == 1
    assert "Failed to put bytecode into the cache (`[TMP]/cache`)" in done.err
    assert "hint: let puffin write there, or leave out `--compile-bytecode` and `--link-mode tree`" in done.err
    assert _compiled(env) == []


def test_bytecode_can_name_the_hash_of_its_source(puffin, shop):
    env = puffin.venv()
    done = puffin("pip", "install", "beta", COMPILE, "-i", shop.url, env={"PYC_INVALIDATION_MODE": "bogus"})
    assert done.code == 2
    assert done.err == lines(
        "error: `bogus` is not a valid value for `PYC_INVALIDATION_MODE`",
        "",
        "hint: use one of `TIMESTAMP`, `CHECKED_HASH`, `UNCHECKED_HASH`",
    )
    for mode, flags in (
        ("UNCHECKED_HASH", 1),
        ("checked-hash", 3),
        ("", 0),
        ("TIMESTAMP", 0),
        ("CHECKED_HASH", 3),
    ):
        environ = {"PYC_INVALIDATION_MODE": mode}
        assert puffin.sync("beta==1.0\n", COMPILE, "-i", shop.url, env=environ).code == 0
        (path,) = env.site.rglob("*.pyc")
        assert path.read_bytes()[4] == flags, mode
        assert puffin.sync(None, COMPILE, "-i", shop.url, env=environ).err == checked(1)
        assert env.run("-v", "-c", "import beta; print(beta.B)") == "1"
    (env.site / "beta.py").unlink()
    (env.site / "beta.py").write_text("B = 2\n")
    assert env.run("-c", "import beta; print(beta.B)") == "2", "a hash that differs counts"
    assert puffin("pip", "install", "beta", "-i", shop.url, env={"PYC_INVALIDATION_MODE": "bogus"}).code == 0
