"""Counts, sizes, times and tables as text. It imports nothing, because a no-op uses it."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def counted(count: int, noun: str = "package") -> str:
    """Return ``1 package`` or ``2 packages``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def size(count: float) -> str:
    """Return a number of bytes: ``812 B``, ``3.4 MiB``, ``283 MiB``."""
    amount, unit = float(count), 0
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit and amount < 99.95 else f"{amount:.0f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """Return a span of time: ``0.40ms``, ``3ms``, ``1.24s``, ``2m 05s``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms" if seconds >= 0.001 else f"{seconds * 1000:.2f}ms"
    if seconds < 59.995:
        return f"{seconds:.2f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02d}s"


def clock(seconds: float) -> str:
    """Return a time that goes on, in whole seconds: ``0s``, ``12s``, ``2m 05s``."""
    return f"{int(seconds)}s" if seconds < 60 else duration(int(seconds))


def sharing(packages: int, files: int, downloaded: int | None) -> str:
    """Return how many distinct files serve *packages* of several environments, and the bytes downloaded if known."""
    loaded = f" ({size(downloaded)} downloaded)" if downloaded is not None else ""
    return f"{counted(packages)} from {counted(files, 'distinct file')}{loaded}"


def aligned(rows: "list[tuple[str, ...]]", *, texts: int) -> "list[str]":
    """Return the rows of a table as lines: the first *texts* columns to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = enumerate(zip(row, widths, strict=True))
        line = [text.ljust(width) if at < texts else text.rjust(width) for at, (text, width) in cells]
        lines.append("  ".join(line).rstrip())
    return lines
