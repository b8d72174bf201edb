"""Hashes as ``"algorithm:hex"``: which algorithm decides."""

import hashlib
from collections.abc import Iterable

STRENGTH = (
    "sha3_512",
    "sha512",
    "blake2b",
    "sha3_384",
    "sha384",
    "sha3_256",
    "sha256",
    "blake2s",
    "sha3_224",
    "sha224",
    "sha1",
    "md5",
)


def strongest_of(group: Iterable[str]) -> str:
    """Return the algorithm that decides among ``"algorithm:hex"``, ``""`` where none of them is known."""
    named = {algorithm_of(digest) for digest in group}
    return next((name for name in STRENGTH if name in named and name in hashlib.algorithms_available), "")


def algorithm_of(digest: str) -> str:
    """Return the algorithm of ``"algorithm:hex"``, in lower case."""
    return digest.partition(":")[0].strip().lower()
