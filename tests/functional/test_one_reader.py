"""One reader for one environment and for many: locks, files behind URLs and settings mean the same everywhere."""

import hashlib

import pytest

from tests.functional.test_inputs_cli import lock
from tests.helpers.cli import Env
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel

WRONG = "--hash=sha256:" + "0" * 64


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    for name in ("alpha", "beta", "gamma"):
        index.add(*forge_wheel(name, "1.0"))
    return index


def one(puffin, *words, file="requirements.txt", env=None):
    """Make an environment with ``pip sync``; return how that ended, and what is there."""
    if not (puffin.cwd / ".venv").exists():
        puffin.venv()
    return frozen(puffin, puffin("pip", "sync", file, *words, env=env), ".venv")


def many(puffin, *words, key="requirements", file="requirements.txt", env=None, more=""):
    """The same with ``sync`` and an environment that is configured."""
    with (puffin.cwd / "puffin.toml").open("a") as config:
        config.write(f'[envs.x]\n{key} = "{file}"\npath = ".many"\n{more}')
    try:
        return frozen(puffin, puffin("sync", *words, env=env), ".many")
    finally:
        text = (puffin.cwd / "puffin.toml").read_text().partition("[envs.x]")[0]
        puffin.file("puffin.toml", text)


def frozen(puffin, done, directory):
    there = (puffin.cwd / directory / "bin/python").exists()
    names = puffin("pip", "freeze", "-p", directory).out.splitlines() if there else []
    return done, names


def entry(shop, name, filename, data, kind="wheels", size=None):
    shop.add(filename, data)
    file = (
        f'{{url = "{shop.file_url(filename)}", size = {size or len(data)}, '
        f'hashes = {{sha256 = "{hashlib.sha256(data).hexdigest()}"}}}}'
    )
    head = f'name = "{name}"\n' if kind == "archive" else f'name = "{name}"\nversion = "1.0"\n'
    return f"{head}{kind} = {f'[{file}]' if kind == 'wheels' else file}\n"


def wheel_entry(shop, name, **more):
    return entry(shop, name, *forge_wheel(name, "1.0"), **more)


def both(puffin, *words):
    """Return what `pip sync` and `sync` make of the lock; what fails keeps its code and message."""
    first, names = one(puffin, *words, file="pylock.toml")
    second, others = many(puffin, *words, key="pylock", file="pylock.toml")
    return (first, names), (second, others)


def test_exclude_newer_holds_for_pins_of_every_command(puffin, shop):
    puffin.file("requirements.txt", "alpha==1.0\n")
    words = ("-i", shop.url)
    assert many(puffin, *words)[1] == ["alpha==1.0"], "and now it is in the cache"
    puffin.file("puffin.toml", 'exclude-newer = "2024-01-01"\n')
    for command in (one, many):
        done, _ = command(puffin, *words, "--reinstall")
        assert done.code == 1, done.err
        assert "no file is known to be older than `--exclude-newer 2024-01-01`" in done.err
    puffin.file("puffin.toml", 'exclude-newer = "2024-01-02"\n')
    for command in (one, many):
        assert command(puffin, *words, "--reinstall")[1] == ["alpha==1.0"]


def test_a_lock_freezes_the_same(puffin, shop):
    puffin.file(
        "pylock.toml",
        lock(
            wheel_entry(shop, "alpha"),
            entry(shop, "thing", *forge_sdist("thing"), kind="sdist"),
            wheel_entry(shop, "beta", kind="archive"),
        ),
    )
    (first, names), (second, others) = both(puffin, "-i", shop.url)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    url = puffin.plain(shop.file_url("beta-1.0-py3-none-any.whl"))
    assert [each.partition("#")[0] for each in names] == ["alpha==1.0", f"beta @ {url}", "thing==1.0"]
    assert names == others


def test_a_lock_takes_default_groups_the_same(puffin, shop):
    head = 'dependency-groups = ["dev"]\ndefault-groups = ["base"]\n'
    packages = [
        wheel_entry(shop, "alpha"),
        wheel_entry(shop, "beta") + "marker = \"'dev' in dependency_groups\"\n",
        wheel_entry(shop, "gamma") + "marker = \"'base' in dependency_groups\"\n",
    ]
    puffin.file("pylock.toml", lock(*packages, head=head))
    for group, names in (
        ("", ["alpha==1.0", "gamma==1.0"]),
        ("dev", ["alpha==1.0", "beta==1.0", "gamma==1.0"]),
    ):
        assert one(puffin, *(("--group", group) if group else ()), file="pylock.toml")[1] == names
        more = f'groups = ["{group}"]\n' if group else ""
        assert many(puffin, key="pylock", file="pylock.toml", more=more)[1] == names


@pytest.mark.parametrize(
    ("word", "code", "problem"),
    [
        (
            "--no-binary=alpha",
            2,
            "`alpha==1.0` has no source distribution there, and `--no-binary` forbids its wheels",
        ),
        ("--only-binary=thing", 1, "Refused to build `thing==1.0`: it is a source distribution"),
        ("--no-build", 1, "Refused to build `thing==1.0`: it is a source distribution"),
    ],
)
def test_options_about_files_hold_for_a_lock_the_same(puffin, shop, word, code, problem):
    puffin.file(
        "pylock.toml",
        lock(wheel_entry(shop, "alpha"), entry(shop, "thing", *forge_sdist("thing"), kind="sdist")),
    )
    (first, names), (second, others) = both(puffin, word, "-i", shop.url)
    assert (first.code, problem in first.err, names) == (code, True, [])
    assert (second.code, problem in second.err, others) == (1, True, [])


def test_a_lock_prefers_the_sdist_where_wheels_are_forbidden(puffin, shop):
    package = entry(shop, "thing", *forge_sdist("thing"), kind="sdist")
    wheel = wheel_entry(shop, "thing").partition("wheels")[2]
    puffin.file("pylock.toml", lock(f"{package}wheels{wheel}"))
    (first, names), (second, others) = both(puffin, "--no-binary", "thing", "-i", shop.url)
    assert (first.code, second.code, names, others) == (0, 0, ["thing==1.0"], ["thing==1.0"]), second.err
    assert "TOLD" in (Env(puffin.cwd / ".many").site / "thing.py").read_text()


def test_sizes_of_a_lock_are_checked_the_same(puffin, shop):
    filename, data = forge_wheel("alpha", "1.0")
    puffin.file(f"wheels/{filename}", data)
    hashes = f'hashes = {{sha256 = "{hashlib.sha256(data).hexdigest()}"}}'
    local = f'name = "alpha"\nversion = "1.0"\nwheels = [{{path = "wheels/{filename}", size = 7, {hashes}}}]\n'
    for package in (local, wheel_entry(shop, "alpha", size=7)):
        puffin.file("pylock.toml", lock(package))
        for done, names in both(puffin, "--no-cache"):
            assert (done.code != 0, "7 " in done.err, names) == (True, True, []), done.err


def test_two_locks_with_other_files_of_a_version_are_kept_apart(puffin, shop):
    puffin.file("a/pylock.toml", lock(wheel_entry(shop, "alpha")))
    filename, data = forge_wheel("alpha", "1.0", {"alpha.py": b"other"})
    shop.serve(f"/other/{filename}", data, "application/octet-stream")
    hashes = f'hashes = {{sha256 = "{hashlib.sha256(data).hexdigest()}"}}'
    url = f'url = "{shop.root}/other/{filename}"'
    puffin.file("b/pylock.toml", lock(f'name = "alpha"\nversion = "1.0"\nwheels = [{{{url}, {hashes}}}]\n'))
    done = puffin("sync", "*/pylock.toml")
    assert done.code == 0, done.err
    found = [(Env(puffin.cwd / name / ".venv").site / "alpha.py").exists() for name in "ab"]
    assert found == [False, True]


def test_requirements_behind_urls_are_read_by_every_command(puffin, shop):
    shop.serve("/team/req.txt", b"-r more.txt\n-c limits.txt\nalpha\n", "text/plain")
    shop.serve("/team/more.txt", b"beta==1.0\n", "text/plain")
    shop.serve("/team/limits.txt", b"alpha==1.0\n", "text/plain")
    url, limits = f"{shop.root}/team/req.txt", f"{shop.root}/team/limits.txt"
    words = ("-i", shop.url)
    names = ["alpha==1.0", "beta==1.0"]
    assert many(puffin, *words, file=url)[1] == names
    puffin.file("requirements.txt", f"-r {url}\n")
    assert one(puffin, *words)[1] == names
    assert many(puffin, *words)[1] == names
    puffin.file("requirements.txt", "alpha\nbeta\n")
    puffin.file("limits.txt", "beta==1.0\n")
    for command, more in ((one, ("-c", limits, "-c", "limits.txt")), (many, ())):
        key = {"more": f'constraints = ["{limits}", "limits.txt"]\n'} if command is many else {}
        done, found = command(puffin, *words, *more, **key)
        assert (done.code, found) == (0, names), done.err
    puffin.file("requirements.in", f"-r {url}\ngamma\n")
    done = puffin("lock", "requirements.in", *words)
    assert done.code == 0, done.err
    assert "gamma==1.0" in (puffin.cwd / "requirements.txt").read_text()
    assert many(puffin, *words, file="requirements.in")[1] == [*names, "gamma==1.0"]
    done, _ = many(puffin, *words, file=f"{shop.root}/none.txt")
    assert (done.code, "File not found: `[INDEX]/none.txt`" in done.err) == (1, True)
    assert puffin("pip", "uninstall", "-r", url).code == 0


def test_build_constraints_behind_urls(puffin, shop):
    shop.serve("/limits.txt", b"tool<2\n", "text/plain")
    shop.add(*forge_wheel("tool", "1.0", {"tool.py": "", "tool_old.py": ""}))
    shop.add(*forge_wheel("tool", "2.0", {"tool.py": ""}))
    shop.add(*forge_sdist("thing", needs=["toy", "tool"], imports=["tool_old"]))
    puffin.file("requirements.txt", "thing==1.0\n")
    for command in (one, many):
        done, _ = command(puffin, "-i", shop.url, "--no-cache", "--build-constraint", f"{shop.root}/limits.txt")
        assert done.code == 0, done.err


@pytest.mark.parametrize("environ", [{}, {"PUFFIN_NO_VERIFY_HASHES": "1"}])
@pytest.mark.parametrize("file", ["requirements.txt", "requirements.in"])
def test_that_hashes_go_unchecked_is_one_setting(puffin, index, environ, file):
    index.add(*forge_wheel("alpha", "1.0"), hashes=False)
    puffin.file(file, f"--require-hashes\nalpha==1.0 {WRONG}\n")
    words = ("-i", index.url)
    for command in (one, many):
        assert command(puffin, *words, file=file)[0].code == 1
    if not environ:
        puffin.file("puffin.toml", "no-verify-hashes = true\n")
    for command in (one, many):
        done, names = command(puffin, *words, file=file, env=environ)
        assert (done.code, names) == (0, ["alpha==1.0"]), done.err


def test_the_lock_of_a_project_with_extras_and_groups_is_taken(puffin, shop):
    puffin.file(
        "pyproject.toml",
        '[project]\nname = "app"\nversion = "1"\ndependencies = ["alpha"]\n'
        '[project.optional-dependencies]\nmore = ["beta"]\n[dependency-groups]\ntest = ["gamma"]\n',
    )
    puffin.file(
        "puffin.toml",
        '[envs.x]\nproject = "pyproject.toml"\nextras = ["more"]\ngroups = ["test"]\npath = ".many"\n',
    )
    assert puffin("lock", "-i", shop.url).code == 0
    done = puffin("sync", "--frozen")
    assert done.code == 0, done.err
    assert Env(puffin.cwd / ".many").installed() == {"alpha": "1.0", "beta": "1.0", "gamma": "1.0"}


def test_constraints_of_a_configuration_hold_for_what_is_open_and_for_locks(puffin, shop):
    shop.add(*forge_wheel("alpha", "2.0"))
    puffin.file("limits.txt", "alpha<2\n")
    puffin.file("requirements.in", "alpha\n")
    puffin.file("puffin.toml", 'constraint = ["limits.txt"]\n')
    assert many(puffin, "-i", shop.url, file="requirements.in")[1] == ["alpha==1.0"]
    assert puffin("lock", "requirements.in", "-i", shop.url).code == 0
    assert "alpha==1.0" in (puffin.cwd / "requirements.txt").read_text()
    assert many(puffin, "-i", shop.url, "--frozen", file="requirements.in")[1] == ["alpha==1.0"]
