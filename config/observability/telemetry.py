"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT is set and its packages are installed.

Nothing of OpenTelemetry is imported otherwise. Its own OTEL_… variables apply as it documents them.
"""

import logging
from typing import TYPE_CHECKING

from config.env.readers import env_str
from lib.request_id import current_request_id

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from opentelemetry.trace import Span

logger = logging.getLogger(__name__)
ENDPOINT = env_str("OTEL_EXPORTER_OTLP_ENDPOINT")
SERVICE = env_str("OTEL_SERVICE_NAME", "tintype")
# Machines request these every few seconds.
_EXCLUDED_URLS = "healthz,readyz,metrics"
# The span attributes that hold URLs, by their older and their newer names.
_URL_ATTRIBUTES = ("http.url", "http.target", "url.full", "url.path", "url.query")


def start() -> None:
    """Trace the requests, tasks and queries of this process.

    Must be called before Django loads the middleware.
    """
    if not ENDPOINT:
        return
    try:
        _instrument()
    except ImportError as error:
        logger.warning(
            "no traces are sent: %s is not installed (pip install tintype[telemetry])", error.name
        )


def _instrument() -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    # Position 1 is inside the middleware that sets the request id.
    DjangoInstrumentor().instrument(
        middleware_position=1, response_hook=_annotate_span, excluded_urls=_EXCLUDED_URLS
    )
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    PsycopgInstrumentor().instrument()


def _annotate_span(span: "Span", request: "HttpRequest", response: "HttpResponse") -> None:
    """Replace URLs, which may hold a link's token or a signature, by the route."""
    route = request.resolver_match.route if request.resolver_match else ""
    for name in _URL_ATTRIBUTES:
        if name in (getattr(span, "attributes", None) or {}):
            span.set_attribute(name, f"/{route}")
    span.set_attribute("request_id", current_request_id())
