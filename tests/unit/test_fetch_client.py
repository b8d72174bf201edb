import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
import textwrap
import threading

import pytest

from puffin.errors import UsageError
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.credentials import Credentials
from puffin.stages.fetch.failures import (
    AccessDenied,
    CertificateRefused,
    FileFailed,
    NetworkFailed,
    OfflineError,
    RequestRefused,
)
from puffin.stages.fetch.network import Network
from puffin.stages.urls import file_url
from tests.helpers.scripted_server import Answer, ScriptedServer, gzipped

NOBODY = Credentials({"NETRC": os.devnull + "-none"})


def script(*answers):
    """Give the answers one after the other, the last one again and again."""
    left = list(answers)
    return lambda _seen: left.pop(0) if len(left) > 1 else left[0]


def client(slept=None, credentials=NOBODY, **settings):
    sleep = [].append if slept is None else slept.append
    return Client(Network(**settings), credentials=credentials, sleep=sleep)


def get(server, path="/", headers=None, url="", **settings):
    with client(**settings) as mine:
        return mine.get(url or server.url(path), headers)


def test_a_page():
    with ScriptedServer(
        script(Answer(b"hello", headers={"X-Thing": "a", "Content-Type": "text/html"}))
    ) as server:
        reply = get(server, "/simple/x/?a=b%2Fc", {"Accept": "text/html"})
        assert (reply.status, reply.body, reply.url) == (200, b"hello", server.url("/simple/x/?a=b%2Fc"))
        assert reply.headers["x-thing"] == "a"
        (seen,) = server.seen
        assert seen.path == "/simple/x/?a=b%2Fc"
        assert seen.headers["accept"] == "text/html"
        assert seen.headers["user-agent"].startswith("puffin/")
        assert seen.headers["host"] == f"127.0.0.1:{server.port}"
        assert "gzip" in seen.headers["accept-encoding"]
        assert "authorization" not in seen.headers


@pytest.mark.parametrize("body", [b"", b"x", b"page " * 100_000])
def test_chunked_gzipped_and_empty_pages(body):
    answers = [Answer(body, chunked=True), gzipped(body), Answer(body)]
    with ScriptedServer(script(*answers)) as server, client() as mine:
        assert [mine.get(server.url()).body for _ in answers] == [body] * 3
        assert server.connections == 1


def test_zstandard_pages():
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.ZstdCompressor().compress(b"page " * 1000)
    with ScriptedServer(script(Answer(packed, headers={"Content-Encoding": "zstd"}))) as server:
        assert get(server).body == b"page " * 1000
        assert "zstd" in server.seen[0].headers["accept-encoding"]


@pytest.mark.parametrize("status", [304, 404])
def test_some_refusals_are_replies(status):
    with ScriptedServer(script(Answer(status=status, headers={"ETag": '"x"'}))) as server, client() as mine:
        reply = mine.get(server.url())
        assert (reply.status, reply.headers["etag"]) == (status, '"x"')
        assert mine.get(server.url()).status == status
        assert server.connections == 1


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_status_that_may_pass_is_tried_again(status):
    slept = []
    with ScriptedServer(script(Answer(status=status), Answer(status=status), Answer(b"ok"))) as server:
        assert get(server, slept=slept).body == b"ok"
        assert slept == [0.1, 0.2]
        assert server.connections == 1


def test_the_server_says_when_to_come_back():
    slept = []
    answers = [Answer(status=503, headers={"Retry-After": seconds}) for seconds in ("3", "9999")]
    with ScriptedServer(script(*answers, Answer(b"ok"))) as server:
        get(server, slept=slept)
    assert slept == [3.0, 10.0]


def test_always_503():
    slept = []
    problem = json.dumps({"title": "Closed", "detail": "Back\nat nine"}).encode()
    answer = Answer(problem, status=503, headers={"Content-Type": "application/problem+json; charset=utf-8"})
    with ScriptedServer(script(answer)) as server:
        with pytest.raises(NetworkFailed) as raised:
            get(server, url=server.url("/x", userinfo="me:secret@"), slept=slept, retries=2)
        assert (
            raised.value.summary()
            == f"Failed to fetch `http://****@127.0.0.1:{server.port}/x` after 3 attempts"
        )
        cause = raised.value.causes[0].summary()
        assert cause == "the server answered 503 Service Unavailable: Closed: Back at nine"
        assert raised.value.status == 503
        assert len(server.seen) == 3


@pytest.mark.parametrize(
    "broken",
    [
        Answer(cut=-1),
        Answer(b"half of it", cut=4),
        Answer(b"half of it" * 1000, cut=1500, chunked=True),
        Answer(b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["hung up", "cut", "cut in a chunk", "not decodable"],
)
def test_broken_answers_are_tried_again(broken):
    slept = []
    with ScriptedServer(script(broken, Answer(b"ok"))) as server:
        assert get(server, slept=slept).body == b"ok"
    assert slept == [0.1]


def test_nobody_listens():
    with ScriptedServer(script(Answer())) as server:
        url = server.url()
    slept = []
    with pytest.raises(NetworkFailed) as raised:
        get(None, url=url, slept=slept)
    assert slept == [0.1, 0.2, 0.4]
    assert raised.value.attempts == 4
    assert "refused" in raised.value.causes[0].summary()


def test_a_server_that_falls_silent():
    release = threading.Event()

    def silent(_seen):
        release.wait(10)
        return Answer()

    with ScriptedServer(silent) as server:
        with pytest.raises(NetworkFailed) as raised:
            get(server, timeout=0.05, retries=1)
        release.set()
        assert "timeout" in raised.value.causes[0].summary()
        assert raised.value.attempts == 2


def test_a_stale_connection_is_replaced_without_counting_as_a_failure():
    slept = []
    with (
        ScriptedServer(script(Answer(b"1", hang_up=True), Answer(b"2"), Answer(b"3"))) as server,
        client(slept) as mine,
    ):
        assert [mine.get(server.url()).body for _ in range(3)] == [b"1", b"2", b"3"]
        assert server.connections == 2
        assert slept == []


@pytest.mark.parametrize("status", [401, 403])
def test_denied_without_credentials(status):
    problem = json.dumps({"title": "Quarantined", "detail": "policy 7", "status": 3}).encode()
    answer = Answer(problem, status=status, headers={"Content-Type": "application/problem+json"})
    with ScriptedServer(script(answer)) as server, pytest.raises(AccessDenied) as raised:
        get(server, "/private")
    assert raised.value.summary().startswith(f"Access to `{server.url('/private')}` was denied: HTTP {status}")
    assert raised.value.causes[0].summary() == "Quarantined: policy 7"
    assert "https://user:password@127.0.0.1/" in raised.value.hints[0]
    assert "netrc" in raised.value.hints[0]
    assert raised.value.exit_code == 1
    assert len(server.seen) == 1


def test_denied_with_wrong_credentials_never_echoes_them():
    with ScriptedServer(script(Answer(status=401))) as server, pytest.raises(AccessDenied) as raised:
        get(server, url=server.url("/x", userinfo="me:hunter2@"))
    everything = "\n".join((str(raised.value), *raised.value.hints, repr(raised.value.__dict__)))
    assert "hunter2" not in everything
    assert "did not accept" in raised.value.hints[0]


def test_a_damaged_netrc_is_named_when_access_is_denied(tmp_path):
    (tmp_path / "netrc").write_text("machine host nonsense")
    credentials = Credentials({"NETRC": str(tmp_path / "netrc")})
    with ScriptedServer(script(Answer(status=401))) as server, pytest.raises(AccessDenied) as raised:
        get(server, credentials=credentials)
    assert str(tmp_path / "netrc") in raised.value.hints[1]


def test_other_refusals_are_final():
    with ScriptedServer(script(Answer(status=410))) as server, pytest.raises(RequestRefused) as raised:
        get(server, "/gone")
    assert raised.value.summary() == f"Failed to fetch `{server.url('/gone')}`: HTTP 410 Gone"
    assert len(server.seen) == 1


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"title": 1}', b"\xff", b"[" * 100_000])
def test_problem_descriptions_that_are_none(body):
    answer = Answer(body, status=403, headers={"Content-Type": "application/problem+json"})
    with ScriptedServer(script(answer)) as server, pytest.raises(AccessDenied) as raised:
        get(server)
    assert raised.value.causes == ()


def _authorised(seen):
    header = seen.headers.get("authorization", "")
    return base64.b64decode(header.removeprefix("Basic ")).decode() if header else ""


def test_credentials_come_from_the_url_or_netrc(tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    credentials = Credentials({"NETRC": str(tmp_path / "netrc")})
    with ScriptedServer(script(Answer())) as server, client(credentials=credentials) as mine:
        reply = mine.get(server.url("/", userinfo="u%40x:p%2Fw@"))
        mine.get(server.url("/"))
        mine.get(server.url("/", host="localhost"))
        assert [_authorised(seen) for seen in server.seen] == ["u@x:p/w", "me:secret", ""]
        assert reply.url == server.url("/")


def _redirects(seen):
    if seen.path.startswith("/to/"):
        return Answer(b"elsewhere", status=302, headers={"Location": seen.path.removeprefix("/to/")})
    return Answer(b"here")


def test_a_redirect_to_another_host_drops_the_credentials():
    with ScriptedServer(_redirects) as server:
        target = server.url("/file", host="localhost")
        reply = get(server, url=server.url(f"/to/{target}", userinfo="me:secret@"))
        assert (reply.body, reply.url) == (b"here", target)
        assert [_authorised(seen) for seen in server.seen] == ["me:secret", ""]
        assert server.seen[1].headers["host"] == f"localhost:{server.port}"


def test_a_redirect_to_another_port_drops_the_credentials():
    with ScriptedServer(script(Answer(b"other"))) as other, ScriptedServer(_redirects) as server:
        reply = get(server, url=server.url(f"/to/{other.url('/file')}", userinfo="me:secret@"))
        assert reply.body == b"other"
        assert _authorised(other.seen[0]) == ""


def test_a_redirect_within_the_host_keeps_the_credentials_and_the_connection():
    with ScriptedServer(_redirects) as server:
        reply = get(server, url=server.url("/to//file", userinfo="me:secret@"))
        assert (reply.body, reply.url) == (b"here", server.url("/file"))
        assert [_authorised(seen) for seen in server.seen] == ["me:secret", "me:secret"]
        assert server.connections == 1


def test_a_redirect_finds_netrc_entries_by_name_but_not_the_default_one(tmp_path):
    (tmp_path / "named").write_text("machine localhost login there password secret")
    (tmp_path / "default").write_text("default login any password open")
    with ScriptedServer(_redirects) as server:
        url = server.url(f"/to/{server.url('/file', host='localhost')}")
        for name in ("named", "default"):
            get(server, url=url, credentials=Credentials({"NETRC": str(tmp_path / name)}))
        assert [_authorised(seen) for seen in server.seen] == ["", "there:secret", "any:open", ""]


def test_redirects_without_end():
    with ScriptedServer(script(Answer(status=302, headers={"Location": "/"}))) as server:
        with pytest.raises(RequestRefused) as raised:
            get(server)
        assert "redirects" in raised.value.causes[0].summary()
        assert len(server.seen) == 21


def test_a_redirect_cannot_reach_files(tmp_path):
    (tmp_path / "x").write_text("mine")
    with ScriptedServer(_redirects) as server, pytest.raises(UsageError, match="file"):
        get(server, f"/to/{file_url(str(tmp_path / 'x'))}")


@pytest.mark.parametrize("url", ["ftp://host/x", "nonsense", "http://[::1/x", "http://user:hunter2@h\x00st/"])
def test_urls_that_cannot_be_fetched(url):
    with pytest.raises(UsageError) as raised:
        get(None, url=url)
    assert "hunter2" not in str(raised.value)


def test_offline_asks_nobody():
    with ScriptedServer(script(Answer())) as server:
        with pytest.raises(OfflineError) as raised:
            get(server, url=server.url("/x", userinfo="a:b@"), offline=True)
        assert server.seen == []
    assert f"`http://****@127.0.0.1:{server.port}/x`" in raised.value.summary()
    assert "--offline" in raised.value.hints[0]


def test_file_urls(tmp_path):
    (tmp_path / "index.html").write_bytes(b"<html>")
    (tmp_path / "page.JSON").write_bytes(b"{}")
    with client(offline=True) as mine:
        directory = mine.get(file_url(str(tmp_path)))
        assert (directory.status, directory.body) == (200, b"<html>")
        assert directory.url.endswith("/")
        assert (
            mine.get("FILE" + file_url(str(tmp_path / "page.JSON"))[4:]).headers["content-type"]
            == "application/json"
        )
        assert mine.get(file_url(str(tmp_path / "none"))).status == 404
        with pytest.raises(FileFailed):
            mine.get(file_url(str(tmp_path / ("x" * 300))))


def test_many_threads_share_one_client():
    wrong = []
    with ScriptedServer(lambda seen: Answer(seen.path.encode() * 1000, chunked="odd" in seen.path)) as server:
        with client() as mine:

            def work(number):
                for turn in range(20):
                    path = f"/{number}/{'odd' if turn % 2 else 'even'}/{turn}"
                    if mine.get(server.url(path)).body != path.encode() * 1000:
                        wrong.append(path)

            threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert wrong == []
        assert len(server.seen) == 160
        assert server.connections <= 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_shares_no_connection():
    program = textwrap.dedent("""
        import os, sys
        from puffin.stages.fetch.client import Client
        from puffin.stages.fetch.network import Network

        client = Client(Network())
        url = sys.argv[1]
        assert client.get(url + "first").body == b"/first"
        child = os.fork()
        if not child:
            os._exit(client.get(url + "child").body != b"/child")
        status = os.waitpid(child, 0)[1]
        assert client.get(url + "parent").body == b"/parent"
        sys.exit(status != 0)
    """)
    with ScriptedServer(lambda seen: Answer(seen.path.encode())) as server:
        command = [sys.executable, "-c", program, server.url("/")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert (run.returncode, run.stderr) == (0, "")
        assert {seen.path: seen.connection for seen in server.seen} == {"/first": 1, "/child": 2, "/parent": 1}


def test_a_proxy_is_used_where_it_should_be():
    with (
        ScriptedServer(lambda seen: Answer(b"proxied " + seen.path.encode())) as proxy,
        ScriptedServer(script(Answer(b"direct"))) as server,
    ):
        settings = {"http_proxy": f"http://u:p@127.0.0.1:{proxy.port}", "no_proxy": "127.0.0.1"}
        assert get(None, url="http://index.invalid/x", **settings).body == b"proxied http://index.invalid/x"
        assert get(server, **settings).body == b"direct"
        assert base64.b64decode(proxy.seen[0].headers["proxy-authorization"].split()[1]) == b"u:p"
        assert len(proxy.seen) == 1


def test_a_proxy_that_cannot_be_used_is_a_matter_of_configuration():
    with pytest.raises(UsageError) as raised:
        get(None, url="http://index.invalid/x", proxy="gopher://u:hunter2@p")
    assert "gopher" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.fixture
def keyring(tmp_path):
    """A `keyring` command that knows `me` on 127.0.0.1 and notes what it was asked."""
    command = tmp_path / "bin" / "keyring"
    command.parent.mkdir()
    command.write_text(
        "#!/bin/sh\n"
        f'echo "$*" >> {tmp_path}/asked\n'
        'case "$*" in\n'
        '  "get 127.0.0.1:"*" me") echo s3cret ;;\n'
        '  "--mode creds get 127.0.0.1:"*) echo me; echo s3cret ;;\n'
        "  *) exit 1 ;;\n"
        "esac\n"
    )
    command.chmod(0o755)
    (tmp_path / "asked").touch()
    environ = {"PATH": f"{command.parent}:/usr/bin:/bin", "NETRC": str(tmp_path / "none")}
    return lambda mode: Credentials(
        environ, keyring=mode
    ), lambda: (tmp_path / "asked").read_text().splitlines()


def _guarded(seen):
    return Answer(b"in") if _authorised(seen) == "me:s3cret" else Answer(b"out", status=401)


SHELL = pytest.mark.skipif(os.name == "nt", reason="the fake command is a shell script")


@SHELL
def test_the_keyring_is_asked_when_a_server_wants_credentials_and_once(keyring):
    made, asked = keyring
    with ScriptedServer(_guarded) as server, client(credentials=made("auto")) as mine:
        origin = f"127.0.0.1:{server.port}"
        assert [mine.get(server.url(path)).body for path in ("/a", "/b")] == [b"in", b"in"]
        assert asked() == [f"--mode creds get http://{origin}/a", f"--mode creds get {origin}"]
        assert [_authorised(seen) for seen in server.seen] == ["", "me:s3cret", "me:s3cret"]
        assert mine.get(server.url("/c", userinfo="me@")).body == b"in"
        assert asked()[2:] == [f"get http://{origin}/c me", f"get {origin} me"]


@SHELL
def test_the_keyring_as_a_subprocess_is_asked_before_the_first_request(keyring):
    made, asked = keyring
    with ScriptedServer(_guarded) as server, client(credentials=made("subprocess")) as mine:
        assert mine.get(server.url("/a", userinfo="me@")).body == b"in"
        assert [_authorised(seen) for seen in server.seen] == ["me:s3cret"]
        assert len(asked()) == 2


@SHELL
def test_who_is_not_in_the_keyring_is_denied(keyring):
    made, asked = keyring
    with ScriptedServer(_guarded) as server, client(credentials=made("auto")) as mine:
        for _ in range(2):
            with pytest.raises(AccessDenied):
                mine.get(server.url("/a", userinfo="you@"))
        with pytest.raises(AccessDenied):
            mine.get(server.url("/a", userinfo="you:wrong@"))
        assert len(asked()) == 2, "an answer is remembered, and a password that was given is not doubted"
    with ScriptedServer(_guarded) as server, client(credentials=made("disabled")) as mine:
        with pytest.raises(AccessDenied):
            mine.get(server.url("/a", userinfo="me@"))
        assert len(asked()) == 2


def test_a_keyring_that_is_not_there_is_told_where_it_was_asked_for(tmp_path):
    environ = {"PATH": str(tmp_path), "NETRC": str(tmp_path / "none")}
    for mode, hint in (("subprocess", True), ("auto", False)):
        with ScriptedServer(_guarded) as server, client(credentials=Credentials(environ, keyring=mode)) as mine:
            with pytest.raises(AccessDenied) as raised:
                mine.get(server.url("/"))
            assert ("there is no command `keyring` on the `PATH`" in raised.value.hints) is hint


def test_a_user_in_the_url_takes_the_password_of_that_user_from_netrc(tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    credentials = Credentials({"NETRC": str(tmp_path / "netrc")})
    with ScriptedServer(script(Answer())) as server, client(credentials=credentials) as mine:
        for user in ("me@", "you@"):
            mine.get(server.url("/", userinfo=user))
        assert [_authorised(seen) for seen in server.seen] == ["me:secret", "you:"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command")
    path = tmp_path_factory.mktemp("tls")
    names = ["-keyout", str(path / "key.pem"), "-out", str(path / "cert.pem")]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=puffin tests", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([openssl, "req", *kind, *names, *subject], check=True, capture_output=True)
    return path


@pytest.fixture
def secure(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with ScriptedServer(script(Answer(b"secret page")), context=context) as server:
        yield server


def test_a_certificate_that_is_not_trusted_is_refused_at_once(secure):
    slept = []
    with pytest.raises(CertificateRefused) as raised:
        get(secure, url=secure.url(host="localhost"), slept=slept)
    assert slept == []
    assert "SSL_CERT_FILE" in raised.value.hints[0]
    assert "--trusted-host localhost" in raised.value.hints[1]
    assert "self" in raised.value.causes[0].summary()


def test_the_users_certificates_and_trusted_hosts(secure, certificate):
    bundle = str(certificate / "cert.pem")
    assert get(secure, url=secure.url(host="localhost"), ca_bundle=bundle).body == b"secret page"
    assert get(secure, trusted_hosts=(f"127.0.0.1:{secure.port}",)).body == b"secret page"
    with pytest.raises(CertificateRefused):  # the certificate is for another name
        get(secure, ca_bundle=bundle)


@pytest.mark.parametrize("setting", ["ca_bundle", "client_cert"])
def test_certificate_files_that_cannot_be_read_are_named(setting, tmp_path):
    with pytest.raises(UsageError, match=r"missing\.pem"):
        get(None, url="https://127.0.0.1:1/", **{setting: str(tmp_path / "missing.pem")})
