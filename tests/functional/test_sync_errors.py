"""``puffin pip sync`` on bad input: what it says, how it ends, and that nothing is changed."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.helpers.cli import lines, told
from tests.helpers.wheels import forge_wheel, hostile_wheels

FAILED = "error: Failed to sync the environment `[TMP]/here/.venv`; it was left as it was"
ONE = "error: Failed to find the files of 1 package"


@pytest.fixture
def untouched(env):
    """Check that the environment is as it was, and without anything temporary, when the test is over."""
    before = env.tree()
    yield env
    assert env.tree() == before
    left = (
        {path.name for path in (env.root / ".puffin").iterdir()} if (env.root / ".puffin").exists() else set()
    )
    assert left <= {"lock", "state"}


def test_a_missing_file_is_told_first_and_nothing_is_created(puffin):
    done = puffin("pip", "sync", "nope.txt")
    assert (done.code, done.err) == (2, lines("error: File not found: `nope.txt`"))
    assert list(puffin.cwd.iterdir()) == []


def test_missing_files_in_an_environment(puffin, untouched):
    done = puffin("pip", "sync", "nope.txt")
    assert (done.code, done.err) == (2, lines("error: File not found: `nope.txt`"))
    done = puffin.sync("alpha==1.0\n-r sub/nope.txt\n")
    assert (done.code, done.err) == (
        2,
        lines("error: File not found: `sub/nope.txt` (included at requirements.txt:2)"),
    )


def test_a_line_that_cannot_be_parsed_is_shown_with_a_caret(puffin, untouched):
    done = puffin.sync("alpha==1.0\nbeta==\n")
    assert done.code == 2
    assert done.err == lines(
        "error: Couldn't parse requirement in `requirements.txt` at 2:7",
        "  A version is expected after `==`.",
        "    beta==",
        "          ^",
    )


def test_what_is_not_pinned_is_refused_all_at_once(puffin, untouched):
    done = puffin.sync("alpha>=1\nbeta\ngamma==1\n")
    assert done.code == 1
    assert "alpha>=1 (requirements.txt:1)\n" in done.err
    assert "beta (requirements.txt:2)\n" in done.err
    assert "gamma" not in done.err
    pinned = "requirements.pinned.txt"
    command = f"puffin pip compile requirements.txt -o {pinned} && puffin pip sync {pinned}"
    assert f"\nhint: to pin all versions first: `{command}`\n" in done.err
    assert "keep other packages: `puffin pip install -r requirements.txt`\n" in done.err


def test_unknown_package(puffin, untouched, index):
    done = puffin.sync("nobody==1\n", "-i", index.url)
    assert done.code == 1
    assert done.err == lines(
        ONE,
        "  ╰─▶ Failed to find `nobody==1`: its name is not on `[INDEX]/simple`",
        "",
        "hint: check the spelling of its name, or add the index that has it with `--extra-index-url`",
    )


def test_unknown_version(puffin, untouched, index):
    for version in ("1.0", "2.0"):
        index.add(*forge_wheel("alpha", version))
    done = puffin.sync("alpha==7\n", "-i", index.url)
    assert done.code == 1
    assert done.err == lines(
        ONE,
        "  ╰─▶ Failed to find `alpha==7`: `[INDEX]/simple` does not have this version",
        "      It has 2 versions: 1.0, 2.0",
        "",
        "hint: pin another version, such as `alpha==2.0`",
    )


def test_only_a_source_distribution_no_fitting_tag_and_another_python_are_told_together(
    puffin, untouched, index
):
    index.add("sdonly-1.0.tar.gz", b"not looked at")
    index.add(*forge_wheel("old", "1.0", tag="cp27-cp27mu-win32"))
    index.add(*forge_wheel("new", "1.0", requires_python=">=4"), requires_python=">=4")
    done = puffin.sync("sdonly==1.0\nold==1.0\nnew==1.0\n", "-i", index.url, "--only-binary", ":all:")
    assert done.code == 1
    assert done.err.startswith("error: Failed to find the files of 3 of 3 packages\n")
    assert "`sdonly==1.0`: there is only a source distribution" in done.err
    assert "`old==1.0`: no wheel's Python tag fits Python 3." in done.err
    assert "Available: cp27-cp27mu-win32\n" in done.err
    assert "`new==1.0`: it requires Python >=4, but the interpreter is Python 3." in done.err


def test_wrong_hash_by_the_page_and_by_the_file(puffin, untouched, index):
    filename, data = forge_wheel("alpha", "1.0")
    index.add(filename, data)
    real, wrong = hashlib.sha256(data).hexdigest(), "0" * 64
    done = puffin.sync(f"alpha==1.0 --hash=sha256:{wrong}\n", "-i", index.url)
    assert done.code == 1
    assert (
        f"Expected:\n        sha256:{wrong}\n      Offered:\n        sha256:{real} ({filename})\n" in done.err
    )
    assert index.count(f"/files/{filename}") == 0, "no need to fetch what cannot fit"
    index.add(filename, data, hashes=False)
    done = puffin.sync(None, "-i", index.url, "--refresh")
    assert done.code == 1
    assert done.err == lines(
        "Resolved 1 package in [TIME]",
        FAILED,
        f"  ╰─▶ Hash mismatch for `{filename}` from `[INDEX]/files/{filename}`",
        "      Expected:",
        f"        sha256:{wrong}",
        "      Computed:",
        f"        sha256:{real}",
        "",
        "hint: if the file was replaced on purpose, pin its new hash; "
        "if not, somebody between its author and you changed it",
    )


@pytest.mark.parametrize(
    "pinned",
    [f"--hash=md5:{'0' * 32}", f"--hash=sha256:{'0' * 64} --hash=sha256:{'1' * 64}"],
    ids=["md5", "two"],
)
def test_a_cached_wheel_is_not_taken_on_trust_where_hashes_are_pinned(puffin, env, index, pinned):
    index.add(*forge_wheel("alpha", "1.0"), hashes=False)
    assert puffin.sync("alpha==1.0\n", "-i", index.url).code == 0
    other = puffin.venv(name="other")
    done = puffin.sync(f"alpha==1.0 {pinned}\n", "-i", index.url, "-p", other.root)
    assert done.code == 1
    assert "Hash mismatch for `alpha-1.0-py3-none-any.whl`" in done.err
    assert other.installed() == {}


def test_required_hashes(puffin, env, index):
    filename, data = forge_wheel("alpha", "1.0")
    index.add(filename, data)
    done = puffin.sync("alpha==1.0\n", "--require-hashes", "-i", index.url)
    assert done.code == 1
    assert "error: Hashes are required, but `alpha==1.0` cannot be verified\n" in done.err
    assert "alpha==1.0 (requirements.txt:1): it has no `--hash`\n" in done.err
    done = puffin.sync(
        f"alpha==1.0 --hash=md5:{hashlib.md5(data).hexdigest()}\n", "--require-hashes", "-i", index.url
    )
    assert done.code == 1
    assert "md5 is too weak; give a sha256, sha384, sha512 or blake2b hash" in done.err
    real = hashlib.sha256(data).hexdigest()
    done = puffin.sync(
        f"alpha==1.0 --hash=sha256:{'0' * 64} --hash=sha256:{real}\n", "--require-hashes", "-i", index.url
    )
    assert done.err == told("+ alpha==1.0", pins=1, prepared=1, installed=1)


SAMPLE = [
    "parent",
    "symlink",
    "checksum",
    "no RECORD",
    "script python",
    "truncated to 0.5",
    "METADATA version",
    "not a zip",
]


@pytest.mark.parametrize("label", SAMPLE)
def test_hostile_wheels_are_refused_and_nothing_stays(puffin, untouched, index, label):
    filename, data, reason = hostile_wheels()[label]
    index.add(filename, data)
    done = puffin.sync("evil==1.0\n", "-i", index.url)
    assert done.code == 1
    head, error, refused, *why = done.err.splitlines()
    assert (head, error) == ("Resolved 1 package in [TIME]", FAILED)
    assert refused == f"  ╰─▶ `{filename}` has an invalid package format"
    assert reason in why[0]
    archives = puffin.cache / "archive-v0"
    assert not archives.exists() or not any(path.is_file() for path in archives.rglob("*"))


@pytest.mark.parametrize(("status", "code"), [(401, 1), (403, 1), (503, 75)])
def test_an_index_page_that_is_refused(puffin, untouched, index, status, code):
    index.fail("/simple/alpha/", [status], forever=True)
    done = puffin.sync("alpha==1.0\n", "-i", index.url, env={"PUFFIN_HTTP_RETRIES": "1"})
    assert done.code == code
    assert done.err.startswith(f"{ONE}\n")
    assert "`[INDEX]/simple/alpha/`" in done.err
    assert str(status) in done.err
    assert "\nhint: " in done.err


@pytest.mark.parametrize(("fault", "code"), [(401, 1), (404, 1), (503, 75), ("garbage", 1), ("drop:10", 75)])
def test_a_file_that_cannot_be_had(puffin, untouched, index, fault, code):
    filename, data = forge_wheel("alpha", "1.0")
    index.add(filename, data)
    index.fail(f"/files/{filename}", [fault], forever=True)
    done = puffin.sync("alpha==1.0\n", "-i", index.url, env={"PUFFIN_HTTP_RETRIES": "1"})
    assert done.code == code
    assert done.err.startswith(lines("Resolved 1 package in [TIME]", FAILED))
    assert f"`[INDEX]/files/{filename}`" in done.err


def test_garbage_for_a_page(puffin, untouched, index):
    index.add(*forge_wheel("alpha", "1.0"))
    index.fail("/simple/alpha/", ["garbage"], forever=True)
    done = puffin.sync("alpha==1.0\n", "-i", index.url)
    assert done.code == 1
    assert "  ╰─▶ Failed to read `[INDEX]/simple/alpha/` as a page of a package index" in done.err


def test_what_passes_is_tried_again(puffin, env, index):
    index.add(*forge_wheel("alpha", "1.0"))
    index.fail("/simple/alpha/", [503])
    index.fail("/files/alpha-1.0-py3-none-any.whl", ["drop:20", "reset"])
    assert puffin.sync("alpha==1.0\n", "-i", index.url).err == told(
        "+ alpha==1.0", pins=1, prepared=1, installed=1
    )


def test_credentials_are_used_and_never_shown(puffin, env, index):
    index.add(*forge_wheel("alpha", "1.0"))
    index.auth = ("user", "s3cret")
    done = puffin.sync("alpha==1.0\n", "-i", index.url_with("user", "wr0ng"))
    assert done.code == 1
    assert "HTTP 401" in done.err
    assert "wr0ng" not in done.raw_err
    done = puffin.sync("alpha==1.0\n", "-i", index.url_with("user", "s3cret"))
    assert done.err == told("+ alpha==1.0", pins=1, prepared=1, installed=1)
    for path in puffin.cache.rglob("*"):
        assert not path.is_file() or b"s3cret" not in path.read_bytes(), path


def test_no_environment_at_all(puffin):
    puffin.file("requirements.txt", "alpha==1.0\n")
    done = puffin("pip", "sync", "requirements.txt")
    assert (done.code, done.err) == (
        2,
        lines(
            "error: No virtual environment found; run `puffin venv` to make one, or point to one with `--python`"
        ),
    )


def test_an_active_environment_that_is_gone(puffin):
    done = puffin.sync("alpha==1.0\n", env={"VIRTUAL_ENV": str(puffin.cwd / "gone")})
    assert done.code != 0
    assert done.err.startswith("error: Failed to inspect Python interpreter")
    assert "VIRTUAL_ENV" in done.err


def test_an_externally_managed_python_is_refused(puffin, index):
    index.add(*forge_wheel("alpha", "1.0"))
    python, home, site = _installation(puffin.root / "usr")
    marker = home / "EXTERNALLY-MANAGED"
    marker.write_text("[externally-managed]\nError=Ask the distribution.\n Then ask again.\n")
    done = puffin.sync("alpha==1.0\n", "-p", python, "-i", index.url)
    assert done.code == 2
    assert done.err == lines(
        "error: The interpreter at `[TMP]/usr/bin/python3` is externally managed",
        "  Ask the distribution.",
        "  Then ask again.",
        "",
        "hint: make a virtual environment with `puffin venv` and install there",
        "hint: or pass `--break-system-packages` to change this installation all the same",
    )
    assert list(site.iterdir()) == []
    done = puffin.sync(None, "-p", python, "-i", index.url, "--break-system-packages")
    assert done.err == told("+ alpha==1.0", pins=1, prepared=1, installed=1)
    assert (site / "alpha").is_dir()


def _installation(root):
    """Make something that looks like an installation of this Python; return executable, stdlib and site-packages."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    home = root / "lib" / stdlib.name
    for directory in (root / "bin", home / "site-packages"):
        directory.mkdir(parents=True)
    shutil.copy2(os.path.realpath(sys.executable), root / "bin" / "python3")
    for entry in stdlib.iterdir():
        if entry.name not in ("site-packages", "EXTERNALLY-MANAGED"):
            (home / entry.name).symlink_to(entry)
    python = root / "bin" / "python3"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"  # Debian's is beneath `local`
    site = Path(
        subprocess.run([python, "-Ic", code], capture_output=True, text=True, check=True).stdout.strip()
    )
    site.mkdir(parents=True, exist_ok=True)
    return python, home, site


def test_sources_whose_build_requirements_cannot_be_had_say_so(puffin, untouched):
    (puffin.cwd / "project").mkdir()
    puffin.file("project/pyproject.toml", "[project]\nname='x'\nversion='1'\n")
    done = puffin.sync("./project\n", "--no-index")
    assert done.code == 1
    assert "Failed to resolve the build requirements of `x @ file://[TMP]/here/project`" in done.err


def test_usage_errors_name_the_help(puffin):
    done = puffin("pip", "sync", "--bogus")
    assert done.code == 2
    assert done.err.startswith("error: No such option `--bogus`")
    assert done.err.endswith("\n\nhint: run `puffin pip sync --help` to see all options\n")
    done = puffin("pip", "sync", "requirements.txt", "--executor", "magic")
    assert done.code == 2
    assert done.err == lines(
        "error: `magic` is not an executor",
        "",
        "hint: use one of `auto`, `inline`, `pool`, `cluster`, `tcp://HOST:PORT`, `tls://HOST:PORT`",
    )
    done = puffin("pip", "sync", "requirements.txt", env={"PUFFIN_EXECUTOR": "magic"})
    assert done.code == 2
    assert "`magic` is not an executor" in done.err
    done = puffin("pip", "sync", "requirements.txt", "--jobs", "many")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: `many` is not a number of jobs")
    done = puffin("pip", "sync")
    assert done.code == 2
    assert done.err == lines(
        "error: No requirements file was given", "", "hint: for example: `puffin pip sync requirements.txt`"
    )
    done = puffin("frobnicate")
    assert done.code == 2
    assert done.err.startswith("error: No such command `frobnicate`")
