"""The addresses of sockets."""

from collections.abc import Mapping
from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from notifications.sockets.consumers import EventsConsumer, Format


def socket_application(formats: Mapping[str, Format]) -> Any:
    """Return the ASGI application; `formats` are the words of contracts that have their own."""
    pictures: Any = EventsConsumer.as_asgi(formats=formats)
    nowhere: Any = _nowhere
    return URLRouter([path("ws/pictures/", pictures), re_path("", nowhere)])


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Deny a handshake for any other address."""
    await receive()
    await send({"type": "websocket.close"})
