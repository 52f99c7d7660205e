"""Which connection is closed where there are too many, and how long others wait."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from config import one_port_server
from config.one_port_server import BoundedHttpProtocol, OpenConnections

WHOLE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HALF = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234"


class Transport(asyncio.Transport):
    """As much of a transport as a protocol asks for."""

    def __init__(self, host: str) -> None:
        super().__init__({"peername": (host, 1), "sockname": ("127.0.0.1", 2)})
        self.is_aborted = False
        self.written = b""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def is_closing(self) -> bool:
        return self.is_aborted

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self.is_aborted:
            self.is_aborted = True
            self._protocol.connection_lost(None)

    def write(self, data: Any) -> None:
        self.written += data

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def never(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.Event().wait()


def run(story: Coroutine[Any, Any, None]) -> None:
    async def until_all_have_begun() -> None:
        await story
        await asyncio.sleep(0)

    asyncio.run(until_all_have_begun())


def connect(host: str, sent: bytes = b"") -> Transport:
    config = Config(never, interface="asgi3", lifespan="off", log_level="critical")
    config.load()
    transport = Transport(host)
    protocol = BoundedHttpProtocol(config, ServerState(), {}, asyncio.get_running_loop())
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    if sent:
        protocol.data_received(sent)
    return transport


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHttpProtocol, "_open", OpenConnections())
    for name, value in (("MAX_PER_ADDRESS", 3), ("MAX_CONNECTIONS", 5), ("HEADER_SECONDS", 0.1)):
        monkeypatch.setattr(one_port_server, name, value)


def aborted(*connections: Transport) -> list[bool]:
    return [each.is_aborted for each in connections]


def test_of_too_many_of_an_address_the_oldest_that_waits_is_closed() -> None:
    async def story() -> None:
        answered, half, other = connect("::1", WHOLE), connect("::1", HALF), connect("192.0.2.1")
        more = [connect("::1") for _ in range(3)]
        assert aborted(answered, half, other, *more) == [False, True, False, True, False, False]

    run(story())


def test_a_connection_is_refused_where_all_others_are_being_answered() -> None:
    async def story() -> None:
        answered = [connect("192.0.2.1", WHOLE) for _ in range(3)]
        assert aborted(*answered, connect("192.0.2.1")) == [False, False, False, True]

    run(story())


def test_of_too_many_in_all_one_of_the_address_with_most_is_closed() -> None:
    async def story() -> None:
        many = [connect("2001:db8::1"), connect("2001:db8::2"), connect("2001:db8::3")]
        few = [connect("192.0.2.1"), connect("192.0.2.2"), connect("192.0.2.3")]
        assert aborted(*many, *few) == [True] + [False] * 5

    run(story())


def test_a_header_has_its_time_and_a_request_as_long_as_its_answer_takes() -> None:
    async def story() -> None:
        silent, half, answered = connect("::1"), connect("::1", WHOLE[:9]), connect("::1", WHOLE)
        await asyncio.sleep(0.2)
        assert aborted(silent, half, answered) == [True, True, False]

    run(story())


def test_a_client_that_reads_nothing_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_port_server, "SEND_SECONDS", 0.1)

    async def story() -> None:
        stuck, slow = connect("::1", WHOLE), connect("::1", WHOLE)
        for each in (stuck, slow):
            each.get_protocol().pause_writing()
        slow.get_protocol().resume_writing()
        await asyncio.sleep(0.2)
        assert aborted(stuck, slow) == [True, False]

    run(story())
