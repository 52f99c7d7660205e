"""One socket's way through the feed, with a table that is a list and hints of every kind."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from random import Random
from typing import Any

import pytest

from notifications.events import Event
from notifications.feed import EventPage
from notifications.sockets.subscription import MAX_WAITING_EVENTS, Subscription


def event(sequence: int) -> Event:
    return {"id": sequence, "type": "pictures.cleared", "at": "", "user_id": ""}


class World:
    """A table of events, and what a client got of them."""

    def __init__(self, written: int = 0, last: int = 0) -> None:
        self.written = written
        self.reads = 0
        self.got: list[int] = []
        self.may_deliver = asyncio.Event()
        self.may_deliver.set()
        self.stream = Subscription(last, self._read, self._deliver)

    async def _read(self, after: int) -> EventPage:
        self.reads += 1
        await asyncio.sleep(0)
        found = [event(number) for number in range(after + 1, self.written + 1)][:10]
        return EventPage(
            found, self.written, has_more=bool(found) and found[-1]["id"] < self.written
        )

    async def _deliver(self, events: list[Event]) -> None:
        await self.may_deliver.wait()
        self.got.extend(each["id"] for each in events)

    def write(self) -> Event:
        self.written += 1
        return event(self.written)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.stream.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def settled(self, last: int) -> None:
        async with asyncio.timeout(5):
            while self.stream.last < last:  # noqa: ASYNC110 (the stream has nobody to tell)
                await asyncio.sleep(0)


def runs(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a coroutine test."""

    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    run.__name__ = test.__name__
    return run


@runs
async def test_it_begins_with_the_table() -> None:
    world = World(written=25, last=3)
    async with world.running():
        await world.settled(25)
    assert world.got == list(range(4, 26))


@runs
async def test_hints_in_order_need_no_table() -> None:
    world = World()
    async with world.running():
        await asyncio.sleep(0.01)
        reads = world.reads
        for _ in range(50):
            assert world.stream.offer(world.write())
            await asyncio.sleep(0)
        await world.settled(50)
    assert world.got == list(range(1, 51))
    assert world.reads == reads


@pytest.mark.parametrize("seed", range(20))
def test_lost_doubled_and_shuffled_hints_change_nothing(seed: int) -> None:
    asyncio.run(_through_chaos(random.Random(seed)))


async def _through_chaos(chance: Random) -> None:
    world = World(written=chance.randrange(30), last=0)
    async with world.running():
        late = []
        for _ in range(300):
            late += [world.write()] * chance.choice([0, 1, 1, 1, 2])
            chance.shuffle(late)
            while late and chance.random() < 0.7:
                world.stream.offer(late.pop())
            await asyncio.sleep(0)
        world.stream.wake_up()
        await world.settled(world.written)
    assert world.got == list(range(1, world.written + 1))


@runs
async def test_a_nudge_finds_what_no_hint_told() -> None:
    world = World()
    async with world.running():
        await asyncio.sleep(0.01)
        world.write()
        world.stream.wake_up()
        await world.settled(1)
    assert world.got == [1]


@runs
async def test_a_reader_that_takes_nothing_is_found_too_slow() -> None:
    world = World()
    async with world.running():
        await asyncio.sleep(0.01)
        world.may_deliver.clear()
        world.stream.offer(world.write())
        await asyncio.sleep(0.01)
        taken = [world.stream.offer(world.write()) for _ in range(MAX_WAITING_EVENTS + 1)]
    assert taken == [True] * MAX_WAITING_EVENTS + [False]
