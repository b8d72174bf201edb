"""Remote caches on real servers: nginx as the documents configure it, and S3 as moto serves it."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.functional.test_docs_blocks import blocks, kind_of
from tests.functional.test_remote_cache import Machine, stocked
from tests.helpers.remote_cache import RemoteCacheServer


@pytest.fixture
def log(tmp_path):
    return tmp_path / "told"


@pytest.fixture
def shop(index, log):
    return stocked(index, log, lines=30000)


@pytest.fixture
def port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _wait(host, port, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as sock:
            if sock.connect_ex((host, port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the server does not listen")


@contextmanager
def nginx_at(root, host, port):
    """The server of the documents, without its password, with its files in *root*; yields its URL."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    (root / "tmp").mkdir(parents=True)
    [server] = [block for block in blocks("docs/REMOTE-CACHE.md") if kind_of(block) == "nginx"]
    server = server.replace("8080", f"{host}:{port}").replace("/var/cache/puffin", str(root))
    start, end = server.index("limit_except"), server.index("}", server.index("limit_except")) + 1
    server = server[:start] + server[end:]
    temporary = "".join(f"{name}_temp_path {root}/{name};" for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
    configuration = root / "nginx.conf"
    configuration.write_text(
        f"{'user root;' if os.getuid() == 0 else ''} daemon off; pid {root}/pid; error_log {root}/errors;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{server}\n}}\n"
    )
    process = subprocess.Popen(["nginx", "-p", str(root), "-c", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        _wait(host, port, process)
        yield f"http://{host}:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def nginx(tmp_path, port):
    """Yields the directory of the files of nginx, and its URL."""
    with nginx_at(tmp_path / "nginx", "127.0.0.1", port) as url:
        yield tmp_path / "nginx", url


@contextmanager
def bucket_at(host, port):
    """A bucket of moto's server; yields its URL, and the variables that lead there."""
    moto = shutil.which(
        "moto_server"
    )  # of an environment of its own: with s3fs in one, pip looks for versions for minutes
    if moto is None or importlib.util.find_spec("s3fs") is None:
        pytest.skip("moto's server or s3fs is not installed")
    environ = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    process = subprocess.Popen(
        [moto, "-H", host, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(host, port, process)
        made = subprocess.run(
            [sys.executable, "-c", "import s3fs; s3fs.S3FileSystem().mkdir('wheels')"],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr
        yield "s3://wheels/linux", environ
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def bucket(port):
    """A bucket, as its URL and the variables that lead there."""
    with bucket_at("127.0.0.1", port) as made:
        yield made


PINS = "alpha==1.0\nthing==1.0\n"


def _serve(puffin, shop, log, url, **environ):
    first, second = Machine(puffin, "first", shop), Machine(puffin, "second", shop)
    done = first.sync(url, "--compile-bytecode", "--remote-cache-write", pins=PINS, **environ)
    assert "warning" not in done.err, done.err
    done = second.sync(url, "--compile-bytecode", pins=PINS, **environ)
    assert "warning" not in done.err, done.err
    assert second.files_asked == []
    assert second.compiled() == first.compiled() != []
    assert log.read_text().count("wheel thing") == 1


def test_nginx_serves(puffin, shop, log, nginx):
    root, url = nginx
    _serve(puffin, shop, log, url)
    assert list((root / "cas").iterdir())
    assert list((root / "ac").iterdir())


def test_a_server_with_the_rules_of_bazel_remote_serves(puffin, shop, log):
    with RemoteCacheServer("strict") as server:
        _serve(puffin, shop, log, server.url)
        assert {path.split("/")[1] for path in server.objects} == {"cas", "ac"}
        done = puffin("cache", "size", "--remote", "--remote-cache", server.url)
        assert done.out == f"{server.bytes_held}\n"


def test_a_bucket_serves(puffin, shop, log, bucket):
    url, environ = bucket
    _serve(puffin, shop, log, url, PUFFIN_REMOTE_CACHE_TIMEOUT="20", **environ)


def test_a_bucket_that_is_not_there_costs_a_line(puffin, shop, bucket):
    _, environ = bucket
    done = Machine(puffin, "first", shop).sync(
        "s3://absent/x", "--remote-cache-write", pins="alpha==1.0\n", **environ
    )
    assert done.err.count("warning: The remote cache `s3://absent/x` is not used any more in this run") == 1
