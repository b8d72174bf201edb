import hashlib
import os
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.artifact.urls import file_url
from puffin.errors import UsageError
from puffin.stages.fetch import fetch as stage
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.credentials import Credentials
from puffin.stages.fetch.digests import Hashers
from puffin.stages.fetch.download import download
from puffin.stages.fetch.failures import (
    AccessDenied,
    FileFailed,
    HashMismatch,
    NetworkFailed,
    OfflineError,
    RequestRefused,
    SizeMismatch,
)
from puffin.stages.fetch.network import Network, to_wire
from tests.helpers.scripted_server import Answer, ScriptedServer

DATA = bytes(range(256)) * 20_000  # 5 MB: several pieces
SHA = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
STRONG = {"ETag": '"v1"'}


def pinned(*digests):
    return tuple((digest,) for digest in digests)


def run(server, path="/f-1-py3-none-any.whl", *, slept=None, settings=None, **options):
    credentials = Credentials({"NETRC": os.devnull + "-none"})
    sleep = [].append if slept is None else slept.append
    with closing(Client(Network(**(settings or {})), credentials=credentials, sleep=sleep)) as client:
        return download(client, path if "://" in path else server.url(path), **options)


def whole(_seen):
    return Answer(DATA, headers=STRONG)


@pytest.mark.parametrize(("chunked", "status"), [(False, 200), (True, 200), (False, 203)])
@pytest.mark.parametrize("data", [b"", b"x", DATA])
def test_a_file_is_received_whole_and_hashed(data, chunked, status):
    sha = hashlib.sha256(data).hexdigest()
    with ScriptedServer(lambda seen: Answer(data, chunked=chunked, status=status)) as server:
        received = run(server, hashes=pinned(f"sha256:{sha}"), size=len(data))
        assert (bytes(received.data), received.sha256) == (data, sha)
        assert server.seen[0].headers["accept-encoding"] == "identity"
        assert len(server.seen) == 1


def test_the_connection_is_used_again():
    with ScriptedServer(whole) as server, closing(Client(Network())) as client:
        for _ in range(3):
            download(client, server.url("/f"), hashes=pinned(SHA))
        assert server.connections == 1


def test_content_encoding_is_left_alone():
    with ScriptedServer(lambda seen: Answer(DATA, headers={"Content-Encoding": "gzip"})) as server:
        assert run(server, "/f.tar.gz", hashes=pinned(SHA)).data == DATA


class Dropping:
    """Cuts the first answer after *cut* bytes and answers ranges by *resume*, given the offset."""

    def __init__(self, resume, cut=3_000_000, headers=STRONG):
        self.resume = resume
        self.cut = cut
        self.headers = headers
        self.first = True

    def __call__(self, seen):
        if "range" in seen.headers:
            return self.resume(int(seen.headers["range"].removeprefix("bytes=").removesuffix("-")))
        if self.first:
            self.first = False
            return Answer(DATA, headers=self.headers, cut=self.cut)
        return Answer(DATA, headers=self.headers)


def partial(offset, *, start=None, total=None, data=DATA, headers=STRONG):
    start = offset if start is None else start
    total = len(DATA) if total is None else total
    return Answer(
        data[start:], status=206, headers={**headers, "Content-Range": f"bytes {start}-{total - 1}/{total}"}
    )


@pytest.mark.parametrize("headers", [STRONG, {"Last-Modified": "Thu, 01 Jan 1970 00:00:10 GMT"}])
def test_a_dropped_connection_is_resumed_where_it_broke(headers):
    slept = []
    with ScriptedServer(Dropping(lambda offset: partial(offset, headers=headers), headers=headers)) as server:
        received = run(server, hashes=pinned(SHA), size=len(DATA), slept=slept)
        assert received.data == DATA
        assert received.sha256 == SHA[7:]
        assert server.seen[1].headers["range"] == "bytes=3000000-"
        assert server.seen[1].headers["if-range"] == next(iter(headers.values()))
    assert len(server.seen) == 2
    assert slept == [0.1]


def test_the_rest_may_come_without_its_length():
    def rest(offset):
        found = partial(offset)
        return Answer(found.body, status=206, headers=found.headers, chunked=True)

    with ScriptedServer(Dropping(rest)) as server:
        assert run(server, hashes=pinned(SHA), size=len(DATA)).data == DATA
        assert len(server.seen) == 2


def test_it_is_resumed_twice():
    cuts = [1_000_000, None]

    def resume(offset):
        answer = partial(offset)
        return Answer(answer.body, status=206, headers=answer.headers, cut=cuts.pop(0))

    with ScriptedServer(Dropping(resume)) as server:
        assert run(server, hashes=pinned(SHA)).data == DATA
        assert [seen.headers.get("range") for seen in server.seen] == [None, "bytes=3000000-", "bytes=4000000-"]


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}])
def test_without_a_validator_it_starts_again(headers):
    with ScriptedServer(Dropping(None, headers=headers)) as server:
        assert run(server, hashes=pinned(SHA)).data == DATA
        assert [seen.headers.get("range") for seen in server.seen] == [None, None]


@pytest.mark.parametrize(
    "resume",
    [
        lambda offset: partial(offset, start=offset - 10),
        lambda offset: partial(offset, total=len(DATA) + 1),
        lambda offset: partial(offset, headers={"ETag": '"v2"'}),
        lambda offset: Answer(DATA[offset:], status=206),
        lambda offset: Answer(DATA[offset:], status=206, headers={"Content-Range": "nonsense"}),
        lambda offset: Answer(status=416),
    ],
    ids=["wrong offset", "other total", "other tag", "no range", "nonsense", "unsatisfiable"],
)
def test_a_range_that_does_not_fit_is_dropped_and_the_file_fetched_anew(resume):
    slept = []
    with ScriptedServer(Dropping(resume)) as server:
        received = run(server, slept=slept)
        assert received.data == DATA
        assert received.sha256 == SHA[7:]
        assert [seen.headers.get("range") for seen in server.seen] == [None, "bytes=3000000-", None]
    assert slept == [0.1]


def test_a_server_that_ignores_ranges_sends_all_again():
    with ScriptedServer(Dropping(lambda offset: Answer(DATA, headers=STRONG))) as server:
        assert run(server).data == DATA


def test_a_file_that_changed_meanwhile_is_the_new_one():
    with ScriptedServer(Dropping(lambda offset: Answer(b"new", headers={"ETag": '"v2"'}))) as server:
        received = run(server)
        assert received.data == b"new"
        assert received.sha256 == hashlib.sha256(b"new").hexdigest()


def test_wrong_bytes_under_a_right_range_are_found_by_the_hash_and_fetched_anew():
    lie = DATA[1:] + b"x"
    with ScriptedServer(Dropping(lambda offset: partial(offset, data=lie))) as server:
        assert run(server, hashes=pinned(SHA)).data == DATA
        assert [seen.headers.get("range") for seen in server.seen] == [None, "bytes=3000000-", None]


@pytest.mark.parametrize("chunked", [False, True])
def test_always_cut(chunked):
    with ScriptedServer(lambda seen: Answer(DATA, cut=2_000_000, chunked=chunked)) as server:
        with pytest.raises(NetworkFailed) as raised:
            run(server, settings={"retries": 1})
        assert len(server.seen) == 2
        assert raised.value.attempts == 2
        assert "connection broke" in raised.value.causes[0].summary()


def test_a_body_that_ends_with_the_connection_is_measured_by_the_index():
    answers = [DATA[:1000], DATA]
    headers = {"Connection": "close"}
    with ScriptedServer(
        lambda seen: Answer(answers.pop(0), headers=headers, hang_up=True, measured=False)
    ) as server:
        assert run(server, size=len(DATA)).data == DATA
        assert len(server.seen) == 2


@pytest.mark.parametrize("chunked", [False, True])
def test_a_size_that_is_not_the_indexs(chunked):
    with (
        ScriptedServer(lambda seen: Answer(DATA, chunked=chunked)) as server,
        pytest.raises(SizeMismatch) as raised,
    ):
        run(server, size=1000)
    assert raised.value.expected == 1000
    assert raised.value.received > 1000
    assert "`f-1-py3-none-any.whl`" in raised.value.summary()
    assert len(server.seen) == 1


def test_a_hash_that_is_not_the_pinned_one():
    wrong = "sha256:" + "0" * 64
    with ScriptedServer(whole) as server, pytest.raises(HashMismatch) as raised:
        run(
            server, server.url("/f-1-py3-none-any.whl?x=1#y", userinfo="me:hunter2@"), hashes=((wrong,), (SHA,))
        )
    error = raised.value
    assert error.filename == "f-1-py3-none-any.whl"
    assert error.expected == (wrong,)
    assert error.computed == (SHA,)
    assert error.details() == ("Expected:", f"  {wrong}", "Computed:", f"  {SHA}")
    assert error.exit_code == 1
    assert "hunter2" not in str(error)
    assert len(server.seen) == 1


def test_a_wrong_digest_of_another_algorithm_shows_both():
    with ScriptedServer(whole) as server, pytest.raises(HashMismatch) as raised:
        run(server, hashes=pinned("sha512:00"))
    assert raised.value.computed == (f"sha512:{hashlib.sha512(DATA).hexdigest()}", SHA)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224", "sha384", "sha512", "sha3_256", "blake2b"])
def test_other_algorithms(algorithm):
    right = f"{algorithm}:{hashlib.new(algorithm, DATA).hexdigest().upper()}"
    with ScriptedServer(whole) as server:
        assert run(server, hashes=pinned(right)).sha256 == SHA[7:]


def _digest(algorithm, data=b"data"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


@pytest.mark.parametrize(
    ("group", "holds"),
    [
        ((), True),
        ((_digest("sha256"),), True),
        ((_digest("sha256", b"other"), _digest("sha256")), True),
        ((_digest("md5"), _digest("sha256", b"other")), False),
        ((_digest("md5", b"other"), _digest("sha256")), True),
        (("whirlpool2:00",), False),
        (("whirlpool2:00", _digest("sha256")), True),
        (("sha256",), False),
        (("",), False),
    ],
)
def test_when_a_group_holds(group, holds):
    hashers = Hashers((group,))
    hashers.update(b"data")
    assert hashers.broken((group,)) == (() if holds else (group,))


@given(st.lists(st.lists(st.sampled_from([_digest("sha256"), _digest("sha512"), "sha256:00", "md5:11"]))))
def test_every_group_must_hold(groups):
    groups = tuple(tuple(group) for group in groups)
    hashers = Hashers(groups)
    hashers.update(b"data")
    broken = hashers.broken(groups)
    assert set(broken) <= set(groups)
    assert all(group not in broken for group in groups if _digest("sha512") in group)
    assert all(group in broken for group in groups if set(group) and set(group) <= {"sha256:00", "md5:11"})


@pytest.mark.parametrize(
    ("status", "kind", "hint"),
    [(401, AccessDenied, "netrc"), (403, AccessDenied, "netrc"), (404, RequestRefused, "127.0.0.1")],
)
def test_refusals(status, kind, hint):
    with ScriptedServer(lambda seen: Answer(status=status)) as server, pytest.raises(kind) as raised:
        run(server)
    assert f"HTTP {status}" in raised.value.summary()
    assert hint in raised.value.hints[0]


def test_a_partial_answer_nobody_asked_for_is_a_failure():
    with ScriptedServer(lambda seen: partial(10)) as server, pytest.raises(NetworkFailed):
        run(server, settings={"retries": 0})


def test_a_download_through_a_proxy():
    with ScriptedServer(whole) as proxy:
        settings = {"proxy": proxy.url("")}
        received = run(
            None, "http://index.invalid/f.whl", settings=settings, hashes=pinned(SHA), size=len(DATA)
        )
        assert received.data == DATA
        assert proxy.seen[0].path == "http://index.invalid/f.whl"


def test_a_redirected_download_tells_where_it_ended():
    def script(seen):
        return Answer(status=302, headers={"Location": "/there"}) if seen.path == "/here" else whole(seen)

    with ScriptedServer(script) as server:
        assert run(server, "/here", hashes=pinned(SHA)).url == server.url("/there")


def test_files_on_disk(tmp_path):
    path = tmp_path / "f 1.whl"
    path.write_bytes(DATA)
    received = run(None, file_url(str(path)), hashes=pinned(SHA), size=len(DATA))
    assert (received.data, received.sha256) == (DATA, SHA[7:])
    (tmp_path / "empty").write_bytes(b"")
    assert run(None, file_url(str(tmp_path / "empty"))).data == b""
    with pytest.raises(HashMismatch):
        run(None, file_url(str(path)), hashes=pinned("sha256:00"))
    with pytest.raises(SizeMismatch):
        run(None, file_url(str(path)), size=3)
    with pytest.raises(FileFailed) as raised:
        run(None, file_url(str(tmp_path / "none")))
    assert "No such file" in raised.value.causes[0].summary()
    with pytest.raises(UsageError):
        run(None, "file://elsewhere/f.whl")


def close_clients():
    while stage._clients:
        stage._clients.popitem()[1].close()


@pytest.fixture
def no_netrc(monkeypatch, tmp_path):
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    yield
    close_clients()


@pytest.mark.usefixtures("no_netrc")
def test_the_stage_takes_and_gives_builtins():
    wire = to_wire(Network())
    with ScriptedServer(whole) as server:
        for network in (wire, list(wire)):
            sha, size, data = stage.fetch(
                url=server.url("/f.whl"), filename="f.whl", hashes=((SHA,),), size=len(DATA), network=network
            )
            assert (sha, size, data) == (SHA[7:], len(DATA), DATA)
            assert type(data) is memoryview
        assert server.connections == 1
        close_clients()


@pytest.mark.usefixtures("no_netrc")
def test_the_stage_offline(tmp_path):
    wire = to_wire(Network(offline=True))
    with pytest.raises(OfflineError):
        stage.fetch(url="https://index.invalid/f", filename="f", hashes=(), size=0, network=wire)
    (tmp_path / "f").write_bytes(b"local")
    local = file_url(str(tmp_path / "f"))
    assert stage.fetch(url=local, filename="f", hashes=(), size=0, network=wire)[1:] == (5, b"local")


@pytest.mark.usefixtures("no_netrc")
def test_one_client_per_process_and_network():
    first = stage.client_for(to_wire(Network()))
    assert stage.client_for(to_wire(Network())) is first
    assert stage.client_for(to_wire(Network(retries=9))) is not first
