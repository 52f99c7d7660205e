"""The ASGI application, which drops who does not answer a ping in seconds."""

from importlib import import_module

# Sets up Django, which the next import needs.
import_module("config.wsgi")
vars(import_module("api.pictures_service.socketio.server")).update(PING_INTERVAL=2, PING_TIMEOUT=10)
application = import_module("config.asgi").application
