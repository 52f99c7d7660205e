"""Django's settings made anew in a forked process, whose servers and folders are its own."""

import importlib
import sys
from types import ModuleType
from typing import Any

from asgiref.local import Local


def renew_settings() -> None:
    """Read the environment again, and tell whoever kept what it said before."""
    for name in ("config.settings", "tests.settings"):
        importlib.reload(sys.modules[name])
    _put_in_force(sys.modules["tests.settings"])


def _put_in_force(module: ModuleType) -> None:
    # Django's settings are there by now, which importing this module does not ask for.
    from django.conf import settings
    from django.core.signals import setting_changed
    from django.db import connections
    from django.utils.log import configure_logging

    for name in filter(str.isupper, dir(module)):
        value = getattr(module, name)
        if getattr(settings, name, None) != value:
            setattr(settings, name, value)
            if name != "DATABASES":  # Django warns that no receiver takes it
                setting_changed.send(sender=None, setting=name, value=value, enter=True)
    # As Django's own tests do for caches.
    handler: Any = connections
    handler._settings = handler.settings = handler.configure_settings(None)
    handler._connections = Local(handler.thread_critical)
    # What was set up before writes to where the other process captured its output.
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
