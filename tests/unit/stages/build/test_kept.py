"""What is kept of builds: found by the source's state, the settings and the tags, and a miss where it is damaged."""

import os

import pytest

from puffin.artifact.artifact import DIRECTORY, GIT, SDIST, Artifact
from puffin.cache.layout import Cache
from puffin.stages.build import kept
from puffin.stages.resolve.locate.tags import priorities
from puffin.value import replace

TAGS = priorities(("cp312-cp312-linux_x86_64", "py3-none-any"))
ARCHIVE = Artifact(
    name="thing",
    version="1.0",
    filename="thing-1.0.tar.gz",
    url="https://h/thing-1.0.tar.gz",
    source="",
    kind=SDIST,
)


@pytest.fixture
def cache(tmp_path):
    cache = Cache(str(tmp_path / "cache"))
    cache.initialise()
    return cache


def publish(cache, home, entry, filename, data=b"wheel"):
    wheel = cache.temporary() + "-" + filename
    os.mkdir(wheel)
    with open(f"{wheel}/{filename}", "wb") as file:
        file.write(data)
    os.makedirs(home, exist_ok=True)
    return kept.publish_wheel(cache, f"{home}/{entry}{kept.WHEEL}", f"{wheel}/{filename}", b"Name: thing\n")


def test_the_revision_of_an_archive_is_its_hash_and_its_subdirectory():
    hashed = replace(ARCHIVE, hashes=("sha256:aa",))
    assert kept.revision_of(ARCHIVE) == "", "only the download tells"
    assert kept.revision_of(ARCHIVE, "aa") == kept.revision_of(hashed)
    assert kept.revision_of(hashed) != kept.revision_of(replace(hashed, subdirectory="inner"))
    assert kept.revision_of(replace(hashed, hashes=("sha256:aa", "sha256:bb"))) == "", (
        "which of them is not known"
    )


def test_the_revision_of_a_directory_is_its_place_and_its_state(tmp_path):
    directory = replace(ARCHIVE, kind=DIRECTORY, url=tmp_path.as_uri(), filename="", source="path/1")
    before = kept.revision_of(directory)
    assert kept.revision_of(directory) == before
    assert kept.revision_of(replace(directory, source="path/2")) != before
    assert kept.revision_of(replace(directory, url=(tmp_path / "other").as_uri())) != before


def test_the_revision_of_a_repository_is_its_commit_whoever_fetches_it():
    one = replace(ARCHIVE, kind=GIT, url="git+https://h/r@aaaa", filename="")
    assert kept.revision_of(one) == kept.revision_of(replace(one, url="git+https://user:secret@h/r@aaaa"))
    assert kept.revision_of(one) != kept.revision_of(replace(one, url="git+https://h/r@bbbb"))


def test_settings_part_what_is_built():
    plain = kept.settings_of(ARCHIVE)
    others = {
        kept.settings_of(replace(ARCHIVE, editable=True)),
        kept.settings_of(replace(ARCHIVE, config_settings=(("a", "1"),))),
        kept.settings_of(ARCHIVE, shared="/env"),
        kept.settings_of(ARCHIVE, more=("limits",)),
    }
    assert len(others | {plain}) == 5


def test_the_wheel_that_fits_best_is_found_and_others_stay_beside_it(cache):
    home = kept.place(cache, "r", "s")
    publish(cache, home, "one", "thing-1.0-py3-none-any.whl")
    publish(cache, home, "two", "thing-1.0-cp312-cp312-linux_x86_64.whl")
    publish(cache, home, "three", "thing-1.0-cp313-cp313-linux_x86_64.whl")
    assert kept.find_wheel(home, TAGS).filename == "thing-1.0-cp312-cp312-linux_x86_64.whl"
    newer = priorities(("cp313-cp313-linux_x86_64",))
    assert kept.find_wheel(home, newer).filename == "thing-1.0-cp313-cp313-linux_x86_64.whl"
    assert kept.find_wheel(home, priorities(("cp38-cp38-linux_x86_64",))) is None
    assert kept.find_wheel(kept.place(cache, "r", "other"), TAGS) is None


def test_the_first_of_two_writers_wins_unless_its_entry_is_damaged(cache):
    home = kept.place(cache, "r", "s")
    first = publish(cache, home, "one", "thing-1.0-py3-none-any.whl", b"first")
    assert publish(cache, home, "one", "thing-1.0-py3-none-any.whl", b"later") == first
    with open(first.path, "wb") as file:
        file.write(b"cut")
    assert kept.find_wheel(home, TAGS) is None
    assert publish(cache, home, "one", "thing-1.0-py3-none-any.whl", b"again").sha256 != first.sha256
    assert [each for each in os.listdir(cache.path("tmp-v0")) if each.endswith("-built")] == []


@pytest.mark.parametrize("data", [b"", b"garbage", b"puffin1\n" + bytes(20)])
def test_an_entry_that_cannot_be_read_is_a_miss(cache, data):
    home = kept.place(cache, "r", "s")
    found = publish(cache, home, "one", "thing-1.0-py3-none-any.whl")
    with open(os.path.join(os.path.dirname(found.path), "entry"), "wb") as file:
        file.write(data)
    assert kept.find_wheel(home, TAGS) is None


def test_metadata_of_a_hook_serve_only_the_interpreter_that_told_them(cache):
    home = kept.place(cache, "r", "s")
    os.makedirs(home)
    kept.publish_metadata(cache, f"{home}/python-env{kept.METADATA}", b"Name: thing\nVersion: 1\n")
    assert kept.find_metadata(home, "python", TAGS) == b"Name: thing\nVersion: 1\n"
    assert kept.find_metadata(home, "other", TAGS) is None
    publish(cache, home, "other-env", "thing-1.0-py3-none-any.whl")
    assert kept.find_metadata(home, "other", TAGS) == b"Name: thing\n", "a wheel that fits tells its own"
