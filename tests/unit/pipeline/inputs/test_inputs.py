"""From files to pins: the quick lane for plain files says what the full reader says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.errors import PuffinError
from puffin.pipeline.inputs.inputs import Reading
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import Settings
from puffin.stages.resolve.requirements.values import Pin, SourceRequest
from tests.helpers.requirements import LINUX

SETTINGS = Settings(files=(), cache_dir="")
SESSION = session_of(SETTINGS, {})


def as_pins(inputs):
    if not inputs.plain:
        return inputs.pins
    return [Pin(name=name, version=version) for name, version in inputs.pins]


LINES = st.lists(
    st.one_of(
        st.builds("{}=={}".format, st.text("aB-_.1", max_size=4), st.text("0123.abrcpostdev", max_size=8)),
        st.sampled_from(
            [
                "a==1",
                "b==1.0rc1 # x",
                "C.d==2.0.post1",
                "# c",
                "",
                "e==3 \\",
                "f==1; python_version>'3'",
                "--pre",
            ]
        ),
    ),
    max_size=6,
).map("\n".join)


class Interpreter:
    markers = tuple(LINUX.items())
    tags = ("py3-none-any",)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("read")
    (path / "empty.txt").write_text("")
    return path


def outcome(request):
    """Return what a request comes to, in a form in which both lanes can be compared."""
    try:
        found = Reading(request, SETTINGS, SESSION).inputs(Interpreter())
    except PuffinError as error:
        return type(error)
    pins = sorted(
        (pin.name, pin.version, pin.url, pin.hashes, pin.editable, pin.exact) for pin in as_pins(found)
    )
    return (pins, found.config, found.files, found.trusted_hosts, found.warnings, found.located)


@given(LINES)
def test_the_quick_lane_is_the_full_reader(directory, text):
    path = directory / "requirements.txt"
    path.write_text(text)
    quick = SourceRequest(files=(str(path),))
    full = SourceRequest(files=(str(path),), constraints=(str(directory / "empty.txt"),))
    assert outcome(quick) == outcome(full)


def test_what_is_left_open_is_returned_as_sources(tmp_path):
    path = tmp_path / "requirements.txt"
    for text, plain in (("a==1\n", True), ("a==1; python_version > '3'\n", False)):
        path.write_text(text)
        found = Reading(SourceRequest(files=(str(path),)), SETTINGS, SESSION).inputs_or_sources(Interpreter())
        assert ([(pin.name, pin.version) for pin in as_pins(found)], found.plain) == ([("a", "1")], plain)
    path.write_text("a>1\n")
    found = Reading(SourceRequest(files=(str(path),)), SETTINGS, SESSION).inputs_or_sources(Interpreter())
    assert [entry.specifier for entry in found.requirements.entries] == [">1"]
