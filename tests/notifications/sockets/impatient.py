"""The ASGI application, for which few events wait, and whose CLOSE_TIMEOUT the environment sets."""

import os
from importlib import import_module

application = import_module("config.asgi").application
vars(import_module("notifications.sockets.subscription")).update(MAX_WAITING_EVENTS=50)
vars(import_module("notifications.sockets.consumers")).update(
    CLOSE_TIMEOUT=float(os.environ["CLOSE_TIMEOUT"])
)
