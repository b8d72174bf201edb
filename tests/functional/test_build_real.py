"""Real source distributions, built with real backends from a real index, on two interpreters. ``-m real_index``."""

import os

import pytest

from tests.functional.test_real_index import NETWORK
from tests.helpers.pythons import VERSIONS, real_python

pytestmark = pytest.mark.real_index

# legacy setuptools; setuptools with setuptools-scm; poetry-core; flit_core 4 and 3; hatchling, which needs tomlkit
TWELVE = {
    "docopt": "0.6.2", "six": "1.17.0", "sortedcontainers": "2.4.0", "click-plugins": "1.1.1.2",
    "text-unidecode": "1.3", "cachetools": "5.5.2", "itsdangerous": "2.2.0", "idna": "3.10", "colorama": "0.4.6",
    "iniconfig": "2.1.0", "tomlkit": "0.13.3", "pastel": "0.2.1",
}  # fmt: skip
COMPILED = {"markupsafe": "3.0.2", "pyyaml": "6.0.2"}
MODULES = (
    "docopt", "six", "sortedcontainers", "click_plugins", "text_unidecode", "cachetools", "itsdangerous", "idna",
    "colorama", "iniconfig", "tomlkit", "pastel",
)  # fmt: skip
PYTHONS = [each for each in ("3.9", "3.13") if each in VERSIONS and real_python(each)]


@pytest.mark.parametrize("version", PYTHONS)
def test_twelve_source_distributions(puffin, version):
    env = puffin.venv("-p", real_python(version))
    text = "".join(f"{name}=={pin}\n" for name, pin in TWELVE.items())
    refused = [word for name in TWELVE for word in ("--no-binary", name)]
    done = puffin.sync(text, *refused, env=NETWORK)
    assert done.code == 0, done.err
    env.run("-W", "ignore", "-c", f"import {', '.join(set(MODULES) - {'click_plugins'})}")
    assert env.installed() == dict(sorted((name.replace("-", "_"), pin) for name, pin in TWELVE.items()))
    assert sorted(path.name for path in (puffin.cache / "tmp-v0").iterdir()) == []
    again = puffin.sync(None, *refused, "--reinstall", env=NETWORK)
    assert "Prepared" not in again.err


@pytest.mark.parametrize("version", PYTHONS)
def test_c_extensions(puffin, version):
    import shutil

    if not shutil.which("gcc"):
        pytest.skip("no compiler")
    env = puffin.venv("-p", real_python(version))
    text = "".join(f"{name}=={pin}\n" for name, pin in COMPILED.items())
    refused = [word for name in COMPILED for word in ("--no-binary", name)]
    done = puffin.sync(text, *refused, env={**NETWORK, "CFLAGS": os.environ.get("CFLAGS", "-O0")})
    assert done.code == 0, done.err
    env.run("-c", "import markupsafe._speedups, yaml")
