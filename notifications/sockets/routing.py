"""The URLs of sockets."""

from collections.abc import Mapping
from typing import Any

from channels.routing import URLRouter
from django.urls import re_path

from accounts.scopes import PICTURES_SOCKET
from lib.routes import route
from notifications.sockets.consumers import EventsConsumer, Formatter


def socket_application(formats: Mapping[str, Formatter]) -> Any:
    """Return the ASGI application; `formats` are the event formats of contracts, by name."""
    pictures: Any = EventsConsumer.as_asgi(formats=formats)
    nowhere: Any = _deny
    socket = route(PICTURES_SOCKET, pictures, name="pictures-socket")
    return URLRouter([socket, re_path("", nowhere)])


async def _deny(scope: Any, receive: Any, send: Any) -> None:
    """Deny a handshake at any other URL."""
    await receive()
    await send({"type": "websocket.close"})
