"""Installing what has no wheel: the graph grows by what a build needs, on every executor, and is built once."""

import json
import os
import subprocess
import sys

import pytest

from tests.helpers.sdists import forge_backend, forge_sdist, hooks_run, project_files, tar_bytes, write_project
from tests.helpers.waiting import SECONDS, until
from tests.helpers.wheels import forge_wheel

EXECUTORS = ("inline", "pool", "cluster")


@pytest.fixture
def told(tmp_path):
    """A file that gets a line for each hook that ran."""
    return tmp_path / "told"


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    return index


def nothing_left(puffin):
    """Tell what builds left in the cache's room for temporary files."""
    return sorted(path.name for path in (puffin.cache / "tmp-v0").iterdir())


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_source_distribution_is_built_in_an_environment_of_its_own(puffin, env, shop, told, executor):
    shop.add(*forge_sdist("thing", requires=["lib"], told=told))
    shop.add(*forge_wheel("lib", "1.0"))
    done = puffin("pip", "install", "thing", "-i", shop.url, "--executor", executor)
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "Resolved 2 packages in [TIME]\nPrepared 2 packages in [TIME]\nInstalled 2 packages in [TIME]\n"
        " + lib==1.0\n + thing==1.0\n"
    )
    assert env.installed() == {"lib": "1.0", "thing": "1.0"}, "what builds is not what is installed"
    assert env.run("-c", "import thing; print(thing.TOLD['imported'])") == "[]"
    env.record("thing")
    assert hooks_run(told) == ["metadata thing", "wheel thing"]
    assert nothing_left(puffin) == []


def test_an_archive_without_a_top_directory_is_built(puffin, env, shop):
    puffin.cwd.joinpath("thing.tar.gz").write_bytes(tar_bytes(project_files("thing")))
    done = puffin("pip", "install", "./thing.tar.gz", "-i", shop.url)
    assert done.code == 0, done.err
    assert env.installed() == {"thing": "1.0"}


def test_an_error_names_the_file_in_an_archive_and_no_temporary_one(puffin, env):
    broken = {"thing-1.0/pyproject.toml": "[build-system]\nrequires = 1\n"}
    for files, place in ((broken, "pyproject.toml"), ({"thing-1.0/x": ""}, "thing-1.0.tar.gz")):
        puffin.cwd.joinpath("thing-1.0.tar.gz").write_bytes(tar_bytes(files))
        done = puffin("pip", "install", "--no-index", "--no-deps", "./thing-1.0.tar.gz")
        assert done.code == 1
        assert f"Failed to read the build system of `./thing-1.0.tar.gz` (`{place}`): " in done.err


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_build_requirement_may_have_to_be_built_itself(puffin, env, shop, told, executor):
    shop.add(*forge_sdist("lower", told=told, backend="toy_plain"))
    shop.add(*forge_sdist("upper", needs=["toy", "lower"], imports=["lower"], told=told))
    shop.add(*forge_sdist("other", needs=["toy", "lower"], imports=["lower"], told=told))
    done = puffin("pip", "install", "upper", "other", "-i", shop.url, "--executor", executor)
    assert done.code == 0, done.err
    assert env.installed() == {"other": "1.0", "upper": "1.0"}
    assert env.run("-c", "import upper; print(upper.TOLD['imported'])") == "['lower']"
    assert hooks_run(told) == ["metadata other", "metadata upper", "wheel lower", "wheel other", "wheel upper"]
    assert nothing_left(puffin) == []


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_backend_that_asks_for_more_gets_it(puffin, env, shop, told, executor):
    shop.add(*forge_wheel("extra-tool", "2.0", {"extra_tool.py": ""}))
    shop.add(*forge_sdist("thing", asks=["extra-tool>=1"], imports=["extra_tool"], told=told, static=True))
    done = puffin("pip", "install", "thing", "-i", shop.url, "--executor", executor)
    assert done.code == 0, done.err
    assert env.run("-c", "import thing; print(thing.TOLD['imported'])") == "['extra_tool']"
    assert hooks_run(told) == ["wheel thing"]


def test_what_a_backend_asks_for_may_have_to_be_built(puffin, env, shop, told):
    shop.add(*forge_sdist("lower", told=told, static=True))
    shop.add(*forge_sdist("thing", asks=["lower"], imports=["lower"], told=told, static=True))
    done = puffin("pip", "install", "thing", "-i", shop.url)
    assert done.code == 0, done.err
    assert hooks_run(told) == ["wheel lower", "wheel thing"]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_packages_that_need_each_other_to_build_are_named(puffin, env, shop, executor):
    shop.add(*forge_sdist("hen", needs=["toy", "egg"], static=True))
    shop.add(*forge_sdist("egg", needs=["toy", "hen"], static=True))
    done = puffin("pip", "install", "hen", "-i", shop.url, "--executor", executor)
    assert done.code == 1
    assert "Failed to build `egg==1.0`: it needs `hen==1.0`, which needs `egg==1.0`, to be built" in done.err
    assert env.installed() == {}


def test_a_cycle_behind_metadata_is_named_too(puffin, env, shop):
    shop.add(*forge_sdist("hen", needs=["toy", "egg"]))
    shop.add(*forge_sdist("egg", needs=["toy", "hen"]))
    done = puffin("pip", "install", "hen", "-i", shop.url)
    assert done.code == 1
    assert "it needs `egg==1.0`, which needs `hen==1.0`, to be built" in done.err


def test_what_was_built_is_not_built_again(puffin, shop, told):
    shop.add(*forge_sdist("thing", told=told, backend="toy_plain"))
    for name in ("one", "two"):
        puffin.venv(name=name)
        done = puffin("pip", "install", "thing", "-i", shop.url, "-p", name)
        assert done.code == 0, done.err
        assert ("Prepared" in done.err) == (name == "one")
    assert hooks_run(told) == ["wheel thing"], "without a metadata hook the wheel is built for it, and kept"


def test_what_a_build_needs_too_is_asked_for_once(puffin, env, shop):
    shop.add(*forge_sdist("thing"))
    assert puffin("pip", "install", "toy", "thing", "-i", shop.url).code == 0
    assert shop.count("/simple/toy/") == 1
    assert [each.path for each in shop.requests].count("/files/toy-1.0-py3-none-any.whl") == 1


def test_other_config_settings_are_another_build(puffin, env, shop, told):
    shop.add(*forge_sdist("thing", told=told, static=True))
    for words, expected in (
        ((), "None"),
        (("-C", "a=1", "-C", "b=2", "-C", "b=3"), "{'a': '1', 'b': ['2', '3']}"),
        ((), "None"),
    ):
        done = puffin("pip", "install", "thing", "-i", shop.url, "--reinstall", *words)
        assert done.code == 0, done.err
        assert env.run("-c", "import thing; print(thing.TOLD['settings'] or None)") == expected
    assert hooks_run(told) == ["wheel thing"] * 2


def test_a_config_setting_needs_a_value(puffin, env, shop):
    done = puffin("pip", "install", "thing", "-i", shop.url, "-C", "word")
    assert done.code == 2
    assert done.err.startswith("error: `word` is not a setting for a build backend\n")


def test_a_directory_is_built_anew_when_its_project_changed(puffin, env, shop, told):
    project = write_project(puffin.cwd / "thing", "thing", told=told, static=True)
    install = ("pip", "install", "./thing", "-i", shop.url)
    assert puffin(*install).code == 0
    assert puffin(*install, "-p", str(puffin.venv(name="other").root)).code == 0
    assert hooks_run(told) == ["wheel thing"]
    write_project(project, "thing", "2.0", told=told, static=True)
    os.utime(project / "pyproject.toml", (2e9, 2e9))
    done = puffin(*install)
    assert done.code == 0, done.err
    assert env.installed() == {"thing": "2.0"}
    assert hooks_run(told) == ["wheel thing"] * 2
    for words in (("--reinstall",), ("--reinstall-package", "thing")):
        assert puffin(*install, *words).code == 0, "what else changed in a directory, nobody knows"
    assert hooks_run(told) == ["wheel thing"] * 4
    url = json.loads((env.info("thing") / "direct_url.json").read_text())
    assert url == {"dir_info": {}, "url": project.as_uri()}


@pytest.mark.parametrize(
    ("directory", "address"), [("thing", "thing"), ('it\'s "a" thing', "it's%20%22a%22%20thing")]
)
def test_an_editable_stays_where_it_is(puffin, env, shop, told, directory, address):
    project = write_project(puffin.cwd / directory, "thing", told=told)
    (project / "sources.py").write_text("VALUE = 1\n")
    done = puffin("pip", "install", "-e", f"./{directory}", "-i", shop.url)
    assert done.code == 0, done.err
    (project / "sources.py").write_text("VALUE = 2\n")
    assert env.run("-c", "import sources; print(sources.VALUE)") == "2"
    url = json.loads((env.info("thing") / "direct_url.json").read_text())
    assert url == {"dir_info": {"editable": True}, "url": f"{puffin.cwd.as_uri()}/{address}"}
    assert sorted(path.name for path in project.iterdir() if path.suffix != ".pyc") == [
        "pyproject.toml",
        "sources.py",
        "toy.json",
    ]


def test_a_failed_build_says_what_why_and_where(puffin, env, shop):
    shop.add(*forge_sdist("broken", fail="wrong", static=True))
    shop.add(*forge_wheel("middle", "1.0", requires=("broken",)))
    shop.add(*forge_wheel("top", "1.0", requires=("middle",)))
    done = puffin("pip", "install", "top", "-i", shop.url)
    log = done.raw_err.partition("The whole log is `")[2].partition("`")[0]
    with open(log) as file:
        assert file.read() == "building broken\nsomething is wrong\nwrong\n"
    assert done.code == 1
    assert done.err == (
        "Resolved 3 packages in [TIME]\n"
        "error: Failed to change the environment `[TMP]/here/.venv`; it was left as it was\n"
        "  ╰─▶ Failed to build `broken==1.0`\n"
        "      `toy.build_wheel` failed (exit status 1)\n"
        "      \n"
        "      [output]\n"
        "      building broken\n"
        "      something is wrong\n"
        "      wrong\n"
        "      \n"
        f"      The whole log is `{puffin.plain(log)}`\n"
        "      ╰─▶ `broken` was included because `top` depends on `middle` depends on `broken`\n"
    )
    assert env.installed() == {}
    assert nothing_left(puffin) == []


@pytest.mark.parametrize("command", ["compile", "install"])
def test_a_build_that_fails_for_its_metadata_says_why_it_was_wanted(puffin, env, shop, command):
    shop.add(*forge_sdist("broken", fail="wrong", backend="toy_plain"))
    shop.add(*forge_wheel("middle", "1.0", requires=("broken",)))
    shop.add(*forge_wheel("top", "1.0", requires=("middle",)))
    puffin.file("top.in", "top\n")
    words = ("compile", "top.in") if command == "compile" else ("install", "top")
    done = puffin("pip", *words, "-i", shop.url)
    assert done.code == 1
    assert done.err.count("Failed to build `broken==1.0`") == 1
    assert done.err.endswith(
        "╰─▶ `broken` was included because `top` depends on `middle` depends on `broken`\n"
    )
    record = max((puffin.cache / "runs-v0").iterdir(), key=lambda path: path.name)
    rows = [json.loads(line) for line in record.read_text().splitlines()]
    built = [(row["package"], row["status"]) for row in rows if row.get("stage") == "build"]
    assert built == [("broken", "failed")]


def test_one_root_cause_is_one_error(puffin, env, shop):
    shop.add(*forge_sdist("broken", fail="wrong", static=True))
    for name in ("one", "two", "three"):
        shop.add(*forge_sdist(name, needs=["toy", "broken"], static=True))
    done = puffin("pip", "install", "one", "two", "three", "-i", shop.url)
    assert done.code == 1
    assert done.err.count("Failed to build") == 1
    assert done.err.count("something is wrong") == 1


def test_what_a_build_needs_and_nobody_has(puffin, env, shop):
    shop.add(*forge_sdist("thing", needs=["toy", "absent>=1"], static=True))
    done = puffin("pip", "install", "thing", "-i", shop.url)
    assert done.code == 1
    assert "Failed to resolve the build requirements of `thing==1.0` (`absent>=1`, `toy`)" in done.err


def test_a_build_constraint_limits_build_requirements_only(puffin, env, shop, told):
    shop.add(*forge_wheel("tool", "1.0", {"tool.py": "", "tool_old.py": ""}))
    shop.add(*forge_wheel("tool", "2.0", {"tool.py": ""}))
    shop.add(*forge_sdist("thing", needs=["toy", "tool"], imports=["tool_old"], requires=["tool"], static=True))
    puffin.file("limits.txt", "tool<2\n")
    done = puffin("pip", "install", "thing", "-i", shop.url, "--build-constraint", "limits.txt")
    assert done.code == 0, done.err
    assert env.installed() == {"thing": "1.0", "tool": "2.0"}


def test_without_isolation_the_environment_itself_builds(puffin, env, shop):
    shop.add(*forge_sdist("thing", needs=["toy", "nobody-has-this"], imports=["lib"], static=True))
    shop.add(*forge_wheel("lib", "1.0"))
    words = ("pip", "install", "thing", "-i", shop.url)
    done = puffin(*words, "--no-build-isolation")
    assert done.code == 1
    assert "No module named 'toy'" in done.err
    assert puffin("pip", "install", "toy", "lib", "-i", shop.url).code == 0
    done = puffin(*words, "--no-build-isolation")
    assert done.code == 0, done.err
    assert env.run("-c", "import thing; print(thing.TOLD['imported'])") == "['lib']"


def test_packages_without_isolation_come_after_the_others(puffin, env, shop):
    shop.add(*forge_sdist("first", static=True))
    shop.add(*forge_sdist("second", needs=["nobody-has-this"], imports=["first"], static=True))
    words = ("toy", "first", "second", "-i", shop.url, "--no-build-isolation-package", "second")
    done = puffin("pip", "install", *words)
    assert done.code == 0, done.err
    assert env.installed() == {"first": "1.0", "second": "1.0", "toy": "1.0"}


def test_a_late_build_that_fails_says_that_the_rest_is_done(puffin, env, shop):
    shop.add(*forge_sdist("first", static=True))
    shop.add(*forge_sdist("second", needs=["nobody-has-this"], imports=["absent"], static=True))
    words = ("toy", "first", "second", "-i", shop.url, "--no-build-isolation-package", "second")
    done = puffin("pip", "install", *words)
    assert done.code == 1
    assert "; all else is done, as these builds needed it there" in done.err
    assert "left as it was" not in done.err
    assert env.installed() == {"first": "1.0", "toy": "1.0"}


def test_three_processes_build_one_thing_once(puffin, shop, told):
    shop.add(*forge_sdist("thing", told=told, wait=0.5, static=True))
    names = ("one", "two", "three")
    for name in names:
        puffin.venv(name=name)
    words = [sys.executable, "-m", "puffin", "pip", "install", "thing", "-i", shop.url, "-p"]
    running = [
        subprocess.Popen(
            [*words, name], cwd=puffin.cwd, env=puffin.environ(), stderr=subprocess.PIPE, text=True
        )
        for name in names
    ]
    for each in running:
        _, err = each.communicate(timeout=SECONDS)
        assert each.returncode == 0, err
    assert hooks_run(told) == ["wheel thing"]
    assert nothing_left(puffin) == []


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("number", "code"), [(9, -9), (2, 130), (15, 143)])
def test_an_end_in_the_middle_of_a_build_leaves_nothing_that_matters(
    puffin, env, shop, told, executor, number, code
):
    shop.add(*forge_sdist("thing", told=told, wait=60, static=True))
    words = ["pip", "install", "thing", "-i", shop.url, "--executor", executor]
    running = subprocess.Popen(
        [sys.executable, "-m", "puffin", *words],
        cwd=puffin.cwd,
        env=puffin.environ(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: (told.exists() and told.read_text().endswith("\n")) or running.poll() is not None)
    building = int(told.read_text().split()[-1])
    running.send_signal(number)
    _, err = running.communicate(timeout=SECONDS)
    assert running.returncode == code
    assert "Traceback" not in err
    until(lambda: not os.path.exists(f"/proc/{building}"))
    assert env.installed() == {}
    shop.add(*forge_sdist("thing", told=told, static=True))
    done = puffin(*words, "--refresh")
    assert done.code == 0, done.err
    assert env.installed() == {"thing": "1.0"}
    assert nothing_left(puffin) == []


def test_static_metadata_spare_a_compile_every_build(puffin, shop, told):
    shop.add(*forge_sdist("thing", requires=["lib"], told=told, static=True))
    shop.add(*forge_sdist("dynamic", requires=["lib"], told=told))
    shop.add(*forge_wheel("lib", "1.0"))
    puffin.file("requirements.in", "thing\ndynamic\n")
    done = puffin("pip", "compile", "requirements.in", "-i", shop.url, "--no-header", "--no-annotate")
    assert (done.code, done.out) == (0, "dynamic==1.0\nlib==1.0\nthing==1.0\n"), done.err
    assert hooks_run(told) == ["metadata dynamic"]
    assert not (puffin.cache / "archive-v0").exists() or not list(
        (puffin.cache / "archive-v0").glob("*/*/thing*")
    )


def test_a_compile_reads_what_only_builds_tell(puffin, shop, told):
    shop.add(*forge_wheel("lib", "1.0"))
    shop.add(*forge_wheel("lib", "2.0"))
    write_project(puffin.cwd / "plain", "plain", "1.5", requires=["lib"], told=told)
    write_project(puffin.cwd / "edited", "edited", "2.5", requires=["lib<2"], told=told, backend="toy_plain")
    repository = write_project(puffin.root / "repo", "kept", "3.5", requires=["lib"], told=told)
    for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "one")):
        names = ("-c", "user.name=t", "-c", "user.email=t@t")
        subprocess.run(["git", *names, *words], cwd=repository, check=True)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()
    shop.add(*forge_sdist("far", "4.5", requires=["lib"], told=told))
    url = shop.file_url("far-4.5.tar.gz")
    puffin.file("in.txt", f"./plain\n-e ./edited\nkept @ git+file://{repository}\nfar @ {url}\n")
    words = ("pip", "compile", "in.txt", "-i", shop.url, "--no-header", "--no-annotate")
    done = puffin(*words)
    assert done.code == 0, done.err
    assert sorted(done.raw_out.splitlines()) == sorted(
        ["-e ./edited", f"far @ {url}", f"kept @ git+file://{repository}@{commit}", "lib==1.0", "./plain"]
    )
    first = hooks_run(told)
    assert first == ["metadata far", "metadata kept", "metadata plain", "wheel edited"]
    assert puffin(*words).out == done.out
    assert hooks_run(told) == first, "metadata are kept"
    env = puffin.venv()
    done = puffin("pip", "install", "-r", "in.txt", "-i", shop.url)
    assert done.code == 0, done.err
    assert env.installed() == {"edited": "2.5", "far": "4.5", "kept": "3.5", "lib": "1.0", "plain": "1.5"}
    assert [line for line in hooks_run(told) if line not in first] == ["wheel far", "wheel kept", "wheel plain"]


def test_metadata_that_cannot_be_built_end_a_resolution(puffin, env, shop):
    shop.add(*forge_sdist("broken", fail="wrong", backend="toy_plain"))
    done = puffin("pip", "install", "broken", "-i", shop.url)
    assert done.code == 1
    assert done.err.startswith(
        "error: Failed to build `broken==1.0`\n  `toy_plain.build_wheel` failed (exit status 1)"
    )
    assert nothing_left(puffin) == []


def test_a_build_that_leaves_out_all_modules_is_warned_of(puffin, env, shop):
    shop.add(*forge_sdist("bare", files={}))
    shop.add(*forge_sdist("meta", files={}, more={"tests/__init__.py": "", "setup.py": ""}))
    filename, data = forge_sdist("lost", files={}, more={"src/lost/__init__.py": "", "tests/__init__.py": ""})
    puffin.file(filename, data)
    write_project(puffin.cwd / "gone", "gone", files={}, more={"gone/__init__.py": ""})
    write_project(puffin.cwd / "whole", "whole", more={"whole/__init__.py": ""})
    done = puffin("pip", "install", "bare", "meta", f"./{filename}", "./gone", "./whole", "-i", shop.url)
    assert done.code == 0, done.err
    assert sorted(line for line in done.err.splitlines() if line.startswith("warning")) == [
        "warning: The wheel built for `gone==1.0` has no modules, although its source has the package `gone`",
        "warning: The wheel built for `lost==1.0` has no modules, although its source has the package `src/lost`",
    ]
