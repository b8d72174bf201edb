"""Hostile archives, pages and files: each is refused in words, or safe; with little memory, and soon."""

import resource
import time
from pathlib import Path

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS, run

CORPUS = Path(__file__).resolve().parent / "corpus"
MOST_MEMORY = 512 << 20
MOST_SECONDS = 60


def inputs(name):
    return [*seeds(name), *(path.read_bytes() for path in sorted((CORPUS / name).glob("*")))]


@pytest.mark.parametrize("name", TARGETS)
def test_what_fuzzing_found(name, monkeypatch):
    monkeypatch.setenv("PUFFIN_MAX_UNPACKED_BYTES", str(1 << 20))
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = [run(name, data) for data in inputs(name)]
    assert any(taken)
    assert not all(taken)
    assert time.process_time() - began < MOST_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY >> 10


def test_there_are_enough():
    assert sum(len(inputs(name)) for name in TARGETS) >= 300
