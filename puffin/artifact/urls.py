"""URLs as text: masked for people, stripped of credentials for keys and records, and ``file:`` paths.

Nothing here is a URL parser: it finds the parts that matter (RFC 3986, section 3) and leaves the rest alone.
"""

import os
import sys

from puffin.depends import seal

MASK = "****"
_EXAMPLE = "user:password"  # in hints: what to write, and nobody's secret
_WINDOWS = sys.platform == "win32"
_AUTHORITY_END = "/?#"
_TEXT_END = ' \t\r\n"<>`'
_SECRET_PARAMETERS = ("token", "signature", "secret", "password", "credential", "api_key", "apikey", "sig")
_PATH_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/!$&'()*+,;=:@")


def mask(url: str) -> str:
    """Return *url* with its credentials, and query values that name themselves secret, shown as ``****``."""
    return _masked(url, "")


def mask_text(text: str) -> str:
    """Return *text* with every URL inside it masked as :func:`mask` does."""
    return _masked(text, _TEXT_END)


def strip_credentials(url: str) -> str:
    """Return *url* without its credentials (``ssh://git@host`` keeps its ``git``: no secret by PEP 610)."""
    if "@" not in url:
        return url
    start, at, _ = _authority(url, 0, "")
    return url if at < 0 else url[:start] + url[at + 1 :]


def strip_secrets(url: str) -> str:
    """Return *url* without its credentials, and without query parameters that name themselves secret."""
    address, sharp, fragment = strip_credentials(url).partition("#")
    path, mark, query = address.partition("?")
    kept = "&".join([each for each in query.split("&") if each == _mask_parameter(each)])
    return f"{path}{mark if kept or not query else ''}{kept}{sharp}{fragment}"


def split_credentials(url: str) -> "tuple[str, str, str]":
    """Return *url* without credentials, and user and password, percent-decoded; empty where absent."""
    if "@" not in url:
        return url, "", ""
    start, at, _ = _authority(url, 0, "")
    if at < 0:
        return url, "", ""
    user, _colon, password = url[start:at].partition(":")
    return url[:start] + url[at + 1 :], unquote(user), unquote(password)


def inherit_credentials(url: str, parent: str) -> str:
    """Return *url* with the credentials of *parent* if it has none and scheme, host and port are the same."""
    if "@" not in parent:
        return url
    start, at, end = _authority(parent, 0, "")
    own_start, own_at, own_end = _authority(url, 0, "")
    if at < 0 or own_at >= 0 or start < 0 or own_start < 0:
        return url
    same = parent[:start].lower() == url[:own_start].lower()
    if not same or parent[at + 1 : end].lower() != url[own_start:own_end].lower():
        return url
    return url[:own_start] + parent[start : at + 1] + url[own_start:]


def digest(text: str) -> str:
    """Return 16 hexadecimal digits (64 bits of BLAKE2b) that stand for *text* in the names of cache entries."""
    return seal(text.encode("utf-8", "surrogatepass"), 8).hex()


def is_file_url(url: str) -> bool:
    """Tell whether *url* is a ``file:`` URL, in any case."""
    return url[:5].lower() == "file:"


def is_http(url: str) -> bool:
    """Tell whether *url* is to be fetched from a server."""
    return url[:8].lower().startswith(("http://", "https://"))


def file_path(url: str) -> str:
    """Return the path that a ``file:`` URL names (RFC 8089), percent-decoded, without query and fragment.

    Raises :class:`ValueError` for a URL with another scheme or, except on Windows, on another host.
    """
    if not is_file_url(url):
        raise ValueError(f"`{mask(url)}` is not a file URL")
    path = url[5:].partition("#")[0].partition("?")[0]
    host = ""
    if path.startswith("//"):
        host, slash, rest = path[2:].partition("/")
        path = slash + rest
    if host.lower() in ("", "localhost"):
        return _local_path(unquote(path))
    if not _WINDOWS:
        raise ValueError(f"`{mask(url)}` names a file on another host (`{mask_text(host.rpartition('@')[2])}`)")
    return unquote(f"//{host}{path}").replace("/", "\\")


def file_url(path: str) -> str:
    """Return the ``file:`` URL of *path*, made absolute, with what a URL cannot hold percent-encoded."""
    absolute = os.path.abspath(path)
    if _WINDOWS:
        absolute = absolute.replace("\\", "/")
        if absolute.startswith("//"):
            return "file:" + _quote(absolute)
        absolute = "/" + absolute
    return "file://" + _quote(absolute)


def _local_path(path: str) -> str:
    drive = path[1:3]
    if _WINDOWS and len(drive) == 2 and drive[1] in ":|" and drive[0].isalpha():
        path = drive[0] + ":" + path[3:]
    return path.replace("/", "\\") if _WINDOWS else path


def _masked(text: str, stops: str) -> str:
    parts = []
    done = 0
    while True:
        start, at, end = _authority(text, done, stops)
        if start < 0:
            break
        parts.append(text[done:start])
        if at >= 0:
            parts.append((_EXAMPLE if text[start:at] == _EXAMPLE else MASK) + "@")
        stop = _find_any(text, stops, end)
        parts.append(text[start if at < 0 else at + 1 : end])
        parts.append(_mask_query(text[end:stop]))
        done = stop
    parts.append(text[done:])
    return "".join(parts)


def _authority(text: str, start: int, stops: str) -> "tuple[int, int, int]":
    """Return where the next authority starts, its ``@`` if secrets stand before it (else -1), and its end."""
    found = text.find("://", start)
    if found < 0:
        return -1, -1, -1
    begin = found + 3
    stop = _find_any(text, stops, begin)
    end = _find_any(text, _AUTHORITY_END, begin, stop)
    at = text.rfind("@", begin, end)
    if at < 0 and _stray_password(text[begin:end]):
        # A password with a bare "/", "?" or "#" in it: the URL is wrong, but must not be shown in full.
        at = text.rfind("@", end, stop)
        end = _find_any(text, _AUTHORITY_END, at, stop) if at >= 0 else end
    if at >= 0 and text[begin:at] == "git" and text[max(0, found - 3) : found].lower() == "ssh":
        at = -1
    return begin, at, end


def _stray_password(authority: str) -> bool:
    _host, colon, port = authority.partition(":")
    return bool(colon) and not authority.startswith("[") and not port.isdigit()


def _find_any(text: str, stops: str, start: int, end: "int | None" = None) -> int:
    limit = len(text) if end is None else end
    for stop in stops:
        found = text.find(stop, start, limit)
        if found >= 0:
            limit = found
    return limit


def _mask_query(rest: str) -> str:
    path, mark, query = rest.partition("?")
    if not mark:
        return rest
    query, sharp, fragment = query.partition("#")
    shown = "&".join([_mask_parameter(parameter) for parameter in query.split("&")])
    return f"{path}?{shown}{sharp}{fragment}"


def _mask_parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    plain = name.lower().replace("-", "_")
    secret = bool(value) and any(plain == word or plain.endswith("_" + word) for word in _SECRET_PARAMETERS)
    return f"{name}{equals}{MASK}" if secret else parameter


def unquote(text: str) -> str:
    """Return *text* with its percent-encoding undone; bytes that are not UTF-8 become surrogates."""
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text, errors="surrogateescape")


def with_subdirectory(url: str, inner: "str | None") -> str:
    """Return *url* with a fragment that names the directory *inner*, where there is one."""
    return f"{url}#subdirectory={percent_encoded(inner)}" if inner else url


def _quote(path: str) -> str:
    return path if _PATH_SAFE.issuperset(path) else percent_encoded(path, safe="/!$&'()*+,;=:@")


def percent_encoded(text: str, *, safe: str = "/") -> str:
    """Return *text* with all characters percent-encoded that a URL cannot hold, and are not *safe*."""
    from urllib.parse import quote

    return quote(os.fsencode(text), safe=safe)
