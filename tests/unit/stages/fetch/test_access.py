"""Who the HTTP client says it is, and whom it trusts: credentials, the keyring, certificates."""

import base64
import json
import os
import shutil
import ssl
import subprocess

import pytest

from puffin.errors import UsageError
from puffin.stages.fetch.credentials import Credentials
from puffin.stages.fetch.failures import AccessDenied, CertificateRefused
from tests.helpers.fetching import client, get, redirects, script
from tests.helpers.scripted_server import Answer, ScriptedServer


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


def test_a_redirect_to_another_host_drops_the_credentials():
    with ScriptedServer(redirects) as server:
        target = server.url("/file", host="localhost")
        reply = get(server, url=server.url(f"/to/{target}", userinfo="me:secret@"))
        assert (reply.body, reply.url) == (b"here", target)
        assert [_authorised(seen) for seen in server.seen] == ["me:secret", ""]
        assert server.seen[1].headers["host"] == f"localhost:{server.port}"


def test_a_redirect_to_another_port_drops_the_credentials():
    with ScriptedServer(script(Answer(b"other"))) as other, ScriptedServer(redirects) as server:
        reply = get(server, url=server.url(f"/to/{other.url('/file')}", userinfo="me:secret@"))
        assert reply.body == b"other"
        assert _authorised(other.seen[0]) == ""


def test_a_redirect_within_the_host_keeps_the_credentials_and_the_connection():
    with ScriptedServer(redirects) as server:
        reply = get(server, url=server.url("/to//file", userinfo="me:secret@"))
        assert (reply.body, reply.url) == (b"here", server.url("/file"))
        assert [_authorised(seen) for seen in server.seen] == ["me:secret", "me:secret"]
        assert server.connections == 1


def test_a_redirect_finds_netrc_entries_by_name_but_not_the_default_one(tmp_path):
    (tmp_path / "named").write_text("machine localhost login there password secret")
    (tmp_path / "default").write_text("default login any password open")
    with ScriptedServer(redirects) as server:
        url = server.url(f"/to/{server.url('/file', host='localhost')}")
        for name in ("named", "default"):
            get(server, url=url, credentials=Credentials({"NETRC": str(tmp_path / name)}))
        assert [_authorised(seen) for seen in server.seen] == ["", "there:secret", "any:open", ""]


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
def test_an_answer_of_the_keyring_that_came_during_a_request_is_used_for_it(keyring):
    made, asked = keyring
    credentials = made("auto")

    def answer(seen):
        if not _authorised(seen):
            assert credentials.ask(server.url("/a"))  # for another request
        return _guarded(seen)

    with ScriptedServer(answer) as server, client(credentials=credentials) as mine:
        assert mine.get(server.url("/a")).body == b"in"
    assert len(asked()) == 2


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
