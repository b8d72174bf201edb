"""What commands are asked: the values fit the option table, and reading by hand reads what click reads."""

import subprocess
import sys
from time import perf_counter

import pytest
from hypothesis import HealthCheck, example, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from puffin.cli.commands import app, run
from puffin.cli.config.settings import compile_settings, read_settings
from puffin.cli.options import inspect, resolve, table, values, workspace
from puffin.cli.options.click import given
from puffin.cli.options.foreign import take_out
from puffin.cli.options.resolve import COMPILE, INSTALL
from puffin.cli.options.values import made
from puffin.cli.options.workspace import WORKSPACE_SYNC, WorkspaceOptions
from puffin.pipeline.commands.lock import LockSettings
from puffin.pipeline.request.settings import CompileSettings, InstallSettings, ManySettings, Settings
from tests.helpers.commands import LEAVES

BY_HAND = {"pip sync": table.SYNC, "sync": WORKSPACE_SYNC, "pip install": INSTALL, "pip compile": COMPILE}
# options that decide which configuration is read, one that changes nothing, and those that are part of a field
NOT_IN_VALUES = {"isolated", "no_config", "config_file", "directory", "yes", "foreign", "words", "given"}
PARTS = {"index", "default_index", "pre", "exclude_newer_package", "no_annotate", "shared_filesystem", "tls_ca",
         "tls_cert", "tls_key", "python_version", "python_platform",
         "remote_cache_write", "remote_cache_scope"}  # fmt: skip
READ = {"timeout", "retries", "jobs", "dashboard", "remote_cache"}  # texts that become other values
ARGUMENTS = {"completion": ["bash"], "profile compare": ["-1", "-2"]}
REQUESTS = (Settings, CompileSettings, InstallSettings, ManySettings, LockSettings)


def asked(monkeypatch, words):
    """Return the name of the command that a command line calls, with the values of its options."""
    calls = []
    monkeypatch.setattr(run, "run_guarded", lambda *called: calls.append(called) or 0)
    assert app.run_app(words, perf_counter()) == 0
    ((_function, command, found, _started, _foreign),) = calls
    return command, found


def fields_of(kind):
    """Return the fields of a value and its groups with their defaults."""
    found = {}
    for name, default in kind.__defaults__.items():
        group = hasattr(default, "__defaults__") and name != "configured"
        found |= fields_of(type(default)) if group else {name: default}
    return found


def kinds_of(module):
    return [each for each in vars(module).values() if hasattr(each, "__defaults__") and isinstance(each, type)]


@pytest.mark.parametrize("name", LEAVES)
def test_every_option_of_the_table_has_a_field_of_its_kind(name, monkeypatch):
    if name == "help":
        return
    command, found = asked(monkeypatch, [*name.split(), *ARGUMENTS.get(name, [])])
    assert command == {"clean": "cache clean"}.get(name, name)
    own = [kind for module in (inspect, resolve, values, workspace) for kind in kinds_of(module)]
    fields = {}
    for kind in (*own, *REQUESTS):
        for field, default in fields_of(kind).items():
            fields.setdefault(field, []).append(type(default))
    for option, value in found.items():
        if option not in NOT_IN_VALUES | PARTS:
            assert option in fields, option
            assert option in READ or type(value) in fields[option], option


def test_values_make_settings():
    found = {"arguments": ("a.txt",), "index": ("a=https://a",), "python": "3.11", "timeout": "2",
             "no_binary": ("A,b",), "pre": True, "refresh_package": ("B_c",), "default_index": "https://d"}  # fmt: skip
    settings = read_settings(found, "/cache")
    assert (settings.files, settings.cache_dir, settings.where.python) == (("a.txt",), "/cache", "3.11")
    assert (settings.network.timeout, settings.network.retries, settings.jobs) == (2.0, -1, 0)
    assert (settings.no_binary, settings.refresh_package) == (("a", "b"), ("b-c",))
    assert (settings.index_url, settings.indexes[0].name, settings.prerelease) == ("https://d", "a", "allow")
    assert compile_settings({**found, "no_annotate": True}, "/cache", "x") == CompileSettings(
        run=settings, header="x", annotation_style=""
    )
    assert made(WorkspaceOptions, {"check": True, "report": "-"}) == WorkspaceOptions(report="-")


def spoken(row):
    """Return the ways to give the option of *row* on a command line, right and wrong ones."""
    spellings, _, kind, _, _, _ = row
    words = [each for spelling in spellings for each in spelling.split("/")]
    values = st.sampled_from(
        [*table.choices_of(row), "one", "1", "", "-x", "--", "a=b", "auto", "r.txt", "ähm"]
    )
    spelling = st.sampled_from(words)
    joined = st.builds("{}={}".format, spelling, values)
    if kind in (table.FLAG, table.COUNT):
        return st.one_of(spelling.map(lambda word: [word]), joined.map(lambda word: [word]))
    return st.one_of(
        st.tuples(spelling, values).map(list),
        joined.map(lambda word: [word]),
        spelling.map(lambda word: [word]),
    )


def command_lines(rows):
    """Return command lines with options of *rows*, names of files, and what is neither."""
    others = st.sampled_from([["r.txt"], ["-"], ["--"], [""], ["--nothing"], ["-qv"], ["-Uq"], ["-pone"]])
    option = st.sampled_from(rows).flatmap(spoken)
    return st.lists(st.one_of(option, option, option, others), max_size=6).map(
        lambda parts: [word for part in parts for word in part]
    )


def variables(rows):
    """Return environments that set options of *rows*."""
    names = st.sampled_from([f"PUFFIN_{row[1].upper()}" for row in rows])
    return st.dictionaries(
        names,
        st.sampled_from(["", "1", "0", "true", "no", "one two", "auto", "copy", "maybe", "json"]),
        max_size=2,
    )


@pytest.mark.parametrize("name", BY_HAND)
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(data=None)
@drawn(data=st.data())
def test_what_is_read_by_hand_is_what_click_reads(name, data):
    rows = BY_HAND[name]
    if data is None:
        for row in rows:
            value = [] if row[2] in (table.FLAG, table.COUNT) else [(*table.choices_of(row), "one")[0]]
            for spelling in row[0]:
                if "/" not in spelling:
                    assert same(name, rows, ["r.txt", spelling, *value], {}), spelling
                    if value == ["one"] and row[2] != table.OPTIONAL:
                        for text in ("--profile", "--"):
                            assert same(name, rows, [spelling, text, "--profile"], {}), spelling
        return
    same(name, rows, data.draw(command_lines(rows)), data.draw(variables(rows)))


def same(name, rows, words, environ):
    """Check that click reads what is read by hand, if that is read at all; return whether it is."""
    values = table.read_by_hand(rows, list(words), environ)
    if values is None:
        return False
    with pytest.MonkeyPatch.context() as patch:
        for variable, text in environ.items():
            patch.setenv(variable, text)
        context = LEAVES[name].make_context(name, list(words))
    options = dict(context.params)
    assert take_out(name, options) == ({}, {})
    assert given(context, options) == values
    return True


def test_the_help_of_all_makes_the_parameters_of_no_command():
    code = (
        "import sys; from puffin.cli.commands.app import pip, run_app; run_app(sys.argv[1:], 0.0)\n"
        "assert 'params' not in vars(pip.commands['sync'])\n"
        "assert 'puffin.cli.commands.run' not in sys.modules\n"
        "assert pip.commands['sync'].params"
    )
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "puffin pip sync" in done.stdout
