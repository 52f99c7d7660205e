"""HTTP for granian and for the one-port run."""

from django.core.wsgi import get_wsgi_application

from config.observability import telemetry
from config.start import load_settings

load_settings()
telemetry.start()
application = get_wsgi_application()
