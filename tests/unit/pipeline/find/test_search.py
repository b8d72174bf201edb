"""What a search remembers of the answers of indexes, and when."""

import pytest

from puffin.artifact.artifact import WHEEL, Artifact
from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.pipeline.find.chosen import ChosenFiles, chosen_artifact
from puffin.pipeline.find.search import Search
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.tasks.supply import Supply, identity


class _Sought:
    def __init__(self, found):
        self.found = found


class _Group:
    def __init__(self, cache, key, *asked):
        self.chosen = ChosenFiles(cache, key)
        self.asked = [_Sought(found) for found in asked]


def wheel(name, index="index/one"):
    return Artifact(
        name=name, version="1.0", kind=WHEEL, url=f"https://x/{name}-1.0-py3-none-any.whl",
        filename=f"{name}-1.0-py3-none-any.whl", hashes=(f"sha256:{name[0] * 64}",), source=index,
    )  # fmt: skip


def searched(cache, *groups, **settings):
    search = Search.__new__(Search)
    search._settings = Settings(files=(), cache_dir=cache.root, **settings)
    search._groups, search._awaited = list(groups), None
    return search


def remembered(tmp_path):
    """Return the archive and the source of each choice in the cache."""
    read = {}
    for path in tmp_path.glob("pins-v0/*/*"):
        archive, artifact = chosen_artifact(path.read_bytes())
        read[f"{path.parent.name}/{path.name}"] = (archive[:2], artifact.source)
    return read


@pytest.fixture
def cache(tmp_path):
    made = Cache(str(tmp_path), lower=())
    made.initialise()
    return made


def test_an_answer_is_remembered_when_its_archive_comes_in(cache, tmp_path):
    """In each place that was asked, with the answer of that place; the end of the run adds only what is left."""
    alpha, other, beta = wheel("alpha"), wheel("alpha", "index/two"), wheel("beta")
    first = _Group(cache, "k1", Supply(artifact=alpha, archive=""), Supply(artifact=beta, archive="b" * 64))
    second = _Group(cache, "k2", Supply(artifact=other, archive=""), PuffinError())
    search = searched(cache, first, second)
    search.took(alpha, "a" * 64)
    came = {"k1/alpha-1.0": ("aa", "index/one"), "k2/alpha-1.0": ("aa", "index/two")}
    assert remembered(tmp_path) == came
    for path in tmp_path.glob("pins-v0/*/alpha-*"):
        path.unlink()
    search.took(alpha, "a" * 64)
    search.remember({identity(alpha): "a" * 64})
    assert remembered(tmp_path) == {"k1/beta-1.0": ("bb", "index/one")}


def test_what_never_came_in_is_forgotten_at_the_end(cache, tmp_path):
    alpha = wheel("alpha")
    searched(cache, _Group(cache, "k1", Supply(artifact=alpha, archive=""))).took(alpha, "a" * 64)
    assert remembered(tmp_path)
    searched(cache, _Group(cache, "k1", Supply(artifact=alpha, archive=""))).remember({})
    assert not remembered(tmp_path)


def test_nothing_is_remembered_of_an_index_as_it_was(cache, tmp_path):
    alpha = wheel("alpha")
    search = searched(
        cache, _Group(cache, "k1", Supply(artifact=alpha, archive="")), exclude_newer="2020-01-01"
    )
    search.took(alpha, "a" * 64)
    search.remember({identity(alpha): "a" * 64})
    assert not remembered(tmp_path)
