"""What commands read: projects, groups, lock files, scripts, standard input, files behind URLs, and foreign files."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.helpers.cli import checked, lines, told
from tests.helpers.wheels import forge_wheel

PROJECT = """[project]
name = "app"
version = "1"
dependencies = ["alpha==1.0"]
[project.optional-dependencies]
more = ["beta==1.0"]
open = ["gamma"]
[dependency-groups]
test = ["gamma==1.0", {include-group = "base"}]
base = ["beta==1.0"]
one = [{include-group = "two"}]
two = [{include-group = "one"}]
"""


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta", "gamma"):
        index.add(*forge_wheel(name, "1.0"))
    return index


@pytest.mark.parametrize(
    ("words", "installed"),
    [
        (("pyproject.toml",), "alpha"),
        (("pyproject.toml", "--extra", "More"), "alpha beta"),
        ((".",), "alpha"),
        (("./", "requirements.txt", "--group", "base"), "alpha beta"),
        (("--group", "test"), "beta gamma"),
        (("--group", "pyproject.toml:base", "--group", "test"), "beta gamma"),
        (("pyproject.toml", "--group", "base"), "alpha beta"),
        (("script.py",), "gamma"),
        (("requirements.txt", "script.py"), "beta gamma"),
    ],
)
def test_sync_of_projects_groups_and_scripts(puffin, env, shop, words, installed):
    puffin.file("pyproject.toml", PROJECT)
    puffin.file("script.py", '# /// script\n# dependencies = ["gamma==1.0"]\n# ///\n')
    puffin.file("requirements.txt", "beta==1.0\n")
    done = puffin("pip", "sync", *words, "-i", shop.url)
    assert done.code == 0, done.err
    assert " ".join(env.installed()) == installed
    assert puffin("pip", "sync", *words, "-i", shop.url).err == checked(len(installed.split()))


def test_the_same_by_variables(puffin, env, shop):
    puffin.file("pyproject.toml", PROJECT.replace('"gamma"', '"gamma==1.0"'))
    words = ("pip", "sync", "pyproject.toml", "-i", shop.url)
    assert puffin(*words, env={"PUFFIN_EXTRA": "more"}).code == 0
    assert [*env.installed()] == ["alpha", "beta"]
    assert puffin(*words, env={"PUFFIN_ALL_EXTRAS": "1"}).code == 0
    assert [*env.installed()] == ["alpha", "beta", "gamma"]
    assert puffin(*words, env={"PUFFIN_GROUP": "base"}).code == 0
    assert [*env.installed()] == ["alpha", "beta"]


def test_a_project_that_leaves_versions_open_is_for_other_commands(puffin, env, shop):
    puffin.file("pyproject.toml", PROJECT)
    done = puffin("pip", "sync", "pyproject.toml", "--extra", "open", "-i", shop.url)
    assert (done.code, done.err) == (
        1,
        lines(
            "error: `gamma` at pyproject.toml:7 is not pinned to a version by `==`",
            "",
            "hint: to pin all versions first: `puffin pip compile pyproject.toml --extra open "
            "-o requirements.txt && puffin pip sync requirements.txt`",
            "hint: to install the newest versions and keep other packages: "
            "`puffin pip install -r pyproject.toml --extra open`",
        ),
    )
    puffin.file("script.py", '# /// script\n# dependencies = ["gamma"]\n# ///\n')
    done = puffin("pip", "sync", "script.py", "-i", shop.url)
    assert "`puffin pip compile script.py -o requirements.txt && " in done.err
    puffin.file("a.in", "-r b.in\n")
    puffin.file("b.in", "gamma\n")
    puffin.file("c.txt", "gamma<9\n")
    done = puffin("pip", "sync", "a.in", "-c", "c.txt", "-i", shop.url)
    assert "`puffin pip compile a.in -c c.txt -o requirements.txt && " in done.err
    assert "`puffin pip install -r a.in -c c.txt`" in done.err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ("--group", "one"),
            "Failed to read the dependency groups of `pyproject.toml`: one → two → one is a cycle",
        ),
        (("requirements.txt", "--extra", "x"), "`--extra` needs a `pyproject.toml`"),
        (("pyproject.toml", "--extra", "x", "--all-extras"), "`--extra` cannot be used with `--all-extras`"),
        (("--group", "there/pyproject.toml:x"), "File not found: `there/pyproject.toml`"),
        ((), "No requirements file was given"),
    ],
)
def test_what_cannot_be_read_so(puffin, env, words, error):
    puffin.file("pyproject.toml", PROJECT)
    puffin.file("requirements.txt", "alpha==1.0\n")
    done = puffin("pip", "sync", *words)
    assert done.code == 2
    assert done.err.startswith(f"error: {error}")


@pytest.mark.parametrize("name", ["pylock.toml", "pylock.dev.toml"])
def test_a_lock_file_is_synced_without_an_index(puffin, env, shop, name):
    puffin.file("a.in", "alpha\nbeta\n")
    assert puffin("pip", "compile", "a.in", "-o", name, "--format", "pylock.toml", "-i", shop.url).code == 0
    shop.requests.clear()
    done = puffin("pip", "sync", name)
    assert done.err == told("+ alpha==1.0", "+ beta==1.0", pins=2, prepared=2, installed=2)
    assert not [path for path in shop.paths() if path.startswith("/simple")]
    assert not list(env.site.glob("*/direct_url.json")), "files of an index are no direct ones"
    assert puffin("pip", "sync", name).err == checked(2)
    assert puffin("pip", "sync", name, "--reinstall", "--require-hashes").code == 0


def lock(*packages, head=""):
    """Return a lock file: each package is TOML of its table."""
    return f'lock-version = "1.0"\ncreated-by = "x"\n{head}' + "".join(
        f"[[packages]]\n{each}" for each in packages
    )


def wheel_of(index, name, version="1.0", **changes):
    filename, data = forge_wheel(name, version)
    index.add(filename, data)
    import hashlib

    told = {"size": len(data), "digest": hashlib.sha256(data).hexdigest(), **changes}
    return (
        f'name = "{name}"\nversion = "{version}"\nwheels = [{{url = "{index.file_url(filename)}", '
        f'size = {told["size"]}, hashes = {{sha256 = "{told["digest"]}"}}}}]\n'
    )


def test_sizes_and_hashes_of_a_lock_file_are_checked(puffin, env, index):
    puffin.file("pylock.toml", lock(wheel_of(index, "alpha", digest="0" * 64)))
    done = puffin("pip", "sync", "pylock.toml")
    assert (done.code, "0" * 64 in done.err) == (1, True)
    puffin.file("pylock.toml", lock(wheel_of(index, "alpha", size=7)))
    done = puffin("pip", "sync", "pylock.toml")
    assert (done.code, "7 bytes" in done.err or "7 B" in done.err) == (1, True), done.err
    assert env.installed() == {}


def test_extras_groups_and_markers_of_a_lock_file(puffin, env, index):
    head = 'extras = ["more"]\ndependency-groups = ["dev"]\ndefault-groups = ["base"]\n'
    packages = [
        wheel_of(index, "alpha"),
        wheel_of(index, "beta") + "marker = \"'more' in extras\"\n",
        wheel_of(index, "gamma") + "marker = \"'dev' in dependency_groups\"\n",
        wheel_of(index, "delta") + "marker = \"'base' in dependency_groups\"\n",
        wheel_of(index, "omega") + "marker = \"sys_platform == 'nowhere'\"\n",
    ]
    puffin.file("pylock.toml", lock(*packages, head=head))
    for words, names in (
        ((), "alpha delta"),
        (("--extra", "More"), "alpha beta delta"),
        (("--all-extras", "--group", "dev"), "alpha beta delta gamma"),
    ):
        assert puffin("pip", "sync", "pylock.toml", *words).code == 0
        assert " ".join(env.installed()) == names
    for file, names in (("pylock.toml", "alpha delta"), ("pylock.toml[ more ]", "alpha beta delta")):
        other = puffin.venv(name=f"of {names}")
        done = puffin("pip", "install", "-r", file, "-p", other.root)
        assert (done.code, " ".join(other.installed())) == (0, names), done.err
    assert "has no extra `no`" in puffin("pip", "install", "-r", "pylock.toml[more,no]").err
    done = puffin("pip", "sync", "pylock.toml", "--group", "docs")
    assert (done.code, done.err) == (
        2,
        lines("error: The lock file `pylock.toml` has no group `docs`", "", "hint: it has `dev`, `base`"),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('lock-version = "2.0"\ncreated-by = "x"\npackages = []\n', "pylock version 2.0 is not supported"),
        ('lock-version = "1.0"\npackages = []\n', "missing required value in `created-by`"),
        (lock(head='requires-python = ">=99"\n') + "packages = []\n", "it is for Python `>=99`, and this is"),
        (
            lock(head="environments = [\"sys_platform == 'no'\"]\n") + "packages = []\n",
            "it is for other environments than this one",
        ),
        (lock('name = "A_b"\n'), "is not normalized"),
        (lock('name = "a"\nversion = "1"\n'), ""),
        (lock('name = "a"\nversion = "1"\nwheels = [{url = "https://x/a-1-py3-none-any.whl"}]\n'), "hashes"),
        ("lock-version = \n", ""),
    ],
)
def test_lock_files_that_break_the_rules(puffin, env, text, problem):
    puffin.file("pylock.toml", text)
    done = puffin("pip", "sync", "pylock.toml")
    assert done.code == 2, done.err
    assert "`pylock.toml" in done.err.splitlines()[0]
    assert problem in done.err


def test_a_lock_of_a_later_minor_version_is_read_with_a_warning(puffin, env, index):
    puffin.file("pylock.toml", lock(wheel_of(index, "alpha")).replace('"1.0"', '"1.3"', 1))
    done = puffin("pip", "sync", "pylock.toml")
    assert done.err == told("+ alpha==1.0", pins=1, prepared=1, installed=1).replace(
        "Resolved",
        "warning: `pylock.toml` is of version 1.3 of the format; puffin knows 1.0, "
        "and ignores newer fields\nResolved",
    )


def test_files_beside_a_lock_file_and_archives_in_it(puffin, env, index):
    filename, data = forge_wheel("alpha", "1.0")
    puffin.file(f"wheels/{filename}", data)
    import hashlib

    hashes = f'hashes = {{sha256 = "{hashlib.sha256(data).hexdigest()}"}}'
    path = f'path = "wheels/{filename}"'
    puffin.file("pylock.toml", lock(f'name = "alpha"\nversion = "1.0"\nwheels = [{{{path}, {hashes}}}]\n'))
    assert puffin("pip", "sync", "pylock.toml").err == told("+ alpha==1.0", pins=1, prepared=1, installed=1)
    assert not list(env.site.glob("*/direct_url.json"))
    puffin.file("pylock.toml", lock(f'name = "alpha"\narchive = {{{path}, {hashes}}}\n'))
    assert puffin("pip", "sync", "pylock.toml").code == 0
    told_of = json.loads((env.info("alpha") / "direct_url.json").read_text())
    assert told_of["url"].endswith(f"/wheels/{filename}")


def test_source_distributions_of_a_lock_file_and_what_options_forbid(puffin, env, index):
    sdist = (
        'name = "alpha"\nversion = "1.0"\nsdist = {url = "https://127.0.0.1:9/alpha-1.0.tar.gz", '
        f'hashes = {{sha256 = "{"0" * 64}"}}}}\n'
    )
    puffin.file("pylock.toml", lock(sdist))
    for words in (("--no-build",), ("--only-binary", ":all:")):
        done = puffin("pip", "sync", "pylock.toml", *words)
        assert done.code == 1
        assert done.err.startswith("error: Refused to build `alpha==1.0`: it is a source distribution, and ")
    puffin.file("pylock.toml", lock(wheel_of(index, "beta")))
    done = puffin("pip", "sync", "pylock.toml", "--no-binary", "beta")
    assert (done.code, done.err) == (
        2,
        "error: Failed to use the lock file `pylock.toml`: `beta==1.0` has no source distribution there, and "
        "`--no-binary` forbids its wheels\n",
    )


def test_nothing_can_be_given_beside_a_lock_file(puffin, env):
    puffin.file("pylock.toml", lock(head="packages = []\n"))
    puffin.file("requirements.txt", "six==1\n")
    done = puffin("pip", "sync", "pylock.toml", "requirements.txt")
    assert done.code == 2
    assert done.err.startswith("error: `pylock.toml` is a lock file, which is complete")


def test_constraints_have_to_admit_what_a_lock_file_has(puffin, env, index):
    """Those of a machine's pip.conf hold for lock files too."""
    puffin.file("pylock.toml", lock(wheel_of(index, "alpha")))
    puffin.file("c.txt", "alpha>=2\nbeta==7\n")
    done = puffin("pip", "sync", "pylock.toml", "-c", "c.txt")
    assert (done.code, env.installed()) == (1, {})
    assert "alpha==1.0 (pylock.toml)" in done.err
    assert "alpha>=2 (c.txt:1, a constraint)" in done.err
    puffin.file("c.txt", "alpha<2\nbeta==7\n")
    assert puffin("pip", "sync", "pylock.toml", "-c", "c.txt").code == 0
    assert env.installed() == {"alpha": "1.0"}


def test_a_lock_file_with_credentials_of_its_index(puffin, env, index):
    index.auth = ("me", "s3cret")
    puffin.file("pylock.toml", lock(wheel_of(index, "alpha")))
    assert puffin("pip", "sync", "pylock.toml").code == 1
    assert puffin("pip", "sync", "pylock.toml", "-i", index.url_with("me", "s3cret")).code == 0


def test_requirements_behind_urls(puffin, env, shop):
    shop.serve("/team/req.txt", b"-r more/two.txt\n-c ../c.txt\nalpha\n", "text/plain")
    shop.serve("/team/more/two.txt", b"-r ../req.txt\nbeta==1.0\n", "text/plain")
    shop.serve("/c.txt", b"alpha==1.0\ngamma==9\n", "text/plain")
    url = shop.root + "/team/req.txt"
    done = puffin("pip", "sync", url, "-i", shop.url)
    assert done.err == told("+ alpha==1.0", "+ beta==1.0", pins=2, prepared=2, installed=2)
    assert puffin("pip", "install", "-r", url, "-i", shop.url).code == 0
    done = puffin("pip", "compile", url, "--no-header", "-i", shop.url)
    assert done.out.splitlines()[:2] == ["alpha==1.0", "    # via"]
    done = puffin("pip", "sync", shop.root + "/none.txt")
    assert (done.code, done.err) == (2, "error: File not found: `[INDEX]/none.txt`\n")
    shop.serve("/bad.txt", b"six==\n", "text/plain")
    done = puffin("pip", "sync", shop.root + "/bad.txt")
    assert done.err.startswith("error: Couldn't parse requirement in `[INDEX]/bad.txt` at 1:6")
    assert puffin("pip", "sync", url, "--offline").code != 0
    done = puffin("pip", "sync", "requirements.txt", "-c", shop.root + "/c.txt", "-i", shop.url)
    assert done.code == 2, "the local one is not there"


def test_credentials_of_a_url_hold_for_what_it_includes(puffin, env, shop):
    shop.auth = ("me", "s3cret")
    shop.serve("/req.txt", b"-r two.txt\n", "text/plain")
    shop.serve("/two.txt", b"alpha==1.0\n", "text/plain")
    url = shop.url_with("me", "s3cret")
    assert puffin("pip", "sync", url.replace("/simple", "/req.txt"), "-i", url).code == 0
    done = puffin("pip", "sync", url.replace("/simple", "/none.txt"), "-i", url)
    assert "s3cret" not in done.raw_err


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_encodings(puffin, env, shop, encoding):
    text = (
        "# -*- coding: latin-1 -*-\n# café\nalpha==1.0\n" if encoding == "latin-1" else "# café\nalpha==1.0\n"
    )
    assert puffin.sync(text.encode(encoding), "-i", shop.url).code == 0


def test_standard_input(puffin, env, shop):
    assert puffin("pip", "sync", "-", "-i", shop.url, stdin="alpha==1.0\n").code == 0
    assert puffin("pip", "install", "-r", "-", "-i", shop.url, stdin="beta\n").code == 0
    assert [*env.installed()] == ["alpha", "beta"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Pipfile", "`Pipfile` is a file of Pipenv, not a requirements file."),
        ("Pipfile.lock", "`Pipfile.lock` is the lock file of Pipenv, not a requirements file."),
        ("poetry.lock", "`poetry.lock` is the lock file of Poetry, not a requirements file."),
        ("pdm.lock", "`pdm.lock` is the lock file of PDM, not a requirements file."),
        ("environment.yml", "`environment.yml` is a conda environment, not a requirements file."),
    ],
)
def test_files_of_other_tools_are_recognised(puffin, env, name, problem):
    puffin.file(name, "name: x\n")
    for words in (("sync", name), ("install", "-r", name), ("compile", name)):
        done = puffin("pip", *words)
        assert (done.code, done.err.splitlines()[1]) == (2, f"  {problem}")
        assert "\nhint: " in done.err


def test_the_lock_of_uv_is_read_alone(puffin, env):
    puffin.file("uv.lock", "version = 2\n")
    puffin.file("r.txt", "-r uv.lock\n")
    for words, wanted in (
        (("sync", "uv.lock"), "Failed to use the lock file `uv.lock`: version `2` of the format is unknown"),
        (("install", "-r", "uv.lock"), "Failed to use the lock file `uv.lock`: version `2`"),
        (("compile", "uv.lock"), "`uv.lock` is a lock file, the result of a compilation"),
        (("sync", "r.txt"), "`uv.lock` is the lock file of uv, not a requirements file."),
    ):
        done = puffin("pip", *words)
        assert (done.code, wanted in done.err) == (2, True), done.err


@pytest.mark.parametrize("name", ["pyproject.toml", "setup.py", "requirements.txt", "pylock.toml"])
def test_a_file_name_given_as_a_requirement(puffin, env, name):
    done = puffin("pip", "install", name)
    wanted = "`puffin pip sync pylock.toml`" if name == "pylock.toml" else f"write `-r {name}`"
    assert (done.code, wanted in done.err) == (2, True)


@pytest.mark.parametrize("command", [("pip", "sync"), ("pip", "install", "-r"), ("pip", "compile")])
def test_a_pipe_is_read_once(puffin, env, shop, command):
    """As of ``<(command)`` in a shell; what was empty the second time once emptied environments."""
    pipe = puffin.cwd / "pipe"
    os.mkfifo(pipe)
    more = ["--allow-empty-requirements"] if command[-1] == "sync" else []
    with ThreadPoolExecutor(1) as writing:
        writing.submit(pipe.write_text, "alpha==1.0\n")
        done = puffin(*command, pipe, *more, "-i", shop.url)
    assert done.code == 0, done.err
    assert "alpha==1.0" in done.out + done.err
    assert command[-1] == "compile" or env.installed() == {"alpha": "1.0"}
