"""The WSGI application, for granian and for the one-port run (config.asgi)."""

import re
import sys
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

from config.health.listener import serve_own_health
from config.observability import telemetry
from config.progress import WatchedApplication, watch_web
from config.start import (
    limit_storage_threads,
    load_settings,
    loading,
    report_walls,
    require_default_picture,
    start_decoders,
)
from config.unread_bodies import EndingBody, discard_rest
from lib.draining import DrainingApplication

_CHARSET = re.compile(r";\s*charset\s*=[^;]*", re.IGNORECASE)
with loading():
    load_settings()
    # While Django is loaded. Below `config.asgi` this is the process of sockets, which decodes
    # nothing, or a one-port run, which starts decoders itself (devkit.web).
    _wait_for_decoders = (
        None if "config.asgi" in sys.modules else start_decoders(are_for_checks=True)
    )
    # Before the application loads the middleware, which telemetry extends.
    telemetry.start()
    _django = get_wsgi_application()
require_default_picture()
report_walls()
if _wait_for_decoders:
    _wait_for_decoders()
limit_storage_threads()
serve_own_health()


def _application(environ: dict[str, Any], start_response: Any) -> Any:
    """Let Django serve a request, whatever its Content-Type and however early it is refused.

    A Content-Type that Django cannot parse stands there without parameters.
    """
    content_type = environ.get("CONTENT_TYPE", "")
    try:
        _, parameters = parse_header_parameters(content_type)
        # Of the names that Django takes for charsets, some are of no text (`bz2`), and fail later.
        "a".encode(parameters.get("charset") or "ascii")
    except ValueError:
        environ["CONTENT_TYPE"] = content_type.partition(";")[0]
    except LookupError:
        environ["CONTENT_TYPE"] = _CHARSET.sub("", content_type)
    with EndingBody(environ["wsgi.input"]) as environ["wsgi.input"]:
        try:
            return _django(environ, start_response)
        finally:
            discard_rest(environ)


def _with_byte_layer() -> Any:
    """Return the application; with traces everything goes through Django, which makes them."""
    # It needs the models, and so Django, which is set up by now.
    from config.byte_layer import ByteLayer

    return _application if telemetry.ENDPOINT else ByteLayer(_application)


application: Any = WatchedApplication(_with_byte_layer())
if settings.DRAIN_SECONDS and "config.asgi" not in sys.modules:
    application = DrainingApplication(application)
    application.listen_to_server()
watch_web()
