"""``puffin pip install``: what is installed stays where it can, and what is missing comes in whole."""

import json
import subprocess
import sys

import pytest

from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    """A small world: app needs lib of at least 1.5, tool needs an old lib, extra is optional."""
    for version in ("1.0", "1.5", "2.0"):
        index.add(*forge_wheel("lib", version))
    index.add(*forge_wheel("app", "1.0", requires=("lib>=1.0",)))
    index.add(*forge_wheel("app", "2.0", requires=("lib>=1.5", "more; extra == 'all'")))
    index.add(*forge_wheel("more", "0.1"))
    index.add(*forge_wheel("tool", "1.0", requires=("lib<2",)))
    return index


def test_a_package_comes_with_what_it_needs(puffin, env, shop):
    done = puffin("pip", "install", "app", "-i", shop.url)
    assert (done.code, done.out) == (0, "")
    assert env.installed() == {"app": "2.0", "lib": "2.0"}
    assert " + app==2.0\n + lib==2.0\n" in done.err
    assert (env.info("app") / "REQUESTED").exists()
    assert not (env.info("lib") / "REQUESTED").exists()


def test_what_satisfies_is_kept_without_asking_anybody(puffin, env, shop):
    assert puffin("pip", "install", "lib==1.0", "-i", shop.url).code == 0
    shop.requests.clear()
    done = puffin("pip", "install", "lib", "-i", shop.url)
    assert done.code == 0
    assert shop.requests == []
    assert env.installed() == {"lib": "1.0"}
    assert done.err == "Resolved 1 package in [TIME]\nChecked 1 package in [TIME]\n"


def test_an_upgrade_takes_the_newest_of_all_or_of_one(puffin, env, shop):
    assert puffin("pip", "install", "app==1.0", "lib==1.0", "-i", shop.url).code == 0
    assert puffin("pip", "install", "app", "-P", "app", "-i", shop.url).code == 0
    assert env.installed() == {"app": "2.0", "lib": "2.0"}, "lib 1.0 does not satisfy app 2.0"
    assert puffin("pip", "install", "tool", "-i", shop.url).code == 0
    assert env.installed()["lib"] == "1.5"
    assert puffin("pip", "install", "app", "-U", "-i", shop.url).code == 0
    assert env.installed()["lib"] == "2.0"


def test_reinstalling_marks_all_or_one(puffin, env, shop):
    assert puffin("pip", "install", "app==1.0", "lib==1.0", "-i", shop.url).code == 0
    done = puffin("pip", "install", "app", "--reinstall", "-i", shop.url)
    assert " ~ app==1.0\n ~ lib==1.0\n" in done.err
    done = puffin("pip", "install", "app", "--reinstall-package", "lib", "-i", shop.url)
    assert " ~ lib==1.0\n" in done.err
    assert "app" not in done.err


def test_no_deps_takes_only_what_is_named_and_strict_tells(puffin, env, shop):
    done = puffin("pip", "install", "app", "--no-deps", "--strict", "-i", shop.url)
    assert done.code == 0
    assert env.installed() == {"app": "2.0"}
    assert "`app` requires `lib>=1.5`, which is not installed" in done.err
    assert "warning" not in puffin("pip", "install", "tool", "--no-deps", "-i", shop.url).err


def test_breaking_another_package_is_told(puffin, env, shop):
    assert puffin("pip", "install", "tool", "-i", shop.url).code == 0
    done = puffin("pip", "install", "lib==2.0", "-i", shop.url)
    assert done.code == 0
    assert env.installed() == {"lib": "2.0", "tool": "1.0"}
    assert "warning: `tool` requires `lib<2`, but 2.0 is installed" in done.err


def test_exact_removes_the_others(puffin, env, shop):
    assert puffin("pip", "install", "tool", "more", "-i", shop.url).code == 0
    done = puffin("pip", "install", "lib", "--exact", "-i", shop.url)
    assert done.code == 0
    assert env.installed() == {"lib": "1.5"}
    assert " - more==0.1\n - tool==1.0\n" in done.err


def test_files_extras_and_constraints(puffin, env, shop):
    puffin.file("requirements.in", "app[all]\n")
    puffin.file("limits.txt", "lib<2\n")
    done = puffin("pip", "install", "-r", "requirements.in", "-c", "limits.txt", "-i", shop.url)
    assert done.code == 0
    assert env.installed() == {"app": "2.0", "lib": "1.5", "more": "0.1"}


def test_a_dry_run_changes_nothing(puffin, env, shop):
    done = puffin("pip", "install", "app", "--dry-run", "-i", shop.url)
    assert done.code == 0
    assert env.installed() == {}
    assert "Would install 2 packages\n + app==2.0\n + lib==2.0\n" in done.err


def test_no_solution_leaves_the_environment_alone(puffin, env, shop):
    done = puffin("pip", "install", "app", "lib<1", "-i", shop.url)
    assert done.code == 1
    assert env.installed() == {}
    assert done.err.startswith("error: ")
    assert "lib<1" in done.err
    assert "Traceback" not in done.err


def test_only_a_source_distribution_is_named(puffin, env, shop):
    shop.add("onlysource-1.0.tar.gz", b"not opened")
    done = puffin("pip", "install", "onlysource", "-i", shop.url)
    assert done.code == 1
    assert "onlysource" in done.err
    assert "Traceback" not in done.err


def test_a_wheel_by_its_path_or_url(puffin, env, shop):
    name, data = forge_wheel("direct", "3.0", requires=("lib",))
    path = puffin.file(name, data)
    assert puffin("pip", "install", f"./{name}", "-i", shop.url).code == 0
    assert env.installed() == {"direct": "3.0", "lib": "2.0"}
    direct = json.loads((env.info("direct") / "direct_url.json").read_text())
    assert direct["url"] == path.as_uri()
    done = puffin("pip", "install", f"direct @ {path.as_uri()}", "-i", shop.url)
    assert "Checked" in done.err
    assert "direct" not in done.err


def test_hashes_can_be_required(puffin, env, shop):
    done = puffin("pip", "install", "lib", "--require-hashes", "-i", shop.url)
    assert done.code == 1
    assert "`lib`" in done.err
    assert "--generate-hashes" in done.err
    assert env.installed() == {}


def test_nothing_to_install_is_a_usage_error(puffin, env):
    done = puffin("pip", "install")
    assert done.code == 2
    assert done.err.startswith("error: No packages were given\n")


def test_a_report_as_pip_writes_it(puffin, env, shop):
    done = puffin("pip", "install", "app", "--dry-run", "-q", "--report", "-", "-i", shop.url)
    report = json.loads(done.out)
    assert report["version"] == "1"
    items = {item["metadata"]["name"]: item for item in report["install"]}
    assert {name: item["requested"] for name, item in items.items()} == {"app": True, "lib": False}
    assert items["app"]["metadata"]["requires_dist"][0].startswith("lib")
    assert items["app"]["download_info"]["url"] == "[INDEX]/files/app-2.0-py3-none-any.whl"
    assert report["environment"]["python_version"] == ".".join(map(str, sys.version_info[:2]))
    assert env.installed() == {}


def test_installing_offline_from_the_cache(puffin, env, shop):
    assert puffin("pip", "install", "app", "-i", shop.url).code == 0
    other = puffin.venv(name="other")
    done = puffin("pip", "install", "app", "--offline", "-i", shop.url, env={"VIRTUAL_ENV": str(other.root)})
    assert done.code == 0
    assert other.installed() == {"app": "2.0", "lib": "2.0"}


@pytest.mark.parametrize("words", [("install", "lib"), ("compile", "lib.in", "-q", "-o", "lib.txt")])
def test_prereleases_by_mode(puffin, env, shop, words):
    shop.add(*forge_wheel("lib", "3.0rc1"))
    puffin.file("lib.in", "lib\n")

    def chosen(*more, **variables):
        (puffin.cwd / "lib.txt").unlink(missing_ok=True)
        done = puffin("pip", *words, *more, "-i", shop.url, "--refresh", env=variables)
        assert done.code == 0, done.err
        if words[0] == "install":
            return env.installed()["lib"]
        return (puffin.cwd / "lib.txt").read_text().splitlines()[2].removeprefix("lib==")

    assert chosen("--prerelease", "disallow") == "2.0"
    upgrade = ("-U",) if words[0] == "install" else ()
    assert chosen("--prerelease", "allow", *upgrade) == "3.0rc1"
    if words[0] == "compile":
        assert chosen(PUFFIN_PRERELEASE="allow") == "3.0rc1"
        assert chosen() == "2.0"


@pytest.mark.parametrize("command", ["install", "compile"])
def test_nothing_is_built_on_request(puffin, env, shop, command):
    shop.add("lib-9.0.tar.gz", b"who knows")
    words = ("lib",) if command == "install" else (puffin.file("lib.in", "lib\n"),)
    done = puffin("pip", command, *words, "--no-build", "-i", shop.url)
    assert done.code == 0, done.err
    assert "lib==2.0" in done.out + done.err


def test_progress_is_shown_on_a_terminal_unless_it_is_not_wanted(puffin, env, index):
    names = [f"p{number}" for number in range(25)]
    for name in names:
        index.add(*forge_wheel(name, "1.0"))
    puffin.file("many.txt", "".join(f"{name}==1.0\n" for name in names))
    code = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    command = [sys.executable, "-c", code, sys.executable, "-m", "puffin", "pip", "sync", "many.txt"]
    shown = []
    for more in ((), ("--no-progress",)):
        words = (*command, "-i", index.url, "--executor", "inline", "--reinstall", "--refresh", *more)
        environ = puffin.environ(TERM="xterm")
        # The run asks again after a pause, so it lasts until the first picture.
        index.fail("/simple/p0/", [503])
        done = subprocess.run(words, capture_output=True, env=environ, cwd=puffin.cwd, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout
        shown.append(done.stdout.replace(b"\r\n", b"\n"))
    assert b"\r" in shown[0]
    assert b"\r" not in shown[1]
