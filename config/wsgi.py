"""The WSGI application, for granian and for the one-port run (config.asgi)."""

from typing import Any

from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

from config.observability import telemetry
from config.start import load_settings, report_walls, require_default_picture
from config.unread_bodies import EndingBody, discard_rest

load_settings()
# Before the application loads the middleware, which telemetry extends.
telemetry.start()
_django = get_wsgi_application()
require_default_picture()
report_walls()


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """Serve a request, whatever its Content-Type and however early it is refused.

    A Content-Type that Django cannot parse stands there without parameters.
    """
    content_type = environ.get("CONTENT_TYPE", "")
    try:
        parse_header_parameters(content_type)
    except ValueError:
        environ["CONTENT_TYPE"] = content_type.partition(";")[0]
    with EndingBody(environ["wsgi.input"]) as environ["wsgi.input"]:
        try:
            return _django(environ, start_response)
        finally:
            discard_rest(environ)
