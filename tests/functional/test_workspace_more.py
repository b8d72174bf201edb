"""More of ``puffin sync`` over many environments: configuration, locks, what is not pinned, several at once, kills."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from puffin.pipeline.resolve.many import resolve_all  # noqa: F401 - importable without a running command
from tests.functional.test_workspace import GLOB, services, sync
from tests.helpers.cli import PYTHON, Env, lines
from tests.helpers.faults import at_rest, of_packages, started, temporaries
from tests.helpers.pythons import base_python, real_python
from tests.helpers.waiting import SECONDS, SOON, until
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta", "gamma"):
        for version in ("1.0", "2.0", "3.0"):
            requires = ["beta"] if name == "alpha" else []
            index.add(*forge_wheel(name, version, requires=requires))
    return index


def test_what_is_not_pinned_is_resolved_first(puffin, shop):
    puffin.file("a/requirements.in", "alpha<3\n")
    puffin.file("b/requirements.in", "gamma\nbeta<3\n")
    done = sync(puffin, shop, "*/requirements.in")
    assert done.code == 0, done.err
    assert Env(puffin.cwd / "a/.venv").installed() == {"alpha": "2.0", "beta": "3.0"}
    assert Env(puffin.cwd / "b/.venv").installed() == {"beta": "2.0", "gamma": "3.0"}
    again = sync(puffin, shop, "*/requirements.in")
    assert (again.code, again.err) == (0, lines("Checked 2 environments (4 packages) in [TIME]"))


def test_what_cannot_be_resolved_fails_alone(puffin, shop):
    puffin.file("a/requirements.in", "alpha>9\n")
    puffin.file("b/requirements.in", "gamma\n")
    done = sync(puffin, shop, "*/requirements.in")
    assert done.code == 3
    assert "In `a`" in done.err
    assert not (puffin.cwd / "a/.venv").exists()
    assert Env(puffin.cwd / "b/.venv").installed() == {"gamma": "3.0"}


def test_locks_are_written_preferred_and_taken_by_frozen(puffin, shop):
    puffin.file("a/requirements.in", "alpha\n")
    puffin.file(
        "b/pyproject.toml", '[project]\nname = "b"\nversion = "1"\ndependencies = ["gamma<3", "beta"]\n'
    )
    inputs = ("a/requirements.in", "b/pyproject.toml")
    frozen = sync(puffin, shop, *inputs, "--frozen")
    assert frozen.code == 1
    assert "hint: write it with `puffin lock a`" in frozen.err
    done = puffin("lock", *inputs, "-i", shop.url)
    assert done.code == 0, done.err
    assert "  a: 2 packages in `a/requirements.txt` (written)\n" in done.err
    assert "  b: 2 packages in `b/pylock.toml` (written)\n" in done.err
    assert "alpha==3.0\n" in (puffin.cwd / "a/requirements.txt").read_text()
    assert puffin("lock", *inputs, "-i", shop.url, "--check").code == 0
    for name in ("alpha", "beta", "gamma"):
        shop.add(*forge_wheel(name, "3.5", requires=[]))
    done = sync(puffin, shop, *inputs, "--frozen", "--refresh")
    assert done.code == 0, done.err
    assert Env(puffin.cwd / "a/.venv").installed() == {"alpha": "3.0", "beta": "3.0"}
    assert Env(puffin.cwd / "b/.venv").installed() == {"beta": "3.0", "gamma": "2.0"}
    done = sync(puffin, shop, *inputs, "--refresh")  # preferred, without --frozen too
    assert done.err == lines("Checked 2 environments (4 packages) in [TIME]")
    done = puffin("lock", *inputs, "-i", shop.url, "--check", "-U")
    assert (done.code, done.err.splitlines()[1:3]) == (4, [" - alpha==3.0", " + alpha==3.5"])
    puffin("lock", *inputs, "-i", shop.url, "-U")
    assert "alpha==3.5\n" in (puffin.cwd / "a/requirements.txt").read_text()


def test_consistent_locks_agree_on_versions(puffin, shop):
    puffin.file("a/requirements.in", "alpha\n")
    puffin.file("b/requirements.in", "beta<3\n")
    puffin.file("c/requirements.in", "gamma\n")
    assert puffin("lock", "*/requirements.in", "-i", shop.url).code == 0
    assert "beta==3.0" in (puffin.cwd / "a/requirements.txt").read_text()
    done = puffin("lock", "*/requirements.in", "-i", shop.url, "--consistent")
    assert done.code == 0, done.err
    assert "beta==2.0" in (puffin.cwd / "a/requirements.txt").read_text()
    assert "beta==2.0" in (puffin.cwd / "b/requirements.txt").read_text()
    assert "beta" not in (puffin.cwd / "c/requirements.txt").read_text()
    puffin.file("c/requirements.in", "beta>2\n")
    done = puffin("lock", "*/requirements.in", "-i", shop.url, "--consistent")
    assert done.code == 1
    assert done.err.count("In `a`, `b` and `c`") == 1


def test_a_lock_file_is_taken_as_it_is(puffin, shop):
    puffin.file("a/pyproject.toml", '[project]\nname = "a"\nversion = "1"\ndependencies = ["alpha<3"]\n')
    assert puffin("lock", "a/pyproject.toml", "-i", shop.url).code == 0
    before = len(shop.paths())
    done = puffin("sync", "a/pylock.toml")  # no index is named, and none is asked
    assert done.code == 0, done.err
    assert Env(puffin.cwd / "a/.venv").installed() == {"alpha": "2.0", "beta": "3.0"}
    assert all("/files/" in path for path in shop.paths()[before:])
    puffin.file("b/pylock.toml", "lock-version = 3\n")
    done = puffin("sync", "b/pylock.toml")
    assert done.code == 1
    assert "Failed to use the lock file `b/pylock.toml`" in done.err


def test_a_configured_workspace(puffin, shop):
    puffin.file(
        "puffin.toml",
        '[[env-glob]]\nmatch = "services/*/requirements.txt"\n'
        '[envs.tools]\nrequirements = ["tools.txt", "more.in"]\npath = ".tools"\nconstraints = "c.txt"\n',
    )
    services(puffin, a="alpha==1.0\n", b="beta==1.0\n")
    puffin.file("tools.txt", "gamma\n")
    puffin.file("more.in", "beta\n")
    puffin.file("c.txt", "gamma<3\nbeta<2\n")
    done = sync(puffin, shop, "--all")
    assert done.code == 0, done.err
    assert Env(puffin.cwd / ".tools").installed() == {"beta": "1.0", "gamma": "2.0"}
    done = sync(puffin, shop, "services/a")
    assert done.err == lines("Checked 1 environment (1 package) in [TIME]")
    done = puffin("sync", cwd=puffin.cwd / "services", env={"PUFFIN_INDEX_URL": shop.url})
    assert done.err == lines("Checked 3 environments (4 packages) in [TIME]")
    listed = json.loads(puffin("envs", "--format", "json").out)
    assert [(each["name"], each["state"]) for each in listed] == [
        ("tools", "up to date"),
        ("services/a", "up to date"),
        ("services/b", "up to date"),
    ]
    services(puffin, a="alpha==1.0\nbeta==1.0\n", c="gamma==1.0\n")
    told = puffin("envs", "services/*").out
    rows = [line.split() for line in told.splitlines()]
    assert [row[0] for row in rows] == ["environment", "services/a", "services/b", "services/c"]
    assert [row[3:5] for row in rows[1:]] == [["1", "change"], ["up", "to"], ["missing", "services/c/.venv"]]


def test_a_wrong_key_is_told_with_file_and_line(puffin):
    puffin.file("pyproject.toml", '[tool.puffin.envs.a]\nrequirement = "r.txt"\n')
    done = puffin("sync")
    assert (done.code, done.err) == (
        2,
        lines(
            "error: Failed to read the configuration at `pyproject.toml:2`: `requirement` is not a key here: "
            "did you mean `requirements`?",
            '  requirement = "r.txt"',
        ),
    )


@pytest.mark.skipif(not real_python("3.11") or not real_python("3.12"), reason="needs two Pythons")
def test_a_matrix_shares_what_its_tags_allow(puffin, index):
    index.add(*forge_wheel("pure", "1.0"))
    for tag in ("cp311-cp311-any", "cp312-cp312-any"):
        index.add(*forge_wheel("own", "1.0", tag=tag.replace("-any", "-linux_x86_64")))
    puffin.file("r.txt", "pure==1.0\nown==1.0\n")
    pythons = json.dumps([real_python("3.11"), real_python("3.12")])
    puffin.file("puffin.toml", '[envs.m]\nrequirements = "r.txt"\npython = ["3.11", "3.12"]\n')
    assert pythons
    places = ":".join(os.path.dirname(real_python(version)) for version in ("3.11", "3.12"))
    done = puffin("sync", "m", "-i", index.url, env={"PATH": f"{places}:{os.environ['PATH']}"})
    assert done.code == 0, done.err
    assert "4 packages from 3 distinct files" in done.err
    assert index.count("/files/pure-1.0-py3-none-any.whl") == 1
    assert index.count("/simple/pure/") == 1
    for version in ("3.11", "3.12"):
        env = Env(puffin.cwd / f".venv-{version}")
        assert env.run("-c", "import own, pure, sys; print(sys.version_info[1])") == version[2:]


def test_an_environment_of_another_python_is_left_alone(puffin, shop):
    other = next((each for each in ("3.11", "3.12", "3.13") if each != PYTHON[6:] and real_python(each)), "")
    if not other:
        pytest.skip("needs another Python")
    services(puffin, a="alpha==1.0\nbeta==1.0\n")
    assert sync(puffin, shop).code == 0
    done = sync(puffin, shop, GLOB, "-p", real_python(other))
    assert done.code == 1
    assert "is asked for" in done.err
    assert Env(puffin.cwd / "services/a/.venv").installed() == {"alpha": "1.0", "beta": "1.0"}


def git(puffin, *words):
    env = {"PATH": os.environ["PATH"], "HOME": str(puffin.home), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=puffin.cwd, env=env, check=True, capture_output=True)


def test_only_what_changed_since_a_commit(puffin, shop):
    services(puffin, a="alpha==1.0\nbeta==1.0\n", b="-r ../../base.txt\n", c="gamma==1.0\n")
    puffin.file("base.txt", "beta==1.0\n")
    puffin.file(".gitignore", ".venv\n")
    git(puffin, "init")
    git(puffin, "add", ".")
    git(puffin, "commit", "-m", "one")
    done = sync(puffin, shop, GLOB, "--changed-since", "HEAD")
    assert (done.code, done.err) == (0, "No environment is affected by the change since `HEAD`\n")
    puffin.file("base.txt", "beta==2.0\n")
    services(puffin, d="gamma==2.0\n")
    done = sync(puffin, shop, GLOB, "--changed-since", "HEAD")
    assert done.code == 0, done.err
    assert "services/a" not in done.err
    made = [name for name in "abcd" if (puffin.cwd / "services" / name / ".venv").exists()]
    assert made == ["b", "d"]
    done = sync(puffin, shop, GLOB, "--changed-since", "--output=x")
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        "error: `--output=x` of `--changed-since` is not a known commit",
    )


def test_fail_fast_stops_and_says_what_was_left_out(puffin, shop):
    envs = services(puffin, a="nobody==1\n", b="gamma==1.0\n")
    done = sync(puffin, shop, GLOB, "--fail-fast")
    assert done.code == 3
    assert not envs["b"].root.exists()
    assert "skipped" in done.err
    assert puffin("sync", GLOB, "--fail-fast", "--keep-going").code == 2


@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
def test_fail_fast_while_the_graph_runs(puffin, shop, executor):
    puffin.executor = executor
    shop.fail("/files/gamma-1.0-py3-none-any.whl", [404], forever=True)
    shop.fail("/files/beta-1.0-py3-none-any.whl", ["slow"], forever=True)
    services(puffin, a="gamma==1.0\n", b="beta==1.0\n")
    began = time.monotonic()
    done = sync(puffin, shop, GLOB, "--fail-fast", "-j", "2")
    assert done.code == 3
    assert time.monotonic() - began < 3 * SOON
    assert "services/b" in done.err


def test_an_environment_that_is_locked_is_waited_for_and_told(puffin, shop):
    import fcntl

    envs = services(puffin, a="alpha==1.0\nbeta==1.0\n", b="gamma==1.0\n")
    assert sync(puffin, shop).code == 0
    services(puffin, a="beta==1.0\n", b="gamma==2.0\n")
    with open(envs["a"].root / ".puffin" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = sync(puffin, shop, env={"PUFFIN_LOCK_TIMEOUT": "0"})
    assert done.code == 3
    assert "is locked" in done.err
    assert envs["a"].installed() == {"alpha": "1.0", "beta": "1.0"}
    assert envs["b"].installed() == {"gamma": "2.0"}


def test_two_runs_at_once_fetch_each_file_once(puffin, index):
    names = [f"pkg{number}" for number in range(8)]
    for name in names:
        filename, data = forge_wheel(name, "1", files={f"{name}.py": "x = 1\n" * 1000})
        index.add(filename, data)
    index.fail("/files/pkg0-1-py3-none-any.whl", ["slow"], forever=True)
    text = "".join(f"{name}==1\n" for name in names)
    envs = services(puffin, a=text)
    puffin.file("other/b/requirements.txt", text)
    with started(puffin, "sync", GLOB, "-i", index.url, "--executor", "inline") as one:
        until(lambda: index.count("/files/pkg0-1-py3-none-any.whl"))
        with started(puffin, "sync", "other/*/requirements.txt", "-i", index.url, "--executor", "pool") as two:
            until(lambda: len(list(puffin.cache.glob("archive-v0/*/*.manifest"))) == 7)
            index.released.set()
            for process in (one, two):
                process.communicate(timeout=SECONDS)
                assert process.returncode == 0
    for name in names:
        assert index.count(f"/files/{name}-1-py3-none-any.whl") == 1
    assert envs["a"].installed() == Env(puffin.cwd / "other/b/.venv").installed() == dict.fromkeys(names, "1")
    assert list(puffin.cache.glob("locks-v0/*")) == []


MEANWHILE = """
import subprocess, sys
from puffin.pipeline.change import run as changing

class Search(changing.Search):
    begun = 0

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        Search.begun += 1
        if Search.begun == 1:  # another run makes an environment between the first look and now
            subprocess.run([sys.executable, "-m", "puffin", {command}], check=True, capture_output=True)

    def finish(self):
        print("search", Search.begun, flush=True)
        super().finish()

changing.Search = Search
sys.argv = ["puffin", "sync", "services/*/requirements.txt", "-i", {url!r}]
from puffin.cli.entry import run
run()
"""


REMOVED = """
import fcntl, shutil, sys, time
other = open({root!r} + "/.puffin/lock", "w")
fcntl.flock(other, fcntl.LOCK_EX)
sleep = time.sleep
def until_it_fails(seconds):  # what waits for the lock sleeps; meanwhile its holder removes what it made
    shutil.rmtree({root!r}, ignore_errors=True)
    other.close()
    sleep(0)
time.sleep = until_it_fails
sys.argv = ["puffin", "sync", "services/*/requirements.txt", "-i", {url!r}, "--executor", "inline"]
from puffin.cli.entry import run
run()
"""


@pytest.mark.parametrize(
    ("command", "searches"),
    [
        ('"venv", "services/a/.venv"', 2),
        ('"sync", "services/a/requirements.txt", "-i", {url!r}', 1),  # then there is nothing to do in it
        ('"venv", "elsewhere"', 1),
    ],
)
def test_an_environment_that_another_run_makes_meanwhile(puffin, shop, command, searches):
    envs = services(puffin, a="beta==1.0\n", b="beta==1.0\ngamma==2.0\n")
    code = MEANWHILE.replace("{command}", command).replace("{url!r}", repr(shop.url))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=puffin.environ(),
        cwd=puffin.cwd,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stdout) == (0, f"search {searches}\n"), done.stderr
    assert envs["a"].installed() == {"beta": "1.0"}
    assert envs["b"].installed() == {"beta": "1.0", "gamma": "2.0"}
    assert sync(puffin, shop).err == lines("Checked 2 environments (3 packages) in [TIME]")


def test_an_environment_that_another_run_removes_while_it_is_waited_for(puffin, shop):
    (env,) = services(puffin, a="beta==1.0\n").values()
    assert puffin("venv", env.root).code == 0
    (env.root / ".puffin").mkdir(exist_ok=True)
    code = REMOVED.format(root=str(env.root), url=shop.url)
    words = [sys.executable, "-c", code]
    done = subprocess.run(
        words, env=puffin.environ(), cwd=puffin.cwd, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    assert env.installed() == {"beta": "1.0"}


def test_one_that_cannot_be_made_fails_alone_while_indexes_are_asked(puffin, shop):
    envs = services(puffin, a="beta==1.0\n", b="missing==1.0\n", c="gamma==1.0\n")
    puffin.file("services/a/.venv", "a file in the way")
    done = sync(puffin, shop)
    assert done.code == 3
    assert "In `services/a`" in done.err
    assert "In `services/b`" in done.err
    assert done.err.count("missing") == 1
    assert envs["c"].installed() == {"gamma": "1.0"}
    assert (puffin.cwd / "services/a/.venv").is_file()
    stopped = sync(puffin, shop, GLOB, "--fail-fast")
    assert stopped.code == 3


def test_a_damaged_archive_is_fetched_again_for_all(puffin, shop):
    envs = services(puffin, a="gamma==1.0\n", b="gamma==1.0\nbeta==1.0\n")
    assert sync(puffin, shop).code == 0
    for env in envs.values():
        subprocess.run(["rm", "-r", env.root], check=True)
    (module,) = puffin.cache.glob("archive-v0/*/*/gamma/__init__.py")
    module.unlink()
    done = sync(puffin, shop, GLOB, "--report", "r.json")
    assert done.code == 0, done.err
    assert done.err.count("The cached archive of `gamma` was damaged; fetching it again") == 1
    assert json.loads((puffin.cwd / "r.json").read_text())["cache"]["repaired"] == 1
    for env in envs.values():
        assert (env.site / "gamma" / "__init__.py").exists()


def test_killed_at_any_time_it_ends_complete(puffin, shop):
    generator = random.Random(7)
    versions = ["1.0", "2.0", "3.0"]
    for round_ in range(8):
        version = versions[round_ % 3]
        envs = services(
            puffin,
            a=f"alpha=={version}\nbeta=={version}\n",
            b=f"beta=={version}\ngamma=={version}\n",
            c=f"gamma=={version}\n",
        )
        before = {name: of_packages(env) if env.root.exists() else None for name, env in envs.items()}
        with started(
            puffin, "sync", GLOB, "-i", shop.url, "--executor", ["inline", "pool"][round_ % 2]
        ) as process:
            delay = generator.uniform(0.05, 0.5)
            try:
                process.wait(timeout=delay)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        for name, env in envs.items():  # each is as it was, as it will be, or a journal away from that
            if env.root.exists() and before[name] is None:
                assert (env.root / "pyvenv.cfg").exists()
        done = sync(puffin, shop, env={"PUFFIN_LOCK_TIMEOUT": "20"})
        assert done.code == 0, done.err
        for env in envs.values():
            assert set(env.installed().values()) == {version}
            assert env.unlisted() == set()
            assert at_rest(env)
    assert temporaries(puffin) == []
    assert base_python()


def test_a_file_that_is_empty_changes_nothing_but_is_told(puffin, shop):
    envs = services(puffin, a="gamma==1.0\n", b="beta==1.0\n")
    assert sync(puffin, shop).code == 0
    services(puffin, a="")
    done = sync(puffin, shop)
    assert done.code == 0
    assert "warning: The requirements of `services/a` are empty: nothing was changed" in done.err
    assert envs["a"].installed() == {"gamma": "1.0"}
    assert sync(puffin, shop, GLOB, "--allow-empty-requirements").code == 0
    assert envs["a"].installed() == {}
