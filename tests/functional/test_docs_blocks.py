"""Every block of the documents does what it says: commands are run, files are read, code is compiled.

A block that is none of the known kinds fails its test. Commands of other programs, and those that need a scheduler of
the reader, are only read.
"""

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml

from puffin.cli.config.toml import puffin_settings
from puffin.stages.resolve.projects.project import SourceFile
from puffin.stages.resolve.projects.tables import read_tables
from puffin.tox import PuffinRunner
from tests.helpers.cli import CHECKOUT
from tests.helpers.commands import LEAVES
from tests.helpers.wheels import forge_wheel

DOCUMENTS = ("README.md", *[f"docs/{path.name}" for path in sorted((CHECKOUT / "docs").glob("*.md"))],
             "examples/monorepo/README.md")  # fmt: skip
_BLOCK = re.compile(r"(?:(?<=\n\n)|\A)((?:    .*\n|\n(?=    ))+)")
_FOREIGN = ("pip", "helm", "python", "kubectl", "dask", "docker", "export", "./demo", "./test")
_SHOWN = (  # output and drawings
    "error: ", "Resolved ", "Synced ", "puffin ── ", "pipeline.", "services/api\n", "services/api (",
)  # fmt: skip
HERE = "{}.{}".format(*sys.version_info)


def blocks(document):
    """Return the indented blocks of a document, without their indentation."""
    text = (CHECKOUT / document).read_text()
    assert "```" not in text, "blocks are indented"
    return [re.sub(r"^    ", "", found, flags=re.MULTILINE) for found in _BLOCK.findall(text)]


def kind_of(block):
    first = block.split("\n", 1)[0]
    if block.startswith(_SHOWN):
        return "shown"
    if first.split(" ")[0] in ("puffin", *_FOREIGN):
        return "commands"
    if first == "[testenv]":
        return "ini"
    if first in ("repos:", "steps:", "jobs:"):
        return first.rstrip(":")
    if first in ("env:", "variables:"):
        return "workflow"
    if first == "server {":
        return "nginx"  # run in test_remote_cache_servers
    if first.startswith("FROM "):
        return "docker"
    if first in ("[project]", "[tool.uv]"):
        return "project"
    return "python" if first.startswith(("@", "from ", "import ", "client.")) else "toml"


def commands(block):
    """Return the words of each command, without comments; a backslash joins lines."""
    lines = block.replace("\\\n", "").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


ALL = [(document, block) for document in DOCUMENTS for block in blocks(document)]
OF_PUFFIN = [words[1:] for _, block in ALL if kind_of(block) == "commands"
             for words in commands(block) if words[0] == "puffin"]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "block"), [each for each in ALL if kind_of(each[1]) != "commands"], ids=lambda text: text[:30]
)
def test_a_block_can_be_read(tmp_path, document, block):
    kind = kind_of(block)
    if kind == "toml":
        name = "pyproject.toml" if "[tool.puffin]\n" in block.split("#")[0] else "puffin.toml"
        assert tomllib.loads(block)
        puffin_settings(str(tmp_path / name), block.encode())
    elif kind == "project":
        told = read_tables(SourceFile(path=str(tmp_path / "pyproject.toml"), shown="x", text=block))
        assert told.sources or told.required
    elif kind == "ini":
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(block)
        if parser["testenv"].get("runner") != PuffinRunner.id():
            _check_options(parser["testenv"]["commands_pre"].replace("{", "<").split()[1:])
    elif kind == "steps":
        [used] = [
            each
            for each in yaml.safe_load(block)["steps"]
            if each["uses"].partition("@")[0].endswith("/action")
        ]
        assert (
            used["with"].keys()
            <= yaml.safe_load((CHECKOUT / "action" / "action.yml").read_text())["inputs"].keys()
        )
    elif kind == "docker":
        whole = block.replace("\\\n", "")
        told = [part.split() for line in whole.splitlines() for part in line.split("&&") if "puffin " in part]
        for words in told:
            _check_options(words[words.index("puffin") + 1 :])
        assert len(told) == 2
    elif kind == "jobs":
        steps = [step for job in yaml.safe_load(block)["jobs"].values() for step in job["steps"]]
        told = re.findall(r"puffin (\w+)", "\n".join(step.get("run", "") for step in steps))
        assert told == ["affected", "sync"]
        assert LEAVES.keys() >= set(told)
    elif kind == "repos":
        hooks = {each["id"] for each in yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())}
        assert {each["id"] for each in yaml.safe_load(block)["repos"][0]["hooks"]} <= hooks
    elif kind == "workflow":
        assert yaml.safe_load(block)
    elif kind == "python":
        compile(block, document, "exec")


def _check_options(words):
    """Fail unless a command and its options exist."""
    command = next(LEAVES[" ".join(words[:count])] for count in (2, 1) if " ".join(words[:count]) in LEAVES)
    known = {name for option in command.params for name in option.opts}
    assert {word for word in words if word.startswith("-")} <= known, words


@pytest.mark.parametrize("words", OF_PUFFIN, ids=" ".join)
def test_a_command_exists_with_its_options(words):
    _check_options(words)


@pytest.mark.parametrize("kind", ["scheduler", "worker"])
def test_options_of_dask_exist(kind):
    blocks_of_commands = [block for _, block in ALL if kind_of(block) == "commands"]
    told = [words for block in blocks_of_commands for words in commands(block) if words[:2] == ["dask", kind]]
    assert told
    done = subprocess.run(
        [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for word in {word for words in told for word in words if word.startswith("--")}:
        assert word in done.stdout


def _at_work(puffin, words, index):
    done = puffin(*words, env={"PUFFIN_INDEX_URL": index.url})
    assert done.code == 0, (words, done.err)
    return done


def test_the_commands_for_many_environments(puffin, index):
    """Those of WORKSPACES.md and CI.md, on what its configuration names."""
    [configuration] = [block for block in blocks("docs/WORKSPACES.md") if block.startswith("[env-defaults]")]
    configuration = configuration.replace('["3.11", "3.12"]', f'["{HERE}"]').replace('"3.12"', f'"{HERE}"')
    for name in ("alpha", "beta", "sphinx"):
        index.add(*forge_wheel(name, "1.0"))
    puffin.file("puffin.toml", configuration)
    puffin.file("constraints.txt", "alpha<2\n")
    puffin.file("ci/envs.toml", '[envs.lint]\nrequirements = "lint.txt"\n')
    puffin.file("ci/lint.txt", "alpha==1.0\n")
    puffin.file("services/api/requirements.in", "alpha\n")
    puffin.file("services/web/requirements.txt", "beta==1.0\n")
    puffin.file(
        "docs/pyproject.toml",
        '[project]\nname = "docs"\nversion = "1"\n[project.optional-dependencies]\nhtml = ["sphinx"]\n'
        '[dependency-groups]\ndev = ["beta"]\n',
    )
    compiled = puffin(
        "pip",
        "compile",
        "-",
        "-o",
        "pylock.release.toml",
        "--python-version",
        HERE,
        "-i",
        index.url,
        stdin="alpha\n",
    )
    assert compiled.code == 0, compiled.err
    commit = "-c user.name=x -c user.email=x@example.org commit -qm x"
    for told in ("init -qb main", "add .", commit, "update-ref refs/remotes/origin/main main"):
        subprocess.run(["git", *told.split()], cwd=puffin.cwd, check=True)
    ran = []
    for document in ("docs/WORKSPACES.md", "docs/CI.md"):
        for block in blocks(document):
            if kind_of(block) == "commands":
                ran += [(words, _at_work(puffin, words[1:], index)) for words in commands(block)]
    assert len(ran) == 12
    rows = json.loads(_at_work(puffin, ["envs", "--format", "json"], index).out)
    rows = rows["envs"] if isinstance(rows, dict) else rows
    assert sorted(row["name"] for row in rows) == ["api", "docs", "release", "services/web"]


def test_the_example_of_a_monorepo(puffin, index):
    source = CHECKOUT / "examples" / "monorepo"
    shutil.copytree(source, puffin.cwd, dirs_exist_ok=True)
    text = (source / "puffin.toml").read_text()
    puffin.file("puffin.toml", text.replace('["3.11", "3.12"]', f'["{HERE}"]'))
    pinned = "\n".join(path.read_text() for path in source.rglob("requirements.txt"))
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", pinned, re.MULTILINE):
        index.add(*forge_wheel(name.replace("-", "_"), version))
    project = tomllib.loads((source / "tools" / "pyproject.toml").read_text())
    for text in (*project["project"]["dependencies"], *project["dependency-groups"]["lint"]):
        name = re.match(r"[\w-]+", text)[0]
        index.add(*forge_wheel(name.replace("-", "_"), "99.0"))
    for block in blocks("examples/monorepo/README.md"):
        for words in commands(block):
            _at_work(puffin, words[1:], index)
    steps = yaml.safe_load((source / "workflow.yml").read_text())["jobs"]["environments"]["steps"]
    told = [step["run"] for step in steps if "puffin" in step.get("run", "")]
    ran = [shlex.split(line) for line in told if line.startswith("puffin ")]
    for words in ran:
        _at_work(puffin, words[1:], index)
    assert len(ran) == 2
    assert (puffin.cwd / "report.json").exists()
    assert _at_work(puffin, ["cache", "key"], index).out.startswith("puffin-v0-")


def test_many_environments_without_configuration(puffin, index):
    for name in ("alpha", "beta"):
        index.add(*forge_wheel(name, "1.0"))
        puffin.file(f"services/{name}/requirements.txt", f"{name}==1.0\n")
    for document in ("README.md", "docs/WORKSPACES.md"):
        [block] = [
            block for block in blocks(document) if block == "puffin sync 'services/*/requirements.txt'\n"
        ]
        _at_work(puffin, commands(block)[0][1:], index)
    assert (puffin.cwd / "services/beta/.venv/pyvenv.cfg").exists()
