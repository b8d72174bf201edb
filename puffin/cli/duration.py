"""Spans of time as people read them; on the way of a no-op."""


def duration(seconds: float) -> str:
    """Return a span of time as people read it: ``3ms``, ``1.24s``, ``2m 05s``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms" if seconds >= 0.001 else f"{seconds * 1000:.2f}ms"
    if seconds < 60:
        return f"{seconds:.2f}s"
    return f"{int(seconds // 60)}m {seconds % 60:02.0f}s"
