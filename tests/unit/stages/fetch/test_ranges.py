"""Reading one member of a remote zip file in few requests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from puffin.stages.fetch.client import Client
from puffin.stages.fetch.failures import NetworkFailed, RequestRefused
from puffin.stages.fetch.network import Network
from puffin.stages.fetch.ranges import NoRanges, Unranged, Whole, read_member
from tests.helpers.index_server import IndexServer
from tests.helpers.wheels import Raw, zip_bytes


@pytest.fixture
def client() -> Iterator[Client]:
    with closing(Client(Network(retries=1), sleep=lambda _: None)) as made:
        yield made


def wanted(names: list[str]) -> str:
    return next(name for name in names if name.endswith("METADATA"))


def big(*, first: bool = False, members: int = 1, size: int = 200_000) -> bytes:
    filler = [Raw(f"a/{number}-{'x' * 100}", os.urandom(size // members)) for number in range(members)]
    own = Raw("a-1.dist-info/METADATA", b"Name: a\n" * 20)
    return zip_bytes([own, *filler] if first else [*filler, own])


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize(
    ("data", "requests"),
    [
        (big(), 1),
        (big(size=100), 1),
        (big(first=True), 2),
        (big(members=600), 2),
        (big(members=600, first=True), 3),
    ],
)
def test_at_most_three_requests(
    client: Client, index: IndexServer, data: bytes, requests: int, sized: bool
) -> None:
    url = index.serve("/x.whl", data, etag='"1"')
    assert read_member(client, url, wanted, size=len(data) if sized else 0) == b"Name: a\n" * 20
    assert len(index.requests) == requests
    received = sum(len(request.headers["range"]) > 0 for request in index.requests)
    assert received == requests


def test_a_server_that_ignores_ranges_sends_all(
    client: Client, index: IndexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tests.helpers.index_server._range", lambda _headers, content: (0, len(content.body), 200)
    )
    data = big()
    assert read_member(client, index.serve("/x.whl", data), wanted) == Whole(data=data)


@pytest.mark.parametrize("fault", [400, 405, 416, 501])
def test_a_refused_range_is_no_failure(client: Client, index: IndexServer, fault: int) -> None:
    url = index.serve("/x.whl", big())
    index.fail("/x.whl", [fault], forever=True)
    with pytest.raises((NoRanges, NetworkFailed)):
        read_member(client, url, wanted)


def test_a_file_that_changes_between_two_requests(client: Client, index: IndexServer) -> None:
    url = index.serve("/x.whl", big(first=True), etag='"1"')

    def choose(names: list[str]) -> str:
        index.serve("/x.whl", big(first=True), etag='"2"')
        return wanted(names)

    with pytest.raises(NoRanges):
        read_member(client, url, choose)


def test_a_shifted_answer(client: Client, index: IndexServer) -> None:
    url = index.serve("/x.whl", big())
    index.fail("/x.whl", ["shift:-5"])
    with pytest.raises(Unranged):
        read_member(client, url, wanted)


@pytest.mark.parametrize("data", [b"", b"no zip at all" * 99, big()[:-30], zip_bytes([Raw("a/b", b"c")])])
def test_what_is_no_usable_zip(client: Client, index: IndexServer, data: bytes) -> None:
    def choose(names: list[str]) -> str:
        if "a/b" in names:
            raise ValueError
        return wanted(names)

    with pytest.raises(Unranged):
        read_member(client, index.serve("/x.whl", data), choose)


def test_a_missing_file_is_an_error(client: Client, index: IndexServer) -> None:
    with pytest.raises(RequestRefused):
        read_member(client, f"{index.root}/files/none.whl", wanted)


def test_a_broken_connection_is_tried_again(client: Client, index: IndexServer) -> None:
    url = index.serve("/x.whl", big())
    index.fail("/x.whl", ["reset", "ok"])
    assert read_member(client, url, wanted) == b"Name: a\n" * 20
