"""The application of the sockets' process, whose event loop hangs at an address."""

from typing import Any

from config.asgi import application as _application
from tests.faults.hanging import hang_if


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope.get("path") == "/hang":
        hang_if("loop of the sockets")
    await _application(scope, receive, send)
