"""Functions of ``re``, imported by the first call of one: the import takes 6 ms, and usual texts need no pattern.

A pattern is a text for these functions; ``re`` remembers what it compiled.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Match, compile, findall, finditer, fullmatch, match, search, split, sub  # noqa: A004 - as ``re`` calls it
else:

    def __getattr__(name):
        """Return a function of ``re``, which is this module's own from now on."""
        import re

        found = globals()[name] = getattr(re, name)
        return found


__all__ = ["Match", "compile", "findall", "finditer", "fullmatch", "match", "search", "split", "sub"]
