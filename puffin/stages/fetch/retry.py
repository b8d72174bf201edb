"""Retries: which errors are retried, how long to wait, and the error after the last attempt."""

import time
from collections.abc import Callable
from typing import TypeVar

from puffin.artifact.urls import mask, mask_text
from puffin.errors import Cause
from puffin.stages.fetch.failures import NetworkFailed

T = TypeVar("T")

FIRST_DELAY = 0.1
LONGEST_DELAY = 10.0


class Transient(Exception):
    """A failure that may be gone at the next attempt; ``after`` the seconds the server asked to wait.

    ``timed_out`` tells that nothing came for too long.
    """

    def __init__(self, cause: str, *, status: int = 0, after: float = 0.0, timed_out: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.status = status
        self.after = after
        self.timed_out = timed_out


def is_transient(status: int) -> bool:
    """Tell whether the same request may get another answer than this status (RFC 9110, RFC 6585)."""
    return status in (408, 429) or status >= 500


def delay(attempt: int, after: float = 0.0) -> float:
    """Return the seconds to wait after failed *attempt* (0, 1, …): 0.1 doubled each time, or what was asked."""
    return min(LONGEST_DELAY, max(after, FIRST_DELAY * (1 << min(attempt, 16))))


def retry_after(value: str, now: float) -> float:
    """Return the seconds a ``Retry-After`` header asks for (RFC 9110, 10.2.3); 0 if unusable."""
    number = value.strip()
    if number.isascii() and number.isdigit():
        return float(number)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def persist(
    attempt: "Callable[[], T]", *, url: str, retries: int, sleep: "Callable[[float], None]" = time.sleep
) -> "T":
    """Call *attempt* until it returns, at most 1 + *retries* times.

    Raises :class:`NetworkFailed` with the last cause after the last one; other errors pass at once.
    """
    count = 0
    while True:
        try:
            return attempt()
        except Transient as failure:
            count += 1
            if count > retries:
                raise _in_vain(url, failure, count) from failure
            sleep(delay(count - 1, failure.after))


def _in_vain(url: str, failure: Transient, attempts: int) -> NetworkFailed:
    return NetworkFailed(
        url=mask(url),
        attempts=attempts,
        status=failure.status,
        causes=(Cause(text=mask_text(failure.cause)),),
        hints=(
            "run the command again: downloaded files are kept",
            "`--retries` and `--timeout` (seconds) change how long puffin tries",
        ),
    )
