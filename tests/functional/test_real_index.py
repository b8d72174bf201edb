"""Against a real package index: the public one, or that of PUFFIN_INDEX_URL. Only ``-m real_index`` runs these.

With PUFFIN_BIG=1 the 189 packages of the benchmark are installed too (300 MB).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.cli import Env, Puffin

pytestmark = pytest.mark.real_index

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "requirements.txt"
BIG = ROOT / "bench" / "inputs" / "big.txt"
_WAY_OUT = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
# read here: a fixture of all tests takes PUFFIN_… away
NETWORK = {"HTTPS_PROXY": "", **{name: os.environ[name] for name in _WAY_OUT if name in os.environ}}
if os.environ.get("PUFFIN_INDEX_URL"):
    NETWORK["PUFFIN_INDEX_URL"] = os.environ["PUFFIN_INDEX_URL"]
WANTS_BIG = os.environ.get("PUFFIN_BIG") == "1"
NAMESPACE = "sphinxcontrib-applehelp==2.0.0\nsphinxcontrib-htmlhelp==2.1.0\n"
MODULES = (
    "anyio", "blinker", "certifi", "charset_normalizer", "click", "flask", "h11", "httpcore", "httpx", "idna",
    "itsdangerous", "jinja2", "markdown_it", "markupsafe._speedups", "mdurl", "pygments", "requests", "rich",
    "sqlalchemy", "typing_extensions", "urllib3", "werkzeug", "yaml._yaml",
)  # fmt: skip
IMPORT_ALL = """
import importlib, importlib.metadata, sys, warnings
warnings.simplefilter("ignore")
failed = []
for distribution in importlib.metadata.distributions():
    for name in (distribution.read_text("top_level.txt") or "").split():
        if not name.isidentifier() or name.startswith("_"):
            continue
        try:
            importlib.import_module(name)
        except Exception as error:
            failed.append(f"{name}: {error!r}")
sys.exit("\\n".join(failed) or 0)
"""


def pins(text: str) -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return dict(
        sorted((normal(name), version) for name, _, version in (line.partition("==") for line in lines if line))
    )


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(env: Env) -> dict[str, str]:
    return dict(sorted((normal(name), version) for name, version in env.installed().items()))


@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
def test_a_real_set_is_installed_imports_and_stays(puffin: Puffin, env: Env, executor: str) -> None:
    puffin.executor = executor
    text = EXAMPLE.read_text() + NAMESPACE
    wanted = pins(text)
    done = puffin.sync(text, env=NETWORK)
    assert done.code == 0, done.err
    assert installed(env) == wanted
    for name in wanted:
        env.record(name.replace("-", "_"))
    assert {"applehelp", "htmlhelp"} <= {path.name for path in (env.site / "sphinxcontrib").iterdir()}
    env.run("-W", "error::ImportWarning", "-c", "\n".join(f"import {name}" for name in MODULES))
    assert (env.bin / "flask").stat().st_mode & 0o111
    again = puffin.sync(None, env=NETWORK)
    assert again.code == 0
    assert f"Checked {len(wanted)} packages" in again.err
    env.run("-c", "import flask")
    assert puffin.sync("idna==3.20\n", env=NETWORK).code == 0
    assert installed(env) == {"idna": "3.20"}


def test_what_the_index_lacks_is_named(puffin: Puffin, env: Env) -> None:
    done = puffin.sync("six==1.17.0\nsix-there-is-no-such-package==1.0\nidna==0.0.1\n", env=NETWORK)
    assert done.code == 1
    assert "six-there-is-no-such-package" in done.err
    assert "idna" in done.err
    assert installed(env) == {}


@pytest.mark.skipif(not WANTS_BIG, reason="PUFFIN_BIG is not 1")
@pytest.mark.skipif(sys.version_info[:2] != (3, 12), reason="the pins are of Python 3.12")
def test_the_big_set_is_installed_and_imports(puffin: Puffin, env: Env) -> None:
    command = [sys.executable, "-m", "puffin", "pip", "sync", str(BIG)]
    done = subprocess.run(
        command, env=puffin.environ(**NETWORK), cwd=puffin.cwd, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    assert installed(env) == pins(BIG.read_text())
    assert f"Checked {len(pins(BIG.read_text()))} packages" in puffin("pip", "sync", BIG, env=NETWORK).err
    environ = {"PATH": os.environ["PATH"], "HOME": str(puffin.home)}
    imported = subprocess.run(
        [env.python, "-c", IMPORT_ALL], capture_output=True, text=True, env=environ, timeout=900, cwd=puffin.cwd
    )
    assert imported.returncode == 0, imported.stderr


def test_pip_and_uv_install_a_lock_for_all_platforms(puffin: Puffin, env: Env) -> None:
    puffin.file("requirements.in", "flask\nnumpy\nuvicorn[standard]\ncolorama ; sys_platform == 'win32'\n")
    words = ("requirements.in", "--universal", "-q", "-o", "pylock.toml")
    assert puffin("pip", "compile", *words, env=NETWORK).code == 0
    assert puffin("pip", "sync", "pylock.toml", env=NETWORK).code == 0
    tools = puffin.venv(name="tools")
    assert puffin("pip", "install", "-p", "tools", "pip>=26", "uv", env=NETWORK).code == 0
    environ = puffin.environ(**NETWORK)
    for own in ("of-pip", "of-uv"):
        other = puffin.venv(name=own)
        pip = [tools.python, "-m", "pip", "--python", other.python, "install", "-q", "-r", "pylock.toml"]
        uv = [tools.bin / "uv", "pip", "install", "-q", "-p", other.python, "-r", "pylock.toml"]
        subprocess.run(pip if own == "of-pip" else uv, env=environ, cwd=puffin.cwd, check=True, timeout=300)
        assert installed(other) == installed(env)
