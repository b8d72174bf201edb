"""Signals without the enums that the ``signal`` module wraps them in, whose import takes 6 ms of a warm sync."""

from _signal import SIGINT, SIGTERM, raise_signal, signal  # type: ignore[import-not-found, unused-ignore]

__all__ = ["SIGINT", "SIGTERM", "raise_signal", "signal"]
