"""Repositories in a resolution: checked out with git, and written down with their commit."""

from functools import partial

import pytest

from puffin.cache.layout import Cache
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.git.errors import UnknownRef
from puffin.stages.fetch.git.url import NoSubdirectory
from puffin.stages.fetch.network import Network
from puffin.stages.resolve.index.config import IndexConfig, Scope
from puffin.stages.resolve.output.gather import direct_of
from puffin.stages.resolve.requirements.values import Entry
from puffin.stages.resolve.solve.resolve import resolve
from puffin.stages.resolve.universe.index import IndexUniverse
from puffin.stages.resolve.universe.place import checkout_place
from puffin.value import replace
from tests.helpers.repositories import Repository, environ, forget, needs_git, project
from tests.helpers.universe import request

pytestmark = needs_git


@pytest.fixture
def resolved(tmp_path):
    """Returns what a requirement of a repository resolves to, as it is written into an output."""
    forget()
    cache = Cache(str(tmp_path / "cache"))
    client = Client(Network(offline=True))

    def written(url):
        scope = Scope(
            config=IndexConfig(index_url=""), tags=("py3-none-any",), python_version="3.12.1", now=1.0
        )
        checkout = partial(checkout_place, cache=cache, offline=False, environ=environ())
        asked = Entry(name="foo", url=url, text=f"foo @ {url}", file="requirements.in", line=1)
        with IndexUniverse(scope, client=client, cache=cache, checkout=checkout) as universe:
            found = resolve(replace(request(), requirements=(asked,)), universe)
        return [direct_of(each, [], cwd="/", sha256=None) for each in found.packages]

    yield written
    client.close()


def test_the_output_has_the_full_commit_and_the_subdirectory(tmp_path, resolved):
    repository = Repository(tmp_path / "repo")
    files = {f"sub/{name}": text for name, text in project().items()}
    commit = repository.commit({**project("other"), **files})
    repository.git("branch", "feature/x")
    (found,) = resolved(f"{repository.url}@feature/x#subdirectory=sub")
    assert found.written == f"{repository.url}@{commit}#subdirectory=sub"
    assert (found.kind, found.url, found.commit) == ("git", f"file://{repository.path}", commit)
    assert (found.revision, found.subdirectory) == ("feature/x", "sub")
    (again,) = resolved(found.written)
    assert (again.written, again.revision) == (found.written, "")


def test_what_a_repository_lacks_is_named_in_the_words_of_the_user(tmp_path, resolved):
    repository = Repository(tmp_path / "repo")
    repository.commit(project())
    with pytest.raises(NoSubdirectory) as absent:
        resolved(f"{repository.url}#subdirectory=nosuch")
    assert str(absent.value) == f"`foo @ {repository.url}#subdirectory=nosuch` has no subdirectory `nosuch`"
    with pytest.raises(UnknownRef, match="has no branch, tag or commit `v9`"):
        resolved(f"{repository.url}@v9")
