"""The faults of today, by row and way; a way with a place is that place only. What is repaired must go from here."""

from __future__ import annotations

_HASH = "the hash of a file in the cache is not checked by `pip install`"
_VERIFY = "`no-verify-hashes` is not heeded by `sync`"
_SETTING = "constraints that are configured are ignored by `sync` and `lock`"
_NEWER = "`exclude-newer` is ignored by `sync`"
_URL = "files behind URLs are not read by `sync` and `lock`"
_LOCK_INDEX = "`sync` takes a source distribution of a lock for a direct reference"
_LOCK_FORMAT = "`no-binary` and `only-binary` are not heeded by `sync` of a lock"
_LOCK_SIZE = "the size that a lock names is not checked for a file in the cache"
_LOCK_GROUPS = "`--group` adds to the default groups of a lock in place of replacing them"

_WAYS = {
    "a wrong hash of another kind": {"pip install": _HASH},
    "a wrong sha512, and an index without hashes": {"pip install": _HASH},
    "two wrong hashes, and an index without hashes": {"pip install": _HASH},
    "a wrong hash that is not looked at": {"sync": _VERIFY},
    "a constraint of a range": dict.fromkeys(
        [
            f"{way}/{place}"
            for way in ("sync", "lock, sync")
            for place in ("option", "variable", "puffin.toml", "pip.conf", "pip's variable")
        ],
        _SETTING,
    ),
    "a constraint of what is needed": dict.fromkeys(("sync", "lock, sync"), _SETTING),
    "a constraint beside another conflict": {"sync": _SETTING},
    "a constraint by a URL": dict.fromkeys(("sync", "lock, sync"), _URL),
    "exclude-newer and a pin": {"sync": _NEWER},
    "exclude-newer and a range": {"sync": _NEWER},
    "exclude-newer takes the older file": {"sync": _NEWER, "pylock, sync": _LOCK_INDEX},
    "an include by a URL": {"sync": _URL},
    "an include of ranges by a URL": dict.fromkeys(("sync", "lock, sync"), _URL),
    "a source distribution": {"pylock, sync": _LOCK_INDEX},
    "what is needed is built": {"pylock, sync": _LOCK_INDEX},
    "no-binary": {"pylock, sync": _LOCK_INDEX},
    "a lock of a source distribution": {"sync": _LOCK_INDEX},
    "a lock with a wrong size": dict.fromkeys(("pip sync", "sync"), _LOCK_SIZE),
    "a lock and no-binary": {"sync": _LOCK_FORMAT},
    "a lock without a source distribution and no-binary": {"sync": _LOCK_FORMAT},
    "a lock and only-binary": {"sync": _LOCK_FORMAT},
    "a lock with a group": {"pip sync": _LOCK_GROUPS},
}
KNOWN = {(row, way): reason for row, ways in _WAYS.items() for way, reason in ways.items()}
