"""Errors: what a class declares, and what becomes of it."""

import errno
import importlib
import pickle
import pkgutil
from string import Formatter

import pytest

import puffin
from puffin.errors import Cause, PuffinError, room_hints
from puffin.stages.fetch.failures import NetworkFailed, RequestRefused


class Full(PuffinError):
    """A disk is full."""

    sentence = "`{path}` has {room:g} bytes left for `{package}`"
    path: str
    room: float = 0.5


class Fuller(Full):
    """It has a number, too."""

    number: int


def below(cls):
    return [cls, *(each for direct in cls.__subclasses__() for each in below(direct))]


def test_a_sentence_takes_its_fields_literally():
    error = Full(path="{room}", package="a{0}")
    assert str(error) == error.summary() == "`{room}` has 0.5 bytes left for `a{0}`"


def test_a_subclass_inherits_sentence_and_fields():
    again = pickle.loads(pickle.dumps(Fuller(path="/x", number=1, causes=(Cause(text="so"),))))
    assert (again.summary(), again.number) == ("`/x` has 0.5 bytes left for ``", 1)
    assert [cause.summary() for cause in again.causes] == ["so"]


@pytest.mark.parametrize("fields", [{}, {"path": "/x", "size": 1}])
def test_fields_are_those_that_are_declared(fields):
    with pytest.raises(TypeError):
        Full(**fields)


def test_an_error_of_a_stage_belongs_to_it():
    assert (NetworkFailed.stage, RequestRefused.stage, Full.stage) == ("fetch", "fetch", "")


def test_each_error_of_puffin_has_a_sentence_of_fields_that_it_has():
    for module in pkgutil.walk_packages(puffin.__path__, "puffin."):
        if not module.name.endswith((".__main__", ".child")):
            importlib.import_module(module.name)
    errors = [cls for cls in below(PuffinError) if cls.__module__.startswith("puffin.")]
    assert len(errors) > 100
    for cls in errors:
        known = set(cls._names())
        names = {name for _, name, _, _ in Formatter().parse(cls.sentence) if name is not None}
        assert names <= known, cls
        assert cls.sentence or cls.summary is not PuffinError.summary or cls.__subclasses__(), cls


def test_only_a_full_disk_is_told_to_be_emptied():
    assert room_hints(OSError(errno.ENOSPC, "full"), "go") == ("make room there, or go",)
    assert room_hints(OSError(errno.EROFS, "read-only"), "go") == ("let puffin write there, or go",)
    assert room_hints(PermissionError(errno.EACCES, "no"), "go") == ("let puffin write there, or go",)
