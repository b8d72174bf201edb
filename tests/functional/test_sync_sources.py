"""What a sync says about sources: those that it refuses, and those that it cannot find, before anything is built."""

import hashlib

import pytest

from puffin.stages.link.commit.state import read_state
from tests.helpers.cli import lines
from tests.helpers.repositories import Repository, needs_git, project
from tests.helpers.wheels import forge_wheel

SDIST = b"not looked at"


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--only-binary", ":all:"], "--only-binary :all:"),
        (["--only-binary", "Alpha"], "--only-binary alpha"),
        (["--no-build"], "--no-build"),
    ],
)
def test_an_option_that_stands_in_the_way_is_named(puffin, env, index, options, named):
    index.add("alpha-1.0.tar.gz", SDIST)
    done = puffin.sync("alpha==1.0\n", "-i", index.url, *options)
    assert done.code == 1
    assert done.err == lines(
        "error: Failed to find the files of 1 package",
        f"  ╰─▶ Failed to find a wheel of `alpha==1.0`: there is only a source distribution, and `{named}` forbids it",
        "",
        f"hint: to build its source distribution, leave out `{named}`",
    )


def test_files_and_variables_choose_kinds_too(puffin, env, index):
    index.add(*forge_wheel("alpha", "1.0"))
    done = puffin.sync("--no-binary alpha\nalpha==1.0\n", "-i", index.url)
    assert done.code == 1
    assert "`--no-binary alpha` forbids its wheels, and it has no source distribution" in done.err
    assert "hint: to allow its wheels, leave out `--no-binary alpha`" in done.err
    done = puffin.sync("alpha==1.0\n", "-i", index.url, env={"PUFFIN_NO_BINARY": ":all:"})
    assert "`--no-binary :all:` forbids its wheels" in done.err
    assert (
        puffin.sync("alpha==1.0\n", "-i", index.url, "--no-binary", "alpha", "--no-binary", ":none:").code == 0
    )
    other = puffin.venv(name="other")
    done = puffin.sync("alpha==1.0\n", "-i", index.url, "--no-binary", "alpha", "-p", other.root)
    assert done.code == 1, "what was chosen before does not count"
    index.add("alpha-1.0.tar.gz", SDIST)
    assert puffin.sync("alpha==1.0\n", "-i", index.url, "-p", other.root, "--refresh").code == 0


def test_a_hash_of_the_wheel_alone_does_not_fit_the_source_distribution(puffin, env, index):
    filename, data = forge_wheel("alpha", "1.0")
    index.add(filename, data)
    index.add("alpha-1.0.tar.gz", SDIST)
    done = puffin.sync(f"alpha==1.0 --hash=sha256:{_sha256(data)}\n", "-i", index.url, "--no-binary", "alpha")
    assert done.code == 1
    assert "Failed to find a file of `alpha==1.0` with a pinned hash" in done.err
    assert f"Offered:\n        sha256:{_sha256(SDIST)} (alpha-1.0.tar.gz)\n" in done.err


@needs_git
def test_repositories_that_cannot_be_used(puffin, env):
    repository = Repository(puffin.cwd / "repo")
    repository.commit(project())
    place = "git+file://[TMP]/here/repo"
    done = puffin.sync(f"foo @ {repository.url}@nosuch\n")
    assert done.code == 1
    assert done.err == lines(
        "error: Failed to find the files of 1 package",
        f"  ╰─▶ Failed to fetch `foo @ {place}@nosuch`: the repository has no branch, tag or commit `nosuch`",
    )
    done = puffin.sync("foo @ git+https://user:secret@h.invalid/r@main\n", "--offline")
    assert done.code == 1
    assert (
        "Refused to fetch `foo @ git+https://****@h.invalid/r@main`: the network is off, "
        "and only the repository knows the commit of `main`\n" in done.err
    )
    done = puffin.sync(f"{repository.url}\n", "--no-build")
    assert "known only after a build" in done.err
    assert f"hint: write its name first, for example `name @ {place}`" in done.err
    done = puffin.sync(f"-e {repository.url}#egg=foo\n")
    assert "it is a git repository, and only a directory can be one\n" in done.err
    done = puffin.sync("foo @ hg+https://h.invalid/r\n")
    assert done.code == 2
    assert "it is a Mercurial repository, and only git repositories are supported" in done.err


def test_directories_that_cannot_be_used(puffin, env):
    puffin.file("project/pyproject.toml", "[project]\nname='x'\nversion='1'\n")
    done = puffin.sync("./project#subdirectory=inner\n")
    assert done.code == 1
    assert done.err == lines("error: `./project#subdirectory=inner` has no subdirectory `inner`")
    done = puffin.sync("./project\n", "--no-build")
    assert "Refused to build `./project`: it is a directory, and `--no-build` forbids building it\n" in done.err


def test_the_state_of_an_environment_knows_where_each_distribution_is_from(puffin, env, index):
    filename, data = forge_wheel("alpha", "1.0")
    url = index.add(filename, data)
    index.add(*forge_wheel("beta", "1.0"))
    puffin.file(*forge_wheel("gamma", "1.0"))
    done = puffin.sync(f"alpha @ {url}\nbeta==1.0\n./gamma-1.0-py3-none-any.whl\n", "-i", index.url)
    assert done.code == 0, done.err
    state = read_state(str(env.root))
    assert [(each.name, each.source.partition("/")[0]) for each in state.distributions] == [
        ("alpha", "url"),
        ("beta", "index"),
        ("gamma", "path"),
    ]
    sources = {each.name: each.source for each in state.distributions}
    puffin("pip", "uninstall", "beta")
    left = {each.name: each.source for each in read_state(str(env.root)).distributions}
    assert left == {name: source for name, source in sources.items() if name != "beta"}
