"""The reason of a server's refusal, as text for people."""

import json

from puffin.errors import Cause
from puffin.names import printable
from puffin.stages.fetch.failures import MOST_SHOWN, AccessDenied, RequestRefused, statement
from puffin.stages.fetch.httpx_import import httpx

_MOST_TEXT = 65536


def excerpt(response: httpx.Response) -> bytes:
    """Read the body, or the first 64 KiB of a longer one, and close the response; b"" if it breaks."""
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > _MOST_TEXT:
                break
    except httpx.HTTPError:
        return b""
    finally:
        response.close()
    return b"".join(parts)[:_MOST_TEXT]


def answer(response: httpx.Response, body: bytes) -> str:
    """Return a sentence with the status and, if the server explained itself, its explanation (RFC 9457)."""
    said = problem(response.headers.get("content-type", ""), body)
    status = f"the server answered {response.status_code} {response.reason_phrase}".rstrip()
    return f"{status}: {said}" if said else status


def problem(content_type: str, body: bytes) -> str:
    """Return title and detail of a problem description (RFC 9457), empty if *body* is none."""
    if content_type.partition(";")[0].strip().lower() != "application/problem+json":
        return ""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(document, dict):
        return ""
    said = [document[name] for name in ("title", "detail") if isinstance(document.get(name), str)]
    return printable(": ".join(text for text in said if text.strip()), MOST_SHOWN)


def refused(url: str, response: httpx.Response, body: bytes, netrc_problem: str) -> RequestRefused:
    """Return the error for a status that no retry changes; *url* is masked."""
    said = problem(response.headers.get("content-type", ""), body)
    kind = AccessDenied if response.status_code in (401, 403) else RequestRefused
    return kind(
        url=url,
        status=response.status_code,
        reason=printable(response.reason_phrase, MOST_SHOWN),
        causes=(statement(said),) if said else (),
        hints=_hints(response, netrc_problem),
    )


def endless(url: str, response: httpx.Response) -> RequestRefused:
    """Return the error for redirects without end."""
    return RequestRefused(
        url=url,
        status=response.status_code,
        reason=printable(response.reason_phrase, MOST_SHOWN),
        causes=(Cause(text="the redirects do not come to an end"),),
    )


def _hints(response: httpx.Response, netrc_problem: str) -> tuple[str, ...]:
    host = response.request.url.host
    if response.status_code in (401, 403):
        extra = (netrc_problem,) if netrc_problem else ()
        return (_credentials_hint(response, host), *extra)
    if response.status_code == 404:
        return (f"`{host}` does not have this file (any more); check the URL, or try again if it is a mirror",)
    if response.status_code == 407:
        return ("put the credentials in the URL of the proxy: `https_proxy=http://user:password@proxy:port`",)
    return ()


def _credentials_hint(response: httpx.Response, host: str) -> str:
    if "authorization" in response.request.headers:
        return f"`{host}` did not accept the credentials it was given; check those in the URL or in `~/.netrc`"
    return (
        f"credentials for `{host}` go into the URL (`https://user:password@{host}/…`) "
        f"or into `~/.netrc` (`machine {host} login user password …`)"
    )
