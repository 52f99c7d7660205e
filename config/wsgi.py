"""The WSGI application, for granian and for the one-port run (config.asgi)."""

from django.core.wsgi import get_wsgi_application

from config.observability import telemetry
from config.start import load_settings

load_settings()
# Before the application loads the middleware, which telemetry extends.
telemetry.start()
application = get_wsgi_application()
