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


class FakeFeed:
    """A table of events, and the sequences that a client was sent."""

    def __init__(self, written: int = 0, last: int = 0) -> None:
        self.written = written
        self.reads = 0
        self.delivered: list[int] = []
        self.may_deliver = asyncio.Event()
        self.may_deliver.set()
        self.subscription = Subscription(last, self._read, self._deliver)

    async def _read(self, after: int) -> EventPage:
        self.reads += 1
        await asyncio.sleep(0)
        found = [event(number) for number in range(after + 1, self.written + 1)][:10]
        return EventPage(
            found, self.written, has_more=bool(found) and found[-1]["id"] < self.written
        )

    async def _deliver(self, events: list[Event]) -> None:
        await self.may_deliver.wait()
        self.delivered.extend(each["id"] for each in events)

    def write(self) -> Event:
        self.written += 1
        return event(self.written)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.subscription.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def wait_until_delivered(self, last: int) -> None:
        async with asyncio.timeout(5):
            while self.subscription.last < last:  # noqa: ASYNC110 (a subscription has no such event)
                await asyncio.sleep(0)


def run_async(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a coroutine test."""

    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    run.__name__ = test.__name__
    return run


@run_async
async def test_a_subscription_reads_the_table_first() -> None:
    feed = FakeFeed(written=25, last=3)
    async with feed.running():
        await feed.wait_until_delivered(25)
    assert feed.delivered == list(range(4, 26))


@run_async
async def test_wake_ups_in_order_need_no_table() -> None:
    feed = FakeFeed()
    async with feed.running():
        await asyncio.sleep(0.01)
        reads = feed.reads
        for _ in range(50):
            assert feed.subscription.offer(feed.write())
            await asyncio.sleep(0)
        await feed.wait_until_delivered(50)
    assert feed.delivered == list(range(1, 51))
    assert feed.reads == reads


@pytest.mark.parametrize("seed", range(20))
def test_events_stay_in_order_when_wake_ups_are_lost_repeated_or_shuffled(seed: int) -> None:
    asyncio.run(_deliver_disordered(random.Random(seed)))


async def _deliver_disordered(chance: Random) -> None:
    feed = FakeFeed(written=chance.randrange(30), last=0)
    async with feed.running():
        late = []
        for _ in range(300):
            late += [feed.write()] * chance.choice([0, 1, 1, 1, 2])
            chance.shuffle(late)
            while late and chance.random() < 0.7:
                feed.subscription.offer(late.pop())
            await asyncio.sleep(0)
        feed.subscription.wake_up()
        await feed.wait_until_delivered(feed.written)
    assert feed.delivered == list(range(1, feed.written + 1))


@run_async
async def test_waking_up_finds_an_event_whose_wake_up_was_lost() -> None:
    feed = FakeFeed()
    async with feed.running():
        await asyncio.sleep(0.01)
        feed.write()
        feed.subscription.wake_up()
        await feed.wait_until_delivered(1)
    assert feed.delivered == [1]


@run_async
async def test_a_reader_that_takes_nothing_is_too_slow() -> None:
    feed = FakeFeed()
    async with feed.running():
        await asyncio.sleep(0.01)
        feed.may_deliver.clear()
        feed.subscription.offer(feed.write())
        await asyncio.sleep(0.01)
        taken = [feed.subscription.offer(feed.write()) for _ in range(MAX_WAITING_EVENTS + 1)]
    assert taken == [True] * MAX_WAITING_EVENTS + [False]


@run_async
async def test_a_gap_is_read_without_another_wake_up() -> None:
    """The wake-up of the second event is lost, and after the third nothing comes any more."""
    feed = FakeFeed()
    async with feed.running():
        await asyncio.sleep(0.01)
        feed.subscription.offer(feed.write())
        await feed.wait_until_delivered(1)
        feed.write()
        feed.subscription.offer(feed.write())
        await feed.wait_until_delivered(3)
    assert feed.delivered == [1, 2, 3]


@run_async
async def test_what_is_delivered_already_is_dropped_and_reads_nothing() -> None:
    feed = FakeFeed()
    async with feed.running():
        await asyncio.sleep(0.01)
        first = feed.write()
        feed.subscription.offer(first)
        await feed.wait_until_delivered(1)
        reads = feed.reads
        feed.subscription.offer(first)
        await asyncio.sleep(0.01)
        assert feed.reads == reads
        feed.subscription.offer(first)
        feed.subscription.offer(feed.write())
        await feed.wait_until_delivered(2)
    assert (feed.delivered, feed.reads) == ([1, 2], reads)
