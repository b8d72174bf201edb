"""Options, settings and words that users of pip and uv bring along."""

import pytest

from puffin.cli.config.settings import age
from tests.helpers.sdists import forge_backend, forge_sdist, write_project
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    for version in ("1.0", "2.0"):
        index.add(*forge_wheel("lib", version))
    index.add(*forge_wheel("lib", "3.0rc1"))
    index.add(*forge_wheel("app", "1.0", requires=["lib"]))
    return index


def test_a_lock_is_installed_beside_what_is_there(puffin, env, shop):
    assert puffin("pip", "compile", "-", "-o", "pylock.toml", "-i", shop.url, stdin="app\n").code == 0
    shop.add(*forge_wheel("other", "1.0"))
    assert puffin("pip", "install", "other", "-i", shop.url).code == 0
    done = puffin("pip", "install", "-r", "pylock.toml", "-i", shop.url)
    assert done.code == 0, done.err
    assert env.installed() == {"app": "1.0", "lib": "2.0", "other": "1.0"}
    assert "Checked" in puffin("pip", "install", "-r", "pylock.toml").err
    done = puffin("pip", "install", "-r", "pylock.toml", "other")
    assert (done.code, "complete" in done.err) == (2, True)


@pytest.mark.parametrize("value", ["lib", "LIB=allow"])
def test_pre_releases_of_one_package(puffin, env, shop, value):
    shop.add(*forge_wheel("more", "1.0"))
    shop.add(*forge_wheel("more", "2.0a1"))
    assert puffin("pip", "install", "app", "more", "--prerelease-package", value, "-i", shop.url).code == 0
    assert env.installed() == {"app": "1.0", "lib": "3.0rc1", "more": "1.0"}
    assert puffin("pip", "install", "app", "--prerelease-package", "lib=maybe").code == 2
    words = ("--pre", "--prerelease-package", "lib=disallow", "--no-header", "-i", shop.url)
    assert puffin("pip", "compile", "-", *words, stdin="lib").out == "lib==2.0\n"


def test_what_switches_back(puffin, env, shop):
    assert puffin("pip", "install", "lib==1.0", "-i", shop.url).code == 0
    assert puffin("pip", "install", "lib", "-U", "--no-upgrade", "-i", shop.url).code == 0
    assert env.installed() == {"lib": "1.0"}
    puffin.file("r.txt", f"lib==2.0 --hash=sha256:{'0' * 64}\n")
    assert puffin("pip", "sync", "r.txt", "--no-verify-hashes", "--verify-hashes", "-i", shop.url).code == 1
    assert puffin("pip", "sync", "r.txt", "--no-verify-hashes", "-i", shop.url).code == 0


@pytest.mark.parametrize("words", [("pip", "install", "-r"), ("pip", "sync")])
def test_no_editable(puffin, env, shop, words):
    write_project(puffin.cwd / "thing", "thing")
    puffin.file("r.txt", "-e ./thing\n")
    assert puffin(*words, "r.txt", "--no-editable", "-i", shop.url).code == 0
    assert not list(env.site.glob("*.pth"))
    assert puffin(*words, "r.txt", "-i", shop.url).code == 0
    assert list(env.site.glob("_thing.pth"))


def test_settings_for_the_build_of_one_package(puffin, env, shop):
    for name in ("one", "two"):
        shop.add(*forge_sdist(name))
    words = ("-C", "all=1", "--config-settings-package", "one:own=2")
    assert puffin("pip", "install", "one", "two", *words, "-i", shop.url).code == 0
    told = [env.run("-c", f"import {name}; print({name}.TOLD['settings'])") for name in ("one", "two")]
    assert told == ["{'all': '1', 'own': '2'}", "{'all': '1'}"]
    assert puffin("pip", "install", "one", "--config-settings-package", "own=2").code == 2


def test_another_configuration_file(puffin, env, shop):
    puffin.file("puffin.toml", 'index-url = "http://127.0.0.1:9/"\n')
    puffin.file("other.toml", f'index-url = "{shop.url}"\n')
    assert puffin("pip", "install", "lib", "--config-file", "other.toml").code == 0
    assert puffin("pip", "install", "lib", "--config-file", "none.toml").code == 2


def test_the_root_of_a_project(puffin, env, shop):
    write_project(puffin.cwd / "thing", "thing")
    puffin.file("sub/r.txt", "thing @ file://${PROJECT_ROOT}/thing\n")
    assert puffin("pip", "install", "-r", "sub/r.txt", "-i", shop.url).code == 0
    assert env.installed() == {"thing": "1.0"}


def test_refreshing_needs_the_network(puffin, env, shop):
    for words in (("--refresh",), ("--refresh-package", "lib")):
        done = puffin("pip", "install", "lib", "--offline", *words)
        assert (done.code, "`--offline`" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7 days", 604800), ("7d", 604800), ("1 week", 604800), ("P7D", 604800), ("P1W", 604800), ("36 hours", 129600),
        ("PT36H", 129600), ("P1DT12H", 129600), ("30 minutes ago", 1800), ("P", None), ("PT", None), ("7", None),
        ("2024-01-01", None), ("seven days", None), ("", None),
    ],
)  # fmt: skip
def test_ages(text, seconds):
    assert age(text) == seconds


def test_what_is_younger_than_an_age_does_not_exist(puffin, env, shop):
    assert puffin("pip", "install", "lib", "--exclude-newer", "7 days", "-i", shop.url).code == 0  # of 2024
    done = puffin("pip", "install", "app", "--exclude-newer", "99999 days", "-i", shop.url)
    assert done.code == 1
    done = puffin("pip", "install", "app", "--exclude-newer", "yesterday", "-i", shop.url)
    assert (done.code, "`P7D`" in done.err) == (2, True)


def test_settings_of_pip(puffin, env, shop):
    conf = puffin.pip_conf(uploaded_prior_to="2024-01-02")
    assert puffin("pip", "install", "lib", "-i", shop.url, env=conf).code == 1
    conf = puffin.pip_conf(uploaded_prior_to="2024-01-03")
    assert puffin("pip", "install", "lib", "-i", shop.url, env=conf).code == 0
    shop.add(*forge_wheel("early", "1.0a1"))
    assert puffin("pip", "install", "early", "-i", shop.url, env=puffin.pip_conf(only_final=":all:")).code == 1
    conf = puffin.pip_conf(only_final="x, Early")
    assert puffin("pip", "compile", "-", "-i", shop.url, stdin="early", env=conf).code == 1
    mine = ("--prerelease-package", "early")
    done = puffin("pip", "install", "early", *mine, "-i", shop.url, env=puffin.pip_conf(only_final=":all:"))
    assert done.code == 0
    assert puffin("pip", "uninstall", "early").code == 0
    assert puffin("pip", "install", "early", "-i", shop.url, env=puffin.pip_conf()).code == 0
    conf = puffin.pip_conf(all_releases="lib")
    assert puffin("pip", "install", "lib", "-U", "-i", shop.url, env=conf).code == 0
    assert env.installed() == {"early": "1.0a1", "lib": "3.0rc1"}
    puffin.file("r.in", "early\n")
    done = puffin("lock", "r.in", "-i", shop.url, env={"PIP_ONLY_FINAL": "early"})
    assert (done.code, "`--prerelease-package early=allow`" in done.err) == (1, True), done.err
    shop.add(*forge_sdist("thing"))
    puffin.file("limit.txt", "toy>9\n")
    conf = puffin.pip_conf(build_constraint=str(puffin.cwd / "limit.txt"))
    assert puffin("pip", "install", "thing", "-i", shop.url, env=conf).code == 1


def test_names_that_are_none(puffin, env):
    write_project(puffin.cwd / "thing", "thing", static=True)
    assert puffin("pip", "install", "./thing[no_]").code == 2
    write_project(puffin.cwd / "bad", "-bad-", static=True)
    done = puffin("pip", "install", "./bad", "--no-index")
    assert (done.code, "not a valid project name" in done.err) == (1, True)


def test_a_password_that_is_no_text(puffin, env, index):
    index.add(*forge_wheel("lib", "1.0"))
    url = index.url.replace("://", "://user:%FF@")
    assert puffin("pip", "install", "lib", "-i", url).code == 0


@pytest.mark.parametrize(
    "words", [("pip", "sync", "r.txt"), ("pip", "install", "-r", "r.txt"), ("sync", "r.txt")]
)
def test_a_place_says_which_python_it_is_for(puffin, env, shop, words):
    name, data = forge_wheel("lib", "5.0", requires_python=">=3.99")
    puffin.file(name, data)
    for line in (f"./{name}", f"lib @ {shop.add(name, data)}"):
        puffin.file("r.txt", f"{line}\n")
        done = puffin(*words, "-i", shop.url)
        assert done.code == 1, done.err
        assert "3.99" in done.err
        assert env.installed() == {}


def test_dates_of_single_packages(puffin, env, shop):
    words = ("--exclude-newer", "2020-01-01", "--exclude-newer-package")
    assert puffin("pip", "install", "lib", *words, "app=2030-01-01", "-i", shop.url).code == 1
    assert puffin("pip", "install", "lib", *words, "LIB=false", "-i", shop.url).code == 0
    assert puffin("pip", "install", "app", *words, "app=1 day", "-i", shop.url).code == 0
    done = puffin("pip", "install", "lib", "--exclude-newer-package", "lib", "-i", shop.url)
    assert (done.code, "`lib` is not a value" in done.err) == (2, True)
    done = puffin(
        "pip",
        "install",
        "lib",
        "-U",
        "--reinstall",
        "--exclude-newer-package",
        "lib=2020-01-01",
        "-i",
        shop.url,
    )
    assert (done.code, "is hidden by `--exclude-newer 2020-01-01`" in done.err) == (1, True)


def test_for_which_environments_pins_hold(puffin, shop):
    words = ("--no-header", "--no-annotate", "--no-sources", "--emit-marker-expression", "-i", shop.url)
    done = puffin("pip", "compile", "-", *words, stdin="lib\n")
    first, second, *rest = done.out.splitlines()
    assert first == "# Pinned dependencies known to be valid for:"
    assert second.startswith("#    implementation_name == 'cpython' and ")
    assert rest == ["lib==2.0"]


def test_versions_without_a_date_are_named(puffin, env, shop):
    shop.add(*forge_wheel("lib", "2.5"), uploaded="")
    at = ("--exclude-newer", "2030-01-01", "-i", shop.url)
    done = puffin("pip", "compile", "-", *at, stdin="app\n")
    warning = "warning: `lib` has versions without an upload time: `--exclude-newer` hides them\n"
    assert (done.code, "lib==2.0" in done.out, warning in done.err) == (0, True, True), done.err
    assert "upload time" not in puffin("pip", "compile", "-", *at[:2], "-i", shop.url, stdin="other").err
    assert "warning" not in puffin("pip", "compile", "-", "-i", shop.url, stdin="app\n").err


@pytest.mark.parametrize(
    "words",
    [
        "-q pip install lib", "pip -q install lib", "--project . pip install lib -q",
        "--cache-dir c -q pip-install lib",
        "--no-cache --color=never pip --index-url x -q install lib", "-qq --offline --no-index pip list",
    ],
)  # fmt: skip
def test_options_before_the_command(puffin, env, shop, words):
    place = {"TMPDIR": str(puffin.home)}  # of the cache of `--no-cache`: links lead into the environment
    done = puffin(
        *words.replace(" x ", f" {shop.url} ").split(), env={"PUFFIN_DEFAULT_INDEX": shop.url, **place}
    )
    assert (done.code, done.out if "list" in words else "") == (0, ""), done.err
    assert [line for line in done.err.splitlines() if not line.startswith("warning: `--project")] == []
