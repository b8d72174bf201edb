"""``puffin cache dir``, ``size``, ``clean`` and ``prune``, and caches beneath the own one."""

import os
import pwd
import re
import shutil
import subprocess
import sys
import time

import pytest

from tests.helpers.cli import told
from tests.helpers.waiting import SECONDS
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def filled(puffin, env, index):
    for name in ("alpha", "beta"):
        index.add(*forge_wheel(name, "1.0"))
    assert puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", index.url).code == 0
    return puffin.cache


def test_dir_by_option_variable_and_default(puffin):
    assert puffin("cache", "dir")[:3] == (0, "[TMP]/cache\n", "")
    assert puffin("cache", "dir", "--cache-dir", "here").out == "[TMP]/here/here\n"
    assert puffin("cache", "dir", env={"PUFFIN_CACHE_DIR": "~/mine"}).out == "[TMP]/home/mine\n"
    assert puffin("cache", "dir", env={"PUFFIN_CACHE_DIR": "", "XDG_CACHE_HOME": "/xdg"}).out == "/xdg/puffin\n"
    assert puffin("cache", "dir", env={"PUFFIN_CACHE_DIR": ""}).out == "[TMP]/home/.cache/puffin\n"
    unset = puffin("cache", "dir", env={"PUFFIN_CACHE_DIR": "", "HOME": ""}).out  # as if there were no HOME
    assert unset == f"{pwd.getpwuid(os.getuid()).pw_dir}/.cache/puffin\n"
    assert not (puffin.cwd / "here").exists()


def test_the_cache_is_marked_as_one(filled):
    assert (filled / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    assert (filled / ".gitignore").read_text() == "*\n"


def test_clean_of_all(puffin, filled, env):
    done = puffin("cache", "clean")
    assert (done.code, done.out) == (0, "")
    assert re.fullmatch(r"Removed \d+ files \(\d+\.\d [KM]iB\) from \[TMP\]/cache\n", done.err), done.err
    assert not filled.exists()
    assert env.run("-c", "import alpha; print(alpha.__version__)") == "1.0", "environments live on"
    assert puffin("clean").err == "No cache found at [TMP]/cache\n"


def test_clean_of_packages(puffin, filled, env, index):
    done = puffin("cache", "clean", "Alpha")
    assert done.err.startswith("Removed ")
    names = {path.name.partition("-")[0] for path in filled.rglob("*.dist-info")}
    assert names == {"beta"}
    assert not list(filled.rglob("*alpha*"))
    assert puffin("cache", "clean", "nobody").err == "No cache entries found\n"
    other = puffin.venv(name="other")
    done = puffin.sync(None, "-p", other.root, "-i", index.url)
    assert done.err == told("+ alpha==1.0", "+ beta==1.0", pins=2, prepared=1, installed=2)


def test_clean_does_not_follow_links_out_of_the_cache(puffin, filled):
    outside = puffin.root / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_text("precious")
    (filled / "wheels-v0" / "link").symlink_to(outside)
    (filled / "archive-v0" / "link").symlink_to(outside)
    assert puffin("cache", "clean", "alpha").code == 0
    assert puffin("cache", "clean").code == 0
    assert (outside / "precious.txt").read_text() == "precious"
    assert not filled.exists()


def test_quiet(puffin, filled):
    assert puffin("cache", "clean", "-q")[:3] == (0, "", "")


def _said_removed(done):
    assert (done.code, done.out) == (0, ""), done.err
    assert re.fullmatch(r"Removed \d+ files? \(\d+(\.\d)? \w+\) from \[TMP\]/cache\n", done.err), done.err


def _archives(cache):
    """Return the packages whose archives are in the cache, having checked that each pointer leads to one."""
    for path in (*cache.glob("wheels-v0/*/*/*/*"), *cache.glob("archive-v0/*/*.manifest")):
        assert path.exists(), path
    return sorted({path.name.partition("-")[0] for path in cache.glob("archive-v0/*/*/*.dist-info")})


def _age(cache, days, *names):
    """Let the archives of some packages have been used so many days ago, and no sooner."""
    for info in cache.glob("archive-v0/*/*/*.dist-info"):
        if info.name.partition("-")[0] in names:
            at = time.time() - days * 86400
            for path in (f"{info.parent}.manifest", *info.parent.rglob("*")):
                os.utime(path, (at, at))


def test_size_of_an_empty_cache_and_of_a_full_one(puffin, index):
    shutil.rmtree(puffin.cache)
    assert puffin("cache", "size")[:3] == (0, "0\n", "")
    assert not puffin.cache.exists()
    puffin.venv()
    index.add(*forge_wheel("alpha", "1.0"))
    puffin.sync("alpha==1.0\n", "-i", index.url)
    done = puffin("cache", "size")
    every = [path for path in puffin.cache.rglob("*") if path.is_symlink() or path.is_file()]
    assert int(done.out) == sum(path.lstat().st_size for path in every)


def test_size_for_people(puffin, filled):
    code = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    words = [sys.executable, "-c", code, sys.executable, "-m", "puffin", "cache", "size"]
    done = subprocess.run(words, capture_output=True, text=True, env=puffin.environ(), stdin=subprocess.DEVNULL)
    assert re.search(r"\b\d+(\.\d)? [KM]iB\s*$", done.stdout), done.stdout  # a picture may come before it


def test_prune_of_a_cache_in_good_order_removes_nothing_that_is_used(puffin, filled, env, index):
    before = {path: path.lstat().st_ino for path in filled.rglob("*")}
    assert puffin("cache", "prune").err == "Nothing to prune\n"
    assert {path: path.lstat().st_ino for path in filled.rglob("*")} == before
    assert puffin("cache", "prune", "--unused-for", "14d", "--max-size", "1G").err == "Nothing to prune\n"
    assert puffin("cache", "prune", "--cache-dir", "nowhere").err == "No cache found at [TMP]/here/nowhere\n"


def test_prune_of_what_nothing_leads_to(puffin, filled, env, index):
    for path in [*filled.glob("wheels-v0/*/*/alpha/*"), *filled.glob("pins-v0/*/alpha-*")]:
        path.unlink()
    for name in ("simple-v99", "workspaces-v0"):  # of other versions of puffin
        (filled / name).mkdir()
    (filled / "strange-v1").mkdir()
    half = filled / "archive-v0" / "ab" / f"ab{'0' * 62}"
    (half / "package").mkdir(parents=True)
    (half / "package" / "x.py").write_text("")
    _said_removed(puffin("cache", "prune"))
    assert _archives(filled) == ["beta"]
    assert not half.exists()
    assert not (filled / "simple-v99").exists()
    assert not (filled / "workspaces-v0").exists()
    assert (filled / "strange-v1").exists(), "who knows whose it is"
    assert puffin("cache", "prune").err == "Nothing to prune\n"


def test_prune_of_pointers_to_archives_that_are_gone(puffin, filled, env, index):
    for path in filled.glob("archive-v0/*/*"):
        if path.is_dir() and list(path.glob("alpha*")):
            shutil.rmtree(path)
            os.unlink(f"{path}.manifest")
    _said_removed(puffin("cache", "prune"))
    assert _archives(filled) == ["beta"]
    assert not list(filled.glob("pins-v0/*/alpha-*"))


def test_prune_by_age(puffin, filled, env, index):
    shutil.rmtree(filled / "used-v0")
    _age(filled, 20, "alpha")
    _age(filled, 5, "beta")
    assert (
        puffin.sync(None, "-p", puffin.venv(name="other").root, "-i", index.url, "--compile-bytecode").code == 0
    )
    assert puffin("cache", "prune", "--unused-for", "14d").err == "Nothing to prune\n", "used just now"
    shutil.rmtree(filled / "used-v0")
    _said_removed(puffin("cache", "prune", env={"PUFFIN_UNUSED_FOR": "14d"}))
    assert _archives(filled) == ["beta"]
    assert len(list(filled.glob("pyc-v0/*/*/*.manifest"))) == 1, "bytecode goes with its archive"
    assert not list(filled.glob("p*-v0/*/alpha-*"))
    puffin.sync(None, "--reinstall", "-i", index.url)
    _said_removed(puffin("cache", "prune", "--unused-for", "0d"))
    assert _archives(filled) == [], "nothing has been used for as little as no time at all"
    assert puffin.sync(None, "--reinstall", "-i", index.url).code == 0


def test_prune_by_size(puffin, filled, env):
    shutil.rmtree(filled / "used-v0")
    _age(filled, 3, "beta")
    for path in filled.glob("simple-v0/*/*"):
        os.utime(path)
    whole = int(puffin("cache", "size").out)
    _said_removed(puffin("cache", "prune", "--max-size", str(whole - 1)))
    assert _archives(filled) == ["alpha"]
    _said_removed(puffin("cache", "prune", "--max-size", "0"))
    assert _archives(filled) == []


def test_prune_for_ci(puffin, filled, env, index):
    _said_removed(puffin("cache", "prune", "--ci"))
    assert _archives(filled) == []
    assert not list(filled.glob("simple-v0/*/*"))
    done = puffin.sync(None, "--reinstall", "-i", index.url)
    assert done.err == told("~ alpha==1.0", "~ beta==1.0", pins=2, prepared=2, uninstalled=2, installed=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--unused-for", "soon"),
            "error: `soon` is not an age\n\nhint: `--unused-for` takes an age such as `14d`\n",
        ),
        (("--max-size", "big"), "error: `big` is not a size\n\nhint: `--max-size` takes a size such as `2G`\n"),
    ],
)
def test_prune_with_values_that_cannot_be(puffin, filled, words, said):
    done = puffin("cache", "prune", *words)
    assert (done.code, done.err) == (2, said)


def test_prune_waits_for_a_run(puffin, filled):
    import fcntl

    with open(filled / ".lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        waiting = subprocess.Popen(
            [sys.executable, "-m", "puffin", "cache", "prune", "--ci"],
            env=puffin.environ(), stderr=subprocess.PIPE, text=True, cwd=puffin.cwd,
        )  # fmt: skip
        said = waiting.stderr.readline()
        others = (f"process {os.getpid()}", "other puffin processes")  # where the kernel tells, or not
        assert said in [f"The cache is in use; waiting for {each} to finish\n" for each in others]
        assert _archives(filled) == ["alpha", "beta"]
        _said_removed(puffin("cache", "prune", "--ci", "--force"))
    assert "Nothing to prune" in waiting.communicate(timeout=SECONDS)[1]
    assert waiting.returncode == 0


@pytest.fixture
def below(puffin, filled):
    """A cache that is only read, with what *filled* has; the own one is empty but for interpreters."""
    place = puffin.root / "below"
    shutil.copytree(filled, place, symlinks=True)
    shutil.rmtree(filled)
    return place


def _snapshot(root):
    return {path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in root.rglob("*")}


def test_a_cache_beneath_is_used_and_never_written_to(puffin, below, index):
    env = puffin.venv(name="other")
    served = len(index.requests)
    before = _snapshot(below)
    for executor in ("inline", "pool", "cluster"):
        puffin.executor = executor
        variables = {"PUFFIN_CACHE_LAYERS": f"{puffin.root}/nowhere{os.pathsep}{below}"}
        done = puffin.sync(None, "-p", env.root, "--reinstall", "-i", index.url, env=variables)
        sign = "+" if executor == "inline" else "~"
        gone = 0 if sign == "+" else 2
        assert done.err == told(
            f"{sign} alpha==1.0", f"{sign} beta==1.0", pins=2, uninstalled=gone, installed=2
        )
    assert env.record("alpha")
    source = next(below.glob("archive-v0/*/*/alpha/__init__.py"))
    assert os.path.samefile(env.site / "alpha/__init__.py", source)
    assert _snapshot(below) == before
    assert _archives(puffin.cache) == []
    done = puffin.sync(None, "-p", env.root, "--compile-bytecode", "-i", index.url, env=variables)
    assert done.code == 0, done.err
    assert len(list(puffin.cache.glob("pyc-v0/*/*/*.manifest"))) == 2, "what is made goes into the own cache"
    assert _snapshot(below) == before
    assert puffin("cache", "prune", env=variables).code == 0
    assert len(list(puffin.cache.glob("pyc-v0/*/*/*.manifest"))) == 2, "its archive is there, if elsewhere"
    assert len(index.requests) == served, "nothing was asked for, not even a page"


def test_a_damaged_archive_beneath_is_fetched_into_the_own_cache(puffin, below, index):
    env = puffin.venv(name="other")
    next(below.glob("archive-v0/*/*/alpha/__init__.py")).unlink()
    before = _snapshot(below)
    variables = {"PUFFIN_CACHE_LAYERS": str(below)}
    done = puffin.sync(None, "-p", env.root, "-i", index.url, env=variables)
    assert done.code == 0, done.err
    assert "warning: The cached archive of `alpha` was damaged; fetching it again" in done.err
    assert env.record("alpha")
    assert _archives(puffin.cache) == ["alpha"]
    assert _snapshot(below) == before
    again = puffin.sync(None, "-p", puffin.venv(name="third").root, "-i", index.url, env=variables)
    assert again.err == told("+ alpha==1.0", "+ beta==1.0", pins=2, installed=2)


def test_install_and_compile_read_a_cache_beneath(puffin, below, index):
    variables = {"PUFFIN_CACHE_LAYERS": str(below)}
    puffin.venv(name="other")
    served = len(index.requests)
    words = ("-p", "other", "--offline", "-i", index.url)
    done = puffin("pip", "install", "alpha", *words, env=variables)
    assert done.code == 0, done.err
    assert len(index.requests) == served


def test_a_repository_goes_with_its_checkouts_and_by_the_youngest_of_them(puffin, filled):
    def repository(key, *ages):
        (filled / "git-v0/db" / key).mkdir(parents=True)
        (filled / "git-v0/db" / key / "HEAD").write_text("ref")
        for number, age in enumerate((20, *ages)):
            place = filled / "git-v0/checkouts" / key / f"c{number}" if number else filled / "git-v0/db" / key
            place.mkdir(parents=True, exist_ok=True)
            (place / "file").write_text("")
            at = time.time() - age * 86400
            os.utime(place, (at, at))

    repository("old", 30, 25)
    repository("young", 30, 2)
    (filled / "resolutions-v0").mkdir()
    (filled / "resolutions-v0" / "kept").write_text("")
    _said_removed(puffin("cache", "prune", "--unused-for", "14d"))
    left = sorted(path.relative_to(filled / "git-v0").as_posix() for path in (filled / "git-v0").glob("*/*"))
    assert left == ["checkouts/young", "db/young"]
    assert len(list((filled / "git-v0/checkouts/young").iterdir())) == 2
    assert (filled / "resolutions-v0" / "kept").exists()
    _said_removed(puffin("cache", "prune", "--ci"))
    assert not list((filled / "git-v0").glob("*/*"))
    assert not (filled / "resolutions-v0" / "kept").exists()


def test_what_was_built_stays_for_ci_and_goes_by_age(puffin, filled):
    from puffin.cache import frame

    archive = next(path for path in filled.glob("archive-v0/*/*") if list(path.glob("alpha*")))
    room = filled / "built-wheels-v0" / "revision" / "settings" / "build.wheel"
    room.mkdir(parents=True)
    (room / "entry").write_bytes(frame.dump((1, "alpha-1.0-py3-none-any.whl", archive.name, 1)))
    (filled / "build-envs-v0" / "key").mkdir(parents=True)
    (filled / "build-envs-v0" / "key" / "file").write_text("")
    for path in [*filled.glob("wheels-v0/*/*/alpha/*"), *filled.glob("pins-v0/*/alpha-*")]:
        path.unlink()
    assert puffin("cache", "prune").err == "Nothing to prune\n"
    _said_removed(puffin("cache", "prune", "--ci"))
    assert _archives(filled) == ["alpha"]
    assert (room / "entry").exists()
    assert not (filled / "build-envs-v0" / "key").exists()
    at = time.time() - 20 * 86400
    os.utime(room / "entry", (at, at))
    _said_removed(puffin("cache", "prune", "--unused-for", "14d"))
    assert not room.exists()
    _said_removed(puffin("cache", "prune"))
    assert _archives(filled) == [], "nothing leads to it any more"


def test_size_with_a_unit(puffin, filled):
    assert puffin("cache", "size", "--human").out.split()[1] in ("B", "KiB", "MiB")
    assert puffin("cache", "size", "-H").out == puffin("cache", "size", "--human").out
