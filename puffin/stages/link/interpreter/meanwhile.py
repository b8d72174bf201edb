"""Work that is done during the wait for an interpreter."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_work: "list[Callable[[], None]]" = []


class meanwhile:  # noqa: N801 - reads as the function that it is to its callers
    """Have *work* done once, if an interpreter has to be asked during the ``with`` block. It must raise nothing."""

    def __init__(self, work: "Callable[[], None]") -> None:
        self._mine = work

    def __enter__(self) -> None:
        _work.append(self._mine)

    def __exit__(self, *error: object) -> None:
        if self._mine in _work:
            _work.remove(self._mine)


def spend() -> None:
    """Do what there is to do."""
    while _work:
        _work.pop()()
