"""Signals, as a test hears them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.dispatch import Signal


@contextmanager
def recorded(signal: Signal) -> Iterator[list[dict[str, Any]]]:
    """Yield a list to which what comes with each sending is added while the block runs."""
    sent: list[dict[str, Any]] = []

    def record(signal: Signal, sender: object, **arguments: Any) -> None:
        sent.append(arguments)

    signal.connect(record)
    try:
        yield sent
    finally:
        signal.disconnect(record)
