"""Every option that help lists is used by some test, and every foreign one is judged; so that no new one slips in."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from puffin.cli.options import table
from puffin.cli.options.foreign import COMMANDS, Alias, foreign_options, foreign_rows
from tests.helpers.cli import lines
from tests.helpers.commands import LEAVES, tree
from tests.helpers.wheels import forge_wheel

TESTS = Path(__file__).resolve().parents[1]


def _texts():
    here = Path(__file__).name
    return "\n".join(path.read_text() for path in sorted(TESTS.rglob("*.py")) if path.name != here)


def test_every_option_is_used_by_some_test():
    text = _texts()
    unused = set()
    for name, command in LEAVES.items():
        for option in command.params:
            if not isinstance(option, click.Option) or option.hidden:
                continue
            spellings = (*option.opts, *option.secondary_opts)
            words = [rf"[\"' ]{re.escape(word)}[\"'= ]" for word in spellings]
            words.append(rf"{option.envvar}\b")
            if not any(re.search(word, text) for word in words):
                unused.add(f"{name} {option.opts[-1]}")
    assert sorted(unused) == []


@pytest.mark.parametrize("name", LEAVES)
def test_no_option_is_there_twice_and_every_command_says_what_it_does(name):
    command = LEAVES[name]
    spellings = [word for each in command.params for word in (*each.opts, *each.secondary_opts)]
    assert len(set(spellings)) == len(spellings)
    assert command.get_short_help_str(400).endswith((".", "`"))
    with click.Context(command, info_name=name) as context:
        assert command.get_help(context).startswith(f"Usage: {name}")


@pytest.mark.parametrize("name", LEAVES)
def test_every_option_is_in_one_group_of_the_help(name):
    command = LEAVES[name]
    with click.Context(command, info_name=name, terminal_width=300) as context:
        shown = command.get_help(context)
        options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    found, group = {}, ""
    for line in shown.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            group = line.removesuffix(":")
        if match := re.match(r"  ((?:(?:, | / )?-[-\w]+)+)", line):
            found.setdefault(re.findall(r"-[-\w]+", match[1])[-1], []).append(group)
    groups = [group for group in table.GROUPS if f"\n{group}:\n" in shown]
    heads = [line[:-1] for line in shown.splitlines() if re.match(r"\S.*:$", line)]
    assert heads[heads[0] == "Arguments" :] == groups
    for option in options:
        last = (*option.opts, *option.secondary_opts)[-1]
        expected = [] if option.hidden else [getattr(option, "group", table.SHOWN)]
        assert found.pop(last, []) == expected
    assert found == {}


FOREIGN = [(command, row, said) for command in COMMANDS for row, (_, _, said) in
           zip(foreign_rows(command), foreign_options(command), strict=True)]  # fmt: skip


@pytest.fixture(scope="module")
def judged():
    """What is said of every foreign option, asked in one process: starting 100 would take long."""
    code = """
import sys
from puffin.cli.commands.app import run_app
from puffin.cli.commands import app
body = type("M", (), {"__getattr__": lambda *_: lambda *_: 0})()
find = app.import_module
app.import_module = lambda module: find(module) if module == "puffin.cli.commands.run" else body
for line in sys.stdin:
    words = line.split()
    sys.stderr.write(f"# {line}")
    sys.stderr.write(f"= {run_app(words, 0.0)}\\n")
"""
    asked = {}
    for command, row, _ in FOREIGN:
        for spelling in [each.partition("/")[0] for each in row[0]]:
            asked[f"{command} {spelling}" + ("" if row[2] == "flag" else " value")] = None
    done = subprocess.run(
        [sys.executable, "-c", code],
        input="".join(f"{each}\n" for each in asked),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(part.partition("\n")[::2] for part in done.stderr.split("# ")[1:])


@pytest.mark.parametrize(
    ("command", "row", "said"), FOREIGN, ids=lambda each: each[0][-1] if isinstance(each, tuple) else None
)
def test_options_of_other_tools_are_judged(judged, command, row, said):
    for spelling in row[0]:
        spelling = spelling.partition("/")[0]
        told = judged[f"{command} {spelling}" + ("" if row[2] == "flag" else " value")]
        shown = row[0][-1].partition("/")[0]
        if isinstance(said, tuple):
            assert told == lines(f"error: `{shown}` is not supported: {said[0]}", "", f"hint: {said[1]}", "= 2")
        elif isinstance(said, Alias):
            assert said.name in {each.name for each in LEAVES[command].params}
            assert told == (f"warning: `{shown}` {said.warning}\n" if said.warning else "") + "= 0\n"
        else:
            assert told == (f"warning: `{shown}` {said}\n" if said else "") + "= 0\n"


def test_what_hints_point_to_exists():
    options = {word for command in LEAVES.values() for each in command.params for word in each.opts}
    for command, _, said in FOREIGN:
        hint = said[1] if isinstance(said, tuple) else said.warning if isinstance(said, Alias) else said
        for word in re.findall(r"`(-[^` =]+)", hint):
            own = {each for option in LEAVES[command].params for each in option.opts}
            assert word in own | options | {"-vv"}, (command, word)


def test_foreign_options_on_the_command_line(puffin, env, index):
    done = puffin("pip", "sync", "--user", "x.txt")
    assert (done.code, done.err) == (2, lines(
        "error: `--user` is not supported: puffin installs into environments and directories", "",
        "hint: use a virtual environment, or `--target DIR`"))  # fmt: skip
    done = puffin("pip", "list", "--progress-bar", "off", "--disable-pip-version-check", "--no-cache-dir")
    assert (done.code, done.err) == (
        0, lines("warning: `--progress-bar` has no effect; use `--no-progress`")
    )  # fmt: skip


def test_version_is_told_without_importing_anything():
    code = (
        "import sys; sys.argv = ['puffin', {word!r}]; from puffin.cli.entry import main; main(sys.argv[1:]); "
    )
    code += "print(sorted(set(sys.modules) - set(before)), file=sys.stderr)"
    told = []
    for word in ("--version", "-V"):
        words = [sys.executable, "-c", f"import sys; before = list(sys.modules); {code.format(word=word)}"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert {name.partition(".")[0] for name in eval(done.stderr)} <= {"puffin", "gc", "time"}
        told.append(done.stdout)
    assert told[0] == told[1] == CliRunner().invoke(tree, ["--version"]).output


def test_help_for_newcomers(puffin):
    done = puffin("help")
    assert done.out == puffin("--help").out
    for wanted in ("First steps:", "puffin venv  ", "  pip sync  ", "  cache prune  ", "Other commands:"):
        assert wanted in done.out
    assert "..." not in done.out.replace("[ARGS]...", "")
    assert [name for name in LEAVES if not re.search(rf"^  {name}  ", done.out, re.MULTILINE)] == []
    done = puffin("help", "pip", "nothing")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: No such command `nothing`")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(puffin, shell):
    done = puffin("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert "_PUFFIN_COMPLETE" in done.out
    assert puffin("completion", "ksh").code == 2


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("puffin pip sy", ["plain,sync"]),
        ("puffin ca", ["plain,cache"]),
        ("puffin pip sync --link-mode c", ["plain,clone", "plain,copy"]),
        ("puffin pip sync --compile-b", ["plain,--compile-bytecode"]),
        ("puffin pip sync req", ["file,req"]),
        ("puffin pip sync --target x", ["file,x"]),
        ("puffin completion f", ["plain,fish"]),
        ("puffin pip sync --disable-pip", []),
    ],
)
def test_completion(puffin, words, wanted):
    assert completed(puffin, words) == wanted


def completed(puffin, words):
    variables = {"_PUFFIN_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    return puffin(env=variables).out.split()


def test_completion_of_environments_packages_and_runs(puffin, index):
    index.add(*forge_wheel("alpha", "1.0"))
    index.add(*forge_wheel("albatross", "1.0"))
    puffin.file(
        "puffin.toml",
        'env-defaults.path = "{name}"\n[envs.docs]\nrequirements = "a.txt"\n[envs.do]\nrequirements = "a.txt"\n',
    )
    puffin.file("other.toml", '[envs.other]\nrequirements = "docs.txt"\n')
    puffin.venv()
    assert puffin("pip", "install", "alpha", "albatross", "--index-url", index.url).code == 0
    assert completed(puffin, "puffin sync do") == ["file,do", "plain,docs", "plain,do"]
    assert completed(puffin, "puffin envs --environments other.toml o") == ["file,o", "plain,other"]
    assert completed(puffin, "puffin pip uninstall al") == ["plain,albatross", "plain,alpha"]
    assert completed(puffin, "puffin pip show alp") == ["plain,alpha"]
    (run, *_) = [path.stem for path in sorted(puffin.cache.glob("runs-*/*.jsonl"))][::-1]
    assert f"plain,{run}" in completed(puffin, "puffin profile show ")
    puffin.file("puffin.toml", "[envs]\ndocs = 7\n")
    assert completed(puffin, "puffin sync do") == []


def test_bash_offers_environments_before_files(puffin, tmp_path):
    puffin.file("puffin.toml", 'env-defaults.path = "{name}"\n[envs.docs]\nrequirements = "a.txt"\n')
    puffin.file("more.txt", "")
    script = puffin("completion", "bash").out
    items = "".join(f"{each}\\n" for each in completed(puffin, "puffin sync "))
    words = f"compopt() {{ :; }}; puffin() {{ printf '{items}'; }}; {script}\n"
    words += "COMP_WORDS=(puffin sync ''); COMP_CWORD=2\n"
    words += '_puffin_completion puffin ""; echo "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "-c", words.replace("$(env", "$(")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "docs\n"


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        (
            "bash",
            'eval "$(puffin completion bash)"; COMP_WORDS=(puffin pip sync --link-mode cl); COMP_CWORD=4; '
            '_puffin_completion puffin cl; echo "${COMPREPLY[@]}"',
        ),
        ("fish", 'puffin completion fish | source; complete -C "puffin pip sync --link-mode cl"'),
        (
            "zsh",
            'autoload -U compinit; compinit -u -D; eval "$(puffin completion zsh)"; '
            "compadd() { print -l -- $completions }; "
            "words=(puffin pip sync --link-mode cl); CURRENT=5; _puffin_completion",
        ),
    ],
)
def test_shells_complete(puffin, tmp_path, shell, words):
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    command = tmp_path / "bin" / "puffin"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m puffin "$@"\n')
    command.chmod(0o755)
    world = puffin.environ()
    done = subprocess.run(
        [shell, "-c", words],
        env={**world, "PATH": f"{command.parent}:{world['PATH']}"},
        cwd=puffin.cwd,
        capture_output=True,
        text=True,
    )
    assert "clone" in done.stdout, done.stderr
