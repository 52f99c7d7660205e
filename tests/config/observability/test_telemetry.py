"""Traces are sent to OTEL_EXPORTER_OTLP_ENDPOINT; without it nothing of them is imported."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.pictures import jpeg
from tests.processes import PASSWORD, ROOT, dev_run, until
from tests.servers.databases import fresh_database
from tests.servers.plugin import Database

pytestmark = [pytest.mark.processes, pytest.mark.nightly, pytest.mark.timeout(180)]


class Collector(ThreadingHTTPServer):
    """A collector that keeps the traces it receives."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), CollectorHandler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.received: list[ExportTraceServiceRequest] = []

    def spans(self) -> list[Span]:
        return [span for request in self.received for resource in request.resource_spans
                for scope in resource.scope_spans for span in scope.spans]  # fmt: skip


class CollectorHandler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.postgres
def test_an_upload_is_one_trace_from_the_request_through_queries_to_the_task(
    tmp_path: Path, collector: Collector, postgres_server: Database
) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with (
        fresh_database(postgres_server.url, f"telemetry_{os.getpid()}") as database,
        dev_run(tmp_path / "data", DATABASE_URL=database, **variables) as service,
    ):
        sign_in = {"username": "admin", "password": PASSWORD}
        key = requests.post(f"{service.url}/api/user/token/", data=sign_in, timeout=10).json()
        answer = requests.post(
            f"{service.url}/api/user/images/?with=a-secret",
            headers={"Authorization": f"Token {key['token']}"},
            files={"image": jpeg(900, 600)},
            timeout=30,
        )
        assert answer.status_code == 201
        request_id = answer.headers["X-Request-ID"]
        until(lambda: {"POST", "INSERT", "UPDATE", "run/thumbnails.ensure"}
              <= span_names_of(collector.spans(), request_id), 60, service)  # fmt: skip
        service.stop()
    assert "a-secret" not in str(collector.spans())


def span_names_of(spans: list[Span], request_id: str) -> set[str]:
    """Return the first word of the name of each span in the traces of a request."""
    expected = ("request_id", request_id)
    traces = {span.trace_id for span in spans for attribute in span.attributes
              if (attribute.key, attribute.value.string_value) == expected}  # fmt: skip
    return {span.name.split()[0] for span in spans if span.trace_id in traces}


def test_opentelemetry_is_not_imported_without_an_endpoint() -> None:
    # Some libraries import its interface by themselves.
    ours = ("opentelemetry.instrumentation", "opentelemetry.exporter", "opentelemetry.sdk.trace")
    modules = "config.wsgi, config.asgi, config.celery"
    code = f"import sys, {modules}; print([m for m in sys.modules if m.startswith({ours})])"
    env = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=env | {"LOCAL": "on"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert finished.stdout.strip() == "[]"


def test_missing_packages_are_logged_in_one_line_and_stop_nothing(collector: Collector) -> None:
    """requirements.txt does not install them."""
    code = (
        "import sys; sys.modules['opentelemetry.sdk.trace'] = None\n"
        "import config.wsgi; print(callable(config.wsgi.application))"
    )
    env = os.environ | {"LOCAL": "on", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "True"
    assert finished.stderr.count("pip install tintype[telemetry]") == 1
