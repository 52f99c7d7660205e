"""OpenTelemetry, where its packages are installed and OTEL_EXPORTER_OTLP_ENDPOINT says where to.

Nothing of it is imported otherwise. Its own variables (OTEL_…) hold as its documentation says.
"""

import logging
from typing import TYPE_CHECKING

from config.env.readers import env_str
from lib.request_id import current_id

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from opentelemetry.trace import Span

logger = logging.getLogger(__name__)
ENDPOINT = env_str("OTEL_EXPORTER_OTLP_ENDPOINT")
SERVICE = env_str("OTEL_SERVICE_NAME", "tintype")
# Asked every few seconds by machines.
_NOT_TRACED = "healthz,readyz,metrics"
# Where the instrumentation puts addresses, in its older and its newer names.
_ADDRESSES = ("http.url", "http.target", "url.full", "url.path", "url.query")


def start() -> None:
    """Trace this process's requests, tasks and queries; before the middleware is loaded."""
    if not ENDPOINT:
        return
    try:
        _instrument()
    except ImportError as error:
        logger.warning(
            "no traces: %s is not installed (pip install tintype[telemetry])", error.name
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
    # Behind the middleware that knows the request's id.
    DjangoInstrumentor().instrument(
        middleware_position=1, response_hook=_describe, excluded_urls=_NOT_TRACED
    )
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    PsycopgInstrumentor().instrument()


def _describe(span: "Span", request: "HttpRequest", response: "HttpResponse") -> None:
    """Name the route instead of the address, which may hold a link's token or a signature."""
    route = request.resolver_match.route if request.resolver_match else ""
    for name in _ADDRESSES:
        if name in (getattr(span, "attributes", None) or {}):
            span.set_attribute(name, f"/{route}")
    span.set_attribute("request_id", current_id())
