"""Stand-ins for the resolver's HTTP seam: one that replays answers, one that asks a loopback server."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping

from puffin.errors import TEMPORARY, PuffinError
from puffin.stages.fetch.client import PageResponse
from tests.helpers.index_server import JSON


class Unreachable(PuffinError):
    """What a network failure looks like to the resolver."""

    exit_code = TEMPORARY
    url: str

    def summary(self) -> str:
        return f"Failed to reach `{self.url}`"


class FakeHttp:
    """Answers by URL with the given replies (or raises them); 404 for all others; keeps what was asked."""

    def __init__(self, answers: Mapping[str, PageResponse | PuffinError] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[tuple[str, dict[str, str]]] = []

    def get(self, url: str, headers: Mapping[str, str]) -> PageResponse:
        self.asked.append((url, dict(headers)))
        answer = self.answers.get(url)
        if isinstance(answer, PuffinError):
            raise answer
        return answer or PageResponse(status=404, url=url, headers={}, body=b"")

    def urls(self) -> list[str]:
        return [url for url, _ in self.asked]


class LoopbackHttp:
    """The seam over urllib, for a server of this machine."""

    def get(self, url: str, headers: Mapping[str, str]) -> PageResponse:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(url, headers=dict(headers))
        try:
            with opener.open(request, timeout=10) as answer:
                return _reply(answer.status, answer.url, answer.headers.items(), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _reply(error.code, error.url or url, error.headers.items(), error.read())
        except OSError:
            raise Unreachable(url=url) from None


def _reply(status: int, url: str, headers: object, body: bytes) -> PageResponse:
    lower = {name.lower(): value for name, value in headers}  # type: ignore[attr-defined]
    return PageResponse(status=status, url=url, headers=lower, body=body)


def json_reply(url: str, body: bytes, **headers: str) -> PageResponse:
    """Return an answer with a JSON page; header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return PageResponse(status=200, url=url, headers={"content-type": JSON, **named}, body=body)
