"""The network options of commands: a company's index, its certificates, proxies, and patience."""

import pytest

from tests.helpers.certificates import Authority
from tests.helpers.cli import told
from tests.helpers.index_server import IndexServer
from tests.helpers.wheels import forge_wheel

INSTALLED = told("+ alpha==1.0", pins=1, prepared=1, installed=1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def corp(puffin, authority):
    """An index of a company: TLS by its own authority, basic auth, relative links, no hashes."""
    with IndexServer(context=authority.context(), auth=("me", "s3cret"), relative=True, mode="html") as server:
        server.add(*forge_wheel("alpha", "1.0"), hashes=False)
        puffin.names[server.root] = "[CORP]"
        yield server


def test_a_companys_index(puffin, env, corp, authority):
    url = corp.url_with("me", "s3cret")
    assert puffin.sync("alpha==1.0\n", "-i", url, "--cert", authority.ca).err == INSTALLED
    puffin.file("a.in", "alpha\n")
    environ = {"PUFFIN_CERT": str(authority.ca), "PUFFIN_INDEX_URL": url}
    done = puffin("pip", "compile", "a.in", "--no-header", "--generate-hashes", "--emit-index-url", env=environ)
    assert done.out.startswith("--index-url [CORP]/simple\n\nalpha==1.0 \\\n    --hash=sha256:")
    assert puffin("pip", "install", "alpha", "--reinstall", "--refresh", env=environ).code == 0


@pytest.mark.parametrize("words", [("--trusted-host", "127.0.0.1"), ()])
def test_without_the_authority_only_a_trusted_host_goes(puffin, env, corp, words):
    url = corp.url_with("me", "s3cret")
    done = puffin.sync("alpha==1.0\n", "-i", url, *words)
    if words:
        assert done.err == INSTALLED
        return
    assert done.code == 1
    assert "/simple/alpha/`: the certificate of its host was refused" in done.err
    assert "s3cret" not in done.raw_err


def test_certificates_and_hosts_of_pips_configuration_and_of_files(puffin, env, corp, authority):
    url = corp.url_with("me", "s3cret")
    assert (
        puffin.sync("alpha==1.0\n", env=puffin.pip_conf(index_url=url, cert=str(authority.ca))).err == INSTALLED
    )
    host = corp.root.partition("//")[2]
    done = puffin.sync(f"--trusted-host {host}\nalpha==1.0\n", "-i", url, "--reinstall", "--refresh")
    assert done.code == 0
    done = puffin.sync("alpha==1.0\n", "-i", url, "--reinstall", "--refresh", env={"PUFFIN_TRUSTED_HOST": host})
    assert done.code == 0


def test_a_server_that_wants_a_certificate(puffin, env, authority):
    with IndexServer(context=authority.context(client=True)) as server:
        server.add(*forge_wheel("alpha", "1.0"))
        words = ("-i", server.url, "--cert", authority.ca)
        assert puffin.sync("alpha==1.0\n", *words, "--retries", "0").code == 75
        assert puffin.sync(None, *words, "--client-cert", authority.client).err == INSTALLED
        conf = puffin.pip_conf(client_cert=str(authority.client))
        assert puffin.sync(None, *words, "--reinstall", "--refresh", env=conf).code == 0


def test_netrc_is_used_with_its_default_entry_too(puffin, env, index):
    index.auth = ("me", "s3cret")
    index.add(*forge_wheel("alpha", "1.0"))
    netrc = puffin.home / ".netrc"
    netrc.write_text("default login me password s3cret\n")
    netrc.chmod(0o600)
    assert puffin.sync("alpha==1.0\n", "-i", index.url).err == INSTALLED


def test_the_keyring_command(puffin, env, index, tmp_path):
    index.auth = ("me", "s3cret")
    index.add(*forge_wheel("alpha", "1.0"))
    command = tmp_path / "bin" / "keyring"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\n[ "$1 $3" = "get me" ] && echo s3cret\n')
    command.chmod(0o755)
    path = {"PATH": f"{command.parent}:/usr/bin:/bin"}
    url = index.url_with("me")
    done = puffin.sync("alpha==1.0\n", "-i", url, "--keyring-provider", "disabled", env=path)
    assert (done.code, "was denied: HTTP 401" in done.err) == (1, True)
    assert puffin.sync(None, "-i", url, env=path).err == INSTALLED
    for provider in ("subprocess", "import"):
        before = len(index.requests)
        words = ("-i", url, "--reinstall", "--refresh")
        assert puffin.sync(None, *words, env={**path, "PIP_KEYRING_PROVIDER": provider}).code == 0
        assert all("authorization" in request.headers for request in index.requests[before:])


def test_a_proxy(puffin, env, index):
    name, data = forge_wheel("alpha", "1.0")
    page = f'<!DOCTYPE html><a href="http://shop.invalid/{name}">{name}</a>'.encode()
    index.serve("http://shop.invalid/simple/alpha/", page)
    index.serve(f"http://shop.invalid/{name}", data, "application/octet-stream")
    words = ("-i", "http://shop.invalid/simple", "--proxy", index.root)
    assert puffin.sync("alpha==1.0\n", *words).err == INSTALLED
    assert puffin.sync(None, *words[:2], "--reinstall", "--refresh", env={"PUFFIN_PROXY": index.root}).code == 0
    conf = puffin.pip_conf(proxy=index.root)
    assert puffin.sync(None, *words[:2], "--reinstall", "--refresh", env=conf).code == 0


def test_retries_and_timeout(puffin, env, index):
    index.add(*forge_wheel("alpha", "1.0"))
    index.fail("/simple/alpha/", [503], forever=True)
    for words, environ, attempts in (
        (("--retries", "1"), {}, 2),
        ((), {"PUFFIN_RETRIES": "0"}, 1),
        ((), {"PIP_RETRIES": "2"}, 3),
    ):
        done = puffin.sync("alpha==1.0\n", "-i", index.url, *words, env=environ)
        assert done.code == 75
        assert f"after {attempts} attempt" in done.err
    index.fail("/simple/alpha/", ["slow"], forever=True)
    for words, environ in ((("--timeout", "0.2"), {}), ((), {"PIP_DEFAULT_TIMEOUT": "0.2"})):
        done = puffin.sync("alpha==1.0\n", "-i", index.url, "--retries", "0", *words, env=environ)
        assert done.code == 75
        assert "the server stopped answering (read timeout)" in done.err


def test_an_index_that_sends_no_headers_is_asked_again_only_after_a_while(puffin, env):
    with IndexServer(cache_control="", etags=False) as server:
        server.add(*forge_wheel("alpha", "1.0"))
        puffin.file("a.in", "alpha\n")
        words = ("pip", "compile", "a.in", "-i", server.url)
        assert puffin(*words).code == puffin(*words).code == 0
        assert server.count("/simple/alpha/") == 1
        puffin(*words, "--refresh")
        assert server.count("/simple/alpha/") == 2


def test_an_index_that_forbids_keeping_its_pages(puffin):
    with IndexServer(cache_control="no-store", etags=False) as server:
        server.add(*forge_wheel("alpha", "1.0"))
        puffin.file("a.in", "alpha\n")
        for _ in range(2):
            assert puffin("pip", "compile", "a.in", "-i", server.url).code == 0
        assert server.count("/simple/alpha/") == 2


def test_a_page_that_did_not_change_is_not_sent_again(puffin):
    with IndexServer(cache_control="no-cache") as server:
        server.add(*forge_wheel("alpha", "1.0"))
        puffin.file("a.in", "alpha\n")
        for _ in range(2):
            assert puffin("pip", "compile", "a.in", "-i", server.url).code == 0
        asked = [each.headers.get("if-none-match") for each in server.requests if each.path == "/simple/alpha/"]
        assert [bool(each) for each in asked] == [False, True]
