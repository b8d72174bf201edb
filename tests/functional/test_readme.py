"""What README.md promises and no other test holds: its tables, its examples, its sentences."""

import json
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.helpers.cli import CHECKOUT, Env, checked, lines
from tests.helpers.commands import LEAVES
from tests.helpers.faults import started
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.waiting import until
from tests.helpers.wheels import forge_wheel

README = (CHECKOUT / "README.md").read_text()
GLOB = "services/*/requirements.txt"


OF_PIP = [name.removeprefix("pip ") for name in LEAVES if name.startswith("pip ")]


def _section(title):
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _named_commands():
    """Return what the table of commands names; where a row begins with `pip freeze`, its `list` is `pip list`."""
    named = set()
    for row in re.findall(r"^\| (`.*?`) \|", _section("Commands"), re.MULTILINE):
        group = ""
        for words in re.findall(r"`(.+?)`", row):
            plain = [word for word in words.split() if re.fullmatch(r"[a-z][a-z-]*", word)]
            if plain[0] == "puffin":
                plain, group = plain[1:], " ".join(plain[1:-1])
                named.add(" ".join(plain))
            else:
                named.add(f"{group} {plain[0]}")
    return named


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta", "requests"):
        index.add(*forge_wheel(name, "1.0"))
    return index


def test_the_table_of_commands_names_them_all_and_no_other():
    assert _named_commands() == set(LEAVES)


def test_options_that_are_named_exist():
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    known = {word for command in LEAVES.values() for each in command.params for word in each.opts}
    assert named - known == {"--help"}


def test_files_and_extras_that_are_named_exist():
    links = [link for link in re.findall(r"\]\((.+?)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (CHECKOUT / link.partition("#")[0]).exists()] == []
    extras = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r"puffin-installer\[(\w+)\]", README)) <= set(extras)
    assert (CHECKOUT / "examples" / "requirements.txt").exists()
    assert (CHECKOUT / "docs" / "screenshots.py").exists()


def test_nothing_tells_to_install_the_other_project_called_puffin():
    texts = [path for ending in ("md", "py", "yml", "toml") for path in CHECKOUT.glob(f"*/**/*.{ending}")]
    texts = [
        path
        for path in (*texts, *CHECKOUT.glob("*.md"))
        if not path.relative_to(CHECKOUT).parts[0].startswith(".")
    ]
    assert len(texts) > 300
    wrong = re.compile(r"install (?:--?[\w-]+ )*['\"]?puffin(?![\w-])")
    assert [path for path in texts if path.name != "test_readme.py" and wrong.search(path.read_text())] == []


def test_the_example(puffin, shop):
    puffin.file("requirements.txt", "alpha==1.0\nrequests==1.0\n")
    example = _section("An example").partition("\n    pip install .\n")[2].partition("\n\n")[0]
    commands = [line.split() for line in example.splitlines()]
    assert [words[0] for words in commands] == ["puffin"] * 4
    index = {"PUFFIN_INDEX_URL": shop.url}
    made, synced, frozen, removed = (puffin(*words[1:], env=index) for words in commands)
    assert [done.code for done in (made, synced, frozen, removed)] == [0] * 4
    assert frozen.out == "alpha==1.0\nrequests==1.0\n"
    assert removed.err == lines("Uninstalled 1 package in [TIME]", " - requests==1.0")
    assert Env(puffin.cwd / ".venv").installed() == {"alpha": "1.0"}


def test_what_a_second_run_is_said_to_say(puffin, env, shop):
    shown = puffin.plain(re.search(r"^    Resolved 23 .*\n    Checked .*\n", README, re.MULTILINE)[0])
    shop_of_23 = [f"p{number}" for number in range(23)]
    for name in shop_of_23:
        shop.add(*forge_wheel(name, "1.0"))
    pins = "".join(f"{name}==1.0\n" for name in shop_of_23)
    assert puffin.sync(pins, "-i", shop.url).code == 0
    again = puffin.sync(None, "-i", shop.url).err
    assert again == checked(23) == shown.replace("    ", "")


def test_the_arguments_of_test_go_to_pytest(tmp_path):
    for name in ("test", "pyproject.toml"):
        shutil.copyfile(CHECKOUT / name, tmp_path / name)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    shutil.copyfile(CHECKOUT / "pyproject.toml", tmp_path / ".venv" / ".installed")
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    words = ["sh", str(tmp_path / "test"), "-m", "real_index", "-k", "a b"]
    said = subprocess.run(words, capture_output=True, text=True, check=True, cwd="/").stdout
    assert said.splitlines() == [
        "-m",
        "pytest",
        "-n",
        "2",
        "--dist",
        "worksteal",
        "-m",
        "real_index",
        "-k",
        "a b",
    ]


@pytest.mark.parametrize("name", OF_PIP)
def test_each_command_of_pip_answers_to_its_other_name(puffin, name):
    whole, joined = puffin("pip", name, "--help"), puffin(f"pip-{name}", "--help")
    assert (joined.code, joined.err) == (0, "")
    assert joined.out.startswith(f"Usage: puffin pip-{name} ")
    options = [text.partition("\n\n")[2] for text in (whole.out, joined.out)]
    assert options[0] == options[1] != ""


def test_help_of_a_command_is_its_help(puffin):
    assert puffin("help", "cache", "key").out == puffin("cache", "key", "--help").out != ""


def test_clean_is_cache_clean(puffin, env, shop):
    said = []
    for words in (("clean",), ("cache", "clean")):
        assert puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url, "--reinstall").code == 0
        said.append([puffin(*words, *more) for more in (("alpha",), ())])
        assert [path for path in puffin.cache.rglob("*.py") if path.is_file()] == []
    assert said[0][0].err == said[1][0].err
    assert said[0][0].err.startswith("Removed ")
    assert [done.code for pair in said for done in pair] == [0] * 4


@pytest.mark.parametrize("kind", ["setup.cfg", "pyproject.toml", "tool.py", "requirements.txt", "-"])
def test_kinds_of_files(puffin, env, shop, kind):
    texts = {
        "setup.cfg": "[metadata]\nname = x\n[options]\ninstall_requires =\n    alpha==1.0\n",
        "pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["alpha==1.0"]\n',
        "tool.py": '# /// script\n# dependencies = ["alpha==1.0"]\n# ///\n',
        "requirements.txt": "alpha==1.0\n",
    }
    if kind in texts:
        puffin.file(kind, texts[kind])
    stdin = "" if kind in texts else "alpha==1.0\n"
    at = ("-i", shop.url)
    pinned = puffin("pip", "compile", kind, "--no-header", "--no-annotate", *at, stdin=stdin)
    assert (pinned.code, pinned.out) == (0, "alpha==1.0\n"), pinned.err
    assert puffin("pip", "sync", kind, *at, stdin=stdin).code == 0
    assert env.installed() == {"alpha": "1.0"}


def test_a_bug_is_70_and_asks_for_a_report(puffin):
    broken = puffin.file(
        "broken/sitecustomize.py", "import puffin.cli.commands.inspect as it\nit.freeze = lambda *_: 1 / 0\n"
    )
    environ = puffin.environ(PYTHONPATH=f"{broken.parent}:{CHECKOUT}")
    words = [sys.executable, "-m", "puffin", "pip", "freeze"]
    done = subprocess.run(words, env=environ, cwd=puffin.cwd, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr.splitlines()[-2:] == [
        "ZeroDivisionError: division by zero",
        "error: this is a bug in puffin; report it with the lines above",
    ]


def _records(puffin):
    directory = puffin.cache / "runs-v0"
    return {path.name for path in directory.iterdir()} if directory.is_dir() else set()


def test_what_leaves_a_record(puffin, shop):
    puffin.venv()
    puffin.file("requirements.txt", "alpha==1.0\n")
    puffin.file("free.in", "beta\n")
    puffin.file("puffin.toml", '[envs.one]\nrequirements = ["free.in"]\npath = "one"\n')
    for words in ("pip sync requirements.txt", "pip install beta", "pip compile free.in", "lock", "sync one",
                  "pip install absent"):  # fmt: skip
        before = _records(puffin)
        puffin(*words.split(), "-i", shop.url)
        assert len(_records(puffin) - before) == 1, words
    before = _records(puffin)
    for words in ("pip sync requirements.txt", "sync one"):
        assert puffin(*words.split(), "-i", shop.url).code == 0
    assert len(_records(puffin) - before) == 1, "beta went, and there was nothing to do for `one`"
    before = _records(puffin)
    assert puffin("pip", "sync", "requirements.txt", "-i", shop.url).err == checked(1)
    assert _records(puffin) == before


@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
def test_an_environment_is_committed_as_soon_as_it_is_ready(puffin, shop, executor):
    puffin.file("services/a/requirements.txt", "alpha==1.0\n")
    puffin.file("services/b/requirements.txt", "beta==1.0\n")
    shop.fail("/files/beta-1.0-py3-none-any.whl", ["slow"])
    envs = [Env(puffin.cwd / "services" / name / ".venv") for name in "ab"]
    with started(puffin, "sync", GLOB, "-i", shop.url, "--executor", executor) as process:
        until(lambda: envs[0].root.exists() and envs[0].installed() == {"alpha": "1.0"})
        assert envs[1].installed() == {}
        assert process.poll() is None
        shop.released.set()
        assert process.wait(30) == 0
    assert envs[1].installed() == {"beta": "1.0"}


@pytest.mark.parametrize(("count", "jobs", "executor"), [(16, 3, "inline"), (17, 3, "pool"), (17, 2, "inline")])
def test_auto_decides_from_the_plan(puffin, env, index, count, jobs, executor):
    names = [f"p{number}" for number in range(count)]
    for name in names[1:]:
        index.add(*forge_wheel(name, "1.0"))
    index.add(*forge_backend())
    index.add(*forge_sdist(names[0], static=True))  # a build among them
    puffin.file("requirements.txt", "".join(f"{name}==1.0\n" for name in names))
    done = puffin("pip", "sync", "requirements.txt", "-i", index.url, "-j", str(jobs))
    assert (done.code, len(env.installed())) == (0, count), done.err
    assert json.loads(puffin("profile", "show", "--json").out)[0]["executor"] == executor
