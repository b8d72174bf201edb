"""What commands are asked: the values fit the option table, and reading by hand reads what click reads."""

import inspect

import pytest
from hypothesis import HealthCheck, example, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from puffin.cli.commands import app
from puffin.cli.options import table
from puffin.cli.options.click import given
from puffin.cli.options.foreign import take_out
from puffin.cli.options.resolve import COMPILE, INSTALL
from puffin.cli.options.values import SyncOptions, made, unsaid
from puffin.cli.options.workspace import WORKSPACE_SYNC, WorkspaceOptions
from tests.helpers.commands import LEAVES

BY_HAND = {"pip sync": table.SYNC, "sync": WORKSPACE_SYNC, "pip install": INSTALL, "pip compile": COMPILE}
# options that decide which configuration is read, and one that changes nothing
NOT_IN_VALUES = {"isolated", "no_config", "config_file", "yes", "words", "given"}
ARGUMENTS = {"completion": ["bash"], "profile compare": ["-1", "-2"]}


def asked(monkeypatch, words):
    """Return the function that a command line calls, with its kind of options and their values."""
    calls = []
    monkeypatch.setattr(app, "guarded", lambda *called: calls.append(called) or 0)
    assert app.run_app(words) == 0
    ((function, kind, values, _started, _foreign),) = calls
    return function, kind, values


@pytest.mark.parametrize("name", LEAVES)
def test_every_option_of_the_table_has_a_field_of_its_kind(name, monkeypatch):
    if name == "help":
        return
    function, kind, values = asked(monkeypatch, [*name.split(), *ARGUMENTS.get(name, [])])
    annotation = inspect.signature(function).parameters["options"].annotation
    assert getattr(annotation, "__name__", annotation) == kind.__name__
    fields = unsaid(kind)
    arguments = {"arguments"} - set(fields) if not values["arguments"] else set()
    assert set(values) - NOT_IN_VALUES - arguments <= set(fields)
    assert {each: type(fields[each]) for each in set(values) & set(fields)} == {
        each: type(values[each]) for each in set(values) & set(fields)
    }
    assert unsaid(kind) | made_flat(made(kind, values)) == made_flat(made(kind, values))


def made_flat(value):
    """Return the options of a value and its groups by their names."""
    found = {}
    for name in type(value).__slots__:
        inner = getattr(value, name)
        found.update(
            made_flat(inner)
            if type(inner).__name__ != "Configured" and hasattr(inner, "__slots__")
            else {name: inner}
        )
    return found


def test_groups_are_made_of_the_options_of_their_command():
    options = made(
        WorkspaceOptions, {"check": True, "index": ("a=https://a",), "python": "3.11", "profile": "auto"}
    )
    assert (options.check, options.sync.index.index, options.sync.where.python) == (
        True,
        ("a=https://a",),
        "3.11",
    )
    assert options.sync.observe.profile == "auto"
    assert options == WorkspaceOptions(check=True, sync=made(SyncOptions, {
        "index": ("a=https://a",), "python": "3.11", "profile": "auto"}))  # fmt: skip


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
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    assert take_out(name.removeprefix("pip "), options) == {}
    assert given(context, options) == values
    return True
