"""Options of ``pip sync`` that change what is said, their variables, and what a run imports."""

import subprocess
import sys

import click
import pytest

from puffin.cli.commands.app import puffin as tree
from puffin.cli.options import inspect as table_inspect
from puffin.cli.options import resolve as table_resolve
from puffin.cli.options import table
from puffin.cli.options import workspace as table_workspace
from puffin.cli.options.click import WrongVariable
from puffin.cli.options.resolve import COMPILE, INSTALL
from tests.helpers.cli import checked, lines, told
from tests.helpers.commands import LEAVES
from tests.helpers.wheels import forge_wheel

LIGHT = {  # of the standard library; all of them are written in C
    "no-op": {"puffin", "gc", "zlib", "_blake2"},
    "warm": {"errno", "fcntl", "_operator", "binascii", "_sha2", "_sha256", "itertools", "encodings"},
    "exchange": {"ctypes", "_ctypes", "struct", "_struct", "types"},
}


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta"):
        index.add(*forge_wheel(name, "1.0"))
    return index


def test_quiet_and_quieter(puffin, env, shop):
    shop.add(*forge_wheel("alpha", "2.0"), yanked="")
    assert puffin.sync("alpha==1.0\n", "-q", "-i", shop.url).err == ""
    assert puffin.sync(None, "-q", "-i", shop.url).err == ""
    assert puffin.sync("alpha==2.0\n", "-q", "-i", shop.url).err == "warning: `alpha==2.0` is yanked\n"
    assert puffin.sync(None, "-qq", "--reinstall", "-i", shop.url).err == ""
    done = puffin.sync("nobody==1\n", "-qq", "-i", shop.url)
    assert done.code == 1
    assert done.err.startswith("error: Failed to find")
    assert puffin("pip", "freeze", "-qq").out == "alpha==2.0\n"


def test_verbose(puffin, env, shop):
    done = puffin.sync("alpha==1.0\n", "-vv", "-i", shop.url)
    said = done.err.splitlines()
    done_lines = [f"{stage} alpha==1.0: done in [TIME]" for stage in ("fetch", "unzip", "link")]
    assert [line for line in said if " alpha==1.0: done" in line] == done_lines
    assert puffin.sync(None, "-v", "-i", shop.url).err.endswith(checked(1))


def test_colour(puffin, env, shop):
    bold = "\x1b[1m"
    assert bold in puffin.sync("alpha==1.0\n", "--color", "always", "-i", shop.url).err
    assert "\x1b" not in puffin.sync("beta==1.0\n", "-i", shop.url, env={"FORCE_COLOR": "1"}).err, (
        "NO_COLOR goes first"
    )
    assert bold in puffin.sync("alpha==1.0\n", "-i", shop.url, env={"FORCE_COLOR": "1", "NO_COLOR": ""}).err
    done = puffin.sync("nobody==1\n", "--color", "always", "-i", shop.url)
    assert "\x1b[31;1merror\x1b[0m: " in done.err
    assert (
        "\x1b"
        not in puffin.sync(None, "--color=never", "-i", shop.url, env={"FORCE_COLOR": "1", "NO_COLOR": ""}).err
    )


def test_the_other_name_of_the_command(puffin, env, shop):
    puffin.file("requirements.txt", "alpha==1.0\n")
    done = puffin("pip-sync", "requirements.txt", "-i", shop.url)
    assert done.err == told("+ alpha==1.0", pins=1, prepared=1, installed=1)
    assert puffin("pip-sync", "requirements.txt").err == checked(1)
    assert "Usage: puffin pip-sync" in puffin("pip-sync", "--help").out


def test_variables_stand_for_options(puffin, env, shop):
    variables = {"PUFFIN_INDEX_URL": shop.url, "PUFFIN_DRY_RUN": "1"}
    done = puffin.sync("alpha==1.0\n", env=variables)
    assert done.err == lines("Resolved 1 package in [TIME]", "Would download 1 package", "Would install 1 package",
                             " + alpha==1.0")  # fmt: skip
    assert puffin.sync(None, env={**variables, "PUFFIN_DRY_RUN": "0", "PUFFIN_QUIET": "1"}).err == ""
    assert env.installed() == {"alpha": "1.0"}
    done = puffin.sync(None, env={"PUFFIN_REINSTALL_PACKAGE": "beta alpha", "PUFFIN_OFFLINE": "true"})
    assert done.code != 0, "nothing on the default index's shelf"
    done = puffin.sync(None, env={**variables, "PUFFIN_DRY_RUN": "", "PUFFIN_REINSTALL_PACKAGE": "beta alpha"})
    assert done.err == told("~ alpha==1.0", pins=1, uninstalled=1, installed=1)
    other = puffin.venv(name="other")
    puffin.sync(None, env={**variables, "PUFFIN_DRY_RUN": "no", "PUFFIN_PYTHON": str(other.root)})
    assert other.installed() == {"alpha": "1.0"}


def test_the_active_environment_and_the_nearest_one(puffin, env, shop):
    other = puffin.venv(name="other")
    assert puffin.sync("alpha==1.0\n", "-i", shop.url, env={"VIRTUAL_ENV": str(other.root)}).code == 0
    assert (env.installed(), other.installed()) == ({}, {"alpha": "1.0"})
    below = puffin.cwd / "a" / "b"
    below.mkdir(parents=True)
    assert puffin("pip", "sync", "../../requirements.txt", "-i", shop.url, cwd=below).code == 0
    assert env.installed() == {"alpha": "1.0"}
    for place in (other.root, other.python, "other/bin/python", "./other"):
        assert puffin.sync("alpha==1.0\n", "-p", place, "-i", shop.url).err == checked(1)


def imported(puffin, *words, env=None):
    """Return the top-level modules that a command imports, of those that Python does not start with."""
    code = (
        f"import os, sys; sys.path.insert(0, {puffin.environ()['PYTHONPATH']!r}); before = set(sys.modules); "
        f"from puffin.cli import entry; entry.main({list(map(str, words))!r}); print(*set(sys.modules) - before)"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(
        command, cwd=puffin.cwd, env=puffin.environ(**(env or {})), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_a_no_op_and_a_warm_sync_import_next_to_nothing(puffin, env, shop):
    puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url)
    assert puffin("pip", "sync", "requirements.txt", "-i", shop.url).err == checked(2)
    noop = imported(puffin, "pip", "sync", "requirements.txt", "-i", shop.url)
    assert noop <= LIGHT["no-op"]
    other = puffin.venv(name="other")
    warm = imported(puffin, "pip", "sync", "requirements.txt", "-i", shop.url, "-p", other.root)
    assert other.installed() == {"alpha": "1.0", "beta": "1.0"}
    assert warm <= LIGHT["no-op"] | LIGHT["warm"]
    (puffin.cwd / "w").mkdir()
    (puffin.cwd / "w/requirements.txt").write_text("alpha==1.0\nbeta==1.0\n")
    many = imported(puffin, "sync", "w/requirements.txt", "-i", shop.url)
    assert (puffin.cwd / "w/.venv/pyvenv.cfg").exists()
    assert many <= LIGHT["no-op"] | LIGHT["warm"]


def test_a_small_change_imports_no_more_but_what_exchanges_entries(puffin, env, shop):
    shop.add(*forge_wheel("beta", "2.0"))
    for version in ("2.0", "1.0"):
        puffin.sync(f"alpha==1.0\nbeta=={version}\n", "-i", shop.url)
    puffin.file("requirements.txt", "alpha==1.0\nbeta==2.0\n")
    changed = imported(puffin, "pip", "sync", "requirements.txt", "-i", shop.url)
    assert env.installed() == {"alpha": "1.0", "beta": "2.0"}
    assert changed <= LIGHT["no-op"] | LIGHT["warm"] | LIGHT["exchange"]


@pytest.mark.parametrize("name", LEAVES)
def test_every_option_is_in_the_table_and_has_a_variable(name):
    modules = (table, table_resolve, table_inspect, table_workspace)
    tables = [value for each in modules for value in vars(each).values() if isinstance(value, tuple)]
    rows = {}
    for row in (row for value in tables for row in _rows(value)):
        rows.setdefault(row[1], []).append({word for each in row[0] for word in each.split("/")})
    for option in LEAVES[name].params:
        if not isinstance(option, click.Option) or option.hidden:
            continue
        assert {*option.opts, *option.secondary_opts} in rows[option.name]
        assert option.envvar == f"PUFFIN_{option.name.upper()}"
        assert option.help
        text = LEAVES[name].get_help(click.Context(LEAVES[name]))
        assert f"[$PUFFIN_{option.name.upper()}]" in text


def _rows(value):
    if len(value) == 6 and isinstance(value[1], str):
        return (value,)
    return tuple(row for row in value if isinstance(row, tuple) and len(row) == 6)


NEITHER = [("sync", table.SYNC), ("install", INSTALL), ("compile", COMPILE)]


@pytest.mark.parametrize(("command", "rows"), NEITHER, ids=lambda each: each if isinstance(each, str) else "")
def test_no_switch_is_on_or_off_by_a_word_that_is_neither(command, rows):
    switches = [row for row in rows if row[2] in (table.FLAG, table.COUNT)]
    assert len(switches) > 10
    parse = tree.get_command(None, "pip").commands[command].make_context
    for _, name, _, _, _, _ in switches:
        variable = f"PUFFIN_{name.upper()}"
        for word in ("maybe", "2 ", "-1", "\u00b2", "truefalse"):
            assert table.read_by_hand(rows, ["r.txt"], {variable: word}) is None
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(variable, word)
                with pytest.raises(WrongVariable):
                    parse(command, ["r.txt"])
        assert table.read_by_hand(rows, ["r.txt"], {variable: ""})[name] in (False, 0)


@pytest.mark.parametrize(
    "words",
    [("pip", "sync", "r.txt"), ("sync", "r.txt"), ("pip", "install", "a"), ("pip-compile", "r.txt"), ("venv",)],
)
def test_a_variable_that_is_neither_true_nor_false_is_refused(puffin, words):
    puffin.file("r.txt", "")
    done = puffin(*words, env={"PUFFIN_NO_CACHE": "maybe"})
    assert (done.code, done.out, done.err) == (
        2,
        "",
        lines(
            "error: `maybe` is not a valid value for `PUFFIN_NO_CACHE`",
            "",
            "hint: use one of `1`, `true`, `yes`, `on`, or of `0`, `false`, `no`, `off`",
        ),
    )
    done = puffin(*words, env={"PUFFIN_QUIET": "very"})
    assert done.err == lines(
        "error: `very` is not a valid value for `PUFFIN_QUIET`", "", "hint: use a number, `true` or `false`"
    )
    assert not (puffin.cwd / ".venv").exists()


def test_an_option_goes_before_a_variable_that_cannot_be_read(puffin):
    assert puffin("cache", "dir", "--no-cache", env={"PUFFIN_NO_CACHE": "maybe"}).code == 0
    assert puffin("pip", "sync", "--help", env={"PUFFIN_NO_CACHE": "maybe"}).code == 0


def test_help_and_version(puffin):
    assert puffin("--version").out.startswith("puffin ")
    for words in (("--help",), ("-h",), ("help",)):
        done = puffin(*words)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("Usage: puffin")
    assert puffin("help", "pip", "sync").out == puffin("pip", "sync", "--help").out
    done = puffin()
    assert done.code == 2
    assert "Usage: puffin" in done.out + done.err


@pytest.mark.parametrize(
    "words", [("pip", "sync", "r.txt"), ("sync", "r.txt"), ("pip", "install", "a"), ("graph",)]
)
def test_a_variable_that_is_none_of_the_choices_is_refused(puffin, words):
    puffin.file("r.txt", "")
    done = puffin(*words, env={"PUFFIN_KEYRING_PROVIDER": "maybe"})
    assert (done.code, done.out, done.err) == (
        2,
        "",
        lines(
            "error: `maybe` is not a valid value for `PUFFIN_KEYRING_PROVIDER`",
            "",
            "hint: use one of `auto`, `disabled`, `import`, `subprocess`",
        ),
    )
