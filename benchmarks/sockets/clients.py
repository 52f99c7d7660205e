"""A thousand clients in one process, of each of the ways in which events arrive.

Each way opens a socket and returns the keys of the events that it is told of, as they arrive. An
event has two keys: the account and its number, and the account and the picture's `updatedAt`.
"""

import asyncio
import itertools
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import TypeVar

from websockets.asyncio.client import ClientConnection, connect

MAX_HANDSHAKES = 20
_SOCKET_IO = "/socket.io/?EIO=4&transport="
_SEPARATOR = "\x1e"
_PING, _PONG, _UPDATE = "2", "3", '42["update-pictures",'

Keys = AsyncIterator[str]
T = TypeVar("T")
# Opens a socket of the server at an address, with a token.
Open = Callable[[AsyncExitStack, str, str], Awaitable[T]]


async def open_all(
    stack: AsyncExitStack, open_one: Open[T], address: str, tokens: list[str]
) -> list[T]:
    """Open a socket for each token."""
    gate = asyncio.Semaphore(MAX_HANDSHAKES)

    async def open_in_turn(token: str) -> T:
        async with gate:
            return await open_one(stack, address, token)

    return await asyncio.gather(*(open_in_turn(token) for token in tokens))


async def listen(sockets: list[Keys], received: list[tuple[str, float]]) -> None:
    """Record when each event arrives on each socket."""

    async def record(keys: Keys) -> None:
        async for key in keys:
            received.append((key, time.monotonic()))  # noqa: PERF401 (others append meanwhile)

    await asyncio.gather(*(record(keys) for keys in sockets))


async def open_events(stack: AsyncExitStack, address: str, token: str) -> Keys:
    """Open `/ws/pictures/`."""
    return _event_keys(await _connect(stack, f"ws://{address}/ws/pictures/", **_bearer(token)))


async def open_websocket(stack: AsyncExitStack, address: str, token: str) -> Keys:
    """Open socket.io over a WebSocket, signed in, and so bound."""
    socket = await _connect(stack, f"ws://{address}{_SOCKET_IO}websocket", **_bearer(token))
    await _connect_socketio(socket)
    return _websocket_keys(socket)


_numbers = itertools.count()


async def open_unbound(stack: AsyncExitStack, address: str, token: str) -> Keys:
    """Open socket.io over a WebSocket as nobody, at a client address of its own."""
    high, low = divmod(next(_numbers), 250)
    own = {"X-Forwarded-For": f"10.1.{high}.{low}"}
    socket = await _connect(stack, f"ws://{address}{_SOCKET_IO}websocket", **own)
    await _connect_socketio(socket)
    return _websocket_keys(socket)


async def open_polling(stack: AsyncExitStack, address: str, token: str) -> Keys:
    """Open socket.io over long polls, signed in; the next poll waits."""
    poller = await Poller.open(stack, address)
    opened = json.loads((await poller.request("GET"))[1:])
    poller.path += f"&sid={opened['sid']}"
    await poller.request("POST", "40" + json.dumps({"token": token}))
    answer = await poller.request("GET")
    if not answer.startswith("40{"):
        raise RuntimeError(f"refused: {answer}")
    poller.send("GET")
    return poller.keys()


class Poller:
    """Long polls over one connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str
    ) -> None:
        self._reader, self._writer, self._address = reader, writer, address
        self.path = f"{_SOCKET_IO}polling"

    @classmethod
    async def open(cls, stack: AsyncExitStack, address: str) -> "Poller":
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        stack.callback(writer.close)
        return cls(reader, writer, address)

    async def request(self, method: str, body: str = "") -> str:
        self.send(method, body)
        return await self._receive()

    def send(self, method: str, body: str = "") -> None:
        head = f"{method} {self.path} HTTP/1.1\r\nHost: {self._address}\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())

    async def keys(self) -> Keys:
        while True:
            packets = (await self._receive()).split(_SEPARATOR)
            if _PING in packets:
                await self.request("POST", _PONG)
            self.send("GET")
            for packet in packets:
                for key in _keys_of(packet):
                    yield key

    async def _receive(self) -> str:
        """Read a chunked answer."""
        await self._reader.readuntil(b"\r\n\r\n")
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readline()
        await self._reader.readline()
        return body.decode()


async def open_echo(stack: AsyncExitStack, address: str, token: str) -> ClientConnection:
    """Open a socket of the baseline, which `echo` speaks with."""
    return await _connect(stack, f"ws://{address}/")


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


async def _connect(stack: AsyncExitStack, url: str, **headers: str) -> ClientConnection:
    socket = await connect(url, additional_headers=headers, compression=None, ping_interval=None)
    stack.push_async_callback(socket.close)
    return socket


async def _connect_socketio(socket: ClientConnection) -> None:
    await socket.recv()
    await socket.send("40")
    answer = await socket.recv()
    if not str(answer).startswith("40{"):
        raise RuntimeError(f"refused: {answer!r}")


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _event_keys(socket: ClientConnection) -> Keys:
    async for text in socket:
        event = json.loads(text)
        yield f"{event['user_id']}:{event['id']}"


async def _websocket_keys(socket: ClientConnection) -> Keys:
    async for packet in socket:
        if packet == _PING:
            await socket.send(_PONG)
        for key in _keys_of(str(packet)):
            yield key


def _keys_of(packet: str) -> Iterator[str]:
    """Return the key of the last change, where the packet shows pictures."""
    if packet.startswith(_UPDATE):
        pictures = json.loads(packet[2:])[1]["message"]
        yield f"{pictures[0]['user_id']}:{max(each['updatedAt'] for each in pictures)}"
