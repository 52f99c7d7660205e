"""A thousand clients in one process."""

import asyncio
import json
import random
import time
from contextlib import AsyncExitStack

from websockets.asyncio.client import ClientConnection, connect

MAX_HANDSHAKES = 20


async def open_all(stack: AsyncExitStack, url: str, tokens: list[str]) -> list[ClientConnection]:
    """Open a socket for each token."""
    gate = asyncio.Semaphore(MAX_HANDSHAKES)

    async def open_one(token: str) -> ClientConnection:
        async with gate:
            headers = {"Authorization": f"Bearer {token}"}
            return await connect(
                url, additional_headers=headers, compression=None, ping_interval=None
            )

    found = await asyncio.gather(*(open_one(token) for token in tokens))
    for each in found:
        stack.push_async_callback(each.close)
    return found


async def listen(sockets: list[ClientConnection], received: list[tuple[str, float]]) -> None:
    """Record when each event arrives on each socket."""

    async def record(socket: ClientConnection) -> None:
        async for text in socket:
            now = time.monotonic()
            event = json.loads(text)
            received.append((f"{event['user_id']}:{event['id']}", now))

    await asyncio.gather(*(record(socket) for socket in sockets))


async def echo(sockets: list[ClientConnection], fan: int, count: int, rate: float) -> list[float]:
    """Send to `fan` sockets at a time, at a steady rate; return the round trips, in seconds."""
    trips: list[float] = []
    text = json.dumps({"filler": "x" * 420})

    async def trip(socket: ClientConnection) -> None:
        start = time.monotonic()
        await socket.send(text)
        await socket.recv()
        trips.append(time.monotonic() - start)

    chance, begin = random.Random(7), time.monotonic() + 0.5
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
            first = chance.randrange(len(sockets) // fan) * fan
            for socket in sockets[first : first + fan]:
                group.create_task(trip(socket))
    return trips
