"""What configuration files say holds for commands on many environments too."""

import pytest

from tests.helpers.cli import Env
from tests.helpers.index_server import IndexServer
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def private(puffin):
    with IndexServer() as server:
        puffin.names[server.root] = "[PRIVATE]"
        server.add(*forge_wheel("acme-tool", "1.0", {"where.py": b"private"}, requires=["alpha"]))
        server.add(*forge_wheel("alpha", "2.0", {"alpha.py": b"private"}))
        yield server


@pytest.fixture
def shop(index):
    index.add(*forge_wheel("acme-tool", "9.0", {"where.py": b"public"}))
    index.add(*forge_wheel("alpha", "1.0", {"alpha.py": b"public"}))
    return index


def workspace(puffin, shop, private):
    puffin.file(
        "pyproject.toml",
        f"""
[tool.puffin]
index-url = "{shop.url}"
[[tool.puffin.index]]
name = "acme"
url = "{private.url}"
packages = ["acme-*"]
explicit = true
[tool.puffin.envs.pinned]
requirements = "pinned.txt"
path = ".envs/pinned"
[tool.puffin.envs.open]
requirements = "open.in"
path = ".envs/open"
""",
    )
    puffin.file("pinned.txt", "acme-tool==1.0\nalpha==1.0\n")
    puffin.file("open.in", "acme-tool\n")


def test_indexes_with_patterns_reach_every_environment(puffin, shop, private):
    workspace(puffin, shop, private)
    done = puffin("sync")
    assert done.code == 0, done.err
    for name in ("pinned", "open"):
        env = Env(puffin.cwd / ".envs" / name)
        assert env.installed() == {"acme_tool": "1.0", "alpha": "1.0"}
        assert (env.site / "where.py").read_text() == "private"
    assert not [path for path in shop.paths() if "acme" in path]
    assert not [path for path in private.paths() if "alpha" in path]


def test_they_reach_locks(puffin, shop, private):
    workspace(puffin, shop, private)
    done = puffin("lock", "open")
    assert done.code == 0, done.err
    text = (puffin.cwd / "open.txt").read_text()
    assert [line for line in text.splitlines() if "==" in line] == ["acme-tool==1.0", "alpha==1.0"]
    assert not [path for path in shop.paths() if "acme" in path]


def test_pips_configuration_reaches_every_environment(puffin, shop):
    puffin.file("services/a/requirements.txt", "alpha==1.0\n")
    puffin.file("services/b/requirements.in", "alpha\n")
    conf = puffin.pip_conf(index_url=shop.url)
    done = puffin("lock", "services/b/requirements.in", env=conf)
    assert done.code == 0, done.err
    done = puffin("sync", "services/*/requirements.txt", env=conf)
    assert done.code == 0, done.err
    assert Env(puffin.cwd / "services/a/.venv").installed() == {"alpha": "1.0"}
    assert Env(puffin.cwd / "services/b/.venv").installed() == {"alpha": "1.0"}
    done = puffin(
        "sync",
        "--reinstall",
        "--refresh",
        "services/*/requirements.txt",
        "--isolated",
        env={**conf, "PUFFIN_RETRIES": "0"},
    )
    assert done.code == 75, "the default index is out of reach"


def test_what_pip_is_told_about_hashes_counts_though_nothing_is_to_be_done(puffin, shop):
    puffin.file("services/a/requirements.txt", "alpha==1.0\n")
    assert puffin("sync", "services/*/requirements.txt", "-i", shop.url).code == 0
    conf = puffin.pip_conf(require_hashes="true")
    done = puffin("sync", "services/*/requirements.txt", "-i", shop.url, env=conf)
    assert (done.code, "Hashes are required" in done.err) == (1, True)


def test_the_file_of_an_active_environment_is_for_that_environment(puffin, shop):
    other = puffin.venv(name="other")
    (other.root / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/simple\nretries = 0\n")
    puffin.file("services/a/requirements.txt", "alpha==1.0\n")
    user = puffin.home / ".config" / "pip" / "pip.conf"
    user.parent.mkdir(parents=True)
    user.write_text(f"[global]\nindex-url = {shop.url}\nextra-index-url =\nfind-links =\ncert =\n")
    variables = {"PIP_CONFIG_FILE": "", "VIRTUAL_ENV": str(other.root)}
    done = puffin("sync", "services/*/requirements.txt", env=variables)
    assert done.code == 0, done.err
    # pip reads that of the interpreter which installs: this one's for a directory, and not with `--system`
    puffin.file("requirements.txt", "alpha==1.0\n")
    refused = puffin("pip", "sync", "requirements.txt", "--target", "lib", env=variables)
    assert refused.code == 75, refused.err
    refused = puffin("pip", "sync", "requirements.txt", "--prefix", "root", env=variables)
    assert refused.code == 75, refused.err
    done = puffin("pip", "sync", "requirements.txt", "--target", "lib", "--system", env=variables)
    assert done.code == 0, done.err
    assert (puffin.cwd / "lib" / "alpha.py").exists()
