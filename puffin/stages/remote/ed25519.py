"""Signatures by key pairs (Ed25519, RFC 8032), by the library ``cryptography``."""

import base64
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class InvalidKey(Exception):
    """A text is not the base64 of a key."""


def key_pair(
    encoded: str, *, private: bool
) -> "tuple[Callable[[bytes, bytes], bool], Callable[[bytes], bytes] | None]":
    """Return what verifies by a key, and what signs by it if it is *private*. Raises :class:`InvalidKey`."""
    try:
        raw = base64.b64decode(encoded, validate=True)
        secret = Ed25519PrivateKey.from_private_bytes(raw) if private else None
        public = secret.public_key() if secret else Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise InvalidKey(str(error)) from error

    def verify(line: bytes, signature: bytes) -> bool:
        try:
            public.verify(signature, line)
        except InvalidSignature:
            return False
        return True

    return verify, secret.sign if secret else None
