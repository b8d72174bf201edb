"""Signed entries: what a writer says of a key, and the proof that a writer said it of this key.

An entry is a line of JSON and the signature of that line. The line holds the scope, the kind and the key, so that an
entry is of no use under another name. ``PUFFIN_REMOTE_CACHE_KEY`` is one of::

    <text>                    a secret that writers and readers share (HMAC-SHA256), of 16 characters or more
    ed25519-private:<base64>  the key of a writer
    ed25519-public:<base64>   the key of a reader
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from puffin.errors import UsageError

VARIABLE = "PUFFIN_REMOTE_CACHE_KEY"
FORMAT = 1
_LEAST = 16  # characters of a shared secret
_PUBLIC, _PRIVATE = "ed25519-public:", "ed25519-private:"

Verify = Callable[[bytes, bytes], bool]
Sign = Callable[[bytes], bytes]


class Signer:
    """Verifies entries, and signs them if its key is one of a writer."""

    def __init__(self, verify: Verify, sign: "Sign | None") -> None:
        self._verify = verify
        self._sign = sign

    @property
    def can_sign(self) -> bool:
        return self._sign is not None

    def signed(self, scope: str, kind: str, key: str, value: "Mapping[str, Any]") -> bytes:
        """Return the entry that says *value* of a key."""
        assert self._sign is not None
        fields = {"puffin": FORMAT, "scope": scope, "kind": kind, "key": key, "value": value}
        line = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")
        return line + b"\n" + base64.b64encode(self._sign(line))

    def verified(self, data: bytes, scope: str, kind: str, key: str) -> "dict[str, Any] | None":
        """Return the value of an entry; None if the signature is not valid, or is of another key."""
        line, newline, text = data.partition(b"\n")
        try:
            signature = base64.b64decode(text, validate=True)
        except ValueError:
            return None
        if not newline or not self._verify(line, signature):
            return None
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            return None
        wanted = {"puffin": FORMAT, "scope": scope, "kind": kind, "key": key}
        if not isinstance(fields, dict) or any(fields.get(name) != value for name, value in wanted.items()):
            return None
        value = fields.get("value")
        return value if isinstance(value, dict) else None


def entry_name(scope: str, kind: str, key: str) -> str:
    """Return the name under which a cache has an entry."""
    return hashlib.sha256(f"puffin-{FORMAT}\n{scope}\n{kind}\n{key}".encode()).hexdigest()


def signer_of(environ: "Mapping[str, str]") -> "Signer | None":
    """Return what verifies and signs by the variable; None without it. Raises :class:`UsageError`."""
    text = environ.get(VARIABLE, "").strip()
    if not text:
        return None
    if text.startswith((_PUBLIC, _PRIVATE)):
        return _ed25519(text)
    # As a secret, a public key that is written wrongly would let everybody sign.
    if text[:7].lower() == _PUBLIC[:7]:
        raise UsageError(
            text=f"`{VARIABLE}` begins like an Ed25519 key, but is not one",
            hints=(f"write `{_PUBLIC}` or `{_PRIVATE}` and the base64 of the key",),
        )
    if len(text) < _LEAST:
        raise UsageError(
            text=f"`{VARIABLE}` has fewer than {_LEAST} characters",
            hints=("make one by `openssl rand -hex 32`",),
        )
    secret = text.encode("utf-8", "surrogateescape")

    def sign(line: bytes) -> bytes:
        return hmac.digest(secret, line, "sha256")

    return Signer(lambda line, signature: hmac.compare_digest(sign(line), signature), sign)


def _ed25519(text: str) -> Signer:
    try:
        from puffin.stages.remote.ed25519 import InvalidKey, key_pair
    except ImportError:
        raise UsageError(
            text=f"The key in `{VARIABLE}` needs the library `cryptography`",
            hints=("install it by `pip install 'puffin-installer[signing]'`",),
        ) from None
    kind, _, encoded = text.partition(":")
    try:
        verify, sign = key_pair(encoded, private=f"{kind}:" == _PRIVATE)
    except InvalidKey:
        hints = ("a key is the base64 of its 32 bytes",)
        raise UsageError(text=f"`{VARIABLE}` does not hold a valid `{kind}` key", hints=hints) from None
    return Signer(verify, sign)
