"""Configuration files and variables of pip's and of puffin's own, as commands use them."""

import os

import pytest

from tests.functional.test_sync_options import LIGHT, imported
from tests.helpers.cli import checked, lines, told
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(*forge_wheel("alpha", "1.0"))
    index.add(*forge_wheel("alpha", "2.0"))
    index.add(*forge_wheel("beta", "1.0", requires=["alpha"]))
    return index


def test_every_command_uses_pips_configuration(puffin, env, shop):
    conf = puffin.pip_conf(index_url=shop.url)
    assert puffin.sync("alpha==1.0\n", env=conf).err == told("+ alpha==1.0", pins=1, prepared=1, installed=1)
    assert puffin("pip", "install", "beta", env=conf).code == 0
    assert env.installed() == {"alpha": "1.0", "beta": "1.0"}
    puffin.file("a.in", "alpha\n")
    assert puffin("pip", "compile", "a.in", "--no-header", env=conf).out == "alpha==2.0\n    # via -r a.in\n"
    done = puffin("pip", "compile", "a.in", "--isolated", env={**conf, "PUFFIN_RETRIES": "0"})
    assert done.code == 75, "the default index is out of reach"


def test_the_environments_own_file_and_the_users(puffin, env, shop):
    off = {"PIP_CONFIG_FILE": ""}
    settings = "[global]\nextra-index-url =\nfind-links =\ncert =\n"
    user = puffin.home / ".config" / "pip" / "pip.conf"
    user.parent.mkdir(parents=True)
    user.write_text(f"{settings}index-url = http://127.0.0.1:9/simple\nretries = 0\n")
    assert puffin.sync("alpha==1.0\n", env=off).code == 75
    (env.root / "pip.conf").write_text(f"[install]\nindex-url = {shop.url}\n")
    assert puffin.sync(None, env=off).err == told("+ alpha==1.0", pins=1, prepared=1, installed=1)
    assert puffin.sync("alpha==2.0\n", "-p", env.python, env=off).code == 0, "found by its interpreter too"


def test_verbose_says_where_each_value_is_from(puffin, env, shop):
    conf = puffin.pip_conf(index_url=shop.url_with("me", "secret"), retries="7")
    puffin.file("puffin.toml", "retries = 1\n")
    done = puffin.sync("alpha==1.0\n", "-v", env={**conf, "PIP_TIMEOUT": "9"})
    said = done.err.splitlines()
    assert said[:3] == [
        "retries = 1 ([TMP]/here/puffin.toml:1)",
        f"index-url = {shop.url_with('****')} ([TMP]/here/pip.conf:2)".replace("%2A", "*"),
        "timeout = 9 (PIP_TIMEOUT)",
    ]
    assert "secret" not in done.raw_err
    assert not [line for line in puffin.sync(None, env=conf).err.splitlines() if " = " in line]


def test_a_no_op_heeds_configuration_and_stays_light(puffin, env, shop):
    conf = puffin.pip_conf(index_url=shop.url, timeout="9")
    puffin.file("puffin.toml", 'link-mode = "copy"\n')
    puffin.sync("alpha==1.0\n", env=conf)
    assert puffin("pip", "sync", "requirements.txt", env=conf).err == checked(1)
    assert imported(puffin, "pip", "sync", "requirements.txt", env=conf) <= LIGHT["no-op"]
    assert puffin.sync(None, env=conf).err == checked(1)
    done = puffin.sync(None, env={**conf, "PIP_REQUIRE_HASHES": "1"})
    assert (done.code, "Hashes are required" in done.err) == (1, True)
    done = puffin.sync(None, env=puffin.pip_conf(require_hashes="true"))
    assert (done.code, "Hashes are required" in done.err) == (1, True)
    puffin.file("c.txt", "alpha>1\n")
    done = puffin.sync(None, env=puffin.pip_conf("install", constraint="c.txt"))
    assert done.err.splitlines()[0] == (
        "error: No version of `alpha` can be installed: you require alpha==1.0 and alpha>1"
    )
    assert puffin.sync(None, "--isolated", env=puffin.pip_conf("install", constraint="c.txt")).err == checked(1)
    puffin.file("puffin.toml", "require-hashes = true\n")
    assert puffin.sync(None).code == 1
    assert puffin.sync(None, "--no-config").err == checked(1)


def test_what_a_file_says_wrongly_is_told_with_its_line(puffin, env):
    done = puffin.sync("six==1\n", env=puffin.pip_conf(index_url="x\nnonsense"))
    assert (done.code, done.err) == (
        2,
        lines(
            "error: Failed to read the configuration at `[TMP]/here/pip.conf:3`: `nonsense` cannot stand there",
            "",
            "hint: a setting is written as `name = value`",
        ),
    )
    puffin.file("pyproject.toml", '[tool.puffin]\nindexurl = "x"\n')
    done = puffin.sync(None)
    assert (done.code, done.err) == (
        2,
        lines(
            "error: Failed to read the configuration at `[TMP]/here/pyproject.toml:2`: "
            "the setting `indexurl` is unknown",
            '  indexurl = "x"',
            "",
            "hint: did you mean `index-url`?",
        ),
    )


def test_constraints_hold_for_sync(puffin, env, shop):
    puffin.file("c.txt", "alpha==2.0\n")
    done = puffin.sync("alpha\n", "-c", "c.txt", "-i", shop.url)
    assert done.err == told("+ alpha==2.0", pins=1, prepared=1, installed=1)
    done = puffin.sync("alpha==1.0\n", "-i", shop.url, env={"PUFFIN_CONSTRAINT": "c.txt"})
    assert done.code == 1
    assert "alpha==2.0 (c.txt:1, a constraint)" in done.err
    assert puffin.sync("alpha==1.0\n", "--constraints", "nowhere.txt").code == 2


def test_requirements_files_go_before_configuration(puffin, env, shop):
    conf = puffin.pip_conf(index_url="http://127.0.0.1:9/simple", retries="0")
    assert puffin.sync(f"-i {shop.url}\nalpha==1.0\n", env=conf).code == 0
    assert puffin.sync(f"-i {shop.url}\nalpha==2.0\n", env=puffin.pip_conf(no_index="1")).code == 0


def test_the_users_own_puffin_toml(puffin, env, shop):
    own = puffin.home / ".config" / "puffin" / "puffin.toml"
    own.parent.mkdir(parents=True)
    own.write_text(f'index-url = "{shop.url}"\n')
    assert puffin.sync("alpha==1.0\n").code == 0
    moved = puffin.root / "xdg"
    os.renames(own, moved / "puffin" / "puffin.toml")
    assert puffin.sync("alpha==2.0\n", env={"XDG_CONFIG_HOME": str(moved)}).code == 0


def test_only_binary_of_pips_holds_for_compile(puffin, shop):
    puffin.file("a.in", "alpha\n")
    done = puffin("pip", "compile", "a.in", "--no-header", "--emit-build-options", env=puffin.pip_conf(
        index_url=shop.url, only_binary="alpha", no_binary="beta"))  # fmt: skip
    assert done.out == "--no-binary beta\n--only-binary alpha\n\nalpha==2.0\n    # via -r a.in\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--timeout", "soon"), "`--timeout soon` is not a number of seconds above 0"),
        (("--timeout", "0"), "`--timeout 0` is not a number of seconds above 0"),
        (("--retries", "-1"), "`--retries -1` is not a number of retries"),
        (("--cert", "nowhere.pem"), "The file `nowhere.pem` of `--cert` does not exist"),
        (("--client-cert", "nowhere.pem"), "The file `nowhere.pem` of `--client-cert` does not exist"),
    ],
)
def test_values_that_cannot_be(puffin, env, words, problem):
    done = puffin.sync("six==1\n", *words)
    assert (done.code, done.err) == (2, f"error: {problem}\n")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('link-mode = "magic"', "`magic` is not a value of `link-mode`"),
        ('timeout = "soon"', "`--timeout soon` is not a number of seconds above 0"),
        ("retries = -1", "`--retries -1` is not a number of retries"),
        ("jobs = 0", "`0` is not a number of jobs"),
    ],
)
def test_values_that_cannot_be_are_told_with_their_place(puffin, env, line, problem):
    file = puffin.file("puffin.toml", f"# settings\n{line}\n")
    done = puffin.sync("six==1\n")
    wanted = f"error: Failed to read the configuration at `[TMP]/here/{file.name}:2`: {problem}"
    assert (done.code, done.err.splitlines()[0]) == (2, wanted)


def test_a_keyring_provider_that_is_none(puffin, env):
    done = puffin.sync("six==1\n", env={"PIP_KEYRING_PROVIDER": "vault"})
    assert (done.code, done.err) == (
        2,
        lines(
            "error: Failed to read the configuration at `PIP_KEYRING_PROVIDER`: `vault` is not a value of"
            " `keyring-provider`",
            "",
            "hint: use one of `auto`, `disabled`, `import`, `subprocess`",
        ),
    )
