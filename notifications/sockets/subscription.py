"""One socket's way through an account's events: the order of the table, whatever the hints do.

A hint carries its event. The next one in order goes out as it is; after a gap, or at the start, the
table is read instead, and hints that it has overtaken are dropped. So hints may be lost, doubled or
out of order, and the client still gets each event once, in order.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from notifications.events import Event
from notifications.feed import Page

# So many hints may wait behind a slow reader.
MOST_WAITING = 200


class Stream:
    """Delivers what follows event `last`."""

    def __init__(
        self,
        last: int,
        read: Callable[[int], Awaitable[Page]],
        deliver: Callable[[list[Event]], Awaitable[None]],
    ) -> None:
        """Begin behind the table: `run` reads it first."""
        self.last = last
        self._read = read
        self._deliver = deliver
        self._hints: deque[Event] = deque()
        self._is_stale = True
        self._wake = asyncio.Event()
        self._wake.set()

    def hint(self, event: Event) -> bool:
        """Take note of a new event; False where too many wait already: the reader is too slow."""
        if len(self._hints) >= MOST_WAITING:
            return False
        self._hints.append(event)
        self._wake.set()
        return True

    def nudge(self) -> None:
        """Look into the table: a hint may have been lost."""
        self._is_stale = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver for ever; raises what reading and delivering raise."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._hints or self._is_stale:
                await self._go_on()

    async def _go_on(self) -> None:
        events = self._next_hints()
        if events:
            await self._send(events)
        elif self._is_stale:
            await self._catch_up()

    def _next_hints(self) -> list[Event]:
        """Take the hints that follow what was sent; after a gap the table is to be read."""
        taken: list[Event] = []
        while self._hints:
            event = self._hints.popleft()
            wanted = self.last + len(taken) + 1
            if event["id"] == wanted:
                taken.append(event)
            elif event["id"] > wanted:
                self._is_stale = True
        return taken

    async def _catch_up(self) -> None:
        self._is_stale = False
        page = await self._read(self.last)
        if page.has_more:
            self._is_stale = True
        if page.events:
            await self._send(page.events)

    async def _send(self, events: list[Event]) -> None:
        await self._deliver(events)
        self.last = events[-1]["id"]
