"""The order of builds of one source for several interpreters: the first wheel may serve all of them. Pure."""


class Turns:
    """Lets one build of each group begin; the others wait for its end, and then look for a wheel.

    If it made a wheel, all that still have to be built go at once. If it failed, it is the next one's turn.
    """

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._waiting: dict[str, list[str]] = {}

    def may_begin(self, group: str, name: str) -> bool:
        """Return whether a build may begin; if it may not, :meth:`ended` will name it."""
        first = self._first.setdefault(group, name)
        if first in ("", name):
            return True
        self._waiting.setdefault(group, []).append(name)
        return False

    def ended(self, group: str, name: str, *, built: bool) -> "list[str]":
        """Note that a build ended, and return those that waited for it."""
        if self._first.get(group) != name:
            return []
        if built:
            self._first[group] = ""
        else:
            del self._first[group]
        return self._waiting.pop(group, [])
