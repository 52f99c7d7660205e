"""Uvicorn's HTTP connections, bounded in time and number: the server that needs no proxy before it.

Uvicorn itself waits for ever for the rest of a header, and for a client that reads nothing. Bodies
are bounded in config/request_spool.py.
"""

import asyncio
from collections import defaultdict
from ipaddress import IPv6Address, ip_address
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEADER_SECONDS = 10
# Between two moments at which the client has read some of what it is sent, as nginx has it.
SEND_SECONDS = 60
# A browser opens six; a process may have 1,024 files open on most systems.
MAX_PER_ADDRESS = 100
MAX_CONNECTIONS = 500


class OpenConnections:
    """The HTTP connections of a server, by address and in the order of their opening."""

    def __init__(self) -> None:
        self._by_address: dict[str, dict[BoundedHttpProtocol, None]] = defaultdict(dict)
        self._count = 0

    def add(self, connection: "BoundedHttpProtocol") -> None:
        """Add one; where that is one too many, close the oldest that waits for its client.

        So whoever holds connections open without asking for anything keeps nobody out.
        """
        own = self._by_address[connection.address]
        own[connection] = None
        self._count += 1
        if len(own) > MAX_PER_ADDRESS:
            _close_oldest(own)
        elif self._count > MAX_CONNECTIONS:
            _close_oldest(max(self._by_address.values(), key=len))

    def remove(self, connection: "BoundedHttpProtocol") -> None:
        """Remove one; safe to call twice."""
        own = self._by_address.get(connection.address, {})
        if connection in own:
            del own[connection]
            self._count -= 1
        if not own:
            self._by_address.pop(connection.address, None)


def _close_oldest(connections: dict["BoundedHttpProtocol", None]) -> None:
    newest = next(reversed(connections))
    waiting = (each for each in connections if each.waits_for_client)
    next(waiting, newest).abort()


class BoundedHttpProtocol(HttpToolsProtocol):
    """A connection that ends when a header takes too long, or nothing of a response is read."""

    address = ""
    _open = OpenConnections()
    _header_timer: asyncio.TimerHandle | None = None
    _send_timer: asyncio.TimerHandle | None = None

    @property
    def waits_for_client(self) -> bool:
        """Tell whether no whole request has come that is still to be answered."""
        return self._is_between_requests or self.cycle.more_body

    @property
    def _is_between_requests(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # uvicorn begins with None
        return cycle is None or cycle.response_complete

    def abort(self) -> None:
        self._open.remove(self)
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.address = _network_of(self.client[0] if self.client else "")
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self.abort)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        if not self._is_between_requests:
            self._stop_header_timer()
        elif not self._header_timer:
            # Also for the rest of a body that was refused: it is dropped, but not for ever.
            self._header_timer = self.loop.call_later(HEADER_SECONDS, self.abort)

    def handle_websocket_upgrade(self) -> None:
        # Sockets have bounds of their own (notifications/sockets, api/pictures_service/socketio).
        self._let_go()
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._send_timer = self.loop.call_later(SEND_SECONDS, self.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_send_timer()

    def _let_go(self) -> None:
        self._open.remove(self)
        self._stop_header_timer()
        self._stop_send_timer()

    def _stop_header_timer(self) -> None:
        if self._header_timer:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_send_timer(self) -> None:
        if self._send_timer:
            self._send_timer.cancel()
            self._send_timer = None


def _network_of(host: str) -> str:
    """Return the address; of IPv6 the 64 bits that one customer has."""
    try:
        address = ip_address(host)
    except ValueError:  # a Unix socket
        return host
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or int(address) >> 64)
    return str(address)
