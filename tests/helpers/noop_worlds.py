"""Commands of all kinds that have nothing to do once they were run."""

from __future__ import annotations

import hashlib
import shutil
import sys

from tests.helpers.noop import forget
from tests.helpers.sdists import forge_backend, project_files
from tests.helpers.wheels import forge_wheel

PINS = "alpha==1.0\nbeta==1.0\n"


class World:
    """A command that has nothing to do once it was run, and what it is run with."""

    def __init__(self, *words, env=None, cwd=None):
        self.words = words
        self.env = env or {}
        self.cwd = cwd


def plain(puffin, shop, tmp_path):
    puffin.file("r.txt", PINS)
    return World("pip", "sync", "r.txt", "-i", shop.url)


def by_directory(puffin, shop, tmp_path):
    other = puffin.venv(name="other")
    puffin.file("r.txt", PINS)
    return World("pip", "sync", "r.txt", "-i", shop.url, "-p", other.root)


def by_interpreter(puffin, shop, tmp_path):
    puffin.venv(name="other")
    puffin.file("r.txt", PINS)
    return World("pip", "sync", "r.txt", "-i", shop.url, "-p", "other/bin/python")


def by_variable(puffin, shop, tmp_path):
    other = puffin.venv(name="other")
    puffin.file("r.txt", PINS)
    return World("pip", "sync", "r.txt", "-i", shop.url, env={"VIRTUAL_ENV": str(other.root)})


def from_below(puffin, shop, tmp_path):
    puffin.file("below/deep/r.txt", PINS)
    return World("pip", "sync", "r.txt", "-i", shop.url, cwd=puffin.cwd / "below" / "deep")


def hashed(puffin, shop, tmp_path):
    digest = hashlib.sha256(forge_wheel("alpha", "1.0")[1]).hexdigest()
    puffin.file("r.txt", f"alpha==1.0 --hash=sha256:{digest}\n")
    return World("pip", "sync", "r.txt", "-i", shop.url, "--require-hashes")


def included(puffin, shop, tmp_path):
    puffin.file("r.txt", "-r more/other.txt\n-c limits.txt\nalpha==${VERSION} ; python_version > '3'\n")
    puffin.file("more/other.txt", "beta==1.0\n")
    puffin.file("limits.txt", "alpha<2\n")
    return World("pip", "sync", "r.txt", "-i", shop.url, env={"VERSION": "1.0"})


def editable(puffin, shop, tmp_path):
    shop.add(*forge_backend())
    for name, text in project_files("own").items():
        puffin.file(f"own/{name}", text)
    puffin.file("r.txt", "-e ./own\nalpha==1.0\n")
    return World("pip", "sync", "r.txt", "-i", shop.url)


def local_wheel(puffin, shop, tmp_path):
    name, data = forge_wheel("alpha", "1.0")
    puffin.file(f"wheels/{name}", data)
    puffin.file("r.txt", f"./wheels/{name}\n")
    return World("pip", "sync", "r.txt", "--no-index")


def configured(puffin, shop, tmp_path):
    (tmp_path / "links").mkdir()
    puffin.file("limits.txt", "alpha<2\n")
    puffin.file("r.txt", PINS)
    conf = puffin.pip_conf(
        index_url=shop.url,
        extra_index_url=shop.url,
        constraint=str(puffin.cwd / "limits.txt"),
        find_links=str(tmp_path / "links"),
    )
    return World("pip", "sync", "r.txt", env=conf)


def owned(puffin, shop, tmp_path):
    puffin.file("puffin.toml", f'index-url = "{shop.url}"\nlink-mode = "copy"\n')
    puffin.file("below/pyproject.toml", "[project]\nname = 'x'\n")
    puffin.file("below/r.txt", PINS)
    return World("pip", "sync", "r.txt", cwd=puffin.cwd / "below")


def locked(puffin, shop, tmp_path):
    puffin.file("r.in", "alpha\n")
    assert puffin("pip", "compile", "r.in", "-o", "pylock.toml", "-i", shop.url).code == 0
    forget(puffin)
    return World("pip", "sync", "pylock.toml")


def many(puffin, shop, tmp_path):
    for name in "abcd":
        puffin.file(f"services/{name}/requirements.txt", PINS)
    puffin.file(
        "puffin.toml", f'index-url = "{shop.url}"\n[[env-glob]]\nmatch = "services/*/requirements.txt"\n'
    )
    return World("sync")


def compiled(puffin, shop, tmp_path):
    puffin.file("r.in", "alpha\n-c limits.txt\n")
    puffin.file("limits.txt", "alpha<2\n")
    return World("pip", "compile", "r.in", "-o", "r.txt", "-i", shop.url)


def compiled_of_project(puffin, shop, tmp_path):
    puffin.file("pyproject.toml", "[project]\nname = 'x'\nversion = '1'\ndependencies = ['alpha']\n")
    return World("pip", "compile", "pyproject.toml", "-i", shop.url)


def compiled_of_links(puffin, shop, tmp_path):
    name, data = forge_wheel("alpha", "1.0")
    puffin.file(f"links/{name}", data)
    puffin.file("r.in", "alpha\n")
    return World("pip", "compile", "r.in", "--no-index", "-f", "links")


def compiled_of_editable(puffin, shop, tmp_path):
    puffin.file("own/pyproject.toml", "[project]\nname = 'own'\nversion = '1'\ndependencies = ['alpha']\n")
    puffin.file("r.in", "-e ./own\n")
    return World("pip", "compile", "r.in", "-i", shop.url)


def compiled_without_environment(puffin, shop, tmp_path):
    shutil.rmtree(puffin.cwd / ".venv")
    puffin.file("r.in", "alpha\n")
    return World("pip", "compile", "r.in", "-i", shop.url, env={"PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin"})


def installed(puffin, shop, tmp_path):
    return World("pip", "install", "alpha", "beta<2", "-i", shop.url)


def installed_of_file(puffin, shop, tmp_path):
    puffin.file("r.txt", "alpha\n-r more.txt\n")
    puffin.file("more.txt", "beta\n")
    return World("pip", "install", "-r", "r.txt", "-i", shop.url)


def lock(puffin, shop, tmp_path):
    puffin.file("requirements.in", "alpha\n")
    return World("lock", "requirements.in", "-i", shop.url)


WORLDS = [
    plain, by_directory, by_interpreter, by_variable, from_below, hashed, included, editable, local_wheel, configured,
    owned, locked, many, compiled, compiled_of_project, compiled_of_links, compiled_of_editable,
    compiled_without_environment, installed,
    installed_of_file, lock,
]  # fmt: skip


AT_ONCE = [
    plain, by_directory, by_interpreter, by_variable, from_below, hashed, included, editable, local_wheel, configured,
    owned, locked, many,
]  # fmt: skip
