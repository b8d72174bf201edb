"""Credentials are in no file that puffin writes, wherever they come from."""

import os
from pathlib import Path

import pytest

from puffin.cache import frame
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel

SECRET = "s3cr3t-Pa55"
ENCODED = "bWU6czNjcjN0LVBhNTU="  # as a header has it


def written(*places):
    """Return the files beneath *places* that have the secret in them, or in their names."""
    found = []
    for place in places:
        for directory, _, names in os.walk(place):
            for name in names:
                path = Path(directory, name)
                data = path.read_bytes() if path.is_file() else b""
                if SECRET.encode() in data or ENCODED.encode() in data or SECRET in str(path):
                    found.append(str(path))
                if os.path.islink(path) and SECRET in os.readlink(path):
                    found.append(str(path))
    return found


@pytest.fixture
def shop(index):
    index.auth = ("me", SECRET)
    index.add(*forge_wheel("alpha", "1.0", requires=["beta"]))
    index.add(*forge_wheel("beta", "1.0"))
    return index


def from_the_command_line(puffin, shop):
    return ("-i", shop.url_with("me", SECRET)), {}


def from_a_variable(puffin, shop):
    return (), {"PUFFIN_INDEX_URL": shop.url_with("me", SECRET)}


def from_a_variable_of_pip(puffin, shop):
    return (), {
        "PIP_EXTRA_INDEX_URL": shop.url_with("me", SECRET),
        "PIP_INDEX_URL": shop.url_with("me", SECRET),
    }


def from_netrc(puffin, shop):
    netrc = puffin.home / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    netrc.chmod(0o600)
    return ("-i", shop.url), {}


def from_the_keyring(puffin, shop):
    command = puffin.root / "bin" / "keyring"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\n[ "$1 $3" = "get me" ] && echo {SECRET}\n')
    command.chmod(0o755)
    return ("-i", shop.url_with("me")), {"PATH": f"{command.parent}:{os.environ['PATH']}"}


def from_configuration(puffin, shop):
    puffin.file("puffin.toml", f'index-url = "{shop.url_with("me", SECRET)}"\n')
    return (), {}


def from_configuration_of_pip(puffin, shop):
    return (), puffin.pip_conf(index_url=shop.url_with("me", SECRET))


def from_a_variable_in_a_file(puffin, shop):
    url = shop.url.replace("://", "://me:${SHOP_TOKEN}@")
    puffin.file("index.txt", f"-i {url}\n")
    return ("-r", "index.txt"), {"SHOP_TOKEN": SECRET}


SOURCES = [
    from_the_command_line, from_a_variable, from_a_variable_of_pip, from_netrc, from_the_keyring,
    from_configuration, from_configuration_of_pip, from_a_variable_in_a_file,
]  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_that_is_written_holds_them(puffin, env, shop, source):
    words, environ = source(puffin, shop)
    given = puffin.cwd / "given"
    given.mkdir()
    for path in [each for each in puffin.cwd.iterdir() if each.is_file()]:
        given.joinpath(path.name).write_bytes(path.read_bytes())
    requirements = [given / "a.in"]
    requirements[0].write_text("alpha\n")
    own = [path for path in puffin.cwd.iterdir() if path.is_file()]
    included = words[:1] == ("-r",)
    if included:
        requirements[0].write_text("-r index.txt\nalpha\n")
        words = ()
    out = puffin.root / "out"
    out.mkdir()
    commands = (
        ("pip", "compile", requirements[0], "-o", out / "r.txt", "--emit-index-url", "--generate-hashes"),
        ("pip", "compile", requirements[0], "-o", out / "r.txt"),
        ("pip", "compile", requirements[0], "-o", out / "pylock.toml"),
        ("pip", "install", "-r", requirements[0], "--report", out / "report.json", "--trace", out / "t.json"),
        ("pip", "install", "-r", requirements[0], "--reinstall", "--refresh", f"--profile={out / 'p.html'}"),
        ("pip", "install", "-r", requirements[0]),
        ("pip", "install", "-r", requirements[0]),
    )
    for command in commands:
        done = puffin(*command, *words, env=environ)
        assert done.code == 0, done.err
        assert SECRET not in done.raw_out + done.raw_err
    for path in own:
        path.unlink()
    for path in given.iterdir():
        path.unlink()
    assert written(puffin.cache, env.root, out, puffin.cwd) == []


def test_kept_answers_hold_none(puffin, env, shop):
    words = ("pip", "install", "alpha==1.0", "-i", shop.url_with("me", SECRET))
    for _ in range(3):
        assert puffin(*words, env={"XDG_SECRET": SECRET}).code == 0
    answers = list((puffin.cache / "answers-v0").iterdir())
    assert answers
    assert all(path.stat().st_mode & 0o077 == 0 for path in answers)
    assert written(puffin.cache) == []


@pytest.mark.parametrize("source", [from_a_variable, from_netrc, from_the_keyring, from_configuration_of_pip])
def test_no_command_on_workspaces_writes_them(puffin, shop, source):
    words, environ = source(puffin, shop)
    given = written(puffin.root)
    for name in ("one", "two"):
        puffin.file(f"{name}/requirements.in", "alpha\n")
    puffin.file("puffin.toml", '[envs.one]\nrequirements = ["one/requirements.in"]\n'
                               '[envs.two]\nrequirements = ["two/requirements.in"]\n')  # fmt: skip
    out = puffin.root / "out"
    out.mkdir()
    environ = {**environ, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(out / "summary")}
    told = ("--report", out / "report.json", "--trace", out / "trace.json", f"--profile={out / 'profile.html'}")
    outdated = ("pip", "list", "--outdated", "-p", "one/.venv", "-i", shop.url_with("me", SECRET))
    for command in (
        ("lock", *words), ("lock", "--check", *words), ("sync", *told, *words), ("sync", *words), outdated,
        ("sync", "--check", *words), ("sync", "--reinstall", "-v", *words), ("envs",), ("profile", "show"),
        ("verify", "-p", "one/.venv", "--deep"), ("pip", "freeze", "-p", "one/.venv"),
        ("pip", "uninstall", "alpha", "-p", "one/.venv"), ("cache", "key"), ("cache", "prune"),
    ):  # fmt: skip
        done = puffin(*command, env=environ)
        assert done.code in (0, 4), (command, done.err)
        assert SECRET not in done.raw_out + done.raw_err, command
    failed = puffin("pip", "install", "nothing-like-it", "-p", "one/.venv", *words, env=environ)
    assert (failed.code, SECRET in failed.raw_err) == (1, False)
    assert written(puffin.root) == given


def test_sources_and_builds_hold_none(puffin, env, shop):
    shop.add(*forge_backend())
    shop.add(*forge_sdist("gamma", "1.0"))
    words = ("pip", "install", "gamma", "-i", shop.url_with("me", SECRET))
    done = puffin(*words)
    assert done.code == 0, done.err
    assert written(puffin.cache, env.root) == []


def test_a_direct_url_holds_none(puffin, env, shop):
    url = shop.file_url("beta-1.0-py3-none-any.whl").replace("://", f"://me:{SECRET}@")
    puffin.file("r.in", f"beta @ {url}\n")
    out = puffin.root / "out.txt"
    assert puffin("pip", "compile", "r.in", "-o", out).code == 0
    assert puffin("pip", "install", "-r", "r.in").code == 0
    (puffin.cwd / "r.in").unlink()
    assert written(puffin.cache, env.root, puffin.cwd) == []


def test_a_resolution_serves_other_credentials_too(puffin, shop):
    puffin.file("a.in", "alpha\n")
    words = ("pip", "compile", "a.in", "-q", "-i")
    assert puffin(*words, shop.url_with("me", SECRET)).code == 0
    (record,) = (puffin.cache / "resolutions-v0").iterdir()
    assert isinstance(frame.load(record.read_bytes()), tuple)
    count = len(shop.requests)
    assert puffin(*words, shop.url_with("you", "other")).code == 0
    assert len(shop.requests) == count
