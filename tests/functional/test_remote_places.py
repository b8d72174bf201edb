"""Schedulers with TLS, workers that share a file system, and workers behind networks of their own."""

import os
import shutil
import subprocess
import sys
import threading

import pytest

from tests.helpers.cli import Env
from tests.helpers.dask_farm import Farm, workers_of
from tests.helpers.remote_cache import RemoteCacheServer
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.waiting import SECONDS, until
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


@pytest.fixture
def networks():
    """Two network namespaces, each with a line to this one: name, address there, address here, the line's name."""
    if not shutil.which("ip") or os.geteuid() != 0:
        pytest.skip("only root may make network namespaces")
    made = []
    try:
        for number in (1, 2):
            name = f"puffin{os.getpid()}x{number}"
            line, end = f"pf{os.getpid() % 100000}a{number}", f"pf{os.getpid() % 100000}b{number}"
            here, there = f"10.213.{number}.1", f"10.213.{number}.2"
            made.append((name, there, here, line))
            for words in (
                f"netns add {name}",
                f"link add {line} type veth peer name {end} netns {name}",
                f"addr add {here}/24 dev {line}",
                f"link set {line} up",
                f"-n {name} addr add {there}/24 dev {end}",
                f"-n {name} link set {end} up",
                f"-n {name} link set lo up",
                f"-n {name} route add default via {here}",
            ):
                done = subprocess.run(["ip", *words.split()], capture_output=True, text=True)
                if done.returncode:
                    pytest.skip(f"network namespaces cannot be made: {done.stderr.strip()}")
        yield made
    finally:
        for name, _, _, line in made:
            subprocess.run(["ip", "link", "del", line], capture_output=True)
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def test_a_worker_is_cut_off_while_it_builds(puffin, env, shop, networks, tmp_path):
    """The workers cannot reach the index either, which is on the loopback interface: they are brought all files."""
    note, done = tmp_path / "where", tmp_path / "second"
    code = (
        "import os, subprocess, time\n"
        f"first = not os.path.exists({str(done)!r})\n"
        f"open({str(done)!r}, 'w').close()\n"
        "if first:\n"
        f"    open({str(note)!r}, 'w').write(os.readlink('/proc/self/ns/net'))\n"
        "    time.sleep(600)\n"
    )
    shop.add(*forge_wheel("cut-hook", "1.0", {"cut_hook.py": code}))
    shop.add(*forge_sdist("cut", needs=("toy", "cut-hook"), imports=("cut_hook",)))
    with Farm(tmp_path / "farm", host=networks[0][2]) as farm:
        for name, there, _, _ in networks:
            farm.worker("--host", there, prefix=("ip", "netns", "exec", name))
        farm.ready()
        puffin.file("requirements.txt", "cut==1.0\n")
        words = ("pip", "sync", "requirements.txt", "-i", shop.url, "--executor", farm.address)
        process = subprocess.Popen(
            [sys.executable, "-m", "puffin", *words], cwd=puffin.cwd, stderr=subprocess.PIPE, text=True,
            env=puffin.environ(PUFFIN_WORKER_TIMEOUT="6"),
        )  # fmt: skip
        watch = threading.Timer(SECONDS, process.kill)
        watch.start()
        where = until(lambda: note.exists() and note.read_text())
        worker = next(each for each in farm.workers if namespace_of(each) == where)
        line = networks[farm.workers.index(worker)][3]
        subprocess.run(["ip", "link", "set", line, "down"], check=True)
        _, told = process.communicate()
        watch.cancel()
        assert process.returncode == 0, told
    assert env.installed() == {"cut": "1.0"}


def test_two_builds_at_once_on_workers_that_reach_no_index(puffin, env, shop, networks, tmp_path):
    """Both workers say that they cannot fetch, and both are sent the bytes."""
    names = [f"far{number}" for number in range(4)]
    for name in names:
        shop.add(*forge_sdist(name))
    with Farm(tmp_path / "farm", host=networks[0][2]) as farm:
        for name, there, _, _ in networks:
            farm.worker("--host", there, prefix=("ip", "netns", "exec", name), threads=2)
        puffin.executor = farm.ready().address
        done = puffin.sync("".join(f"{name}==1.0\n" for name in names), "-i", shop.url)
    assert done.code == 0, done.err
    assert env.installed() == dict.fromkeys(names, "1.0")


def test_what_a_worker_that_reaches_nothing_built_is_shared(puffin, shop, networks, tmp_path):
    """It reaches neither the index nor the remote cache: this machine sends it the bytes, and uploads the wheel."""
    told = tmp_path / "told"
    shop.add(*forge_sdist("far", told=told))
    with RemoteCacheServer() as cache, Farm(tmp_path / "farm", host=networks[0][2]) as farm:
        farm.worker("--host", networks[0][1], prefix=("ip", "netns", "exec", networks[0][0]))
        address = farm.ready().address
        environ = {
            "PUFFIN_REMOTE_CACHE": cache.url, "PUFFIN_REMOTE_CACHE_KEY": "k" * 32, "PUFFIN_REMOTE_CACHE_TIMEOUT": "60"
        }  # fmt: skip
        for machine, words in (("first", ("--executor", address, "--remote-cache-write")), ("second", ())):
            made = puffin.venv(name=machine)
            where = ("-p", machine, "--cache-dir", puffin.root / f"cache-{machine}", "-i", shop.url)
            done = puffin.sync("far==1.0\n", *where, *words, env=environ)
            assert (done.code, "warning" in done.err) == (0, False), done.err
            assert made.installed() == {"far": "1.0"}
    assert told.read_text().count("wheel far") == 1


def test_machines_in_networks_of_their_own_get_an_environment(puffin, shop, networks, tmp_path):
    """They reach no index, and each other only if this machine forwards; what no worker gives is brought."""
    shop.add(*forge_sdist("made"))
    shop.add(*forge_wheel("lib", "1.0"))
    puffin.file("requirements.txt", "made==1.0\nlib==1.0\n")
    with Farm(tmp_path / "farm", host=networks[0][2]) as farm:
        for name, there, _, _ in networks:
            farm.worker("--host", there, prefix=("ip", "netns", "exec", name))
        farm.ready()
        done = puffin("sync", "requirements.txt", "-i", shop.url, "--on", farm.address, "--path", "~/env")
        assert done.code == 0, done.err
        for worker in farm.workers:
            assert Env(worker.root / "home" / "env").installed() == {"lib": "1.0", "made": "1.0"}
    fetched = [
        each.path for each in shop.requests if "/files/" in each.path and not each.path.endswith(".metadata")
    ]
    assert len(fetched) == len({*fetched})


def namespace_of(worker):
    """Return the network namespace of a worker."""
    return os.readlink(f"/proc/{worker.pid}/ns/net")
