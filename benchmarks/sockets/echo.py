"""The baseline: an ASGI application that sends back what it receives."""

from typing import Any


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Accept every socket."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})
