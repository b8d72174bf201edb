"""A change of environments as a whole: what is kept of it however it ends."""

import pytest

from puffin.pipeline.change import run as module
from puffin.pipeline.change.run import ChangeRun
from puffin.pipeline.request.settings import Settings


class _Search:
    def __init__(self):
        self.remembered = None
        self.came = []

    def took(self, artifact, archive):
        self.came.append((artifact, archive))

    def remember(self, archives):
        self.remembered = archives


class _Graph:
    """A graph whose outcomes nobody reads any more, as behind ``| head``."""

    archives = {"alpha": "a1"}

    def __init__(self, *_arguments, took, **_options):
        self._took = took

    def run(self):
        self._took("alpha", "a1")
        raise BrokenPipeError


def test_chosen_files_are_remembered_though_nobody_reads_the_output(monkeypatch):
    monkeypatch.setattr(module, "GraphRun", _Graph)
    change = ChangeRun.__new__(ChangeRun)
    change._engine = change._session = change._builds = change._remote = None
    change._settings = Settings(files=(), cache_dir="/nowhere")
    search = change._search = _Search()
    with pytest.raises(BrokenPipeError):
        change.bring([], None)
    assert search.came == [("alpha", "a1")]
    assert search.remembered == {"alpha": "a1"}
