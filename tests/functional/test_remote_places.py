"""Schedulers with TLS, and workers that share a file system."""

import os
import shutil
import subprocess

import pytest

from tests.helpers.dask_farm import Farm, workers_of
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    return index


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A directory with ``ca.pem``, ``cert.pem`` and ``key.pem``, and another authority's as ``other…``."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    place = tmp_path_factory.mktemp("tls")
    for prefix in ("", "other-"):
        words = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            f"/CN={prefix}ca",
        ]
        ca = [f"{place}/{prefix}{name}.pem" for name in ("ca", "ca-key", "cert", "key")]
        subprocess.run([*words, "-keyout", ca[1], "-out", ca[0]], check=True, capture_output=True)
        words = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", ca[3]]
        subprocess.run([*words, "-out", f"{place}/request"], check=True, capture_output=True)
        words = [
            "openssl",
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            f"{place}/request",
            "-CA",
            ca[0],
            "-CAkey",
            ca[1],
        ]
        subprocess.run([*words, "-CAcreateserial", "-out", ca[2]], check=True, capture_output=True)
    return place


def tls(place, prefix=""):
    """Return the TLS options, of puffin and of dask alike."""
    names = (("ca", "ca"), ("cert", "cert"), ("key", "key"))
    return [f"{place}/{prefix}{name}.pem" for _, name in names]


def test_tls_by_options_and_by_dask_configuration(puffin, env, shop, authority, tmp_path):
    ca, cert, key = tls(authority)
    options = ("--tls-ca-file", ca, "--tls-cert", cert, "--tls-key", key)
    puffin_options = ("--tls-ca", ca, "--tls-cert", cert, "--tls-key", key)
    for number in range(3):
        shop.add(*forge_sdist(f"thing{number}"))
    with Farm(tmp_path / "farm", scheme="tls", options=options, worker_options=options) as farm:
        farm.worker()
        puffin.executor = farm.ready().address
        assert puffin.executor.startswith("tls://")
        done = puffin.sync("thing0==1.0\n", "-i", shop.url, *puffin_options)
        assert done.code == 0, done.err
        section = "DASK_DISTRIBUTED__COMM__TLS__"
        told = {f"{section}CA_FILE": ca, f"{section}CLIENT__CERT": cert, f"{section}CLIENT__KEY": key}
        done = puffin.sync("thing1==1.0\n", "-i", shop.url, env=told)
        assert done.code == 0, done.err
        other = tls(authority, "other-")
        quick = {"PUFFIN_SCHEDULER_TIMEOUT": "3"}
        words = ("--tls-ca", other[0], "--tls-cert", other[1], "--tls-key", other[2])
        done = puffin.sync("thing2==1.0\n", "-i", shop.url, *words, env=quick)
        assert done.code == 75
        assert f"Failed to connect to the scheduler at `{puffin.executor}`" in done.err
        done = puffin.sync("thing2==1.0\n", "-i", shop.url, env=quick)
        assert done.code == 75, "no certificate is configured"
        assert f"Failed to connect to the scheduler at `{puffin.executor}`" in done.err


def test_the_whole_graph_runs_on_workers_that_share_the_files(puffin, env, shop, tmp_path):
    log = tmp_path / "told"
    shop.add(*forge_sdist("made", told=log))
    for number in range(6):
        shop.add(*forge_wheel(f"lib{number}", "1.0"))
    pins = "made==1.0\n" + "".join(f"lib{number}==1.0\n" for number in range(6))
    with Farm(tmp_path / "farm") as farm:
        farm.worker()
        farm.worker()
        puffin.executor = farm.ready().address
        done = puffin.sync(pins, "-i", shop.url, "--shared-filesystem")
        assert done.code == 0, done.err
        assert len(env.installed()) == 7
        assert env.run("-c", "import made; print(made.TOLD['imported'])") == "[]"
        assert workers_of(puffin, "unzip") <= {worker.address for worker in farm.workers}
        assert not any(worker.cache.exists() for worker in farm.workers), "they use the cache of the driver"
        assert list((puffin.cache / "tmp-v0").iterdir()) == []
        shop.add(*forge_sdist("broken", fail="missing"))
        puffin.venv(name="third")
        done = puffin.sync("broken==1.0\n", "-i", shop.url, "--shared-filesystem", "-p", "third")
        assert done.code == 1
        assert "it was done by the worker `tcp://127.0.0.1:" in done.err
        puffin.file("requirements.txt", pins)
        farm.workers[0].kill()
        farm.workers[1].kill()
        puffin.venv(name="other")
        done = puffin.sync(
            None, "-i", shop.url, "--shared-filesystem", "-p", "other", env={"PUFFIN_SCHEDULER_TIMEOUT": "3"}
        )
        assert done.code == 75
        assert "has no workers" in done.err
        assert list((puffin.cache / "tmp-v0").iterdir()) == []


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may hide files from a process"
)
def test_files_that_are_not_shared_are_noticed(puffin, env, shop, tmp_path):
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    shop.add(*forge_wheel("lib", "1.0"))
    hide = ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {puffin.cache} && exec "$@"', "sh")
    with Farm(tmp_path / "farm") as farm:
        farm.worker()
        blind = farm.worker(prefix=hide)
        puffin.executor = farm.ready().address
        done = puffin.sync("lib==1.0\n", "-i", shop.url, "--shared-filesystem")
    assert done.code == 2
    assert "error: `[TMP]/cache` is not shared with the workers\n" in done.err
    assert f"  `{blind.address}` does not see files written there\n" in done.err
    assert env.installed() == {}
