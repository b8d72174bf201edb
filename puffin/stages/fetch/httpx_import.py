"""httpx, imported without its command line: that alone would load click and rich, a third of the import."""

import sys

if "httpx" not in sys.modules:
    # None makes the import of that module fail, for which httpx is prepared (it is an extra).
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx as httpx

if sys.modules.get("httpx._main", httpx) is None:
    del sys.modules["httpx._main"]
