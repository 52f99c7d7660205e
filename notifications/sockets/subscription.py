"""One socket's subscription to an account's events: each event once, in the order of the table.

A wake-up carries its event. An event that is next in order is delivered as it came; at the start
and after a gap the table is read instead, and events that were delivered already are dropped. So
wake-ups may be lost, repeated or out of order.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from notifications.events import Event
from notifications.feed import EventPage

# Events that may wait for a slow reader.
MAX_WAITING_EVENTS = 200


class Subscription:
    """Delivers the events that follow `last`, the sequence of the last delivered event."""

    def __init__(
        self,
        last: int,
        read: Callable[[int], Awaitable[EventPage]],
        deliver: Callable[[list[Event]], Awaitable[None]],
    ) -> None:
        """`read` returns the page of events after a sequence; `deliver` sends events in order."""
        self.last = last
        self._read = read
        self._deliver = deliver
        self._waiting: deque[Event] = deque()
        self._must_read_table = True
        self._has_work = asyncio.Event()
        self._has_work.set()

    def offer(self, event: Event) -> bool:
        """Queue a new event; return False where MAX_WAITING_EVENTS wait: the reader is too slow."""
        if len(self._waiting) >= MAX_WAITING_EVENTS:
            return False
        self._waiting.append(event)
        self._has_work.set()
        return True

    def wake_up(self) -> None:
        """Read the table: a wake-up may have been lost."""
        self._must_read_table = True
        self._has_work.set()

    async def run(self) -> None:
        """Deliver until cancelled; raise what reading and delivering raise."""
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            while self._waiting or self._must_read_table:
                await self._deliver_next()

    async def _deliver_next(self) -> None:
        events = self._take_next_in_order()
        if events:
            await self._send(events)
        elif self._must_read_table:
            await self._read_table()

    def _take_next_in_order(self) -> list[Event]:
        """Take the waiting events that are next in order; after a gap have the table read."""
        taken: list[Event] = []
        while self._waiting:
            event = self._waiting.popleft()
            expected = self.last + len(taken) + 1
            if event["id"] == expected:
                taken.append(event)
            elif event["id"] > expected:
                self._must_read_table = True
        return taken

    async def _read_table(self) -> None:
        self._must_read_table = False
        page = await self._read(self.last)
        if page.has_more:
            self._must_read_table = True
        if page.events:
            await self._send(page.events)

    async def _send(self, events: list[Event]) -> None:
        await self._deliver(events)
        self.last = events[-1]["id"]
