"""The queue before each hash of a password: bounded, and in the order of trust.

A hash takes 19 MiB and tens of milliseconds of CPU, so that a flood of sign-ins would be a flood of
hashing. It is answered by letting few hashes run at once, and by whose turn it is: nobody is
refused because others guess, while somebody less trusted waits.
"""

import threading
from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from accounts.exceptions import HashingBusy

# Of each process. Two, so that one goes on while the other waits for a core.
MAX_RUNNING = 2
MAX_WAITING = 16
MAX_WAIT_SECONDS = 8.0


class Trust(IntEnum):
    """Who goes first."""

    KNOWN = 0  # a device that signed in to the account before, or somebody who is signed in
    CLEAN = 1  # a network without a recent failure
    OTHER = 2


@dataclass(order=True)
class _Ticket:
    trust: Trust
    number: int
    called: threading.Event = field(default_factory=threading.Event, compare=False)
    is_refused: bool = field(default=False, compare=False)


class HashingQueue:
    """Lets `max_running` blocks run at once; the others wait, the most trusted first."""

    def __init__(
        self,
        max_running: int = MAX_RUNNING,
        max_waiting: int = MAX_WAITING,
        max_wait_seconds: float = MAX_WAIT_SECONDS,
    ) -> None:
        self._free = max_running
        self._max_waiting = max_waiting
        self._max_wait_seconds = max_wait_seconds
        self._waiting: list[_Ticket] = []
        self._numbers = count()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, trust: Trust) -> Iterator[None]:
        """Wait for a turn, and give it back after the block.

        Raise HashingBusy after `max_wait_seconds`, and where `max_waiting` wait already: the last
        of the least trusted goes then, which may be somebody who waits.
        """
        self._wait(trust)
        try:
            yield
        finally:
            self._call_next()

    def _wait(self, trust: Trust) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            ticket = _Ticket(trust, next(self._numbers))
            insort(self._waiting, ticket)
            if len(self._waiting) > self._max_waiting:
                self._refuse(self._waiting.pop())
        if not ticket.called.wait(self._max_wait_seconds):
            with self._lock:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
                    self._refuse(ticket)
        if ticket.is_refused:
            raise HashingBusy

    def _call_next(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.pop(0).called.set()
            else:
                self._free += 1

    @staticmethod
    def _refuse(ticket: _Ticket) -> None:
        ticket.is_refused = True
        ticket.called.set()


_queue = HashingQueue()
_trust: ContextVar[Trust] = ContextVar("trust", default=Trust.KNOWN)


@contextmanager
def hash_as(trust: Trust) -> Iterator[None]:
    """Let what is hashed within the block wait with this trust."""
    token = _trust.set(trust)
    try:
        yield
    finally:
        _trust.reset(token)


def current_trust() -> Trust:
    """Return the trust with which a hash would wait here."""
    return _trust.get()


@contextmanager
def hashing_turn() -> Iterator[None]:
    """Wait for a turn of this process; raise HashingBusy."""
    with _queue.turn(current_trust()):
        yield
