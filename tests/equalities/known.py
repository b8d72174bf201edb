"""The faults of today, by row and way; a way with a place is that place only. What is repaired must go from here."""

from __future__ import annotations

_LOCK_SIZE = "the size that a lock names is not checked for a file in the cache"

_WAYS = {
    "a lock with a wrong size": dict.fromkeys(("pip sync", "sync"), _LOCK_SIZE),
}
KNOWN = {(row, way): reason for row, ways in _WAYS.items() for way, reason in ways.items()}
