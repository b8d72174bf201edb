"""The scripts of the GitHub Action and of the GitLab template, run as the services run them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.cli import CHECKOUT, Env, Puffin
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def world(puffin: Puffin, index: Any, tmp_path: Path) -> dict[str, str]:
    """The variables of a job in a repository with two environments; ``puffin`` is on PATH."""
    index.add(*forge_wheel("alpha", "1.0"))
    puffin.file(
        "puffin.toml",
        '[envs.one]\nrequirements = "a.txt"\npath = "one"\n[envs.two]\nrequirements = "a.txt"\npath = "two"\n',
    )
    puffin.file("a.txt", "alpha==1.0\n")
    command = tmp_path / "bin" / "puffin"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m puffin "$@"\n')
    command.chmod(0o755)
    variables = puffin.environ(PUFFIN_INDEX_URL=index.url)
    return {**variables, "PATH": f"{command.parent}:{variables['PATH']}"}


def run(script: str, variables: Mapping[str, str], cwd: Path) -> None:
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script], env=variables, cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def filled(text: str, inputs: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], text)


@pytest.mark.parametrize(("asked", "made"), [("", {"one", "two"}), ("t*", {"two"})])
def test_the_action_syncs(puffin, world, tmp_path, asked, made):
    action = yaml.safe_load((CHECKOUT / "action" / "action.yml").read_text())
    inputs = {name: each["default"] for name, each in action["inputs"].items()} | {"environments": asked}
    output = tmp_path / "output"
    world |= {"RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(output), "GITHUB_PATH": str(tmp_path / "path")}
    for step in action["runs"]["steps"]:
        text = yaml.safe_dump(step)
        assert set(re.findall(r"inputs\.([a-z-]+)", text)) <= inputs.keys()
        assert "${{" not in step.get("run", ""), "values go through variables: they may hold anything"
        if "run" in step and step.get("id") != "install":
            run(
                step["run"],
                world | {key: filled(each, inputs) for key, each in step.get("env", {}).items()},
                puffin.cwd,
            )
    told = dict(line.split("=", 1) for line in output.read_text().splitlines())
    assert {name for name in ("one", "two") if (puffin.cwd / name).exists()} == made
    assert told["directory"] == str(puffin.cache)
    assert re.fullmatch(r"puffin-v0-[\w.-]+-[0-9a-f]{16}", told["key"])
    assert told["key"].startswith(told["restore"])
    assert os.path.exists(told["report"])
    for output_of in action["outputs"].values():
        step, name = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", output_of["value"]).groups()
        assert step in {each.get("id") for each in action["runs"]["steps"]}
        assert name in told


def test_the_template_for_gitlab_syncs(puffin, world):
    job = yaml.safe_load((CHECKOUT / "examples" / "gitlab-ci.yml").read_text())[".puffin"]
    installing = [line for line in job["before_script"] if ".cache/tool" in line]
    assert len(installing) == 3
    variables = {name: value for name, value in job["variables"].items() if name != "PUFFIN_CACHE_DIR"}
    for line in (*[each for each in job["before_script"] if each not in installing], *job["after_script"]):
        run(line.replace(".cache/tool/bin/puffin", "puffin"), world | variables, puffin.cwd)
    assert Env(puffin.cwd / "one").installed() == {"alpha": "1.0"}
    assert not [name for name in variables if name.startswith("PUFFIN_")]  # it would be a variable of an option
    assert job["cache"]["paths"] == [job["variables"]["PUFFIN_CACHE_DIR"].removeprefix("$CI_PROJECT_DIR/")]
