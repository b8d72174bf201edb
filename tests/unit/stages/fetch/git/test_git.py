import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.cache.layout import Bucket, Cache
from puffin.errors import FAILED, TEMPORARY
from puffin.stages.fetch.git import checkout as git
from puffin.stages.fetch.git import errors as git_errors
from puffin.stages.fetch.git import url as git_url
from puffin.stages.fetch.git.errors import GitFailed, GitMissing, GitOffline, NotARepository, UnknownRef
from puffin.stages.fetch.git.url import NoSubdirectory
from tests.helpers.repositories import Repository, environ, forget, needs_git
from tests.helpers.waiting import until

pytestmark = needs_git


@pytest.fixture
def cache(tmp_path):
    forget()
    return Cache(str(tmp_path / "cache"))


@pytest.fixture
def repository(tmp_path):
    made = Repository(tmp_path / "repo")
    made.commit({"a.txt": "one", "sub/b.txt": "b"})
    made.git("tag", "v1")
    made.git("tag", "-a", "v1-annotated", "-m", "first")
    return made


def checked(url, cache, **options):
    return git.checkout(url, cache=cache, environ=options.pop("environ", environ()), **options)


def again(url, cache, **options):
    forget()
    return checked(url, cache, **options)


def text(found, name="a.txt"):
    with open(f"{found.path}/{name}", encoding="utf-8") as file:
        return file.read()


def test_every_kind_of_ref_leads_to_its_commit(repository, cache):
    first = repository.git("rev-parse", "HEAD")
    repository.git("switch", "--quiet", "--create", "feature/x")
    branch = repository.commit({"a.txt": "branch"})
    repository.git("update-ref", "refs/pull/7/head", branch)
    repository.git("switch", "--quiet", "main")
    main = repository.commit({"a.txt": "two"})
    refs = {
        "": main, "@main": main, "@feature/x": branch, "@v1": first, "@v1-annotated": first, f"@{first}": first,
        f"@{first[:9]}": first, "@refs/pull/7/head": branch, "@refs/heads/main": main, f"@{branch.upper()}": branch,
        "@refs/tags/v1-annotated": first, "@HEAD": main,
    }  # fmt: skip
    for ref, commit in refs.items():
        found = checked(f"{repository.url}{ref}#subdirectory=sub", cache)
        assert (ref, found.commit) == (ref, commit)
        assert found.url == f"{repository.url}@{commit}#subdirectory=sub"
        assert (
            found.path == f"{cache.root}/git-v0/checkouts/{git_url.parse_git_url(repository.url).key}/{commit}"
        )
    assert len(os.listdir(cache.path(Bucket.GIT, "db"))) == 1
    assert text(checked(f"{repository.url}@{first}", cache)) == "one"
    assert os.listdir(cache.path(Bucket.TEMPORARY)) == []


def test_a_branch_comes_before_a_tag_of_its_name(repository, cache):
    repository.git("branch", "both", repository.commit({"a.txt": "branch"}))
    repository.git("tag", "both", "v1")
    assert text(checked(f"{repository.url}@both", cache)) == "branch"


def test_the_checkout_tells_versions_off_tags(repository, cache):
    repository.commit({"a.txt": "two"})
    found = checked(repository.url, cache)
    told = subprocess.check_output(("git", "describe", "--tags"), cwd=found.path, env=environ(), text=True)
    assert told.startswith("v1-annotated-1-g")


def test_a_branch_is_asked_once_in_a_run_and_anew_in_the_next(repository, cache):
    first = checked(f"{repository.url}@main", cache)
    later = repository.commit({"a.txt": "two"})
    assert checked(f"{repository.url}@main", cache) == first
    assert again(f"{repository.url}@main", cache).commit == later


def test_a_commit_that_is_there_needs_neither_repository_nor_network(repository, cache):
    first = checked(repository.url, cache)
    shutil.rmtree(repository.path)
    url = f"{repository.url}@{first.commit}"
    assert again(url, cache) == first
    assert again(url, cache, offline=True) == first
    assert again(f"{repository.url}@{first.commit[:8]}", cache).commit == first.commit
    shutil.rmtree(first.path)
    assert text(again(url, cache)) == "one"


def test_submodules_come_along_with_relative_urls_too(tmp_path, cache):
    deepest = Repository(tmp_path / "deepest")
    deepest.commit({"deep.txt": "deep"})
    inner = Repository(tmp_path / "inner")
    inner.commit({"inner.txt": "inner"})
    inner.git("submodule", "--quiet", "add", f"file://{deepest.path}", "deepest")
    inner.commit({})
    outer = Repository(tmp_path / "outer")
    outer.commit({"a.txt": "outer"})
    outer.git("submodule", "--quiet", "add", "../inner", "modules/inner")
    outer.commit({})
    found = checked(outer.url, cache)
    assert text(found, "modules/inner/inner.txt") == "inner"
    assert text(found, "modules/inner/deepest/deep.txt") == "deep"
    assert again(f"{outer.url}@{found.commit}", cache) == found
    os.unlink(f"{found.path}/modules/inner/deepest/deep.txt")
    assert text(again(f"{outer.url}@{found.commit}", cache), "modules/inner/deepest/deep.txt") == "deep"


@pytest.mark.parametrize(
    "harm", ["checkout file", "checkout mark", "clone objects", "clone HEAD", "clone is a file"]
)
def test_what_is_damaged_is_made_again(repository, cache, harm):
    found = checked(repository.url, cache)
    clone = cache.path(Bucket.GIT, "db", git_url.parse_git_url(repository.url).key)
    if harm == "checkout file":
        with open(f"{found.path}/sub/b.txt", "w", encoding="utf-8") as file:
            file.write("not what it was")
    elif harm == "checkout mark":
        os.unlink(f"{found.path}/.git/puffin-commit")
    else:
        shutil.rmtree(found.path)
        if harm == "clone objects":
            for at, _, names in os.walk(f"{clone}/objects"):
                for name in names:
                    os.chmod(f"{at}/{name}", 0o644)
                    with open(f"{at}/{name}", "wb") as file:
                        file.write(b"damaged")
        elif harm == "clone HEAD":
            os.unlink(f"{clone}/HEAD")
        else:
            shutil.rmtree(clone)
            with open(clone, "wb") as file:
                file.write(b"")
    assert again(f"{repository.url}@{found.commit}", cache) == found
    assert text(found, "sub/b.txt") == "b"


def test_nothing_of_the_surroundings_reaches_git_and_no_hook_runs(repository, cache, tmp_path):
    other = Repository(tmp_path / "other")
    other.commit({"x": "x"})
    template = tmp_path / "template"
    (template / "hooks").mkdir(parents=True)
    hook = template / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(f"[init]\n\ttemplateDir = {template}\n[core]\n\tautocrlf = true\n")
    around = environ(
        GIT_DIR=f"{other.path}/.git", GIT_INDEX_FILE=f"{tmp_path}/index", GIT_WORK_TREE=other.path,
        GIT_TEMPLATE_DIR=str(template), GIT_CONFIG_GLOBAL=str(config), GIT_NAMESPACE="n",
    )  # fmt: skip
    assert text(checked(repository.url, cache, environ=around)) == "one"
    assert not (tmp_path / "hooked").exists()
    assert other.git("status", "--porcelain") == ""
    assert not (tmp_path / "index").exists()


def test_errors_name_what_was_asked_for(repository, cache, tmp_path):
    def fails(kind, url, **options):
        with pytest.raises(kind) as caught:
            again(url, cache, **options)
        return caught.value

    error = fails(UnknownRef, f"{repository.url}@nosuch")
    assert str(error) == (
        f"Failed to fetch `{repository.url}@nosuch`: the repository has no branch, tag or commit `nosuch`"
    )
    absent = "0123456789" * 4
    error = fails(UnknownRef, f"{repository.url}@{absent}")
    assert str(error).endswith(f"the repository has no commit `{absent}`")
    assert "no branch, tag or commit `0123456`" in str(fails(UnknownRef, f"{repository.url}@0123456"))
    assert "no branch" in str(fails(UnknownRef, f"{repository.url}@refs/pull/1/head"))
    empty = Repository(tmp_path / "empty")
    assert "has no default branch" in str(fails(UnknownRef, empty.url))
    error = fails(NoSubdirectory, f"{repository.url}#subdirectory=nosuch")
    assert str(error) == f"`{repository.url}#subdirectory=nosuch` has no subdirectory `nosuch`"
    assert "has no subdirectory" in str(fails(NoSubdirectory, f"{repository.url}#subdirectory=../.."))
    error = fails(GitFailed, f"git+file://{tmp_path}/nowhere")
    assert str(error) == f"Failed to fetch `git+file://{tmp_path}/nowhere`"
    assert "nowhere" in str(error.causes[0])
    error = fails(GitMissing, repository.url, environ=environ(PATH=str(tmp_path)))
    assert str(error) == f"Failed to fetch `{repository.url}`: there is no `git` on the `PATH`"
    error = fails(NotARepository, "hg+https://user:secret@h.example/r")
    assert str(error) == (
        "Failed to use `hg+https://****@h.example/r`: it is a Mercurial repository, "
        "and only git repositories are supported"
    )


def test_offline_only_what_the_cache_knows_is_used(cache):
    with pytest.raises(GitOffline) as caught:
        again("git+https://u:secret@h.example/r@main", cache, offline=True)
    assert str(caught.value) == (
        "Refused to fetch `git+https://****@h.example/r@main`: the network is off, "
        "and only the repository knows the commit of `main`"
    )
    with pytest.raises(GitOffline) as caught:
        again(f"git+https://h.example/r@{'a' * 40}", cache, offline=True)
    assert str(caught.value).endswith("the network is off, and the commit is not in the cache")


def fake_git(tmp_path, script):
    place = tmp_path / "bin"
    place.mkdir()
    program = place / "git"
    program.write_text(f"#!{sys.executable}\nimport os, sys\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return environ(PATH=f"{place}{os.pathsep}{os.environ['PATH']}")


def test_credentials_are_in_no_argument_and_no_message(cache, tmp_path):
    script = (
        f"open({str(tmp_path / 'seen')!r}, 'a').write(repr(sys.argv))\n"
        "values = [v for k, v in os.environ.items() if k.startswith('GIT_CONFIG_KEY')]\n"
        "sys.exit('fatal: Authentication failed for ' + repr(values) + ' with s3cr3t or https://u:s3cr3t@h.example/r')"
    )
    with pytest.raises(GitFailed) as caught:
        again("git+https://u:s3cr3t@h.example/r@main", cache, environ=fake_git(tmp_path, script))
    shown = f"{caught.value} {caught.value.causes[0]} {caught.value.hints}"
    assert "s3cr3t" not in shown
    assert "url.https://" in shown  # git did have them
    assert caught.value.kind == git_errors.AUTH
    assert "credential helper" in caught.value.hints[0]
    assert "s3cr3t" not in (tmp_path / "seen").read_text()


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        ("fatal: unable to access 'https://h/': Could not resolve host: h", git_errors.NETWORK, TEMPORARY),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", git_errors.AUTH, FAILED),
        ("remote: Repository not found.", git_errors.ABSENT, FAILED),
        ("fatal: bad object 4031403", git_errors.OTHER, FAILED),
    ],
)
def test_failures_are_told_apart(said, kind, code):
    error = git_errors.failure("git+https://h/r", "fetch", said)
    assert (error.kind, error.exit_code) == (kind, code)


def test_a_git_that_is_given_up_does_not_live_on(tmp_path, cache):
    class Impatient(Exception):
        pass

    from puffin.stages.fetch.git.run import Git

    script = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\nimport time\ntime.sleep(600)"
    runner = Git(
        git_url.parse_git_url("git+https://h.example/r"),
        environ=fake_git(tmp_path, script),
        above="/",
        package="r",
    )

    def interrupt(*_, **__):
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        raise Impatient

    original, subprocess.Popen.communicate = subprocess.Popen.communicate, interrupt
    try:
        with pytest.raises(Impatient):
            runner.run("fetch", cwd=str(tmp_path))
    finally:
        subprocess.Popen.communicate = original
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.skipif(not os.path.exists("/bin/sh"), reason="there is no shell")
def test_git_ends_when_puffin_is_killed(tmp_path, cache):
    ready, gone = os.pipe()
    os.set_inheritable(gone, True)
    script = f"import time\nos.write({gone}, b'x')\ntime.sleep(600)"
    around = fake_git(tmp_path, script)
    program = (
        "import os, sys, subprocess\n"
        "from puffin.stages.fetch.git import run\n"
        "from puffin.stages.fetch.git.url import parse_git_url\n"
        "popen = subprocess.Popen\n"
        f"subprocess.Popen = lambda *a, **k: popen(*a, pass_fds=({gone},), **k)\n"
        "git = run.Git(parse_git_url('git+https://h.example/r'), environ=os.environ, above='/', package='r')\n"
        "git.run('fetch', cwd='/')\n"
    )
    running = subprocess.Popen((sys.executable, "-c", program), env=around, pass_fds=(gone,))
    os.close(gone)
    try:
        assert os.read(ready, 1) == b"x"  # git runs, and holds the other end
    finally:
        running.kill()
        running.wait()
    assert os.read(ready, 1) == b""  # all who held it are gone
    os.close(ready)


def test_many_at_once_make_one_clone(repository, cache):
    cache.initialise()
    refs = ["", "@main", "@v1", "@v1-annotated", f"@{repository.git('rev-parse', 'HEAD')}"] * 3
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda ref: checked(f"{repository.url}{ref}", cache), refs))
    assert len({each.path for each in found}) == 1
    assert len(os.listdir(cache.path(Bucket.GIT, "db"))) == 1
    assert os.listdir(cache.path(Bucket.TEMPORARY)) == []


def test_processes_at_once_make_one_clone(repository, cache):
    script = (
        "import os, sys; from puffin.cache.layout import Cache; from puffin.stages.fetch.git.checkout import checkout\n"
        "print(checkout(sys.argv[1], cache=Cache(sys.argv[2]), environ=os.environ).path)"
    )
    command = (sys.executable, "-c", script, repository.url, cache.root)
    running = [subprocess.Popen(command, env=environ(), stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = {each.communicate()[0] for each in running}
    assert len(told) == 1
    assert os.path.exists(f"{told.pop().strip()}/a.txt")


@pytest.mark.parametrize(
    ("url", "repository", "ref"),
    [
        ("git+https://h/o/r", "https://h/o/r", ""),
        ("git+HTTPS://u:p@h/o/r.git@v1", "https://u:p@h/o/r.git", "v1"),
        ("git+ssh://git@h/o/r.git@feature/x", "ssh://git@h/o/r.git", "feature/x"),
        ("git+ssh://git@h:22/o/r", "ssh://git@h:22/o/r", ""),
        ("git+https://h/o/r.git@pkg@1.0", "https://h/o/r.git", "pkg@1.0"),
        ("git+https://h/@o/r@1.0", "https://h/@o/r", "1.0"),
        ("git+git://h/o/r@a%23b", "git://h/o/r", "a#b"),
        ("git+file:///no/such@place/r@main", "file:///no/such@place/r", "main"),
    ],
)
def test_a_url_is_taken_apart(url, repository, ref):
    found = git_url.parse_git_url(f"{url}#egg=a&subdirectory=/x/y/")
    assert (found.repository, found.ref, found.subdirectory) == (repository, ref, "x/y")


def test_a_directory_with_an_at_sign_is_a_directory(tmp_path):
    (tmp_path / "a@b").mkdir()
    assert git_url.parse_git_url(f"git+file://{tmp_path}/a@b").repository == f"file://{tmp_path}/a@b"
    assert git_url.parse_git_url(f"git+file://{tmp_path}/a@b@c").ref == "c"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("svn+https://h/r", "it is a Subversion repository, and only git"),
        ("git+ftp://h/r", "begins with `git+https://`"),
        ("git+git@h:o/r", "begins with `git+https://`"),
        ("git+ssh://git@h:o/r.git", "`o` is not a port"),
        ("git+https://h/r@--upload-pack=x", "not the name of a branch"),
    ],
)
def test_what_is_no_url_of_a_git_repository_is_explained(url, reason):
    with pytest.raises(ValueError) as caught:
        git_url.parse_git_url(url)
    assert reason in str(caught.value)


def test_spellings_of_one_repository_share_a_clone():
    spellings = ("https://h/o/r", "https://H/o/r.git", "https://u:p@h/o/r/", "HTTPS://h/o/r.git/")
    assert len({git_url.parse_git_url(f"git+{each}").key for each in spellings}) == 1
    assert git_url.parse_git_url("git+https://h/o/R").key != git_url.parse_git_url("git+https://h/o/r").key


REFS = st.text("abc019./-_+", min_size=1).filter(lambda ref: not ref.startswith("-"))


@given(st.sampled_from(["https://h/o/r", "ssh://git@h/o/r.git", "https://u:p@h/r"]), REFS)
def test_a_url_with_its_commit_is_taken_apart_as_before(repository, ref):
    found = git_url.parse_git_url(f"git+{repository}@{ref}#subdirectory=d")
    assert (found.repository, found.ref) == (repository, ref)
    pinned = git_url.parse_git_url(found.at("c" * 40))
    assert (pinned.repository, pinned.commit, pinned.fragment) == (repository, "c" * 40, "subdirectory=d")
