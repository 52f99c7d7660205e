import asyncio
import time
import uuid

import pytest

from api.pictures_service.socketio import unbound_sockets
from api.pictures_service.socketio.unbound_sockets import (
    CONNECT_TIMEOUT,
    MAX_AGE,
    MAX_PER_ADDRESS,
    UnboundSockets,
)


class FakeSocket:
    """A connection that notes when it is to end."""

    def __init__(self, address: str, age: float = 0, sid: str = "x") -> None:
        self.slot_id, self.address, self.sid = uuid.uuid4().hex, address, sid
        self.opened_at = time.monotonic() - age
        self.is_ending = False

    def end_soon(self) -> None:
        self.is_ending = True


@pytest.fixture(autouse=True)
def short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbound_sockets, "POLL_INTERVAL", 0.01)


def test_who_is_bound_to_nobody_in_time_is_closed() -> None:
    async def wait() -> list[bool]:
        address = uuid.uuid4().hex
        sockets = [
            FakeSocket(address, MAX_AGE - 60),
            FakeSocket(address, MAX_AGE),
            FakeSocket(address, CONNECT_TIMEOUT - 10, sid=""),
            FakeSocket(address, CONNECT_TIMEOUT, sid=""),
        ]
        unbound = UnboundSockets()
        for socket in sockets:
            assert await unbound.admit(socket)
        await asyncio.sleep(0.2)
        for socket in sockets:
            await unbound.remove(socket)
        return [socket.is_ending for socket in sockets]

    assert asyncio.run(wait()) == [False, True, False, True]


def test_slots_are_counted_by_address_and_in_all_and_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def take() -> None:
        address, unbound = uuid.uuid4().hex, UnboundSockets()
        sockets = [FakeSocket(address) for _ in range(MAX_PER_ADDRESS)]
        for socket in sockets:
            assert await unbound.admit(socket)
        assert not await unbound.admit(FakeSocket(address))
        other = FakeSocket(uuid.uuid4().hex)
        monkeypatch.setattr(unbound_sockets, "MAX_IN_ALL", MAX_PER_ADDRESS)
        assert not await unbound.admit(other)
        await unbound.remove(sockets.pop())
        assert await unbound.admit(other)
        for socket in [*sockets, other]:
            await unbound.remove(socket)

    asyncio.run(take())
