"""The ASGI application: HTTP and WebSocket on one port.

Channels serves the WebSockets. HTTP goes to the WSGI application in threads, measured four to five
times faster for synchronous views than Django's own ASGI handler; a `FileResponse` is streamed
instead of read into memory.
"""

from typing import Any

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter

from config.env.readers import env_int
from config.wsgi import application as wsgi_application

# Each thread may hold a database connection: compare config.env.databases.MAX_POOL_SIZE.
HTTP_THREADS = env_int("HTTP_THREADS", 8, min=1, max=256)


def _socket_application() -> Any:
    # These imports need the models, and so Django, which `config.wsgi` has set up by now.
    from api.pictures_service import socket_messages as pictures_service
    from notifications.sockets.routing import socket_application

    return socket_application({pictures_service.FORMAT: pictures_service.update_pictures_messages})


_http = WSGIMiddleware(wsgi_application, workers=HTTP_THREADS)  # type: ignore[arg-type]  # a WSGI app
application = ProtocolTypeRouter({"http": _http, "websocket": _socket_application()})
