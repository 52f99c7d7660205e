"""The ASGI application, for which few events wait, and whose CLOSE_TIMEOUT the environment sets."""

import os

from config.asgi import application
from notifications.sockets import consumers, subscription

__all__ = ["application"]
subscription.MAX_WAITING_EVENTS = 50
consumers.CLOSE_TIMEOUT = float(os.environ["CLOSE_TIMEOUT"])
