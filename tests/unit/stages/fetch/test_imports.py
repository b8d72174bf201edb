import os
import subprocess
import sys

import pytest

import puffin

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(puffin.__file__)))


def _imported(module, *options):
    code = f"import sys; sys.path.insert(0, {ROOT!r}); import {module}; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "module", ["artifact.urls", "stages.fetch.fetch", "stages.fetch.network", "stages.fetch.failures"]
)
def test_the_light_modules_import_nothing_of_weight(module):
    more = _imported(f"puffin.{module}", "-I", "-S") - _imported(
        "os, errno, marshal, zlib, _operator", "-I", "-S"
    )
    assert {name for name in more if name.partition(".")[0] != "puffin"} == set()


def test_plain_downloads_do_without_httpx():
    loaded = _imported("puffin.stages.fetch.download", "-I")
    assert "puffin.stages.fetch.plain_request" in loaded
    assert loaded.isdisjoint({"httpx", "anyio", "logging"})


def test_httpx_comes_without_its_command_line():
    loaded = _imported("puffin.stages.fetch.httpx_client", "-I")
    assert "httpx" in loaded
    assert loaded.isdisjoint({"rich", "click", "httpx._main"})


def test_a_remote_cache_without_packs_does_without_zstandard():
    loaded = _imported("puffin.stages.remote.wheels", "-I")
    assert loaded.isdisjoint({"zstandard", "puffin.stages.unzip.transfer"})
