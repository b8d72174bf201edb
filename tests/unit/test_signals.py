"""Which signals a command takes over."""

import signal

import pytest

from puffin.signals import ENDING, on_ending


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="nothing hangs up here")
def test_what_is_ignored_stays_so_and_what_is_not_is_taken_over():
    former = {number: signal.getsignal(number) for number in ENDING}
    came = []
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what `nohup` does
        on_ending(came.append)
        for number in ENDING:
            signal.raise_signal(number)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    assert came == [number for number in ENDING if number != signal.SIGHUP]
