"""What ``pip compile`` makes of places: hashes in fragments, repositories, relative directories, scripts."""

import hashlib

import pytest

from tests.helpers.repositories import Repository
from tests.helpers.scripted_server import Answer, ScriptedServer
from tests.helpers.sdists import forge_backend, project_files
from tests.helpers.wheels import forge_wheel

PLAIN = ("--no-header", "--no-annotate")


@pytest.fixture
def wheel(puffin, index):
    name, data = forge_wheel("whl", "1.0")
    index.add(name, data)
    puffin.file(name, data)
    return name, f"sha256={hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize(
    "line", ["whl @ {url}#{hash}", "{url}#{hash}", "whl @ {file}#{hash}", "./{name}#{hash}"]
)
def test_a_hash_in_a_fragment_stays(puffin, index, wheel, line):
    name, digest = wheel
    file = (puffin.cwd / name).as_uri()
    puffin.file("r.in", line.format(url=f"{index.root}/files/{name}", file=file, hash=digest, name=name) + "\n")
    done = puffin("pip", "compile", "r.in", *PLAIN, "--no-index")
    assert (done.code, done.out.count(digest)) == (0, 1), done.err
    puffin.file("out.txt", done.raw_out)
    again = puffin("pip", "compile", "out.txt", *PLAIN, "--no-index")
    assert again.out == done.out
    hashed = puffin("pip", "compile", "r.in", *PLAIN, "--no-index", "--generate-hashes")
    assert hashed.out.count(digest.replace("=", ":")) == 1
    assert digest not in hashed.out


def test_one_commit_has_many_spellings(puffin, index, tmp_path):
    index.add(*forge_backend())
    repository = Repository(tmp_path / "repo")
    commit = repository.commit(project_files("vcs"))
    url = f"git+file://{repository.path}"
    spellings = (f"{url}@{commit}", f"{url}@main", f"{url}#egg=vcs", f"{url}/@main")
    puffin.file("r.in", "".join(f"vcs @ {each}\n" for each in spellings))
    done = puffin("pip", "compile", "r.in", *PLAIN, "-i", index.url)
    assert done.code == 0, done.err
    assert done.raw_out == f"vcs @ {url}@{commit}\n"
    other = repository.commit({"more": ""})
    puffin.file("r.in", f"vcs @ {url}@{commit}\nvcs @ {url}@{other}\n")
    done = puffin("pip", "compile", "r.in", *PLAIN, "-i", index.url)
    assert done.code == 1
    assert "Requirements have different URLs for `vcs`" in done.err


@pytest.mark.parametrize("fragment", ["subdirectory=sub&egg=vcs[x]", "egg=vcs[x]&subdirectory=sub"])
def test_the_extra_of_an_egg_counts_wherever_it_stands(puffin, index, tmp_path, fragment):
    index.add(*forge_backend())
    index.add(*forge_wheel("dep", "1.0"))
    repository = Repository(tmp_path / "repo")
    files = project_files("vcs", requires=["dep; extra == 'x'"])
    repository.commit({f"sub/{path}": text for path, text in files.items()})
    puffin.file("r.in", f"git+file://{repository.path}#{fragment}\n")
    done = puffin("pip", "compile", "r.in", *PLAIN, "-i", index.url)
    assert done.code == 0, done.err
    assert done.out.startswith("dep==1.0\n")


def test_relative_places_stay_relative(puffin, wheel):
    name, _ = wheel
    (puffin.cwd / "sub/wheels").mkdir(parents=True)
    (puffin.cwd / name).rename(puffin.cwd / "sub/wheels" / name)
    puffin.file("sub/r.in", "-f wheels\n--no-index\nwhl\n")
    puffin.file("r.in", "-f ./sub/wheels\n--no-index\nwhl\n")
    for source, place in (("sub/r.in", "sub/wheels"), ("r.in", "./sub/wheels")):
        done = puffin("pip", "compile", source, *PLAIN, "--emit-find-links")
        assert done.out == f"--find-links {place}\n\nwhl==1.0\n", done.err


@pytest.mark.parametrize("name", ["tool", "tool.script", "tool.py"])
def test_a_script_needs_no_suffix(puffin, env, index, wheel, name):
    puffin.file(
        name, '#!/usr/bin/env python3\n"""Doc."""\n# /// script\n# dependencies = ["whl==1.0"]\n# ///\n'
    )
    assert puffin("pip", "compile", name, *PLAIN, "-i", index.url).out == "whl==1.0\n"
    assert puffin("pip", "sync", name, "-i", index.url).code == 0
    assert env.installed() == {"whl": "1.0"}


def test_an_index_that_is_gone_has_nothing(puffin, index, wheel):
    with ScriptedServer(lambda seen: Answer(status=410)) as gone:
        puffin.file("r.in", "whl\n")
        done = puffin("pip", "compile", "r.in", *PLAIN, "-i", index.url, "--extra-index-url", gone.url())
        assert (done.code, done.out) == (0, "whl==1.0\n"), done.err


def test_dates_that_an_index_does_not_tell_are_named(puffin, env, index):
    index.add(*forge_wheel("whl", "1.0"), uploaded="")
    for command in (("compile", "r.in"), ("install", "whl"), ("sync", "pins.txt")):
        puffin.file("r.in", "whl\n")
        puffin.file("pins.txt", "whl==1.0\n")
        done = puffin("pip", *command, "--exclude-newer", "2030-01-01", "-i", index.url)
        assert done.code == 1
        assert "index does not report the upload times of its files" in done.err
