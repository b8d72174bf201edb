"""The process of puffin itself."""

import os
import pkgutil
import site
import sys
from importlib.machinery import PathFinder

import puffin as package
from puffin.cli import entry
from tests.helpers.cli import CHECKOUT
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel


def test_whose_modules_are_not_puffins(monkeypatch):
    own, inside = str(CHECKOUT), f"{sys.prefix}/lib/more"
    monkeypatch.setattr(site, "USER_SITE", "/home/me/site")
    monkeypatch.setattr(sys, "path", ["/here", "/other", inside, own, "/home/me/site", "/rest"])
    entry._isolate(os.pathsep.join(("/other", inside, own)))
    assert sys.path == [inside, own, "/rest"]


def test_modules_are_found_as_python_finds_them():
    """The quick finder has the specs of the general one, with the code and the place of it, and finds no others."""
    modules = [("puffin.missing", package.__path__)]
    walked = pkgutil.walk_packages(package.__path__, "puffin.")
    modules += [(each.name, [each.module_finder.path]) for each in walked]
    assert len(modules) > 300
    for name, path in modules:
        found, usual = entry._Finder.find_spec(name, path), PathFinder.find_spec(name, path)
        if usual is None:
            assert found is None
            continue
        own, general = found.loader, usual.loader
        found.loader = usual.loader = None
        assert found == usual
        assert (own.name, own.path) == (general.name, general.path)
        assert own.path_stats(own.path) == general.path_stats(own.path)
        assert own.get_data(own.path) == general.get_data(own.path)
        assert own.get_code(name) == general.get_code(name)


def test_no_module_of_others_is_imported(puffin, env, index):
    """What lies in the working directory, or where PYTHONPATH points, is for other programs."""
    index.add(*forge_backend())
    index.add(*forge_sdist("sdist"))
    index.add(*forge_wheel("alpha", "1.0"))
    other = puffin.root / "other"
    other.mkdir()
    for name in (
        "click",
        "httpx",
        "packaging",
        "selectolax",
        "deflate",
        "rich",
        "json",
        "tempfile",
        "selectors",
        "dask",
    ):
        for place in (puffin.cwd, other):
            (place / f"{name}.py").write_text("raise SystemExit(99)\n")
    path = os.pathsep.join((str(other), str(CHECKOUT)))
    for words in (
        ("install", "alpha", "sdist"),
        ("install", "alpha", "--executor", "pool", "--reinstall"),
        ("list",),
    ):
        more = ("-i", index.url) if words[0] == "install" else ()
        done = puffin("pip", *words, *more, env={"PYTHONPATH": path})
        assert done.code == 0, done.err
    assert env.installed() == {"alpha": "1.0", "sdist": "1.0"}
